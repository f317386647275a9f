//! What a command names, kept beside it until it is answered: the rules say that something is not
//! so, and the reader is told which field of his said it, what stood there, and where to look.

use std::borrow::Cow;
use std::sync::Arc;

use super::body::{Draft, Report, Want};
use super::problem::{Problem, Said, Standing};
use super::refusal;
use crate::domain::case::Moves;
use crate::domain::code::UnitCode;
use crate::domain::command::{CaseRef, Change};
use crate::domain::ids::Timestamp;
use crate::domain::limits::MATTER_CODE_BYTES_MAX;
use crate::domain::rejection::Rejection;
use crate::engine::{SubmitError, View};
use crate::rules::{Words, write_moment};

/// Where a command says what it acts on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Spoken {
    /// Its address does; only the body's fields have pointers.
    ByAddress,
    /// A line of a stream does, in fields of its own.
    ByLine,
}

/// What a command names.
#[derive(Clone, Debug)]
pub(super) struct Named {
    spoken: Spoken,
    by: Option<UnitCode>,
    at: Option<Timestamp>,
    what: What,
}

/// By what the command wants.
#[derive(Clone, Debug)]
enum What {
    Report { matter: MatterCode, place: UnitCode, occurred_at: Option<Timestamp> },
    Case { case: CaseRef, to: Option<UnitCode> },
    Units(Box<Units>),
    Clock(Timestamp),
    Client { name: Arc<str>, ranges: Vec<UnitCode> },
    Import,
}

/// The units that a change of the organisation names.
#[derive(Clone, Debug, Default)]
struct Units {
    unit: Option<UnitCode>,
    row: Option<UnitCode>,
    rows: Vec<UnitCode>,
    merged: Vec<UnitCode>,
    to: Option<UnitCode>,
    successor: Option<UnitCode>,
}

/// A matter's code without an allocation: each line of a stream has one.
#[derive(Clone, Copy, Debug)]
struct MatterCode {
    bytes: [u8; MATTER_CODE_BYTES_MAX],
    length: u8,
}

impl MatterCode {
    fn of(code: &str) -> Self {
        let mut bytes = [0; MATTER_CODE_BYTES_MAX];
        let kept = &code.as_bytes()[..code.floor_char_boundary(MATTER_CODE_BYTES_MAX)];
        bytes[..kept.len()].copy_from_slice(kept);
        Self { bytes, length: u8::try_from(kept.len()).expect("at most 16 bytes") }
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes[..usize::from(self.length)]).into_owned()
    }
}

/// A field that the rules refuse, and what is said of it.
#[derive(Clone, Debug)]
pub(super) struct Blame {
    /// JSON pointer to it.
    pub(super) pointer: Cow<'static, str>,
    /// The value, and where to look.
    pub(super) note: Option<Words>,
}

impl Blame {
    /// Bytes that it keeps, roughly.
    pub(super) fn bytes(&self) -> usize {
        self.pointer.len() + self.note.as_ref().map_or(0, Words::bytes)
    }
}

impl Named {
    pub(super) fn of(draft: &Draft<'_>, spoken: Spoken) -> Self {
        let what = match &draft.want {
            Want::Report(Report { matter, place, occurred_at, .. }) => What::Report {
                matter: MatterCode::of(matter),
                place: *place,
                occurred_at: *occurred_at,
            },
            Want::Move(moved) => What::Case { case: moved.target.case.clone(), to: moved.to },
            Want::Reveal(target, _) => What::Case { case: target.case.clone(), to: None },
            Want::Organisation(_, change) => What::Units(Box::new(Units::of(change))),
            Want::AdvanceClock(to) => What::Clock(*to),
            Want::AdmitClient(name, grant) | Want::ChangeClient(name, grant) => {
                What::Client { name: Arc::clone(name), ranges: grant.within.clone() }
            }
            Want::RotateClient(name, _) | Want::RevokeClient(name) => {
                What::Client { name: Arc::clone(name), ranges: Vec::new() }
            }
            Want::BeginImport(..)
            | Want::StageUnits(..)
            | Want::StageMatters(..)
            | Want::StageText(..)
            | Want::CommitImport(..)
            | Want::AbandonImport(_) => What::Import,
        };
        Self { spoken, by: draft.by, at: draft.at, what }
    }

    /// Why the command was not done.
    pub(super) fn problem(&self, view: &View, error: SubmitError) -> Problem {
        match error {
            SubmitError::Rejected(rejection) => {
                Problem::from(rejection).saying(self.said(view, &rejection))
            }
            SubmitError::Overloaded
            | SubmitError::DiskFull
            | SubmitError::NotDurable
            | SubmitError::Stopping
            | SubmitError::Read(_) => error.into(),
        }
    }

