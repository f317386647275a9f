//! Moments as text: RFC 3339 with an offset in, China's offset (+08:00) and milliseconds out.

use jiff::tz::Offset;

use crate::domain::ids::Timestamp;

const CHINA: Offset = Offset::constant(8);

/// The moment that an RFC 3339 text with an offset names, to the millisecond. None when it is no
/// such text.
#[must_use]
pub fn parse_moment(text: &str) -> Option<Timestamp> {
    let moment: jiff::Timestamp = text.parse().ok()?;
    Some(Timestamp(moment.as_millisecond()))
}

/// The moment as RFC 3339 in +08:00 with milliseconds: `2022-03-01T08:00:00.000+08:00`. None
/// beyond the year 9999.
#[must_use]
pub fn write_moment(moment: Timestamp) -> Option<String> {
    let moment = jiff::Timestamp::from_millisecond(moment.0).ok()?;
    Some(format!("{:.3}", moment.display_with_offset(CHINA)))
}

/// The moment as HTTP writes it, to the second: `Thu, 01 Jul 2027 00:00:00 GMT`. None beyond the year
/// 9999.
#[must_use]
pub fn write_http_date(moment: Timestamp) -> Option<String> {
    let moment = jiff::Timestamp::from_millisecond(moment.0).ok()?;
    Some(moment.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_prints_as_it_was_read() {
        for text in ["2022-03-01T08:00:00.000+08:00", "1970-01-01T08:00:00.001+08:00"] {
            assert_eq!(write_moment(parse_moment(text).unwrap()).as_deref(), Some(text));
        }
        assert_eq!(parse_moment("2022-03-01T00:00:00Z"), parse_moment("2022-03-01T08:00:00+08:00"));
    }

    #[test]
    fn a_moment_needs_its_offset() {
        for text in ["2022-03-01T08:00:00", "2022-03-01", "", "soon", "2022-02-30T00:00:00Z"] {
            assert_eq!(parse_moment(text), None, "{text}");
        }
    }

    #[test]
    fn a_moment_beyond_the_years_has_no_text() {
        assert_eq!(write_moment(Timestamp(i64::MAX)), None);
    }
}
