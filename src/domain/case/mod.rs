//! A case (案件): one matter in one place, with exactly one holder while it is open.
//!
//! ```text
//!  report ──▶ dispatched ──▶ acknowledged ──▶ handled ──▶ closed ──▶ reopen ─▶ dispatched
//!    │          │  ▲  │           │                         ▲
//!    │          │  │  └─ escalate, hand down, transfer ─▶ dispatched (new holder)
//!    │          │  └──── return before signing                │
//!    │          ├─ decline ─▶ declined                        │
//!    │          └─ void (also once acknowledged) ─▶ voided    │
//!    └─ settled on the spot ──────────────────────────────────┘
//! ```
//!
//! One verb a file: its `decide` beside its event's `evolve`.

mod acknowledge;
mod close;
mod decline;
mod escalate;
mod hand_down;
mod handle;
mod inherit;
mod moves;
mod note;
mod reopen;
mod report;
mod reveal;
mod send_back;
mod sent;
mod slab;
mod targets;
mod timers;
mod transfer;
mod void;

use super::catalogue::{Severity, named};
use super::clock::Deadlines;
use super::digest::hash_of_words;
use super::ids::{MatterNumber, Seq, Timestamp, UnitNumber};

pub(super) use moves::MOVE_BITS;
pub use moves::{Move, Moves};
pub use reveal::{ClaimantField, ClaimantFields};
pub use slab::{CHUNK_ROWS, CaseChunk, Cases};
pub use targets::Sending;
pub use timers::Timer;

pub(super) use acknowledge::{decide as decide_acknowledge, evolve as evolve_acknowledged};
pub(super) use close::{decide as decide_close, evolve as evolve_closed};
pub(super) use decline::{decide as decide_decline, evolve as evolve_declined};
pub(super) use escalate::{decide as decide_escalate, evolve as evolve_escalated};
pub(super) use hand_down::decide as decide_hand_down;
pub(super) use handle::{decide as decide_handle, evolve as evolve_handled};
pub(super) use inherit::{decide as decide_inherit, evolve as evolve_inherited, held_by};
pub(super) use note::{decide as decide_note, evolve as evolve_noted};
pub(super) use reopen::{decide as decide_reopen, evolve as evolve_reopened};
pub(super) use report::{decide as decide_report, evolve_reported, evolve_settled};
pub(super) use reveal::{decide as decide_reveal, evolve as evolve_revealed};
pub(super) use send_back::{decide as decide_return, evolve as evolve_returned};
pub(super) use sent::evolve as evolve_sent;
pub(super) use timers::{decide as decide_timer, evolve_overdue, evolve_warned};
pub(super) use transfer::decide as decide_transfer;
pub(super) use void::{decide as decide_void, evolve as evolve_voided};

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
        /// 不予受理: its holder declined it.
        Declined = "declined",
        /// 已作废: the centre voided it.
        Voided = "voided",
    }
);

impl StatusName {
    /// Those at which somebody holds the case.
    pub const OPEN: [Self; 3] = [Self::Dispatched, Self::Acknowledged, Self::Handled];

    /// Its place among the open ones; none for those that end a case.
    #[must_use]
    pub const fn open_place(self) -> Option<usize> {
        match self {
            Self::Dispatched => Some(0),
            Self::Acknowledged => Some(1),
            Self::Handled => Some(2),
            Self::Closed | Self::Declined | Self::Voided => None,
        }
    }

    /// Whether somebody holds a case at it.
    #[must_use]
    pub const fn is_open(self) -> bool {
        self.open_place().is_some()
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
    /// Answered: nobody holds it any more.
    Closed {
        /// Who closed it.
        by: UnitNumber,
        /// When.
        at: Timestamp,
    },
    /// Declined before it was signed for: nobody holds it any more.
    Declined {
        /// Who declined it.
        by: UnitNumber,
        /// When.
        at: Timestamp,
    },
    /// Voided: nobody holds it any more.
    Voided {
        /// Who voided it.
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
            Self::Declined { .. } => StatusName::Declined,
            Self::Voided { .. } => StatusName::Voided,
        }
    }

