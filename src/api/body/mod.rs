//! Why this room exists: what clients write is read once, whole, into what the casework means by
//! it, or everything that is wrong with it is found.
//!
//! ```text
//!  bytes ──▶ Raw (borrowed fields) ──▶ Draft (checked) ──▶ Submission (sealed, marked)
//!               │ not an object           │ flaws
//!               ▼                         ▼
//!            BodyFault ◀──────────────────┘
//! ```
//!
//! A line of a stream and the body of a resource's address are the same command: the line carries
//! besides what the address and the headers say elsewhere. It does not know what is in force:
//! whether a place or a matter exists is decided where the state is.

mod check;
mod draft;
mod flaw;
mod grant;
mod raw;
mod seal;
mod verb;

pub use check::{ADDRESS_BYTES_MAX, PHONE_BYTES_MAX};
pub use draft::{CaseMove, Claimant, Draft, Report, Reveal, Want};
pub use flaw::{Flaw, FlawCode};
pub use verb::{LINE_FIELDS, Reshape, STREAM_VERBS, Verb};

pub use seal::{SealFault, Sealer};

pub(super) use check::is_printable;

use std::borrow::Cow;
use std::sync::Arc;

use check::{Aim, Checker};
use raw::{NoObject, Raw};

use crate::domain::code::UnitCode;
use crate::domain::command::Target;
use crate::domain::ids::{ImportId, Seq};
use crate::rules::Words;

/// Why a body is no command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BodyFault {
    /// It is no text.
    BadUtf8,
    /// It is no JSON object: the parser's words.
    Malformed(Words),
    /// Fields are wrong: at least one flaw.
    Flawed(Vec<Flaw>),
}

impl From<NoObject> for BodyFault {
    fn from(no_object: NoObject) -> Self {
        match no_object {
            NoObject::BadUtf8 => Self::BadUtf8,
            NoObject::Malformed(words) => Self::Malformed(words),
        }
    }
}

/// What an address and its headers say of a command.
#[derive(Clone, Debug, Default)]
pub struct Addressed<'a> {
    /// The idempotency key, found good.
    pub key: Option<Cow<'a, str>>,
    /// The case, and the version that it was seen at.
    pub target: Option<Target>,
    /// The import.
    pub import: Option<ImportId>,
    /// The unit.
    pub unit: Option<UnitCode>,
    /// The version that the organisation, or the configuration, was seen at; none for any.
    pub seen: Option<Seq>,
    /// The client, by its name.
    pub client: Option<Arc<str>>,
}

/// Reads the body of an address that takes `verb`.
///
/// # Errors
/// Everything that is wrong with it.
pub fn read_post<'a>(
    verb: Verb,
    addressed: Addressed<'a>,
    bytes: &'a [u8],
) -> Result<Draft<'a>, BodyFault> {
    let mut flaws = Vec::new();
    // A command without fields of its own may come without a body.
    let raw = if bytes.is_empty() { Raw::default() } else { Raw::read(bytes, &mut flaws)? };
    let mut checker = Checker { flaws: &mut flaws };
    checker.only(&raw, &[verb.fields()]);
    let mut raw = raw;
    let by = checker.by(verb, &mut raw);
    let Addressed { key, target, import, client, unit, seen } = addressed;
    let want = checker.want(verb, raw, Aim { target, import, client, unit, seen });
    finish(flaws, want, |want| Draft { key, at: None, by, want })
}

/// Reads a line of a stream.
///
/// # Errors
/// Everything that is wrong with it.
pub fn read_line(bytes: &[u8]) -> Result<Draft<'_>, BodyFault> {
    let mut flaws = Vec::new();
    let mut raw = Raw::read(bytes, &mut flaws)?;
    let mut checker = Checker { flaws: &mut flaws };
    let Some(command) = raw.command.take() else {
        checker.missing("/command");
        return Err(BodyFault::Flawed(flaws));
    };
    let Some(verb) = Verb::of_stream(&command.0) else {
        let names: Vec<_> = STREAM_VERBS.iter().map(|(name, _)| *name).collect();
        let flaw = Flaw::new("/command", FlawCode::UnknownCommand);
        checker.flaw(flaw.noted(Words::one_of(&names)));
        return Err(BodyFault::Flawed(flaws));
    };
    checker.only(&raw, &[LINE_FIELDS, verb.address_fields(), verb.fields()]);
    let key = checker.key(raw.key.take());
    let at = checker.moment(raw.at.take().map(|at| at.0), "/at");
    let by = checker.by(verb, &mut raw);
    let mut aim = Aim::default();
    if verb.needs_seen() {
        aim.seen = checker.seen(raw.seen.take());
    }
    match verb {
        Verb::Case(_) => aim.target = checker.target(raw.case.take(), raw.version.take()),
        Verb::StageUnits | Verb::StageText | Verb::CommitImport | Verb::AbandonImport => {
            aim.import = checker.import(raw.import.take());
        }
        Verb::Organisation(
            Reshape::Amend
            | Reshape::Close
            | Reshape::Keep
            | Reshape::Split
            | Reshape::Merge
            | Reshape::Move,
        ) => aim.unit = checker.unit(raw.unit.take()),
        Verb::Organisation(Reshape::Open)
        | Verb::ReportCase
        | Verb::AdvanceClock
        | Verb::AdmitClient
        | Verb::ChangeClient
        | Verb::RotateClient
        | Verb::RevokeClient
        | Verb::RevealCase
        | Verb::BeginImport => {}
    }
    let want = checker.want(verb, raw, aim);
    finish(flaws, want, |want| Draft { key, at, by, want })
}

fn finish<'a>(
    flaws: Vec<Flaw>,
    want: Option<Want<'a>>,
    draft: impl FnOnce(Want<'a>) -> Draft<'a>,
) -> Result<Draft<'a>, BodyFault> {
    match want {
        Some(want) if flaws.is_empty() => Ok(draft(want)),
        Some(_) | None => Err(BodyFault::Flawed(flaws)),
    }
}

#[cfg(test)]
mod tests;
