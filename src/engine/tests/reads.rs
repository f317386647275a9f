//! Reads of the journal stop at what is published, and follow a case's chain.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use super::rig::*;
use crate::domain::digest::Digest;
use crate::domain::event::{ClockMode, PartName};
use crate::domain::ids::{CaseId, Seq};
use crate::domain::tests::world::*;
use crate::engine::{
    Desk, Engine, EngineOptions, Handle, ManualClock, Parts, ReadsFull, SubmitError,
};
use crate::journal::medium::disk::Disk;
use crate::journal::vault::{Opened, Vault, VaultOptions};
use crate::journal::{AppendError, Head, Journal, MemoryJournal, ReadError, Reader, Turn};

/// A journal whose appends are durable a while before they return.
struct Lingering {
    inner: MemoryJournal,
    is_durable: Sender<()>,
    may_return: Receiver<()>,
}

impl Journal for Lingering {
    fn tail(&self) -> Head {
        self.inner.tail()
    }

    fn append(&mut self, turn: &Turn) -> Result<(), AppendError> {
        self.inner.append(turn)?;
        self.is_durable.send(()).expect("the test listens");
        self.may_return.recv().expect("the test says when");
        Ok(())
    }

    fn is_roll_due(&self) -> bool {
        false
    }

    fn roll(&mut self, digest: Digest) -> Result<(), AppendError> {
        self.inner.roll(digest)
    }

    fn reader(&self) -> Arc<dyn Reader> {
        self.inner.reader()
    }

    fn close(self: Box<Self>) -> std::io::Result<()> {
        Box::new(self.inner).close()
    }
}

#[test]
fn what_is_durable_and_not_published_is_not_read() {
    let dir = tempfile::TempDir::new().expect("a temporary directory");
    let few = VaultOptions { step_slots: 64, ..VaultOptions::default() };
    let vault = Arc::new(
        Vault::open(&Disk::at(dir.path()).expect("the directory is there"), few)
            .expect("a new vault"),
    );
    let mut world = World::clocked(ClockMode::Manual);
    let journal = journal_of(&world.records, ClockMode::Manual);
    let clock = ManualClock::starting(START);
    let (is_durable, durable) = channel();
    let (go, may_return) = channel();
    let usual = parts(
        journal_of(&world.records, ClockMode::Manual),
        &vault,
        ClockMode::Manual,
        &clock,
        &options(),
    );
    let lingering = Lingering { inner: journal, is_durable, may_return };
    let engine = Engine::start(Parts { journal: Box::new(lingering), ..usual }).expect("a start");
    let handle = engine.handle();
    let before = handle.view().published();

    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
    let desk = Desk::new();
    runtime.spawn(desk.clone().run());
    let report = world.report(MICRO, GRID);
    let report = crate::domain::command::Command::ReportCase(Box::new(report));
    let (submitting, at) = (handle.clone(), desk.clone());
    let reply =
        runtime.spawn(async move { submitting.submit(&at, submission(report, Some(GRID))).await });
    let fed = handle.clone();
    let fed =
        runtime.spawn(async move { fed.view().wait_for(before.next(), Duration::ZERO).await });
    runtime.block_on(async { tokio::task::yield_now().await });
    durable.recv().expect("an append");

    let all = Seq(u64::MAX);
    assert!(handle.records(before.next(), all, 10).expect("reads").is_empty());
    let mut raw = 0;
    let mut count = |_, _: &[u8]| {
        raw += 1;
        ControlFlow::Continue(())
    };
    handle.raw_values(before.next(), &mut count).expect("reads");
    assert_eq!(raw, 0);
    assert!(!runtime.block_on(fed).expect("no panic"), "and not announced");
    assert!(!reply.is_finished());

    go.send(()).expect("it waits");
    let reply = runtime.block_on(reply).expect("no panic").expect("accepted").reply;
    assert_eq!(handle.records(before.next(), all, 10).expect("reads").len(), 1);
    assert_eq!(reply.seq, before.next());
    engine.stop().expect("a good stop");
}

#[test]
fn a_history_is_its_case_s_events_newest_first() {
    let mut rig = Rig::new();
    let [first, second] = [rig.reported(MICRO, GRID), rig.reported(MICRO, GRID)];
    for name in ["acknowledge", "handle", "close"] {
        for case in [first, second] {
            let verb = rig.verb(name, case, GRID);
            rig.accept(verb);
        }
    }
    let history = rig.handle.newest_first(first, rig.case(first).last_seq);
    let history = history.collect::<Result<Vec<_>, _>>().expect("reads");
    assert_eq!(
        history.iter().map(line).collect::<Vec<_>>(),
        ["case.closed 1", "case.handled 1", "case.acknowledged 1", "case.reported 1"]
    );
}

