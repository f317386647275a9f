//! What readers see: the state as of the newest committed turn, published whole.
//!
//! The sequencer alone writes here, after the commit, a turn at a time:
//!
//! ```text
//!   epoch  even ──▶ odd ── rows, inboxes, counts, seq ──▶ even           (gate held meanwhile)
//!   list   read epoch · collect · read epoch: the same and even? ── yes ▶ answer
//!                                                               └─ no  ▶ again, at last at the gate
//! ```
//!
//! So a list never mixes two turns, and an open case is in exactly one inbox of any list. Whoever asks
//! for ended cases takes all rows so, which is quick, and looks through them afterwards.

mod cases;
mod counts;
mod inboxes;
mod lists;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::{Mutex, RwLock};
use tokio::sync::watch;

use crate::domain::case::{Case, Light, Status};
use crate::domain::catalogue::Catalogue;
use crate::domain::client::Clients;
use crate::domain::code::Level;
use crate::domain::ids::{CaseId, ImportId, Seq, Timestamp, UnitNumber};
use crate::domain::import::{ImportKind, StagedImport};
use crate::domain::organisation::{Organisation, UnitRow};
use crate::domain::state::State;
use crate::engine::query::Standing;

use cases::CaseRows;
use counts::Counts;
use inboxes::Inboxes;

pub use counts::OpenCounts;
pub use lists::UnitCounts;

/// What readers see.
#[derive(Debug)]
pub struct View {
    cases: CaseRows,
    inboxes: Inboxes,
    /// The open urgent cases and emergencies, each where it happened.
    watches: Inboxes,
    counts: RwLock<Counts>,
    whole: RwLock<Whole>,
    epoch: AtomicU64,
    /// Held while a turn is published; what moves in it.
    gate: Mutex<Vec<Moved>>,
    published: watch::Sender<Seq>,
}

/// A case that a turn changed: who held it and how it stood, and who and how now.
#[derive(Debug)]
struct Moved {
    before: Option<(UnitNumber, Standing)>,
    now: Option<(UnitNumber, Standing)>,
    /// Where it happened, if it is one for the watch.
    watched_at: Option<UnitNumber>,
}

/// What is replaced as one: it changes with the organisation, an import or a client, not with a
/// case.
#[derive(Clone, Debug, Default)]
struct Whole {
    organisation: Arc<Organisation>,
    catalogue: Arc<Catalogue>,
    clients: Arc<Clients>,
    imports: BTreeMap<ImportId, ImportSummary>,
    imports_begun: u32,
    now: Timestamp,
}

/// An open import, without its rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ImportSummary {
    /// What it will bring.
    pub kind: ImportKind,
    /// Units staged.
    pub units: usize,
    /// Matters staged.
    pub matters: usize,
    /// Its newest event.
    pub last_seq: Seq,
}

/// How the published cases stand.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Census {
    /// All cases.
    pub cases: u64,
    /// Still open.
    pub open: u64,
    /// Closed, by the level of who closed them: grid, village, township, county, city.
    pub closed_by_level: [u64; 5],
    /// Declined.
    pub declined: u64,
    /// Voided.
    pub voided: u64,
    /// Closed in the call that reported them.
    pub on_the_spot: u64,
    /// Whose node or total clock turned yellow at least, and none red.
    pub yellow: u64,
    /// Whose node or total clock turned red.
    pub red: u64,
    /// Held by a township's room for want of a rule or an open grid.
    pub fallback: u64,
    /// Escalations of all cases.
    pub escalations: u64,
}

impl View {
    /// The view of a state.
    #[must_use]
    pub fn of(state: &State) -> Self {
        let view = Self {
            cases: CaseRows::default(),
            inboxes: Inboxes::default(),
            watches: Inboxes::default(),
            counts: RwLock::default(),
            whole: RwLock::new(Whole::default()),
            epoch: AtomicU64::new(0),
            gate: Mutex::default(),
            published: watch::Sender::new(Seq::ZERO),
        };
        view.publish(state, state.cases().iter().map(|(id, _)| id));
        view
    }

    /// The newest turn published.
    pub fn published(&self) -> Seq {
        *self.published.borrow()
    }

    /// Waits until `seq` is published, for `patience` at most; says whether it is. Dropping the
    /// future stops the waiting and nothing else.
    pub async fn wait_for(&self, seq: Seq, patience: Duration) -> bool {
        if self.published() >= seq {
            return true;
        }
        let mut published = self.published.subscribe();
        let reached = published.wait_for(|published| *published >= seq);
        matches!(tokio::time::timeout(patience, reached).await, Ok(Ok(_)))
    }

    /// The published row of that case.
    pub fn case(&self, id: CaseId) -> Option<Case> {
        self.cases.get(id)
    }

    /// How many cases are published.
    pub fn cases_len(&self) -> usize {
        self.cases.len()
    }

    /// All units.
    pub fn organisation(&self) -> Arc<Organisation> {
        Arc::clone(&self.whole.read().organisation)
    }

    /// All matters.
    pub fn catalogue(&self) -> Arc<Catalogue> {
        Arc::clone(&self.whole.read().catalogue)
    }

