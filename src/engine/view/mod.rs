//! What readers see: the state as of the newest committed turn, published whole.
//!
//! The sequencer alone writes here, after the commit, a turn at a time:
//!
//! ```text
//!   epoch  even ──▶ odd ── rows, inboxes, published seq ──▶ even        (gate held meanwhile)
//!   list   read epoch · collect · read epoch: the same and even? ── yes ▶ answer
//!                                                               └─ no  ▶ again, at last at the gate
//! ```
//!
//! So a list never mixes two turns, and an open case is in exactly one inbox of any list.

mod cases;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use dashmap::DashMap;
use parking_lot::{Mutex, RwLock};
use tokio::sync::watch;

use crate::domain::case::{Case, Light};
use crate::domain::catalogue::Catalogue;
use crate::domain::client::Clients;
use crate::domain::code::Level;
use crate::domain::hash::NumberHashing;
use crate::domain::ids::{CaseId, ImportId, Seq, Timestamp, UnitNumber};
use crate::domain::import::StagedImport;
use crate::domain::organisation::Organisation;
use crate::domain::state::State;

use cases::CaseRows;

/// Times that a list is collected anew before it waits for the gate.
const LIST_RETRIES_MAX: u32 = 4;

/// What readers see.
#[derive(Debug)]
pub struct View {
    cases: CaseRows,
    inboxes: DashMap<UnitNumber, BTreeMap<CaseId, u32>, NumberHashing>,
    whole: RwLock<Whole>,
    epoch: AtomicU64,
    /// Held while a turn is published; what moves in it.
    gate: Mutex<Vec<Moved>>,
    published: watch::Sender<Seq>,
}

/// A case that a turn changed: where its row goes from and to.
#[derive(Debug)]
struct Moved {
    id: CaseId,
    held_before: Option<UnitNumber>,
    holds_now: Option<UnitNumber>,
    version: u32,
}

/// What is replaced as one: it changes with an import or a client, not with a case.
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
    /// Units staged.
    pub units: usize,
    /// Matters staged.
    pub matters: usize,
    /// Its newest event.
    pub last_seq: Seq,
}

/// A page of an inbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InboxPage {
    /// Open cases that the unit holds, in the order received.
    pub cases: Vec<(CaseId, Case)>,
    /// Whether there are more behind the last of them.
    pub has_more: bool,
    /// The view that all of them were read from.
    pub as_of: Seq,
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
    /// The view of a recovered state.
    pub(super) fn of(state: &State) -> Self {
        let view = Self {
            cases: CaseRows::default(),
            inboxes: DashMap::default(),
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

    /// How many imports were ever begun.
    pub fn imports_begun(&self) -> u32 {
        self.whole.read().imports_begun
    }

    /// The time of the newest published turn.
    pub fn now(&self) -> Timestamp {
        self.whole.read().now
    }

    /// The open cases that `unit` holds, after `after`, at most `limit`, all of one turn.
    pub fn inbox(&self, unit: UnitNumber, after: Option<CaseId>, limit: usize) -> InboxPage {
        for _ in 0..LIST_RETRIES_MAX {
            let before = self.epoch.load(Ordering::Acquire);
            if !before.is_multiple_of(2) {
                std::hint::spin_loop();
                continue;
            }
            let page = self.collect(unit, after, limit);
            if self.epoch.load(Ordering::Acquire) == before {
                return page;
            }
        }
        let _nothing_is_published_meanwhile = self.gate.lock();
        self.collect(unit, after, limit)
    }

    fn collect(&self, unit: UnitNumber, after: Option<CaseId>, limit: usize) -> InboxPage {
        let as_of = self.published();
        let first = after.map_or(CaseId::FIRST, CaseId::next);
        let rows: Vec<(CaseId, u32)> = self.inboxes.get(&unit).map_or_else(Vec::new, |inbox| {
            inbox
                .range(first..)
                .take(limit.saturating_add(1))
                .map(|(id, version)| (*id, *version))
                .collect()
        });
        let has_more = rows.len() > limit;
        let counts = |id: CaseId, version: u32| {
            let case = self.cases.get(id)?;
            (case.status.holder() == Some(unit) && case.version == version).then_some((id, case))
        };
        let cases = rows.into_iter().take(limit).filter_map(|(id, version)| counts(id, version));
        InboxPage { cases: cases.collect(), has_more, as_of }
    }

    /// How many open cases `unit` holds.
    pub fn inbox_len(&self, unit: UnitNumber) -> usize {
        self.inboxes.get(&unit).map_or(0, |inbox| inbox.len())
    }

    /// Counts all published cases. Reads every row: for screens and reports, not for a hot path.
    pub fn census(&self) -> Census {
        let organisation = self.organisation();
        let mut census = Census::default();
        self.cases.for_each(|_, case| census.count(case, &organisation));
        census
    }

    /// Publishes the turn that the state is the fold of. Only the sequencer calls this.
    pub(super) fn publish(&self, state: &State, touched: impl IntoIterator<Item = CaseId>) {
        let mut moved = self.gate.lock();
        self.epoch.fetch_add(1, Ordering::AcqRel);
        let cases = touched.into_iter().filter_map(|id| Some((id, state.cases().get(id)?)));
        self.cases.put_all(cases, |id, before, after| {
            let held_before = before.and_then(|case| case.status.holder());
            let (holds_now, version) = (after.status.holder(), after.version);
            moved.push(Moved { id, held_before, holds_now, version });
        });
        moved.drain(..).for_each(|row| self.move_row(&row));
        self.publish_whole(state);
        self.published.send_replace(state.tail());
        self.epoch.fetch_add(1, Ordering::AcqRel);
    }

    fn move_row(&self, row: &Moved) {
        if let Some(holder) = row.held_before
            && row.holds_now != row.held_before
            && let Some(mut inbox) = self.inboxes.get_mut(&holder)
        {
            inbox.remove(&row.id);
        }
        if let Some(holder) = row.holds_now {
            self.inboxes.entry(holder).or_default().insert(row.id, row.version);
        }
    }

    fn publish_whole(&self, state: &State) {
        let mut whole = self.whole.write();
        if !Arc::ptr_eq(&whole.organisation, state.organisation()) {
            whole.organisation = Arc::clone(state.organisation());
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
        match case.node_light.max(case.total_light) {
            Light::Green => {}
            Light::Yellow => self.yellow += 1,
            Light::Red => self.red += 1,
        }
        let Some((by, _)) = case.status.ended() else {
            self.open += 1;
            return;
        };
        let level =
            organisation.unit(by).map_or(Level::City, crate::domain::organisation::UnitRow::level);
        self.closed_by_level[level as usize] += 1;
    }
}
