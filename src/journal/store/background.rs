//! What is done beside the writer: the next segment made ahead, full ones closed and sealed,
//! unclean ones rewritten, the ballast put back.
//!
//! Nothing here is needed for an append to be durable, and a failure here fails no append: it is
//! tried again at the next occasion. A close waits for a segment to be sealed and for no rewrite: what
//! is not rewritten has no note, and the next start finds it by that.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::JoinHandle;

use parking_lot::Mutex;

use crate::domain::digest::Digest;
use crate::domain::ids::Seq;
use crate::journal::aside::{self, Background};
use crate::journal::head::Head;
use crate::journal::medium::{Medium, remove_if_there};

use super::backend::Failure;
use super::ballast;
use super::copy::{Copied, copy};
use super::directory::{COPY, NEXT};
use super::rack::{Access, Rack, Segment};
use super::sealed::{self, SealedSegment};
use super::segment::Writing;

/// Something to do.
#[derive(Debug)]
pub(super) enum Job {
    /// Make `journal-next.redb`.
    Prepare,
    /// Close a segment that was rolled, and seal it.
    Seal {
        /// Which.
        segment: Arc<Segment>,
        /// Its writing handle.
        writing: Arc<Writing>,
        /// What is known of it.
        end: End,
    },
    /// Write what counts of an unclean segment to a fresh file in its place, and seal that.
    Rewrite {
        /// Which.
        segment: Arc<Segment>,
        /// What is known of it.
        end: End,
    },
    /// Put the ballast back.
    Ballast,
}

/// Where a segment ends.
#[derive(Clone, Copy, Debug)]
pub(super) struct End {
    /// The head of its last value.
    pub(super) last: Head,
    /// The state's digest there.
    pub(super) digest: Option<Digest>,
}

/// What the writer and the background have in common.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) rack: Arc<Rack>,
    pub(super) ballast_bytes: u64,
    pub(super) has_ballast: AtomicBool,
    /// The next segment, if it is made. Locked as long as the name `journal-next.redb` is used.
    pub(super) next: Mutex<Option<Writing>>,
    /// Segments that were rolled and are not closed yet, each with a cache of its own.
    pub(super) closing: AtomicUsize,
    /// Whether the store ends: segments are not rewritten any more.
    is_ending: AtomicBool,
    done: Mutex<Done>,
}

#[derive(Debug, Default)]
struct Done {
    sealed: Vec<SealedSegment>,
    failed: Vec<Job>,
}

/// The jobs and who does them.
#[derive(Debug)]
pub(super) struct Worker {
    shared: Arc<Shared>,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    Thread { jobs: crossbeam::channel::Sender<Job>, handle: JoinHandle<()> },
    Inline(VecDeque<Job>),
    Ended,
}

impl Shared {
    /// Nothing made yet.
    pub(super) fn new(rack: Arc<Rack>, ballast_bytes: u64) -> Self {
        Self {
            rack,
            ballast_bytes,
            has_ballast: AtomicBool::new(false),
            next: Mutex::default(),
            closing: AtomicUsize::new(0),
            is_ending: AtomicBool::new(false),
            done: Mutex::default(),
        }
    }

    /// The disk.
    pub(super) fn medium(&self) -> &dyn Medium {
        &*self.rack.medium
    }

    /// The notes made since this was asked last.
    pub(super) fn take_sealed(&self) -> Vec<SealedSegment> {
        std::mem::take(&mut self.done.lock().sealed)
    }

    fn run(&self, job: Job) {
        let noted = match &job {
            Job::Prepare => {
                self.prepare();
                return;
            }
            Job::Ballast if self.has_ballast.load(Ordering::Acquire) => return,
            Job::Ballast => {
                let is_there = ballast::make(self.medium(), self.ballast_bytes).is_ok();
                self.has_ballast.store(is_there, Ordering::Release);
                return;
            }
            Job::Seal { segment, writing, end } => {
                let noted = self.seal(segment, writing, *end);
                self.closing.fetch_sub(1, Ordering::AcqRel);
                noted
            }
            Job::Rewrite { .. } if self.is_ending.load(Ordering::Acquire) => return,
            Job::Rewrite { segment, end } => self.rewrite(segment, *end),
        };
        match noted {
            Ok(note) => self.done.lock().sealed.push(note),
            Err(failure) => {
                if self.is_ending.load(Ordering::Acquire) {
                    tracing::debug!(what = failure.what, "a segment is left to the next start");
                    return;
                }
                tracing::warn!(what = failure.what, "a segment is not sealed yet");
                let (Job::Seal { segment, end, .. } | Job::Rewrite { segment, end }) = job else {
                    return;
                };
                self.done.lock().failed.push(Job::Rewrite { segment, end });
            }
        }
    }

    fn prepare(&self) {
        let mut next = self.next.lock();
        if next.is_some() {
            return;
        }
        match make_next(self.medium()) {
            Ok(writing) => *next = Some(writing),
            // The writer will need one and say what is wrong.
            Err(failure) => tracing::debug!(what = failure.what, "no segment is made ahead"),
        }
    }

