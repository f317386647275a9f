//! A journal that holds the sequencer between two turns.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};

use crate::domain::digest::Digest;
use crate::journal::{AppendError, Head, Journal, MemoryJournal, Reader, Turn};

/// Holds the sequencer between two turns, at a roll.
pub(super) struct Pause {
    pub(super) came: Receiver<()>,
    pub(super) go: Sender<()>,
    /// Each time that the journal was tended.
    pub(super) tended: Receiver<()>,
}

/// A journal in memory whose rolls last until a test says so.
pub(super) struct Paused {
    inner: MemoryJournal,
    has_come: Sender<()>,
    may_go: Receiver<()>,
    was_tended: Sender<()>,
}

impl Journal for Paused {
    fn tail(&self) -> Head {
        self.inner.tail()
    }

    fn append(&mut self, turn: &Turn) -> Result<(), AppendError> {
        self.inner.append(turn)
    }

    fn is_roll_due(&self) -> bool {
        self.inner.is_roll_due()
    }

    fn roll(&mut self, digest: Digest) -> Result<(), AppendError> {
        self.inner.roll(digest)?;
        // A test that is over lets it go on.
        if self.has_come.send(()).is_ok() {
            self.may_go.recv().unwrap_or_default();
        }
        Ok(())
    }

    fn reader(&self) -> Arc<dyn Reader> {
        self.inner.reader()
    }

    fn tend(&mut self) {
        // Few tests listen.
        let _is_heard = self.was_tended.send(()).is_ok();
    }

    fn close(self: Box<Self>) -> std::io::Result<()> {
        Box::new(self.inner).close()
    }
}

impl Pause {
    pub(super) fn on(inner: MemoryJournal) -> (Self, Box<dyn Journal>) {
        let (has_come, came) = channel();
        let (go, may_go) = channel();
        let (was_tended, tended) = channel();
        let paused = Paused { inner, has_come, may_go, was_tended };
        (Self { came, go, tended }, Box::new(paused))
    }
}
