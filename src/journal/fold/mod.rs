//! Snapshots without a stall: sealed segments are folded onto the snapshot before, by a thread
//! that the writer never waits for.
//!
//! ```text
//!  snapshot         sealed       sealed       sealed        active
//!  ────┤ 1 … 900 ├──┤ … 1,700 ├──┤ … 2,600 ├──┤ … 3,400 ├──┤ … tail
//!      └──────────────────── fold ─────────────────────▶│ next snapshot
//!                    ▲            ▲            ▲
//!                    digests noted by the writer, compared on the way
//! ```
//!
//! A fold is due once the journal sealed since the last snapshot outweighs it, so that the work of
//! folding stays a share of the work of writing. It waits while the bulk lane is busy, up to four
//! segments. Between folds no state is kept: the snapshot before is loaded from the disk.
//!
//! A digest that differs means that folding and running do not agree, on this machine, today. Then
//! the snapshot before stays in force, the reason stands in the status, and there are no more
//! folds: a start folds longer, and no wrong state is ever started from.
//!
//! It does not know who seals segments, or why.

mod folding;
#[cfg(test)]
mod tests;

use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread::JoinHandle;
use std::time::Duration;

use crossbeam::channel::{Receiver, RecvTimeoutError, Sender};

use super::Reader;
use super::aside::{self, Background};
use super::head::Head;
use super::medium::Medium;
use crate::domain::digest::Digest;
use crate::domain::ids::Seq;
use folding::Folding;

pub use folding::FoldError;

/// A segment that was sealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SealNote {
    /// The head of its last value.
    pub last: Head,
    /// Its length in bytes.
    pub bytes: u64,
    /// The running state's digest there, where it was noted.
    pub digest: Option<Digest>,
}

/// What a folder works with.
pub struct FoldOptions {
    /// Where the snapshots lie.
    pub medium: Arc<dyn Medium>,
    /// The journal.
    pub reader: Arc<dyn Reader>,
    /// The snapshot in force, as the start found it.
    pub snapshot_seq: Option<Seq>,
    /// Whether bulk work waits or runs. Whoever runs the lanes keeps it up.
    pub is_bulk_busy: Arc<AtomicBool>,
    /// Segments that a due fold lets pass while the bulk lane is busy.
    pub segments_waiting_max: usize,
    /// How often a fold that waits looks whether the bulk lane is still busy.
    pub look_again_after: Duration,
    /// Who folds.
    pub background: Background,
}

impl FoldOptions {
    /// Those of design: four segments, looking five times a second.
    #[must_use]
    pub fn new(
        medium: Arc<dyn Medium>,
        reader: Arc<dyn Reader>,
        is_bulk_busy: Arc<AtomicBool>,
    ) -> Self {
        Self {
            medium,
            reader,
            snapshot_seq: None,
            is_bulk_busy,
            segments_waiting_max: 4,
            look_again_after: Duration::from_millis(200),
            background: Background::Thread,
        }
    }
}

/// What folding has come to. Read by health and metrics, from any thread.
#[derive(Debug, Default)]
pub struct FoldStatus {
    snapshot_seq: AtomicU64,
    folded_seq: AtomicU64,
    through_seq: AtomicU64,
    folds: AtomicU64,
    degraded: OnceLock<String>,
}

impl FoldStatus {
    /// The newest snapshot in force.
    #[must_use]
    pub fn snapshot_seq(&self) -> Option<Seq> {
        Some(Seq(self.snapshot_seq.load(Ordering::Acquire))).filter(|seq| *seq != Seq::ZERO)
    }

    /// While a fold runs: the event that it has come to, and the one that it goes to.
    #[must_use]
    pub fn progress(&self) -> Option<(Seq, Seq)> {
        let through = self.through_seq.load(Ordering::Acquire);
        (through > 0).then(|| (Seq(self.folded_seq.load(Ordering::Relaxed)), Seq(through)))
    }

    /// How many folds ended well since the start.
    #[must_use]
    pub fn folds(&self) -> u64 {
        self.folds.load(Ordering::Acquire)
    }

