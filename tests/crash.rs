//! Crashes: seeds, each a few hundred operations on a simulated disk, with a list beside of what
//! was acknowledged. After every start all of it is there, byte for byte, none twice, in a whole
//! chain, and at most the one turn besides whose outcome nobody was told; and the state that the
//! start comes to, from a snapshot or without, is the one that was running. The events are casework
//! by the domain's rules, of every kind.
//!
//! `ZHIDA_SEEDS=N` runs that many seeds, `ZHIDA_SEED=K` runs that one alone.

#![expect(clippy::unwrap_used, reason = "a test says what must be")]

mod journal;

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::Arc;

use journal::Writer;
use zhida::domain::ids::Seq;
use zhida::journal::medium::simulated::{Dice, Faults, Machine};
use zhida::journal::record::Tag;
use zhida::journal::store::{OpenError, Store, StoreOptions, verify};
use zhida::journal::{
    AppendError, Background, FoldError, FoldHandle, FoldOptions, Folder, Journal as _, SealNote,
    Turn, recover,
};

const SEEDS: u64 = 200;
const OPERATIONS: usize = 220;

/// How often each thing happened, by name, and how many events of each kind were acknowledged.
#[derive(Default)]
struct Counts {
    things: BTreeMap<&'static str, u64>,
    kinds: BTreeMap<Tag, u64>,
}

impl Counts {
    fn add(&mut self, name: &'static str) {
        *self.things.entry(name).or_default() += 1;
    }

    fn add_kinds(&mut self, kinds: &BTreeMap<Tag, u64>) {
        for (kind, events) in kinds {
            *self.kinds.entry(*kind).or_default() += events;
        }
    }

    fn add_all(&mut self, more: &Self) {
        for (name, times) in &more.things {
            *self.things.entry(name).or_default() += times;
        }
        self.add_kinds(&more.kinds);
    }
}

struct Simulation<'a> {
    dice: Dice,
    machine: Machine,
    options: StoreOptions,
    writer: Writer,
    store: Option<Store>,
    folder: Option<FoldHandle>,
    /// A turn that failed and may be found at the next start.
    in_flight: Option<Turn>,
    is_full: bool,
    counts: &'a mut Counts,
}

const APPENDED: &str = "turns appended";
const FAILED_FULL: &str = "appends that found the disk full";
const FAILED: &str = "appends that failed otherwise";
const RETRIED: &str = "turns appended on a further attempt";
const ROLLED: &str = "rolls";
const SEALED: &str = "segments sealed";
const CLOSED: &str = "clean closes";
const CLOSE_FAILED: &str = "closes that failed";
const STARTED_CLEAN: &str = "starts after a clean close";
const STARTED_UNCLEAN: &str = "starts after a crash";
const START_FAILED: &str = "starts that met a fault";
const AGAIN: &str = "starts that appended again";
const REWRITING: &str = "starts that had segments rewritten";
const IN_FLIGHT_FOUND: &str = "failed turns found at a start";
const IN_FLIGHT_LOST: &str = "failed turns not found at a start";
const FOLDED: &str = "folds";
const FOLD_FAILED: &str = "folds that a fault ended";
const FOLD_KILLED: &str = "folds in the middle of which the process was killed";
const FROM_SNAPSHOT: &str = "starts from a snapshot";
const FROM_NOTHING: &str = "starts without one";
const DAMAGED: &str = "starts that passed a damaged snapshot over";
const READ_BESIDE: &str = "reads during appends and rolls";
const LOW: &str = "low-water marks";
const NOT_LOW: &str = "low-water marks ended";
const ALL: [&str; 24] = [
    APPENDED,
    FAILED_FULL,
    FAILED,
    RETRIED,
    ROLLED,
    SEALED,
    CLOSED,
    CLOSE_FAILED,
    STARTED_CLEAN,
    STARTED_UNCLEAN,
    START_FAILED,
    AGAIN,
    REWRITING,
    IN_FLIGHT_FOUND,
    IN_FLIGHT_LOST,
    FOLDED,
    FOLD_FAILED,
    FOLD_KILLED,
    FROM_SNAPSHOT,
    FROM_NOTHING,
    DAMAGED,
    READ_BESIDE,
    LOW,
    NOT_LOW,
];

