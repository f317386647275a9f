//! What a state lends to whoever keeps it, and how it comes back: plain rows, section by section.

use std::sync::Arc;

use super::case::Case;
use super::catalogue::{Catalogue, MatterRow};
use super::client::{Client, Clients};
use super::event::JournalOpened;
use super::ids::{CaseId, ImportId, Seq, Timestamp, UnitNumber};
use super::import::{Imports, StagedImport};
use super::organisation::{OrderedUnit, Restored, UnitRow};
use super::outcome::{KeyHash, Remembered};
use super::state::{NaturalKey, State};

/// Natural keys that room is made for ahead, at most; more are taken all the same.
const ROOM_AHEAD_MAX: usize = 10_000_000;

/// The few values of a state that are not rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StateHead {
    /// The newest event folded.
    pub tail: Seq,
    /// Its time.
    pub now: Option<Timestamp>,
    /// The journal's first event.
    pub opened: Option<JournalOpened>,
    /// The numbering epoch.
    pub epoch: u32,
    /// The newest change of the organisation.
    pub organisation_seq: Seq,
    /// The event that brought the catalogue into force.
    pub catalogue_seq: Seq,
    /// How many imports were ever begun.
    pub imports_begun: u32,
    /// The highest key slot used; zero for none.
    pub slots_used: u64,
}

impl State {
    /// The values that are not rows. The rows are lent by the parts: `organisation()`,
    /// `catalogue()`, `clients()`, `imports()`, `cases()`, `numbers()`, `outcomes()`.
    #[must_use]
    pub fn head(&self) -> StateHead {
        StateHead {
            tail: self.tail,
            now: self.now,
            opened: self.opened.clone(),
            epoch: self.organisation.epoch(),
            organisation_seq: self.organisation.last_seq(),
            catalogue_seq: self.catalogue.version(),
            imports_begun: self.imports.begun(),
            slots_used: self.slots_used,
        }
    }
}

/// Rebuilds a state from the rows that one lent, each section in the order it was lent.
#[derive(Debug)]
pub struct StateBuilder {
    head: StateHead,
    organisation: Restored,
    catalogue: Catalogue,
    clients: Clients,
    imports: Vec<(ImportId, StagedImport)>,
    state: State,
}

impl StateBuilder {
    /// Begins with the values that are not rows.
    #[must_use]
    pub fn new(head: StateHead) -> Self {
        Self {
            organisation: Restored {
                epoch: head.epoch,
                last_seq: head.organisation_seq,
                ..Restored::default()
            },
            head,
            catalogue: Catalogue::default(),
            clients: Clients::default(),
            imports: Vec::new(),
            state: State::folding(),
        }
    }

    /// Makes room for that many natural keys, so that taking them moves none.
    pub fn reserve(&mut self, numbers: usize) {
        self.state.numbers.reserve(numbers.min(ROOM_AHEAD_MAX));
    }

    /// Takes the next unit, and whether it is told to close.
    pub fn unit(&mut self, row: UnitRow, is_closing: bool) {
        self.organisation.units.push((row, is_closing));
    }

    /// Takes what a unit was before, and until when; oldest first for each.
    pub fn former_unit(&mut self, unit: UnitNumber, until: Timestamp, row: UnitRow) {
        self.organisation.former.push((unit, until, row));
    }

    /// Takes the next unit of the epoch's order.
    pub fn ordered_unit(&mut self, ordered: OrderedUnit) {
        self.organisation.order.push(ordered);
    }

    /// Takes the next matter.
    pub fn matter(&mut self, row: MatterRow, is_retired: bool) {
        self.catalogue.restore(row, is_retired);
    }

    /// Takes the next client.
    pub fn client(&mut self, client: Client) {
        self.clients.push(client);
    }

    /// Takes the next open import.
    pub fn import(&mut self, id: ImportId, import: StagedImport) {
        self.imports.push((id, import));
    }

    /// Takes the next case.
    pub fn case(&mut self, case: Case) {
        self.state.put_case(case);
    }

    /// Takes a natural key.
    pub fn number(&mut self, key: NaturalKey, case: CaseId) {
        self.state.put_number(key, case);
    }

    /// Takes the next outcome, oldest first.
    pub fn outcome(&mut self, at: Timestamp, key: KeyHash, outcome: Remembered) {
        self.state.outcomes.put(at, key, outcome);
    }

    /// The state of these rows, to fold onto. Compare its digest with the one noted beside them.
    #[must_use]
    pub fn finish(self) -> State {
        let mut state = self.state;
        state.tail = self.head.tail;
        state.now = self.head.now;
        state.opened = self.head.opened;
        state.slots_used = self.head.slots_used;
        state.organisation = Arc::new(self.organisation.organisation());
        let mut catalogue = self.catalogue;
        catalogue.restore_version(self.head.catalogue_seq);
        state.catalogue = Arc::new(catalogue);
        state.clients = Arc::new(self.clients);
        state.imports = Imports::restored(self.head.imports_begun, self.imports);
        state
    }
}
