//! Why the vault did not do what it was asked.

use std::io;

use crate::domain::event::PartName;
use crate::domain::ids::SlotNumber;

/// A failure of the vault. Each that is about a slot names it.
#[derive(Debug, thiserror::Error)]
pub enum VaultError {
    /// Without it no sealed part of the journal opens; put the backup of the vault there.
    #[error("the file `vault` is missing, but the journal beside it exists")]
    Missing,
    /// The journal names slots that the file does not have: it is cut off, or an older copy.
    #[error("the vault ends at slot {slots}, but the journal names slot {named}")]
    TooShort {
        /// How many slots it has.
        slots: u64,
        /// The highest slot that the journal names.
        named: SlotNumber,
    },
    /// Its first 32 bytes are not there, or all zero: no vault begins like that.
    #[error("the vault has no header")]
    Blank,
    /// Another process hands out its slots.
    #[error("the vault is in use by another process")]
    Busy,
    /// No key is ready: the disk is full, or cannot keep up. It recovers by itself.
    #[error("no key is left in the vault: slot {next} is not filled")]
    NoneLeft {
        /// The first slot without a key.
        next: SlotNumber,
    },
    /// The slot was never handed out.
    #[error("slot {slot} was never handed out by this vault")]
    SlotUnknown {
        /// Which slot.
        slot: SlotNumber,
    },
    /// Key, part name or ciphertext is not the one that was sealed.
    #[error("the part {part:?} sealed under slot {slot} does not open")]
    DoesNotOpen {
        /// Which slot.
        slot: SlotNumber,
        /// The part that it was said to be.
        part: PartName,
    },
    /// The system has no randomness to give.
    #[error("drawing random keys for the vault")]
    Random(#[source] getrandom::Error),
    /// The file system failed.
    #[error("{what} the vault{}", at(*slot))]
    Io {
        /// What was being done.
        what: &'static str,
        /// With which slot, where it was one.
        slot: Option<SlotNumber>,
        /// Why.
        source: io::Error,
    },
}

impl VaultError {
    pub(super) const fn io(what: &'static str, source: io::Error) -> Self {
        Self::Io { what, slot: None, source }
    }

    pub(super) const fn io_at(what: &'static str, slot: SlotNumber, source: io::Error) -> Self {
        Self::Io { what, slot: Some(slot), source }
    }
}

fn at(slot: Option<SlotNumber>) -> String {
    slot.map_or_else(String::new, |slot| format!(", slot {slot}"))
}
