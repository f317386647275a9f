//! The state at one position of the journal, kept so that a start need not fold everything.
//!
//! ```text
//!  byte   0      4       6    8     16          48          64           68          76
//!         ┌──────┬───────┬────┬─────┬───────────┬───────────┬────────────┬───────────┐
//!         │magic │format │ 0  │ seq │hash of the│digest of  │sections    │checksum of│
//!         │ZHSN  │u16 = 0│u16 │ u64 │chain there│the state  │u32         │all before │
//!         │      │       │    │     │[32]       │u128       │            │u64        │
//!         └──────┴───────┴────┴─────┴───────────┴───────────┴────────────┴───────────┘
//!  a section
//!         0      1      5            9          17
//!         ┌──────┬──────┬────────────┬──────────┬── ─ ─ ──┐
//!         │kind  │rows  │bytes of    │checksum  │ rows    │  at most 4 MiB in all
//!         │u8    │u32   │the rows u32│u64       │         │
//!         └──────┴──────┴────────────┴──────────┴── ─ ─ ──┘
//! ```
//!
//! - Numbers are little-endian, checksums xxh3-64; a section's covers its kind, counts and rows.
//!   Rows of one kind fill as many sections as they need, in the order of [`Kind`].
//! - The file is `snapshot-<20 digits of seq>`. It is written aside as `snapshot.aside`, section by
//!   section, each synced, the header last; then renamed, and the directory synced. So it is there
//!   whole or not at all, and no write of it makes a sync of the journal wait long.
//! - A snapshot is no truth of its own. It can be folded again from the journal at any time, so
//!   there is no upgrade: one of another format is ignored.
//!
//! This module does not know when a snapshot is due, nor whether it lies on the chain: that is for
//! `fold` and `recover` to say.

mod fields;
#[cfg(test)]
mod golden;
mod read;
#[cfg(test)]
mod tests;
mod v1;
mod write;

use std::io;

use crate::domain::digest::Digest;
use crate::domain::ids::Seq;
use crate::journal::medium::{Entry, Medium, remove_if_there};

pub use read::load;
pub use v1::Kind;
pub use write::write;

const MAGIC: [u8; 4] = *b"ZHSN";
/// The format that this program writes, and the only one that it reads.
pub const FORMAT: u16 = 0;
const HEADER_BYTES: usize = 76;
const SECTION_HEADER_BYTES: usize = 17;
/// Longest section, and so the most that is written between two syncs: 4 MiB.
pub const SECTION_BYTES_MAX: usize = 4 << 20;

const PREFIX: &str = "snapshot-";
/// Before it has its name. Its end is that of every file that is not whole yet.
const NAME_ASIDE: &str = "snapshot.aside";

/// Why a file is no snapshot that can be started from.
#[derive(Debug, thiserror::Error)]
pub enum BadSnapshot {
    /// It cannot be read.
    #[error("it cannot be read")]
    Io(#[from] io::Error),
    /// It begins with something else.
    #[error("it is no snapshot")]
    Magic,
    /// It is of another format, and is not read.
    #[error("it is of format {found}; this program reads format {FORMAT} only")]
    Format {
        /// The format that it says.
        found: u16,
    },
    /// The header is not what was written.
    #[error("the checksum of its header is wrong")]
    Header,
    /// The name says another position than the header.
    #[error("its header says event {said}, and its name another one")]
    Name {
        /// What the header says.
        said: Seq,
    },
    /// It ends too early, or too late.
    #[error("section {section} of {sections} is cut off, or something lies behind the last")]
    Length {
        /// Counted from 1.
        section: u32,
        /// How many there should be.
        sections: u32,
    },
    /// A section is not what was written.
    #[error("the checksum of section {section} is wrong")]
    Checksum {
        /// Counted from 1.
        section: u32,
    },
    /// A section is as it was written, and yet no rows of its kind.
    #[error("section {section}: row {row} is not of kind {kind}")]
    Row {
        /// Counted from 1.
        section: u32,
        /// Counted from 1 in the section.
        row: u32,
        /// As the section says.
        kind: u8,
    },
    /// It says nothing of the state as a whole.
    #[error("it has no section of kind head, or more than one")]
    NoHead,
    /// The rows do not make the state that was written.
    #[error("its rows make a state at event {found_tail} with digest {found:x?}, not {said:x?}")]
    Digest {
        /// As the header says.
        said: Digest,
        /// As computed from the rows.
        found: Digest,
        /// The position that the rows say.
        found_tail: Seq,
    },
}

/// A snapshot's place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// The last event folded into it, as its name says.
    pub seq: Seq,
    /// Its file.
    pub name: String,
    /// Its length in bytes.
    pub bytes: u64,
}

/// The snapshots of a directory, newest first. Whether they are good only [`load`] says.
///
/// # Errors
/// When the directory cannot be read.
pub fn newest(medium: &dyn Medium) -> io::Result<Vec<Candidate>> {
    let candidate = |entry: Entry| {
        let Entry { name, bytes, .. } = entry;
        Some(Candidate { seq: seq_of(&name)?, name, bytes })
    };
    let mut candidates: Vec<_> = medium.list()?.into_iter().filter_map(candidate).collect();
    candidates.sort_by_key(|candidate| std::cmp::Reverse(candidate.seq));
    Ok(candidates)
}

/// Deletes all snapshots but those, and what a killed write left.
///
/// # Errors
/// When the directory cannot be read or changed.
pub fn prune(medium: &dyn Medium, keep: &[Seq]) -> io::Result<()> {
    for candidate in newest(medium)? {
        if !keep.contains(&candidate.seq) {
            medium.remove(&candidate.name)?;
        }
    }
    remove_if_there(medium, NAME_ASIDE)?;
    medium.sync_names()
}

/// The file name of the snapshot at `seq`.
fn name_of(seq: Seq) -> String {
    format!("{PREFIX}{:020}", seq.0)
}

fn seq_of(name: &str) -> Option<Seq> {
    let digits = name.strip_prefix(PREFIX)?;
    let is_whole = digits.len() == 20 && digits.bytes().all(|byte| byte.is_ascii_digit());
    is_whole.then(|| digits.parse().ok().map(Seq)).flatten()
}
