//! Random work for tests: casework onto a journal in memory.

use std::collections::BTreeMap;
use std::sync::Arc;

use rand::RngExt;

use super::record::Tag;
use super::{Head, Journal, MemoryJournal, Reader, SealNote, Turn};
use crate::domain::ids::Seq;
use crate::domain::record::Record;
use casework::Casework;

// The tests of the store on a disk that fails do the same work.
#[path = "../../tests/journal/casework.rs"]
mod casework;

/// A city at work, and what is kept of it.
pub(super) struct Workload {
    pub(super) city: Casework,
    pub(super) journal: MemoryJournal,
    turn: Turn,
    /// Where the newest segment began, for the notes.
    sealed: Seq,
    /// How many events of each kind it made.
    kinds: BTreeMap<Tag, u64>,
}

impl Workload {
    /// A city that was opened and imported, and no case yet.
    pub(super) fn new(seed: u64) -> Self {
        println!("seed {seed}");
        let city = Casework::new(seed);
        let turn = Turn::after(Head::GENESIS, city.clock_mode);
        let mut workload = Self {
            city,
            journal: MemoryJournal::default(),
            turn,
            sealed: Seq::ZERO,
            kinds: BTreeMap::new(),
        };
        let begun = workload.city.work();
        workload.put(begun);
        workload.commit();
        workload
    }

    /// That many random commands, in turns of random length.
    pub(super) fn work(&mut self, commands: u32) {
        for _ in 0..commands {
            let records = self.city.work();
            self.put(records);
            if self.city.rng.random_ratio(1, 8) {
                self.commit();
            }
        }
        self.commit();
    }

    /// Reports and nothing else: the quickest way to many cases.
    pub(super) fn report(&mut self, reports: u32) {
        for _ in 0..reports {
            let records = self.city.report();
            self.put(records);
            if self.turn.events() >= 1_000 {
                self.commit();
            }
        }
        self.commit();
    }

    /// Seals what was appended since the last time, as the engine does.
    pub(super) fn roll(&mut self) -> SealNote {
        self.commit();
        let last = self.journal.tail();
        let bytes = 200 * (last.seq.0 - self.sealed.0);
        self.sealed = last.seq;
        let digest = self.city.state.digest();
        self.journal.roll(digest).expect("no fault was injected");
        SealNote { last, bytes, digest: Some(digest) }
    }

    pub(super) fn tail(&self) -> Head {
        self.journal.tail()
    }

    pub(super) fn reader(&self) -> Arc<dyn Reader> {
        self.journal.reader()
    }

    fn put(&mut self, records: Vec<Record>) {
        for record in records {
            *self.kinds.entry(Tag::of(&record.event)).or_default() += 1;
            self.turn.push(&record);
        }
    }

    fn commit(&mut self) {
        let head = self.turn.seal();
        if !self.turn.is_empty() {
            self.journal.append(&self.turn).expect("no fault was injected");
        }
        self.turn.restart(head);
    }
}

#[test]
fn random_work_makes_every_kind_of_event() {
    let mut kinds: BTreeMap<Tag, u64> = BTreeMap::new();
    for seed in 0..30 {
        let mut city = Workload::new(seed);
        city.work(400);
        for (kind, count) in city.kinds {
            *kinds.entry(kind).or_default() += count;
        }
    }
    println!("{kinds:?}");
    for kind in Tag::ALL {
        assert!(kinds.contains_key(kind), "never: {kind:?}");
    }
}
