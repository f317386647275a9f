//! Accepted outcomes, remembered for 24 hours or 1,000,000 newer ones, whichever comes first: the
//! same key of the same principal gets the same answer. A forgotten key is decided afresh.
//!
//! ```text
//!  rows, oldest first, in chunks   │ 4,096 │ 4,096 │ 4,096 │ …   numbered from the first ever
//!                                      ▲
//!  places: half of a key ──▶ number ───┘      clashing: whole key ──▶ number, where the half is
//!                                             another's: one in 10⁸ times, or somebody's intent
//! ```

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, VecDeque};

use super::digest::{Digest, hash_of_words, high, low};
use super::hash::NumberMap;
use super::ids::{CaseId, PrincipalId, Seq, Timestamp};
use super::limits::{OUTCOME_AGE_MS_MAX, OUTCOMES_MAX};

/// A principal's key, as 128 bits.
pub type KeyHash = u128;

/// Rows of a chunk: growing never copies, and a chunk goes when its last row is forgotten.
const CHUNK: usize = 4_096;

/// What is remembered of an accepted command: where its events are. The reply follows from them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Remembered {
    /// Keyed hash of the body that it came with.
    pub body_hash: u128,
    /// Its first event.
    pub first_seq: Seq,
    /// How many events it made.
    pub events: u16,
    /// The case that it was about.
    pub case: Option<CaseId>,
    /// The case's version after it; zero where it was about none.
    pub version: u32,
}

/// All remembered outcomes.
#[derive(Clone, Debug)]
pub struct Outcomes {
    /// How many are remembered at most.
    len_max: usize,
    /// Not kept up while a state only folds.
    places: NumberMap<u64, u32>,
    is_folding: bool,
    clashing: BTreeMap<KeyHash, u32>,
    chunks: VecDeque<Vec<Row>>,
    /// The number of the oldest row. Numbers go round after 2³², long after a row was forgotten.
    oldest: u32,
    len: usize,
    digest: Digest,
}

/// An outcome as it is kept: 64 bytes.
#[derive(Clone, Copy, Debug)]
struct Row {
    key: KeyHash,
    body_hash: u128,
    at: Timestamp,
    first_seq: Seq,
    /// 0: none.
    case: u32,
    version: u32,
    events: u16,
}

const _: () = assert!(size_of::<Row>() == 64, "a row is one cache line");
const _: () = assert!(OUTCOMES_MAX < u32::MAX as usize / 2, "no two rows have the same number");

/// The hash that a principal's key is remembered by.
#[must_use]
pub fn key_hash(principal: PrincipalId, key: &str) -> KeyHash {
    xxhash_rust::xxh3::xxh3_128_with_seed(key.as_bytes(), u64::from(principal.0))
}

impl Remembered {
    /// Its last event.
    #[must_use]
    pub fn last_seq(&self) -> Seq {
        Seq(self.first_seq.0 + u64::from(self.events) - 1)
    }
}

impl Row {
    fn remembered(&self) -> Remembered {
        Remembered {
            body_hash: self.body_hash,
            first_seq: self.first_seq,
            events: self.events,
            case: (self.case > 0).then_some(CaseId(self.case)),
            version: self.version,
        }
    }
}

impl Default for Outcomes {
    fn default() -> Self {
        Self::of_at_most(OUTCOMES_MAX)
    }
}

impl Outcomes {
    /// None yet, and never more than `len_max`.
    pub(super) fn of_at_most(len_max: usize) -> Self {
        Self {
            len_max,
            places: NumberMap::default(),
            is_folding: false,
            clashing: BTreeMap::new(),
            chunks: VecDeque::new(),
            oldest: 0,
            len: 0,
            digest: Digest::default(),
        }
    }

    /// Of a state that only folds: none is found by its key.
    pub(super) fn folding(self) -> Self {
        Self { is_folding: true, ..self }
    }

    /// From now on each is found by its key.
    pub(super) fn make_ready(&mut self) {
        self.is_folding = false;
        (self.places, self.clashing) = Default::default();
        self.places.reserve(self.len);
        let keys: Vec<KeyHash> = self.iter().map(|(_, key, _)| key).collect();
        for (index, key) in (0..).zip(keys) {
            self.put_place(key, self.oldest.wrapping_add(index));
        }
    }

    /// The outcome of that key, while it is remembered.
    #[must_use]
    pub fn get(&self, key: KeyHash) -> Option<Remembered> {
        let at_place = self.places.get(&low(key)).and_then(|number| self.row(*number));
        if let Some(row) = at_place.filter(|row| row.key == key) {
            return Some(row.remembered());
        }
        let number = self.clashing.get(&key)?;
        self.row(*number).map(Row::remembered)
    }

    /// How many are remembered.
    #[must_use]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether none are.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// All of them, oldest first.
    pub fn iter(&self) -> impl Iterator<Item = (Timestamp, KeyHash, Remembered)> {
        let rows = self.chunks.iter().flatten().skip(self.forgotten_in_chunk());
        rows.map(|row| (row.at, row.key, row.remembered()))
    }

    /// Forgets what is too old or too many at `at`, and remembers one more, whose key is not
    /// remembered.
    pub fn put(&mut self, at: Timestamp, key: KeyHash, outcome: Remembered) {
        while let Some(oldest) = self.row(self.oldest).copied() {
            if self.len < self.len_max && at.ms_since(oldest.at) <= OUTCOME_AGE_MS_MAX {
                break;
            }
            self.forget(&oldest);
        }
        self.digest.add(hash_of(key, &outcome));
        let number = self.oldest.wrapping_add(u32::try_from(self.len).expect("bounded"));
        let Remembered { body_hash, first_seq, events, case, version } = outcome;
        let case = case.map_or(0, |case| case.0);
        self.push(Row { key, body_hash, at, first_seq, case, version, events });
        if !self.is_folding {
            self.put_place(key, number);
        }
    }

