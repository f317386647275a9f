//! The shadow's organisation: who there is, who is open, who is above whom, and how that changes.

use std::collections::BTreeMap;

use zhida::domain::command::{Change, ChangeOrganisation, MergeUnits, MoveUnit, SplitUnit};
use zhida::domain::organisation::UnitRow;

use super::Shadow;
use super::closing::{Told, Will};
use crate::city::{MODULE, ancestor, is_within, letter, level, seat};

/// Steps up, until it must be a circle.
const STEPS_UP: usize = 16;
/// What a unit may be split into, or be merged of.
const PARTS_MAX: usize = 50;

type Refused = &'static str;

/// A unit, by what an import or a change said of it last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Unit {
    pub(crate) code: String,
    kind: &'static str,
    name: String,
    reports_to: Option<String>,
    owns: bool,
    from: Option<i64>,
    pub(crate) until: Option<i64>,
    pub(crate) successor: Option<String>,
}

impl Unit {
    pub(super) fn of(row: &UnitRow) -> Self {
        Self {
            code: row.code.to_string(),
            kind: row.kind.name(),
            name: row.name.to_string(),
            reports_to: row.reports_to.map(|code| code.to_string()),
            owns: row.modules.contains(MODULE),
            from: row.valid_from.map(|at| at.0),
            until: row.valid_until.map(|at| at.0),
            successor: row.successor.map(|code| code.to_string()),
        }
    }

    pub(crate) fn is_open(&self, now: i64) -> bool {
        self.from.is_none_or(|from| from <= now) && self.until.is_none_or(|until| now < until)
    }

    /// The same, with another end.
    pub(super) fn ending(&self, until: Option<i64>, successor: Option<String>) -> Self {
        Self { until, successor, ..self.clone() }
    }

    pub(super) fn is_closed(&self, now: i64) -> bool {
        self.until.is_some_and(|until| until <= now)
    }

    /// Whether it is there as long as the other.
    pub(super) fn outlasts(&self, other: &Self) -> bool {
        match (self.until, other.until) {
            (None, _) => true,
            (Some(_), None) => false,
            (Some(own), Some(other)) => other <= own,
        }
    }

    fn above(&self) -> Option<String> {
        self.reports_to.clone().or_else(|| seat(&self.code))
    }

    pub(super) fn is_coherent(&self) -> bool {
        let at = level(&self.code);
        let (letter_of, levels) = match self.kind {
            "division" => (None, 1..5),
            "grid" => (None, 0..1),
            "governance_room" => (Some('R'), 1..5),
            "department" => (Some('D'), 3..5),
            "office" => (Some('B'), 2..3),
            "stationed" => (Some('S'), 2..3),
            "task_force" => (Some('T'), 1..5),
            "headquarters" => (Some('H'), 1..5),
            other => panic!("{other} is no kind"),
        };
        letter(&self.code) == letter_of
            && levels.contains(&at)
            && (!self.owns || matches!(self.kind, "office" | "department"))
            && self.reports_to.as_ref() != Some(&self.code)
            && self.successor.as_ref() != Some(&self.code)
            && (self.kind != "stationed" || self.reports_to.is_some())
    }
}

/// All units, each under its number less one.
#[derive(Clone, Debug, Default)]
pub(crate) struct Organisation {
    units: Vec<Unit>,
    /// Every code that was ever given: it names the same unit for good.
    names: BTreeMap<String, usize>,
    /// Which code a unit had until when, oldest first.
    left: BTreeMap<usize, Vec<(i64, String)>>,
    /// Which units are told to close.
    pub(super) told: Told,
    is_numbered: bool,
    /// Its newest change.
    pub(crate) seq: u64,
}

impl Organisation {
    pub(crate) fn iter(&self) -> impl Iterator<Item = (usize, &Unit)> + Clone {
        self.units.iter().enumerate()
    }

    pub(crate) fn find(&self, code: &str) -> Option<usize> {
        self.names.get(code).copied()
    }

    pub(crate) fn unit(&self, unit: usize) -> &Unit {
        &self.units[unit]
    }

