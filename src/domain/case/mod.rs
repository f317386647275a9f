//! A case (案件): one matter in one place, with exactly one holder while it is open.
//!
//! ```text
//!  report ──▶ dispatched ──▶ acknowledged ──▶ handled ──▶ closed
//!    │          ▲    │            │                          ▲
//!    │          └────┴─ escalate ─┘                          │
//!    └─ settled on the spot ─────────────────────────────────┘
//! ```
//!
//! One verb a file: its `decide` beside its event's `evolve`.

mod acknowledge;
mod close;
mod escalate;
mod handle;
mod report;
mod slab;
mod timers;

use super::catalogue::{Severity, named};
use super::clock::Deadlines;
use super::code::Level;
use super::digest::hash_of_words;
use super::ids::{MatterNumber, Seq, Timestamp, UnitNumber};

pub use slab::Cases;
pub use timers::Timer;

pub(super) use acknowledge::{decide as decide_acknowledge, evolve as evolve_acknowledged};
pub(super) use close::{decide as decide_close, evolve as evolve_closed};
pub(super) use escalate::{decide as decide_escalate, evolve as evolve_escalated};
pub(super) use handle::{decide as decide_handle, evolve as evolve_handled};
pub(super) use report::{decide as decide_report, evolve_reported, evolve_settled};
pub(super) use timers::{decide as decide_timer, evolve_overdue, evolve_warned};

named!(
    /// Where a case came from.
    Source {
        /// A grid worker on patrol.
        Patrol = "patrol",
        /// A resident, by app or by word.
        Resident = "resident",
        /// The 12345 hotline.
        Hotline = "hotline",
        /// A department's system.
        Department = "department",
        /// A sensor.
        Sensor = "sensor",
    }
);

named!(
    /// Which of a case's two clocks.
    ClockName {
        /// This holder's.
        Node = "node",
        /// The whole case's.
        Total = "total",
    }
);

named!(
    /// How much of a limit is used.
    Light {
        /// Less than 80 %.
        Green = "green",
        /// 80 % and more.
        Yellow = "yellow",
        /// All of it.
        Red = "red",
    }
);

named!(
    /// What a case is at, without what the status carries.
    StatusName {
        /// 已派遣: waits for its holder.
        Dispatched = "dispatched",
        /// 已签收: its holder signed for it.
        Acknowledged = "acknowledged",
        /// 已处置: dealt with, not yet answered.
        Handled = "handled",
        /// 已结案
        Closed = "closed",
    }
);

named!(
    /// A move that a holder can make.
    Move {
        /// Sign for it.
        Acknowledge = "acknowledge",
        /// Send it one level up.
        Escalate = "escalate",
        /// Say that it is dealt with.
        Handle = "handle",
        /// Close it with an answer.
        Close = "close",
    }
);

/// A set of moves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Moves(pub u16);

impl Moves {
    /// The set of these.
    #[must_use]
    pub fn of(moves: &[Move]) -> Self {
        Self(moves.iter().fold(0, |bits, one| bits | 1 << *one as u16))
    }

    /// Whether the move is in it.
    #[must_use]
    pub const fn contains(self, one: Move) -> bool {
        self.0 & (1 << one as u16) != 0
    }

    /// The moves in it, in order.
    pub fn iter(self) -> impl Iterator<Item = Move> {
        Move::ALL.iter().copied().filter(move |one| self.contains(*one))
    }
}

/// What a case is at, and whose it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Status {
    /// It waits for `holder` to sign.
    Dispatched {
        /// Who answers for it.
        holder: UnitNumber,
    },
    /// `holder` signed for it.
    Acknowledged {
        /// Who answers for it.
        holder: UnitNumber,
        /// When it was signed for.
        at: Timestamp,
    },
    /// `holder` dealt with it; the claimant has no answer yet.
    Handled {
        /// Who answers for it.
        holder: UnitNumber,
        /// When it was dealt with.
        at: Timestamp,
    },
    /// Nobody holds it any more.
    Closed {
        /// Who closed it.
        by: UnitNumber,
        /// When.
        at: Timestamp,
    },
}

