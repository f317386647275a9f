//! A journal in memory with faults to inject: the engine is tested on it.
//!
//! What it calls durable outlives the journal in its [`MemoryFaults`] handle, as a disk outlives a
//! process; a power cut makes a new journal of what the disk still holds.

use std::ops::ControlFlow;
use std::sync::Arc;

use parking_lot::{Condvar, Mutex};

use super::head::Head;
use super::turn::Turn;
use super::value::Value;
use super::{AppendError, Journal, ReadError, Reader};
use crate::domain::digest::Digest;
use crate::domain::ids::Seq;
use crate::domain::record::Record;

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
        if content.is_held {
            content.held += 1;
            self.disk.gate.notify_all();
            self.disk.gate.wait_while(&mut content, |content| content.is_held);
            content.held -= 1;
        }
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
        self.disk.content.lock().is_held = true;
    }

    /// Lets the appends that wait go on, and all later ones.
    pub fn release_appends(&self) {
        self.disk.content.lock().is_held = false;
        self.disk.gate.notify_all();
    }

    /// Returns once an append waits.
    pub fn wait_for_held_append(&self) {
        let mut content = self.disk.content.lock();
        self.disk.gate.wait_while(&mut content, |content| content.held == 0);
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
        let values = self.content.lock().values_between(from, through);
        for value in values {
            if each(value.first, &value.bytes).is_break() {
                break;
            }
        }
        Ok(())
    }

    fn record(&self, seq: Seq) -> Result<Record, ReadError> {
        let values = self.content.lock().values_between(seq, seq);
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
    /// An append came to wait, or the waiting ended.
    gate: Condvar,
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
    is_held: bool,
    /// How many appends wait.
    held: u32,
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