    pub(crate) fn code(&self, unit: usize) -> &str {
        &self.units[unit].code
    }

    /// The code that it had once that moment was over.
    pub(crate) fn code_at(&self, unit: usize, at: i64) -> &str {
        let left = self.left.get(&unit).map_or(&[][..], Vec::as_slice);
        let was = left.iter().find(|(until, _)| at < *until);
        was.map_or(self.code(unit), |(_, code)| code)
    }

    /// The open division or grid of that level through the unit's place.
    pub(super) fn on_the_line(&self, unit: usize, to: usize, now: i64) -> Option<usize> {
        let code = self.code(unit);
        let found = (level(code) <= to).then(|| self.find(&ancestor(code, to)))??;
        self.unit(found).is_open(now).then_some(found)
    }

    /// The first open unit of a letter at the unit's township.
    fn at_township(&self, unit: usize, of: char, owns: bool, now: i64) -> Option<usize> {
        let code = self.code(unit);
        if level(code) > 2 {
            return None;
        }
        let township = ancestor(code, 2);
        let is_it = |one: &Unit| {
            letter(&one.code) == Some(of)
                && seat(&one.code).as_ref() == Some(&township)
                && (one.owns || !owns)
                && one.is_open(now)
        };
        let found = self.iter().filter(|(_, one)| is_it(one));
        found.min_by_key(|(_, one)| one.code.clone()).map(|(unit, _)| unit)
    }

    pub(super) fn office(&self, unit: usize, now: i64) -> Option<usize> {
        self.at_township(unit, 'B', true, now)
    }

    /// The township's room, or else the township.
    pub(super) fn centre(&self, unit: usize, now: i64) -> Option<usize> {
        self.at_township(unit, 'R', false, now).or_else(|| self.on_the_line(unit, 2, now))
    }

    /// The centre of the place, or of whoever took over from the place or from its township.
    pub(super) fn fallback(&self, place: usize, now: i64) -> Option<usize> {
        let township = self.find(&ancestor(self.code(place), 2));
        let asked = [Some(place), self.standing_in(place, now)].into_iter().flatten();
        let asked = asked.chain(township.and_then(|unit| self.standing_in(unit, now)));
        asked.into_iter().find_map(|at| self.centre(at, now))
    }

    /// Itself, or whoever took over and is open.
    pub(super) fn standing_in(&self, unit: usize, now: i64) -> Option<usize> {
        let next = |at: &usize| self.find(self.unit(*at).successor.as_ref()?);
        let mut line = std::iter::successors(Some(unit), next).take(self.units.len() + 1);
        line.find(|at| self.unit(*at).is_open(now))
    }

    /// The units that answer to it, or sit in it, one step.
    pub(super) fn children(&self, unit: usize) -> impl Iterator<Item = &Unit> {
        let hangs_on = move |one: &&Unit| {
            let mut above = [one.above(), seat(&one.code)].into_iter().flatten();
            above.any(|above| self.find(&above) == Some(unit))
        };
        self.units.iter().filter(hangs_on)
    }

    /// A unit gets this row, and may have been another.
    fn put(&mut self, row: Unit, at: i64) {
        if let Some(unit) = self.find(&row.code) {
            return self.replace(unit, row, at);
        }
        self.names.insert(row.code.clone(), self.units.len());
        self.told.note(self.units.len(), row.until, at);
        self.units.push(row);
    }

    pub(super) fn replace(&mut self, unit: usize, row: Unit, at: i64) {
        self.told.note(unit, row.until, at);
        if *self.unit(unit) == row {
            return;
        }
        let left = (at, self.unit(unit).code.clone());
        self.left.entry(unit).or_default().push(left);
        self.names.insert(row.code.clone(), unit);
        self.units[unit] = row;
    }
}

