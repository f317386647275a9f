//! What redb is given for a file: never the file itself.
//!
//! ```text
//!  redb ──▶ Fenced  ──▶ the file           a segment that is being written, or a sealed one
//!       ──▶ Overlay ──▶ the file, read     a segment that must not be written again: what redb's
//!               └────▶ pages in memory     repair writes stays in memory
//! ```

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::{Mutex, RwLock};
use redb::StorageBackend;

use crate::journal::medium::{MediumFile, is_full};

/// Shuts a file for writing at its first failed write or sync, for good.
///
/// redb itself stops after most failures, but not after all: it may write on behind one that only
/// cost it some speed, and writes once more when it closes. A file whose sync failed may not be
/// written again.
#[derive(Debug, Default)]
pub(super) struct Fence {
    is_shut: AtomicBool,
    failure: Mutex<Option<Failure>>,
}

/// What a write failed of.
#[derive(Clone, Debug)]
pub(super) struct Failure {
    /// Whether there was no room.
    pub(super) is_full: bool,
    /// In words.
    pub(super) what: String,
}

/// A file that is read and written until its fence is shut.
#[derive(Debug)]
pub(super) struct Fenced {
    file: Arc<dyn MediumFile>,
    fence: Arc<Fence>,
}

/// A file that is read, under pages that are kept in memory.
#[derive(Debug)]
pub(super) struct Overlay {
    file: Arc<dyn MediumFile>,
    over: RwLock<Over>,
}

#[derive(Debug)]
struct Over {
    /// Length as redb sees it.
    len: u64,
    /// How much of the file still shows: all of it until it is cut.
    under: u64,
    pages: BTreeMap<u64, Box<Page>>,
}

type Page = [u8; PAGE_BYTES];

const PAGE_BYTES: usize = 4_096;
/// The same, as a distance in a file.
const PAGE_STEP: u64 = PAGE_BYTES as u64;

impl Failure {
    /// What a disk said.
    pub(super) fn from_io(doing: &str, error: &io::Error) -> Self {
        Self { is_full: is_full(error), what: format!("{doing}: {error}") }
    }
}

impl Fence {
    /// Nothing more is written behind it.
    pub(super) fn shut(&self) {
        self.is_shut.store(true, Ordering::Release);
    }

    /// Whether it is shut.
    pub(super) fn is_shut(&self) -> bool {
        self.is_shut.load(Ordering::Acquire)
    }

    /// The first failure, if one shut it.
    pub(super) fn failure(&self) -> Option<Failure> {
        self.failure.lock().clone()
    }

    fn pass<T>(&self, doing: &str, write: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
        if self.is_shut() {
            return Err(io::Error::other("the file is given up"));
        }
        write().inspect_err(|error| {
            self.shut();
            self.failure.lock().get_or_insert_with(|| Failure::from_io(doing, error));
        })
    }
}

impl Fenced {
    /// The file behind the fence.
    pub(super) fn new(file: Arc<dyn MediumFile>, fence: Arc<Fence>) -> Self {
        Self { file, fence }
    }
}

impl StorageBackend for Fenced {
    fn len(&self) -> io::Result<u64> {
        self.file.len()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.file.read_at(offset, out)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.fence.pass("change the length", || self.file.set_len(len))
    }

    fn sync_data(&self) -> io::Result<()> {
        self.fence.pass("sync", || self.file.sync())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.fence.pass("write", || self.file.write_at(offset, data))
    }
}

impl Overlay {
    /// The file, under nothing yet.
    ///
    /// # Errors
    /// Those of the disk.
    pub(super) fn new(file: Arc<dyn MediumFile>) -> io::Result<Self> {
        let len = file.len()?;
        Ok(Self { file, over: RwLock::new(Over { len, under: len, pages: BTreeMap::new() }) })
    }

    /// Fills `out` from the file, with zeros where it no longer shows.
    fn read_under(&self, under: u64, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let shown = usize::try_from(under.saturating_sub(offset)).unwrap_or(usize::MAX);
        let (shown, hidden) = out.split_at_mut(shown.min(out.len()));
        hidden.fill(0);
        if shown.is_empty() {
            return Ok(());
        }
        self.file.read_at(offset, shown)
    }
}

