//! Operations that will go: since when, until when, and how their answers say so.
//!
//! `docs/api-policy.md` is the promise; the table is where it is kept. An operation that stands here
//! is marked deprecated in the document, and each of its answers carries `Deprecation` (RFC 9745) and
//! `Sunset` (RFC 8594).

use http::header::LINK;
use http::{HeaderMap, HeaderName, HeaderValue, Method};

use crate::domain::ids::Timestamp;
use crate::rules::write_http_date;

/// Since when an operation is deprecated.
const DEPRECATION: HeaderName = HeaderName::from_static("deprecation");
/// From when it may be gone.
const SUNSET: HeaderName = HeaderName::from_static("sunset");
/// Where one can read of it.
const WHERE: HeaderValue =
    HeaderValue::from_static("</docs>; rel=\"deprecation\"; type=\"text/html\"");

/// Days that lie at least between deprecation and sunset.
pub const DAYS_MIN: i64 = 180;

/// An operation that will go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Going {
    /// Its method.
    pub method: &'static str,
    /// Its path, as the document writes it.
    pub path: &'static str,
    /// Since when it is deprecated.
    pub deprecated_at: Timestamp,
    /// From when it may be gone.
    pub sunset_at: Timestamp,
}

/// Every operation that will go. None today.
pub const GOING: &[Going] = &[];

impl Going {
    /// The one that a request is for.
    pub(super) fn of<'a>(going: &'a [Self], method: &Method, path: &str) -> Option<&'a Self> {
        going.iter().find(|one| one.method == method.as_str() && is_path_of(path, one.path))
    }

    /// Says it on an answer.
    pub(super) fn tell(&self, headers: &mut HeaderMap) {
        let since = format!("@{}", self.deprecated_at.0.div_euclid(1_000));
        let until = write_http_date(self.sunset_at);
        let values = [(DEPRECATION, Some(since)), (SUNSET, until)];
        for (name, value) in values {
            if let Some(value) = value.and_then(|value| HeaderValue::try_from(value).ok()) {
                headers.insert(name, value);
            }
        }
        headers.append(LINK, WHERE);
    }

    /// Whether clients have the time that they were promised.
    #[must_use]
    pub fn leaves_time(&self) -> bool {
        self.sunset_at.0 - self.deprecated_at.0 >= DAYS_MIN * 86_400_000
    }
}

fn is_path_of(path: &str, template: &str) -> bool {
    let (mut parts, mut names) = (path.split('/'), template.split('/'));
    loop {
        match (parts.next(), names.next()) {
            (None, None) => return true,
            (Some(part), Some(name)) if part == name || name.starts_with('{') => {}
            (Some(_), Some(_) | None) | (None, Some(_)) => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_one_of_its_template() {
        let rows = [
            ("/v1/cases", "/v1/cases", true),
            ("/v1/cases/7", "/v1/cases/{id}", true),
            ("/v1/cases/7/close", "/v1/cases/{id}", false),
            ("/v1/cases", "/v1/cases/{id}", false),
            ("/v1/units/4", "/v1/cases/{id}", false),
        ];
        for (path, template, is_of) in rows {
            assert_eq!(is_path_of(path, template), is_of, "{path} {template}");
        }
    }

    #[test]
    fn whatever_goes_leaves_its_users_time() {
        let day = |day: i64| Timestamp(day * 86_400_000);
        let going = |sunset_at| Going {
            method: "GET",
            path: "/v1/matters",
            deprecated_at: day(20_000),
            sunset_at,
        };
        assert!(going(day(20_180)).leaves_time());
        assert!(!going(day(20_179)).leaves_time());
        for one in GOING {
            assert!(one.leaves_time(), "{} {}", one.method, one.path);
        }
    }
}