    /// Who answers for it, while it is open.
    #[must_use]
    pub const fn holder(self) -> Option<UnitNumber> {
        match self {
            Self::Dispatched { holder }
            | Self::Acknowledged { holder, .. }
            | Self::Handled { holder, .. } => Some(holder),
            Self::Closed { .. } | Self::Declined { .. } | Self::Voided { .. } => None,
        }
    }

    /// Who answers for it, or who ended it.
    #[must_use]
    pub const fn unit(self) -> UnitNumber {
        match self {
            Self::Dispatched { holder: unit }
            | Self::Acknowledged { holder: unit, .. }
            | Self::Handled { holder: unit, .. }
            | Self::Closed { by: unit, .. }
            | Self::Declined { by: unit, .. }
            | Self::Voided { by: unit, .. } => unit,
        }
    }

    /// Who ended it and when, once nobody holds it any more.
    #[must_use]
    pub const fn ended(self) -> Option<(UnitNumber, Timestamp)> {
        match self {
            Self::Closed { by, at } | Self::Declined { by, at } | Self::Voided { by, at } => {
                Some((by, at))
            }
            Self::Dispatched { .. } | Self::Acknowledged { .. } | Self::Handled { .. } => None,
        }
    }

    /// The same with another holder, where anybody holds it.
    #[must_use]
    pub const fn held_by(self, holder: UnitNumber) -> Self {
        match self {
            Self::Dispatched { .. } => Self::Dispatched { holder },
            Self::Acknowledged { at, .. } => Self::Acknowledged { holder, at },
            Self::Handled { at, .. } => Self::Handled { holder, at },
            Self::Closed { .. } | Self::Declined { .. } | Self::Voided { .. } => self,
        }
    }
}

/// Who sent a case to its holder; nobody where routing did. In the space of a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Sender(UnitNumber);

impl Sender {
    /// Routing sent it.
    pub const NOBODY: Self = Self(UnitNumber(0));

    /// The unit, if one did.
    #[must_use]
    pub fn unit(self) -> Option<UnitNumber> {
        (self != Self::NOBODY).then_some(self.0)
    }

    /// The unit's number; zero for nobody.
    #[must_use]
    pub const fn number(self) -> u32 {
        self.0.0
    }
}

impl From<Option<UnitNumber>> for Sender {
    fn from(unit: Option<UnitNumber>) -> Self {
        unit.map_or(Self::NOBODY, Self)
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
    /// When that was.
    pub changed_at: Timestamp,
    /// How many events it has had: 1 after the report.
    pub version: u32,
    /// Where it happened: the unit as it was then.
    pub place: UnitNumber,
    /// Who sent it to its holder.
    pub sender: Sender,
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
    /// How often it was opened again.
    pub reopens: u8,
    /// The township's room holds it for want of a rule or an open grid.
    pub is_fallback: bool,
    /// Reported and settled in one call.
    pub on_the_spot: bool,
}

const _: () = assert!(size_of::<Case>() <= 128, "a hot record is two cache lines at most");

impl Case {
    /// The record's share of the state's digest.
    #[must_use]
    pub fn hash(&self, id: super::ids::CaseId) -> u128 {
        let (holder, at) = match self.status {
            Status::Dispatched { holder } => (holder, Timestamp::EPOCH),
            Status::Acknowledged { holder, at }
            | Status::Handled { holder, at }
            | Status::Closed { by: holder, at }
            | Status::Declined { by: holder, at }
            | Status::Voided { by: holder, at } => (holder, at),
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
            u64::from(self.sender.number()) << 32
                | u64::from(self.reopens) << 16
                | u64::from(self.matter.0),
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
            self.changed_at.0.cast_unsigned(),
        ])
    }
}