impl<'a> Simulation<'a> {
    fn new(seed: u64, counts: &'a mut Counts) -> Self {
        let mut dice = Dice::new(seed);
        let options = StoreOptions {
            segment_bytes: 8_000 + dice.below(80_000),
            ballast_bytes: 64 << 10,
            free_bytes_min: 256 << 10,
            ..StoreOptions::at("")
        };
        let (machine, writer) = (Machine::new(seed), Writer::new(seed));
        Self {
            dice,
            machine,
            options,
            writer,
            store: None,
            folder: None,
            in_flight: None,
            is_full: false,
            counts,
        }
    }

    fn run(&mut self) -> Faults {
        self.start();
        for _ in 0..OPERATIONS {
            self.step();
        }
        // The end: whatever is pending, nothing acknowledged is missing.
        self.crash();
        self.clear_faults();
        self.start();
        let store = self.store.as_mut().expect("no fault is pending");
        store.work();
        let report = verify(store, Some(self.writer.head()), &mut |_| {}).unwrap();
        assert_eq!(report.head, self.writer.head());
        self.counts.add_kinds(self.writer.kinds());
        self.machine.faults()
    }

    fn step(&mut self) {
        match self.dice.below(100) {
            0..57 => self.append(),
            57..61 => self.roll(),
            61..64 => self.fold(),
            64..72 => self.store().work(),
            72..76 => self.read_beside(),
            76..79 => {
                self.machine.fail_sync_after(Some(u32::try_from(self.dice.below(4)).unwrap()));
            }
            79..81 => {
                let syncs = u32::try_from(self.dice.below(2)).unwrap();
                self.machine.fail_name_sync_after(Some(syncs));
            }
            81..84 => self.machine.kill_after(Some(self.dice.below(40))),
            84..87 => {
                self.machine.leave_room(Some(self.dice.below(300_000)));
                self.is_full = true;
            }
            87..91 => self.clear_faults(),
            91..93 => self.low_water(),
            93..96 => self.close_and_start(),
            _ => {
                self.crash();
                self.start();
            }
        }
        if self.machine.is_killed() {
            self.crash();
            self.start();
        }
    }

    fn store(&mut self) -> &mut Store {
        self.store.as_mut().expect("it is started again after every crash")
    }

    fn clear_faults(&mut self) {
        self.machine.fail_sync_after(None);
        self.machine.fail_name_sync_after(None);
        self.machine.leave_room(None);
        self.is_full = false;
    }

    fn append(&mut self) {
        let tail = self.store().tail();
        assert_eq!(tail, self.writer.head(), "the tail is what was acknowledged last");
        let events_max = if self.dice.once_in(10) { 60 } else { 6 };
        let is_retried = self.in_flight.is_some();
        let turn = self.in_flight.take().unwrap_or_else(|| self.writer.turn(tail, events_max));
        if self.store().is_roll_due() {
            self.roll();
        }
        let faults = self.machine.faults();
        match self.store().append(&turn) {
            Ok(()) => {
                self.counts.add(APPENDED);
                if is_retried {
                    self.counts.add(RETRIED);
                }
                assert_eq!(self.store().tail(), turn.head());
                self.writer.keep(&turn);
            }
            Err(error) => {
                match &error {
                    AppendError::DiskFull(_) => self.counts.add(FAILED_FULL),
                    AppendError::NotDurable(_) => self.counts.add(FAILED),
                }
                assert_eq!(self.store().tail(), tail, "a failed append moves nothing");
                let is_struck =
                    faults != self.machine.faults() || self.is_full || self.machine.is_killed();
                assert!(is_struck, "it ends by itself when the disk works: {error}");
                self.in_flight = Some(turn);
                if !self.machine.is_killed() {
                    // Reads go on, and nothing of it shows.
                    let reader = self.store().reader();
                    self.writer.check(&*reader);
                }
            }
        }
        for sealed in self.store().take_sealed() {
            self.counts.add(SEALED);
            assert!(sealed.first <= sealed.last.seq);
            self.folder.as_mut().expect("it starts with the store").sealed(SealNote::from(&sealed));
        }
    }

