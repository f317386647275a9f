use std::sync::atomic::Ordering;

use tempfile::TempDir;

use super::*;
use crate::journal::medium::disk::Disk;
use crate::journal::recover::recover;
use crate::journal::snapshot::{self, newest};
use crate::journal::workload::Workload;
use crate::journal::{Journal, MemoryJournal};

/// A city, and a folder without its thread.
struct Room {
    dir: TempDir,
    city: Workload,
    folding: Folding,
    status: Arc<FoldStatus>,
    is_busy: Arc<AtomicBool>,
    is_stopping: Arc<AtomicBool>,
}

impl Room {
    fn new(seed: u64) -> Self {
        let dir = TempDir::new().expect("a temporary directory");
        let city = Workload::new(seed);
        let status = Arc::new(FoldStatus::default());
        let is_busy = Arc::new(AtomicBool::new(false));
        let is_stopping = Arc::new(AtomicBool::new(false));
        let options = options(&dir, &city, &is_busy);
        let folding = Folding::new(options, Arc::clone(&status), Arc::clone(&is_stopping))
            .expect("the directory is there");
        Self { dir, city, folding, status, is_busy, is_stopping }
    }

    /// Works, seals a segment that outweighs any snapshot, and lets the folder see it.
    fn seal(&mut self) -> Result<(), FoldError> {
        self.city.work(60);
        let note = SealNote { bytes: 1 << 40, ..self.city.roll() };
        self.folding.note(note);
        self.folding.fold_if_it_may()
    }

    fn snapshots(&self) -> Vec<Seq> {
        newest(&*disk(&self.dir)).expect("listed").iter().map(|candidate| candidate.seq).collect()
    }
}

fn disk(dir: &TempDir) -> Arc<Disk> {
    Arc::new(Disk::at(dir.path()).expect("the directory is there"))
}

fn options(dir: &TempDir, city: &Workload, is_busy: &Arc<AtomicBool>) -> FoldOptions {
    FoldOptions {
        look_again_after: Duration::from_millis(1),
        ..FoldOptions::new(disk(dir), city.reader(), Arc::clone(is_busy))
    }
}

#[test]
fn a_fold_comes_to_the_state_that_was_running() {
    for seed in 0..20 {
        let mut room = Room::new(seed);
        for folds in 1..=4 {
            room.seal().expect("folded");
            assert_eq!(room.status.folds(), folds);
            assert_eq!(room.status.snapshot_seq(), Some(room.city.tail().seq));
            assert_eq!(room.status.progress(), None);
            let newest = newest(&*disk(&room.dir)).expect("listed").remove(0);
            let (state, head) = snapshot::load(&*disk(&room.dir), &newest.name).expect("loaded");
            assert_eq!(state.digest(), room.city.city.state.digest());
            assert_eq!(head, room.city.tail());
        }
        assert_eq!(room.snapshots().len(), 2);
    }
}

#[test]
fn a_fold_is_due_when_the_sealed_journal_outweighs_the_snapshot() {
    let mut room = Room::new(1);
    room.seal().expect("folded");
    let weight = newest(&*disk(&room.dir)).expect("listed")[0].bytes;
    for (bytes, folds) in [(weight / 2, 1), (weight - weight / 2 - 1, 1), (1, 2), (1, 2)] {
        room.city.work(20);
        let note = SealNote { bytes, ..room.city.roll() };
        room.folding.note(note);
        room.folding.fold_if_it_may().expect("no failure");
        assert_eq!(room.status.folds(), folds);
    }
}

#[test]
fn a_fold_waits_while_bulk_work_runs_but_for_no_more_than_four_segments() {
    let mut room = Room::new(2);
    room.is_busy.store(true, Ordering::Relaxed);
    for _waiting in 0..4 {
        room.seal().expect("no failure");
        assert_eq!(room.status.folds(), 0);
        assert!(room.folding.is_waiting());
    }
    room.seal().expect("folded");
    assert_eq!(room.status.folds(), 1);

    room.seal().expect("no failure");
    assert_eq!(room.status.folds(), 1);
    room.is_busy.store(false, Ordering::Relaxed);
    room.folding.fold_if_it_may().expect("folded");
    assert_eq!(room.status.folds(), 2);
}

#[test]
fn a_digest_that_differs_keeps_the_old_snapshot_and_says_so() {
    for which in 0..3 {
        let mut room = Room::new(3);
        room.seal().expect("folded");
        let before = room.snapshots();
        // Three segments are folded at once, and the digest of one of them was another.
        for number in 0..3 {
            room.city.work(20);
            let mut note = SealNote { bytes: 1 << 40, ..room.city.roll() };
            if number == which {
                note.digest = Some(Digest(1));
            }
            room.folding.note(note);
        }
        let error = room.folding.fold_if_it_may().expect_err("it differs");
        assert!(matches!(error, FoldError::Differs { .. }), "{error}");
        assert_eq!(room.snapshots(), before);
        assert_eq!(room.status.snapshot_seq(), Some(before[0]));
        assert_eq!(room.status.folds(), 1);
        assert_eq!(room.status.progress(), None);
        let reason = room.status.degraded().expect("degraded").to_owned();
        assert!(reason.contains("digest"), "{reason}");
    }
}

#[test]
fn a_segment_without_a_noted_digest_is_folded_all_the_same() {
    let mut room = Room::new(4);
    room.city.work(50);
    let note = SealNote { digest: None, ..room.city.roll() };
    room.folding.note(note);
    room.folding.fold_if_it_may().expect("folded");
    assert_eq!(room.status.folds(), 1);
}

