//! What a client is told of an accepted command: a function of its events, so that the same key
//! gets the same answer however often it asks.

use super::case::StatusName;
use super::clock::Deadlines;
use super::event::Event;
use super::ids::{CaseId, ImportId, PrincipalId, Seq, UnitNumber};
use super::record::Record;

/// What is said of an accepted command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reply {
    /// Its last event.
    pub seq: Seq,
    /// How many events it made.
    pub events: u16,
    /// What it was about.
    pub about: About,
}

/// What an accepted command was about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum About {
    /// A case, as the command left it.
    Case(CaseReply),
    /// An import.
    Import(ImportId),
    /// A client.
    Client(PrincipalId),
    /// The organisation: its version is the command's last event.
    Organisation,
    /// The journal as a whole.
    Journal,
}

/// A case, as a command left it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CaseReply {
    /// Which.
    pub case: CaseId,
    /// Its version then.
    pub version: u32,
    /// What it was at, where the command moved it.
    pub status: Option<StatusName>,
    /// Who got it, where the command routed it.
    pub holder: Option<UnitNumber>,
    /// Its clocks, where the command set them.
    pub deadlines: Option<Deadlines>,
}

impl Reply {
    /// The reply to the command that made these events. `version` is the case's after the last
    /// of them, where they are of a case.
    #[must_use]
    pub fn of(records: &[Record], version: u32) -> Option<Self> {
        let (first, last) = (records.first()?, records.last()?);
        let events = u16::try_from(records.len()).ok()?;
        // A case's last event says what it came to; of others the first says what they are about.
        let telling = if last.event.case().is_some() { last } else { first };
        let about = match &telling.event {
            Event::ClientAdmitted(event) => About::Client(event.principal),
            Event::ClientRevoked(event) => About::Client(event.principal),
            Event::ClientChanged(event) => About::Client(event.principal),
            Event::ClientRotated(event) => About::Client(event.principal),
            Event::ImportBegun(event) => About::Import(event.import),
            Event::UnitsStaged(event) => About::Import(event.import),
            Event::MattersStaged(event) => About::Import(event.import),
            Event::TextStaged(event) => About::Import(event.import),
            Event::ImportCommitted(event) => About::Import(event.import),
            Event::ImportAbandoned(event) => About::Import(event.import),
            Event::JournalOpened(_) | Event::ClockAdvanced(_) => About::Journal,
            Event::CasesInherited(_)
            | Event::UnitOpened(_)
            | Event::UnitChanged(_)
            | Event::UnitClosed(_)
            | Event::UnitClosing(_)
            | Event::UnitKept(_)
            | Event::UnitMoved(_)
            | Event::UnitsRenumbered(_) => About::Organisation,
            Event::CaseReported(_)
            | Event::CaseSettled(_)
            | Event::CaseAcknowledged(_)
            | Event::CaseEscalated(_)
            | Event::CaseHandled(_)
            | Event::CaseClosed(_)
            | Event::CaseWarned(_)
            | Event::CaseOverdue(_)
            | Event::CaseHandedDown(_)
            | Event::CaseTransferred(_)
            | Event::CaseReturned(_)
            | Event::CaseDeclined(_)
            | Event::CaseVoided(_)
            | Event::CaseReopened(_)
            | Event::CaseNoted(_)
            | Event::CaseRevealed(_) => About::Case(CaseReply {
                case: last.event.case()?,
                version,
                status: status_after(&last.event),
                holder: routed(&first.event).map(|(holder, _)| holder),
                deadlines: routed(&first.event).map(|(_, deadlines)| deadlines),
            }),
        };
        Some(Self { seq: last.seq, events, about })
    }
}

fn routed(event: &Event) -> Option<(UnitNumber, Deadlines)> {
    if let Event::CaseReported(event) = event {
        return Some((event.holder, event.deadlines));
    }
    event.sent().map(|event| (event.holder, event.deadlines))
}

fn status_after(event: &Event) -> Option<StatusName> {
    match event {
        Event::CaseReported(_)
        | Event::CaseEscalated(_)
        | Event::CaseHandedDown(_)
        | Event::CaseTransferred(_)
        | Event::CaseReturned(_)
        | Event::CaseReopened(_) => Some(StatusName::Dispatched),
        Event::CaseDeclined(_) => Some(StatusName::Declined),
        Event::CaseVoided(_) => Some(StatusName::Voided),
        Event::CaseAcknowledged(_) => Some(StatusName::Acknowledged),
        Event::CaseHandled(_) => Some(StatusName::Handled),
        Event::CaseSettled(_) | Event::CaseClosed(_) => Some(StatusName::Closed),
        Event::CaseWarned(_)
        | Event::CaseOverdue(_)
        | Event::CaseNoted(_)
        | Event::CasesInherited(_)
        | Event::UnitOpened(_)
        | Event::UnitChanged(_)
        | Event::UnitClosed(_)
        | Event::UnitClosing(_)
        | Event::UnitKept(_)
        | Event::UnitMoved(_)
        | Event::UnitsRenumbered(_)
        | Event::CaseRevealed(_)
        | Event::JournalOpened(_)
        | Event::ClientAdmitted(_)
        | Event::ClientRevoked(_)
        | Event::ClientChanged(_)
        | Event::ClientRotated(_)
        | Event::ImportBegun(_)
        | Event::UnitsStaged(_)
        | Event::MattersStaged(_)
        | Event::TextStaged(_)
        | Event::ImportCommitted(_)
        | Event::ImportAbandoned(_)
        | Event::ClockAdvanced(_) => None,
    }
}