    /// What is said of a refusal: of the field that it is about, or else of the whole.
    pub(super) fn said(&self, view: &View, rejection: &Rejection) -> Said {
        let standing = self.standing(view, rejection);
        let (pointer, value) = self.field(rejection);
        let words = refusal::words(rejection, value.as_deref());
        match pointer {
            Some(pointer) => {
                let blame = Some(Blame { pointer, note: words });
                Said { blame, standing, ..Said::default() }
            }
            None => Said { detail: words, standing, ..Said::default() },
        }
    }

    /// What may be done with the case instead, where the refusal does not carry that: it comes once
    /// it is known that the case exists for whoever asks.
    fn standing(&self, view: &View, rejection: &Rejection) -> Option<Standing> {
        let is_of_a_case = matches!(
            rejection,
            Rejection::VersionStale { .. }
                | Rejection::TargetUnfit { .. }
                | Rejection::TargetNotFound
                | Rejection::TargetIsHolder
                | Rejection::TargetClosed { .. }
                | Rejection::NoHolder
                | Rejection::UnitMissing
                | Rejection::UnitNotFound
                | Rejection::UnitClosed
        );
        let What::Case { case: CaseRef::Id(id), .. } = self.what else {
            return None;
        };
        let case = view.case(id).filter(|_| is_of_a_case)?;
        let organisation = view.organisation();
        // Whoever is closed may do nothing. Where nobody is named who is there, it is what the holder may.
        let is_known = !matches!(rejection, Rejection::UnitNotFound);
        let moves = match self.by.filter(|_| is_known).and_then(|by| organisation.find(by)) {
            Some(_) if matches!(rejection, Rejection::UnitClosed) => Moves::default(),
            Some(by) => case.moves(&organisation, by),
            None => case.moves_now(&organisation),
        };
        Some(Standing { case: id, status: case.status.name(), moves })
    }