#[test]
fn a_segment_with_another_head_is_not_made_a_snapshot() {
    let mut room = Room::new(5);
    room.city.work(50);
    let mut note = room.city.roll();
    note.last.hash[0] ^= 1;
    room.folding.note(note);
    let error = room.folding.fold_if_it_may().expect_err("another head");
    assert!(matches!(error, FoldError::Damaged(_)), "{error}");
    assert_eq!(room.snapshots(), []);
    assert!(room.status.degraded().is_some());
}

#[test]
fn a_snapshot_that_went_bad_is_folded_over() {
    let mut room = Room::new(6);
    room.seal().expect("folded");
    room.seal().expect("folded");
    let good = room.snapshots()[1];
    let bad = newest(&*disk(&room.dir)).expect("listed").remove(0).name;
    let bad = room.dir.path().join(bad);
    let mut bytes = std::fs::read(&bad).expect("read");
    let place = bytes.len() / 2;
    bytes[place] ^= 8;
    std::fs::write(&bad, &bytes).expect("written");
    room.seal().expect("folded");
    assert_eq!(room.snapshots(), [room.city.tail().seq, good]);
}

#[test]
fn a_snapshot_that_cannot_be_written_waits_for_the_next_segment() {
    let mut room = Room::new(7);
    room.city.work(20);
    let note = room.city.roll();
    let in_the_way = room.dir.path().join("snapshot.aside");
    std::fs::create_dir(&in_the_way).expect("made");
    room.folding.note(note);
    let error = room.folding.fold_if_it_may().expect_err("a directory in the way");
    assert!(matches!(error, FoldError::Write(_)), "{error}");
    assert!(room.folding.is_due() && !room.folding.is_waiting());
    assert_eq!(room.status.degraded(), None);
    std::fs::remove_dir(&in_the_way).expect("removed");
    room.folding.fold_if_it_may().expect("nothing is tried");
    assert_eq!(room.status.folds(), 0);
    room.seal().expect("folded");
    assert_eq!(room.snapshots(), [room.city.tail().seq]);
}

#[test]
fn a_fold_that_is_stopped_leaves_what_was() {
    let mut room = Room::new(8);
    room.is_stopping.store(true, Ordering::Relaxed);
    let stopped = room.seal().expect_err("stopped");
    assert!(matches!(stopped, FoldError::Stopped), "{stopped}");
    assert_eq!(room.snapshots(), []);
    assert_eq!(room.status.degraded(), None);
}

#[test]
fn segments_that_a_snapshot_holds_already_make_none_due() {
    let mut room = Room::new(9);
    room.city.work(20);
    let early = room.city.roll();
    room.seal().expect("folded");
    room.folding.note(SealNote { bytes: 1 << 50, ..early });
    assert!(!room.folding.is_due());
}

/// Waits for what another thread does, a minute at least and not for ever.
fn wait_until(is_so: impl Fn() -> bool) {
    for _ in 0..60_000 {
        if is_so() {
            return;
        }
        std::thread::park_timeout(Duration::from_millis(1));
    }
    panic!("waited in vain");
}

#[test]
fn the_thread_folds_what_it_is_told_of() {
    let dir = TempDir::new().expect("a temporary directory");
    let mut city = Workload::new(10);
    let is_busy = Arc::new(AtomicBool::new(true));
    let mut handle = Folder::start(options(&dir, &city, &is_busy)).expect("started");
    city.work(200);
    handle.sealed(city.roll());
    // It waits until the bulk lane is idle, and looks by itself.
    is_busy.store(false, Ordering::Relaxed);
    wait_until(|| handle.status().folds() > 0);
    assert_eq!(handle.status().snapshot_seq(), Some(city.tail().seq));

    city.work(200);
    handle.sealed(SealNote { bytes: 1 << 40, digest: Some(Digest(1)), ..city.roll() });
    wait_until(|| handle.status().degraded().is_some());
    handle.sealed(city.roll());
    drop(handle);
    assert_eq!(newest(&*disk(&dir)).expect("listed").len(), 1);
}

#[test]
fn a_folder_goes_on_from_the_snapshot_that_the_start_found() {
    let mut room = Room::new(11);
    room.seal().expect("folded");
    room.city.work(5);
    let tail = room.city.tail();
    let found = recover(&*disk(&room.dir), &*room.city.reader(), tail).expect("recovered");
    let options = FoldOptions {
        snapshot_seq: found.snapshot_seq,
        ..options(&room.dir, &room.city, &room.is_busy)
    };
    let status = Arc::new(FoldStatus::default());
    let mut again = Folding::new(options, Arc::clone(&status), Arc::clone(&room.is_stopping))
        .expect("the directory is there");
    assert_eq!(status.snapshot_seq(), found.snapshot_seq);
    let light = SealNote { bytes: 1, ..room.city.roll() };
    again.note(light);
    again.fold_if_it_may().expect("not due");
    assert_eq!(status.folds(), 0);
}

#[test]
fn a_fold_in_a_journal_that_misses_events_is_damage() {
    let dir = TempDir::new().expect("a temporary directory");
    let mut city = Workload::new(12);
    let note = city.roll();
    let empty = MemoryJournal::default();
    let mut options = options(&dir, &city, &Arc::default());
    options.reader = empty.reader();
    let mut folding =
        Folding::new(options, Arc::default(), Arc::default()).expect("the directory is there");
    folding.note(note);
    let error = folding.fold_if_it_may().expect_err("nothing is there");
    assert!(error.to_string().contains("event 1 is missing"), "{error}");
}
