//! The keys of everything personal, apart from the journal, so that a part can be made unreadable
//! for ever without touching a byte of the chain.
//!
//! A flat file of 32-byte random keys beside the journal, one slot per sealed part:
//!
//! ```text
//!  byte 0         32            64            96               32 · n
//!  ┌─────────────┬─────────────┬─────────────┬── ─ ─ ─ ──┬─────────────┬─
//!  │ secret of   │ key of      │ key of      │           │ key of      │
//!  │ keyed hashes│ slot 1      │ slot 2      │           │ slot n      │
//!  └─────────────┴─────────────┴─────────────┴── ─ ─ ─ ──┴─────────────┴─
//!   32 zero bytes in a slot: erased
//!
//!  1 … highest committed … next … end … the file's end
//!  └── named by the journal ──┘      │
//!      └─ handed out since the start ┘
//!                              └ ready, in memory
//! ```
//!
//! Slots are filled ahead and synced before they are handed out, and handed out once. After a
//! stop nobody knows which slots above the highest committed one were used: a start gives all of
//! them fresh keys. So no key ever seals two parts, and the nonce can be fixed.
//!
//! Sealing never reads the file and never waits for it; opening reads 32 bytes. Back the file up
//! apart from the journal. It does not know what the parts say, nor which events carry them.

mod ahead;
mod error;
mod file;
mod filler;
mod seal;
#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use crate::domain::event::{PartName, SealedPart};
use crate::domain::ids::SlotNumber;
use crate::journal::aside::Background;
use crate::journal::medium::Medium;
use ahead::Ahead;
use file::VaultFile;
use filler::Filler;

pub use error::VaultError;
pub use seal::SEAL_BYTES;

const KEY_SIZE: usize = 32;
const KEY_BYTES: u64 = KEY_SIZE as u64;
type Key = [u8; KEY_SIZE];

/// How a vault is opened and kept filled.
#[derive(Clone, Copy, Debug)]
pub struct VaultOptions {
    /// Whether the directory has a journal: then a missing vault is an error, and not a new one.
    pub journal_exists: bool,
    /// The highest slot that a committed event names; none before the first.
    pub highest_committed: Option<SlotNumber>,
    /// Slots filled and synced at once: 65,536 are 2 MiB.
    pub step_slots: u32,
    /// Steps kept ready in memory, 40 bytes a slot. Below half of them the next is filled.
    pub steps_ahead: u32,
    /// How long after a step that could not be filled it is tried again.
    pub retry_after: Duration,
    /// Who fills it.
    pub background: Background,
}

impl Default for VaultOptions {
    fn default() -> Self {
        Self {
            journal_exists: false,
            highest_committed: None,
            step_slots: 65_536,
            steps_ahead: 2,
            retry_after: Duration::from_millis(500),
            background: Background::Thread,
        }
    }
}

/// What opening a part comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Opened {
    /// What was sealed.
    Plain(Vec<u8>),
    /// Its key is gone for ever.
    Erased,
}

/// The vault of a running server: the only one that hands out slots of its file. Shared by all
/// threads.
pub struct Vault {
    filler: Arc<Filler>,
    secret: Key,
    thread: Option<JoinHandle<()>>,
}

impl Vault {
    /// Opens the vault of a directory, or makes one where there is no journal yet. Every slot
    /// above the highest committed one has a fresh key, synced, when it returns. A full disk is no
    /// error here: [`Vault::seal`] says so.
    ///
    /// # Errors
    /// When it is missing or too short for the journal, in use, damaged, or cannot be refilled.
    pub fn open(medium: &dyn Medium, options: VaultOptions) -> Result<Self, VaultError> {
        let file = match VaultFile::open(medium)? {
            Some(file) => file,
            None if options.journal_exists || options.highest_committed.is_some() => {
                return Err(VaultError::Missing);
            }
            None => {
                VaultFile::create(medium)?;
                VaultFile::open(medium)?.ok_or(VaultError::Missing)?
            }
        };
        let secret = file.secret()?;
        let slots = file.slots()?;
        let committed = options.highest_committed.unwrap_or_default();
        if slots < committed.0 {
            return Err(VaultError::TooShort { slots, named: committed });
        }
        let step_slots = u64::from(options.step_slots.max(1));
        let places = step_slots * u64::from(options.steps_ahead.max(1));
        let ahead = Ahead::new(committed.next(), places);
        let filler = Arc::new(Filler::new(file, ahead, step_slots, options.retry_after));
        filler.refill(SlotNumber(slots))?;
        let thread = match options.background {
            Background::Inline => None,
            Background::Thread => {
                let running = Arc::clone(&filler);
                let thread = std::thread::Builder::new().name("vault".into());
                let thread = thread.spawn(move || running.run());
                Some(
                    thread
                        .map_err(|source| VaultError::io("starting a thread that fills", source))?,
                )
            }
        };
        Ok(Self { filler, secret, thread })
    }