    fn roll(&mut self) {
        let digest = self.writer.digest();
        self.store().roll(digest).unwrap();
        self.counts.add(ROLLED);
    }

    /// Folds what is sealed, if that is due, mostly with a fault waiting in it.
    fn fold(&mut self) {
        match self.dice.below(6) {
            0 => self.machine.kill_after(Some(self.dice.below(8))),
            1 => self.machine.fail_sync_after(Some(u32::try_from(self.dice.below(3)).unwrap())),
            2 => self.machine.fail_name_sync_after(Some(0)),
            3 => {
                self.machine.leave_room(Some(self.dice.below(12_000)));
                self.is_full = true;
            }
            _ => {}
        }
        let folder = self.folder.as_mut().expect("it starts with the store");
        let (before, faults) = (folder.status().folds(), self.machine.faults());
        let folded = folder.work();
        assert_eq!(folder.status().degraded(), None);
        match folded {
            Ok(()) => {
                let folds = folder.status().folds() - before;
                (0..folds).for_each(|_| self.counts.add(FOLDED));
            }
            Err(error @ (FoldError::Write(_) | FoldError::Unreadable(_))) => {
                assert!(faults != self.machine.faults() || self.is_full, "{error}");
                let is_killed = self.machine.is_killed();
                self.counts.add(if is_killed { FOLD_KILLED } else { FOLD_FAILED });
            }
            Err(error) => panic!("a fault is no damage: {error}"),
        }
    }

