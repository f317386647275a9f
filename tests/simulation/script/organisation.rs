//! Random changes of the organisation, and rows for imports: some that cannot be.

use zhida::domain::code::UnitCode;
use zhida::domain::command::{
    Change, ChangeOrganisation, CloseUnit, Command, MergeUnits, MoveUnit, SplitUnit, Submission,
};
use zhida::domain::ids::{Seq, Timestamp};
use zhida::domain::organisation::{Modules, UnitKind, UnitRow};
use zhida::journal::medium::simulated::Dice;

use super::{GRIDS, by, index, pick};
use crate::city::{
    ADMIN, APP, DEPARTMENT, HOUR, MODULE, OFFICE, STATION, UNITS, letter, seat, unit_row,
};
use crate::shadow::Shadow;

/// Where grids come, some of it twice as often; the last is not there.
const VILLAGES: [&str; 5] =
    ["411502001201", "411502001202", "411502001202", "411502002201", "411502001203"];

/// Another change of the organisation.
pub(super) fn change(dice: &mut Dice, shadow: &Shadow) -> Submission {
    let change = match dice.below(23) {
        0..4 => Change::Open(opening(dice, shadow)),
        4..6 => Change::Amend(amended(dice, shadow)),
        6..9 => {
            let unit = any(dice, shadow);
            let is_alone = dice.once_in(2);
            let successor = (!is_alone).then(|| code(&heir(dice, shadow, &unit)));
            Change::Close(CloseUnit { unit: code(&unit), successor, until: None })
        }
        16..20 => {
            let unit = any(dice, shadow);
            let is_alone = dice.once_in(8);
            let successor = (!is_alone).then(|| code(&heir(dice, shadow, &unit)));
            let until = Some(later(dice, shadow));
            Change::Close(CloseUnit { unit: code(&unit), successor, until })
        }
        20..23 => {
            let told = shadow.told_to_close();
            let is_any = told.is_empty() || dice.once_in(5);
            let unit = if is_any { any(dice, shadow) } else { (*pick(dice, &told)).to_owned() };
            Change::Keep(code(&unit))
        }
        9..11 => split(dice, shadow),
        11..13 => {
            let into = any(dice, shadow);
            let parts = match dice.below(10) {
                0 => 0,
                1..7 => 1,
                _ => 2,
            };
            let units = (0..parts).map(|_| code(&heir(dice, shadow, &into))).collect();
            Change::Merge(MergeUnits { units, into: code(&into) })
        }
        _ => {
            let unit = any(dice, shadow);
            let to = code(&elsewhere(dice, shadow, &unit));
            Change::Move(MoveUnit { unit: code(&unit), to })
        }
    };
    let seen = seen(dice, shadow);
    let principal = if dice.once_in(15) { APP } else { ADMIN };
    by(principal, None, Command::ChangeOrganisation(Box::new(ChangeOrganisation { seen, change })))
}

/// The version that whoever asks has seen, mostly the newest or none.
pub(super) fn seen(dice: &mut Dice, shadow: &Shadow) -> Option<Seq> {
    let newest = shadow.organisation.seq;
    match dice.below(12) {
        0 => Some(Seq(newest.saturating_sub(1))),
        1..5 => Some(Seq(newest)),
        _ => None,
    }
}

/// Rows for an import: units that come, close or open again, or ones that cannot be.
pub(super) fn rows(dice: &mut Dice, shadow: &Shadow) -> Vec<UnitRow> {
    match dice.below(16) {
        0 => vec![unit_row("411502003201001")],
        1 => {
            let mut row = unit_row(GRIDS[0]);
            row.kind = UnitKind::Division;
            vec![row]
        }
        2 => {
            // Each reports to the other.
            let mut row = unit_row(DEPARTMENT);
            row.reports_to = Some(code(STATION));
            vec![row, unit_row(STATION)]
        }
        3 => vec![unit_row(OFFICE); 2],
        4..10 => {
            let unit = any(dice, shadow);
            let mut row = unit_row(&unit);
            let until = if dice.once_in(3) { later(dice, shadow) } else { Timestamp(shadow.now) };
            row.valid_until = dice.below(3).gt(&0).then_some(until);
            if dice.below(3) > 0 {
                row.successor = Some(code(&heir(dice, shadow, &unit)));
            }
            let opens = unit_row(&new_grid(dice));
            if dice.once_in(2) { vec![row] } else { vec![row, opens] }
        }
        // What was closed of the city opens again.
        10..14 => [(); 2].map(|()| unit_row(UNITS[index(dice, UNITS.len())])).to_vec(),
        _ => vec![unit_row(&new_grid(dice))],
    }
}

fn code(code: &str) -> UnitCode {
    code.parse().expect("a good code")
}

/// A moment that mostly comes soon, and now and then has passed.
fn later(dice: &mut Dice, shadow: &Shadow) -> Timestamp {
    let hours = i64::try_from(dice.below(30)).expect("few") - 1;
    Timestamp(shadow.now + hours * HOUR)
}

fn new_grid(dice: &mut Dice) -> String {
    format!("{}{:03}", pick(dice, &VILLAGES), 3 + dice.below(60))
}

