//! A unit (单位): whoever can hold a case, or be called to one.

use std::sync::Arc;

use crate::domain::catalogue::{Module, named, set};
use crate::domain::code::{Level, UnitCode};
use crate::domain::ids::Timestamp;

named!(
    /// What a unit is.
    UnitKind {
        /// A level of the line itself: city, county, township, village.
        Division = "division",
        /// 网格
        Grid = "grid",
        /// 社会治理中心 of a city or county, 社会治理室 of a township, 网格工作站 of a village. It sees
        /// the queue of its level; what nobody else takes falls to the township's (兜底).
        GovernanceRoom = "governance_room",
        /// 部门 of a city or county.
        Department = "department",
        /// 办、中心、队、站: a sub-unit of a township, which owns modules.
        Office = "office",
        /// 派驻机构: police, justice. It sits in a township and reports to a department.
        Stationed = "stationed",
        /// 专班
        TaskForce = "task_force",
        /// 指挥部 of a project.
        Headquarters = "headquarters",
    }
);

impl UnitKind {
    /// The letter in its codes; none for the divisions and grids of the line.
    #[must_use]
    pub const fn letter(self) -> Option<char> {
        match self {
            Self::Division | Self::Grid => None,
            Self::GovernanceRoom => Some('R'),
            Self::Department => Some('D'),
            Self::Office => Some('B'),
            Self::Stationed => Some('S'),
            Self::TaskForce => Some('T'),
            Self::Headquarters => Some('H'),
        }
    }

    /// Whether a unit of the kind may sit at a place of that level.
    #[must_use]
    pub const fn sits_at(self, level: Level) -> bool {
        match self {
            Self::Grid => matches!(level, Level::Grid),
            Self::Division => !matches!(level, Level::Grid),
            Self::GovernanceRoom | Self::TaskForce | Self::Headquarters => {
                matches!(level, Level::Village | Level::Township | Level::County | Level::City)
            }
            Self::Department => matches!(level, Level::County | Level::City),
            Self::Office | Self::Stationed => matches!(level, Level::Township),
        }
    }
}

set!(
    /// A set of the ten modules.
    Modules(pub u16) of Module
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
    /// Whom it answers to, where that is not the division that it sits in or at.
    pub reports_to: Option<UnitCode>,
    /// What an office of a township owns, or a department is the counterpart for.
    pub modules: Modules,
    /// From when it exists; none: always.
    pub valid_from: Option<Timestamp>,
    /// From when it exists no more, told ahead where that is a later moment; none: for ever.
    pub valid_until: Option<Timestamp>,
    /// Who takes over its open work when it closes.
    pub successor: Option<UnitCode>,
}

impl UnitRow {
    /// A unit that exists always, answers to its seat and owns no module.
    #[must_use]
    pub fn new(code: UnitCode, kind: UnitKind, name: impl Into<Arc<str>>) -> Self {
        Self {
            code,
            kind,
            name: name.into(),
            reports_to: None,
            modules: Modules::default(),
            valid_from: None,
            valid_until: None,
            successor: None,
        }
    }

    /// The level of the place that it sits at.
    #[must_use]
    pub const fn level(&self) -> Level {
        self.code.level()
    }

    /// Whether it exists at that moment.
    #[must_use]
    pub fn is_open(&self, now: Timestamp) -> bool {
        self.valid_from.is_none_or(|from| from <= now) && !self.is_closed(now)
    }

    /// Whether it exists no more at that moment.
    #[must_use]
    pub fn is_closed(&self, now: Timestamp) -> bool {
        self.valid_until.is_some_and(|until| until <= now)
    }

    /// Whether it exists no less long than the other.
    #[must_use]
    pub fn stays_as_long_as(&self, other: &Self) -> bool {
        let is_past = |own: Timestamp| other.valid_until.is_some_and(|until| until <= own);
        self.valid_until.is_none_or(is_past)
    }

    /// Whether it exists as soon as the other, or by now.
    #[must_use]
    pub fn is_there_from(&self, other: &Self, now: Timestamp) -> bool {
        let begins = other.valid_from.map_or(now, |from| from.max(now));
        self.valid_from.is_none_or(|from| from <= begins)
    }

    /// Whether kind, code and modules fit each other, and it names others than itself.
    #[must_use]
    pub fn is_coherent(&self) -> bool {
        let has_modules = matches!(self.kind, UnitKind::Office | UnitKind::Department);
        self.code.letter() == self.kind.letter()
            && self.kind.sits_at(self.code.level())
            && (has_modules || self.modules.is_empty())
            && self.reports_to != Some(self.code)
            && self.successor != Some(self.code)
            && (self.kind != UnitKind::Stationed || self.reports_to.is_some())
    }

    /// The unit above it: whom it reports to, or the division that it sits in or at.
    #[must_use]
    pub const fn parent(&self) -> Option<UnitCode> {
        match self.reports_to {
            Some(code) => Some(code),
            None => self.code.seat(),
        }
    }
}