/// Whether what is above a row is known and stays as long as it, and no circle comes of it.
fn check_above<'u>(
    row: &Unit,
    now: i64,
    find: impl Fn(&str) -> Option<&'u Unit>,
) -> Result<(), Refused> {
    for (above, is_seat) in [(seat(&row.code), true), (row.reports_to.clone(), false)] {
        let Some(above) = above else { continue };
        let is_good = |found: &Unit| {
            let is_in_time = found.from.is_none_or(|from| from <= row.from.unwrap_or(now).max(now));
            (!is_seat || found.code == above)
                && (row.is_closed(now) || is_in_time && found.outlasts(row))
        };
        if !find(&above).is_some_and(is_good) {
            return Err("unit_orphaned");
        }
    }
    let mut above = row.above();
    for _ in 0..STEPS_UP {
        let Some(code) = above else {
            return Ok(());
        };
        if code == row.code || find(&code).is_some_and(|found| found.code == row.code) {
            break;
        }
        above = find(&code).and_then(Unit::above);
    }
    Err("unit_in_circle")
}

impl Shadow {
    /// The units of an import come into force: checked whole, then put whole.
    pub(super) fn import_units(&mut self, rows: &[UnitRow]) -> Result<(), Refused> {
        let now = self.now;
        let rows: Vec<Unit> = rows.iter().map(Unit::of).collect();
        let mut sorted: Vec<&Unit> = rows.iter().collect();
        sorted.sort_by(|one, other| one.code.cmp(&other.code));
        let (mut coming, mut numbers) = (0, BTreeMap::new());
        for row in &sorted {
            let number = match self.organisation.find(&row.code) {
                Some(unit) if self.organisation.code(unit) != row.code => {
                    return Err("unit_code_taken");
                }
                Some(unit) => unit,
                None => {
                    coming += 1;
                    self.organisation.units.len() + coming - 1
                }
            };
            if numbers.insert(row.code.as_str(), (number, *row)).is_some() {
                return Err("unit_twice");
            }
        }
        let find = |code: &str| {
            numbers.get(code).copied().or_else(|| {
                let unit = self.organisation.find(code)?;
                let row = self.organisation.unit(unit);
                Some(numbers.get(row.code.as_str()).copied().unwrap_or((unit, row)))
            })
        };
        for row in &rows {
            let row_of = |code: &str| find(code).map(|(_, row)| row);
            check_above(row, now, row_of)?;
            let known = self.organisation.find(&row.code).filter(|_| row.until.is_some());
            let below = known.map(|unit| self.organisation.children(unit));
            let mut below = below.into_iter().flatten().filter_map(|child| row_of(&child.code));
            let is_left = |child: &Unit| !child.is_closed(now) && !row.outlasts(child);
            let hangs_on = |child: &Unit| {
                let mut above = [child.above(), seat(&child.code)].into_iter().flatten();
                above.any(|above| find(&above).map(|(unit, _)| unit) == known)
            };
            if below.any(|child| hangs_on(child) && is_left(child)) {
                return Err("unit_has_subunits");
            }
        }
        let mut wills = Vec::new();
        // A row that was there already closes nobody.
        let stays = |row: &Unit| {
            let known = self.organisation.find(&row.code);
            known.is_some_and(|unit| self.organisation.unit(unit) == row)
        };
        for row in rows.iter().filter(|row| !stays(row)) {
            let closes_later = row.until.is_some_and(|until| until > now);
            let closing = self.organisation.find(&row.code).filter(|_| !row.is_open(now));
            if !closes_later && closing.is_none() {
                continue;
            }
            let heir = match &row.successor {
                Some(code) => Some(find(code).ok_or("successor_not_found")?),
                None => None,
            };
            wills.extend(closing.map(|from| Will { from, level: level(&row.code), heir }));
            if closes_later {
                Self::check_later(row, heir.map(|(_, row)| row))?;
            }
        }
        for (unit, until) in self.organisation.told.iter() {
            let mut last = find(self.organisation.code(unit)).expect("it is known").1;
            while stays(last) && !last.is_open(until) {
                let Some(heir) = last.successor.as_ref().and_then(|code| find(code)) else { break };
                last = heir.1;
            }
            if !last.is_open(until) && last.successor.is_none() {
                return Err("unit_needs_successor");
            }
        }
        let moves = self.inheritance(&wills)?;
        let sorted: Vec<Unit> = sorted.into_iter().cloned().collect();
        self.log.push(("import.committed", None));
        self.changed();
        self.number(coming);
        for row in sorted {
            self.organisation.put(row, now);
        }
        self.inherit(moves);
        Ok(())
    }

