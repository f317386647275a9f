//! How a city changes its grids while work goes on: it opens, splits, merges, moves and closes some
//! that hold cases, and the run goes on with whoever took over.

use super::run::Run;
use crate::domain::code::{Level, UnitCode};
use crate::domain::command::{Change, CloseUnit, MergeUnits, MoveUnit, SplitUnit};
use crate::domain::organisation::UnitRow;

/// What a city does with a grid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reshaping {
    /// It opens one beside it, which gets half of its cases from then on.
    Open,
    /// It splits it in two; the first part takes its open cases.
    Split,
    /// It merges it into one beside.
    Merge,
    /// It moves it to another village of the township.
    Move,
    /// It closes it; one beside takes its open cases.
    Close,
}

impl Reshaping {
    /// All, in the order in which the demo does them.
    pub const ALL: [Self; 5] = [Self::Open, Self::Split, Self::Merge, Self::Move, Self::Close];
}

/// What a change comes to.
struct Plan {
    change: Change,
    grid: UnitCode,
    /// What is there in its place; the first takes over.
    parts: Vec<UnitCode>,
    opened: u64,
    closed: u64,
}

impl Run<'_> {
    /// Does that with the grid that holds the most open cases now, and says what is to be asked of
    /// the organisation before the next step. None while no grid that can be changed holds one.
    pub fn reshape(&mut self, how: Reshaping) -> Option<Change> {
        let ground = &self.ground;
        let (grid, held) = self.holders.busiest(|unit| {
            let village = unit.ancestor(Level::Village);
            // A village keeps a grid, so that it can hand cases down.
            unit.level() == Level::Grid
                && ground.is_as_built(unit)
                && village.is_some_and(|one| ground.grids_in(one.range()).nth(1).is_some())
        })?;
        let plan = self.plan_change(how, grid)?;
        let heir = *plan.parts.first()?;
        let is_inherited = plan.closed > 0;
        let tally = &mut self.tally;
        tally.changes += 1;
        tally.grids_opened += plan.opened;
        tally.grids_closed += plan.closed;
        // The grid that moves is one event, and so is each that opens or closes.
        tally.events += (plan.opened + plan.closed).max(1) + u64::from(is_inherited);
        tally.inherited += if is_inherited { held } else { 0 };
        self.holders.inherit(plan.grid, heir);
        self.ground.replace(plan.grid, plan.parts);
        Some(plan.change)
    }

    fn plan_change(&self, how: Reshaping, grid: UnitCode) -> Option<Plan> {
        let ground = &self.ground;
        let village = grid.ancestor(Level::Village)?;
        let plan = |change, parts, opened, closed| Plan { change, grid, parts, opened, closed };
        let codes = |rows: &[UnitRow]| rows.iter().map(|row| row.code).collect::<Vec<_>>();
        Some(match how {
            Reshaping::Open => {
                let row = ground.next_grid(village, 0)?;
                let parts = vec![grid, row.code];
                plan(Change::Open(row), parts, 1, 0)
            }
            Reshaping::Split => {
                let into = vec![ground.next_grid(village, 0)?, ground.next_grid(village, 1)?];
                let parts = codes(&into);
                let successor = *parts.first()?;
                plan(Change::Split(SplitUnit { unit: grid, into, successor }), parts, 2, 1)
            }
            Reshaping::Merge => {
                let into = ground.beside(grid)?;
                plan(Change::Merge(MergeUnits { units: vec![grid], into }), vec![into], 0, 1)
            }
            Reshaping::Move => {
                let to = ground.next_grid(ground.village_beside(grid).unwrap_or(village), 0)?.code;
                plan(Change::Move(MoveUnit { unit: grid, to }), vec![to], 0, 0)
            }
            Reshaping::Close => {
                let heir = ground.beside(grid)?;
                let close = CloseUnit { unit: grid, successor: Some(heir), until: None };
                plan(Change::Close(close), vec![heir], 0, 1)
            }
        })
    }
}
