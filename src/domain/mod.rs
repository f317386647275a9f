//! What the city's casework is. Pure: no clock, no randomness, no I/O, no hash order, no float.
//!
//! ```text
//!  Submission ──▶ decide(&State, now) ──▶ Vec<Event> | Rejection
//!                                            │
//!                   State ◀── evolve ◀── Record (an Event in its place)
//! ```
//!
//! `decide` holds the rules and changes nothing; `evolve` changes the state and holds no rule, so
//! that a new rule never rewrites yesterday. This room sees no other.

mod bounds;
pub mod calendar;
pub mod case;
pub mod catalogue;
pub mod client;
pub mod clock;
pub mod code;
pub mod command;
pub mod digest;
pub mod event;
pub mod grant;
pub mod hash;
pub mod ids;
pub mod import;
pub mod limits;
pub mod organisation;
pub mod outcome;
pub mod record;
pub mod rejection;
pub mod reply;
pub mod snapshot;
pub mod state;

use std::sync::Arc;

use command::{Command, Submission};
use event::{ClockAdvanced, Event, JournalOpened};
use grant::Scopes;
use ids::{PrincipalId, Timestamp};
use import::ImportKind;
use limits::COMMAND_EVENTS_MAX;
use outcome::{Remembered, key_hash};
use record::Record;
use rejection::Rejection;
use state::{Due, State};

/// What a command comes to when it is not refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// These happened.
    Accepted(Vec<Event>),
    /// It was accepted before: the same answer again.
    Known(Remembered),
}

/// Decides what a submission comes to. Reads the state, changes nothing.
///
/// # Errors
/// When a rule refuses it; nothing happened then.
pub fn decide(
    state: &State,
    now: Timestamp,
    submission: &Submission,
) -> Result<Decision, Rejection> {
    let (scopes, known) = admitted(state, now, submission)?;
    if let Some(known) = known {
        return Ok(Decision::Known(known));
    }
    if let Some(scope) = scopes.missing(submission.command.scopes()) {
        return Err(Rejection::without(scope));
    }
    let events = match &submission.command {
        Command::ReportCase(command) => case::decide_report(state, now, submission, command),
        Command::AcknowledgeCase(command) => {
            case::decide_acknowledge(state, now, submission, command)
        }
        Command::EscalateCase(command) => case::decide_escalate(state, now, submission, command),
        Command::HandleCase(command) => case::decide_handle(state, now, submission, command),
        Command::CloseCase(command) => case::decide_close(state, now, submission, command),
        Command::HandDownCase(command) => case::decide_hand_down(state, now, submission, command),
        Command::TransferCase(command) => case::decide_transfer(state, now, submission, command),
        Command::ReturnCase(command) => case::decide_return(state, now, submission, command),
        Command::DeclineCase(command) => case::decide_decline(state, now, submission, command),
        Command::ReopenCase(command) => case::decide_reopen(state, now, submission, command),
        Command::VoidCase(command) => case::decide_void(state, now, submission, command),
        Command::NoteCase(command) => case::decide_note(state, now, submission, command),
        Command::RevealCase(command) => case::decide_reveal(state, now, submission, command),
        Command::OpenJournal(command) => match state.opened() {
            Some(_) => Err(Rejection::JournalOpen),
            None => Ok(vec![Event::JournalOpened(JournalOpened {
                clock_mode: command.clock_mode,
                journal_id: command.journal_id,
            })]),
        },
        Command::AdmitClient(command) => client::decide_admit(state, now, command),
        Command::ChangeClient(command) => client::decide_change(state, now, command),
        Command::RotateClient(command) => client::decide_rotate(state, now, command),
        Command::RevokeClient(command) => client::decide_revoke(state, command),
        Command::BeginImport(command) => import::decide_begin(state, command),
        Command::StageUnits(command) => import::decide_units(state, command),
        Command::StageMatters(command) => import::decide_matters(state, command),
        Command::StageText(command) => import::decide_text(state, command),
        Command::CommitImport(command) => import::decide_commit(state, now, command),
        Command::AbandonImport(command) => import::decide_abandon(state, command.import),
        Command::ChangeOrganisation(command) => organisation::decide(state, now, command),
        Command::AdvanceClock(command) => match state.clock_mode() {
            Some(event::ClockMode::Driven) if command.to < now => {
                Err(Rejection::AtBeforeNow { now })
            }
            Some(event::ClockMode::Driven) => {
                Ok(vec![Event::ClockAdvanced(ClockAdvanced { to: command.to })])
            }
            Some(event::ClockMode::System | event::ClockMode::Manual) | None => {
                Err(Rejection::AtNotDriven)
            }
        },
    }?;
    if events.len() > COMMAND_EVENTS_MAX {
        return Err(Rejection::TooMuchAtOnce);
    }
    Ok(Decision::Accepted(events))
}

/// The outcome of the submission's key, if it was accepted before. None when it is yet to be decided,
/// at its time.
///
/// # Errors
/// When it is refused before its time comes: its principal may not act, it is out of bounds, the
/// same key came with another body, or its time is over.
pub fn known(
    state: &State,
    now: Timestamp,
    submission: &Submission,
) -> Result<Option<Remembered>, Rejection> {
    admitted(state, now, submission).map(|(_, known)| known)
}

/// What the principal may do, and what its key came to before.
fn admitted(
    state: &State,
    now: Timestamp,
    submission: &Submission,
) -> Result<(Scopes, Option<Remembered>), Rejection> {
    let scopes = may_act(state, now, submission.principal)?;
    if !bounds::holds(submission) {
        return Err(Rejection::OutOfBounds);
    }
    let known = remembered(state, submission)?;
    if known.is_none() && submission.at.is_some_and(|at| at < now) {
        return Err(Rejection::AtBeforeNow { now });
    }
    Ok((scopes, known))
}

