use std::cell::{Cell, RefCell};
use std::path::PathBuf;
use std::sync::Arc;

use rand::RngExt;
use tempfile::TempDir;

use super::*;
use crate::journal::medium::disk::Disk;
use crate::journal::workload::Workload;

fn dir() -> TempDir {
    TempDir::new().expect("a temporary directory")
}

fn disk(dir: &TempDir) -> Disk {
    Disk::at(dir.path()).expect("the directory is there")
}

fn recovered(dir: &TempDir, city: &Workload) -> Recovered {
    recover(&disk(dir), &*city.reader(), city.tail()).expect("recovered")
}

/// A city that wrote a snapshot after each stretch of work, and went on after the last.
fn with_snapshots(seed: u64, dir: &TempDir, stretches: u32) -> (Workload, Vec<Seq>) {
    let mut city = Workload::new(seed);
    let mut seqs = Vec::new();
    for _ in 0..stretches {
        city.work(40);
        snapshot::write(&disk(dir), &city.city.state, city.tail()).expect("written");
        seqs.push(city.tail().seq);
    }
    city.work(40);
    (city, seqs)
}

fn path_of(dir: &TempDir, seq: Seq) -> PathBuf {
    dir.path().join(format!("snapshot-{:020}", seq.0))
}

/// A journal of raw values: what a damaged store gives.
struct Raw(Vec<(Seq, Arc<[u8]>)>);

impl Reader for Raw {
    fn read_from(
        &self,
        from: Seq,
        through: Seq,
        each: &mut dyn FnMut(Seq, &[u8]) -> ControlFlow<()>,
    ) -> Result<(), ReadError> {
        let begin = self.0.partition_point(|(first, _)| *first <= from).saturating_sub(1);
        for (first, bytes) in &self.0[begin..] {
            if *first > through || each(*first, bytes).is_break() {
                break;
            }
        }
        Ok(())
    }

    fn record(&self, seq: Seq) -> Result<crate::domain::record::Record, ReadError> {
        Err(ReadError::NotFound(seq))
    }
}

#[test]
fn an_empty_directory_recovers_to_nothing() {
    let journal = crate::journal::MemoryJournal::default();
    let reader = crate::journal::Journal::reader(&journal);
    let found = recover(&disk(&dir()), &*reader, Head::GENESIS).expect("recovered");
    assert_eq!(found.state.digest(), State::default().digest());
    assert_eq!(found.snapshot_seq, None);
}

#[test]
fn replaying_gives_the_state_that_was_running() {
    for seed in 0..20 {
        let dir = dir();
        let mut city = Workload::new(seed);
        city.work(400);
        let found = recovered(&dir, &city);
        assert_eq!(found.state.digest(), city.city.state.digest());
        assert_eq!(found.snapshot_seq, None);
        assert_eq!(found.state.head(), city.city.state.head());
    }
}

#[test]
fn a_start_from_any_snapshot_is_the_same_as_from_the_first_event() {
    for seed in 0..20 {
        let dir = dir();
        let (city, seqs) = with_snapshots(seed, &dir, 3);
        for seq in seqs.iter().rev() {
            let found = recovered(&dir, &city);
            assert_eq!(found.snapshot_seq, Some(*seq));
            assert_eq!(found.state.digest(), city.city.state.digest());
            assert!(found.state.cases().iter().eq(city.city.state.cases().iter()));
            std::fs::remove_file(path_of(&dir, *seq)).expect("removed");
        }
        assert_eq!(recovered(&dir, &city).snapshot_seq, None);
    }
}

#[test]
fn a_damaged_snapshot_is_passed_over() {
    for seed in 0..30 {
        let dir = dir();
        let (mut city, seqs) = with_snapshots(seed, &dir, 2);
        let path = path_of(&dir, seqs[1]);
        let mut bytes = std::fs::read(&path).expect("read");
        let place = city.city.rng.random_range(0..bytes.len());
        bytes[place] ^= 1 << city.city.rng.random_range(0..8);
        std::fs::write(&path, &bytes).expect("written");
        let found = recovered(&dir, &city);
        assert_eq!(found.snapshot_seq, Some(seqs[0]));
        assert_eq!(found.state.digest(), city.city.state.digest());
        assert_eq!(found.skipped.len(), 1);
        assert_eq!(dir.path().join(&found.skipped[0].name), path);
        assert!(matches!(found.skipped[0].why, UnusableSnapshot::Bad(_)));
    }
}

#[test]
fn a_snapshot_of_another_journal_is_passed_over() {
    let dir = dir();
    let (city, seqs) = with_snapshots(1, &dir, 1);
    let mut other = Workload::new(2);
    // The same length as ours at some value's end, and another past.
    while other.tail().seq < city.tail().seq {
        other.work(1);
        if other.tail().seq > seqs[0] && other.tail().seq <= city.tail().seq {
            snapshot::write(&disk(&dir), &other.city.state, other.tail()).expect("written");
        }
    }
    let found = recovered(&dir, &city);
    assert_eq!(found.snapshot_seq, Some(seqs[0]));
    assert_eq!(found.state.digest(), city.city.state.digest());
    assert!(!found.skipped.is_empty());
    for skipped in found.skipped {
        assert!(matches!(skipped.why, UnusableSnapshot::OffTheChain { .. }), "{}", skipped.why);
    }
}