/// A unit that is there, mostly one that came later; now and then one that is not.
fn any(dice: &mut Dice, shadow: &Shadow) -> String {
    let known = shadow.organisation.iter().count();
    let first = if dice.once_in(4) { 0 } else { UNITS.len().min(known - 1) };
    if dice.once_in(25) {
        return "411502001201888".to_owned();
    }
    // Mostly one of the newest, which are open.
    let furthest = if dice.once_in(2) { 6 } else { 100 };
    let back = index(dice, furthest.min(known - first));
    shadow.organisation.code(known - 1 - back).to_owned()
}

/// Mostly a unit that takes over: alike, open.
fn heir(dice: &mut Dice, shadow: &Shadow, unit: &str) -> String {
    let alike = |one: &str| letter(one) == letter(unit) && one.len() == unit.len() && one != unit;
    let open = shadow.organisation.iter().filter(|(_, one)| one.is_open(shadow.now));
    let open: Vec<&str> = open.map(|(_, one)| one.code.as_str()).filter(|one| alike(one)).collect();
    match dice.below(10) {
        0 => (*pick(dice, &UNITS)).to_owned(),
        1 => "411502001201888".to_owned(),
        2 => unit.to_owned(),
        3 => any(dice, shadow),
        _ if open.is_empty() => OFFICE.to_owned(),
        _ => (*pick(dice, &open)).to_owned(),
    }
}

fn opening(dice: &mut Dice, shadow: &Shadow) -> UnitRow {
    let mut row = match dice.below(12) {
        0 => unit_row(&any(dice, shadow)),
        1 => unit_row(&format!("411502002000-R{:02}", 1 + dice.below(3))),
        2 => unit_row(&format!("411502001000-T{:02}", 1 + dice.below(9))),
        3 => unit_row(&format!("411502001000-H{:02}", 1 + dice.below(9))),
        4 => {
            let mut office = unit_row(&format!("411502002000-B{:02}", 1 + dice.below(9)));
            office.modules = Modules::of(&[MODULE]);
            office
        }
        5 => unit_row(&format!("411502001{:03}", 204 + dice.below(20))),
        _ => unit_row(&new_grid(dice)),
    };
    match dice.below(16) {
        0 => row.valid_until = Some(Timestamp(shadow.now)),
        1 => row.valid_from = Some(Timestamp(shadow.now + 20 * HOUR)),
        2 => row.modules = Modules::of(&[MODULE]),
        _ => {}
    }
    row
}

fn amended(dice: &mut Dice, shadow: &Shadow) -> UnitRow {
    match dice.below(8) {
        // The office owns its module no more, or again.
        0..3 => {
            let mut row = unit_row(OFFICE);
            row.modules = if dice.once_in(2) { Modules::default() } else { row.modules };
            row
        }
        3 => {
            // Whom the station reports to.
            let mut row = unit_row(DEPARTMENT);
            row.reports_to = Some(code(STATION));
            row
        }
        4 => {
            let mut row = unit_row(&any(dice, shadow));
            row.valid_until = Some(Timestamp(shadow.now));
            row
        }
        5 => {
            let mut row = unit_row(&any(dice, shadow));
            row.reports_to = Some(code("411502009000"));
            row
        }
        _ => {
            let mut row = unit_row(&any(dice, shadow));
            row.name = format!("改名{}", dice.below(4)).into();
            row
        }
    }
}

fn split(dice: &mut Dice, shadow: &Shadow) -> Change {
    let unit = any(dice, shadow);
    let beside = |dice: &mut Dice| match (letter(&unit), seat(&unit)) {
        (None, Some(seat)) if unit.len() == 15 => format!("{seat}{:03}", 100 + dice.below(200)),
        (Some(letter), Some(seat)) => format!("{seat}-{letter}{:02}", 10 + dice.below(80)),
        _ => new_grid(dice),
    };
    let parts = if dice.once_in(12) { 1 } else { 2 + index(dice, 2) };
    let mut into: Vec<UnitRow> = (0..parts)
        .map(|_| {
            let row = unit_row(&beside(dice));
            // A station reports to whom its parts report to.
            let reports_to = (row.kind == UnitKind::Stationed).then(|| code(DEPARTMENT));
            UnitRow { reports_to, ..row }
        })
        .collect();
    if dice.once_in(12) {
        into[0] = unit_row(OFFICE);
    }
    if dice.once_in(12) && parts > 1 {
        into[1] = into[0].clone();
    }
    let successor = match dice.below(4) {
        0 => code(&heir(dice, shadow, &unit)),
        _ => into[index(dice, into.len())].code,
    };
    Change::Split(SplitUnit { unit: code(&unit), into, successor })
}

/// Where a unit may move: to another seat, or to one that cannot be.
fn elsewhere(dice: &mut Dice, shadow: &Shadow, unit: &str) -> String {
    match (letter(unit), unit.len()) {
        _ if dice.once_in(10) => any(dice, shadow),
        (Some(letter), _) => {
            let seats = ["411502001000", "411502002000", "411502000000"];
            format!("{}-{letter}{:02}", pick(dice, &seats), 30 + dice.below(60))
        }
        (None, 15) => format!("{}{:03}", pick(dice, &VILLAGES), 400 + dice.below(500)),
        // A village, with all that is in it.
        (None, _) => {
            let townships = ["411502001", "411502002"];
            format!("{}{:03}", pick(dice, &townships), 300 + dice.below(500))
        }
    }
}
