//! Which of the two languages a reader wants.

use http::header::{ACCEPT_LANGUAGE, CONTENT_LANGUAGE, VARY};
use http::{HeaderMap, HeaderValue};

use crate::rules::Words;

/// A language that problems are told in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Language {
    /// The default.
    #[default]
    English,
    /// 中文
    Chinese,
}

impl Language {
    /// The one that `Accept-Language` weighs higher; the first of equals; English without one.
    #[must_use]
    pub fn of(headers: &HeaderMap) -> Self {
        let Some(wanted) = headers.get(ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok())
        else {
            return Self::default();
        };
        let mut best = (Self::default(), 0);
        for range in wanted.split(',') {
            let (tag, weight) = weighed(range);
            let primary = tag.split('-').next().unwrap_or_default();
            let language = match primary {
                _ if primary.eq_ignore_ascii_case("zh") => Self::Chinese,
                _ if primary.eq_ignore_ascii_case("en") => Self::English,
                _ => continue,
            };
            if weight > best.1 {
                best = (language, weight);
            }
        }
        best.0
    }

    /// What is said in it.
    #[must_use]
    pub fn pick(self, words: &Words) -> &str {
        match self {
            Self::English => &words.english,
            Self::Chinese => &words.chinese,
        }
    }

    /// Says of an answer that it is in this language, and would be in another for another reader.
    pub(super) fn tell(self, headers: &mut HeaderMap) {
        headers.insert(CONTENT_LANGUAGE, HeaderValue::from_static(self.tag()));
        headers.insert(VARY, HeaderValue::from_static("accept-language"));
    }

    /// Between a sentence and what more is said of it.
    pub(super) const fn colon(self) -> &'static str {
        match self {
            Self::English => ": ",
            Self::Chinese => "：",
        }
    }

    /// What `Content-Language` says.
    #[must_use]
    pub const fn tag(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::Chinese => "zh-CN",
        }
    }
}

/// A range's tag, and its weight in thousandths.
fn weighed(range: &str) -> (&str, u32) {
    let mut parts = range.split(';').map(str::trim);
    let tag = parts.next().unwrap_or_default();
    let Some(weight) = parts.find_map(|part| part.strip_prefix("q=")) else {
        return (tag, 1_000);
    };
    let (whole, rest) = weight.split_once('.').unwrap_or((weight, ""));
    let digits: String = rest.chars().chain("000".chars()).take(3).collect();
    let weight = whole.parse::<u32>().ok().zip(digits.parse::<u32>().ok());
    (tag, weight.map_or(0, |(whole, thousandths)| (whole * 1_000 + thousandths).min(1_000)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_weightier_language_is_told() {
        let rows = [
            ("", Language::English),
            ("zh", Language::Chinese),
            ("zh-CN,zh;q=0.9,en;q=0.8", Language::Chinese),
            ("en;q=0.8, zh;q=0.9", Language::Chinese),
            ("en, zh", Language::English),
            ("fr, zh;q=0.1", Language::Chinese),
            ("zh;q=0", Language::English),
            ("de", Language::English),
        ];
        for (header, expected) in rows {
            let mut headers = HeaderMap::new();
            headers.insert(ACCEPT_LANGUAGE, header.parse().unwrap());
            assert_eq!(Language::of(&headers), expected, "{header}");
        }
    }
}
