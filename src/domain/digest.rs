//! A number that two equal states share: the wrapping sum of a 128-bit hash a record, so that a
//! change costs its own record only and the order of records does not matter.
//!
//! It tells a fold that went wrong from one that went right. It proves nothing against anyone:
//! that is the chain's work.

use xxhash_rust::xxh3::Xxh3;

/// The running sum.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Digest(pub u128);

impl Digest {
    /// A record came.
    pub fn add(&mut self, hash: u128) {
        self.0 = self.0.wrapping_add(hash);
    }

    /// A record went.
    pub fn subtract(&mut self, hash: u128) {
        self.0 = self.0.wrapping_sub(hash);
    }

    /// A record changed.
    pub fn replace(&mut self, before: u128, after: u128) {
        self.subtract(before);
        self.add(after);
    }

    /// Both sums in one.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self(self.0.wrapping_add(other.0))
    }
}

/// Hashes one record, field by field.
pub(super) struct Hasher(Xxh3);

impl Hasher {
    /// Begins a record of that kind, so that equal fields of different kinds differ.
    pub(super) fn new(kind: &str) -> Self {
        Self(Xxh3::new()).text(kind)
    }

    /// Takes a number.
    pub(super) fn number(mut self, number: u64) -> Self {
        self.0.update(&number.to_le_bytes());
        self
    }

    /// Takes another record's hash.
    pub(super) fn wide(mut self, hash: u128) -> Self {
        self.0.update(&hash.to_le_bytes());
        self
    }

    /// Takes a text with its length before it.
    pub(super) fn text(self, text: &str) -> Self {
        self.bytes(text.as_bytes())
    }

    /// Takes bytes with their length before them.
    pub(super) fn bytes(mut self, bytes: &[u8]) -> Self {
        self.0.update(&(bytes.len() as u64).to_le_bytes());
        self.0.update(bytes);
        self
    }

    /// The record's hash.
    pub(super) fn finish(self) -> u128 {
        self.0.digest128()
    }
}

/// The hash of a record that is laid out as plain numbers.
pub(super) fn hash_of_words<const N: usize>(words: [u64; N]) -> u128 {
    let mut bytes = [[0_u8; 8]; N];
    for (place, word) in bytes.iter_mut().zip(words) {
        *place = word.to_le_bytes();
    }
    xxhash_rust::xxh3::xxh3_128(bytes.as_flattened())
}

/// The upper 64 bits.
pub(super) const fn high(wide: u128) -> u64 {
    (wide >> 64) as u64
}

/// The lower 64 bits.
#[expect(clippy::cast_possible_truncation, reason = "the other half is `high`")]
pub(super) const fn low(wide: u128) -> u64 {
    wide as u64
}
