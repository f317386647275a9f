//! Escalating: the case goes one level up, with a reason, as far as the township. Beyond it there
//! is only the whistle.

use super::{Light, Move, Status};
use crate::domain::code::Level;
use crate::domain::command::{EscalateCase, Submission};
use crate::domain::event::{CaseEscalated, Event};
use crate::domain::ids::{Timestamp, UnitNumber};
use crate::domain::record::Record;
use crate::domain::rejection::Rejection;
use crate::domain::state::State;

/// Decides what escalating does. Reads state, changes nothing.
pub(in crate::domain) fn decide(
    state: &State,
    now: Timestamp,
    submission: &Submission,
    command: &EscalateCase,
) -> Result<Vec<Event>, Rejection> {
    let (id, case) = state.case_for(now, submission, &command.target, Move::Escalate)?;
    let Some(matter) = state.catalogue().matter(case.matter) else {
        return Err(Rejection::MatterNotFound);
    };
    let Some(holder) = case.status.holder().and_then(|holder| one_up(state, holder, now)) else {
        return Err(Rejection::NoHolder);
    };
    Ok(vec![Event::CaseEscalated(CaseEscalated {
        case: id,
        holder,
        deadlines: case.deadlines.restarted(state.calendar(), now, matter.node_limit),
        reason: command.reason.clone(),
    })])
}

/// The next open unit up the line: the village, or the township where the village is closed.
fn one_up(state: &State, holder: UnitNumber, now: Timestamp) -> Option<UnitNumber> {
    let organisation = state.organisation();
    let level = organisation.unit(holder)?.level();
    [Level::Village, Level::Township]
        .into_iter()
        .filter(|above| level < *above)
        .find_map(|above| organisation.on_the_line(holder, above, now))
        .or_else(|| organisation.township_room(holder, now))
}

pub(in crate::domain) fn evolve(state: &mut State, record: &Record, event: &CaseEscalated) {
    state.change_case(event.case, record.seq, |case| {
        case.status = Status::Dispatched { holder: event.holder };
        case.deadlines = event.deadlines;
        case.node_light = Light::Green;
        case.escalations = case.escalations.saturating_add(1);
    });
}
