//! One segment in redb's hands: the only file that calls redb.
//!
//! ```text
//!   table `values`: first seq of a value → its bytes
//!   table `seals`:  first seq of a sealed segment → its note
//! ```
//!
//! redb panics on some damaged files. Every call that may meet one is made inside `guarded`, which
//! turns a panic into [`SegmentError::Damaged`].

use std::fmt::Display;
use std::io;
use std::ops::Bound;
use std::sync::Arc;

use parking_lot::RwLock;
use redb::{
    AccessGuard, Builder, Database, Range, ReadOnlyDatabase, ReadOnlyTable, ReadTransaction,
    ReadableDatabase as _, TableDefinition, TableError,
};

use crate::journal::medium::MediumFile;

use super::backend::{Failure, Fence, Fenced, Overlay};
use super::guarded::guarded;
use super::sealed::{NOTE_BYTES, SealedSegment};

const VALUES: TableDefinition<u64, &[u8]> = TableDefinition::new("values");
const SEALS: TableDefinition<u64, &[u8; NOTE_BYTES]> = TableDefinition::new("seals");

/// Cache of the segment that is being written, in bytes; redb's own default is 1 GiB for each
/// database. Half of it takes a turn's pages before they are written.
pub const ACTIVE_CACHE_BYTES: usize = 24 << 20;
/// Cache of a segment that is only read.
const SEALED_CACHE_BYTES: usize = 4 << 20;

/// Why a segment cannot be read.
#[derive(Debug, thiserror::Error)]
pub(super) enum SegmentError {
    /// The handle was closed or given up under the reader: another one is there or coming.
    #[error("the segment's handle is closed")]
    Closed,
    /// The disk.
    #[error(transparent)]
    Io(io::Error),
    /// Its bytes.
    #[error("{0}")]
    Damaged(String),
}

/// A segment that is being written. One thread commits, any number read.
#[derive(Debug)]
pub(super) struct Writing {
    /// None once it is closed or given up.
    database: RwLock<Option<Database>>,
    fence: Arc<Fence>,
}

/// A segment that is only read.
pub(super) enum Reading {
    /// Closed cleanly, so that redb need not write to open it.
    Sealed(ReadOnlyDatabase),
    /// Not closed cleanly: repaired in memory, its file untouched.
    Repaired(Database),
}

/// What one reader sees of a segment, however it grows.
pub(super) struct View {
    /// None while nothing was committed.
    values: Option<ReadOnlyTable<u64, &'static [u8]>>,
    transaction: ReadTransaction,
}

/// A value, lent from redb's page.
pub(super) struct Lent {
    /// Its key.
    pub(super) first: u64,
    value: AccessGuard<'static, &'static [u8]>,
}

/// Values in order.
pub(super) struct Values(Option<Range<'static, u64, &'static [u8]>>);

impl Writing {
    /// A new segment in an empty file.
    ///
    /// # Errors
    /// What the disk said.
    pub(super) fn create(file: Arc<dyn MediumFile>) -> Result<Self, Failure> {
        Self::begin(file, "create a segment")
    }

    /// A segment that was closed cleanly, to be written on.
    ///
    /// # Errors
    /// What the disk said, or that redb cannot read it.
    pub(super) fn resume(file: Arc<dyn MediumFile>) -> Result<Self, Failure> {
        Self::begin(file, "open a segment")
    }

    fn begin(file: Arc<dyn MediumFile>, doing: &str) -> Result<Self, Failure> {
        let fence = Arc::new(Fence::default());
        let backend = Fenced::new(file, Arc::clone(&fence));
        let begun = guarded(|| {
            Ok(Builder::new()
                .set_cache_size(ACTIVE_CACHE_BYTES)
                .create_with_backend(backend)
                .map_err(redb::Error::from)?)
        });
        match begun {
            Ok(database) => Ok(Self { database: RwLock::new(Some(database)), fence }),
            Err(error) => Err(failure(&fence, doing, &error)),
        }
    }

    /// Puts values and notes, durably, as one commit: one sync.
    ///
    /// # Errors
    /// What went wrong. Nobody knows then what of it is durable; nothing is written any more.
    pub(super) fn commit(
        &self,
        values: &mut dyn Iterator<Item = (u64, &[u8])>,
        notes: &[SealedSegment],
    ) -> Result<(), Failure> {
        let guard = self.database.read();
        let committed = match guard.as_ref() {
            Some(database) => guarded(|| commit(database, values, notes)),
            None => Err(SegmentError::Closed),
        };
        committed.map_err(|error| {
            self.fence.shut();
            failure(&self.fence, "commit", &error)
        })
    }

