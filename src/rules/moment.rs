//! Moments as text: RFC 3339 with an offset in, China's offset (+08:00) and milliseconds out.

use jiff::civil::{Date, DateTime, Time};
use jiff::tz::Offset;

use super::words::Words;
use crate::domain::ids::Timestamp;

const CHINA: Offset = Offset::constant(8);

/// The year's first moment in China: what lies before it has no four digits for its year.
const FIRST_MS: i64 = -62_167_248_000_000;

/// What a moment is to look like.
pub(super) const FORM: &Words = &Words::fixed(
    "RFC 3339 with an offset, for example 2022-03-01T08:00:00+08:00",
    "应为带时区的 RFC 3339，例如 2022-03-01T08:00:00+08:00",
);

/// Why a text names no moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BadMoment {
    /// It is no RFC 3339 time with an offset.
    NoTime,
    /// It is one, and lies where no moment can be written.
    OutOfRange,
}

impl BadMoment {
    /// What is wrong, and what would be right.
    #[must_use]
    pub fn words(self, text: &str) -> Words {
        self.message(text).and(self.hint())
    }

    /// What is wrong.
    pub(super) fn message(self, text: &str) -> Words {
        match self {
            Self::NoTime => {
                Words::new(format!("'{text}' is not a time"), format!("“{text}”不是时间"))
            }
            Self::OutOfRange => Words::new(
                format!("'{text}' is out of range"),
                format!("“{text}”超出可表示的时间范围"),
            ),
        }
    }

    /// What would be right.
    pub(super) const fn hint(self) -> &'static Words {
        const RANGE: &Words = &Words::fixed(
            "from 0000-01-01T00:00:00+08:00 to 9999-12-31T06:00:00+08:00",
            "应在 0000-01-01T00:00:00+08:00 至 9999-12-31T06:00:00+08:00 之间",
        );
        match self {
            Self::NoTime => FORM,
            Self::OutOfRange => RANGE,
        }
    }
}

/// The moment that an RFC 3339 text with an offset names, cut to the millisecond:
/// `YYYY-MM-DDTHH:MM:SS[.fraction](Z|±HH:MM)`. A leap second (`:60`) is refused: the clock has none.
///
/// # Errors
/// When it is no such text, or names what [`write_moment`] cannot write.
pub fn parse_moment(text: &str) -> Result<Timestamp, BadMoment> {
    let (local, offset) = read(text.as_bytes()).ok_or(BadMoment::NoTime)?;
    let moment = offset.to_timestamp(local).map_err(|_| BadMoment::OutOfRange)?;
    let moment = moment.as_millisecond();
    if moment < FIRST_MS { Err(BadMoment::OutOfRange) } else { Ok(Timestamp(moment)) }
}

/// What its clock shows, and how far it is ahead of UTC.
fn read(text: &[u8]) -> Option<(DateTime, Offset)> {
    let (local, rest) = text.split_at_checked("YYYY-MM-DDTHH:MM:SS".len())?;
    let stands = |at: usize, mark: &[u8]| local.get(at).is_some_and(|byte| mark.contains(byte));
    let marks: [(usize, &[u8]); 5] = [(4, b"-"), (7, b"-"), (10, b"Tt"), (13, b":"), (16, b":")];
    if !marks.iter().all(|(at, mark)| stands(*at, mark)) {
        return None;
    }
    let two = |at: usize| number::<i8>(local.get(at..at + 2)?);
    let date = Date::new(number(local.get(..4)?)?, two(5)?, two(8)?).ok()?;
    let (millisecond, rest) = fraction(rest)?;
    let time = Time::new(two(11)?, two(14)?, two(17)?, millisecond * 1_000_000).ok()?;
    Some((date.to_datetime(time), offset(rest)?))
}

/// The milliseconds of a fraction of any length, none where there is none; and what is behind it.
fn fraction(text: &[u8]) -> Option<(i32, &[u8])> {
    let Some(text) = text.strip_prefix(b".") else {
        return Some((0, text));
    };
    let length = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (digits, rest) = text.split_at(length);
    let three = [0, 1, 2].map(|at| digits.get(at).copied().unwrap_or(b'0'));
    if digits.is_empty() { None } else { Some((number(&three)?, rest)) }
}

