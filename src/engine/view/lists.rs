//! Pages of cases, each of one turn.

use std::collections::BTreeMap;
use std::ops::{ControlFlow, Range};
use std::sync::atomic::Ordering;

use super::View;
use super::cases::Rows;
use super::counts::OpenCounts;
use crate::domain::case::{Case, StatusName};
use crate::domain::ids::{CaseId, MatterNumber, Seq, UnitNumber};
use crate::engine::query::{
    After, Filter, Page, Query, Selection, Sieve, Sort, SortKey, Standing, Within,
};

/// Times that a list is collected anew before it waits for the gate.
const LIST_RETRIES_MAX: u32 = 4;

/// What a unit and all below it hold, and each unit next below, all of one turn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnitCounts {
    /// Of the unit.
    pub unit: OpenCounts,
    /// Of each unit next below it, in the order of their numbers.
    pub below: Vec<(UnitNumber, OpenCounts)>,
    /// The view that all of them were read from.
    pub as_of: Seq,
}

impl View {
    /// The cases that are asked for. Open ones are looked for in the inboxes, all others along their
    /// numbers: that may take milliseconds.
    pub fn list(&self, query: &Query<'_>) -> Page {
        if query.filter.is_open_only() {
            self.of_one_turn(|| self.list_open(query))
        } else {
            self.list_any(query)
        }
    }

    /// The open cases that `unit` holds, after `after`, at most `limit`, in the order received.
    pub fn inbox(&self, unit: UnitNumber, after: Option<CaseId>, limit: usize) -> Page {
        let filter = Filter {
            within: Within::Holder(unit),
            statuses: StatusName::OPEN.to_vec(),
            ..Filter::default()
        };
        let begun_seq = self.published();
        let after = after.map(|case| After { key: SortKey::received(case), begun_seq });
        self.list(&Query { filter: &filter, sort: Sort::Time, after, limit, sees: None })
    }

    /// The rows of these cases, each where it was asked for; none for one that there is not. And the
    /// view that all of them were read from.
    pub fn cases_of(&self, ids: &[CaseId]) -> (Vec<Option<Case>>, Seq) {
        self.of_one_turn(|| {
            let as_of = self.published();
            (ids.iter().map(|id| self.case(*id)).collect(), as_of)
        })
    }

    /// How many open cases the unit and all below it hold, and each unit next below.
    pub fn counts(&self, unit: UnitNumber) -> UnitCounts {
        self.of_one_turn(|| {
            let as_of = self.published();
            let counts = self.counts.read();
            UnitCounts { unit: counts.of(unit), below: counts.below(unit), as_of }
        })
    }

    /// How many open cases there are of each matter. Looks at every open case: for whoever changes the
    /// catalogue, not for a hot path.
    pub fn open_by_matter(&self) -> BTreeMap<MatterNumber, u32> {
        self.of_one_turn(|| {
            let mut open = BTreeMap::new();
            self.inboxes.for_each(|_, standing| *open.entry(standing.matter()).or_insert(0) += 1);
            open
        })
    }

    /// Goes through the inboxes.
    fn list_open(&self, query: &Query<'_>) -> Page {
        let (as_of, organisation) = (self.published(), self.organisation());
        let sieve = Sieve::of(query.filter, &organisation);
        let mut picking = Picking::of(query, &sieve);
        let after = query.after.map(|after| after.key.case);
        let row = |standing: &Standing| self.cases.get(standing.case);
        if sieve.is_watch() {
            self.watches.look_through(sieve.units(), query.sort, after, |standing| {
                picking.offer(standing, || row(standing))
            });
        }
        let is_watched = |standing: &Standing| {
            sieve.is_watch()
                && sieve.admits(standing)
                && row(standing).is_some_and(|case| sieve.happened_within(&case))
        };
        self.inboxes.look_through(sieve.units(), query.sort, after, |standing| {
            if is_watched(standing) {
                return ControlFlow::Continue(());
            }
            picking.offer(standing, || row(standing))
        });
        picking.page(as_of, |case| self.cases.get(case))
    }