    fn seal(
        &self,
        segment: &Arc<Segment>,
        writing: &Writing,
        end: End,
    ) -> Result<SealedSegment, Failure> {
        segment.set_access(Access::Closing);
        if let Err(failure) = writing.close() {
            tracing::warn!(what = failure.what, "a segment did not close cleanly");
            segment.set_access(Access::Unclean { through: end.last.seq.0, handle: None });
            return self.rewrite(segment, end);
        }
        // This process wrote it and closed it: readers need not wait for its hash.
        segment.set_access(Access::Sealed { note: None, is_checked: true, handle: None });
        let noted = note(self.medium(), &segment.name, Seq(segment.first), end);
        if let Ok(note) = noted {
            segment.set_note(note);
        }
        noted
    }

    fn rewrite(&self, segment: &Arc<Segment>, end: End) -> Result<SealedSegment, Failure> {
        self.try_rewrite(segment, end).inspect_err(|_| discard(self.medium(), COPY))
    }

    fn try_rewrite(&self, segment: &Arc<Segment>, end: End) -> Result<SealedSegment, Failure> {
        let medium = self.medium();
        let disk = |doing: &str, error: &std::io::Error| Failure::from_io(doing, error);
        let refused = |what: String| Failure { is_full: false, what };

        let (view, _) = self
            .rack
            .view(segment)
            .map_err(|error| refused(format!("read {}: {error}", segment.name)))?;
        let fresh = medium.create(COPY).map_err(|error| disk("create a copy", &error))?;
        let fresh = Writing::create(fresh)?;
        let (first, through) = (segment.first, end.last.seq.0);
        let copied = copy(&view, first, through, &fresh, &[], &self.is_ending)?;
        if copied.head != end.last {
            let Copied { head, .. } = copied;
            return Err(refused(format!("{} ends at {head}, not {}", segment.name, end.last)));
        }
        fresh.close()?;
        let note = note(medium, COPY, Seq(segment.first), end)?;
        medium.rename(COPY, &segment.name).map_err(|error| disk("rename a copy", &error))?;
        medium.sync_names().map_err(|error| disk("sync the directory", &error))?;
        segment.set_access(Access::Sealed { note: Some(note), is_checked: true, handle: None });
        Ok(note)
    }
}

impl Worker {
    /// Starts whoever does the jobs.
    ///
    /// # Errors
    /// When there is no thread to be had.
    pub(super) fn start(shared: Arc<Shared>, background: Background) -> std::io::Result<Self> {
        let kind = match background {
            Background::Inline => Kind::Inline(VecDeque::new()),
            Background::Thread => {
                let (jobs, queue) = crossbeam::channel::unbounded();
                let shared = Arc::clone(&shared);
                let run = move || queue.into_iter().for_each(|job| shared.run(job));
                let handle = aside::spawn("segments", run)?;
                Kind::Thread { jobs, handle }
            }
        };
        Ok(Self { shared, kind })
    }

    /// Something to do, in the order given.
    pub(super) fn give(&mut self, job: Job) {
        match &mut self.kind {
            // The queue ends only with the store.
            Kind::Thread { jobs, .. } => drop(jobs.send(job)),
            Kind::Inline(jobs) => jobs.push_back(job),
            Kind::Ended => {}
        }
    }

    /// Gives again what failed.
    pub(super) fn retry(&mut self) {
        let failed = std::mem::take(&mut self.shared.done.lock().failed);
        for job in failed {
            self.give(job);
        }
    }

    /// Does what is given to an inline worker.
    pub(super) fn run_inline(&mut self) {
        if let Kind::Inline(jobs) = &mut self.kind {
            jobs.drain(..).for_each(|job| self.shared.run(job));
        }
    }

    /// Seals what is left to seal, rewrites nothing any more, and ends.
    pub(super) fn finish(&mut self) {
        self.shared.is_ending.store(true, Ordering::Release);
        self.run_inline();
        if let Kind::Thread { jobs, handle } = std::mem::replace(&mut self.kind, Kind::Ended) {
            drop(jobs);
            if handle.join().is_err() {
                tracing::error!("the thread of the segments panicked");
            }
        }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        // An inline worker that is dropped is a crash: what it had to do is not done.
        if let Kind::Thread { .. } = self.kind {
            self.finish();
        }
    }
}

/// Makes `journal-next.redb`.
///
/// # Errors
/// What the disk said.
pub(super) fn make_next(medium: &dyn Medium) -> Result<Writing, Failure> {
    let file = medium.create(NEXT).map_err(|error| Failure::from_io("create a segment", &error))?;
    Writing::create(file).inspect_err(|_| discard(medium, NEXT))
}

/// Removes a file that came to nothing, so that attempts do not pile up and take room.
pub(super) fn discard(medium: &dyn Medium, name: &str) {
    if let Err(error) = remove_if_there(medium, name) {
        tracing::debug!(%error, name, "an unfinished file is left for the next attempt");
    }
}

/// Notes a file that is closed for good.
///
/// # Errors
/// What the disk said.
pub(super) fn note(
    medium: &dyn Medium,
    name: &str,
    first: Seq,
    end: End,
) -> Result<SealedSegment, Failure> {
    let noted = || {
        let file = medium.open(name)?;
        let blake3 = sealed::hash(&*file)?;
        let End { last, digest } = end;
        Ok(SealedSegment { first, last, bytes: file.len()?, blake3, digest })
    };
    noted().map_err(|error| Failure::from_io("hash a segment", &error))
}
