//! Cases: reports, moves, notes, reveals.

use std::sync::Arc;

use crate::domain::case::{ClaimantFields, Source};
use crate::domain::code::UnitCode;
use crate::domain::event::SealedPart;
use crate::domain::ids::{CaseId, Timestamp};

/// How a command names the case that it acts on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CaseRef {
    /// By its number.
    Id(CaseId),
    /// By the idempotency key that the same principal reported it with.
    Key(Box<str>),
    /// By the number that its source gave it.
    Number(Source, Box<str>),
}

/// The case that a command acts on, and the version that it was seen at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// Which.
    pub case: CaseRef,
    /// Refused when the case has another version by now.
    pub version: Option<u32>,
}

/// See [`Command::ReportCase`](super::Command::ReportCase).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReportCase {
    /// The matter's code.
    pub matter: Box<str>,
    /// The grid, or the lowest unit known.
    pub place: UnitCode,
    /// Where it came from.
    pub source: Source,
    /// The number that the source gave it.
    pub source_number: Option<Arc<str>>,
    /// When it happened, where that is not now.
    pub occurred_at: Option<Timestamp>,
    /// Who claims, phone and address.
    pub claimant: Option<SealedPart>,
    /// What is the matter.
    pub text: SealedPart,
    /// The answer, where its holder settled it on the spot.
    pub settle: Option<SealedPart>,
}

/// See [`Command::AcknowledgeCase`](super::Command::AcknowledgeCase).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AcknowledgeCase {
    /// Which case.
    pub target: Target,
}

/// A move on a case that needs a reason and nothing else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReasonedMove {
    /// Which case.
    pub target: Target,
    /// Why.
    pub reason: SealedPart,
}

/// See [`Command::HandDownCase`](super::Command::HandDownCase) and
/// [`Command::TransferCase`](super::Command::TransferCase).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SendCase {
    /// Which case.
    pub target: Target,
    /// To whom.
    pub to: UnitCode,
    /// Why.
    pub reason: SealedPart,
}

/// See [`Command::NoteCase`](super::Command::NoteCase).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoteCase {
    /// Which case.
    pub target: Target,
    /// What it says.
    pub note: SealedPart,
}

/// See [`Command::HandleCase`](super::Command::HandleCase).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HandleCase {
    /// Which case.
    pub target: Target,
    /// What was done.
    pub measures: SealedPart,
}

/// See [`Command::CloseCase`](super::Command::CloseCase).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CloseCase {
    /// Which case.
    pub target: Target,
    /// What the claimant is told.
    pub answer: SealedPart,
}

/// See [`Command::RevealCase`](super::Command::RevealCase).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RevealCase {
    /// Which case.
    pub target: Target,
    /// What is to be shown: at least one.
    pub fields: ClaimantFields,
    /// What for, in 1 to 120 bytes without anything personal.
    pub purpose: Arc<str>,
    /// The number of the paper that asks for it, 1 to 64 bytes.
    pub ticket: Option<Arc<str>>,
}
