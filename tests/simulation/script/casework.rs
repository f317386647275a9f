//! Random casework: reports, and whatever may be done with a case.

use zhida::domain::case::{ClaimantField, ClaimantFields, Source};
use zhida::domain::command::{
    AcknowledgeCase, CaseRef, CloseCase, Command, HandleCase, NoteCase, ReasonedMove, ReportCase,
    RevealCase, SendCase, Submission, Target,
};
use zhida::domain::event::PartName;
use zhida::domain::ids::{CaseId, Timestamp};
use zhida::journal::medium::simulated::Dice;

use super::{GRIDS, Script, by, client, index, pick};
use crate::city::{ADMIN, HOUR, MATTERS, OFFICE, UNITS, ancestor, is_within, level};
use crate::shadow::Shadow;

const VERBS: [&str; 11] = [
    "acknowledge",
    "escalate",
    "handle",
    "close",
    "hand_down",
    "transfer",
    "return",
    "decline",
    "reopen",
    "void",
    "note",
];
/// Who may void and reopen, and one who may not.
const ROOMS: [&str; 5] = [
    "411500000000-R01",
    "411502000000-R01",
    "411502001000-R01",
    "411502001201-R01",
    "411502002201001",
];

impl Script {
    pub(super) fn report(&mut self, dice: &mut Dice, shadow: &Shadow) -> Option<Submission> {
        let matter = if dice.once_in(25) { "XX-001" } else { pick(dice, &MATTERS).0 };
        let place = match dice.below(20) {
            0 => "411502001201999",
            1 => "411502000000",
            2 | 3 => pick(dice, &UNITS),
            _ => pick(dice, &GRIDS),
        };
        let occurred = dice.once_in(4).then(|| {
            let hours = i64::try_from(dice.below(14)).expect("small") - 1;
            Timestamp(shadow.now - hours * HOUR)
        });
        let number = dice.once_in(4).then(|| format!("N-{}", dice.below(60)));
        let report = ReportCase {
            matter: matter.into(),
            place: place.parse().expect("a good code"),
            source: *pick(dice, Source::ALL),
            source_number: number.map(Into::into),
            occurred_at: occurred,
            claimant: if dice.once_in(3) { Some(self.part(PartName::Claimant)?) } else { None },
            text: self.part(PartName::Text)?,
            settle: if dice.once_in(3) { Some(self.part(PartName::Answer)?) } else { None },
        };
        let unit = match dice.below(12) {
            0 => Some("411502001201888"),
            1 => None,
            _ => Some(place),
        };
        Some(by(client(dice), unit, Command::ReportCase(Box::new(report))))
    }

    pub(super) fn verb(&mut self, dice: &mut Dice, shadow: &Shadow) -> Option<Submission> {
        let cases = u64::try_from(shadow.cases.len()).expect("few cases");
        // One beyond the last, now and then; mostly among the newest, which are open.
        let id = match dice.below(25) {
            0 => cases + 1,
            1..8 => 1 + dice.below(cases + 1),
            _ => cases - dice.below(12.min(cases + 1)),
        };
        let life = usize::try_from(id).ok().and_then(|id| shadow.cases.get(id.wrapping_sub(1)));
        let id = CaseId(u32::try_from(id).expect("few cases"));
        let code = |unit: usize| shadow.organisation.code(unit);
        let holder = life.and_then(|life| life.holder).map(code);
        let verb = verb_for(dice, life.map(|life| life.status));
        let unit = match dice.below(20) {
            0 => None,
            1 => Some("411502001201888"),
            2 => Some(*pick(dice, &UNITS)),
            _ if verb == "void" || holder.is_none() => Some(*pick(dice, &ROOMS)),
            _ => holder,
        };
        let version = match dice.below(6) {
            0 => Some(u32::try_from(dice.below(5)).expect("small")),
            1 => life.map(|life| life.version),
            _ => None,
        };
        let case = match dice.below(12) {
            0 => CaseRef::Key(format!("k-{}", 1 + dice.below(self.next_key)).into()),
            1 => CaseRef::Number(*pick(dice, Source::ALL), format!("N-{}", dice.below(60)).into()),
            _ => CaseRef::Id(id),
        };
        let target = Target { case, version };
        if dice.once_in(20) {
            let reveal = Command::RevealCase(RevealCase {
                target,
                fields: ClaimantFields::of(&[*pick(dice, ClaimantField::ALL)]),
                purpose: "回访".into(),
                ticket: dice.once_in(2).then(|| "HF-17".into()),
            });
            let principal = if dice.once_in(6) { ADMIN } else { client(dice) };
            return Some(by(principal, unit, reveal));
        }
        let command = match verb {
            "acknowledge" => Command::AcknowledgeCase(AcknowledgeCase { target }),
            "handle" => {
                Command::HandleCase(HandleCase { target, measures: self.part(PartName::Measures)? })
            }
            "close" => {
                Command::CloseCase(CloseCase { target, answer: self.part(PartName::Answer)? })
            }
            "note" => Command::NoteCase(NoteCase { target, note: self.part(PartName::Note)? }),
            "hand_down" | "transfer" => {
                let to = receiver(dice, shadow, holder, verb);
                let to = to.parse().expect("a good code");
                let send = SendCase { target, to, reason: self.part(PartName::Reason)? };
                match verb {
                    "transfer" => Command::TransferCase(send),
                    _ => Command::HandDownCase(send),
                }
            }
            _ => {
                let why = ReasonedMove { target, reason: self.part(PartName::Reason)? };
                match verb {
                    "escalate" => Command::EscalateCase(why),
                    "return" => Command::ReturnCase(why),
                    "decline" => Command::DeclineCase(why),
                    "reopen" => Command::ReopenCase(why),
                    "void" => Command::VoidCase(why),
                    other => panic!("{other} is no verb"),
                }
            }
        };
        Some(by(client(dice), unit, command))
    }
}

/// Mostly one that fits.
fn verb_for(dice: &mut Dice, status: Option<&'static str>) -> &'static str {
    let fitting: &[&str] = match status {
        _ if dice.once_in(10) => &VERBS,
        Some("dispatched") => &[
            "acknowledge",
            "acknowledge",
            "acknowledge",
            "acknowledge",
            "escalate",
            "hand_down",
            "transfer",
            "return",
            "decline",
            "void",
            "note",
        ],
        Some("acknowledged") => {
            &["handle", "handle", "handle", "escalate", "hand_down", "transfer", "void", "note"]
        }
        Some("handled") => &["close", "close", "close", "note"],
        Some(_) | None => &["reopen", "reopen", "note"],
    };
    fitting[index(dice, fitting.len())]
}

/// Whom a case may be sent to: mostly one that sits below or beside its holder, open or not.
fn receiver(dice: &mut Dice, shadow: &Shadow, holder: Option<&str>, verb: &str) -> String {
    let units = || shadow.organisation.iter().map(|(_, unit)| unit.code.as_str());
    let fits = |code: &&str| match holder {
        Some(holder) if verb == "hand_down" => is_within(code, holder),
        Some(holder) => {
            level(code) == level(holder) && level(code) <= 2 && {
                ancestor(code, 2) == ancestor(holder, 2)
            }
        }
        None => true,
    };
    let fitting: Vec<&str> = units().filter(fits).collect();
    match dice.below(12) {
        0 => "411502001201888".to_owned(),
        1 => (*pick(dice, &UNITS)).to_owned(),
        _ if fitting.is_empty() => OFFICE.to_owned(),
        _ => (*pick(dice, &fitting)).to_owned(),
    }
}