#[test]
fn a_snapshot_ahead_of_the_journal_is_passed_over() {
    let dir = dir();
    let (mut city, seqs) = with_snapshots(3, &dir, 1);
    let (tail, digest) = (city.tail(), city.city.state.digest());
    city.work(10);
    snapshot::write(&disk(&dir), &city.city.state, city.tail()).expect("written");
    let found = recover(&disk(&dir), &*city.reader(), tail).expect("recovered");
    assert_eq!((found.snapshot_seq, found.state.digest()), (Some(seqs[0]), digest));
    assert!(matches!(found.skipped[0].why, UnusableSnapshot::Ahead { .. }));
}

#[test]
fn progress_rises_from_the_snapshot_to_the_tail() {
    let dir = dir();
    let (city, seqs) = with_snapshots(4, &dir, 1);
    let seen = RefCell::new(Vec::new());
    recover_while(&disk(&dir), &*city.reader(), city.tail(), &|seq, tail| {
        assert_eq!(tail, city.tail().seq);
        seen.borrow_mut().push(seq);
        ControlFlow::Continue(())
    })
    .expect("recovered");
    let seen = seen.into_inner();
    assert_eq!((seen.first(), seen.last()), (Some(&seqs[0]), Some(&city.tail().seq)));
    assert!(seen.is_sorted() && seen.len() > 2);
}

#[test]
fn a_recovery_ends_when_it_is_told_to() {
    let dir = dir();
    let (city, _) = with_snapshots(4, &dir, 1);
    for wanted in [1, 2, 3] {
        let calls = Cell::new(0);
        let ended = recover_while(&disk(&dir), &*city.reader(), city.tail(), &|_, _| {
            calls.set(calls.get() + 1);
            if calls.get() < wanted { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        });
        assert!(matches!(ended, Err(RecoverError::Stopped)), "{ended:?}");
        assert_eq!(calls.get(), wanted);
    }
}

#[test]
fn damage_after_the_snapshot_is_named_by_its_first_event() {
    for seed in 0..30 {
        let dir = dir();
        let (mut city, seqs) = with_snapshots(seed, &dir, 1);
        let mut values = city.journal.faults().values();
        let after: Vec<usize> =
            (0..values.len()).filter(|index| values[*index].0 > seqs[0]).collect();
        let hit = after[city.city.rng.random_range(0..after.len())];
        let first = values[hit].0;

        let mut bytes = values[hit].1.to_vec();
        let place = city.city.rng.random_range(0..bytes.len());
        bytes[place] ^= 1 << city.city.rng.random_range(0..8);
        values[hit].1 = bytes.into();
        let error = recover(&disk(&dir), &Raw(values.clone()), city.tail()).expect_err("damaged");
        assert!(
            matches!(&error, RecoverError::Damaged { seq, .. } if *seq == first),
            "{error}, and not at {first}"
        );

        values.remove(hit);
        let error =
            recover(&disk(&dir), &Raw(values), city.tail()).expect_err("a value is missing");
        assert!(
            matches!(
                &error,
                RecoverError::Chain { seq, .. } | RecoverError::Missing { seq, .. } if *seq == first
            ),
            "{error}, and not at {first}"
        );
    }
}

#[test]
fn damage_before_the_snapshot_does_not_stop_a_start() {
    let dir = dir();
    let (city, seqs) = with_snapshots(5, &dir, 2);
    let mut values = city.journal.faults().values();
    let mut bytes = values[0].1.to_vec();
    bytes[80] ^= 1;
    values[0].1 = bytes.into();
    let found = recover(&disk(&dir), &Raw(values), city.tail()).expect("recovered");
    assert_eq!(found.snapshot_seq, Some(seqs[1]));
    assert_eq!(found.state.digest(), city.city.state.digest());
}

#[test]
fn a_tail_that_is_not_the_journals_is_refused() {
    let dir = dir();
    let (city, _) = with_snapshots(6, &dir, 1);
    let mut other = city.tail();
    other.hash[31] ^= 1;
    let error = recover(&disk(&dir), &*city.reader(), other).expect_err("another head");
    assert!(matches!(error, RecoverError::OtherHead { .. }), "{error}");

    let beyond = Head { seq: city.tail().seq.next(), ..city.tail() };
    let error = recover(&disk(&dir), &*city.reader(), beyond).expect_err("too short");
    assert!(matches!(error, RecoverError::Missing { seq, .. } if seq == beyond.seq), "{error}");
}
