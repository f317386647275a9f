//! The store as the engine sees it, with what goes on beside an append: folds are told of sealed
//! segments, and health of a disk that runs full.

use std::sync::Arc;

use crate::domain::digest::Digest;
use crate::engine::Status;
use crate::journal::store::Store;
use crate::journal::{AppendError, FoldHandle, Head, Journal, Reader, SealNote, Turn};

/// Appends between two looks at the room on the disk.
const APPENDS_PER_LOOK: u32 = 256;

/// A store with its folder and its health.
pub(super) struct KeptJournal {
    pub(super) store: Store,
    pub(super) folder: FoldHandle,
    pub(super) status: Arc<Status>,
    pub(super) appends: u32,
}

impl Journal for KeptJournal {
    fn tail(&self) -> Head {
        self.store.tail()
    }

    fn append(&mut self, turn: &Turn) -> Result<(), AppendError> {
        self.store.append(turn)?;
        for segment in self.store.take_sealed() {
            self.folder.sealed(SealNote::from(&segment));
        }
        if self.appends.is_multiple_of(APPENDS_PER_LOOK) {
            self.look();
        }
        self.appends = self.appends.wrapping_add(1);
        Ok(())
    }

    fn is_roll_due(&self) -> bool {
        self.store.is_roll_due()
    }

    fn roll(&mut self, digest: Digest) -> Result<(), AppendError> {
        self.store.roll(digest)
    }

    fn reader(&self) -> Arc<dyn Reader> {
        self.store.reader()
    }

    fn close(self: Box<Self>) -> std::io::Result<()> {
        let Self { store, folder, .. } = *self;
        // A fold that runs reads the store: it ends first.
        drop(folder);
        store.close()
    }
}

impl KeptJournal {
    /// Looks at the room on the disk and at the folds.
    fn look(&mut self) {
        match self.store.is_low_on_space() {
            Ok(is_low) => self.status.set_low_on_space(is_low),
            Err(error) => tracing::warn!(%error, "look at the room on the disk"),
        }
        if let Some(why) = self.folder.status().degraded() {
            self.status.degrade(format!("snapshots have stopped: {why}"));
        }
    }
}
