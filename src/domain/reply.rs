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
    /// What it was at.
    pub status: StatusName,
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
        let about = match &last.event {
            Event::ClientAdmitted(event) => About::Client(event.principal),
            Event::ClientRevoked(event) => About::Client(event.principal),
            Event::ImportBegun(event) => About::Import(event.import),
            Event::UnitsStaged(event) => About::Import(event.import),
            Event::MattersStaged(event) => About::Import(event.import),
            Event::TextStaged(event) => About::Import(event.import),
            Event::ImportCommitted(event) => About::Import(event.import),
            Event::ImportAbandoned(event) => About::Import(event.import),
            Event::JournalOpened(_) | Event::ClockAdvanced(_) => About::Journal,
            Event::CaseReported(_)
            | Event::CaseSettled(_)
            | Event::CaseAcknowledged(_)
            | Event::CaseEscalated(_)
            | Event::CaseHandled(_)
            | Event::CaseClosed(_)
            | Event::CaseWarned(_)
            | Event::CaseOverdue(_) => About::Case(CaseReply {
                case: last.event.case()?,
                version,
                status: status_after(&last.event)?,
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
    if let Event::CaseEscalated(event) = event {
        return Some((event.holder, event.deadlines));
    }
    None
}

fn status_after(event: &Event) -> Option<StatusName> {
    match event {
        Event::CaseReported(_) | Event::CaseEscalated(_) => Some(StatusName::Dispatched),
        Event::CaseAcknowledged(_) => Some(StatusName::Acknowledged),
        Event::CaseHandled(_) => Some(StatusName::Handled),
        Event::CaseSettled(_) | Event::CaseClosed(_) => Some(StatusName::Closed),
        Event::CaseWarned(_)
        | Event::CaseOverdue(_)
        | Event::JournalOpened(_)
        | Event::ClientAdmitted(_)
        | Event::ClientRevoked(_)
        | Event::ImportBegun(_)
        | Event::UnitsStaged(_)
        | Event::MattersStaged(_)
        | Event::TextStaged(_)
        | Event::ImportCommitted(_)
        | Event::ImportAbandoned(_)
        | Event::ClockAdvanced(_) => None,
    }
}
