//! How keys that are numbers find their place in a map: two multiplications, where the standard
//! hasher takes some twenty nanoseconds. The seed is another in every map, so that nobody who
//! chooses keys can make them meet. Order in a map is never looked at, so nothing follows from it.

use std::hash::{BuildHasher, Hasher, RandomState};

/// A map whose keys are numbers, or a few of them.
pub type NumberMap<K, V> = std::collections::HashMap<K, V, NumberHashing>;

/// Odd, and as good as any: the fraction of the golden ratio.
const MULTIPLIER: u64 = 0x9e37_79b9_7f4a_7c15;

/// Makes the hashers of one map.
#[derive(Clone, Debug)]
pub struct NumberHashing {
    seed: u64,
}

impl Default for NumberHashing {
    fn default() -> Self {
        Self { seed: RandomState::new().hash_one(0) }
    }
}

impl BuildHasher for NumberHashing {
    type Hasher = NumberHasher;

    fn build_hasher(&self) -> NumberHasher {
        NumberHasher(self.seed)
    }
}

/// Hashes one key.
#[derive(Clone, Copy, Debug)]
pub struct NumberHasher(u64);

impl NumberHasher {
    fn take(&mut self, number: u64) {
        self.0 = folded(self.0 ^ number, MULTIPLIER ^ self.0.rotate_left(32));
    }
}

/// Multiplies into 128 bits and folds them.
const fn folded(one: u64, other: u64) -> u64 {
    let wide = one as u128 * other as u128;
    super::digest::low(wide) ^ super::digest::high(wide)
}

impl Hasher for NumberHasher {
    /// Once more, so that numbers in a row spread whatever the seed.
    fn finish(&self) -> u64 {
        folded(self.0 ^ MULTIPLIER.rotate_left(17), MULTIPLIER)
    }

    fn write(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            self.take(u64::from_le_bytes(word));
        }
    }

    fn write_u8(&mut self, number: u8) {
        self.take(u64::from(number));
    }

    fn write_u16(&mut self, number: u16) {
        self.take(u64::from(number));
    }

    fn write_u32(&mut self, number: u32) {
        self.take(u64::from(number));
    }

    fn write_u64(&mut self, number: u64) {
        self.take(number);
    }

    fn write_u128(&mut self, number: u128) {
        self.take(super::digest::low(number));
        self.take(super::digest::high(number));
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn numbers_in_a_row_spread_over_high_and_low_bits() {
        for seed in 0..8 {
            let hashing = NumberHashing { seed: hash_of_seed(seed) };
            let hashes: Vec<u64> = (0..4_096_u32).map(|key| hashing.hash_one(key)).collect();
            let distinct = |part: fn(u64) -> u64| {
                hashes.iter().map(|hash| part(*hash)).collect::<HashSet<_>>().len()
            };
            // 4,096 balls in 4,096 places leave some 2,589 of them taken.
            assert!(distinct(|hash| hash >> 52) > 2_400, "high bits, seed {seed}");
            assert!(distinct(|hash| hash & 0xfff) > 2_400, "low bits, seed {seed}");
        }
    }

    fn hash_of_seed(seed: u64) -> u64 {
        (seed + 1).wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    #[test]
    fn every_map_has_a_seed_of_its_own() {
        let one = NumberHashing::default();
        assert_ne!(one.hash_one(7_u64), NumberHashing::default().hash_one(7_u64));
    }

    #[test]
    fn halves_that_change_places_are_told_apart() {
        let hashing = NumberHashing::default();
        let (one, other) = (1_u128 << 64 | 2, 2_u128 << 64 | 1);
        assert_ne!(hashing.hash_one(one), hashing.hash_one(other));
    }
}
