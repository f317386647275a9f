//! Turns made from a seed, and a list beside the journal of what it must hold.

#![expect(dead_code, reason = "each test file uses a part of it")]
#![expect(clippy::unwrap_used, reason = "a test says what must be")]

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use zhida::domain::digest::Digest;
use zhida::domain::event::{ClockAdvanced, ClockMode, Event, ImportBegun, TextStaged, UnitsStaged};
use zhida::domain::evolve;
use zhida::domain::ids::{ImportId, Seq, Timestamp};
use zhida::domain::import::ImportKind;
use zhida::domain::organisation::{UnitKind, UnitRow};
use zhida::domain::record::{Actor, Record};
use zhida::domain::state::State;
use zhida::journal::medium::simulated::{Dice, Machine};
use zhida::journal::store::{OpenError, OpenReport, Store, StoreOptions};
use zhida::journal::{Background, Head, Journal as _, ReadError, Reader, Turn, Value};

/// Makes turns and remembers what was acknowledged.
pub(crate) struct Writer {
    dice: Dice,
    values: BTreeMap<u64, Vec<u8>>,
    /// The fold of it.
    state: State,
}

impl Writer {
    pub(crate) fn new(seed: u64) -> Self {
        Self { dice: Dice::new(seed), values: BTreeMap::new(), state: State::default() }
    }

    /// A turn of 1 to `events_max` events that follows `head`.
    pub(crate) fn turn(&mut self, head: Head, events_max: u64) -> Turn {
        let mut turn = Turn::after(head, ClockMode::Manual);
        for _ in 0..=self.dice.below(events_max) {
            turn.push(&self.make(turn.last_seq().next()));
        }
        turn.seal();
        turn
    }

    /// A turn that fills several values.
    pub(crate) fn large_turn(&mut self, head: Head) -> Turn {
        let mut turn = Turn::after(head, ClockMode::Manual);
        while turn.bytes() < 3 * zhida::journal::value::VALUE_BYTES_MAX {
            turn.push(&self.make(turn.last_seq().next()));
        }
        turn.seal();
        turn
    }

    fn make(&mut self, seq: Seq) -> Record {
        let number = self.dice.roll();
        let at = Timestamp(i64::try_from(seq.0).unwrap());
        let import = ImportId(1);
        let event = match self.dice.below(16) {
            _ if seq == Seq::FIRST => {
                let kind = ImportKind::Units;
                Event::ImportBegun(ImportBegun { import, origin: "units.csv".into(), kind })
            }
            0..4 => {
                let letters = usize::try_from(self.dice.below(4_000)).unwrap();
                let text = format!("{number:x}").repeat(letters / 16);
                Event::TextStaged(TextStaged { import, text: text.into() })
            }
            4 => Event::UnitsStaged(UnitsStaged { import, rows: vec![unit(number)] }),
            _ => Event::ClockAdvanced(ClockAdvanced {
                to: Timestamp(i64::from_ne_bytes(number.to_ne_bytes())),
            }),
        };
        Record { seq, at, actor: Actor::SYSTEM, previous: None, outcome: None, event }
    }

    /// The turn was acknowledged.
    pub(crate) fn keep(&mut self, turn: &Turn) {
        for (first, bytes) in turn.values() {
            let value = Value::parse(bytes).unwrap();
            value.records().for_each(|record| evolve(&mut self.state, &record.unwrap()));
            self.values.insert(first.0, bytes.to_vec());
        }
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

fn unit(number: u64) -> UnitRow {
    UnitRow::new("411502001201001".parse().unwrap(), UnitKind::Grid, format!("{number}"))
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
