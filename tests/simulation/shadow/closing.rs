//! The shadow's closings: at once, or at a moment told ahead; and who takes over.

use std::collections::BTreeMap;

use zhida::domain::command::CloseUnit;

use super::Shadow;
use super::organisation::{Organisation, Unit};
use crate::city::level;

type Refused = &'static str;

/// Which units are told to close, and when.
#[derive(Clone, Debug, Default)]
pub(super) struct Told(BTreeMap<usize, i64>);

impl Told {
    /// A unit has that end as of a moment.
    pub(super) fn note(&mut self, unit: usize, until: Option<i64>, at: i64) {
        match until {
            Some(until) if until > at => self.0.insert(unit, until),
            _ => self.0.remove(&unit),
        };
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (usize, i64)> {
        self.0.iter().map(|(unit, until)| (*unit, *until))
    }

    /// When the next of them closes.
    pub(super) fn next_at(&self) -> Option<i64> {
        self.0.values().min().copied()
    }
}

/// Who closes, and who takes over: its number and its row.
pub(super) struct Will<'u> {
    pub(super) from: usize,
    pub(super) level: usize,
    pub(super) heir: Option<(usize, &'u Unit)>,
}

impl Organisation {
    /// Who takes over from a unit at that moment.
    fn heir_of(&self, unit: usize, at: i64) -> Option<usize> {
        self.standing_in(self.find(self.unit(unit).successor.as_ref()?)?, at)
    }

    fn is_awaited(&self, unit: usize) -> bool {
        self.told.iter().any(|(closing, until)| self.heir_of(closing, until) == Some(unit))
    }
}

impl Shadow {
    /// The units that are told to close, by their codes.
    pub(crate) fn told_to_close(&self) -> Vec<&str> {
        self.organisation.told.iter().map(|(unit, _)| self.organisation.code(unit)).collect()
    }

    pub(super) fn close_unit(&mut self, close: &CloseUnit) -> Result<(), Refused> {
        let unit = self.known_and_open(&close.unit.to_string())?;
        let heir = close.successor.map(|code| self.heir(&code.to_string())).transpose()?;
        let heir = heir.as_ref().map(|(unit, row)| (*unit, row));
        let Some(until) = close.until else {
            return self.close_units(&[unit], heir, &[]);
        };
        if until.0 <= self.now {
            return Err("unit_closes_in_past");
        }
        let successor = heir.map(|(_, row)| row.code.clone());
        let later = self.organisation.unit(unit).ending(Some(until.0), successor);
        self.check_end(unit, until.0)?;
        self.check_above(&later)?;
        self.check_heir(unit, heir)?;
        Self::check_later(&later, heir.map(|(_, row)| row))?;
        self.log.push(("unit.closing", None));
        self.changed();
        self.organisation.replace(unit, later, self.now);
        Ok(())
    }

    pub(super) fn keep_unit(&mut self, code: &str) -> Result<(), Refused> {
        let unit = self.known_and_open(code)?;
        if self.organisation.told.iter().all(|(told, _)| told != unit) {
            return Err("unit_not_closing");
        }
        let row = self.organisation.unit(unit).ending(None, None);
        self.check_above(&row)?;
        self.log.push(("unit.kept", None));
        self.changed();
        self.organisation.replace(unit, row, self.now);
        Ok(())
    }

    /// Whether nothing below a unit stays on after it.
    fn check_end(&self, unit: usize, until: i64) -> Result<(), Refused> {
        if self.organisation.children(unit).any(|child| !child.is_closed(until)) {
            return Err("unit_has_subunits");
        }
        Ok(())
    }

    /// Whether a unit names another, where others count on it.
    fn check_heir(&self, unit: usize, heir: Option<(usize, &Unit)>) -> Result<(), Refused> {
        match heir {
            Some((heir, _)) if heir == unit => Err("successor_unfit"),
            None if self.organisation.is_awaited(unit) => Err("unit_needs_successor"),
            _ => Ok(()),
        }
    }

