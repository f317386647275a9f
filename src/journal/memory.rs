//! A journal in memory with faults to inject: the engine is tested on it.
//!
//! What it calls durable outlives the journal in its [`MemoryFaults`] handle, as a disk outlives a
//! process; a power cut makes a new journal of what the disk still holds.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::{Condvar, Mutex, MutexGuard};

use super::head::Head;
use super::turn::Turn;
use super::value::Value;
use super::{AppendError, Journal, ReadError, Reader};
use crate::domain::digest::Digest;
use crate::domain::ids::Seq;
use crate::domain::record::Record;

/// Longer than anything takes that a test waits for: what has not come then never comes.
const PATIENCE: Duration = Duration::from_mins(1);

/// The writing end.
#[derive(Debug, Default)]
pub struct MemoryJournal {
    disk: Arc<Disk>,
}

/// What a test does to a [`MemoryJournal`] and sees of it. Clones act on the same one.
#[derive(Clone, Debug)]
pub struct MemoryFaults {
    disk: Arc<Disk>,
}

/// In what way a write fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// There is no room.
    DiskFull,
    /// The sync failed.
    NotDurable,
}

impl MemoryJournal {
    /// The handle that breaks it.
    #[must_use]
    pub fn faults(&self) -> MemoryFaults {
        MemoryFaults { disk: Arc::clone(&self.disk) }
    }
}

impl Journal for MemoryJournal {
    fn tail(&self) -> Head {
        self.disk.content.lock().tail()
    }

    fn append(&mut self, turn: &Turn) -> Result<(), AppendError> {
        let mut content = self.disk.content.lock();
        assert_eq!(turn.follows(), content.tail(), "a turn follows the tail");
        content.appends += 1;
        self.disk.pass(&mut content, |content| &mut content.held_appends);
        content.failing_appends.next()?;
        content.put(turn);
        Ok(())
    }

    fn is_roll_due(&self) -> bool {
        self.disk.content.lock().is_roll_due
    }

    fn roll(&mut self, digest: Digest) -> Result<(), AppendError> {
        let mut content = self.disk.content.lock();
        content.failing_rolls.next()?;
        let tail = content.tail();
        content.rolls.push((tail, digest));
        content.is_roll_due = false;
        Ok(())
    }

    fn reader(&self) -> Arc<dyn Reader> {
        Arc::clone(&self.disk) as Arc<dyn Reader>
    }

    fn close(self: Box<Self>) -> std::io::Result<()> {
        Ok(())
    }
}

impl MemoryFaults {
    /// Lets the next `count` appends fail.
    pub fn fail_appends(&self, count: u32, fault: Fault) {
        self.disk.content.lock().failing_appends = Failing { count, fault: Some(fault) };
    }

    /// Lets the next `count` rolls fail.
    pub fn fail_rolls(&self, count: u32, fault: Fault) {
        self.disk.content.lock().failing_rolls = Failing { count, fault: Some(fault) };
    }

    /// Lets every append from now on wait, until [`release_appends`](Self::release_appends).
    pub fn hold_appends(&self) {
        self.disk.content.lock().held_appends.is_held = true;
    }

    /// Lets the appends that wait go on, and all later ones.
    pub fn release_appends(&self) {
        self.disk.content.lock().held_appends.is_held = false;
        self.disk.gate.notify_all();
    }

    /// Returns once an append waits.
    ///
    /// # Panics
    /// When none comes within a minute.
    pub fn wait_for_held_append(&self) {
        self.wait_until(|content| content.held_appends.waiting > 0);
    }

    /// Lets every read from now on wait, until [`release_reads`](Self::release_reads).
    pub fn hold_reads(&self) {
        self.disk.content.lock().held_reads.is_held = true;
    }

    /// Lets the reads that wait go on, and all later ones.
    pub fn release_reads(&self) {
        self.disk.content.lock().held_reads.is_held = false;
        self.disk.gate.notify_all();
    }

    /// Returns once that many reads wait.
    ///
    /// # Panics
    /// When fewer come within a minute.
    pub fn wait_for_held_reads(&self, count: u32) {
        self.wait_until(|content| content.held_reads.waiting >= count);
    }

    /// How many reads wait.
    #[must_use]
    pub fn held_reads(&self) -> u32 {
        self.disk.content.lock().held_reads.waiting
    }

    fn wait_until(&self, has_come: impl Fn(&Content) -> bool) {
        let mut content = self.disk.content.lock();
        let waited =
            self.disk.gate.wait_while_for(&mut content, |content| !has_come(content), PATIENCE);
        assert!(!waited.timed_out(), "what a test waits for comes");
    }

    /// Says that a roll is due, until the next one.
    pub fn make_roll_due(&self) {
        self.disk.content.lock().is_roll_due = true;
    }

    /// How many appends were tried, failed ones included.
    #[must_use]
    pub fn appends(&self) -> u64 {
        self.disk.content.lock().appends
    }

    /// Where the journal was rolled, and the digest that was noted there.
    #[must_use]
    pub fn rolls(&self) -> Vec<(Head, Digest)> {
        self.disk.content.lock().rolls.clone()
    }

