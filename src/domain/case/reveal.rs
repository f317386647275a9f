//! Revealing (明文查看): who claims is shown in plain, once, and for a purpose that stays on record.

use std::sync::Arc;

use crate::domain::catalogue::{named, set};
use crate::domain::command::{RevealCase, Submission};
use crate::domain::event::{CaseRevealed, Event};
use crate::domain::ids::Timestamp;
use crate::domain::record::Record;
use crate::domain::rejection::Rejection;
use crate::domain::state::State;

named!(
    /// What is known of a claimant.
    ClaimantField {
        /// As they call themselves.
        Name = "name",
        /// Where to call them.
        Phone = "phone",
        /// Where they live.
        Address = "address",
    }
);

set!(
    /// A set of a claimant's fields.
    ClaimantFields(u8) of ClaimantField
);

impl ClaimantFields {
    /// As bits, for whoever keeps it: field `n` of [`ClaimantField::ALL`] is bit `n`.
    #[must_use]
    pub const fn bits(self) -> u8 {
        self.0
    }

    /// The set of these bits; none where one of them names no field.
    #[must_use]
    pub fn from_bits(bits: u8) -> Option<Self> {
        (bits >> ClaimantField::ALL.len() == 0).then_some(Self(bits))
    }
}

/// Decides what revealing does. The claimant of a confidential matter is for administrators.
pub(in crate::domain) fn decide(
    state: &State,
    now: Timestamp,
    submission: &Submission,
    command: &RevealCase,
) -> Result<Vec<Event>, Rejection> {
    let (id, case) = state.case_in_scope(submission, &command.target)?;
    let is_confidential =
        state.catalogue().matter(case.matter).is_none_or(|matter| matter.confidential);
    if is_confidential && !state.is_admin(submission.principal) {
        return Err(Rejection::ClaimantConfidential);
    }
    state.actor(now, submission)?;
    Ok(vec![Event::CaseRevealed(CaseRevealed {
        case: id,
        fields: command.fields,
        purpose: Arc::clone(&command.purpose),
        ticket: command.ticket.clone(),
    })])
}

pub(in crate::domain) fn evolve(state: &mut State, record: &Record, event: &CaseRevealed) {
    // Nothing of the case changes but its history.
    state.change_case(event.case, record, |_| {});
}