    /// Whether a change is as large as it may be.
    pub(super) fn is_bounded(change: &Change) -> bool {
        match change {
            Change::Split(split) => (2..=PARTS_MAX).contains(&split.into.len()),
            Change::Merge(merge) => (1..=PARTS_MAX).contains(&merge.units.len()),
            Change::Open(_)
            | Change::Amend(_)
            | Change::Close(_)
            | Change::Keep(_)
            | Change::Move(_) => true,
        }
    }

    pub(super) fn reorganise(&mut self, command: &ChangeOrganisation) -> Result<(), Refused> {
        if command.seen.is_some_and(|seen| seen.0 != self.organisation.seq) {
            return Err("organisation_stale");
        }
        match &command.change {
            Change::Open(row) => self.open_unit(row),
            Change::Amend(row) => self.change_unit(row),
            Change::Close(close) => self.close_unit(close),
            Change::Keep(unit) => self.keep_unit(&unit.to_string()),
            Change::Split(split) => self.split_unit(split),
            Change::Merge(merge) => self.merge_units(merge),
            Change::Move(to) => self.move_unit(to),
        }
    }

    fn open_unit(&mut self, row: &UnitRow) -> Result<(), Refused> {
        let row = self.coming(row)?;
        self.put_open(&[row]);
        self.number(1);
        Ok(())
    }

    /// A row that may open, and from when.
    fn coming(&self, row: &UnitRow) -> Result<Unit, Refused> {
        let mut row = Unit::of(row);
        row.from = row.from.or(Some(self.now));
        if !row.is_coherent() {
            return Err("unit_incoherent");
        }
        if row.until.is_some() || row.successor.is_some() {
            return Err("unit_closes_elsewhere");
        }
        if self.organisation.find(&row.code).is_some() {
            return Err("unit_code_taken");
        }
        self.check_above(&row)?;
        Ok(row)
    }

    pub(super) fn check_above(&self, row: &Unit) -> Result<(), Refused> {
        let organisation = &self.organisation;
        let find = |code: &str| organisation.find(code).map(|unit| organisation.unit(unit));
        check_above(row, self.now, find)
    }

    pub(super) fn known_and_open(&self, code: &str) -> Result<usize, Refused> {
        let found = self.organisation.find(code);
        let unit = found.filter(|unit| self.organisation.code(*unit) == code);
        let unit = unit.ok_or("unit_not_known")?;
        if !self.organisation.unit(unit).is_open(self.now) {
            return Err("unit_not_open");
        }
        Ok(unit)
    }

    fn change_unit(&mut self, row: &UnitRow) -> Result<(), Refused> {
        let mut row = Unit::of(row);
        let unit = self.known_and_open(&row.code)?;
        let before = self.organisation.unit(unit);
        if !row.is_coherent() || row.kind != before.kind {
            return Err("unit_incoherent");
        }
        let end = (before.until, before.successor.clone());
        let said = (row.until.take(), row.successor.take());
        (row.until, row.successor) = end.clone();
        if (said != (None, None) && said != end) || !row.is_open(self.now) {
            return Err("unit_closes_elsewhere");
        }
        self.check_above(&row)?;
        self.log.push(("unit.changed", None));
        self.changed();
        self.organisation.replace(unit, row, self.now);
        Ok(())
    }