    /// The field that a refusal is about, and what stood there.
    fn field(&self, rejection: &Rejection) -> (Option<Cow<'static, str>>, Option<String>) {
        let own = |pointer: &'static str, value: Option<String>| (Some(pointer.into()), value);
        // What an address says has no pointer.
        let on_line = |pointer: &'static str, value: Option<String>| match self.spoken {
            Spoken::ByLine => (Some(pointer.into()), value),
            Spoken::ByAddress => (None, value),
        };
        match *rejection {
            Rejection::MatterNotFound | Rejection::MatterRetired => own("/matter", self.matter()),
            Rejection::NotOnTheSpot => own("/settle", self.matter()),
            Rejection::PlaceNotFound | Rejection::PlaceTooHigh => own("/place", self.place()),
            Rejection::NoHolder => match self.place() {
                Some(place) => own("/place", Some(place)),
                None => (None, None),
            },
            Rejection::SourceNumberTaken { .. } => own("/source_number", None),
            Rejection::OccurredInFuture { .. } => own("/occurred_at", self.occurred_at()),
            Rejection::SettlerNotTheHolder { .. }
            | Rejection::NotTheHolder { .. }
            | Rejection::NeedsCentre { .. }
            | Rejection::UnitNotFound
            | Rejection::UnitClosed
            | Rejection::UnitMissing => own("/by", self.by.map(|by| by.to_string())),
            Rejection::TargetNotFound
            | Rejection::TargetIsHolder
            | Rejection::TargetUnfit { .. }
            | Rejection::TargetClosed { .. } => own("/to", self.to()),
            Rejection::CaseNotFound | Rejection::RefUnknown => on_line("/case", self.case()),
            Rejection::VersionStale { .. } => on_line("/version", None),
            Rejection::OrganisationStale { .. } | Rejection::CatalogueStale { .. } => {
                on_line("/seen", None)
            }
            Rejection::AtBeforeNow { .. } | Rejection::AtNotDriven => self.moment(),
            Rejection::UnitIncoherent { unit }
            | Rejection::UnitOrphaned { unit }
            | Rejection::UnitNeedsSuccessor { unit }
            | Rejection::UnitUnknown { unit }
            | Rejection::UnitNotOpen { unit }
            | Rejection::UnitCodeTaken { unit }
            | Rejection::UnitTwice { unit }
            | Rejection::UnitInCircle { unit }
            | Rejection::UnitHasSubunits { unit }
            | Rejection::UnitChangedTooOften { unit }
            | Rejection::UnitClosesElsewhere { unit }
            | Rejection::SuccessorNotFound { unit }
            | Rejection::SuccessorUnfit { unit }
            | Rejection::RangeUnknown { unit }
            | Rejection::UnitNotClosing { unit } => (self.unit_at(unit), Some(unit.to_string())),
            Rejection::UnitClosesInPast { unit } => own("/valid_until", Some(unit.to_string())),
            Rejection::ClientNameTaken => own("/name", self.client()),
            Rejection::ClientNotFound => (None, self.client()),
            Rejection::AdminWithin => own("/within", None),
            Rejection::ExpiresInPast => own("/expires_at", None),
            Rejection::ImportNotFound
            | Rejection::ImportOfOtherKind
            | Rejection::ImportEmpty
            | Rejection::ImportIncomplete
            | Rejection::TooMuchAtOnce => on_line("/import", None),
            Rejection::KeyReused => on_line("/key", None),
            Rejection::RowsOutOfBounds => on_line("/rows", None),
            Rejection::PrincipalRevoked
            | Rejection::NeedsAdmin
            | Rejection::MoveNotAllowed { .. }
            | Rejection::LastAdmin
            | Rejection::ClientsFull
            | Rejection::ImportsFull
            | Rejection::OrganisationFull
            | Rejection::JournalOpen
            | Rejection::OutOfBounds
            | Rejection::ScopeMissing { .. }
            | Rejection::TokenExpired
            | Rejection::ClaimantConfidential
            | Rejection::TokenTaken
            | Rejection::MatterTwice
            | Rejection::MatterHasOpenCases { .. } => (None, None),
        }
    }

    fn matter(&self) -> Option<String> {
        let What::Report { matter, .. } = &self.what else { return None };
        Some(matter.text())
    }

    fn place(&self) -> Option<String> {
        let What::Report { place, .. } = &self.what else { return None };
        Some(place.to_string())
    }

    fn occurred_at(&self) -> Option<String> {
        let What::Report { occurred_at, .. } = &self.what else { return None };
        occurred_at.and_then(write_moment)
    }

    fn to(&self) -> Option<String> {
        let What::Case { to, .. } = &self.what else { return None };
        to.map(|to| to.to_string())
    }

    fn case(&self) -> Option<String> {
        let What::Case { case, .. } = &self.what else { return None };
        Some(match case {
            CaseRef::Id(id) => id.to_string(),
            CaseRef::Key(key) => key.to_string(),
            CaseRef::Number(source, number) => format!("{} {number}", source.name()),
        })
    }

    fn client(&self) -> Option<String> {
        let What::Client { name, .. } = &self.what else { return None };
        Some(name.to_string())
    }

    /// The time that the clock does not take: a line's own, or the one to move it to.
    fn moment(&self) -> (Option<Cow<'static, str>>, Option<String>) {
        match (self.at, &self.what) {
            (Some(at), _) => (Some("/at".into()), write_moment(at)),
            (None, What::Clock(to)) => (Some("/to".into()), write_moment(*to)),
            (None, _) => (None, None),
        }
    }

    /// Where the command names that unit.
    fn unit_at(&self, unit: UnitCode) -> Option<Cow<'static, str>> {
        let index = |codes: &[UnitCode]| codes.iter().position(|code| *code == unit);
        if let What::Client { ranges, .. } = &self.what {
            return index(ranges).map(|at| format!("/within/{at}").into());
        }
        let What::Units(units) = &self.what else { return None };
        if units.successor == Some(unit) {
            return Some("/successor".into());
        }
        if units.to == Some(unit) {
            return Some("/to".into());
        }
        if units.row == Some(unit) {
            return Some("/row/code".into());
        }
        if let Some(at) = index(&units.rows) {
            return Some(format!("/rows/{at}/code").into());
        }
        if let Some(at) = index(&units.merged) {
            return Some(format!("/units/{at}").into());
        }
        (self.spoken == Spoken::ByLine && units.unit == Some(unit)).then_some("/unit".into())
    }
}

impl Units {
    fn of(change: &Change) -> Self {
        let none = Self::default();
        match change {
            Change::Open(row) => Self { row: Some(row.code), ..none },
            Change::Amend(row) => Self { unit: Some(row.code), row: Some(row.code), ..none },
            Change::Close(close) => {
                Self { unit: Some(close.unit), successor: close.successor, ..none }
            }
            Change::Keep(unit) => Self { unit: Some(*unit), ..none },
            Change::Split(split) => Self {
                unit: Some(split.unit),
                rows: split.into.iter().map(|row| row.code).collect(),
                successor: Some(split.successor),
                ..none
            },
            Change::Merge(merge) => {
                Self { unit: Some(merge.into), merged: merge.units.clone(), ..none }
            }
            Change::Move(moved) => Self { unit: Some(moved.unit), to: Some(moved.to), ..none },
        }
    }
}
