//! Accepted outcomes, remembered for 24 hours or 1,000,000 newer ones, whichever comes first: the
//! same key of the same principal gets the same answer.

use std::collections::{HashMap, VecDeque};

use super::digest::{Digest, hash_of_words, high, low};
use super::ids::{CaseId, PrincipalId, Seq, Timestamp};
use super::limits::{OUTCOME_AGE_MS_MAX, OUTCOMES_MAX};

/// A principal's key, as 128 bits.
pub type KeyHash = u128;

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
#[derive(Clone, Debug, Default)]
pub struct Outcomes {
    by_key: HashMap<KeyHash, Remembered>,
    /// Oldest first.
    queue: VecDeque<(Timestamp, KeyHash)>,
    digest: Digest,
}

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

impl Outcomes {
    /// The outcome of that key, while it is remembered.
    #[must_use]
    pub fn get(&self, key: KeyHash) -> Option<&Remembered> {
        self.by_key.get(&key)
    }

    /// How many are remembered.
    #[must_use]
    pub fn len(&self) -> usize {
        self.queue.len()
    }

    /// Whether none are.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    /// All of them, oldest first.
    pub fn iter(&self) -> impl Iterator<Item = (Timestamp, KeyHash, &Remembered)> {
        self.queue.iter().filter_map(|(at, key)| Some((*at, *key, self.by_key.get(key)?)))
    }

    /// Remembers one, and forgets what is too old or too many at `at`.
    pub fn put(&mut self, at: Timestamp, key: KeyHash, outcome: Remembered) {
        self.digest.add(hash_of(key, &outcome));
        self.by_key.insert(key, outcome);
        self.queue.push_back((at, key));
        while let Some(&(then, oldest)) = self.queue.front() {
            if self.queue.len() <= OUTCOMES_MAX && at.ms_since(then) <= OUTCOME_AGE_MS_MAX {
                break;
            }
            self.queue.pop_front();
            if let Some(gone) = self.by_key.remove(&oldest) {
                self.digest.subtract(hash_of(oldest, &gone));
            }
        }
    }

    /// Makes room for that many more.
    pub(super) fn reserve(&mut self, outcomes: usize) {
        self.by_key.reserve(outcomes);
        self.queue.reserve(outcomes);
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
