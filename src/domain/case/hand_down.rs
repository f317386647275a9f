//! Handing down (交办): the holder sends the case to a unit below it, with a reason.

use super::Move;
use super::sent::{sent, target};
use crate::domain::command::{SendCase, Submission};
use crate::domain::event::Event;
use crate::domain::ids::Timestamp;
use crate::domain::rejection::Rejection;
use crate::domain::state::State;

/// Decides what handing down does. Reads state, changes nothing.
pub(in crate::domain) fn decide(
    state: &State,
    now: Timestamp,
    submission: &Submission,
    command: &SendCase,
) -> Result<Vec<Event>, Rejection> {
    let (id, case) = state.case_for(now, submission, &command.target, Move::HandDown)?;
    let (holder, (unit, to)) = target(state, now, submission, case, command.to)?;
    let is_below = holder.code.range().contains(to.code)
        && (to.level() < holder.level()
            || holder.code.letter().is_none() && to.code.letter().is_some());
    if !is_below {
        return Err(Rejection::TargetUnfit { case: id });
    }
    Ok(vec![Event::CaseHandedDown(sent(state, now, id, case, unit, &command.reason)?)])
}