    /// All clients.
    pub fn clients(&self) -> Arc<Clients> {
        Arc::clone(&self.whole.read().clients)
    }

    /// The open import of that number.
    pub fn import(&self, id: ImportId) -> Option<ImportSummary> {
        self.whole.read().imports.get(&id).copied()
    }

    /// The open imports, in order.
    pub fn open_imports(&self) -> Vec<(ImportId, ImportSummary)> {
        self.whole.read().imports.iter().map(|(id, summary)| (*id, *summary)).collect()
    }

    /// How many imports were ever begun.
    pub fn imports_begun(&self) -> u32 {
        self.whole.read().imports_begun
    }

    /// The time of the newest published turn.
    pub fn now(&self) -> Timestamp {
        self.whole.read().now
    }

    /// How many open cases `unit` holds.
    pub fn inbox_len(&self, unit: UnitNumber) -> usize {
        self.inboxes.len(unit)
    }

    /// Counts all published cases, as of one turn. Reads every row: for screens and reports, not for
    /// a hot path.
    pub fn census(&self) -> Census {
        let (rows, organisation) = self.of_one_turn(|| (self.cases.rows(), self.organisation()));
        let mut census = Census::default();
        rows.iter().for_each(|case| census.count(case, &organisation));
        census
    }

    /// Publishes the turn that the state is the fold of. Only the sequencer calls this.
    pub(super) fn publish(&self, state: &State, touched: impl IntoIterator<Item = CaseId>) {
        let mut moved = self.gate.lock();
        self.epoch.fetch_add(1, Ordering::AcqRel);
        self.publish_whole(state);
        let cases = state.cases();
        let mut touched = touched.into_iter().filter(|id| cases.get(*id).is_some()).peekable();
        let mut counts = self.counts.write();
        let held = |id, case: &Case| Some((case.status.holder()?, Standing::of(id, case)));
        while self.cases.publish_chunk(cases, &mut touched, |id, before, case| {
            let before = before.and_then(|case| held(id, case));
            let watched_at = case.severity.is_grave().then_some(case.place);
            moved.push(Moved { before, now: held(id, case), watched_at });
        }) {
            moved.drain(..).for_each(|row| self.move_row(&row, &mut counts));
        }
        drop(counts);
        self.published.send_replace(state.tail());
        self.epoch.fetch_add(1, Ordering::AcqRel);
    }

    fn move_row(&self, row: &Moved, counts: &mut Counts) {
        if row.before == row.now {
            return;
        }
        match (row.watched_at, row.before, row.now) {
            (Some(place), _, Some((_, standing))) => self.watches.put(place, standing),
            (Some(place), Some((_, standing)), None) => self.watches.take(place, standing.case),
            (Some(_), None, None) | (None, _, _) => {}
        }
        if let Some((holder, standing)) = row.before {
            counts.take(holder, &standing);
            if row.now.is_none_or(|(holds_now, _)| holds_now != holder) {
                self.inboxes.take(holder, standing.case);
            }
        }
        if let Some((holder, standing)) = row.now {
            counts.add(holder, &standing);
            self.inboxes.put(holder, standing);
        }
    }

    fn publish_whole(&self, state: &State) {
        let mut whole = self.whole.write();
        if !Arc::ptr_eq(&whole.organisation, state.organisation()) {
            whole.organisation = Arc::clone(state.organisation());
            self.inboxes.grow(whole.organisation.len());
            self.watches.grow(whole.organisation.len());
            self.counts.write().rebuild(&whole.organisation, &self.inboxes);
        }
        if !Arc::ptr_eq(&whole.catalogue, state.catalogue()) {
            whole.catalogue = Arc::clone(state.catalogue());
        }
        if !Arc::ptr_eq(&whole.clients, state.clients()) {
            whole.clients = Arc::clone(state.clients());
        }
        whole.now = state.now();
        whole.imports_begun = state.imports().begun();
        if state.imports().iter().len() > 0 || !whole.imports.is_empty() {
            whole.imports =
                state.imports().iter().map(|(id, staged)| (id, summary(staged))).collect();
        }
    }
}

fn summary(staged: &StagedImport) -> ImportSummary {
    ImportSummary {
        kind: staged.kind,
        units: staged.units.len(),
        matters: staged.matters.len(),
        last_seq: Seq(staged.last_seq),
    }
}

impl Census {
    fn count(&mut self, case: &Case, organisation: &Organisation) {
        self.cases += 1;
        self.on_the_spot += u64::from(case.on_the_spot);
        self.fallback += u64::from(case.is_fallback);
        self.escalations += u64::from(case.escalations);
        match case.worse_light() {
            Light::Green => {}
            Light::Yellow => self.yellow += 1,
            Light::Red => self.red += 1,
        }
        match case.status {
            Status::Dispatched { .. } | Status::Acknowledged { .. } | Status::Handled { .. } => {
                self.open += 1;
            }
            Status::Declined { .. } => self.declined += 1,
            Status::Voided { .. } => self.voided += 1,
            Status::Closed { by, .. } => {
                let level = organisation.unit(by).map_or(Level::City, UnitRow::level);
                self.closed_by_level[level as usize] += 1;
            }
        }
    }
}
