//! Facts: what happened, in the past tense. An event carries everything that `evolve` needs, so
//! that no rule is asked when it is folded.

mod organisation;

use std::sync::Arc;

use super::case::{ClaimantFields, ClockName, Source};
use super::catalogue::{MatterRow, Severity};
use super::client::TokenHash;
use super::clock::Deadlines;
use super::grant::Grant;
use super::ids::{
    CaseId, ImportId, MatterNumber, PrincipalId, Seq, SlotNumber, Timestamp, UnitNumber,
};
use super::import::ImportKind;
use super::organisation::UnitRow;

pub use organisation::{
    CasesInherited, UnitChanged, UnitClosed, UnitClosing, UnitKept, UnitMoved, UnitOpened,
    UnitsRenumbered,
};

/// What a clock may do, said once in the journal's first event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ClockMode {
    /// The machine's clock.
    System,
    /// Moved by tests.
    Manual,
    /// Each command brings its own time.
    Driven,
}

/// A part that only its key opens: claimant, text, a note, an answer.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SealedPart {
    /// The slot of the vault that holds its key.
    pub slot: SlotNumber,
    /// Ciphertext and tag.
    pub ciphertext: Arc<[u8]>,
}

/// A fact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// The journal began. Always the first event, and only that.
    JournalOpened(JournalOpened),
    /// A client system may act.
    ClientAdmitted(ClientAdmitted),
    /// A client system may act no more.
    ClientRevoked(ClientRevoked),
    /// An import began; nothing of it is visible before its commit.
    ImportBegun(ImportBegun),
    /// Units were staged.
    UnitsStaged(UnitsStaged),
    /// Matters were staged.
    MattersStaged(MattersStaged),
    /// A part of the text that the rows were read from, for reading.
    TextStaged(TextStaged),
    /// What was staged is in force.
    ImportCommitted(ImportCommitted),
    /// What was staged is forgotten.
    ImportAbandoned(ImportAbandoned),
    /// A driven clock was moved on.
    ClockAdvanced(ClockAdvanced),
    /// A case came, and was routed.
    CaseReported(CaseReported),
    /// Its holder settled it on the spot: closed.
    CaseSettled(CaseSettled),
    /// Its holder signed for it.
    CaseAcknowledged(CaseAcknowledged),
    /// It went one level up.
    CaseEscalated(CaseSent),
    /// Its holder dealt with it.
    CaseHandled(CaseHandled),
    /// It is closed, with an answer.
    CaseClosed(CaseClosed),
    /// 80 % of a limit is used: yellow.
    CaseWarned(CaseFellDue),
    /// All of a limit is used: red.
    CaseOverdue(CaseFellDue),
    /// It went to a unit below.
    CaseHandedDown(CaseSent),
    /// It went to a unit beside.
    CaseTransferred(CaseSent),
    /// It went back unsigned.
    CaseReturned(CaseSent),
    /// Its holder declined it.
    CaseDeclined(CaseEnded),
    /// The centre voided it.
    CaseVoided(CaseEnded),
    /// It was opened again.
    CaseReopened(CaseSent),
    /// Somebody put a note to it.
    CaseNoted(CaseNoted),
    /// A unit closed, and its successor holds its cases.
    CasesInherited(CasesInherited),
    /// A unit exists.
    UnitOpened(UnitOpened),
    /// A unit is another in some way.
    UnitChanged(UnitChanged),
    /// A unit exists no more.
    UnitClosed(UnitClosed),
    /// A unit was told to close at a later moment.
    UnitClosing(UnitClosing),
    /// A unit that was told to close is not to.
    UnitKept(UnitKept),
    /// A unit, and all that sits in it, has another code.
    UnitMoved(UnitMoved),
    /// A numbering epoch began: all units are in organisation order.
    UnitsRenumbered(UnitsRenumbered),
    /// A client system may do other things than before.
    ClientChanged(ClientChanged),
    /// A client system has its next token.
    ClientRotated(ClientRotated),
    /// Who claims was shown in plain.
    CaseRevealed(CaseRevealed),
}

/// See [`Event::JournalOpened`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JournalOpened {
    /// For as long as the journal lives.
    pub clock_mode: ClockMode,
    /// Names this journal among others: random, given once.
    pub journal_id: u128,
}