impl Status {
    /// Its name alone.
    #[must_use]
    pub const fn name(self) -> StatusName {
        match self {
            Self::Dispatched { .. } => StatusName::Dispatched,
            Self::Acknowledged { .. } => StatusName::Acknowledged,
            Self::Handled { .. } => StatusName::Handled,
            Self::Closed { .. } => StatusName::Closed,
        }
    }

    /// Who answers for it, while it is open.
    #[must_use]
    pub const fn holder(self) -> Option<UnitNumber> {
        match self {
            Self::Dispatched { holder }
            | Self::Acknowledged { holder, .. }
            | Self::Handled { holder, .. } => Some(holder),
            Self::Closed { .. } => None,
        }
    }
}

/// The hot record of a case: what routing, clocks and lists need. Texts are in the journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Case {
    /// What it is at, and whose it is.
    pub status: Status,
    /// When it was received.
    pub reported_at: Timestamp,
    /// Of both clocks.
    pub deadlines: Deadlines,
    /// Its report in the journal.
    pub first_seq: Seq,
    /// Its newest event in the journal.
    pub last_seq: Seq,
    /// How many events it has had: 1 after the report.
    pub version: u32,
    /// Where it happened: the unit as it was then.
    pub place: UnitNumber,
    /// Of what.
    pub matter: MatterNumber,
    /// How grave.
    pub severity: Severity,
    /// Where it came from.
    pub source: Source,
    /// This holder's clock.
    pub node_light: Light,
    /// The whole case's clock.
    pub total_light: Light,
    /// How often it went up.
    pub escalations: u8,
    /// The township's room holds it for want of a rule or an open grid.
    pub is_fallback: bool,
    /// Reported and settled in one call.
    pub on_the_spot: bool,
}

const _: () = assert!(size_of::<Case>() <= 128, "a hot record is two cache lines at most");

impl Case {
    /// The moves open to the holder at `level`.
    #[must_use]
    pub fn moves(&self, level: Level) -> Moves {
        let can_escalate = level < Level::Township;
        match self.status {
            Status::Dispatched { .. } if can_escalate => {
                Moves::of(&[Move::Acknowledge, Move::Escalate])
            }
            Status::Dispatched { .. } => Moves::of(&[Move::Acknowledge]),
            Status::Acknowledged { .. } if can_escalate => {
                Moves::of(&[Move::Escalate, Move::Handle])
            }
            Status::Acknowledged { .. } => Moves::of(&[Move::Handle]),
            Status::Handled { .. } => Moves::of(&[Move::Close]),
            Status::Closed { .. } => Moves::default(),
        }
    }

    /// The record's share of the state's digest.
    #[must_use]
    pub fn hash(&self, id: super::ids::CaseId) -> u128 {
        let (holder, at) = match self.status {
            Status::Dispatched { holder } => (holder, Timestamp::EPOCH),
            Status::Acknowledged { holder, at }
            | Status::Handled { holder, at }
            | Status::Closed { by: holder, at } => (holder, at),
        };
        let small = [
            self.status.name() as u8,
            self.severity as u8,
            self.source as u8,
            self.node_light as u8,
            self.total_light as u8,
            self.escalations,
            u8::from(self.is_fallback),
            u8::from(self.on_the_spot),
        ];
        let d = &self.deadlines;
        hash_of_words([
            u64::from(id.0) << 32 | u64::from(self.version),
            u64::from(holder.0) << 32 | u64::from(self.place.0),
            u64::from(self.matter.0),
            u64::from_le_bytes(small),
            at.0.cast_unsigned(),
            self.reported_at.0.cast_unsigned(),
            d.node_started_at.0.cast_unsigned(),
            d.node_warning_at.0.cast_unsigned(),
            d.node_due_at.0.cast_unsigned(),
            d.total_warning_at.0.cast_unsigned(),
            d.total_due_at.0.cast_unsigned(),
            self.first_seq.0,
            self.last_seq.0,
        ])
    }
}
