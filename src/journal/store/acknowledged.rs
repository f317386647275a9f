//! The `acknowledged` file: the newest head whose turn was said to be durable.
//!
//! redb, given a flipped bit in its newest commit, opens one commit earlier and says nothing. A
//! start that finds less than this file names knows better. It is written after each commit and
//! not synced: it costs no time, and a power cut may set it back, never forward.
//!
//! ```text
//!     0        8        16                     48        56          512
//!     │ magic  │  seq   │         hash         │ checksum │  zeros    │  the other slot, the same
//! ```
//!
//! The two slots lie in sectors of their own and are written in turn, so that a torn write leaves
//! the older one.

use std::io;
use std::sync::Arc;

use xxhash_rust::xxh3::xxh3_64;

use crate::domain::ids::Seq;
use crate::journal::head::Head;
use crate::journal::medium::{Medium, MediumFile};

/// Its name.
pub(super) const NAME: &str = "acknowledged";

const MAGIC: [u8; 8] = *b"ZHIDAACK";
const SLOT_STEP: u64 = 512;
const SLOT_BYTES: usize = 56;

/// What the file says at a start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Acknowledged {
    /// Both slots are good: this is the newer one.
    Known(Head),
    /// One slot is torn or flipped: this is the other one.
    OneSlot(Head),
    /// Nothing of it can be read.
    Unreadable,
}

/// The file, open for writing.
#[derive(Debug)]
pub(super) struct AcknowledgedFile {
    file: Arc<dyn MediumFile>,
    /// Where the next one goes.
    slot: u64,
}

impl Acknowledged {
    /// The head, if one is known.
    #[must_use]
    pub fn head(self) -> Option<Head> {
        match self {
            Self::Known(head) | Self::OneSlot(head) => Some(head),
            Self::Unreadable => None,
        }
    }

    /// What two slots say together. The second is which of them may be written next.
    fn of(slots: [Option<Head>; 2]) -> (Self, u64) {
        match slots {
            [Some(first), Some(second)] if first.seq > second.seq => (Self::Known(first), 1),
            [Some(_), Some(second)] => (Self::Known(second), 0),
            [Some(first), None] => (Self::OneSlot(first), 1),
            [None, Some(second)] => (Self::OneSlot(second), 0),
            [None, None] => (Self::Unreadable, 0),
        }
    }
}

impl AcknowledgedFile {
    /// Makes the file, durable but for its name, with both slots at `head`.
    ///
    /// # Errors
    /// Those of the disk.
    pub(super) fn create(medium: &dyn Medium, head: Head) -> io::Result<Self> {
        let file = medium.create(NAME)?;
        file.set_len(2 * SLOT_STEP)?;
        file.write_at(0, &encode(head))?;
        file.write_at(SLOT_STEP, &encode(head))?;
        file.sync()?;
        Ok(Self { file, slot: 0 })
    }

    /// Opens the file and reads it.
    ///
    /// # Errors
    /// `NotFound` when it is not there; those of the disk.
    pub(super) fn open(medium: &dyn Medium) -> io::Result<(Self, Acknowledged)> {
        let file = medium.open(NAME)?;
        let slots = [read_slot(&*file, 0)?, read_slot(&*file, SLOT_STEP)?];
        let (acknowledged, slot) = Acknowledged::of(slots);
        Ok((Self { file, slot }, acknowledged))
    }

    /// Notes that everything up to `head` was said to be durable.
    ///
    /// # Errors
    /// Those of the disk. The older slot still stands.
    pub(super) fn write(&mut self, head: Head) -> io::Result<()> {
        self.file.write_at(self.slot * SLOT_STEP, &encode(head))?;
        self.slot ^= 1;
        Ok(())
    }

    /// Makes it durable.
    ///
    /// # Errors
    /// Those of the disk.
    pub(super) fn sync(&self) -> io::Result<()> {
        self.file.sync()
    }
}

fn read_slot(file: &dyn MediumFile, offset: u64) -> io::Result<Option<Head>> {
    let mut bytes = [0; SLOT_BYTES];
    match file.read_at(offset, &mut bytes) {
        Ok(()) => Ok(decode(&bytes)),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(None),
        Err(error) => Err(error),
    }
}

fn encode(head: Head) -> [u8; SLOT_BYTES] {
    let mut bytes = [0; SLOT_BYTES];
    bytes[..8].copy_from_slice(&MAGIC);
    bytes[8..16].copy_from_slice(&head.seq.0.to_le_bytes());
    bytes[16..48].copy_from_slice(&head.hash);
    let checksum = xxh3_64(&bytes[..48]);
    bytes[48..].copy_from_slice(&checksum.to_le_bytes());
    bytes
}

fn decode(bytes: &[u8; SLOT_BYTES]) -> Option<Head> {
    let (content, checksum) = bytes.split_last_chunk()?;
    if content[..8] != MAGIC || xxh3_64(content).to_le_bytes() != *checksum {
        return None;
    }
    let seq = u64::from_le_bytes(content[8..16].try_into().ok()?);
    Some(Head { seq: Seq(seq), hash: content[16..48].try_into().ok()? })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::golden::assert_fields;
    use crate::journal::medium::disk::Disk;

    #[test]
    fn the_file_has_its_golden_bytes() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let disk = Disk::at(directory.path()).expect("a directory");
        let mut file = AcknowledgedFile::create(&disk, HEAD).expect("made");
        let newer = Head { seq: Seq(0x0102), hash: [0x11; 32] };
        file.write(newer).expect("written");
        let bytes = std::fs::read(directory.path().join("acknowledged")).expect("under its name");
        let zeros = "00".repeat(456);
        assert_fields(
            &bytes,
            &[
                ("magic: ZHIDAACK", "5a48494441 41434b"),
                ("seq", "0201000000000000"),
                ("hash", &"11".repeat(32)),
                ("checksum", "8705135a441294b9"),
                ("zeros", &zeros),
                ("the other slot: magic", "5a48494441 41434b"),
                ("seq", "0700000000000000"),
                ("hash", &"03".repeat(32)),
                ("checksum", "85cd6a026bc888b1"),
                ("zeros", &zeros),
            ],
        );
    }

    const HEAD: Head = Head { seq: Seq(7), hash: [3; 32] };

    #[test]
    fn a_slot_reads_as_it_was_written_and_any_flipped_bit_is_seen() {
        let bytes = encode(HEAD);
        assert_eq!(decode(&bytes), Some(HEAD));
        for bit in 0..8 * SLOT_BYTES {
            let mut flipped = bytes;
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(decode(&flipped), None, "bit {bit}");
        }
        assert_eq!(decode(&[0; SLOT_BYTES]), None);
    }

    #[test]
    fn the_newer_slot_speaks_and_the_other_is_written_next() {
        let older = Head { seq: Seq(6), hash: [2; 32] };
        for (slots, expected) in [
            ([Some(HEAD), Some(older)], (Acknowledged::Known(HEAD), 1)),
            ([Some(older), Some(HEAD)], (Acknowledged::Known(HEAD), 0)),
            ([None, Some(older)], (Acknowledged::OneSlot(older), 0)),
            ([Some(older), None], (Acknowledged::OneSlot(older), 1)),
            ([None, None], (Acknowledged::Unreadable, 0)),
        ] {
            assert_eq!(Acknowledged::of(slots), expected);
        }
    }
}