/// See [`Event::ClientAdmitted`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientAdmitted {
    /// The next free number.
    pub principal: PrincipalId,
    /// As its owners call it; unique.
    pub name: Arc<str>,
    /// BLAKE3 of its 256-bit token.
    pub token_hash: TokenHash,
    /// What it may do.
    pub grant: Grant,
}

/// See [`Event::ClientRevoked`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientRevoked {
    /// Whose tokens end.
    pub principal: PrincipalId,
}

/// See [`Event::ClientChanged`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientChanged {
    /// Who.
    pub principal: PrincipalId,
    /// What it may do from here on.
    pub grant: Grant,
}

/// See [`Event::ClientRotated`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientRotated {
    /// Who.
    pub principal: PrincipalId,
    /// BLAKE3 of its next token.
    pub token_hash: TokenHash,
    /// From when the token before it is worth nothing.
    pub old_ends_at: Timestamp,
}

/// See [`Event::ImportBegun`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportBegun {
    /// The next free number.
    pub import: ImportId,
    /// Where the rows come from, as the importer says: a file's name.
    pub origin: Arc<str>,
    /// What it will bring.
    pub kind: ImportKind,
}

/// See [`Event::UnitsStaged`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnitsStaged {
    /// Into which import.
    pub import: ImportId,
    /// In any order.
    pub rows: Vec<UnitRow>,
}

/// See [`Event::MattersStaged`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MattersStaged {
    /// Into which import.
    pub import: ImportId,
    /// In the order in which new ones are numbered.
    pub rows: Vec<MatterRow>,
}

/// See [`Event::TextStaged`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TextStaged {
    /// Into which import.
    pub import: ImportId,
    /// Parts follow each other in the journal.
    pub text: Arc<str>,
}

/// See [`Event::ImportCommitted`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportCommitted {
    /// Which.
    pub import: ImportId,
    /// What it changed of the catalogue, where it brought one.
    pub catalogue: Option<CatalogueReplaced>,
}

/// How one catalogue followed another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CatalogueReplaced {
    /// The event that brought the one before into force; none before the first.
    pub previous: Option<Seq>,
    /// Matters that were not in force before.
    pub added: u32,
    /// Matters that are another in some way.
    pub changed: u32,
    /// Matters that are in force no more.
    pub retired: u32,
}

/// See [`Event::ImportAbandoned`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportAbandoned {
    /// Which.
    pub import: ImportId,
}

/// See [`Event::ClockAdvanced`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClockAdvanced {
    /// What the clock says now.
    pub to: Timestamp,
}

/// See [`Event::CaseReported`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CaseReported {
    /// The next free number.
    pub case: CaseId,
    /// Of what.
    pub matter: MatterNumber,
    /// As grave as the matter was then.
    pub severity: Severity,
    /// Where: the grid, or the lowest unit known. Kept for ever.
    pub place: UnitNumber,
    /// Who answers for it.
    pub holder: UnitNumber,
    /// Routing found no rule or a closed grid; the township's room holds it.
    pub is_fallback: bool,
    /// Where it came from.
    pub source: Source,
    /// The number that the source gave it: unique within the source.
    pub source_number: Option<Arc<str>>,
    /// When it happened, where an offline report says so.
    pub occurred_at: Option<Timestamp>,
    /// Of both clocks.
    pub deadlines: Deadlines,
    /// Who claims, phone and address.
    pub claimant: Option<SealedPart>,
    /// What is the matter.
    pub text: SealedPart,
}

/// See [`Event::CaseSettled`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CaseSettled {
    /// Which.
    pub case: CaseId,
    /// What the claimant is told.
    pub answer: SealedPart,
}

/// See [`Event::CaseAcknowledged`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CaseAcknowledged {
    /// Which.
    pub case: CaseId,
}

/// See [`Event::CaseEscalated`], [`Event::CaseHandedDown`], [`Event::CaseTransferred`],
/// [`Event::CaseReturned`] and [`Event::CaseReopened`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CaseSent {
    /// Which.
    pub case: CaseId,
    /// Who answers for it from here on.
    pub holder: UnitNumber,
    /// The node clock starts again; the total clock only where the case was opened again.
    pub deadlines: Deadlines,
    /// Why.
    pub reason: SealedPart,
}

/// See [`Event::CaseHandled`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CaseHandled {
    /// Which.
    pub case: CaseId,
    /// What was done.
    pub measures: SealedPart,
}

