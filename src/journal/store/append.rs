//! The writing end: one turn, one commit, one sync; and law 5, one outcome of a failed one.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use crate::domain::digest::Digest;
use crate::domain::ids::Seq;
use crate::journal::head::Head;
use crate::journal::medium::remove_if_there;
use crate::journal::turn::Turn;
use crate::journal::{AppendError, Journal, Reader};

use super::Store;
use super::backend::Failure;
use super::background::{End, Job, discard, make_next};
use super::directory::{NEXT, segment_name};
use super::rack::{Access, Segment};
use super::reader::StoreReader;
use super::sealed::SealedSegment;
use super::segment::Writing;
use super::{ballast, closed};

/// The segment that is being written.
#[derive(Debug)]
pub(super) struct Active {
    pub(super) segment: Arc<Segment>,
    pub(super) writing: Arc<Writing>,
    /// Bytes of values in it.
    pub(super) value_bytes: u64,
}

/// Rolled segments that may wait to be closed before the next roll.
const CLOSING_MAX: usize = 2;

/// What goes to a segment as one commit, or several before it has its name.
pub(super) type Fill<'a> = dyn FnMut(&Writing, &[SealedSegment]) -> Result<u64, Failure> + 'a;

impl Journal for Store {
    fn tail(&self) -> Head {
        self.tail
    }

    fn append(&mut self, turn: &Turn) -> Result<(), AppendError> {
        assert_eq!(turn.follows(), self.tail, "a turn follows the tail");
        let head = turn.head();
        if turn.is_empty() {
            return Ok(());
        }
        assert!(self.failed.is_none_or(|failed| failed == head), "a failed turn comes again");

        self.collect();
        let appended = self.append_anywhere(turn);
        self.failed = appended.is_err().then_some(head);
        appended?;
        self.acknowledge(head);
        Ok(())
    }

    fn is_roll_due(&self) -> bool {
        // While the last ones are still being closed this one grows on.
        let is_full = |active: &Active| active.value_bytes >= self.segment_bytes;
        self.active.as_ref().is_some_and(is_full)
            && self.shared.closing.load(Ordering::Acquire) < CLOSING_MAX
    }

    fn roll(&mut self, digest: Digest) -> Result<(), AppendError> {
        let end = End { last: self.tail, digest: Some(digest) };
        if let Some(Active { segment, writing, .. }) = self.active.take() {
            self.shared.closing.fetch_add(1, Ordering::AcqRel);
            self.worker.give(Job::Seal { segment, writing, end });
            self.worker.give(Job::Prepare);
            self.worker.retry();
            // Bounds how far a power cut sets it back.
            if let Err(error) = self.acknowledged.sync() {
                tracing::warn!(%error, "the file `acknowledged` is not synced");
            }
        }
        Ok(())
    }

    fn reader(&self) -> Arc<dyn Reader> {
        Arc::new(StoreReader::new(Arc::clone(&self.shared.rack)))
    }

    fn close(self: Box<Self>) -> std::io::Result<()> {
        Store::close(*self)
    }
}

impl Store {
    /// Takes over what the background noted.
    pub(super) fn collect(&mut self) {
        self.pending.extend(self.shared.take_sealed());
    }

    /// The tail moved: says so to readers and to the next start.
    pub(super) fn acknowledge(&mut self, head: Head) {
        self.tail = head;
        self.shared.rack.set_tail(head.seq);
        let written = self.acknowledged.write(head);
        if let (Err(error), true) = (&written, self.is_acknowledged_written) {
            tracing::warn!(%error, "the file `acknowledged` is not written any more");
        }
        self.is_acknowledged_written = written.is_ok();
    }

    fn append_anywhere(&mut self, turn: &Turn) -> Result<(), AppendError> {
        if self.active.is_none() {
            self.resume();
        }
        if let Some(active) = &mut self.active {
            match commit_turn(&active.writing, turn, &self.pending) {
                Ok(value_bytes) => {
                    active.value_bytes += value_bytes;
                    self.note_durable();
                    return Ok(());
                }
                Err(failure) => self.give_up(&failure),
            }
        }
        let mut fill =
            |writing: &Writing, notes: &[SealedSegment]| commit_turn(writing, turn, notes);
        self.append_afresh(turn.first_seq(), &mut fill)
    }

    /// Begins a fresh segment with what `fill` puts there. When there is no room, the ballast goes
    /// and it is tried once more.
    pub(super) fn append_afresh(
        &mut self,
        first: Seq,
        fill: &mut Fill<'_>,
    ) -> Result<(), AppendError> {
        let failure = match self.try_afresh(first, fill) {
            Ok(()) => return Ok(()),
            Err(failure) => failure,
        };
        if !failure.is_full || !self.release_ballast() {
            return Err(failure.into());
        }
        Ok(self.try_afresh(first, fill)?)
    }

