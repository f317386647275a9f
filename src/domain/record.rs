//! A fact with everything around it: when, by whom, on whose behalf, after which.

use super::event::Event;
use super::ids::{CaseId, PrincipalId, SeatNumber, Seq, Timestamp, UnitNumber};

/// Who did it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Actor {
    /// Whose token it was.
    pub principal: PrincipalId,
    /// For which unit; none where Zhida itself acts, or administration.
    pub unit: Option<UnitNumber>,
    /// From which seat; none before people exist.
    pub seat: Option<SeatNumber>,
    /// For which other principal (代理).
    pub acting_for: Option<PrincipalId>,
}

impl Actor {
    /// Zhida itself.
    pub const SYSTEM: Self =
        Self { principal: PrincipalId::SYSTEM, unit: None, seat: None, acting_for: None };
}

/// What makes a command known again: its idempotency key and a keyed hash of its body.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Mark {
    /// As the client gave it: 1 to 64 bytes of printable ASCII.
    pub key: Box<str>,
    /// Keyed with a secret of the vault, so that it tells nothing of the body to anyone else.
    pub body_hash: u128,
}

/// One event in its place. The journal keeps these; the state is the fold of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Its place.
    pub seq: Seq,
    /// When it was decided, by the engine's clock.
    pub at: Timestamp,
    /// Who did it.
    pub actor: Actor,
    /// The event before it on the same object, and so back to the first; what happened to many cases
    /// says it of each.
    pub previous: Option<Seq>,
    /// On the first event of a command that came with a key: the key, and how many events the
    /// command made.
    pub outcome: Option<Outcome>,
    /// The fact.
    pub event: Event,
}

impl Record {
    /// The event before it on that case.
    #[must_use]
    pub fn previous_of(&self, case: CaseId) -> Option<Seq> {
        let Event::CasesInherited(event) = &self.event else {
            return self.previous;
        };
        event.cases.iter().find(|(one, _)| *one == case).map(|(_, previous)| *previous)
    }
}

/// The outcome that a command's first event carries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// What makes the command known again.
    pub mark: Mark,
    /// How many events, this one included, the command made.
    pub events: u16,
}
