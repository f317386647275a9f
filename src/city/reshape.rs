//! How a city changes its organisation while work goes on. It opens, renames, splits, merges, moves
//! and closes grids that hold cases, and the run goes on with whoever took over. It sets up a task
//! force and the headquarters of a project, which end at a time told ahead, or stay after all.

use super::run::Run;
use crate::domain::code::{Level, UnitCode};
use crate::domain::command::{Change, CloseUnit, MergeUnits, MoveUnit, SplitUnit};
use crate::domain::ids::Timestamp;
use crate::domain::organisation::{UnitKind, UnitRow};

/// How long ahead it is told that a task force or a headquarters ends: longer than it takes to the
/// next change but one of a run.
const NOTICE_MS: i64 = 120 * 24 * 3_600_000;

/// What a city does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reshaping {
    /// With the grid that holds the most open cases.
    Grid(GridReshaping),
    /// With a task force (专班) or the headquarters of a project (指挥部), in that grid's county.
    Body(BodyReshaping),
}

/// What a city does with a grid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum GridReshaping {
    /// It opens one beside it, which gets half of its cases from then on.
    Open,
    /// It gives it another name.
    Rename,
    /// It splits it in two; the first part takes its open cases.
    Split,
    /// It merges it into one beside.
    Merge,
    /// It moves it to another village of the township.
    Move,
    /// It closes it; one beside takes its open cases.
    Close,
}

/// What a city does with what it sets up for a while.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum BodyReshaping {
    /// It sets up a task force.
    TaskForce,
    /// It says when the task force ends: it closes by itself then.
    TaskForceEnds,
    /// It sets up a headquarters.
    Headquarters,
    /// It says when the headquarters ends.
    HeadquartersEnds,
    /// It lets the headquarters stay after all.
    HeadquartersStays,
}

impl Reshaping {
    /// All, in the order in which the demo does them.
    pub const ALL: [Self; 11] = [
        Self::Grid(GridReshaping::Open),
        Self::Body(BodyReshaping::TaskForce),
        Self::Grid(GridReshaping::Split),
        Self::Body(BodyReshaping::TaskForceEnds),
        Self::Grid(GridReshaping::Rename),
        Self::Grid(GridReshaping::Merge),
        Self::Body(BodyReshaping::Headquarters),
        Self::Grid(GridReshaping::Move),
        Self::Body(BodyReshaping::HeadquartersEnds),
        Self::Body(BodyReshaping::HeadquartersStays),
        Self::Grid(GridReshaping::Close),
    ];
}

/// What a run has set up for a while.
#[derive(Debug, Default)]
pub(super) struct SetUp {
    task_force: Option<UnitCode>,
    headquarters: Option<UnitCode>,
    /// When each task force ends, in order, those aside that have ended.
    ends: Vec<Timestamp>,
}

impl SetUp {
    /// How many have ended since this was last asked.
    pub(super) fn ended(&mut self, now: Timestamp) -> u64 {
        let ended = self.ends.partition_point(|end| *end <= now);
        self.ends.drain(..ended).fold(0, |count, _| count + 1)
    }
}

/// What the change of a grid comes to.
struct Plan {
    change: Change,
    grid: UnitCode,
    /// What is there in its place; the first takes over.
    parts: Vec<UnitCode>,
    opened: u64,
    closed: u64,
}