    /// All durable values with their keys.
    #[must_use]
    pub fn values(&self) -> Vec<(Seq, Arc<[u8]>)> {
        let content = self.disk.content.lock();
        content.values.iter().map(|value| (value.first, Arc::clone(&value.bytes))).collect()
    }

    /// What a start finds after the power was cut: a journal of every commit that ends at or before
    /// `through`, with no faults. Without `through` that is every durable commit. The old journal
    /// goes on untouched; a test drops it.
    #[must_use]
    pub fn cut_power(&self, through: Option<Seq>) -> MemoryJournal {
        let content = self.disk.content.lock();
        let is_left = |value: &&StoredValue| through.is_none_or(|seq| value.committed.seq <= seq);
        let values = content.values.iter().filter(is_left).cloned().collect();
        let content = Mutex::new(Content { values, ..Content::default() });
        MemoryJournal { disk: Arc::new(Disk { content, gate: Condvar::new() }) }
    }
}

impl Reader for Disk {
    fn read_from(
        &self,
        from: Seq,
        through: Seq,
        each: &mut dyn FnMut(Seq, &[u8]) -> ControlFlow<()>,
    ) -> Result<(), ReadError> {
        // Copied out, so that `each` may read or append in turn.
        let values = self.read().values_between(from, through);
        for value in values {
            if each(value.first, &value.bytes).is_break() {
                break;
            }
        }
        Ok(())
    }

    fn record(&self, seq: Seq) -> Result<Record, ReadError> {
        let values = self.read().values_between(seq, seq);
        let Some(stored) = values.first().filter(|_| seq != Seq::ZERO) else {
            return Err(ReadError::NotFound(seq));
        };
        let value = Value::parse(&stored.bytes)
            .map_err(|error| ReadError::bad_value(stored.first, &error))?;
        value.record(seq).map_err(|error| ReadError::bad_record(&error))
    }
}

#[derive(Debug, Default)]
struct Disk {
    content: Mutex<Content>,
    /// An append or a read came to wait, or the waiting ended.
    gate: Condvar,
}

/// Who waits until a test lets him go on.
#[derive(Debug, Default)]
struct Held {
    is_held: bool,
    waiting: u32,
}

impl Disk {
    /// What lies on it, for a read.
    fn read(&self) -> MutexGuard<'_, Content> {
        let mut content = self.content.lock();
        self.pass(&mut content, |content| &mut content.held_reads);
        content
    }

    /// Waits while a test holds it.
    fn pass(&self, content: &mut MutexGuard<'_, Content>, held: fn(&mut Content) -> &mut Held) {
        held(content).waiting += 1;
        self.gate.notify_all();
        self.gate.wait_while(content, |content| held(content).is_held);
        held(content).waiting -= 1;
    }
}

#[derive(Debug, Default)]
struct Content {
    /// In order.
    values: Vec<StoredValue>,
    appends: u64,
    rolls: Vec<(Head, Digest)>,
    is_roll_due: bool,
    failing_appends: Failing,
    failing_rolls: Failing,
    held_appends: Held,
    held_reads: Held,
}

#[derive(Clone, Debug)]
struct StoredValue {
    first: Seq,
    /// Where the chain was after the commit that brought it.
    committed: Head,
    bytes: Arc<[u8]>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Failing {
    count: u32,
    fault: Option<Fault>,
}

impl Content {
    fn tail(&self) -> Head {
        self.values.last().map_or(Head::GENESIS, |value| value.committed)
    }

    fn put(&mut self, turn: &Turn) {
        let committed = turn.head();
        self.values.extend(turn.values().map(|(first, bytes)| StoredValue {
            first,
            committed,
            bytes: bytes.into(),
        }));
    }