    /// Why there are no more folds, once there are none.
    #[must_use]
    pub fn degraded(&self) -> Option<&str> {
        self.degraded.get().map(String::as_str)
    }
}

/// Starts whoever folds.
#[derive(Debug)]
pub struct Folder;

impl Folder {
    /// Starts it.
    ///
    /// # Errors
    /// When there is no thread to be had, or the directory cannot be read.
    pub fn start(options: FoldOptions) -> io::Result<FoldHandle> {
        let status = Arc::new(FoldStatus::default());
        let is_stopping = Arc::new(AtomicBool::new(false));
        let FoldOptions { look_again_after, background, .. } = options;
        let folding = Folding::new(options, Arc::clone(&status), Arc::clone(&is_stopping))?;
        let kind = match background {
            Background::Inline => Kind::Inline(Box::new(folding)),
            Background::Thread => {
                // One note a segment, 128 MiB of journal apart: it needs no bound.
                let (notes, receiver) = crossbeam::channel::unbounded();
                let run = move || run(folding, &receiver, look_again_after);
                Kind::Thread { notes, thread: aside::spawn("fold", run)? }
            }
        };
        Ok(FoldHandle { kind, status, is_stopping })
    }
}

/// Tells the folder what was sealed. Dropped, it ends a fold that runs, and waits for the thread.
pub struct FoldHandle {
    kind: Kind,
    status: Arc<FoldStatus>,
    is_stopping: Arc<AtomicBool>,
}

enum Kind {
    Thread { notes: Sender<SealNote>, thread: JoinHandle<()> },
    Inline(Box<Folding>),
    Ended,
}

impl FoldHandle {
    /// Says that a segment was sealed. A start says it of those after the snapshot that it found,
    /// in order. Never waits.
    pub fn sealed(&mut self, note: SealNote) {
        match &mut self.kind {
            Kind::Thread { notes, .. } if notes.send(note).is_err() => {
                // The thread ended with its reason in the status.
                tracing::debug!(seq = note.last.seq.0, "no fold takes note of a sealed segment");
            }
            Kind::Inline(folding) => folding.note(note),
            Kind::Thread { .. } | Kind::Ended => {}
        }
    }

    /// Folds now, if that is due, where it has no thread of its own.
    ///
    /// # Errors
    /// When a fold failed; the snapshot before stays in force.
    pub fn work(&mut self) -> Result<(), FoldError> {
        match &mut self.kind {
            Kind::Inline(folding) => folding.fold_if_it_may(),
            Kind::Thread { .. } | Kind::Ended => Ok(()),
        }
    }

    /// What folding has come to.
    #[must_use]
    pub fn status(&self) -> &Arc<FoldStatus> {
        &self.status
    }
}

impl Drop for FoldHandle {
    fn drop(&mut self) {
        self.is_stopping.store(true, Ordering::Release);
        if let Kind::Thread { notes, thread } = std::mem::replace(&mut self.kind, Kind::Ended) {
            drop(notes);
            if thread.join().is_err() {
                tracing::error!("the thread that folds panicked");
            }
        }
    }
}

/// Runs until the handle is gone, or a fold shows that there must be no more.
fn run(mut folding: Folding, notes: &Receiver<SealNote>, look_again_after: Duration) {
    loop {
        let note = if folding.is_waiting() {
            notes.recv_timeout(look_again_after)
        } else {
            notes.recv().map_err(|_gone| RecvTimeoutError::Disconnected)
        };
        match note {
            Ok(note) => folding.note(note),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return,
        }
        notes.try_iter().for_each(|note| folding.note(note));
        match folding.fold_if_it_may() {
            Ok(()) => {}
            Err(FoldError::Stopped) => return,
            Err(error @ (FoldError::Write(_) | FoldError::Unreadable(_))) => {
                let error = &error as &dyn std::error::Error;
                tracing::warn!(error, "no snapshot this time; the next sealed segment tries again");
            }
            Err(error @ (FoldError::Differs { .. } | FoldError::Damaged(_))) => {
                let error = &error as &dyn std::error::Error;
                tracing::error!(error, "no more snapshots; the one before stays in force");
                return;
            }
        }
    }
}
