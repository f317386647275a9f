//! What may be done with a case now, and by whom.
//!
//! Its holder works on it. A governance room (社会治理室, the centre of its level) above it may void
//! it or open it again. Whoever sits above it may put a note to it.

use super::{Case, Status};
use crate::domain::catalogue::{named, set};
use crate::domain::code::{Level, UnitCode};
use crate::domain::ids::{Timestamp, UnitNumber};
use crate::domain::organisation::{Organisation, UnitKind, UnitRow};

named!(
    /// A move that a unit can make with a case.
    Move {
        /// 签收: sign for it.
        Acknowledge = "acknowledge",
        /// 上报上级: send it one level up.
        Escalate = "escalate",
        /// 处置: say that it is dealt with.
        Handle = "handle",
        /// 结案: close it with an answer.
        Close = "close",
        /// 交办: send it to a unit below.
        HandDown = "hand_down",
        /// 转办: send it to a unit beside, in the same township.
        Transfer = "transfer",
        /// 退回: send it back unsigned to whoever sent it.
        Return = "return",
        /// 不予受理: end it unsigned.
        Decline = "decline",
        /// 重办: open it again.
        Reopen = "reopen",
        /// 作废: end it as none, for obvious spam.
        Void = "void",
        /// 备注: put a note to it.
        Note = "note",
    }
);

set!(
    /// A set of moves.
    Moves(pub u32) of Move
);

impl Moves {
    /// The moves of both.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// The set without that move, unless it `stays`.
    #[must_use]
    const fn keep(self, one: Move, stays: bool) -> Self {
        if stays { self } else { Self(self.0 & !(1 << one as u32)) }
    }
}

/// Kept beside a case and a status in one number of 64 bits.
pub(in crate::domain) const MOVE_BITS: u32 = 27;
const _: () = assert!(Move::ALL.len() <= MOVE_BITS as usize, "a refusal holds all moves");

impl Case {
    /// What that unit may do with the case now.
    #[must_use]
    pub fn moves(&self, organisation: &Organisation, unit: UnitNumber) -> Moves {
        let Some(row) = organisation.unit(unit) else {
            return Moves::default();
        };
        let mut moves = Moves::default();
        if self.status.holder() == Some(unit) {
            moves = self.moves_of_holder(row);
        }
        if self.status.ended().is_some_and(|(by, _)| by == unit) {
            moves = moves.and(self.moves_of_ender());
        }
        if self.is_below(organisation, row) {
            moves = moves.and(Moves::of(&[Move::Note]));
            if row.kind == UnitKind::GovernanceRoom {
                moves = moves.and(self.moves_of_centre(row.level()));
            }
        }
        moves
    }

    /// The same at a moment: whoever is not open then does nothing.
    #[must_use]
    pub fn moves_at(&self, organisation: &Organisation, unit: UnitNumber, now: Timestamp) -> Moves {
        let is_open = organisation.unit(unit).is_some_and(|row| row.is_open(now));
        if is_open { self.moves(organisation, unit) } else { Moves::default() }
    }

    /// What whoever answers for it may do now: its holder, or who ended it.
    #[must_use]
    pub fn moves_now(&self, organisation: &Organisation) -> Moves {
        self.moves(organisation, self.status.unit())
    }

    fn moves_of_holder(&self, holder: &UnitRow) -> Moves {
        let level = holder.level();
        let sends = |moves: Moves| {
            moves
                .keep(Move::Escalate, level < Level::Township)
                .keep(Move::HandDown, level > Level::Grid)
        };
        match self.status {
            Status::Dispatched { .. } => sends(Moves::of(&[
                Move::Acknowledge,
                Move::Escalate,
                Move::HandDown,
                Move::Transfer,
                Move::Return,
                Move::Decline,
                Move::Note,
            ]))
            .keep(Move::Return, self.sender.unit().is_some() || !is_last_resort(holder)),
            Status::Acknowledged { .. } => sends(Moves::of(&[
                Move::Escalate,
                Move::HandDown,
                Move::Transfer,
                Move::Handle,
                Move::Note,
            ])),
            Status::Handled { .. } => Moves::of(&[Move::Close, Move::Note]),
            Status::Closed { .. } | Status::Declined { .. } | Status::Voided { .. } => {
                Moves::default()
            }
        }
    }

    /// Whoever ended a case may open it again; what was voided stays so.
    fn moves_of_ender(&self) -> Moves {
        match self.status {
            Status::Closed { .. } | Status::Declined { .. } => {
                Moves::of(&[Move::Reopen, Move::Note])
            }
            Status::Voided { .. } => Moves::of(&[Move::Note]),
            Status::Dispatched { .. } | Status::Acknowledged { .. } | Status::Handled { .. } => {
                Moves::default()
            }
        }
    }

    fn moves_of_centre(&self, level: Level) -> Moves {
        match self.status {
            Status::Dispatched { .. } | Status::Acknowledged { .. } => {
                Moves::of(&[Move::Void]).keep(Move::Void, level >= Level::Township)
            }
            Status::Closed { .. } | Status::Declined { .. } => Moves::of(&[Move::Reopen]),
            Status::Handled { .. } | Status::Voided { .. } => Moves::default(),
        }
    }

    /// What a governance room somewhere above may do now.
    #[must_use]
    pub(in crate::domain) fn moves_of_any_centre(&self) -> Moves {
        self.moves_of_centre(Level::City)
    }

    /// Where it happened, by the code that the place had when it was reported.
    #[must_use]
    pub fn place_code(&self, organisation: &Organisation) -> Option<UnitCode> {
        organisation.code_at(self.place, self.reported_at)
    }

    /// Whether the case happened, or lies, in the places below that unit's seat.
    fn is_below(&self, organisation: &Organisation, row: &UnitRow) -> bool {
        let range = row.code.range();
        let lies_within = |code: Option<UnitCode>| code.is_some_and(|code| range.contains(code));
        lies_within(organisation.code(self.place))
            || lies_within(organisation.code(self.status.unit()))
    }
}

/// Whether nobody is left to whom it could give a case back that nobody sent: a governance room, or
/// the township itself where that stands in for one.
fn is_last_resort(unit: &UnitRow) -> bool {
    unit.kind == UnitKind::GovernanceRoom
        || unit.kind == UnitKind::Division && unit.level() == Level::Township
}
