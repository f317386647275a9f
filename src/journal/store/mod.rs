//! Where the journal lies: segments on redb in one directory, such that what was acknowledged is
//! there after any crash, and such that a file that is not what it was is never read unseen.
//!
//! ```text
//!  lock                                 the process that has the directory, by flock and number
//!  format                               "zhida journal format 0"
//!  journal-00000000000000000001.redb    sealed: closed, noted, never changed again
//!  journal-00000000000000204801.redb    sealed
//!  journal-00000000000000409601.redb    active: one commit and one sync a turn
//!  journal-next.redb                    the next one, made ahead; takes its name with its first turn
//!  journal-copy.redb                    a segment that was not closed, being rewritten
//!  acknowledged                         the newest head that was said to be durable, not synced
//!  closed                               the mark of a clean close, gone before the next append
//!  ballast                              room held back for the turn that meets a full disk
//! ```
//!
//! The life of a turn, and what holds when it fails at each arrow:
//!
//! ```text
//!  append ─▶ commit in the active segment ────────────────▶ acknowledged ─▶ Ok
//!               │ failed: the segment is given up, it counts up to the turn before
//!               ▼
//!            commit in journal-next.redb ─▶ rename ─▶ sync the names ─▶ acknowledged ─▶ Ok
//!               │ failed: that file is thrown away. No room: the ballast goes, once more
//!               ▼
//!            Err: nothing of the turn counts; the same turn comes again, to a fresh file
//! ```
//!
//! A rolled segment, an empty directory and a start after a crash take the second line, too: a
//! segment never has its name before its first turn is durable, so no empty one is ever found. A
//! segment ends where the next one begins. One that was not closed cleanly is never written again:
//! it is read through redb's repair in memory and written afresh, beside the work, because its
//! pages may be in the kernel's cache and not on the disk.
//!
//! This room does not know what a turn is about: it sees keys, bytes and heads.

pub mod acknowledged;
pub mod error;
pub mod sealed;
pub mod verify;

mod append;
mod backend;
mod background;
mod ballast;
mod closed;
mod copy;
mod directory;
mod found;
mod guarded;
mod open;
mod rack;
mod reader;
mod segment;
mod stopped;
mod survey;

use std::any::Any;
use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;

pub use acknowledged::Acknowledged;
pub use error::OpenError;
pub use open::OpenReport;
pub use sealed::SealedSegment;
pub use segment::ACTIVE_CACHE_BYTES;
pub use stopped::StoppedStore;
pub use verify::{VerifyError, VerifyReport, verify};

use crate::domain::ids::Seq;
use crate::journal::Background;
use crate::journal::head::Head;
use crate::journal::medium::disk::Disk;
use crate::journal::medium::{self, Medium};

use acknowledged::AcknowledgedFile;
use append::Active;
use background::{End, Job, Shared, Worker};
use closed::ClosedMark;
use rack::Access;

/// What can be chosen about a store.
#[derive(Clone, Debug)]
pub struct StoreOptions {
    /// Where it lies; made if it is not there.
    pub directory: PathBuf,
    /// Bytes of values after which a segment is full.
    pub segment_bytes: u64,
    /// Room held back for the turn that meets a full disk, in bytes.
    pub ballast_bytes: u64,
    /// Room under which the disk counts as nearly full, in bytes.
    pub free_bytes_min: u64,
}

/// The journal on disk. One owner appends; readers are got from
/// [`reader`](crate::journal::Journal::reader).
#[derive(Debug)]
pub struct Store {
    shared: Arc<Shared>,
    worker: Worker,
    tail: Head,
    /// The segment that is being written; none before the first append and after a roll.
    active: Option<Active>,
    /// The last segment of a clean close, to be written on. Its note, and its bytes of values.
    resumable: Option<(SealedSegment, u64)>,
    /// Whether the mark of a clean close is there, or may be.
    is_marked_closed: bool,
    /// The turn that failed last; the next one appended must be the same.
    failed: Option<Head>,
    /// Notes that a segment holds durably, by first event.
    noted: BTreeMap<u64, SealedSegment>,
    /// Notes that none holds yet.
    pending: Vec<SealedSegment>,
    /// Notes stored since they were asked for last.
    newly_noted: Vec<SealedSegment>,
    acknowledged: AcknowledgedFile,
    /// Whether the last write of that file went well.
    is_acknowledged_written: bool,
    segment_bytes: u64,
    free_bytes_min: u64,
    /// Held as long as the store is open; dropped last.
    _lock: Box<dyn Any + Send + Sync>,
}

impl StoreOptions {
    /// The usual sizes, in that directory: those of a server without a configuration.
    pub fn at(directory: impl Into<PathBuf>) -> Self {
        Self {
            directory: directory.into(),
            segment_bytes: 128 << 20,
            ballast_bytes: 16 << 20,
            free_bytes_min: 512 << 20,
        }
    }
}

