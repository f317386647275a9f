//! What all ways of sending a case to another holder share: the node clock starts again, the total
//! clock does not.

use super::targets::Unsuitable;
use super::{Case, Light, Sending, Status};
use crate::domain::code::UnitCode;
use crate::domain::command::Submission;
use crate::domain::event::{CaseSent, SealedPart};
use crate::domain::ids::{CaseId, Timestamp, UnitNumber};
use crate::domain::record::Record;
use crate::domain::rejection::Rejection;
use crate::domain::state::State;

/// The unit that the holder wants to send the case to: one that the move goes to.
pub(super) fn target(
    state: &State,
    now: Timestamp,
    submission: &Submission,
    (id, case): (CaseId, &Case),
    to: UnitCode,
    by: Sending,
) -> Result<UnitNumber, Rejection> {
    let organisation = state.organisation();
    let found = organisation.known(to).filter(|(_, row)| submission.places.contains(row.code));
    let Some((unit, row)) = found else {
        return Err(Rejection::TargetNotFound);
    };
    let holder = case.status.holder().and_then(|holder| organisation.unit(holder));
    let Some(holder) = holder else {
        return Err(Rejection::NoHolder);
    };
    by.check(holder, row, now).map(|()| unit).map_err(|unsuitable| match unsuitable {
        Unsuitable::Closed => Rejection::TargetClosed { unit: to },
        Unsuitable::Holder => Rejection::TargetIsHolder,
        Unsuitable::Elsewhere => Rejection::TargetUnfit { case: id },
    })
}

/// The fact that the case goes to `to`.
pub(super) fn sent(
    state: &State,
    now: Timestamp,
    id: CaseId,
    case: &Case,
    to: UnitNumber,
    reason: &SealedPart,
) -> Result<CaseSent, Rejection> {
    let Some(matter) = state.catalogue().matter(case.matter) else {
        return Err(Rejection::MatterNotFound);
    };
    Ok(CaseSent {
        case: id,
        holder: to,
        deadlines: case.deadlines.restarted(state.calendar(), now, matter.node_limit),
        reason: reason.clone(),
    })
}

/// It waits for its new holder to sign.
pub(in crate::domain) fn evolve(state: &mut State, record: &Record, event: &CaseSent) {
    state.change_case(event.case, record, |case| {
        case.sender = case.status.holder().into();
        case.status = Status::Dispatched { holder: event.holder };
        case.deadlines = event.deadlines;
        case.node_light = Light::Green;
    });
}
