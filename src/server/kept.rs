//! The store as the engine sees it, with what goes on beside an append: folds are told of sealed
//! segments, and health of a disk that runs full.

use std::sync::Arc;

use crate::domain::digest::Digest;
use crate::engine::Status;
use crate::journal::fold::FolderHandle;
use crate::journal::store::Store;
use crate::journal::{AppendError, Head, Journal, Reader, Turn};

/// Appends between two looks at the room on the disk.
const APPENDS_PER_LOOK: u32 = 256;

/// A store with its folder and its health.
pub(super) struct KeptJournal {
    pub(super) store: Store,
    pub(super) folder: FolderHandle,
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
            self.folder.sealed(segment.last, segment.bytes, segment.digest);
        }
        if self.appends.is_multiple_of(APPENDS_PER_LOOK) {
            match self.store.is_low_on_space() {
                Ok(is_low) => self.status.set_low_on_space(is_low),
                Err(error) => tracing::warn!(%error, "look at the room on the disk"),
            }
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
        self.folder.stop();
        self.store.close()
    }
}
