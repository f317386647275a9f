//! When a fold is due, and the fold itself; no thread.

use std::io;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::{FoldOptions, FoldStatus, SealNote};
use crate::domain::digest::Digest;
use crate::domain::ids::Seq;
use crate::journal::recover::{Base, RecoverError, newest_good, replay};
use crate::journal::snapshot;

/// Why there is no new snapshot.
#[derive(Debug, thiserror::Error)]
pub enum FoldError {
    /// The fold came to another state than the writer had.
    #[error(
        "the fold up to event {seq} has digest {found:x?}, and the running state had {noted:x?}"
    )]
    Differs {
        /// Up to which event.
        seq: Seq,
        /// As the writer noted it.
        noted: Digest,
        /// As the fold came to it.
        found: Digest,
    },
    /// The journal is damaged.
    #[error("folding the journal: {0}")]
    Damaged(#[source] RecoverError),
    /// The journal or the directory cannot be read now.
    #[error("reading for a fold")]
    Unreadable(#[source] RecoverError),
    /// The snapshot cannot be written now.
    #[error("writing a snapshot")]
    Write(#[source] io::Error),
    /// The server stops.
    #[error("stopped before it was done")]
    Stopped,
}

/// What was sealed since the last snapshot, and what is known of that.
pub(super) struct Folding {
    options: FoldOptions,
    status: Arc<FoldStatus>,
    is_stopping: Arc<AtomicBool>,
    /// Sealed since the snapshot in force, oldest first.
    notes: Vec<SealNote>,
    /// Of those, how many came after the fold was due.
    notes_since_due: usize,
    /// Length of the snapshot in force.
    snapshot_bytes: u64,
    /// The newest fold failed: the next one waits for the next note.
    is_held_back: bool,
}

impl Folding {
    pub(super) fn new(
        options: FoldOptions,
        status: Arc<FoldStatus>,
        is_stopping: Arc<AtomicBool>,
    ) -> io::Result<Self> {
        let candidates = snapshot::newest(&*options.medium)?;
        let in_force = options
            .snapshot_seq
            .and_then(|seq| candidates.into_iter().find(|candidate| candidate.seq == seq));
        let seq = options.snapshot_seq.unwrap_or(Seq::ZERO);
        status.snapshot_seq.store(seq.0, Ordering::Release);
        Ok(Self {
            options,
            status,
            is_stopping,
            notes: Vec::new(),
            notes_since_due: 0,
            snapshot_bytes: in_force.map_or(0, |candidate| candidate.bytes),
            is_held_back: false,
        })
    }

    /// Takes note of a sealed segment.
    pub(super) fn note(&mut self, note: SealNote) {
        if note.last.seq <= self.status.snapshot_seq().unwrap_or(Seq::ZERO) {
            return;
        }
        if self.is_due() {
            self.notes_since_due += 1;
        }
        self.notes.push(note);
        self.is_held_back = false;
    }

    /// Whether what was sealed outweighs the snapshot in force.
    pub(super) fn is_due(&self) -> bool {
        let sealed: u64 = self.notes.iter().map(|note| note.bytes).sum();
        !self.notes.is_empty() && sealed >= self.snapshot_bytes
    }

    /// Whether a fold is due and waits for the bulk lane alone.
    pub(super) fn is_waiting(&self) -> bool {
        self.is_due() && !self.is_held_back
    }

    /// Folds, if that is due and nothing speaks against it.
    pub(super) fn fold_if_it_may(&mut self) -> Result<(), FoldError> {
        let is_patient = self.notes_since_due < self.options.segments_waiting_max;
        let is_busy = self.options.is_bulk_busy.load(Ordering::Relaxed);
        if !self.is_waiting() || (is_busy && is_patient) {
            return Ok(());
        }
        let folded = self.fold();
        self.status.through_seq.store(0, Ordering::Release);
        match &folded {
            Ok(()) | Err(FoldError::Stopped) => {}
            Err(FoldError::Write(_) | FoldError::Unreadable(_)) => self.is_held_back = true,
            Err(error @ (FoldError::Differs { .. } | FoldError::Damaged(_))) => {
                self.status.degraded.get_or_init(|| error.to_string());
            }
        }
        folded
    }

    fn fold(&mut self) -> Result<(), FoldError> {
        let Some(newest) = self.notes.last().copied() else {
            return Ok(());
        };
        let reader = &*self.options.reader;
        let base = newest_good(&*self.options.medium, reader, newest.last.seq);
        let Base { mut state, mut head, candidate, .. } = base.map_err(FoldError::of)?;
        self.status.folded_seq.store(head.seq.0, Ordering::Relaxed);
        self.status.through_seq.store(newest.last.seq.0, Ordering::Release);
        for note in &self.notes {
            if note.last.seq < head.seq {
                continue;
            }
            replay(reader, &mut state, &mut head, note.last, &mut |seq| {
                self.status.folded_seq.store(seq.0, Ordering::Relaxed);
                if self.is_stopping.load(Ordering::Acquire) {
                    return ControlFlow::Break(());
                }
                ControlFlow::Continue(())
            })
            .map_err(FoldError::of)?;
            let found = state.digest();
            match note.digest {
                Some(noted) if noted != found => {
                    return Err(FoldError::Differs { seq: head.seq, noted, found });
                }
                Some(_) | None => {}
            }
        }
        let written = snapshot::write(&*self.options.medium, &state, head);
        let bytes = written.map_err(FoldError::Write)?;
        self.put_in_force(head.seq, bytes, candidate.map(|candidate| candidate.seq));
        Ok(())
    }

    fn put_in_force(&mut self, seq: Seq, bytes: u64, before: Option<Seq>) {
        // The one before stays: it was good, and the new one may meet a bad disk.
        let keep: Vec<Seq> = before.into_iter().chain([seq]).collect();
        if let Err(error) = snapshot::prune(&*self.options.medium, &keep) {
            tracing::warn!(%error, "old snapshots stay");
        }
        tracing::info!(seq = seq.0, bytes, "snapshot");
        self.snapshot_bytes = bytes;
        self.notes.clear();
        self.notes_since_due = 0;
        self.status.snapshot_seq.store(seq.0, Ordering::Release);
        self.status.folds.fetch_add(1, Ordering::Release);
    }
}

impl FoldError {
    fn of(error: RecoverError) -> Self {
        match error {
            RecoverError::Stopped => Self::Stopped,
            RecoverError::Read(_) | RecoverError::Snapshots(_) => Self::Unreadable(error),
            RecoverError::Chain { .. }
            | RecoverError::Damaged { .. }
            | RecoverError::Missing { .. }
            | RecoverError::OtherHead { .. } => Self::Damaged(error),
        }
    }
}
