//! Turns made from a seed, and a list beside the journal of what it must hold.

#![expect(dead_code, reason = "each test file uses a part of it")]
#![expect(clippy::unwrap_used, reason = "a test says what must be")]

mod casework;

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use casework::Casework;
use rand::RngExt;
use zhida::domain::digest::Digest;
use zhida::domain::evolve;
use zhida::domain::ids::Seq;
use zhida::domain::record::Record;
use zhida::domain::state::State;
use zhida::journal::medium::simulated::Machine;
use zhida::journal::record::Tag;
use zhida::journal::store::{OpenError, OpenReport, Store, StoreOptions};
use zhida::journal::{Background, Head, Journal as _, ReadError, Reader, Turn, Value};

/// A city at work, whose turns may be lost, and what of them was acknowledged.
pub(crate) struct Writer {
    city: Casework,
    values: BTreeMap<u64, Vec<u8>>,
    /// The fold of it.
    state: State,
    /// How many events of each kind it holds.
    kinds: BTreeMap<Tag, u64>,
}

impl Writer {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            city: Casework::new(seed),
            values: BTreeMap::new(),
            state: State::default(),
            kinds: BTreeMap::new(),
        }
    }

    /// A turn that follows `head`, of 1 to `events_max` events and what else belongs to the last
    /// command.
    pub(crate) fn turn(&mut self, head: Head, events_max: u64) -> Turn {
        let events = self.city.rng.random_range(1..=events_max);
        self.turn_until(head, &|turn| turn.events() >= events)
    }

    /// A turn that fills several values.
    pub(crate) fn large_turn(&mut self, head: Head) -> Turn {
        self.turn_until(head, &|turn| turn.bytes() >= 3 * zhida::journal::value::VALUE_BYTES_MAX)
    }

    fn turn_until(&mut self, head: Head, is_enough: &dyn Fn(&Turn) -> bool) -> Turn {
        // The turn before was lost: what it came to never was.
        if self.city.state.tail() != self.state.tail() {
            self.city.state = self.state.clone();
        }
        let mut turn = Turn::after(head, self.city.clock_mode);
        while !is_enough(&turn) {
            self.city.work().iter().for_each(|record| turn.push(record));
        }
        turn.seal();
        turn
    }

    /// The turn was acknowledged.
    pub(crate) fn keep(&mut self, turn: &Turn) {
        for (first, bytes) in turn.values() {
            let value = Value::parse(bytes).unwrap();
            for record in value.records() {
                let record = record.unwrap();
                *self.kinds.entry(Tag::of(&record.event)).or_default() += 1;
                evolve(&mut self.state, &record);
            }
            self.values.insert(first.0, bytes.to_vec());
        }
    }

    /// How many events of each kind were acknowledged.
    pub(crate) fn kinds(&self) -> &BTreeMap<Tag, u64> {
        &self.kinds
    }

    /// The digest of the state that it came to.
    pub(crate) fn digest(&self) -> Digest {
        self.state.digest()
    }

    /// The head of what was acknowledged.
    pub(crate) fn head(&self) -> Head {
        self.values
            .values()
            .next_back()
            .map_or(Head::GENESIS, |bytes| Value::parse(bytes).unwrap().head())
    }

    /// What the journal must hold under that number.
    pub(crate) fn record(&self, seq: u64) -> Record {
        let (_, bytes) = self.values.range(..=seq).next_back().unwrap();
        Value::parse(bytes).unwrap().record(Seq(seq)).unwrap()
    }

    /// Reads everything and compares: all that was acknowledged, nothing else, in a whole chain.
    pub(crate) fn check(&self, reader: &dyn Reader) {
        self.try_check(reader).unwrap();
    }

    /// As [`check`](Self::check), where the reader may find damage: it must say so, and give
    /// nothing wrong before.
    pub(crate) fn try_check(&self, reader: &dyn Reader) -> Result<(), ReadError> {
        let mut expected = self.values.iter();
        let mut head = Head::GENESIS;
        reader.read_from(Seq(1), Seq(u64::MAX), &mut |first, bytes| {
            let (key, value) = expected.next().expect("only what was acknowledged is there");
            assert_eq!(first.0, *key);
            assert!(bytes == value, "the value {first} is as it was acknowledged");
            let value = Value::parse(bytes).unwrap();
            value.follows(&head).unwrap();
            head = value.head();
            ControlFlow::Continue(())
        })?;
        assert_eq!(expected.next(), None, "all that was acknowledged is there");
        Ok(())
    }
}

pub(crate) const BALLAST_BYTES: u64 = 2 << 20;

pub(crate) fn options() -> StoreOptions {
    StoreOptions {
        segment_bytes: 6_000,
        ballast_bytes: BALLAST_BYTES,
        free_bytes_min: 1 << 20,
        ..StoreOptions::at("")
    }
}

pub(crate) fn open(machine: &Machine) -> Result<(Store, OpenReport), OpenError> {
    Store::open_on(machine.medium(), &options(), Background::Inline)
}

pub(crate) fn append(store: &mut Store, writer: &mut Writer) {
    let turn = writer.turn(store.tail(), 6);
    store.append(&turn).unwrap();
    writer.keep(&turn);
}

pub(crate) fn append_many(store: &mut Store, writer: &mut Writer, turns: usize) {
    for _ in 0..turns {
        if store.is_roll_due() {
            store.roll(Digest(3)).unwrap();
            store.work();
        }
        append(store, writer);
    }
}

/// A journal of several segments whose process was killed, or closed it.
pub(crate) fn made(seed: u64, is_closed: bool) -> (Machine, Writer) {
    let (machine, mut writer) = (Machine::new(seed), Writer::new(seed));
    let (mut store, _) = open(&machine).unwrap();
    append_many(&mut store, &mut writer, 40);
    if is_closed {
        store.close().unwrap();
    } else {
        machine.kill();
    }
    (machine, writer)
}

pub(crate) fn segments(machine: &Machine) -> Vec<String> {
    let names = machine.files().into_keys();
    names.filter(|name| name.starts_with("journal-0")).collect()
}
