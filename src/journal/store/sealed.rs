//! A sealed segment: what is noted of it, and the check before redb may open it.
//!
//! redb given flipped bits panicked, or silently missed keys; so the whole file's BLAKE3 is
//! compared first.
//!
//! ```text
//!     0       8          16          48      56         88            89       105        113
//!     │ first │ last seq │ last hash │ bytes │ BLAKE3   │ has digest? │ digest │ checksum │
//! ```

use std::io;

use xxhash_rust::xxh3::xxh3_64;

use crate::domain::digest::Digest;
use crate::domain::ids::Seq;
use crate::journal::fold::SealNote;
use crate::journal::head::Head;
use crate::journal::medium::MediumFile;

/// A segment that never changes again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SealedSegment {
    /// Its first event, which is in its name.
    pub first: Seq,
    /// The head of its last value.
    pub last: Head,
    /// Length of the file.
    pub bytes: u64,
    /// BLAKE3 of the file.
    pub blake3: [u8; 32],
    /// The state's digest at `last`; none where a segment ended without one being told.
    pub digest: Option<Digest>,
}

/// What a fold is told of it.
impl From<&SealedSegment> for SealNote {
    fn from(segment: &SealedSegment) -> Self {
        Self { last: segment.last, bytes: segment.bytes, digest: segment.digest }
    }
}

/// Length of a note.
pub(super) const NOTE_BYTES: usize = 113;

impl SealedSegment {
    /// The note's bytes.
    pub(super) fn encode(&self) -> [u8; NOTE_BYTES] {
        let mut bytes = [0; NOTE_BYTES];
        bytes[..8].copy_from_slice(&self.first.0.to_le_bytes());
        bytes[8..16].copy_from_slice(&self.last.seq.0.to_le_bytes());
        bytes[16..48].copy_from_slice(&self.last.hash);
        bytes[48..56].copy_from_slice(&self.bytes.to_le_bytes());
        bytes[56..88].copy_from_slice(&self.blake3);
        bytes[88] = u8::from(self.digest.is_some());
        bytes[89..105].copy_from_slice(&self.digest.unwrap_or_default().0.to_le_bytes());
        let checksum = xxh3_64(&bytes[..105]);
        bytes[105..].copy_from_slice(&checksum.to_le_bytes());
        bytes
    }

    /// Reads a note. None when it is damaged.
    pub(super) fn decode(bytes: &[u8]) -> Option<Self> {
        let bytes: &[u8; NOTE_BYTES] = bytes.try_into().ok()?;
        let (content, checksum) = bytes.split_last_chunk()?;
        if xxh3_64(content).to_le_bytes() != *checksum || content[88] > 1 {
            return None;
        }
        let number = |at: usize| Some(u64::from_le_bytes(content[at..at + 8].try_into().ok()?));
        let digest = u128::from_le_bytes(content[89..105].try_into().ok()?);
        Some(Self {
            first: Seq(number(0)?),
            last: Head { seq: Seq(number(8)?), hash: content[16..48].try_into().ok()? },
            bytes: number(48)?,
            blake3: content[56..88].try_into().ok()?,
            digest: (content[88] == 1).then_some(Digest(digest)),
        })
    }

    /// Compares the file with the note. Says in what they differ.
    ///
    /// # Errors
    /// Those of the disk.
    pub(super) fn difference(&self, file: &dyn MediumFile) -> io::Result<Option<&'static str>> {
        if file.len()? != self.bytes {
            return Ok(Some("its length is not the one noted at its seal"));
        }
        let differs = hash(file)? != self.blake3;
        Ok(differs.then_some("its BLAKE3 is not the one noted at its seal"))
    }
}

/// BLAKE3 of a whole file.
///
/// # Errors
/// Those of the disk.
pub(super) fn hash(file: &dyn MediumFile) -> io::Result<[u8; 32]> {
    let len = file.len()?;
    let mut hasher = blake3::Hasher::new();
    let step_of = |left: u64| usize::try_from(left).unwrap_or(STEP_BYTES).min(STEP_BYTES);
    let mut buffer = vec![0; step_of(len)];
    let mut at = 0;
    while at < len {
        let step = step_of(len - at);
        file.read_at(at, &mut buffer[..step])?;
        hasher.update(&buffer[..step]);
        at += step as u64;
    }
    Ok(*hasher.finalize().as_bytes())
}

const STEP_BYTES: usize = 1 << 20;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::golden::assert_fields;

    #[test]
    fn a_note_has_its_golden_bytes() {
        let note = SealedSegment {
            first: Seq(0x0101),
            last: Head { seq: Seq(0x0102), hash: [0x11; 32] },
            bytes: 0x0103,
            blake3: [0x22; 32],
            digest: Some(Digest(0x0104)),
        };
        let start = [
            ("first", "0101000000000000"),
            ("last seq", "0201000000000000"),
            ("last hash", &"11".repeat(32)),
            ("bytes", "0301000000000000"),
            ("BLAKE3", &"22".repeat(32)),
        ];
        let with_digest = [
            ("has digest", "01"),
            ("digest", "04010000000000000000000000000000"),
            ("checksum", "3ad0d93a9beda860"),
        ];
        assert_fields(&note.encode(), &[&start[..], &with_digest].concat());
        let without = [
            ("has no digest", "00"),
            ("digest", "00000000000000000000000000000000"),
            ("checksum", "88b61707cc4c38fb"),
        ];
        let note = SealedSegment { digest: None, ..note };
        assert_fields(&note.encode(), &[&start[..], &without].concat());
    }

    #[test]
    fn a_note_reads_as_it_was_written_and_any_flipped_bit_is_seen() {
        for digest in [None, Some(Digest(u128::MAX - 5))] {
            let note = SealedSegment {
                first: Seq(1),
                last: Head { seq: Seq(90), hash: [9; 32] },
                bytes: 4_096,
                blake3: [5; 32],
                digest,
            };
            let bytes = note.encode();
            assert_eq!(SealedSegment::decode(&bytes), Some(note));
            for bit in 0..8 * NOTE_BYTES {
                let mut flipped = bytes;
                flipped[bit / 8] ^= 1 << (bit % 8);
                assert_eq!(SealedSegment::decode(&flipped), None, "bit {bit}");
            }
        }
        assert_eq!(SealedSegment::decode(&[]), None);
    }
}