    /// Fills what there is room for in memory, where no thread of its own does.
    pub fn work(&self) {
        self.filler.fill_up();
    }

    /// Seals a part under the next slot. Never waits.
    ///
    /// # Errors
    /// [`VaultError::NoneLeft`] when no key is ready.
    pub fn seal(&self, part: PartName, plain: &[u8]) -> Result<SealedPart, VaultError> {
        let taken = self.filler.ahead.take();
        if self.filler.is_low() {
            self.filler.ask();
        }
        let Some((slot, mut key)) = taken else {
            return Err(VaultError::NoneLeft { next: self.filler.ahead.next() });
        };
        let sealed = seal::seal(&key, slot, part, plain);
        wipe(&mut key);
        Ok(sealed)
    }

    /// Opens a part.
    ///
    /// # Errors
    /// When the slot was never handed out, or the part is not the one that was sealed under it.
    pub fn open_part(&self, part: PartName, sealed: &SealedPart) -> Result<Opened, VaultError> {
        self.check_handed_out(sealed.slot)?;
        open_from(&self.filler.file, part, sealed)
    }

    /// Overwrites the keys of these slots. When it returns no file of the directory has them.
    /// Doing it again does no harm.
    ///
    /// # Errors
    /// When a slot was never handed out, before any is touched; when the file system fails: some
    /// may be left then, and it must be done again.
    pub fn erase(&self, slots: &[SlotNumber]) -> Result<(), VaultError> {
        slots.iter().try_for_each(|slot| self.check_handed_out(*slot))?;
        slots.iter().try_for_each(|slot| self.filler.file.write_zeros(*slot))?;
        self.filler.file.sync()
    }

    /// A hash that only this vault can make, of a command's body.
    #[must_use]
    pub fn keyed_hash(&self, bytes: &[u8]) -> u128 {
        let hash = blake3::keyed_hash(&self.secret, bytes);
        let (first, _) = hash.as_bytes().split_first_chunk().expect("32 bytes hold 16");
        u128::from_le_bytes(*first)
    }

    /// How many keys are ready.
    #[must_use]
    pub fn keys_left(&self) -> u64 {
        self.filler.ahead.left()
    }

    /// Whether the newest try to fill keys ahead failed: the disk is full, or worse.
    #[must_use]
    pub fn is_failing(&self) -> bool {
        self.filler.is_failing()
    }

    fn check_handed_out(&self, slot: SlotNumber) -> Result<(), VaultError> {
        if slot < SlotNumber::FIRST || slot >= self.filler.ahead.next() {
            return Err(VaultError::SlotUnknown { slot });
        }
        Ok(())
    }
}

impl Drop for Vault {
    fn drop(&mut self) {
        self.filler.stop();
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the thread that fills the vault panicked");
        }
        wipe(&mut self.secret);
    }
}

impl fmt::Debug for Vault {
    /// Says nothing of keys.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Vault")
            .field("next", &self.filler.ahead.next())
            .field("left", &self.filler.ahead.left())
            .finish_non_exhaustive()
    }
}

/// The vault of a stopped server, for reading.
#[derive(Debug)]
pub struct VaultReader {
    file: VaultFile,
}

impl VaultReader {
    /// Opens the vault of a directory, and changes nothing in it.
    ///
    /// # Errors
    /// When it is missing, damaged, or too short for the highest slot that the journal names.
    pub fn open(
        medium: &dyn Medium,
        highest_committed: Option<SlotNumber>,
    ) -> Result<Self, VaultError> {
        let Some(file) = VaultFile::open_to_read(medium)? else {
            return Err(VaultError::Missing);
        };
        wipe(&mut file.secret()?);
        let slots = file.slots()?;
        if let Some(named) = highest_committed
            && slots < named.0
        {
            return Err(VaultError::TooShort { slots, named });
        }
        Ok(Self { file })
    }

    /// Opens a part.
    ///
    /// # Errors
    /// When the file has no such slot, or the part is not the one that was sealed under it.
    pub fn open_part(&self, part: PartName, sealed: &SealedPart) -> Result<Opened, VaultError> {
        open_from(&self.file, part, sealed)
    }
}

fn open_from(file: &VaultFile, part: PartName, sealed: &SealedPart) -> Result<Opened, VaultError> {
    if sealed.slot < SlotNumber::FIRST {
        return Err(VaultError::SlotUnknown { slot: sealed.slot });
    }
    let mut key = file.key(sealed.slot)?;
    if key == Key::default() {
        return Ok(Opened::Erased);
    }
    let plain = seal::open(&key, part, sealed);
    wipe(&mut key);
    plain.map(Opened::Plain).ok_or(VaultError::DoesNotOpen { slot: sealed.slot, part })
}

/// Overwrites secret bytes in a way that the compiler may not leave out.
fn wipe(bytes: &mut [u8]) {
    bytes.fill(0);
    std::hint::black_box(bytes);
}
