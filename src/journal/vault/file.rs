//! The vault's file: where each slot is, how it is made, filled and erased.

use std::io;
use std::sync::Arc;

use super::{KEY_BYTES, Key, VaultError, wipe};
use crate::domain::ids::SlotNumber;
use crate::journal::medium::{Medium, MediumFile, write_whole};

const NAME: &str = "vault";
/// Keys in a block of the disk, which are written at once: where it is full, what fits counts.
const BLOCK_SLOTS: u64 = 4_096 / KEY_BYTES;

/// An open vault file.
#[derive(Debug)]
pub(super) struct VaultFile(Arc<dyn MediumFile>);

impl VaultFile {
    /// Opens the file for handing out slots; none other may. None when there is no file.
    pub(super) fn open(medium: &dyn Medium) -> Result<Option<Self>, VaultError> {
        let Some(vault) = Self::open_to_read(medium)? else {
            return Ok(None);
        };
        match vault.0.take_alone() {
            Ok(true) => Ok(Some(vault)),
            Ok(false) => Err(VaultError::Busy),
            Err(source) => Err(VaultError::io("locking", source)),
        }
    }

    /// Opens the file for reading only. None when there is no file.
    pub(super) fn open_to_read(medium: &dyn Medium) -> Result<Option<Self>, VaultError> {
        match medium.open(NAME) {
            Ok(file) => Ok(Some(Self(file))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(VaultError::io("opening", source)),
        }
    }

    /// Makes a vault of nothing but its header, whole or not at all.
    pub(super) fn create(medium: &dyn Medium) -> Result<(), VaultError> {
        let mut secret = Key::default();
        getrandom::fill(&mut secret).map_err(VaultError::Random)?;
        let made = write_whole(medium, NAME, &secret);
        wipe(&mut secret);
        made.map_err(|source| VaultError::io("making", source))
    }

    /// How many whole slots it has, the header not counted. The torn end of a fill is none.
    pub(super) fn slots(&self) -> Result<u64, VaultError> {
        let bytes = self.0.len().map_err(|source| VaultError::io("measuring", source))?;
        let Some(slots) = (bytes / KEY_BYTES).checked_sub(1) else {
            return Err(VaultError::Blank);
        };
        Ok(slots)
    }

    /// The header: the secret of the keyed hashes.
    pub(super) fn secret(&self) -> Result<Key, VaultError> {
        let mut secret = Key::default();
        match self.0.read_at(0, &mut secret) {
            Ok(()) if secret != Key::default() => Ok(secret),
            Ok(()) => Err(VaultError::Blank),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Err(VaultError::Blank),
            Err(source) => Err(VaultError::io("reading the header of", source)),
        }
    }

    /// The key in a slot: all zeros once it is erased.
    pub(super) fn key(&self, slot: SlotNumber) -> Result<Key, VaultError> {
        let mut key = Key::default();
        match self.0.read_at(offset(slot), &mut key) {
            Ok(()) => Ok(key),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                Err(VaultError::SlotUnknown { slot })
            }
            Err(source) => Err(VaultError::io_at("reading", slot, source)),
        }
    }

    /// Writes keys from slot `first` on, unsynced. Returns how many it wrote, and why not all.
    pub(super) fn write(&self, first: SlotNumber, keys: &[Key]) -> (usize, Option<VaultError>) {
        let mut written = 0;
        while written < keys.len() {
            let slot = SlotNumber(first.0 + written as u64);
            let room = usize::try_from(BLOCK_SLOTS - slot.0 % BLOCK_SLOTS).expect("few");
            let end = keys.len().min(written + room);
            let piece = keys[written..end].as_flattened();
            if let Err(source) = self.0.write_at(offset(slot), piece) {
                return (written, Some(VaultError::io_at("filling", slot, source)));
            }
            written = end;
        }
        (written, None)
    }

    /// Overwrites one slot with zeros, unsynced.
    pub(super) fn write_zeros(&self, slot: SlotNumber) -> Result<(), VaultError> {
        self.0
            .write_at(offset(slot), &Key::default())
            .map_err(|source| VaultError::io_at("erasing in", slot, source))
    }

    /// Returns once all that was written is durable.
    pub(super) fn sync(&self) -> Result<(), VaultError> {
        self.0.sync().map_err(|source| VaultError::io("syncing", source))
    }
}

const fn offset(slot: SlotNumber) -> u64 {
    slot.0 * KEY_BYTES
}