fn offset(text: &[u8]) -> Option<Offset> {
    let (sign, hours, minutes) = match text {
        b"Z" | b"z" => return Some(Offset::UTC),
        [b'+', h, i, b':', m, n] => (1, [*h, *i], [*m, *n]),
        [b'-', h, i, b':', m, n] => (-1, [*h, *i], [*m, *n]),
        _ => return None,
    };
    let (hours, minutes): (i32, i32) = (number(&hours)?, number(&minutes)?);
    let is_good = hours < 24 && minutes < 60;
    if is_good { Offset::from_seconds(sign * (hours * 60 + minutes) * 60).ok() } else { None }
}

/// The number that digits say, and nothing but digits.
fn number<T: std::str::FromStr>(digits: &[u8]) -> Option<T> {
    let text = std::str::from_utf8(digits).ok()?;
    if digits.iter().all(u8::is_ascii_digit) { text.parse().ok() } else { None }
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
    fn a_moment_is_read_in_every_form_that_the_standard_has() {
        let rows = [
            ("2022-03-01t08:00:00z", "2022-03-01T16:00:00.000+08:00"),
            ("2022-03-01T08:00:00.1+08:00", "2022-03-01T08:00:00.100+08:00"),
            ("2022-03-01T08:00:00.0019999999999999999+08:00", "2022-03-01T08:00:00.001+08:00"),
            ("1969-12-31T23:59:59.9999Z", "1970-01-01T07:59:59.999+08:00"),
            ("2022-03-01T00:00:00-00:00", "2022-03-01T08:00:00.000+08:00"),
            ("2022-03-01T00:00:00+23:59", "2022-02-28T08:01:00.000+08:00"),
            ("2024-02-29T00:00:00-05:30", "2024-02-29T13:30:00.000+08:00"),
            ("0000-01-01T00:00:00+08:00", "0000-01-01T00:00:00.000+08:00"),
            ("9999-12-31T06:00:00+08:00", "9999-12-31T06:00:00.000+08:00"),
        ];
        for (text, written) in rows {
            let read = parse_moment(text).ok().and_then(write_moment);
            assert_eq!(read.as_deref(), Some(written), "{text}");
        }
    }

    #[test]
    fn what_is_no_time_by_the_standard_is_refused() {
        let rows = [
            "2022-03-01T08:00:00",
            "2022-03-01",
            "",
            "soon",
            "2022-02-30T00:00:00Z",
            "2023-02-29T00:00:00Z",
            "2022-03-01T24:00:00Z",
            "2022-03-01T08:60:00Z",
            "2016-12-31T23:59:60Z",
            "2022-03-01T08:00:00+25:00",
            "2022-03-01T08:00:00+24:00",
            "2022-03-01T08:00:00+08:60",
            "2022-03-01T08:00:00+0800",
            "2022-03-01T08:00:00+08",
            "2022-03-01T08:00:00+08:00:00",
            "2022-03-01T08:00:00+08:00[Asia/Shanghai]",
            "2022-03-01T08:00:00,5+08:00",
            "2022-03-01T08:00:00.+08:00",
            "2022-03-01T08:00+08:00",
            "2022-03-01 08:00:00+08:00",
            "20220301T080000Z",
            "2022-3-01T08:00:00Z",
            "-000001-03-01T08:00:00Z",
            "+2022-03-01T08:00:00Z",
            "+022-03-01T08:00:00Z",
            "2022-03-01T08:00:00Z ",
            "２０２２-03-01T08:00:00Z",
        ];
        for text in rows {
            assert_eq!(parse_moment(text), Err(BadMoment::NoTime), "{text}");
        }
    }

    #[test]
    fn what_cannot_be_written_is_refused_as_such() {
        let rows = [
            "9999-12-31T23:59:59Z",
            "9999-12-31T06:00:01+08:00",
            "0000-01-01T00:00:00+08:01",
            "0000-01-01T00:00:00+23:59",
        ];
        for text in rows {
            let bad = parse_moment(text).unwrap_err();
            assert_eq!(bad, BadMoment::OutOfRange, "{text}");
            assert!(bad.words(text).english.contains("is out of range; from 0000-"), "{text}");
        }
    }

    #[test]
    fn a_moment_beyond_the_years_has_no_text() {
        assert_eq!(write_moment(Timestamp(i64::MAX)), None);
    }
}