    /// What is committed now.
    pub(super) fn view(&self) -> Result<View, SegmentError> {
        match self.database.read().as_ref() {
            Some(database) => View::of(database.begin_read()),
            None => Err(SegmentError::Closed),
        }
    }

    /// Closes it cleanly. Readers meet [`SegmentError::Closed`].
    ///
    /// # Errors
    /// What went wrong; it is given up then.
    pub(super) fn close(&self) -> Result<(), Failure> {
        let database = self.database.write().take();
        let closed = match database {
            Some(database) => guarded(|| Ok(database.close().map_err(redb::Error::from)?)),
            None => Err(SegmentError::Closed),
        };
        let closed = closed.map_err(|error| failure(&self.fence, "close a segment", &error));
        self.fence.shut();
        match (closed, self.fence.failure()) {
            // redb lets some writes fail; what they were for is not known to be done.
            (Ok(()), Some(failure)) => Err(failure),
            (closed, _) => closed,
        }
    }

    /// Never writes it again. Readers meet [`SegmentError::Closed`].
    pub(super) fn give_up(&self) {
        self.fence.shut();
        let database = self.database.write().take();
        // Closing meets the fence; whatever comes of it changes nothing any more.
        drop(guarded(|| {
            drop(database);
            Ok(())
        }));
    }
}

impl Reading {
    /// A segment that was closed cleanly and whose bytes were checked.
    ///
    /// # Errors
    /// When redb cannot read it.
    pub(super) fn sealed(file: Arc<dyn MediumFile>) -> Result<Self, SegmentError> {
        // Shut from the beginning: redb does not write here, and may not.
        let fence = Arc::new(Fence::default());
        fence.shut();
        guarded(|| {
            let database = Builder::new()
                .set_cache_size(SEALED_CACHE_BYTES)
                .open_read_only_with_backend(Fenced::new(file, fence))
                .map_err(redb::Error::from)?;
            Ok(Self::Sealed(database))
        })
    }

    /// A segment that was not closed cleanly. redb checks every page and goes back to the newest
    /// commit that is whole, in memory.
    ///
    /// # Errors
    /// When redb cannot read it.
    pub(super) fn repaired(file: Arc<dyn MediumFile>) -> Result<Self, SegmentError> {
        let overlay = Overlay::new(file).map_err(SegmentError::Io)?;
        guarded(|| {
            let database = Builder::new()
                .set_cache_size(SEALED_CACHE_BYTES)
                .set_check_integrity_on_open(true)
                .create_with_backend(overlay)
                .map_err(redb::Error::from)?;
            Ok(Self::Repaired(database))
        })
    }

    /// What it holds.
    pub(super) fn view(&self) -> Result<View, SegmentError> {
        match self {
            Self::Sealed(database) => View::of(database.begin_read()),
            Self::Repaired(database) => View::of(database.begin_read()),
        }
    }

    /// Closes it at once, under every reader.
    pub(super) fn close(self) {
        drop(guarded(|| {
            match self {
                Self::Sealed(database) => database.close().map_err(redb::Error::from)?,
                Self::Repaired(database) => database.close().map_err(redb::Error::from)?,
            }
            Ok(())
        }));
    }
}

impl View {
    fn of(begun: Result<ReadTransaction, redb::TransactionError>) -> Result<Self, SegmentError> {
        guarded(|| {
            let transaction = begun.map_err(redb::Error::from)?;
            let values = there(transaction.open_table(VALUES))?;
            Ok(Self { values, transaction })
        })
    }

    /// The value under the largest key up to `seq`.
    pub(super) fn at_or_before(&self, seq: u64) -> Result<Option<Lent>, SegmentError> {
        let Some(values) = &self.values else {
            return Ok(None);
        };
        guarded(|| {
            let found = values.range(..=seq).map_err(redb::Error::from)?.next_back();
            Ok(found.transpose().map_err(redb::Error::from)?.map(Lent::new))
        })
    }

    /// The values from the key `start` on.
    pub(super) fn from(&self, start: Bound<u64>) -> Result<Values, SegmentError> {
        let Some(values) = &self.values else {
            return Ok(Values(None));
        };
        guarded(|| {
            let range = values.range((start, Bound::Unbounded)).map_err(redb::Error::from)?;
            Ok(Values(Some(range)))
        })
    }

