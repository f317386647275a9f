//! What one commit appends: the events that were decided between two syncs, as values.
//!
//! The sequencer keeps one turn for ever: it pushes records while it decides, seals, appends, and
//! restarts it. Room once taken is used again.

use super::head::Head;
use super::record;
use super::value::{ENVELOPE_BYTES, Envelope, OFFSET_BYTES, VALUE_BYTES_MAX};
use crate::domain::event::ClockMode;
use crate::domain::ids::{Seq, Timestamp};
use crate::domain::limits::EVENT_BYTES_MAX;
use crate::domain::record::Record;

/// The events of one commit, as one or more values that follow a head.
///
/// ```text
///  push ─▶ │ events of the value being filled │ ─ full ─▶ │ value │ value │ … finished, chained
/// ```
#[derive(Debug)]
pub struct Turn {
    clock_mode: ClockMode,
    /// What the turn follows.
    after: Head,
    /// Where the chain is after the finished values.
    head: Head,
    /// The finished values, end to end.
    bytes: Vec<u8>,
    /// The first event of each finished value, and where its bytes end.
    values: Vec<(Seq, usize)>,
    /// The events of the value being filled, end to end.
    filling: Vec<u8>,
    /// Where each of them begins.
    starts: Vec<u32>,
    /// When the last of them was decided.
    at: Timestamp,
    is_sealed: bool,
}

impl Turn {
    /// An empty turn that follows `head`.
    #[must_use]
    pub fn after(head: Head, clock_mode: ClockMode) -> Self {
        Self {
            clock_mode,
            after: head,
            head,
            bytes: Vec::new(),
            values: Vec::new(),
            filling: Vec::new(),
            starts: Vec::new(),
            at: Timestamp::EPOCH,
            is_sealed: false,
        }
    }

    /// Empties it, to follow `head`. The room that it took stays.
    pub fn restart(&mut self, head: Head) {
        self.after = head;
        self.head = head;
        self.bytes.clear();
        self.values.clear();
        self.filling.clear();
        self.starts.clear();
        self.is_sealed = false;
    }

    /// Takes the next event. Finishes a value when the event would not fit it.
    ///
    /// # Panics
    /// When the turn is sealed, or the record is not the next one: numbers have no gaps.
    pub fn push(&mut self, record: &Record) {
        assert!(!self.is_sealed, "a sealed turn takes no more");
        assert_eq!(record.seq, self.last_seq().next(), "numbers have no gaps");

        let start = self.filling.len();
        record::encode(record, &mut self.filling);
        debug_assert!(self.filling.len() - start <= EVENT_BYTES_MAX, "the domain bounds an event");
        if self.open_bytes(1) > VALUE_BYTES_MAX && start > 0 {
            self.finish_value(start);
        }
        let start = if self.starts.is_empty() { 0 } else { start };
        self.starts.push(u32::try_from(start).expect("bounded by VALUE_BYTES_MAX"));
        self.at = record.at;
    }

    /// Finishes the last value: the turn can be appended, and takes no more. Returns its head.
    /// Sealing a sealed turn changes nothing.
    pub fn seal(&mut self) -> Head {
        if !self.starts.is_empty() {
            self.finish_value(self.filling.len());
        }
        self.is_sealed = true;
        self.head
    }

    /// What it follows.
    #[must_use]
    pub const fn follows(&self) -> Head {
        self.after
    }

    /// Where the chain is after it.
    ///
    /// # Panics
    /// When it is not sealed.
    #[must_use]
    pub fn head(&self) -> Head {
        assert!(self.is_sealed, "only a sealed turn has a head");
        self.head
    }

    /// Its values with their keys, in order.
    ///
    /// # Panics
    /// When it is not sealed.
    pub fn values(&self) -> impl ExactSizeIterator<Item = (Seq, &[u8])> {
        assert!(self.is_sealed, "only a sealed turn has all of its values");
        self.values.iter().enumerate().map(|(index, &(first, end))| {
            let start = if index == 0 { 0 } else { self.values[index - 1].1 };
            (first, &self.bytes[start..end])
        })
    }

    /// Its first event, or the one that it would be.
    #[must_use]
    pub const fn first_seq(&self) -> Seq {
        self.after.seq.next()
    }

    /// Its last event; what it follows while it is empty.
    #[must_use]
    pub const fn last_seq(&self) -> Seq {
        Seq(self.head.seq.0 + self.starts.len() as u64)
    }

    /// How many events it holds.
    #[must_use]
    pub const fn events(&self) -> u64 {
        self.last_seq().0 - self.after.seq.0
    }

    /// Length of its values so far, in bytes.
    #[must_use]
    pub const fn bytes(&self) -> usize {
        self.bytes.len() + if self.starts.is_empty() { 0 } else { self.open_bytes(0) }
    }

    /// Whether it holds no event.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.events() == 0
    }

    /// Length of the value being filled, in bytes, with that many events more than have a start.
    const fn open_bytes(&self, more: usize) -> usize {
        ENVELOPE_BYTES + OFFSET_BYTES * (self.starts.len() + more) + self.filling.len()
    }

    /// Finishes a value of all events that have a start: the first `length` bytes. What lies
    /// behind begins the next.
    fn finish_value(&mut self, length: usize) {
        let first = self.head.seq.next();
        let envelope = Envelope {
            clock_mode: self.clock_mode,
            first,
            at: self.at,
            count: u32::try_from(self.starts.len()).expect("bounded by VALUE_BYTES_MAX"),
            previous_hash: self.head.hash,
        };
        self.head = envelope.write(&self.starts, &self.filling[..length], &mut self.bytes);
        self.values.push((first, self.bytes.len()));
        self.starts.clear();
        self.filling.drain(..length);
    }
}
