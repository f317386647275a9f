//! A unit (单位): whoever can hold a case.

use std::sync::Arc;

use crate::domain::catalogue::named;
use crate::domain::code::{Level, UnitCode};
use crate::domain::ids::Timestamp;

named!(
    /// What a unit is.
    UnitKind {
        /// A level of the line itself: city, county, township, village.
        Division = "division",
        /// 网格
        Grid = "grid",
        /// 社会治理室 and its like on other levels: the default holder (兜底).
        GovernanceRoom = "governance_room",
    }
);

/// A unit as an import's text gives it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnitRow {
    /// What names it in the API. Its digits say where it sits.
    pub code: UnitCode,
    /// What it is.
    pub kind: UnitKind,
    /// In Chinese, as the city calls it.
    pub name: Arc<str>,
    /// From when it exists; none: always.
    pub valid_from: Option<Timestamp>,
    /// From when it exists no more, never a later moment than the import; none: for ever.
    pub valid_until: Option<Timestamp>,
}

impl UnitRow {
    /// The level of the place that it sits at.
    #[must_use]
    pub const fn level(&self) -> Level {
        self.code.level()
    }

    /// Whether it exists at that moment.
    #[must_use]
    pub fn is_open(&self, now: Timestamp) -> bool {
        self.valid_from.is_none_or(|from| from <= now)
            && self.valid_until.is_none_or(|until| now < until)
    }

    /// Whether the kind fits the form of the code.
    #[must_use]
    pub const fn is_coherent(&self) -> bool {
        match self.kind {
            UnitKind::Grid => {
                matches!(self.code.level(), Level::Grid) && self.code.letter().is_none()
            }
            UnitKind::Division => {
                !matches!(self.code.level(), Level::Grid) && self.code.letter().is_none()
            }
            UnitKind::GovernanceRoom => matches!(self.code.letter(), Some('R')),
        }
    }
}