    fn put_place(&mut self, key: KeyHash, number: u32) {
        match self.places.entry(low(key)) {
            Entry::Vacant(place) => drop(place.insert(number)),
            Entry::Occupied(_) => drop(self.clashing.insert(key, number)),
        }
    }

    /// Forgets the oldest.
    fn forget(&mut self, oldest: &Row) {
        self.digest.subtract(hash_of(oldest.key, &oldest.remembered()));
        if self.places.get(&low(oldest.key)) == Some(&self.oldest) {
            self.places.remove(&low(oldest.key));
        } else if !self.is_folding {
            self.clashing.remove(&oldest.key);
        }
        self.oldest = self.oldest.wrapping_add(1);
        self.len -= 1;
        if self.forgotten_in_chunk() == 0 {
            self.chunks.pop_front();
        }
    }

    fn push(&mut self, row: Row) {
        match self.chunks.back_mut() {
            Some(chunk) if chunk.len() < CHUNK => chunk.push(row),
            Some(_) | None => {
                let mut chunk = Vec::with_capacity(CHUNK);
                chunk.push(row);
                self.chunks.push_back(chunk);
            }
        }
        self.len += 1;
    }

    /// The row of that number; none when there is no such row (any more).
    fn row(&self, number: u32) -> Option<&Row> {
        let from_oldest = number.wrapping_sub(self.oldest) as usize;
        if from_oldest >= self.len {
            return None;
        }
        let index = self.forgotten_in_chunk() + from_oldest;
        self.chunks.get(index / CHUNK)?.get(index % CHUNK)
    }

    /// Rows of the first chunk that are forgotten.
    fn forgotten_in_chunk(&self) -> usize {
        self.oldest as usize % CHUNK
    }

    /// The sum of its rows' hashes.
    #[must_use]
    pub fn digest(&self) -> Digest {
        self.digest
    }
}

fn hash_of(key: KeyHash, outcome: &Remembered) -> u128 {
    let case = outcome.case.map_or(0, |case| case.0);
    hash_of_words([
        high(key),
        low(key),
        high(outcome.body_hash),
        low(outcome.body_hash),
        outcome.first_seq.0,
        u64::from(outcome.version),
        u64::from(outcome.events) << 32 | u64::from(case),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(number: u64) -> Remembered {
        Remembered {
            body_hash: u128::from(number) << 70,
            first_seq: Seq(number),
            events: 2,
            case: (!number.is_multiple_of(3)).then_some(CaseId(7)),
            version: 3,
        }
    }

    #[test]
    fn what_is_remembered_is_found_and_told_in_order() {
        let mut outcomes = Outcomes::default();
        let count = 3 * CHUNK as u64 + 5;
        for number in 1..=count {
            outcomes.put(Timestamp(0), u128::from(number) << 3, outcome(number));
        }
        assert_eq!(outcomes.len() as u64, count);
        for number in 1..=count {
            assert_eq!(outcomes.get(u128::from(number) << 3), Some(outcome(number)));
        }
        assert_eq!(outcomes.get(1), None);
        assert!(outcomes.iter().map(|(_, _, one)| one.first_seq.0).eq(1..=count));
    }

    #[test]
    fn after_a_day_an_outcome_is_forgotten_and_its_digest_with_it() {
        let mut outcomes = Outcomes::default();
        let days = |count: i64| Timestamp(count * (OUTCOME_AGE_MS_MAX + 1));
        let empty = outcomes.digest();
        let per_day = CHUNK as u64 + 100;
        for day in 0..5 {
            for number in 1..=per_day {
                let key = u128::from(day * per_day + number);
                outcomes.put(days(day.cast_signed()), key, outcome(number));
            }
            assert_eq!(outcomes.len() as u64, per_day, "day {day}");
            assert_eq!(outcomes.get(u128::from(day * per_day)), None);
            assert_eq!(outcomes.get(u128::from(day * per_day + 1)), Some(outcome(1)));
        }
        outcomes.put(days(9), 1, outcome(1));
        assert_eq!(outcomes.len(), 1);
        let alone = Digest(hash_of(1, &outcome(1)));
        assert_eq!(outcomes.digest(), empty.plus(alone));
    }

    #[test]
    fn keys_that_share_a_half_are_told_apart_and_forgotten_alone() {
        let mut outcomes = Outcomes::default();
        let keys: Vec<u128> = (0..4).map(|high| high << 64 | 9).collect();
        for (number, key) in (1..).zip(&keys) {
            outcomes.put(Timestamp(0), *key, outcome(number));
        }
        for (number, key) in (1..).zip(&keys) {
            assert_eq!(outcomes.get(*key), Some(outcome(number)));
        }
        outcomes.put(Timestamp(OUTCOME_AGE_MS_MAX + 1), keys[2], outcome(9));
        assert_eq!(outcomes.len(), 1);
        assert_eq!(keys.iter().filter_map(|key| outcomes.get(*key)).count(), 1);
        assert_eq!(outcomes.get(keys[2]), Some(outcome(9)));
        outcomes.put(Timestamp(OUTCOME_AGE_MS_MAX + 2), keys[0], outcome(8));
        assert_eq!(outcomes.get(keys[0]), Some(outcome(8)));
        assert_eq!(outcomes.get(keys[1]), None);
    }
}
