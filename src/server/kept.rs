//! The store as the engine sees it, with what goes on beside an append: folds are told of sealed
//! segments, and health of a disk that runs full.

use std::sync::Arc;

use crate::domain::digest::Digest;
use crate::engine::Status;
use crate::journal::store::Store;
use crate::journal::{AppendError, FoldHandle, Head, Journal, Reader, SealNote, Turn};

/// A store with its folder and its health.
pub(super) struct KeptJournal {
    pub(super) store: Store,
    pub(super) folder: FoldHandle,
    pub(super) status: Arc<Status>,
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

    /// Looks at the room on the disk and at the folds.
    fn tend(&mut self) {
        match self.store.is_low_on_space() {
            Ok(is_low) => self.status.set_low_on_space(is_low),
            Err(error) => tracing::warn!(%error, "look at the room on the disk"),
        }
        if let Some(why) = self.folder.status().degraded() {
            self.status.degrade(format!("snapshots have stopped: {why}"));
        }
    }

    fn close(self: Box<Self>) -> std::io::Result<()> {
        let Self { store, folder, .. } = *self;
        // A fold that runs reads the store: it ends first.
        drop(folder);
        store.close()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicBool;

    use super::*;
    use crate::domain::event::{ClockMode, Event, JournalOpened};
    use crate::domain::ids::{Seq, Timestamp};
    use crate::domain::record::{Actor, Record};
    use crate::journal::store::StoreOptions;
    use crate::journal::{FoldOptions, Folder};

    /// A journal of one event, with so much room wanted on its disk.
    fn kept(dir: &tempfile::TempDir, free_bytes_min: u64) -> KeptJournal {
        let options =
            StoreOptions { ballast_bytes: 1 << 16, free_bytes_min, ..StoreOptions::at(dir.path()) };
        let (store, _) = Store::open(&options).expect("an empty directory opens");
        let busy = Arc::new(AtomicBool::new(false));
        let folder = Folder::start(FoldOptions::new(store.medium(), store.reader(), busy));
        let status = Arc::new(Status::default());
        let mut kept = KeptJournal { store, folder: folder.expect("a thread"), status };
        let mut turn = Turn::after(kept.tail(), ClockMode::System);
        let opened = JournalOpened { journal_id: 1, clock_mode: ClockMode::System };
        turn.push(&Record {
            seq: Seq::FIRST,
            at: Timestamp::EPOCH,
            actor: Actor::SYSTEM,
            previous: None,
            outcome: None,
            event: Event::JournalOpened(opened),
        });
        turn.seal();
        kept.append(&turn).expect("the disk has room");
        kept
    }

    #[test]
    fn room_that_runs_out_and_comes_back_is_seen_without_an_append() {
        let dir = tempfile::tempdir().expect("a directory");
        let mut kept = kept(&dir, u64::MAX);
        assert!(!kept.status.is_low_on_space(), "nobody looked yet");
        kept.tend();
        assert!(kept.status.is_low_on_space());
        kept.store.close().expect("closed");
        let roomy = StoreOptions { free_bytes_min: 0, ..StoreOptions::at(dir.path()) };
        (kept.store, _) = Store::open(&roomy).expect("opens again");
        kept.tend();
        assert!(!kept.status.is_low_on_space());
    }

    #[test]
    fn a_fold_that_comes_to_another_state_is_seen_without_an_append() {
        let dir = tempfile::tempdir().expect("a directory");
        let mut kept = kept(&dir, 0);
        kept.tend();
        assert_eq!(kept.status.degraded(), None);
        let wrong = Some(Digest(5));
        kept.folder.sealed(SealNote { last: kept.tail(), bytes: 1, digest: wrong });
        while kept.folder.status().degraded().is_none() {
            std::thread::yield_now();
        }
        kept.tend();
        let why = kept.status.degraded().expect("it is told");
        assert!(why.starts_with("snapshots have stopped: ") && why.contains("digest"), "{why}");
    }
}