impl StorageBackend for Overlay {
    fn len(&self) -> io::Result<u64> {
        Ok(self.over.read().len)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let over = self.over.read();
        let end = offset + out.len() as u64;
        if end > over.len {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.read_under(over.under, offset, out)?;
        for (&at, page) in over.pages.range(offset - offset % PAGE_STEP..end) {
            let (start, stop) = (at.max(offset), (at + PAGE_STEP).min(end));
            out[span(start - offset, stop - offset)]
                .copy_from_slice(&page[span(start - at, stop - at)]);
        }
        Ok(())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        let mut over = self.over.write();
        over.under = over.under.min(len);
        over.len = len;
        over.pages.split_off(&len.next_multiple_of(PAGE_STEP));
        if let Some(mut last) = over.pages.last_entry()
            && *last.key() + PAGE_STEP > len
        {
            let at = *last.key();
            last.get_mut()[span(len - at, PAGE_STEP)].fill(0);
        }
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        let mut over = self.over.write();
        let end = offset + data.len() as u64;
        if end > over.len {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let mut at = offset - offset % PAGE_STEP;
        while at < end {
            if !over.pages.contains_key(&at) {
                let mut page = Box::new([0; PAGE_BYTES]);
                self.read_under(over.under, at, &mut page[..])?;
                over.pages.insert(at, page);
            }
            let (start, stop) = (at.max(offset), (at + PAGE_STEP).min(end));
            if let Some(page) = over.pages.get_mut(&at) {
                page[span(start - at, stop - at)]
                    .copy_from_slice(&data[span(start - offset, stop - offset)]);
            }
            at += PAGE_STEP;
        }
        Ok(())
    }
}

/// A range within a buffer that is in memory, and so shorter than `usize::MAX`.
#[expect(clippy::cast_possible_truncation, reason = "both ends lie within a buffer in memory")]
fn span(start: u64, stop: u64) -> std::ops::Range<usize> {
    start as usize..stop as usize
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::medium::simulated::{Dice, Machine};

    #[test]
    fn nothing_is_written_behind_a_fence_once_a_write_or_a_sync_failed() {
        for fails_on_sync in [true, false] {
            let machine = Machine::new(1);
            let fence = Arc::new(Fence::default());
            let file = machine.medium().create("a").expect("no fault");
            let fenced = Fenced::new(file, Arc::clone(&fence));
            fenced.write(0, b"before").expect("no fault");
            if fails_on_sync {
                machine.fail_sync_after(Some(0));
                assert!(fenced.sync_data().is_err());
            } else {
                machine.leave_room(Some(0));
                assert!(fenced.write(PAGE_STEP, b"no room").is_err());
            }
            assert_eq!(fence.failure().expect("it failed").is_full, !fails_on_sync);
            machine.leave_room(None);

            let before = machine.files();
            assert!(fenced.write(0, b"after").is_err());
            assert!(fenced.set_len(1).is_err());
            assert!(fenced.sync_data().is_err());
            assert_eq!(machine.files(), before);
        }
    }

    #[test]
    fn an_overlay_reads_like_a_file_and_leaves_the_one_under_it_alone() {
        for seed in 0..50 {
            let mut dice = Dice::new(seed);
            let mut model: Vec<u8> =
                (0..dice.below(20_000)).map(|_| dice.roll().to_le_bytes()[0]).collect();
            let machine = Machine::new(seed);
            machine.put("a", &model);
            let overlay = Overlay::new(machine.medium().open("a").expect("it is there"));
            let overlay = overlay.expect("no fault");
            let under = machine.files();
            for _ in 0..100 {
                if dice.once_in(6) {
                    let len = dice.below(30_000);
                    overlay.set_len(len).expect("no fault");
                    model.resize(span(0, len).end, 0);
                }
                let len = model.len() as u64;
                let start = dice.below(len + 1);
                let range = span(start, start + dice.below(len - start + 1));
                if dice.once_in(2) {
                    let data = vec![dice.roll().to_le_bytes()[0]; range.len()];
                    overlay.write(start, &data).expect("within the file");
                    model[range].copy_from_slice(&data);
                } else {
                    let mut out = vec![0; range.len()];
                    overlay.read(start, &mut out).expect("within the file");
                    assert!(out == model[range], "seed {seed}");
                }
            }
            assert_eq!(overlay.len().expect("no fault"), model.len() as u64);
            assert!(overlay.read(model.len() as u64, &mut [0]).is_err());
            assert_eq!(machine.files(), under);
        }
    }
}