    /// From the value that holds `from` to the last that begins at or before `through`.
    fn values_between(&self, from: Seq, through: Seq) -> Vec<StoredValue> {
        if from > self.tail().seq {
            return Vec::new();
        }
        let begins_by = |seq: Seq| self.values.partition_point(|value| value.first <= seq);
        let begin = begins_by(from).saturating_sub(1);
        let end = begins_by(through).max(begin);
        self.values[begin..end].to_vec()
    }
}

impl Failing {
    /// Fails if it is the turn to.
    fn next(&mut self) -> Result<(), AppendError> {
        let Some(fault) = self.fault.filter(|_| self.count > 0) else {
            return Ok(());
        };
        self.count -= 1;
        let detail = "injected by a test".to_owned();
        Err(match fault {
            Fault::DiskFull => AppendError::DiskFull(detail),
            Fault::NotDurable => AppendError::NotDurable(detail),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::event::{CaseAcknowledged, ClockMode, Event};
    use crate::domain::ids::CaseId;
    use crate::journal::record::arbitrary;

    fn record(seq: u64) -> Record {
        let event = Event::CaseAcknowledged(CaseAcknowledged { case: CaseId(1) });
        Record { seq: Seq(seq), ..arbitrary::bare(event) }
    }

    fn turn(after: Head, events: u64) -> Turn {
        let mut turn = Turn::after(after, ClockMode::Manual);
        (1..=events).for_each(|place| turn.push(&record(after.seq.0 + place)));
        turn.seal();
        turn
    }

    /// A journal of three commits: events 1 to 10, 11 to 3,010 (three values) and 3,011.
    fn journal() -> MemoryJournal {
        let mut journal = MemoryJournal::default();
        for events in [10, 3_000, 1] {
            journal.append(&turn(journal.tail(), events)).expect("no fault");
        }
        journal
    }

    fn keys(journal: &dyn Journal, from: u64, through: u64) -> Vec<u64> {
        let mut keys = Vec::new();
        journal
            .reader()
            .read_from(Seq(from), Seq(through), &mut |first, _| {
                keys.push(first.0);
                ControlFlow::Continue(())
            })
            .expect("no fault");
        keys
    }

    #[test]
    fn an_event_reads_as_it_was_appended() {
        let journal = journal();
        let reader = journal.reader();
        for seq in [1, 10, 11, 1_500, 3_010, 3_011] {
            assert_eq!(reader.record(Seq(seq)).expect("there"), record(seq));
        }
        for seq in [0, 3_012] {
            assert!(
                matches!(reader.record(Seq(seq)), Err(ReadError::NotFound(Seq(s))) if s == seq)
            );
        }
    }

    #[test]
    fn a_read_gives_whole_values_from_the_one_that_holds_the_first() {
        let journal = journal();
        let all = keys(&journal, 1, 3_011);
        assert_eq!((all[0], all[1], all.len()), (1, 11, 5));
        assert_eq!(keys(&journal, 0, u64::MAX), all);
        assert_eq!(keys(&journal, 10, 10), [1]);
        assert_eq!(keys(&journal, 10, 11), [1, 11]);
        assert_eq!(keys(&journal, 500, 500), [11]);
        assert_eq!(keys(&journal, 3_011, 9_999), [3_011]);
        assert_eq!(keys(&journal, 3_012, 9_999), [] as [u64; 0]);
        assert_eq!(keys(&MemoryJournal::default(), 1, 9), [] as [u64; 0]);
    }

    #[test]
    fn a_read_ends_when_it_is_told_to() {
        let mut seen = 0;
        let read = journal().reader().read_from(Seq(1), Seq(u64::MAX), &mut |_, _| {
            seen += 1;
            ControlFlow::Break(())
        });
        assert_eq!((read.is_ok(), seen), (true, 1));
    }

    #[test]
    fn a_failed_append_leaves_nothing_and_the_same_turn_goes_in_later() {
        let mut journal = journal();
        let faults = journal.faults();
        let turn = turn(journal.tail(), 5);
        faults.fail_appends(1, Fault::DiskFull);
        assert!(matches!(journal.append(&turn), Err(AppendError::DiskFull(_))));
        faults.fail_appends(1, Fault::NotDurable);
        assert!(matches!(journal.append(&turn), Err(AppendError::NotDurable(_))));
        assert_eq!(journal.tail(), turn.follows());
        assert!(journal.reader().record(Seq(3_012)).is_err());

        journal.append(&turn).expect("the fault is used up");
        assert_eq!(journal.tail(), turn.head());
        assert_eq!(faults.appends(), 3 + 3);
    }

    #[test]
    fn a_power_cut_leaves_whole_commits() {
        let journal = journal();
        let faults = journal.faults();
        assert_eq!(faults.cut_power(None).tail(), journal.tail());
        for (through, tail) in [(3_011, 3_011), (3_010, 3_010), (3_009, 10), (10, 10), (9, 0)] {
            let mut left = faults.cut_power(Some(Seq(through)));
            assert_eq!(left.tail().seq, Seq(tail));
            left.append(&turn(left.tail(), 1)).expect("it goes on from there");
        }
        assert_eq!(journal.tail().seq, Seq(3_011));
    }

    #[test]
    fn a_held_append_waits_for_its_release() {
        let mut journal = journal();
        let faults = journal.faults();
        let turn = turn(journal.tail(), 1);
        faults.hold_appends();
        let writer = std::thread::spawn(move || journal.append(&turn));
        faults.wait_for_held_append();
        assert_eq!(faults.cut_power(None).tail().seq, Seq(3_011));

        faults.release_appends();
        writer.join().expect("no panic").expect("no fault");
        assert_eq!(faults.cut_power(None).tail().seq, Seq(3_012));
    }

    #[test]
    fn a_roll_notes_where_and_what() {
        let mut journal = journal();
        let faults = journal.faults();
        assert!(!journal.is_roll_due());
        faults.make_roll_due();
        assert!(journal.is_roll_due());

        faults.fail_rolls(1, Fault::NotDurable);
        assert!(journal.roll(Digest(7)).is_err());
        assert!(journal.is_roll_due());
        journal.roll(Digest(7)).expect("the fault is used up");
        assert!(!journal.is_roll_due());
        assert_eq!(faults.rolls(), [(journal.tail(), Digest(7))]);
    }

    #[test]
    #[should_panic(expected = "a turn follows the tail")]
    fn a_turn_that_does_not_follow_is_a_mistake() {
        let mut journal = journal();
        assert!(journal.append(&turn(Head::GENESIS, 1)).is_ok());
    }
}