    /// The notes of sealed segments that it holds.
    pub(super) fn notes(&self) -> Result<Vec<SealedSegment>, SegmentError> {
        guarded(|| {
            let Some(seals) = there(self.transaction.open_table(SEALS))? else {
                return Ok(Vec::new());
            };
            let mut notes = Vec::new();
            for row in seals.range::<u64>(..).map_err(redb::Error::from)? {
                let (first, note) = row.map_err(redb::Error::from)?;
                match SealedSegment::decode(note.value()) {
                    Some(note) if note.first.0 == first.value() => notes.push(note),
                    Some(_) | None => {
                        let what = format!("the note of segment {} is damaged", first.value());
                        return Err(SegmentError::Damaged(what));
                    }
                }
            }
            Ok(notes)
        })
    }
}

impl Values {
    /// The next one.
    pub(super) fn next(&mut self) -> Result<Option<Lent>, SegmentError> {
        let Some(range) = &mut self.0 else {
            return Ok(None);
        };
        guarded(|| Ok(range.next().transpose().map_err(redb::Error::from)?.map(Lent::new)))
    }
}

impl Lent {
    fn new(
        (first, value): (AccessGuard<'static, u64>, AccessGuard<'static, &'static [u8]>),
    ) -> Self {
        Self { first: first.value(), value }
    }

    /// Its bytes.
    pub(super) fn bytes(&self) -> &[u8] {
        self.value.value()
    }
}

impl From<redb::Error> for SegmentError {
    fn from(error: redb::Error) -> Self {
        if matches!(error, redb::Error::DatabaseClosed | redb::Error::PreviousIo) {
            return Self::Closed;
        }
        let what = error.to_string();
        if let redb::Error::Io(error) = error
            && error.kind() != io::ErrorKind::InvalidData
        {
            return Self::Io(error);
        }
        Self::Damaged(what)
    }
}

fn commit(
    database: &Database,
    values: &mut dyn Iterator<Item = (u64, &[u8])>,
    notes: &[SealedSegment],
) -> Result<(), SegmentError> {
    let transaction = database.begin_write().map_err(redb::Error::from)?;
    {
        let mut table = transaction.open_table(VALUES).map_err(redb::Error::from)?;
        for (first, bytes) in values {
            table.insert(first, bytes).map_err(redb::Error::from)?;
        }
    }
    if !notes.is_empty() {
        let mut table = transaction.open_table(SEALS).map_err(redb::Error::from)?;
        for note in notes {
            table.insert(note.first.0, &note.encode()).map_err(redb::Error::from)?;
        }
    }
    transaction.commit().map_err(redb::Error::from)?;
    Ok(())
}

/// A table, or none while it was never written.
fn there<T>(table: Result<T, TableError>) -> Result<Option<T>, SegmentError> {
    match table {
        Ok(table) => Ok(Some(table)),
        Err(TableError::TableDoesNotExist(_)) => Ok(None),
        Err(error) => Err(redb::Error::from(error).into()),
    }
}

/// What failed: the first thing that the disk refused, or else what redb said.
fn failure(fence: &Fence, doing: &str, error: &dyn Display) -> Failure {
    fence.failure().unwrap_or_else(|| Failure { is_full: false, what: format!("{doing}: {error}") })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::Seq;
    use crate::journal::head::Head;

    #[test]
    fn values_and_notes_lie_in_the_tables_of_the_format() {
        let backend = redb::backends::InMemoryBackend::new();
        let database = Database::builder().create_with_backend(backend).expect("in memory");
        let last = Head { seq: Seq(40), hash: [1; 32] };
        let note = SealedSegment { first: Seq(7), last, bytes: 3, blake3: [2; 32], digest: None };
        let value: &[u8] = b"a value";
        commit(&database, &mut [(41, value)].into_iter(), &[note]).expect("in memory");

        let read = database.begin_read().expect("in memory");
        let values = TableDefinition::<u64, &[u8]>::new("values");
        let seals = TableDefinition::<u64, &[u8; 113]>::new("seals");
        let values = read.open_table(values).expect("under its name");
        assert_eq!(values.get(41).expect("read").expect("under its first seq").value(), value);
        let seals = read.open_table(seals).expect("under its name");
        let found = seals.get(7).expect("read").expect("under the segment's first seq");
        assert_eq!(found.value(), &note.encode());
    }
}
