//! Escalating: the case goes one level up, with a reason, as far as the township. Beyond it there
//! is only the whistle.

use super::Move;
use super::sent::sent;
use crate::domain::catalogue::Module;
use crate::domain::code::Level;
use crate::domain::command::{ReasonedMove, Submission};
use crate::domain::event::{CaseSent, Event};
use crate::domain::ids::{Timestamp, UnitNumber};
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
    let up = case.status.holder().and_then(|holder| one_up(state, holder, matter.module, now));
    let Some(to) = up else {
        return Err(Rejection::NoHolder);
    };
    Ok(vec![Event::CaseEscalated(sent(state, now, id, case, to, &command.reason)?)])
}

/// The next open unit up the line: the village, or the township where the village is closed. In the
/// township the office that owns the module, or else the governance room.
fn one_up(state: &State, holder: UnitNumber, module: Module, now: Timestamp) -> Option<UnitNumber> {
    let organisation = state.organisation();
    let village = (organisation.unit(holder)?.level() < Level::Village)
        .then(|| organisation.on_the_line(holder, Level::Village, now))
        .flatten();
    village
        .or_else(|| organisation.office(holder, module, now))
        .or_else(|| organisation.centre(holder, now))
}

pub(in crate::domain) fn evolve(state: &mut State, record: &Record, event: &CaseSent) {
    super::evolve_sent(state, record, event);
    state.amend_case(event.case, |case| case.escalations = case.escalations.saturating_add(1));
}
