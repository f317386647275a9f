//! A city small enough to be known by heart: one county, two townships, three
//! villages, and what sits beside them.

use zhida::domain::calendar::Limit;
use zhida::domain::catalogue::{HomeLevel, MatterRow, Module, Severity};
use zhida::domain::code::UnitCode;
use zhida::domain::grant::Places;
use zhida::domain::ids::PrincipalId;
use zhida::domain::organisation::{Modules, UnitKind, UnitRow};

pub(crate) const ADMIN: PrincipalId = PrincipalId(1);
/// Acts everywhere.
pub(crate) const APP: PrincipalId = PrincipalId(2);
/// Acts in the second township only.
pub(crate) const TOWNSHIP_APP: PrincipalId = PrincipalId(3);

pub(crate) const START: i64 = 1_767_225_600_000;
pub(crate) const HOUR: i64 = 3_600_000;

/// The first township has a governance room and offices, the second has neither. The order is that of
/// their numbers.
pub(crate) const UNITS: [&str; 20] = [
    "411500000000",
    "411500000000-R01",
    "411502000000",
    "411502000000-D01",
    "411502000000-R01",
    "411502001000",
    "411502001000-B01",
    "411502001000-B02",
    "411502001000-R01",
    "411502001000-S01",
    "411502001201",
    "411502001201-R01",
    "411502001201001",
    "411502001201002",
    "411502001202",
    "411502001202001",
    "411502002000",
    "411502002201",
    "411502002201001",
    "411502002201002",
];
/// The office that owns the module of all matters, the department above it, and what is stationed.
pub(crate) const OFFICE: &str = "411502001000-B01";
pub(crate) const DEPARTMENT: &str = "411502000000-D01";
pub(crate) const STATION: &str = "411502001000-S01";
/// The second township, and all within it.
pub(crate) const TOWNSHIP_2: &str = "411502002";

/// Of all matters.
pub(crate) const MODULE: Module = Module::PublicSafety;
/// Code, home, hours of the node's clock, hours of the whole, on the spot, from occurrence.
pub(crate) const MATTERS: [(&str, HomeLevel, u32, u32, bool, bool); 4] = [
    ("PS-001", HomeLevel::Grid, 10, 100, true, false),
    ("PS-002", HomeLevel::Village, 20, 30, false, false),
    ("PS-003", HomeLevel::Township, 5, 6, false, false),
    ("PS-004", HomeLevel::Grid, 15, 60, true, true),
];

/// Who claims in it is for administrators.
pub(crate) const CONFIDENTIAL: &str = "PS-003";

/// The row of a unit as the city has it, or would have it.
pub(crate) fn unit_row(code: &str) -> UnitRow {
    let kind = match (code.split_once('-'), code.len()) {
        (Some((_, body)), _) => {
            let has_letter = |kind: &UnitKind| kind.letter() == body.chars().next();
            *UnitKind::ALL.iter().find(|kind| has_letter(kind)).expect("a letter of a kind")
        }
        (None, 15) => UnitKind::Grid,
        (None, _) => UnitKind::Division,
    };
    let row = UnitRow::new(code.parse().expect("a good code"), kind, format!("单位{code}"));
    let owner = [OFFICE, DEPARTMENT].contains(&code);
    let modules = if owner { Modules::of(&[MODULE]) } else { row.modules };
    let reports_to = (code == STATION).then(|| DEPARTMENT.parse().expect("a good code"));
    UnitRow { modules, reports_to, ..row }
}

pub(crate) fn matter_rows() -> Vec<MatterRow> {
    MATTERS
        .iter()
        .map(|&(code, home, node, total, on_the_spot, from_occurrence)| MatterRow {
            code: code.into(),
            name: format!("事项{code}").into(),
            class: "测试".into(),
            module: MODULE,
            home,
            severity: Severity::Normal,
            node_limit: Limit::CalendarHours(node),
            total_limit: Limit::CalendarHours(total),
            on_the_spot,
            public: true,
            confidential: code == CONFIDENTIAL,
            from_occurrence,
        })
        .collect()
}

/// The units that the places of a client are named by: none, everywhere.
pub(crate) fn within(principal: PrincipalId) -> Vec<UnitCode> {
    let township = format!("{TOWNSHIP_2}000").parse().expect("a good code");
    if principal == TOWNSHIP_APP { vec![township] } else { Vec::new() }
}

/// The places that exist for a client.
pub(crate) fn places(principal: PrincipalId) -> Places {
    within(principal).first().map_or_else(Places::everywhere, |unit| Places::within(*unit))
}

/// 0 is the grid, 4 the city.
pub(crate) fn level(code: &str) -> usize {
    match code.split('-').next() {
        Some(base) if base.len() == 15 => 0,
        Some(base) if !base.ends_with("000") => 1,
        Some(base) if !base.ends_with("000000") => 2,
        Some(base) if !base.ends_with("00000000") => 3,
        _ => 4,
    }
}

/// The division of that level on the line of the code.
pub(crate) fn ancestor(code: &str, to: usize) -> String {
    let base = code.split('-').next().unwrap_or(code);
    if level(code) == to {
        return base.to_owned();
    }
    let kept = [15, 12, 9, 6, 4][to];
    format!("{:0<12}", &base[..kept])
}

pub(crate) fn is_in_scope(principal: PrincipalId, code: &str) -> bool {
    principal != TOWNSHIP_APP || code.starts_with(TOWNSHIP_2)
}

/// Whether the code lies in the places below that one, itself and what sits beside it included.
pub(crate) fn is_within(code: &str, root: &str) -> bool {
    let at = level(root);
    level(code) <= at && ancestor(code, at) == ancestor(root, at)
}

/// The letter of a kind, for what sits beside the line.
pub(crate) fn letter(code: &str) -> Option<char> {
    code.split_once('-').and_then(|(_, body)| body.chars().next())
}

/// The division that the unit sits at or in.
pub(crate) fn seat(code: &str) -> Option<String> {
    match (letter(code), level(code)) {
        (Some(_), at) => Some(ancestor(code, at)),
        (None, 4) => None,
        (None, at) => Some(ancestor(code, at + 1)),
    }
}
