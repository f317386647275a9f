//! One step of a run, and its line for `POST /v1/commands`. Lines are written by hand: a hundred
//! bytes of structure around texts that need no escaping are not worth a serialiser.

use super::draw::Words;
use super::text;
use crate::domain::case::{Move, Source};
use crate::domain::catalogue::MatterRow;
use crate::domain::code::{Level, UnitCode};
use crate::domain::ids::Timestamp;

/// A step: something is asked for at a time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step<'a> {
    /// When. Never before the step before.
    pub at: Timestamp,
    /// What.
    pub deed: Deed<'a>,
}

/// What a step asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Deed<'a> {
    /// A case comes.
    Report(Report<'a>),
    /// A case's holder, or the governance room above it, makes a move.
    Move(CaseMove),
    /// The clock moves on to the step's time, and everything due falls due.
    AdvanceClock,
}

/// A case of a run. Its report's key is `r-<seed>-<number>`; its source calls it by the source's
/// letter in the same form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CaseName {
    /// The seed of the run, so that runs of two seeds do not meet.
    pub seed: u64,
    /// From 1, in the order of the reports.
    pub number: u64,
    /// Where it came from.
    pub source: Source,
}

/// A move with a case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CaseMove {
    /// Which case.
    pub case: CaseName,
    /// The how-manieth move of the case, from 0: its key says it.
    pub ordinal: u8,
    /// Which move.
    pub what: Move,
    /// Who makes it.
    pub by: UnitCode,
    /// Who holds the case before the move, or ended it.
    pub holder: UnitCode,
    /// Whom it is sent to, where the move names someone.
    pub to: Option<UnitCode>,
}

/// A case as it is reported.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report<'a> {
    /// Which case.
    pub case: CaseName,
    /// The unit that reports it, or none.
    pub by: Option<UnitCode>,
    /// Of what.
    pub matter: &'a MatterRow,
    /// Where: a grid, or a village where no more is known.
    pub place: UnitCode,
    /// What people call the place.
    pub place_name: &'a str,
    /// Whether its source gives it a number: where moves will follow.
    pub is_numbered: bool,
    /// When it happened, where a phone sends it late.
    pub occurred_at: Option<Timestamp>,
    /// Whether it names who claims.
    pub has_claimant: bool,
    /// Whether it reports again what a recent one did.
    pub is_duplicate: bool,
    /// Whether its reporter settles it in the same call.
    pub settles: bool,
}

impl Step<'_> {
    /// Appends the step's line, with its end.
    pub fn write_line(&self, out: &mut Vec<u8>) {
        match &self.deed {
            Deed::Report(report) => report.write(out, Some(self.at)),
            Deed::Move(one) => one.write(out, self.at),
            Deed::AdvanceClock => {
                put(out, r#"{"command":"advance_clock","to":""#);
                moment(out, self.at);
                put(out, "\"}\n");
            }
        }
    }
}