impl Run<'_> {
    /// Does that, and says what is to be asked of the organisation before the next step. None while
    /// no grid that can be changed holds an open case.
    pub fn reshape(&mut self, how: Reshaping) -> Option<Change> {
        let ground = &self.ground;
        let (grid, held) = self.holders.busiest(|unit| {
            let village = unit.ancestor(Level::Village);
            // A village keeps a grid, so that it can hand cases down.
            unit.level() == Level::Grid
                && ground.is_as_built(unit)
                && village.is_some_and(|one| ground.grids_in(one.range()).nth(1).is_some())
        })?;
        let change = match how {
            Reshaping::Grid(how) => self.reshape_grid(how, grid, held),
            Reshaping::Body(how) => self.reshape_body(how, grid.ancestor(Level::County)?),
        }?;
        self.tally.changes += 1;
        Some(change)
    }

    fn reshape_grid(&mut self, how: GridReshaping, grid: UnitCode, held: u64) -> Option<Change> {
        let plan = self.plan_change(how, grid)?;
        let heir = *plan.parts.first()?;
        let is_inherited = plan.closed > 0;
        let tally = &mut self.tally;
        tally.grids_opened += plan.opened;
        tally.grids_closed += plan.closed;
        // The grid that moves is one event, and so is each that opens or closes.
        tally.events += (plan.opened + plan.closed).max(1) + u64::from(is_inherited);
        tally.inherited += if is_inherited { held } else { 0 };
        self.holders.inherit(plan.grid, heir);
        self.ground.replace(plan.grid, plan.parts);
        Some(plan.change)
    }

    fn plan_change(&self, how: GridReshaping, grid: UnitCode) -> Option<Plan> {
        let ground = &self.ground;
        let village = grid.ancestor(Level::Village)?;
        let plan = |change, parts, opened, closed| Plan { change, grid, parts, opened, closed };
        let codes = |rows: &[UnitRow]| rows.iter().map(|row| row.code).collect::<Vec<_>>();
        Some(match how {
            GridReshaping::Open => {
                let row = ground.next_grid(village, 0)?;
                let parts = vec![grid, row.code];
                plan(Change::Open(row), parts, 1, 0)
            }
            GridReshaping::Rename => {
                let mut row = ground.as_built(grid)?.clone();
                row.name = format!("{}（新）", row.name).into();
                plan(Change::Amend(row), vec![grid], 0, 0)
            }
            GridReshaping::Split => {
                let into = vec![ground.next_grid(village, 0)?, ground.next_grid(village, 1)?];
                let parts = codes(&into);
                let successor = *parts.first()?;
                plan(Change::Split(SplitUnit { unit: grid, into, successor }), parts, 2, 1)
            }
            GridReshaping::Merge => {
                let into = ground.beside(grid)?;
                plan(Change::Merge(MergeUnits { units: vec![grid], into }), vec![into], 0, 1)
            }
            GridReshaping::Move => {
                let to = ground.next_grid(ground.village_beside(grid).unwrap_or(village), 0)?.code;
                plan(Change::Move(MoveUnit { unit: grid, to }), vec![to], 0, 0)
            }
            GridReshaping::Close => {
                let heir = ground.beside(grid)?;
                let close = CloseUnit { unit: grid, successor: Some(heir), until: None };
                plan(Change::Close(close), vec![heir], 0, 1)
            }
        })
    }

    fn reshape_body(&mut self, how: BodyReshaping, county: UnitCode) -> Option<Change> {
        let Self { tally, set_up, now, .. } = self;
        let open = |kind, letter, before: u64, name: &str| {
            let serial = u8::try_from(before + 1).ok()?;
            Some(UnitRow::new(UnitCode::of_body(county, letter, serial).ok()?, kind, name))
        };
        let until = now.plus_ms(NOTICE_MS);
        let close = |unit| Change::Close(CloseUnit { unit, successor: None, until: Some(until) });
        let change = match how {
            BodyReshaping::TaskForce => {
                let before = tally.task_forces_opened;
                let row = open(UnitKind::TaskForce, b'T', before, "防汛抗旱专班")?;
                tally.task_forces_opened += 1;
                set_up.task_force = Some(row.code);
                Change::Open(row)
            }
            BodyReshaping::Headquarters => {
                let before = tally.headquarters_opened;
                let row = open(UnitKind::Headquarters, b'H', before, "重点项目建设指挥部")?;
                tally.headquarters_opened += 1;
                set_up.headquarters = Some(row.code);
                Change::Open(row)
            }
            BodyReshaping::TaskForceEnds => {
                set_up.ends.push(until);
                close(set_up.task_force?)
            }
            BodyReshaping::HeadquartersEnds => close(set_up.headquarters?),
            BodyReshaping::HeadquartersStays => Change::Keep(set_up.headquarters?),
        };
        tally.events += 1;
        Some(change)
    }
}
