//! Where a case may go: one rule for whoever sends it and for whoever asks beforehand.

use super::{Case, Move};
use crate::domain::catalogue::{Module, named};
use crate::domain::code::{CodeRange, Level, UnitCode};
use crate::domain::grant::Places;
use crate::domain::ids::{Timestamp, UnitNumber};
use crate::domain::organisation::{Organisation, UnitRow};

named!(
    /// A move by which the holder sends the case to another unit.
    Sending {
        /// 上报上级: one level up. There is no choice.
        Escalate = "escalate",
        /// 交办: to a unit below.
        HandDown = "hand_down",
        /// 转办: to a unit beside, in the same township.
        Transfer = "transfer",
    }
);

/// Why a unit cannot get a case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unsuitable {
    /// It exists no more, or not yet.
    Closed,
    /// It holds the case.
    Holder,
    /// The move does not go there.
    Elsewhere,
}

impl Sending {
    /// The move that it is.
    #[must_use]
    pub const fn as_move(self) -> Move {
        match self {
            Self::Escalate => Move::Escalate,
            Self::HandDown => Move::HandDown,
            Self::Transfer => Move::Transfer,
        }
    }

    /// Whether `holder` may choose to send a case to that unit.
    pub(super) fn check(
        self,
        holder: &UnitRow,
        to: &UnitRow,
        now: Timestamp,
    ) -> Result<(), Unsuitable> {
        if !to.is_open(now) {
            return Err(Unsuitable::Closed);
        }
        if to.code == holder.code {
            return Err(Unsuitable::Holder);
        }
        let goes_there = match self {
            Self::Escalate => false,
            Self::HandDown => is_below(holder, to),
            Self::Transfer => is_beside(holder, to),
        };
        if goes_there { Ok(()) } else { Err(Unsuitable::Elsewhere) }
    }

    /// Where all those sit that `holder` may choose, and others.
    fn range(self, holder: &UnitRow) -> Option<CodeRange> {
        match self {
            Self::Escalate => None,
            Self::HandDown => Some(holder.code.range()),
            Self::Transfer => township(holder.code).map(UnitCode::range),
        }
    }
}

impl Case {
    /// The units that its holder may send it to by that move, of those that sit in `places`, in the
    /// order of their codes. `decide` accepts each of them now, while the move is one for now.
    #[must_use]
    pub fn targets(
        &self,
        organisation: &Organisation,
        module: Module,
        now: Timestamp,
        places: &Places,
        by: Sending,
    ) -> Vec<UnitNumber> {
        let Some((number, holder)) = self
            .status
            .holder()
            .filter(|_| self.moves_now(organisation).contains(by.as_move()))
            .and_then(|number| Some((number, organisation.unit(number)?)))
        else {
            return Vec::new();
        };
        if by == Sending::Escalate {
            return one_up(organisation, number, module, now).into_iter().collect();
        }
        let Some(range) = by.range(holder) else {
            return Vec::new();
        };
        let subtree = organisation.within(range);
        let rows = subtree.units().filter_map(|unit| Some((organisation.unit(unit)?, unit)));
        let mut fit: Vec<_> = rows
            .filter(|(row, _)| places.contains(row.code) && by.check(holder, row, now).is_ok())
            .collect();
        fit.sort_unstable_by_key(|(row, _)| row.code);
        fit.into_iter().map(|(_, unit)| unit).collect()
    }
}

/// The next open unit up the line: the village, or the township where the village is closed. In the
/// township the office that owns the module, or else the governance room.
pub(super) fn one_up(
    organisation: &Organisation,
    holder: UnitNumber,
    module: Module,
    now: Timestamp,
) -> Option<UnitNumber> {
    let village = (organisation.unit(holder)?.level() < Level::Village)
        .then(|| organisation.on_the_line(holder, Level::Village, now))
        .flatten();
    village
        .or_else(|| organisation.office(holder, module, now))
        .or_else(|| organisation.centre(holder, now))
}

fn is_below(holder: &UnitRow, to: &UnitRow) -> bool {
    holder.code.range().contains(to.code)
        && (to.level() < holder.level()
            || holder.code.letter().is_none() && to.code.letter().is_some())
}

fn is_beside(holder: &UnitRow, to: &UnitRow) -> bool {
    to.level() == holder.level()
        && to.level() <= Level::Township
        && township(to.code) == township(holder.code)
}

fn township(code: UnitCode) -> Option<UnitCode> {
    code.ancestor(Level::Township)
}
