//! The seam between this room and the disk: everything that store, snapshots and vault do to a file
//! goes through here, so that a test can lose, tear, refuse and fill what a disk would.
//!
//! A medium is one directory. Names are plain file names; nothing is nested. Files are for their
//! owner alone to read.

pub mod disk;
pub mod simulated;

use std::any::Any;
use std::fmt;
use std::io;
use std::sync::Arc;

/// A file and its length.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Entry {
    /// Its name in the directory.
    pub name: String,
    /// Its length in bytes.
    pub bytes: u64,
    /// The room that it takes, in bytes; less where it has holes.
    pub bytes_taken: u64,
}

/// What came of asking for the directory's lock.
pub enum Lock {
    /// It is held until this is dropped.
    Held(Box<dyn Any + Send + Sync>),
    /// Another holds it; this is what it said of itself.
    HeldBy(String),
}

/// One directory.
pub trait Medium: fmt::Debug + Send + Sync {
    /// Creates a file, or empties the one that is there. The name is durable only after
    /// [`sync_names`](Self::sync_names).
    ///
    /// # Errors
    /// Those of the disk.
    fn create(&self, name: &str) -> io::Result<Arc<dyn MediumFile>>;

    /// Opens a file for reading and writing.
    ///
    /// # Errors
    /// `NotFound` when it is not there; those of the disk.
    fn open(&self, name: &str) -> io::Result<Arc<dyn MediumFile>>;

    /// Gives a file another name, in place of whatever had it. Files that are open stay so.
    ///
    /// # Errors
    /// Those of the disk.
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;

    /// Removes a name.
    ///
    /// # Errors
    /// `NotFound` when it is not there; those of the disk.
    fn remove(&self, name: &str) -> io::Result<()>;

    /// All files, by name.
    ///
    /// # Errors
    /// Those of the disk.
    fn list(&self) -> io::Result<Vec<Entry>>;

    /// Makes every create, rename and remove so far durable.
    ///
    /// # Errors
    /// Those of the disk; nobody knows then which of them are.
    fn sync_names(&self) -> io::Result<()>;

    /// Locks the directory for one process, which leaves a word about itself.
    ///
    /// # Errors
    /// Those of the disk.
    fn try_lock(&self, holder: &str) -> io::Result<Lock>;

    /// Room that is left, in bytes.
    ///
    /// # Errors
    /// Those of the disk.
    fn free_bytes(&self) -> io::Result<u64>;
}

/// One file, for any number of threads.
#[expect(clippy::len_without_is_empty, reason = "nobody asks whether a file is empty")]
pub trait MediumFile: fmt::Debug + Send + Sync {
    /// Its length in bytes.
    ///
    /// # Errors
    /// Those of the disk.
    fn len(&self) -> io::Result<u64>;

    /// Fills `out` from `offset` on.
    ///
    /// # Errors
    /// `UnexpectedEof` when the file ends before; those of the disk.
    fn read_at(&self, offset: u64, out: &mut [u8]) -> io::Result<()>;

    /// Writes all of `bytes` at `offset`. Durable only after [`sync`](Self::sync).
    ///
    /// # Errors
    /// Those of the disk; some of the bytes may be written then.
    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()>;

    /// Cuts the file, or lengthens it with zeros that need not take room yet.
    ///
    /// # Errors
    /// Those of the disk.
    fn set_len(&self, bytes: u64) -> io::Result<()>;

    /// Lengthens the file to `bytes` and takes the room for it.
    ///
    /// # Errors
    /// When there is no room; those of the disk.
    fn take_room(&self, bytes: u64) -> io::Result<()>;

    /// Locks the file for whoever has this handle, as long as there is one, and hides it from all
    /// but its owner. Says whether it did: another process may have it.
    ///
    /// # Errors
    /// Those of the disk.
    fn take_alone(&self) -> io::Result<bool>;

    /// Makes everything written so far durable.
    ///
    /// # Errors
    /// Those of the disk. Nobody knows then what of it is durable, and a later sync that succeeds
    /// does not tell.
    fn sync(&self) -> io::Result<()>;

    /// Says that these bytes are not looked at again for long, so that the memory which holds them
    /// serves others. A hint: nothing changes but the time that a read takes.
    fn let_go(&self, offset: u64, len: u64);
}

/// Held by the process that has the directory; says which.
pub(in crate::journal) const LOCK: &str = "lock";

/// The end of the name of a file that is not whole yet.
pub(in crate::journal) const ASIDE: &str = ".aside";

/// Reads a whole small file.
///
/// # Errors
/// Those of the disk.
pub(in crate::journal) fn read_whole(medium: &dyn Medium, name: &str) -> io::Result<Vec<u8>> {
    let file = medium.open(name)?;
    let len = usize::try_from(file.len()?).map_err(|_| io::ErrorKind::FileTooLarge)?;
    let mut bytes = vec![0; len];
    file.read_at(0, &mut bytes)?;
    Ok(bytes)
}

/// Writes a whole small file aside and renames it, so that it is there whole or not at all.
///
/// # Errors
/// Those of the disk.
pub(in crate::journal) fn write_whole(
    medium: &dyn Medium,
    name: &str,
    bytes: &[u8],
) -> io::Result<()> {
    let aside = format!("{name}{ASIDE}");
    let file = medium.create(&aside)?;
    file.write_at(0, bytes)?;
    file.sync()?;
    medium.rename(&aside, name)?;
    medium.sync_names()
}

/// Removes a name if it is there. Says whether it was.
///
/// # Errors
/// Those of the disk.
pub(in crate::journal) fn remove_if_there(medium: &dyn Medium, name: &str) -> io::Result<bool> {
    match medium.remove(name) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// Whether the disk has no room.
pub(in crate::journal) fn is_full(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}