/// See [`Event::CaseClosed`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CaseClosed {
    /// Which.
    pub case: CaseId,
    /// What the claimant is told.
    pub answer: SealedPart,
}

/// See [`Event::CaseDeclined`] and [`Event::CaseVoided`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CaseEnded {
    /// Which.
    pub case: CaseId,
    /// Why.
    pub reason: SealedPart,
}

/// See [`Event::CaseNoted`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CaseNoted {
    /// Which.
    pub case: CaseId,
    /// What it says.
    pub note: SealedPart,
}

/// See [`Event::CaseWarned`] and [`Event::CaseOverdue`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CaseFellDue {
    /// Which.
    pub case: CaseId,
    /// Of which clock.
    pub clock: ClockName,
    /// The moment it fell due; the record's own time is when the engine came to it.
    pub due_at: Timestamp,
}

/// See [`Event::CaseRevealed`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CaseRevealed {
    /// Which.
    pub case: CaseId,
    /// What was shown.
    pub fields: ClaimantFields,
    /// What for, in words without anything personal.
    pub purpose: Arc<str>,
    /// The number of the paper that asks for it.
    pub ticket: Option<Arc<str>>,
}

impl Event {
    /// The event's name in feeds, streams and webhooks.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::JournalOpened(_) => "journal.opened",
            Self::ClientAdmitted(_) => "client.admitted",
            Self::ClientRevoked(_) => "client.revoked",
            Self::ImportBegun(_) => "import.begun",
            Self::UnitsStaged(_) => "import.units_staged",
            Self::MattersStaged(_) => "import.matters_staged",
            Self::TextStaged(_) => "import.text_staged",
            Self::ImportCommitted(_) => "import.committed",
            Self::ImportAbandoned(_) => "import.abandoned",
            Self::ClockAdvanced(_) => "clock.advanced",
            Self::CaseReported(_) => "case.reported",
            Self::CaseSettled(_) => "case.settled",
            Self::CaseAcknowledged(_) => "case.acknowledged",
            Self::CaseEscalated(_) => "case.escalated",
            Self::CaseHandled(_) => "case.handled",
            Self::CaseClosed(_) => "case.closed",
            Self::CaseWarned(_) => "case.warned",
            Self::CaseOverdue(_) => "case.overdue",
            Self::CaseHandedDown(_) => "case.handed_down",
            Self::CaseTransferred(_) => "case.transferred",
            Self::CaseReturned(_) => "case.returned",
            Self::CaseDeclined(_) => "case.declined",
            Self::CaseVoided(_) => "case.voided",
            Self::CaseReopened(_) => "case.reopened",
            Self::CaseNoted(_) => "case.noted",
            Self::CasesInherited(_) => "cases.inherited",
            Self::UnitOpened(_) => "unit.opened",
            Self::UnitChanged(_) => "unit.changed",
            Self::UnitClosed(_) => "unit.closed",
            Self::UnitClosing(_) => "unit.closing",
            Self::UnitKept(_) => "unit.kept",
            Self::UnitMoved(_) => "unit.moved",
            Self::UnitsRenumbered(_) => "units.renumbered",
            Self::ClientChanged(_) => "client.changed",
            Self::ClientRotated(_) => "client.rotated",
            Self::CaseRevealed(_) => "case.revealed",
        }
    }

    /// The case that it happened to.
    #[must_use]
    pub const fn case(&self) -> Option<CaseId> {
        match self {
            Self::CaseReported(event) => Some(event.case),
            Self::CaseSettled(event) => Some(event.case),
            Self::CaseAcknowledged(event) => Some(event.case),
            Self::CaseEscalated(event)
            | Self::CaseHandedDown(event)
            | Self::CaseTransferred(event)
            | Self::CaseReturned(event)
            | Self::CaseReopened(event) => Some(event.case),
            Self::CaseDeclined(event) | Self::CaseVoided(event) => Some(event.case),
            Self::CaseNoted(event) => Some(event.case),
            Self::CaseHandled(event) => Some(event.case),
            Self::CaseClosed(event) => Some(event.case),
            Self::CaseWarned(event) | Self::CaseOverdue(event) => Some(event.case),
            Self::CaseRevealed(event) => Some(event.case),
            Self::JournalOpened(_)
            | Self::ClientAdmitted(_)
            | Self::ClientRevoked(_)
            | Self::ClientChanged(_)
            | Self::ClientRotated(_)
            | Self::ImportBegun(_)
            | Self::UnitsStaged(_)
            | Self::MattersStaged(_)
            | Self::TextStaged(_)
            | Self::ImportCommitted(_)
            | Self::ImportAbandoned(_)
            | Self::ClockAdvanced(_)
            | Self::CasesInherited(_)
            | Self::UnitOpened(_)
            | Self::UnitChanged(_)
            | Self::UnitClosed(_)
            | Self::UnitClosing(_)
            | Self::UnitKept(_)
            | Self::UnitMoved(_)
            | Self::UnitsRenumbered(_) => None,
        }
    }

    /// Where it sent a case, if it sent one.
    #[must_use]
    pub fn sent(&self) -> Option<&CaseSent> {
        if let Self::CaseEscalated(event)
        | Self::CaseHandedDown(event)
        | Self::CaseTransferred(event)
        | Self::CaseReturned(event)
        | Self::CaseReopened(event) = self
        {
            return Some(event);
        }
        None
    }

    /// All cases that it happened to.
    pub fn cases(&self) -> impl Iterator<Item = CaseId> {
        let many = if let Self::CasesInherited(event) = self { &event.cases[..] } else { &[] };
        self.case().into_iter().chain(many.iter().map(|(case, _)| *case))
    }

    /// Whether it changes the organisation.
    #[must_use]
    pub const fn is_of_organisation(&self) -> bool {
        matches!(
            self,
            Self::UnitOpened(_)
                | Self::UnitChanged(_)
                | Self::UnitClosed(_)
                | Self::UnitClosing(_)
                | Self::UnitKept(_)
                | Self::UnitMoved(_)
                | Self::UnitsRenumbered(_)
        )
    }

    /// The sealed parts that it carries.
    pub fn sealed_parts(&self) -> impl Iterator<Item = (PartName, &SealedPart)> {
        let (first, second) = match self {
            Self::CaseReported(event) => (
                Some((PartName::Text, &event.text)),
                event.claimant.as_ref().map(|part| (PartName::Claimant, part)),
            ),
            Self::CaseSettled(event) => (Some((PartName::Answer, &event.answer)), None),
            Self::CaseEscalated(event)
            | Self::CaseHandedDown(event)
            | Self::CaseTransferred(event)
            | Self::CaseReturned(event)
            | Self::CaseReopened(event) => (Some((PartName::Reason, &event.reason)), None),
            Self::CaseDeclined(event) | Self::CaseVoided(event) => {
                (Some((PartName::Reason, &event.reason)), None)
            }
            Self::CaseNoted(event) => (Some((PartName::Note, &event.note)), None),
            Self::CaseHandled(event) => (Some((PartName::Measures, &event.measures)), None),
            Self::CaseClosed(event) => (Some((PartName::Answer, &event.answer)), None),
            Self::CaseAcknowledged(_)
            | Self::CaseWarned(_)
            | Self::CaseOverdue(_)
            | Self::CaseRevealed(_)
            | Self::JournalOpened(_)
            | Self::ClientAdmitted(_)
            | Self::ClientRevoked(_)
            | Self::ClientChanged(_)
            | Self::ClientRotated(_)
            | Self::ImportBegun(_)
            | Self::UnitsStaged(_)
            | Self::MattersStaged(_)
            | Self::TextStaged(_)
            | Self::ImportCommitted(_)
            | Self::ImportAbandoned(_)
            | Self::ClockAdvanced(_)
            | Self::CasesInherited(_)
            | Self::UnitOpened(_)
            | Self::UnitChanged(_)
            | Self::UnitClosed(_)
            | Self::UnitClosing(_)
            | Self::UnitKept(_)
            | Self::UnitMoved(_)
            | Self::UnitsRenumbered(_) => (None, None),
        };
        first.into_iter().chain(second)
    }
}

/// Which part was sealed. Bound into the seal, so that parts cannot change places.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum PartName {
    /// Who claims, phone and address.
    Claimant = 1,
    /// What is the matter.
    Text = 2,
    /// Why it went elsewhere, ended, or was opened again.
    Reason = 3,
    /// What was done.
    Measures = 4,
    /// What the claimant is told.
    Answer = 5,
    /// What somebody put to it.
    Note = 6,
}
