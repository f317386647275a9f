//! The `closed` file: the mark of a clean close, taken away before the next append.
//!
//! It holds what the next segment would have held: the notes of sealed segments that no segment
//! holds yet, last that of the segment that was being written, which may be written on.
//!
//! ```text
//!     0       8          16          48            56      60                         checksum
//!     │ magic │ tail seq │ tail hash │ value bytes │ count │ count notes of 113 bytes │ 8 bytes │
//! ```

use xxhash_rust::xxh3::xxh3_64;

use crate::domain::ids::Seq;
use crate::journal::head::Head;

use super::sealed::{NOTE_BYTES, SealedSegment};

/// Its name.
pub(super) const NAME: &str = "closed";

const MAGIC: [u8; 8] = *b"ZHIDAEND";
const START_BYTES: usize = 60;

/// How the journal was left.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ClosedMark {
    /// Where it ended.
    pub(super) tail: Head,
    /// Bytes of values in the last segment.
    pub(super) value_bytes: u64,
    /// Notes that no segment holds yet, in order.
    pub(super) notes: Vec<SealedSegment>,
}

impl ClosedMark {
    /// The mark's bytes.
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(START_BYTES + self.notes.len() * NOTE_BYTES + 8);
        bytes.extend(MAGIC);
        bytes.extend(self.tail.seq.0.to_le_bytes());
        bytes.extend(self.tail.hash);
        bytes.extend(self.value_bytes.to_le_bytes());
        let count = u32::try_from(self.notes.len()).unwrap_or(u32::MAX);
        bytes.extend(count.to_le_bytes());
        for note in &self.notes {
            bytes.extend(note.encode());
        }
        bytes.extend(xxh3_64(&bytes).to_le_bytes());
        bytes
    }

    /// Reads a mark. None when it is damaged.
    pub(super) fn decode(bytes: &[u8]) -> Option<Self> {
        let (content, checksum) = bytes.split_last_chunk()?;
        if xxh3_64(content).to_le_bytes() != *checksum {
            return None;
        }
        let (start, notes) = content.split_first_chunk::<START_BYTES>()?;
        let (notes, rest) = notes.as_chunks::<NOTE_BYTES>();
        let count = u32::from_le_bytes(start[56..].try_into().ok()?);
        if start[..8] != MAGIC || !rest.is_empty() || notes.len() != usize::try_from(count).ok()? {
            return None;
        }
        Some(Self {
            tail: Head {
                seq: Seq(u64::from_le_bytes(start[8..16].try_into().ok()?)),
                hash: start[16..48].try_into().ok()?,
            },
            value_bytes: u64::from_le_bytes(start[48..56].try_into().ok()?),
            notes: notes
                .iter()
                .map(|note| SealedSegment::decode(note))
                .collect::<Option<Vec<_>>>()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::golden::assert_fields;

    #[test]
    fn a_mark_has_its_golden_bytes() {
        let tail = Head { seq: Seq(0x0102), hash: [0x11; 32] };
        let note = SealedSegment {
            first: Seq(0x0101),
            last: tail,
            bytes: 0x0103,
            blake3: [0x22; 32],
            digest: None,
        };
        let start = [
            ("magic: ZHIDAEND", "5a48494441454e44"),
            ("tail seq", "0201000000000000"),
            ("tail hash", &"11".repeat(32)),
            ("value bytes", "0401000000000000"),
        ];
        let one = [
            ("count", "01000000"),
            ("note: first", "0101000000000000"),
            ("note: last seq", "0201000000000000"),
            ("note: last hash", &"11".repeat(32)),
            ("note: bytes", "0301000000000000"),
            ("note: BLAKE3", &"22".repeat(32)),
            ("note: has no digest", "00"),
            ("note: digest", "00000000000000000000000000000000"),
            ("note: checksum", "88b61707cc4c38fb"),
            ("checksum", "1c1aff1edd8dd5c5"),
        ];
        let mark = ClosedMark { tail, value_bytes: 0x0104, notes: vec![note] };
        assert_fields(&mark.encode(), &[&start[..], &one].concat());
        let none = [("count", "00000000"), ("checksum", "f84f93a351aa6171")];
        let mark = ClosedMark { notes: Vec::new(), ..mark };
        assert_fields(&mark.encode(), &[&start[..], &none].concat());
        assert_eq!(NAME, "closed");
    }

    #[test]
    fn a_mark_reads_as_it_was_written_and_any_flipped_bit_is_seen() {
        let head = Head { seq: Seq(9), hash: [1; 32] };
        let note =
            SealedSegment { first: Seq(4), last: head, bytes: 77, blake3: [2; 32], digest: None };
        let mark = ClosedMark { tail: head, value_bytes: 5, notes: vec![note, note] };
        let bytes = mark.encode();
        assert_eq!(ClosedMark::decode(&bytes), Some(mark));
        for bit in 0..8 * bytes.len() {
            let mut flipped = bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(ClosedMark::decode(&flipped), None, "bit {bit}");
        }
    }
}