    /// Whether a row that ends later names one that will be open then, and on.
    pub(super) fn check_later(row: &Unit, heir: Option<&Unit>) -> Result<(), Refused> {
        let (own, until) = (level(&row.code), row.until.expect("it ends"));
        match heir {
            None if own <= 2 => Err("unit_needs_successor"),
            Some(heir) if !is_fit(heir, until, own.max(2)) => Err("successor_unfit"),
            _ => Ok(()),
        }
    }

    /// The parts open, these close, the heir takes over; or nothing of it.
    pub(super) fn close_units(
        &mut self,
        closing: &[usize],
        heir: Option<(usize, &Unit)>,
        parts: &[Unit],
    ) -> Result<(), Refused> {
        for unit in closing {
            self.check_end(*unit, self.now)?;
            self.check_heir(*unit, heir)?;
        }
        let will =
            |from: &usize| Will { from: *from, level: level(self.organisation.code(*from)), heir };
        let moves = self.inheritance(&closing.iter().map(will).collect::<Vec<_>>())?;
        self.put_open(parts);
        self.number(parts.len());
        for unit in closing {
            self.close(*unit, self.now, heir.map(|(_, row)| row.code.clone()));
        }
        self.inherit(moves);
        Ok(())
    }

    /// All close whose moment has come, together; says whether any did.
    pub(super) fn close_due(&mut self) -> bool {
        let mut due: Vec<(i64, usize)> =
            self.organisation.told.iter().map(|(unit, until)| (until, unit)).collect();
        due.retain(|(until, _)| *until <= self.now);
        due.sort_unstable();
        let heirs: Vec<_> =
            due.iter().map(|(_, unit)| self.organisation.heir_of(*unit, self.now)).collect();
        let mut moves = Vec::new();
        for ((until, unit), heir) in due.iter().zip(&heirs) {
            let code = heir.map(|heir| self.organisation.code(heir).to_owned());
            self.close(*unit, *until, code);
            if !self.inbox(*unit).is_empty() {
                moves.push((*unit, heir.expect("whoever holds cases has an heir")));
            }
        }
        moves.sort_unstable();
        self.inherit(moves);
        !due.is_empty()
    }

    fn close(&mut self, unit: usize, until: i64, successor: Option<String>) {
        self.log.push(("unit.closed", None));
        self.changed();
        let row = self.organisation.unit(unit).ending(Some(until), successor);
        self.organisation.replace(unit, row, self.now);
    }

    /// Who takes over from whom, in the order of those who hold cases.
    pub(super) fn inheritance(&self, wills: &[Will<'_>]) -> Result<Vec<(usize, usize)>, Refused> {
        let mut moves = Vec::new();
        for will in wills {
            let holds = !self.inbox(will.from).is_empty();
            let highest = if holds { 2 } else { will.level.max(2) };
            match will.heir {
                None if holds => return Err("unit_needs_successor"),
                Some((_, row)) if !is_fit(row, self.now, highest) => return Err("successor_unfit"),
                Some((heir, _)) if holds => moves.push((will.from, heir)),
                _ => {}
            }
        }
        moves.sort_unstable();
        Ok(moves)
    }

    pub(super) fn inherit(&mut self, moves: Vec<(usize, usize)>) {
        for (from, heir) in moves {
            self.log.push(("cases.inherited", None));
            for case in self.cases.iter_mut().filter(|case| case.holder == Some(from)) {
                case.holder = Some(heir);
                case.sender = case.sender.filter(|sender| *sender != heir);
                case.version += 1;
            }
        }
    }
}

/// Whether a unit is open then, and stays so, and sits low enough.
fn is_fit(heir: &Unit, at: i64, highest: usize) -> bool {
    heir.is_open(at) && heir.until.is_none() && level(&heir.code) <= highest
}
