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
    /// When the turn is sealed, when the record is not the next one, since numbers have no gaps, or
    /// when it is longer than [`EVENT_BYTES_MAX`], which the domain's bounds rule out.
    pub fn push(&mut self, record: &Record) {
        assert!(!self.is_sealed, "a sealed turn takes no more");
        assert_eq!(record.seq, self.last_seq().next(), "numbers have no gaps");

        let start = self.filling.len();
        record::encode(record, &mut self.filling);
        assert!(self.filling.len() - start <= EVENT_BYTES_MAX, "the domain bounds an event");
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::event::{CaseAcknowledged, CaseClosed, Event, SealedPart};
    use crate::domain::ids::{CaseId, SlotNumber};
    use crate::domain::limits::SEALED_BYTES_MAX;
    use crate::journal::record::arbitrary;
    use crate::journal::value::{BrokenChain, Value};

    /// A sealed turn of these records, after the start.
    fn sealed<'a>(records: impl IntoIterator<Item = &'a Record>) -> Turn {
        let mut turn = Turn::after(Head::GENESIS, ClockMode::Manual);
        records.into_iter().for_each(|record| turn.push(record));
        turn.seal();
        turn
    }

    fn acknowledged(seq: u64) -> Record {
        let event = Event::CaseAcknowledged(CaseAcknowledged { case: CaseId(1) });
        Record { seq: Seq(seq), ..arbitrary::bare(event) }
    }

    fn closed(seq: u64, length: usize) -> Record {
        let answer = SealedPart { slot: SlotNumber(seq), ciphertext: vec![9; length].into() };
        let event = Event::CaseClosed(CaseClosed { case: CaseId(1), answer });
        Record { seq: Seq(seq), ..arbitrary::bare(event) }
    }

    /// Reads a turn's values back, checking the chain link by link.
    fn read_back(turn: &Turn) -> Vec<Record> {
        let mut head = turn.follows();
        let mut records = Vec::new();
        for (key, bytes) in turn.values() {
            assert!(bytes.len() <= VALUE_BYTES_MAX, "{} B from event {key}", bytes.len());
            let value = Value::parse(bytes).expect("a good value");
            assert_eq!(value.first(), key);
            assert_eq!(value.follows(&head), Ok(()));
            records.extend(value.records().map(|record| record.expect("a good record")));
            head = value.head();
        }
        assert_eq!(head, turn.head());
        records
    }

    proptest! {
        #[test]
        fn a_turn_reads_as_it_was_pushed(records in arbitrary::run(Seq::FIRST, 60)) {
            let turn = sealed(&records);
            prop_assert_eq!(turn.events(), records.len() as u64);
            prop_assert_eq!(read_back(&turn), records);
        }

        #[test]
        fn values_of_any_lengths_stay_within_the_bound(
            lengths in prop::collection::vec(0..=SEALED_BYTES_MAX, 1..30),
        ) {
            let records: Vec<_> =
                lengths.iter().zip(1..).map(|(length, seq)| closed(seq, *length)).collect();
            let turn = sealed(&records);
            prop_assert_eq!(turn.values().map(|(_, bytes)| bytes.len()).sum::<usize>(), turn.bytes());
            prop_assert_eq!(read_back(&turn), records);
        }
    }

    #[test]
    fn one_big_turn_is_cut_into_values_whose_chain_holds() {
        let records: Vec<_> = (1..=20_000).map(acknowledged).collect();
        let turn = sealed(&records);
        let fit = (VALUE_BYTES_MAX - ENVELOPE_BYTES) / (42 + OFFSET_BYTES);
        assert_eq!(turn.values().len(), records.len().div_ceil(fit), "each value is filled");
        assert_eq!(read_back(&turn), records);
    }

    #[test]
    fn a_value_may_be_filled_to_the_last_byte() {
        let overhead = 42 + 16;
        let length = (VALUE_BYTES_MAX - ENVELOPE_BYTES) / 4 - OFFSET_BYTES - overhead;
        let mut lengths = [length; 4];
        assert_eq!(sealed(&records_of(&lengths)).values().len(), 1);
        assert_eq!(sealed(&records_of(&lengths)).bytes(), VALUE_BYTES_MAX);

        lengths[3] += 1;
        assert_eq!(sealed(&records_of(&lengths)).values().len(), 2);
    }

    fn records_of(lengths: &[usize]) -> Vec<Record> {
        lengths.iter().zip(1..).map(|(length, seq)| closed(seq, *length)).collect()
    }

    #[test]
    fn a_value_left_out_or_moved_breaks_the_chain() {
        let records: Vec<_> = (1..=5_000).map(acknowledged).collect();
        let turn = sealed(&records);
        let values: Vec<_> =
            turn.values().map(|(_, bytes)| Value::parse(bytes).expect("a good value")).collect();
        for (place, value) in values.iter().enumerate() {
            for (before, earlier) in values.iter().enumerate() {
                let follows = value.follows(&earlier.head());
                assert_eq!(follows.is_ok(), before + 1 == place, "{place} after {before}");
            }
        }
    }

    #[test]
    fn another_past_breaks_the_chain() {
        let (mut first, mut other) = (closed(1, 10), closed(1, 10));
        first.at = Timestamp(1);
        other.at = Timestamp(2);
        let mut turn = sealed([&first]);
        let head = turn.head();
        turn.restart(head);
        turn.push(&acknowledged(2));
        turn.seal();

        let (_, bytes) = turn.values().next().expect("one value");
        let value = Value::parse(bytes).expect("a good value");
        assert_eq!(value.follows(&head), Ok(()));
        let head = sealed([&other]).head();
        let broken = BrokenChain::OtherPast { first: Seq(2), head };
        assert_eq!(value.follows(&head), Err(broken));
    }

    #[test]
    fn a_restarted_turn_makes_the_bytes_of_a_new_one() {
        let records: Vec<_> = (1..=2_000).map(acknowledged).collect();
        let mut used = sealed(&records);
        used.restart(Head::GENESIS);
        assert!(used.is_empty());
        records[..3].iter().for_each(|record| used.push(record));
        used.seal();

        let new = sealed(&records[..3]);
        assert!(used.values().eq(new.values()));
        assert_eq!(used.head(), new.head());
    }

    #[test]
    fn an_empty_turn_changes_nothing() {
        let turn = sealed([]);
        assert_eq!(turn.head(), Head::GENESIS);
        assert_eq!((turn.values().len(), turn.bytes(), turn.events()), (0, 0, 0));
        assert_eq!((turn.first_seq(), turn.last_seq()), (Seq(1), Seq(0)));
    }

    #[test]
    #[should_panic(expected = "numbers have no gaps")]
    fn a_gap_cannot_be_pushed() {
        sealed([&acknowledged(1), &acknowledged(3)]);
    }
}
