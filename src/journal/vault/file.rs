//! The vault's file: where each slot is, how it is made, filled and erased.

use std::fs::{File, OpenOptions, Permissions, TryLockError};
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::{KEY_BYTES, Key, VaultError, wipe};
use crate::domain::ids::SlotNumber;

const NAME: &str = "vault";
const NAME_NEXT: &str = "vault-next";
const OWNER_ONLY: u32 = 0o600;

/// An open vault file.
#[derive(Debug)]
pub(super) struct VaultFile {
    file: File,
    path: PathBuf,
    /// The length that the file may grow to, where a test plays a full disk.
    bytes_max: Option<Arc<AtomicU64>>,
}

impl VaultFile {
    /// Opens the file for handing out slots; none other may. None when there is no file.
    pub(super) fn open(dir: &Path) -> Result<Option<Self>, VaultError> {
        let Some(vault) = Self::open_with(dir, OpenOptions::new().read(true).write(true))? else {
            return Ok(None);
        };
        match vault.file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(VaultError::Busy { path: vault.path }),
            Err(TryLockError::Error(source)) => return Err(vault.error("locking", None, source)),
        }
        vault
            .file
            .set_permissions(Permissions::from_mode(OWNER_ONLY))
            .map_err(|source| vault.error("hiding", None, source))?;
        Ok(Some(vault))
    }

    /// Opens the file for reading only. None when there is no file.
    pub(super) fn open_to_read(dir: &Path) -> Result<Option<Self>, VaultError> {
        Self::open_with(dir, OpenOptions::new().read(true))
    }

    fn open_with(dir: &Path, options: &OpenOptions) -> Result<Option<Self>, VaultError> {
        let path = path(dir);
        match options.open(&path) {
            Ok(file) => Ok(Some(Self { file, path, bytes_max: None })),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(VaultError::Io { what: "opening", path, slot: None, source }),
        }
    }

    /// Makes a vault of nothing but its header, whole or not at all.
    pub(super) fn create(dir: &Path) -> Result<(), VaultError> {
        let aside = dir.join(NAME_NEXT);
        let mut secret = Key::default();
        getrandom::fill(&mut secret).map_err(VaultError::Random)?;
        let made = (|| {
            let mut options = OpenOptions::new();
            let file = options.write(true).create(true).truncate(true).mode(OWNER_ONLY);
            let file = file.open(&aside)?;
            file.set_permissions(Permissions::from_mode(OWNER_ONLY))?;
            file.write_all_at(&secret, 0)?;
            file.sync_all()?;
            std::fs::rename(&aside, path(dir))?;
            File::open(dir)?.sync_all()
        })();
        wipe(&mut secret);
        made.map_err(|source| VaultError::Io {
            what: "making",
            path: path(dir),
            slot: None,
            source,
        })
    }

    /// Holds the file to a length, as a full disk would.
    pub(super) fn hold_to(&mut self, bytes_max: Option<Arc<AtomicU64>>) {
        self.bytes_max = bytes_max;
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// How many whole slots it has, the header not counted. The torn end of a fill is none.
    pub(super) fn slots(&self) -> Result<u64, VaultError> {
        let bytes =
            self.file.metadata().map_err(|source| self.error("measuring", None, source))?.len();
        let Some(slots) = (bytes / KEY_BYTES).checked_sub(1) else {
            return Err(VaultError::Blank { path: self.path.clone() });
        };
        Ok(slots)
    }

    /// The header: the secret of the keyed hashes.
    pub(super) fn secret(&self) -> Result<Key, VaultError> {
        let mut secret = Key::default();
        match self.file.read_exact_at(&mut secret, 0) {
            Ok(()) if secret != Key::default() => Ok(secret),
            Ok(()) => Err(VaultError::Blank { path: self.path.clone() }),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                Err(VaultError::Blank { path: self.path.clone() })
            }
            Err(source) => Err(self.error("reading the header of", None, source)),
        }
    }

    /// The key in a slot: all zeros once it is erased.
    pub(super) fn key(&self, slot: SlotNumber) -> Result<Key, VaultError> {
        let mut key = Key::default();
        match self.file.read_exact_at(&mut key, offset(slot)) {
            Ok(()) => Ok(key),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                Err(VaultError::SlotUnknown { slot })
            }
            Err(source) => Err(self.error("reading", Some(slot), source)),
        }
    }

    /// Writes whole slots from `first` on, unsynced. Returns how many it wrote, and why not all.
    pub(super) fn write(&self, first: SlotNumber, keys: &[u8]) -> (usize, Option<VaultError>) {
        let mut written = 0;
        while written < keys.len() {
            let at = offset(first) + written as u64;
            match self.write_some(&keys[written..], at) {
                Ok(more) => written += more,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(source) => {
                    let whole = written / super::KEY_SIZE;
                    let slot = SlotNumber(first.0 + whole as u64);
                    return (whole, Some(self.error("filling", Some(slot), source)));
                }
            }
        }
        (written / super::KEY_SIZE, None)
    }

    fn write_some(&self, bytes: &[u8], at: u64) -> io::Result<usize> {
        let room = match &self.bytes_max {
            None => bytes.len(),
            Some(bytes_max) => {
                let room = bytes_max.load(Ordering::Relaxed).saturating_sub(at);
                bytes.len().min(usize::try_from(room).unwrap_or(usize::MAX))
            }
        };
        if room == 0 {
            return Err(io::ErrorKind::StorageFull.into());
        }
        match self.file.write_at(&bytes[..room], at)? {
            0 => Err(io::ErrorKind::WriteZero.into()),
            written => Ok(written),
        }
    }

    /// Overwrites one slot with zeros, unsynced.
    pub(super) fn write_zeros(&self, slot: SlotNumber) -> Result<(), VaultError> {
        self.file
            .write_all_at(&Key::default(), offset(slot))
            .map_err(|source| self.error("erasing in", Some(slot), source))
    }

    /// Returns once all that was written is durable.
    pub(super) fn sync(&self) -> Result<(), VaultError> {
        self.file.sync_data().map_err(|source| self.error("syncing", None, source))
    }

    fn error(&self, what: &'static str, slot: Option<SlotNumber>, source: io::Error) -> VaultError {
        VaultError::Io { what, path: self.path.clone(), slot, source }
    }
}

/// Where the vault of a data directory is.
pub(super) fn path(dir: &Path) -> PathBuf {
    dir.join(NAME)
}

const fn offset(slot: SlotNumber) -> u64 {
    slot.0 * KEY_BYTES
}