    /// Goes along the numbers, of which time is an interval. What it looks through is taken out of
    /// one turn first: it may take its time.
    fn list_any(&self, query: &Query<'_>) -> Page {
        let (as_of, organisation, rows) =
            self.of_one_turn(|| (self.published(), self.organisation(), self.cases.rows()));
        let sieve = Sieve::of(query.filter, &organisation);
        let mut picking = Picking::of(query, &sieve);
        let places = picking.places_of(&rows);
        let offer = |id: CaseId, case: &Case| {
            if !sieve.admits_place(case) {
                return ControlFlow::Continue(());
            }
            picking.offer(&Standing::of(id, case), || Some(*case))
        };
        match query.sort {
            Sort::Newest => rows.look_down(places, &sieve, offer),
            Sort::Time | Sort::Urgency | Sort::Due => rows.look_up(places, &sieve, offer),
        }
        picking.page(as_of, |case| rows.get(case).copied())
    }

    /// What `collect` gives of one turn, whole.
    pub(super) fn of_one_turn<T>(&self, collect: impl Fn() -> T) -> T {
        for _ in 0..LIST_RETRIES_MAX {
            let before = self.epoch.load(Ordering::Acquire);
            if !before.is_multiple_of(2) {
                std::hint::spin_loop();
                continue;
            }
            let collected = collect();
            if self.epoch.load(Ordering::Acquire) == before {
                return collected;
            }
        }
        let _nothing_is_published_meanwhile = self.gate.lock();
        collect()
    }
}

/// A page in the making.
struct Picking<'q> {
    query: &'q Query<'q>,
    sieve: &'q Sieve<'q>,
    selection: Selection,
    has_moved: bool,
}

impl<'q> Picking<'q> {
    fn of(query: &'q Query<'q>, sieve: &'q Sieve<'q>) -> Self {
        let after = query.after.map(|after| after.key);
        let selection = Selection::new(after, query.limit.saturating_add(1));
        Self { query, sieve, selection, has_moved: false }
    }

    /// Takes the case in if it is asked for and comes first so far. Breaks off where nothing that
    /// follows can.
    fn offer(
        &mut self,
        standing: &Standing,
        row: impl FnOnce() -> Option<Case>,
    ) -> ControlFlow<()> {
        let sort = self.query.sort;
        let key = sort.key(standing);
        if sort.is_by_number() && self.selection.is_complete_before(key) {
            return ControlFlow::Break(());
        }
        let is_let_in = self.selection.wants(key)
            && self.sieve.admits(standing)
            && (!self.needs_row() || row().is_some_and(|case| self.lets_in(&case)));
        if is_let_in {
            self.selection.put(key);
        }
        ControlFlow::Continue(())
    }

    /// Where among all cases those that may pass stand, counted from 0.
    fn places_of(&self, rows: &Rows) -> Range<usize> {
        let span = self.sieve.reported();
        let first = span.from.map_or(0, |from| rows.received_before(from));
        let end = span.to.map_or(rows.len(), |to| rows.received_before(to));
        let Query { sort, after, .. } = *self.query;
        match (sort, after.map(|after| after.key.case.0 as usize)) {
            (Sort::Time, Some(after)) => first.max(after)..end,
            (Sort::Newest, Some(after)) => first..end.min(after.saturating_sub(1)),
            (Sort::Time | Sort::Newest | Sort::Urgency | Sort::Due, _) => first..end,
        }
    }

    /// What was picked.
    fn page(self, as_of: Seq, row: impl Fn(CaseId) -> Option<Case>) -> Page {
        let Self { query, selection, has_moved, .. } = self;
        let keys = selection.in_order();
        let next = keys.get(query.limit).and(keys.get(query.limit.wrapping_sub(1))).copied();
        let chosen = keys.iter().take(query.limit);
        let cases = chosen.filter_map(|key| Some((key.case, row(key.case)?)));
        Page { cases: cases.collect(), next, has_moved, as_of }
    }

    fn needs_row(&self) -> bool {
        let may_have_moved = self.query.after.is_some() && !self.query.sort.is_by_number();
        self.sieve.needs_row() || self.query.sees.is_some() || may_have_moved
    }

    fn lets_in(&mut self, case: &Case) -> bool {
        if !self.sieve.admits_row(case) || self.query.sees.is_some_and(|sees| !sees(case)) {
            return false;
        }
        let begun_seq = self.query.after.map(|after| after.begun_seq);
        let is_by_number = self.query.sort.is_by_number();
        let has_moved = begun_seq.is_some_and(|begun| !is_by_number && case.last_seq > begun);
        self.has_moved |= has_moved;
        !has_moved
    }
}