fn remembered(state: &State, submission: &Submission) -> Result<Option<Remembered>, Rejection> {
    let Some(mark) = &submission.mark else {
        return Ok(None);
    };
    match state.outcomes().get(key_hash(submission.principal, &mark.key)) {
        Some(remembered) if remembered.body_hash == mark.body_hash => Ok(Some(remembered)),
        Some(_) => Err(Rejection::KeyReused),
        None => Ok(None),
    }
}

/// What the principal may do.
fn may_act(state: &State, now: Timestamp, principal: PrincipalId) -> Result<Scopes, Rejection> {
    if principal == PrincipalId::SYSTEM {
        return Ok(Scopes::ALL);
    }
    match state.clients().get(principal) {
        Some(client) if client.is_revoked => Err(Rejection::PrincipalRevoked),
        Some(client) if client.grant.is_expired(now) => Err(Rejection::TokenExpired),
        Some(client) => Ok(client.grant.scopes),
        None => Err(Rejection::PrincipalRevoked),
    }
}

/// Decides what falls due: a timer of a case, or the closing of all units that close by `now`.
#[must_use]
pub fn decide_due(state: &State, now: Timestamp, due: Due) -> Vec<Event> {
    match due {
        Due::Timer(case, timer) => vec![case::decide_timer(case, timer)],
        Due::Closing(_) => organisation::decide_due(state, now),
    }
}

/// Folds one record into the state. Cannot fail and holds no rule.
pub fn evolve(state: &mut State, record: &Record) {
    state.tail = record.seq;
    state.now = Some(record.at);
    for (_, part) in record.event.sealed_parts() {
        state.slots_used = state.slots_used.max(part.slot.0);
    }
    match &record.event {
        Event::CaseReported(event) => case::evolve_reported(state, record, event),
        Event::CaseSettled(event) => case::evolve_settled(state, record, event),
        Event::CaseAcknowledged(event) => case::evolve_acknowledged(state, record, event),
        Event::CaseEscalated(event) => case::evolve_escalated(state, record, event),
        Event::CaseHandled(event) => case::evolve_handled(state, record, event),
        Event::CaseClosed(event) => case::evolve_closed(state, record, event),
        Event::CaseWarned(event) => case::evolve_warned(state, record, event),
        Event::CaseOverdue(event) => case::evolve_overdue(state, record, event),
        Event::CaseHandedDown(event) | Event::CaseTransferred(event) => {
            case::evolve_sent(state, record, event);
        }
        Event::CaseReturned(event) => case::evolve_returned(state, record, event),
        Event::CaseDeclined(event) => case::evolve_declined(state, record, event),
        Event::CaseVoided(event) => case::evolve_voided(state, record, event),
        Event::CaseReopened(event) => case::evolve_reopened(state, record, event),
        Event::CaseNoted(event) => case::evolve_noted(state, record, event),
        Event::CasesInherited(event) => case::evolve_inherited(state, record, event),
        Event::UnitOpened(event) => {
            organisation::evolve_opened(state.organisation_mut(), record, event);
        }
        Event::UnitChanged(event) => {
            organisation::evolve_changed(state.organisation_mut(), record, event);
        }
        Event::UnitClosed(event) => {
            organisation::evolve_closed(state.organisation_mut(), record, event);
        }
        Event::UnitClosing(event) => {
            organisation::evolve_closing(state.organisation_mut(), record, event);
        }
        Event::UnitKept(event) => {
            organisation::evolve_kept(state.organisation_mut(), record, event);
        }
        Event::UnitMoved(event) => {
            organisation::evolve_moved(state.organisation_mut(), record, event);
        }
        Event::UnitsRenumbered(_) => {
            state.organisation_mut().renumber();
            state.organisation_mut().changed(record.seq);
        }
        Event::CaseRevealed(event) => case::evolve_revealed(state, record, event),
        Event::JournalOpened(event) => state.opened = Some(event.clone()),
        Event::ClockAdvanced(event) => state.now = Some(event.to),
        Event::ClientAdmitted(event) => {
            client::evolve_admitted(Arc::make_mut(&mut state.clients), record, event);
        }
        Event::ClientRevoked(event) => {
            client::evolve_revoked(Arc::make_mut(&mut state.clients), record, event);
        }
        Event::ClientChanged(event) => {
            client::evolve_changed(Arc::make_mut(&mut state.clients), record, event);
        }
        Event::ClientRotated(event) => {
            client::evolve_rotated(Arc::make_mut(&mut state.clients), record, event);
        }
        Event::ImportBegun(event) => import::evolve_begun(&mut state.imports, record, event),
        Event::UnitsStaged(event) => import::evolve_units(&mut state.imports, record, event),
        Event::MattersStaged(event) => import::evolve_matters(&mut state.imports, record, event),
        Event::TextStaged(event) => import::evolve_text(&mut state.imports, record, event),
        Event::ImportAbandoned(event) => drop(state.imports.take(event.import)),
        Event::ImportCommitted(event) => {
            if let Some(staged) = state.imports.take(event.import) {
                if !staged.units.is_empty() {
                    let organisation = state.organisation_mut();
                    organisation.put_all(staged.units, record.at);
                    organisation.changed(record.seq);
                }
                if let ImportKind::Catalogue(_) = staged.kind {
                    let catalogue = Arc::make_mut(&mut state.catalogue);
                    catalogue.replace(staged.matters, record.seq);
                }
            }
        }
    }
    state.remember(record);
}

#[cfg(test)]
pub(crate) mod tests;
