//! Changes of the organisation.

use crate::domain::code::UnitCode;
use crate::domain::ids::{Seq, Timestamp};
use crate::domain::organisation::UnitRow;

/// See [`Command::ChangeOrganisation`](super::Command::ChangeOrganisation).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangeOrganisation {
    /// Refused when the organisation has changed since that event.
    pub seen: Option<Seq>,
    /// What becomes another.
    pub change: Change,
}

/// A change of the organisation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// A unit opens.
    Open(UnitRow),
    /// A unit is another in some way: the row whole.
    Amend(UnitRow),
    /// A unit closes, at once or later; whoever takes over holds its cases.
    Close(CloseUnit),
    /// A unit that was told to close later does not.
    Keep(UnitCode),
    /// A unit is split.
    Split(SplitUnit),
    /// Units become one.
    Merge(MergeUnits),
    /// A unit sits elsewhere.
    Move(MoveUnit),
}

impl Change {
    /// The API's name: the line's `command`.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Open(_) => "open_unit",
            Self::Amend(_) => "change_unit",
            Self::Close(_) => "close_unit",
            Self::Keep(_) => "keep_unit",
            Self::Split(_) => "split_unit",
            Self::Merge(_) => "merge_units",
            Self::Move(_) => "move_unit",
        }
    }

    /// The rows that it brings.
    #[must_use]
    pub fn rows(&self) -> &[UnitRow] {
        match self {
            Self::Open(row) | Self::Amend(row) => std::slice::from_ref(row),
            Self::Split(split) => &split.into,
            Self::Close(_) | Self::Keep(_) | Self::Merge(_) | Self::Move(_) => &[],
        }
    }
}

/// See [`Change::Close`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CloseUnit {
    /// Which.
    pub unit: UnitCode,
    /// Who takes over its open work.
    pub successor: Option<UnitCode>,
    /// From when it exists no more: a later moment; none: at once.
    pub until: Option<Timestamp>,
}

/// See [`Change::Split`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SplitUnit {
    /// Which closes.
    pub unit: UnitCode,
    /// What opens in its place: 2 to `UNITS_MERGED_MAX`.
    pub into: Vec<UnitRow>,
    /// Who takes over its open work: one of those, or another unit.
    pub successor: UnitCode,
}

/// See [`Change::Merge`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MergeUnits {
    /// Which close: 1 to `UNITS_MERGED_MAX`.
    pub units: Vec<UnitCode>,
    /// Who takes over from all of them.
    pub into: UnitCode,
}

/// See [`Change::Move`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MoveUnit {
    /// Which.
    pub unit: UnitCode,
    /// The code that it gets.
    pub to: UnitCode,
}