    fn try_afresh(&mut self, first: Seq, fill: &mut Fill<'_>) -> Result<(), Failure> {
        self.remove_closed_mark()?;
        let shared = Arc::clone(&self.shared);
        // Held until the file has its name, so that nobody makes another in its place.
        let mut next = shared.next.lock();
        let writing = match next.take() {
            Some(writing) => writing,
            None => make_next(shared.medium())?,
        };
        let notes: Vec<_> = self.noted.values().chain(&self.pending).copied().collect();
        let value_bytes = fill(&writing, &notes).inspect_err(|_| {
            writing.give_up();
            discard(shared.medium(), NEXT);
        })?;
        let name = segment_name(first);
        let named = shared.medium().rename(NEXT, &name).and_then(|()| shared.medium().sync_names());
        if let Err(error) = named {
            // It may have its name or not; what it holds is the same turn's in any case, and the
            // next attempt takes the name.
            writing.give_up();
            return Err(Failure::from_io("name a segment", &error));
        }
        drop(next);

        let writing = Arc::new(writing);
        let segment = Segment::new(first.0, Access::Active(Arc::clone(&writing)));
        shared.rack.put(Arc::clone(&segment));
        self.active = Some(Active { segment, writing, value_bytes });
        self.note_durable();
        self.worker.give(Job::Prepare);
        self.worker.retry();
        Ok(())
    }

    /// Never writes the active segment again: it counts up to the tail.
    fn give_up(&mut self, failure: &Failure) {
        let Some(Active { segment, writing, .. }) = self.active.take() else {
            return;
        };
        tracing::error!(segment.name, what = failure.what, "a segment is given up");
        segment.set_access(Access::Unclean { through: self.tail.seq.0, handle: None });
        writing.give_up();
        if failure.is_full {
            self.release_ballast();
        }
        let end = End { last: self.tail, digest: None };
        self.worker.give(Job::Rewrite { segment, end });
    }

    fn release_ballast(&self) -> bool {
        self.shared.has_ballast.store(false, Ordering::Release);
        ballast::release(self.shared.medium()).unwrap_or_else(|error| {
            tracing::warn!(%error, "the ballast is not released");
            false
        })
    }

    /// What was pending is in a segment now.
    fn note_durable(&mut self) {
        for note in self.pending.drain(..) {
            self.noted.insert(note.first.0, note);
            self.newly_noted.push(note);
        }
    }

    /// Takes the last segment of a clean close up again, if it has room. Where that fails it stays
    /// sealed, and the turn goes to a fresh one.
    fn resume(&mut self) {
        let Some((note, value_bytes)) = self.resumable.take() else {
            return;
        };
        let segment = self.shared.rack.segments().get(&note.first.0).map(Arc::clone);
        let (Some(segment), true) = (segment, value_bytes < self.segment_bytes) else {
            self.pending.push(note);
            return;
        };
        if let Err(failure) = self.remove_closed_mark() {
            tracing::warn!(what = failure.what, "the last segment is not taken up again");
            self.pending.push(note);
            return;
        }
        // Readers of the sealed file would meet pages that are written over.
        segment.set_access(Access::Closing);
        let file = self.shared.medium().open(&segment.name);
        let resumed = file
            .map_err(|error| Failure::from_io("open a segment", &error))
            .and_then(Writing::resume);
        match resumed {
            Ok(writing) => {
                let writing = Arc::new(writing);
                segment.set_access(Access::Active(Arc::clone(&writing)));
                self.active = Some(Active { segment, writing, value_bytes });
                self.worker.give(Job::Prepare);
            }
            Err(failure) => {
                // redb may have written: what was noted of the file need not hold.
                tracing::warn!(what = failure.what, "the last segment is not taken up again");
                segment.set_access(Access::Unclean { through: self.tail.seq.0, handle: None });
                let end = End { last: self.tail, digest: None };
                self.worker.give(Job::Rewrite { segment, end });
            }
        }
    }

    /// Durably, so that no start after a later crash takes this for a clean close.
    fn remove_closed_mark(&mut self) -> Result<(), Failure> {
        if !self.is_marked_closed {
            return Ok(());
        }
        let medium = self.shared.medium();
        remove_if_there(medium, closed::NAME)
            .and_then(|_| medium.sync_names())
            .map_err(|error| Failure::from_io("remove the mark of a clean close", &error))?;
        self.is_marked_closed = false;
        Ok(())
    }
}

/// One commit with all values of a turn. Says how many bytes they are.
fn commit_turn(writing: &Writing, turn: &Turn, notes: &[SealedSegment]) -> Result<u64, Failure> {
    let mut value_bytes = 0;
    let mut values = turn.values().map(|(first, bytes)| {
        value_bytes += bytes.len() as u64;
        (first.0, bytes)
    });
    writing.commit(&mut values, notes)?;
    Ok(value_bytes)
}