#[test]
fn records_are_read_in_order_up_to_a_limit() {
    let mut rig = Rig::new();
    let before = rig.published();
    for _ in 0..10 {
        rig.reported(MICRO, GRID);
    }
    let read = |first: u64, through: u64, limit| {
        let (first, through) = (Seq(before.0 + first), Seq(before.0 + through));
        let records = rig.handle.records(first, through, limit).expect("reads");
        records.iter().map(|record| record.seq.0 - before.0).collect::<Vec<_>>()
    };
    assert_eq!(read(1, 10, 100), (1..=10).collect::<Vec<_>>());
    assert_eq!(read(3, 5, 100), [3, 4, 5]);
    assert_eq!(read(3, 10, 2), [3, 4]);
    assert_eq!(read(10, 100, 9), [10]);
    assert_eq!(read(11, 100, 9), [0_u64; 0]);
    // In the middle of the one large value that the rig begins with.
    let middle = rig.handle.records(Seq(3), Seq(4), 9).expect("reads");
    assert_eq!(middle.iter().map(|record| record.seq.0).collect::<Vec<_>>(), [3, 4]);

    assert!(rig.run(rig.handle.view().wait_for(rig.published(), LONG)));
    let next = rig.published().next();
    assert!(!rig.run(rig.handle.view().wait_for(next, Duration::ZERO)), "patience ends");
    let mut unknown = rig.handle.newest_first(CaseId(1), Seq(1_000));
    assert!(matches!(unknown.next(), Some(Err(ReadError::NotFound(Seq(1_000))))));
    assert!(unknown.next().is_none(), "the walk ends where it cannot go on");
}

#[test]
fn a_sealed_part_opens_through_the_handle() {
    let rig = Rig::new();
    let sealed = rig.handle.seal(PartName::Text, b"a leak").expect("a key");
    let opened = rig.handle.open(PartName::Text, &sealed).expect("what was sealed");
    assert_eq!(opened, Opened::Plain(b"a leak".to_vec()));
    assert_ne!(rig.handle.mark("k", b"a").body_hash, rig.handle.mark("k", b"b").body_hash);
}

#[test]
fn reads_under_way_are_bounded_and_their_places_come_back() {
    let few = EngineOptions { journal_reads_max: 2, ..options() };
    let mut rig = Rig::with(ClockMode::Manual, few);
    let id = rig.reported(MICRO, GRID);
    let case = rig.case(id);
    let read = |handle: Handle| async move {
        let read = move |handle: &Handle| {
            handle.newest_first(id, case.last_seq).collect::<Result<Vec<_>, _>>()
        };
        handle.blocking_read(read).await
    };
    rig.faults.hold_reads();
    let first = rig.runtime.spawn(read(rig.handle.clone()));
    let given_up = rig.runtime.spawn(read(rig.handle.clone()));
    rig.settle();
    rig.wait_for_held_reads(2);
    assert_eq!(rig.run(read(rig.handle.clone())).map(drop), Err(ReadsFull));
    // Nobody waits for it any more, and it still takes its place.
    given_up.abort();
    rig.settle();
    assert_eq!(rig.run(read(rig.handle.clone())).map(drop), Err(ReadsFull));

    rig.faults.release_reads();
    assert_eq!(rig.outcome_of(first).expect("a place").expect("reads").len(), 1);
    // The place of who gave up comes back, too.
    rig.until_good(|| read(rig.handle.clone())).expect("reads");
}

#[test]
fn a_known_key_waits_for_a_place_to_read_and_happens_once() {
    let few = EngineOptions { journal_reads_max: 1, ..options() };
    let mut rig = Rig::with(ClockMode::Manual, few);
    let report = rig.report(MICRO, GRID, "a");
    let reply = rig.accept(report.clone());
    rig.faults.hold_reads();
    let asked = {
        let (handle, desk) = (rig.handle.clone(), rig.desk.clone());
        rig.runtime.spawn(async move { handle.outcome(&desk, APP, "a").await })
    };
    // The sequencer answers while the read waits; the read takes the one place.
    let acknowledge = rig.verb("acknowledge", CaseId(1), GRID);
    rig.accept(acknowledge);
    rig.settle();
    rig.wait_for_held_reads(1);
    assert!(matches!(rig.submit(report.clone()), Err(SubmitError::Overloaded)));
    rig.faults.release_reads();
    assert_eq!(rig.outcome_of(asked).expect("a place"), Some(reply));
    let again = rig.until_good(|| rig.handle.submit(&rig.desk, report.clone()));
    assert!(again.is_repeat);
    assert_eq!(rig.handle.view().cases_len(), 1);
}
