//! Returning before signing (退回): the case goes back to whoever sent it; to the township's
//! governance room where routing sent it, where it was returned before, or where whoever sent it
//! sits above the township: no case lies there.

use super::sent::sent;
use super::{Move, Sender};
use crate::domain::code::Level;
use crate::domain::command::{ReasonedMove, Submission};
use crate::domain::event::{CaseSent, Event};
use crate::domain::ids::{Timestamp, UnitNumber};
use crate::domain::record::Record;
use crate::domain::rejection::Rejection;
use crate::domain::state::State;

/// Decides what returning does. Reads state, changes nothing.
pub(in crate::domain) fn decide(
    state: &State,
    now: Timestamp,
    submission: &Submission,
    command: &ReasonedMove,
) -> Result<Vec<Event>, Rejection> {
    let (id, case) = state.case_for(now, submission, &command.target, Move::Return)?;
    let organisation = state.organisation();
    let holder = case.status.holder();
    let can_hold = |unit: &UnitNumber| {
        organisation.code(*unit).is_some_and(|code| code.level() <= Level::Township)
    };
    let back = case.sender.unit().and_then(|sender| organisation.standing_in(sender, now));
    let room = || holder.and_then(|holder| organisation.centre(holder, now));
    let back = back.filter(can_hold).or_else(room).filter(|back| Some(*back) != holder);
    let Some(to) = back else {
        return Err(Rejection::NoHolder);
    };
    Ok(vec![Event::CaseReturned(sent(state, now, id, case, to, &command.reason)?)])
}

pub(in crate::domain) fn evolve(state: &mut State, record: &Record, event: &CaseSent) {
    super::evolve_sent(state, record, event);
    // Who returned it is not who sent it: it cannot go to and fro.
    state.amend_case(event.case, |case| case.sender = Sender::NOBODY);
}