impl Store {
    /// Opens the store in the directory, and mends what a crash left.
    ///
    /// # Errors
    /// When another process has it, it is of another format, damaged, or ends before what was
    /// acknowledged; when the disk refuses.
    pub fn open(options: &StoreOptions) -> Result<(Self, OpenReport), OpenError> {
        let disk = Disk::at(&options.directory)
            .map_err(|error| OpenError::io("open the directory", error))?;
        Self::open_on(Arc::new(disk), options, Background::Thread)
    }

    /// Opens the store that lies on `medium`; the directory of the options is not looked at.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn open_on(
        medium: Arc<dyn Medium>,
        options: &StoreOptions,
        background: Background,
    ) -> Result<(Self, OpenReport), OpenError> {
        open::open(medium, options, background)
    }

    /// The directory that it lies in, for what lies beside it.
    #[must_use]
    pub fn medium(&self) -> Arc<dyn Medium> {
        Arc::clone(&self.shared.rack.medium)
    }

    /// The sealed segments whose notes are durable, in order.
    pub fn sealed(&self) -> Vec<SealedSegment> {
        self.noted.values().copied().collect()
    }

    /// The segments whose notes became durable since this was called last.
    pub fn take_sealed(&mut self) -> Vec<SealedSegment> {
        std::mem::take(&mut self.newly_noted)
    }

    /// Room that all files of the directory take, in bytes.
    ///
    /// # Errors
    /// Those of the disk.
    pub fn usage(&self) -> io::Result<u64> {
        directory::usage(self.shared.medium())
    }

    /// Whether the disk is nearly full. When it is not, and the ballast was needed before, it is
    /// put back.
    ///
    /// # Errors
    /// Those of the disk.
    pub fn is_low_on_space(&mut self) -> io::Result<bool> {
        let free = self.shared.medium().free_bytes()?;
        let has_ballast = self.shared.has_ballast.load(Ordering::Acquire);
        if !has_ballast && free >= self.free_bytes_min.saturating_add(self.shared.ballast_bytes) {
            self.worker.give(Job::Ballast);
        }
        Ok(free < self.free_bytes_min)
    }

    /// Does the background's work now, where it has no thread of its own.
    pub fn work(&mut self) {
        self.worker.run_inline();
    }

    /// Closes cleanly: the next start has nothing to mend, but for the segments that are being
    /// rewritten, which it finds as this one did.
    ///
    /// # Errors
    /// Those of the disk. Nothing acknowledged is lost then; the next start mends.
    pub fn close(mut self) -> io::Result<()> {
        self.worker.retry();
        self.worker.finish();
        self.collect();
        let value_bytes = self.close_last_segment()?;
        let medium = self.shared.medium();
        medium::remove_if_there(medium, directory::NEXT)?;
        self.acknowledged.sync()?;

        // A turn that failed may be readable in a segment that is not rewritten, or in one that is
        // named and not known to be: the next start looks.
        let last = self.shared.rack.segments().keys().next_back().copied();
        let is_noted = last == self.pending.last().map(|note| note.first.0);
        if self.failed.is_some() || !is_noted {
            return Ok(());
        }
        let mark = ClosedMark { tail: self.tail, value_bytes, notes: self.pending.clone() };
        medium::write_whole(medium, closed::NAME, &mark.encode())
    }

    /// Closes the segment that was being written and notes it. Says how many bytes of values it
    /// holds, or that it is not to be written on.
    fn close_last_segment(&mut self) -> io::Result<u64> {
        let Some(Active { segment, writing, value_bytes }) = self.active.take() else {
            let (note, value_bytes) = self.resumable.take().unzip();
            self.pending.extend(note);
            return Ok(value_bytes.unwrap_or(u64::MAX));
        };
        let failed = |failure: backend::Failure| io::Error::other(failure.what);
        segment.set_access(Access::Closing);
        let closed = writing.close();
        // Readers may outlive the store.
        let through = self.tail.seq.0;
        segment.set_access(match closed {
            Ok(()) => Access::Sealed { note: None, is_checked: true, handle: None },
            Err(_) => Access::Unclean { through, handle: None },
        });
        closed.map_err(failed)?;
        let end = End { last: self.tail, digest: None };
        let medium = self.shared.medium();
        let note = background::note(medium, &segment.name, Seq(segment.first), end);
        self.pending.push(note.map_err(failed)?);
        Ok(value_bytes)
    }
}

impl Drop for Store {
    /// Without a close, as in a crash: nothing is written any more. Readers that outlive the store
    /// must not close a file that another store may have opened by then.
    fn drop(&mut self) {
        if let Some(Active { segment, writing, .. }) = self.active.take() {
            segment.set_access(Access::Unclean { through: self.tail.seq.0, handle: None });
            writing.give_up();
        }
    }
}