    /// Reads all of it while, in the middle of the read, the writer goes on.
    fn read_beside(&mut self) {
        let reader = self.store().reader();
        let (before, mut next) = (self.writer.head().seq, 1);
        let read = reader.read_from(Seq(1), before, &mut |first, bytes| {
            assert_eq!(first.0, next, "values follow one another");
            next += u64::from(zhida::journal::Value::parse(bytes).unwrap().count());
            match self.dice.below(12) {
                0 => self.append(),
                1 => self.roll(),
                2 => self.store().work(),
                _ => {}
            }
            if self.machine.is_killed() {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        });
        if !self.machine.is_killed() {
            read.unwrap();
            assert_eq!(next, before.0 + 1, "all of it was read");
            self.counts.add(READ_BESIDE);
        }
    }

    fn low_water(&mut self) {
        match self.store().is_low_on_space() {
            Ok(true) => self.counts.add(LOW),
            Ok(false) => self.counts.add(NOT_LOW),
            Err(error) => panic!("{error}"),
        }
    }

    fn close_and_start(&mut self) {
        self.folder = None;
        let closed = self.store.take().expect("it is started").close();
        self.counts.add(if closed.is_ok() { CLOSED } else { CLOSE_FAILED });
        self.start();
    }

    fn crash(&mut self) {
        if !self.machine.is_killed() {
            self.machine.kill();
        }
        (self.store, self.folder) = (None, None);
        if self.dice.once_in(2) {
            self.machine.lose_power();
        }
    }

    /// Starts until it succeeds. It may fail as long as there are faults, and not otherwise.
    fn start(&mut self) {
        loop {
            let faults = self.machine.faults();
            let opened = Store::open_on(self.machine.medium(), &self.options, Background::Inline);
            let (store, report) = match opened {
                Ok(opened) => opened,
                Err(error) => {
                    self.counts.add(START_FAILED);
                    let is_struck = faults != self.machine.faults() || self.is_full;
                    assert!(is_struck, "without a fault a start succeeds: {error}");
                    let is_fault = matches!(error, OpenError::Io { .. } | OpenError::Append(_));
                    assert!(is_fault, "a fault is no damage: {error}");
                    if self.machine.is_killed() {
                        self.crash();
                    }
                    self.clear_faults();
                    continue;
                }
            };
            self.counts.add(if report.was_closed { STARTED_CLEAN } else { STARTED_UNCLEAN });
            if report.appended_again.is_some() {
                self.counts.add(AGAIN);
            }
            if !report.rewriting.is_empty() {
                self.counts.add(REWRITING);
            }
            if let Some(turn) = self.in_flight.take() {
                if store.tail() == turn.head() {
                    self.counts.add(IN_FLIGHT_FOUND);
                    self.writer.keep(&turn);
                } else {
                    self.counts.add(IN_FLIGHT_LOST);
                }
            }
            assert_eq!(store.tail(), self.writer.head(), "{report}");
            if !self.machine.is_killed() {
                self.writer.check(&*store.reader());
                self.recover(&store);
            }
            self.store = Some(store);
            return;
        }
    }

    /// Comes to a state as a start does, now and then with the newest snapshot damaged.
    fn recover(&mut self, store: &Store) {
        let newest = newest_snapshot(&self.machine).filter(|_| self.dice.once_in(6));
        if let Some((name, mut bytes)) = newest.clone() {
            let at = usize::try_from(self.dice.below(bytes.len() as u64)).unwrap();
            match self.dice.below(2) {
                0 => bytes[at] ^= 1 << self.dice.below(8),
                _ => bytes.truncate(at),
            }
            self.machine.put(&name, &bytes);
        }
        let medium = store.medium();
        let found = recover(&*medium, &*store.reader(), store.tail()).unwrap();
        assert_eq!(found.state.digest(), self.writer.digest());
        let skipped: Vec<_> = found.skipped.iter().map(|one| &one.name).collect();
        assert_eq!(skipped, newest.iter().map(|(name, _)| name).collect::<Vec<_>>());
        if let Some((name, _)) = newest {
            self.counts.add(DAMAGED);
            self.machine.take_away(&name);
        }
        self.counts.add(if found.snapshot_seq.is_some() { FROM_SNAPSHOT } else { FROM_NOTHING });

        let options = FoldOptions {
            snapshot_seq: found.snapshot_seq,
            background: Background::Inline,
            ..FoldOptions::new(medium, store.reader(), Arc::default())
        };
        let mut folder = Folder::start(options).unwrap();
        store.sealed().iter().for_each(|sealed| folder.sealed(SealNote::from(sealed)));
        self.folder = Some(folder);
    }
}

#[test]
fn what_was_acknowledged_survives_every_crash() {
    let number = |name: &str| std::env::var(name).ok().map(|text| text.parse::<u64>().unwrap());
    let random = getrandom::u64().unwrap();
    let seeds: Vec<u64> = match number("ZHIDA_SEED") {
        Some(seed) => vec![seed],
        None => (0..number("ZHIDA_SEEDS").unwrap_or(SEEDS)).chain([random]).collect(),
    };
    println!("the random seed is {random}");
    // Two halves beside each other; each seed comes out the same wherever it runs.
    let (left, right) = seeds.split_at(seeds.len() / 2);
    let (counts, faults) = std::thread::scope(|scope| {
        let left = scope.spawn(|| run_all(left));
        let (mut counts, faults) = run_all(right);
        let (more, struck) = left.join().expect("a seed failed; it is named above");
        counts.add_all(&more);
        (counts, faults.plus(struck))
    });
    for name in ALL {
        println!("{:>8} {name}", counts.things.get(name).copied().unwrap_or(0));
    }
    for (name, times) in faults.all() {
        println!("{times:>8} {name}");
    }
    for (kind, events) in &counts.kinds {
        println!("{events:>8} {kind:?}");
    }
    if seeds.len() > 1 {
        for kind in Tag::ALL {
            assert!(counts.kinds.contains_key(kind), "never: {kind:?}");
        }
        for name in ALL {
            assert!(counts.things.contains_key(name), "never: {name}");
        }
        for (name, times) in faults.all() {
            assert!(times > 0, "never: {name}");
        }
    }
}

fn newest_snapshot(machine: &Machine) -> Option<(String, Vec<u8>)> {
    machine.files().into_iter().rfind(|(name, _)| name.starts_with("snapshot-"))
}

fn run_all(seeds: &[u64]) -> (Counts, Faults) {
    let mut counts = Counts::default();
    let mut faults = Faults::default();
    for &seed in seeds {
        let run = std::panic::AssertUnwindSafe(|| Simulation::new(seed, &mut counts).run());
        match std::panic::catch_unwind(run) {
            Ok(struck) => faults = faults.plus(struck),
            Err(panic) => {
                eprintln!("failed with ZHIDA_SEED={seed}");
                std::panic::resume_unwind(panic);
            }
        }
    }
    (counts, faults)
}