    fn split_unit(&mut self, split: &SplitUnit) -> Result<(), Refused> {
        let unit = self.known_and_open(&split.unit.to_string())?;
        let before = self.organisation.unit(unit).clone();
        let mut parts: Vec<Unit> = Vec::new();
        for row in &split.into {
            let row = self.coming(row)?;
            if parts.iter().any(|part| part.code == row.code) {
                return Err("unit_twice");
            }
            let is_alike = row.kind == before.kind && level(&row.code) == level(&before.code);
            if !is_alike || !row.is_open(self.now) {
                return Err("unit_incoherent");
            }
            if row.reports_to.as_ref().and_then(|above| self.organisation.find(above)) == Some(unit)
            {
                return Err("unit_orphaned");
            }
            parts.push(row);
        }
        let successor = split.successor.to_string();
        let heir = match parts.iter().position(|part| part.code == successor) {
            Some(at) => (self.organisation.units.len() + at, parts[at].clone()),
            None => self.heir(&successor)?,
        };
        self.close_units(&[unit], Some((heir.0, &heir.1)), &parts)
    }

    fn merge_units(&mut self, merge: &MergeUnits) -> Result<(), Refused> {
        let into = self.known_and_open(&merge.into.to_string())?;
        let mut closing = Vec::new();
        for code in &merge.units {
            let is_known = |unit: &usize| self.organisation.code(*unit) == code.to_string();
            if closing.iter().any(is_known) || *code == merge.into {
                return Err("unit_twice");
            }
            let unit = self.known_and_open(&code.to_string())?;
            let alike = |unit: usize| {
                let row = self.organisation.unit(unit);
                (row.kind, level(&row.code))
            };
            if alike(unit) != alike(into) {
                return Err("unit_incoherent");
            }
            closing.push(unit);
        }
        let heir = self.organisation.unit(into).clone();
        self.close_units(&closing, Some((into, &heir)), &[])
    }

    fn move_unit(&mut self, command: &MoveUnit) -> Result<(), Refused> {
        let unit = self.known_and_open(&command.unit.to_string())?;
        let row = self.organisation.unit(unit).clone();
        let (from, to) = (row.code.clone(), command.to.to_string());
        let is_alike = letter(&from) == letter(&to) && level(&from) == level(&to);
        let is_division = row.kind == "division";
        if !is_alike || is_division && level(&from) > 2 {
            return Err("unit_incoherent");
        }
        let digits = |code: &str| if is_division { [15, 12, 9][level(code)] } else { code.len() };
        let carried = |one: &Unit| {
            let moves = if is_division { is_within(&one.code, &from) } else { one.code == from };
            moves.then(|| format!("{}{}", &to[..digits(&to)], &one.code[digits(&from)..]))
        };
        let moving = self.organisation.iter().filter_map(|(at, one)| Some((at, carried(one)?)));
        let moving: Vec<(usize, String)> = moving.collect();
        let is_taken = |(at, code): &(usize, String)| {
            self.organisation.find(code).is_some_and(|there| there != *at)
        };
        if moving.iter().any(is_taken) {
            return Err("unit_code_taken");
        }
        let moved = Unit { code: to.clone(), ..row };
        let organisation = &self.organisation;
        check_above(&moved, self.now, |code| match organisation.find(code)? {
            one if one == unit => Some(&moved),
            one => Some(organisation.unit(one)),
        })?;
        self.log.push(("unit.moved", None));
        self.changed();
        self.number(moving.len());
        for (at, code) in moving {
            let row = Unit { code, ..self.organisation.unit(at).clone() };
            self.organisation.replace(at, row, self.now);
        }
        Ok(())
    }

    pub(super) fn heir(&self, code: &str) -> Result<(usize, Unit), Refused> {
        let unit = self.organisation.find(code).ok_or("successor_not_found")?;
        Ok((unit, self.organisation.unit(unit).clone()))
    }

    pub(super) fn put_open(&mut self, rows: &[Unit]) {
        for row in rows {
            self.log.push(("unit.opened", None));
            self.changed();
            self.organisation.put(row.clone(), self.now);
        }
    }

    /// The first units that come begin the order; the tail is never full here.
    pub(super) fn number(&mut self, coming: usize) {
        if coming > 0 && !self.organisation.is_numbered {
            self.organisation.is_numbered = true;
            self.log.push(("units.renumbered", None));
            self.changed();
        }
    }

    pub(super) fn changed(&mut self) {
        self.organisation.seq = self.seq();
    }
}
