//! Escalating: the case goes one level up, with a reason, as far as the township. Beyond it there
//! is only the whistle.

use super::Move;
use super::sent::sent;
use super::targets::one_up;
use crate::domain::command::{ReasonedMove, Submission};
use crate::domain::event::{CaseSent, Event};
use crate::domain::ids::Timestamp;
use crate::domain::record::Record;
use crate::domain::rejection::Rejection;
use crate::domain::state::State;

/// Decides what escalating does. Reads state, changes nothing.
pub(in crate::domain) fn decide(
    state: &State,
    now: Timestamp,
    submission: &Submission,
    command: &ReasonedMove,
) -> Result<Vec<Event>, Rejection> {
    let (id, case) = state.case_for(now, submission, &command.target, Move::Escalate)?;
    let Some(matter) = state.catalogue().matter(case.matter) else {
        return Err(Rejection::MatterNotFound);
    };
    let organisation = state.organisation();
    let holder = case.status.holder();
    let up = holder.and_then(|holder| one_up(organisation, holder, matter.module, now));
    let Some(to) = up else {
        return Err(Rejection::NoHolder);
    };
    Ok(vec![Event::CaseEscalated(sent(state, now, id, case, to, &command.reason)?)])
}

pub(in crate::domain) fn evolve(state: &mut State, record: &Record, event: &CaseSent) {
    super::evolve_sent(state, record, event);
    state.amend_case(event.case, |case| case.escalations = case.escalations.saturating_add(1));
}
