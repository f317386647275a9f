//! Facts of the organisation, and of the work that changes hands with it.

use crate::domain::code::UnitCode;
use crate::domain::ids::{CaseId, Seq, Timestamp, UnitNumber};
use crate::domain::organisation::UnitRow;

/// See [`Event::CasesInherited`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CasesInherited {
    /// Who held them.
    pub from: UnitNumber,
    /// Who answers for them from here on.
    pub holder: UnitNumber,
    /// Which, each with the event before this one on it; at most `EVENT_CASES_MAX`.
    pub cases: Vec<(CaseId, Seq)>,
}

/// See [`Event::UnitOpened`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnitOpened {
    /// It gets the next number.
    pub row: UnitRow,
}

/// See [`Event::UnitChanged`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnitChanged {
    /// Which.
    pub unit: UnitNumber,
    /// What it is now, with the code that it had.
    pub row: UnitRow,
}

/// See [`Event::UnitClosed`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnitClosed {
    /// Which.
    pub unit: UnitNumber,
    /// Who takes over.
    pub successor: Option<UnitNumber>,
    /// From when it exists no more; the record's own time is when the engine came to it.
    pub until: Timestamp,
}

/// See [`Event::UnitClosing`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnitClosing {
    /// Which.
    pub unit: UnitNumber,
    /// Who is to take over.
    pub successor: Option<UnitNumber>,
    /// From when it will exist no more.
    pub until: Timestamp,
}

/// See [`Event::UnitKept`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnitKept {
    /// Which.
    pub unit: UnitNumber,
}

/// See [`Event::UnitMoved`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnitMoved {
    /// Which.
    pub unit: UnitNumber,
    /// Its code from here on; what sits in it keeps the digits behind.
    pub to: UnitCode,
}

/// See [`Event::UnitsRenumbered`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnitsRenumbered {
    /// The epoch that begins.
    pub epoch: u32,
}
