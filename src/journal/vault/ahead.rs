//! Keys filled ahead, in memory: taken by many threads without a lock, put by one.
//!
//! ```text
//!            next ──▶           end ──▶
//!  ──────────┬──────────────────┬──────────── slot numbers, without end
//!   taken    │  ready           │  not filled
//!  ──────────┴──────────────────┴────────────
//!  the key of slot n is at place n mod places; a place is full from its fill to its taking
//! ```

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use super::{KEY_SIZE, Key};
use crate::domain::ids::SlotNumber;

const WORDS: usize = KEY_SIZE / 8;

/// The ring of keys that are ready.
pub(super) struct Ahead {
    places: Box<[Place]>,
    /// The next slot to hand out.
    next: AtomicU64,
    /// The first slot without a key. Always at or after `next`.
    end: AtomicU64,
}

/// Room for one key.
#[derive(Default)]
struct Place {
    is_full: AtomicBool,
    words: [AtomicU64; WORDS],
}

impl Ahead {
    /// An empty ring whose first slot will be `first`.
    pub(super) fn new(first: SlotNumber, places: u64) -> Self {
        Self {
            places: (0..places).map(|_| Place::default()).collect(),
            next: AtomicU64::new(first.0),
            end: AtomicU64::new(first.0),
        }
    }

    /// Hands out the next slot with its key, and keeps no copy. None when no key is ready.
    pub(super) fn take(&self) -> Option<(SlotNumber, Key)> {
        let mut slot = self.next.load(Ordering::Relaxed);
        loop {
            // Pairs with `publish`: who sees the end sees the keys before it.
            if slot >= self.end.load(Ordering::Acquire) {
                return None;
            }
            match self.next.compare_exchange_weak(
                slot,
                slot + 1,
                Ordering::Relaxed,
                Ordering::Relaxed,
            ) {
                Ok(_) => break,
                Err(now) => slot = now,
            }
        }
        let place = self.place(slot);
        let mut key = Key::default();
        for (bytes, word) in key.as_chunks_mut().0.iter_mut().zip(&place.words) {
            *bytes = word.swap(0, Ordering::Relaxed).to_le_bytes();
        }
        // Pairs with `room`: the place is filled again only after it was read and wiped.
        place.is_full.store(false, Ordering::Release);
        Some((SlotNumber(slot), key))
    }

    /// How many slots are ready.
    pub(super) fn left(&self) -> u64 {
        let next = self.next.load(Ordering::Relaxed);
        self.end.load(Ordering::Relaxed).saturating_sub(next)
    }

    /// How many fit.
    pub(super) fn places(&self) -> u64 {
        self.places.len() as u64
    }

    /// The next slot to hand out.
    pub(super) fn next(&self) -> SlotNumber {
        SlotNumber(self.next.load(Ordering::Relaxed))
    }

    /// The first slot without a key.
    pub(super) fn end(&self) -> SlotNumber {
        SlotNumber(self.end.load(Ordering::Relaxed))
    }

    /// How many keys, at most `wanted`, can be put from the end on. For the one thread that puts.
    pub(super) fn room(&self, wanted: u64) -> u64 {
        let end = self.end().0;
        let is_free = |slot: &u64| !self.place(*slot).is_full.load(Ordering::Acquire);
        (end..end + wanted.min(self.places())).take_while(is_free).count() as u64
    }

    /// Puts keys into free places from the end on, and then hands them out. For the one thread
    /// that puts; `room` said that they fit.
    pub(super) fn publish(&self, keys: &[Key]) {
        let end = self.end().0;
        for (key, slot) in keys.iter().zip(end..) {
            let place = self.place(slot);
            assert!(!place.is_full.load(Ordering::Acquire), "room said that the place is free");
            for (word, bytes) in place.words.iter().zip(key.as_chunks().0) {
                word.store(u64::from_le_bytes(*bytes), Ordering::Relaxed);
            }
            place.is_full.store(true, Ordering::Relaxed);
        }
        self.end.store(end + keys.len() as u64, Ordering::Release);
    }

    fn place(&self, slot: u64) -> &Place {
        let place = slot % self.places();
        &self.places[usize::try_from(place).expect("below a length in memory")]
    }
}

impl Drop for Ahead {
    fn drop(&mut self) {
        for word in self.places.iter().flat_map(|place| &place.words) {
            word.store(0, Ordering::Relaxed);
        }
    }
}