impl Report<'_> {
    /// Appends the report's line without a time, with its end. Its key begins with `n-`.
    pub fn write_line(&self, out: &mut Vec<u8>) {
        self.write(out, None);
    }

    fn write(&self, out: &mut Vec<u8>, at: Option<Timestamp>) {
        put(out, r#"{"command":"report_case","key":""#);
        // A run's reports and those without times are other reports, even of one seed.
        put(out, if at.is_some() { "r-" } else { "n-" });
        self.case.write_numbers(out);
        if let Some(at) = at {
            put(out, r#"","at":""#);
            moment(out, at);
        }
        if let Some(by) = self.by {
            put(out, r#"","by":""#);
            code(out, by);
        }
        put(out, r#"","matter":""#);
        escaped(out, &self.matter.code);
        put(out, r#"","place":""#);
        code(out, self.place);
        put(out, r#"","source":""#);
        put(out, self.case.source.name());
        if self.is_numbered {
            put(out, r#"","source_number":""#);
            self.case.write_source_number(out);
        }
        if let Some(occurred_at) = self.occurred_at {
            put(out, r#"","occurred_at":""#);
            moment(out, occurred_at);
        }
        let mut words = Words::of(self.case.seed, self.case.number, 0);
        if self.has_claimant {
            put(out, r#"","claimant":"#);
            text::claimant(out, &mut words, self.place_name);
            put(out, r#","text":""#);
        } else {
            put(out, r#"","text":""#);
        }
        text::report(out, &mut words, self.place_name, &self.matter.name, self.is_duplicate);
        if self.settles {
            put(out, r#"","settle":{"answer":""#);
            text::outcome(out, &mut words);
            put(out, "\"}}\n");
        } else {
            put(out, "\"}\n");
        }
    }
}

impl CaseName {
    fn write_numbers(self, out: &mut Vec<u8>) {
        number(out, self.seed);
        out.push(b'-');
        number(out, self.number);
    }

    fn write_source_number(self, out: &mut Vec<u8>) {
        out.push(match self.source {
            Source::Patrol => b'G',
            Source::Resident => b'R',
            Source::Hotline => b'H',
            Source::Department => b'D',
            Source::Sensor => b'S',
        });
        out.push(b'-');
        self.write_numbers(out);
    }
}

impl CaseMove {
    fn write(&self, out: &mut Vec<u8>, at: Timestamp) {
        let Form { command, letter, field } = form(self.what);
        put(out, r#"{"command":""#);
        put(out, command);
        put(out, r#"","key":""#);
        out.extend_from_slice(&[letter, b'-']);
        self.case.write_numbers(out);
        out.push(b'-');
        number(out, u64::from(self.ordinal));
        put(out, r#"","at":""#);
        moment(out, at);
        put(out, r#"","by":""#);
        code(out, self.by);
        put(out, r#"","case":{"source":""#);
        put(out, self.case.source.name());
        put(out, r#"","number":""#);
        self.case.write_source_number(out);
        put(out, "\"}");
        if let Some(to) = self.to {
            put(out, r#","to":""#);
            code(out, to);
            out.push(b'"');
        }
        if let Some((field, text)) = field {
            put(out, ",\"");
            put(out, field);
            put(out, "\":\"");
            text(
                out,
                &mut Words::of(self.case.seed, self.case.number, 1 + u64::from(self.ordinal)),
            );
            out.push(b'"');
        }
        put(out, "}\n");
    }
}

/// Writes what a text of its kind says.
type Say = fn(&mut Vec<u8>, &mut Words);

/// How a move is written.
struct Form {
    command: &'static str,
    /// The first letter of its keys.
    letter: u8,
    /// What says why, or what was done.
    field: Option<(&'static str, Say)>,
}

const fn form(what: Move) -> Form {
    let (command, letter, field): (_, _, Option<(_, Say)>) = match what {
        Move::Acknowledge => ("acknowledge_case", b'a', None),
        Move::Escalate => ("escalate_case", b'e', Some(("reason", text::up))),
        Move::Handle => ("handle_case", b'h', Some(("measures", text::outcome))),
        Move::Close => ("close_case", b'c', Some(("answer", text::outcome))),
        Move::HandDown => ("hand_down_case", b'd', Some(("reason", text::aside))),
        Move::Transfer => ("transfer_case", b't', Some(("reason", text::aside))),
        Move::Return => ("return_case", b'b', Some(("reason", text::aside))),
        Move::Decline => ("decline_case", b'x', Some(("reason", text::no_case))),
        Move::Reopen => ("reopen_case", b'o', Some(("reason", text::again))),
        Move::Void => ("void_case", b'v', Some(("reason", text::no_case))),
        Move::Note => ("note_case", b'n', Some(("note", text::outcome))),
    };
    Form { command, letter, field }
}

fn put(out: &mut Vec<u8>, text: &str) {
    out.extend_from_slice(text.as_bytes());
}

/// A text within quotes, as JSON wants it.
pub(super) fn escaped(out: &mut Vec<u8>, text: &str) {
    let is_plain = |byte: u8| byte >= b' ' && byte != b'"' && byte != b'\\';
    if text.bytes().all(is_plain) {
        return put(out, text);
    }
    for byte in text.bytes() {
        match byte {
            b'"' | b'\\' => out.extend_from_slice(&[b'\\', byte]),
            0..b' ' => {
                put(out, "\\u00");
                out.push(b'0' + (byte >> 4));
                out.push(b"0123456789abcdef"[usize::from(byte & 15)]);
            }
            _ => out.push(byte),
        }
    }
}

/// A number in decimal.
pub(super) fn number(out: &mut Vec<u8>, number: u64) {
    let digits = number.checked_ilog10().map_or(1, |log| log as usize + 1);
    padded(out, number, digits);
}

/// A number's last `digits` decimal digits.
pub(super) fn padded(out: &mut Vec<u8>, mut number: u64, digits: usize) {
    let end = out.len() + digits;
    out.resize(end, b'0');
    for place in out[end - digits..].iter_mut().rev() {
        *place += u8::try_from(number % 10).expect("a digit");
        number /= 10;
    }
}

fn code(out: &mut Vec<u8>, code: UnitCode) {
    match (code.level(), code.letter()) {
        (Level::Grid, _) => padded(out, code.place(), 15),
        (_, None) => padded(out, code.place() / 1_000, 12),
        (_, Some(_)) => put(out, &code.to_string()),
    }
}

/// RFC 3339 in +08:00 with milliseconds.
fn moment(out: &mut Vec<u8>, at: Timestamp) {
    const DAY_MS: i64 = 86_400_000;
    let local = at.0 + 8 * 3_600_000;
    let (year, month, day) = civil(local.div_euclid(DAY_MS));
    let ms = local.rem_euclid(DAY_MS).cast_unsigned();
    padded(out, year, 4);
    out.push(b'-');
    padded(out, month, 2);
    out.push(b'-');
    padded(out, day, 2);
    out.push(b'T');
    padded(out, ms / 3_600_000, 2);
    out.push(b':');
    padded(out, ms / 60_000 % 60, 2);
    out.push(b':');
    padded(out, ms / 1_000 % 60, 2);
    out.push(b'.');
    padded(out, ms % 1_000, 3);
    put(out, "+08:00");
}

/// Year, month and day of a day counted from 1970-01-01, which must not lie before the year 0:
/// the well-known arithmetic over 400-year eras that begin on 1 March.
fn civil(days: i64) -> (u64, u64, u64) {
    let days = (days + 719_468).cast_unsigned();
    let (era, of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    (era * 400 + year_of_era + u64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(write: impl FnOnce(&mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        write(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn moments_are_written_as_the_rules_room_writes_them() {
        for day in 0..40_000_i64 {
            let at = Timestamp(day * 86_400_000 + day * 7_919_123 % 86_400_000);
            assert_eq!(Some(text(|out| moment(out, at))), crate::rules::write_moment(at));
        }
    }

    #[test]
    fn codes_and_numbers_are_written_as_they_are_printed() {
        for one in ["411500000000", "411502001001", "411502001001007", "411502001000-R01"] {
            assert_eq!(text(|out| code(out, one.parse().unwrap())), one);
        }
        for one in [0, 9, 10, 640_000, u64::MAX] {
            assert_eq!(text(|out| number(out, one)), one.to_string());
        }
    }

    #[test]
    fn what_json_escapes_is_escaped() {
        let odd = "a\"b\\c\nd\u{1f}村";
        let quoted = format!("\"{}\"", text(|out| escaped(out, odd)));
        assert_eq!(serde_json::from_str::<String>(&quoted).unwrap(), odd);
    }
}
