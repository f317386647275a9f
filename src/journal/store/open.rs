//! The start: what is in the directory, whether it is all that was acknowledged, and what has to be
//! mended before the first append.
//!
//! ```text
//!  look ─▶ not closed cleanly: what may be readable and not durable goes to a fresh segment
//!       ─▶ what was not closed is rewritten, beside the work
//! ```

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::domain::ids::Seq;
use crate::journal::Background;
use crate::journal::head::Head;
use crate::journal::medium::{Medium, remove_if_there};

use super::acknowledged::{Acknowledged, AcknowledgedFile};
use super::background::{End, Job, Shared, Worker};
use super::closed;
use super::copy::copy;
use super::directory;
use super::found::Found;
use super::segment::Writing;
use super::survey::value_head;
use super::{OpenError, Store, StoreOptions, ballast};

/// What a start found and did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenReport {
    /// Whether the directory held no journal.
    pub is_new: bool,
    /// Whether it was closed cleanly.
    pub was_closed: bool,
    /// Where the journal ends.
    pub tail: Head,
    /// What the file `acknowledged` said. Unless it was [`Acknowledged::Known`], the start fell
    /// back to what the segments hold.
    pub acknowledged: Acknowledged,
    /// The events that were appended again to a fresh segment, because they may have been readable
    /// and not durable: first and last.
    pub appended_again: Option<(Seq, Seq)>,
    /// First events of segments that were not closed cleanly and are being rewritten.
    pub rewriting: Vec<Seq>,
    /// Whether there was room for the ballast.
    pub has_ballast: bool,
}

impl fmt::Display for OpenReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.is_new, self.was_closed) {
            (true, _) => return f.write_str("a new journal"),
            (false, true) => write!(f, "the journal was closed cleanly at {}", self.tail)?,
            (false, false) => write!(f, "the journal was not closed; it ends at {}", self.tail)?,
        }
        match self.acknowledged {
            Acknowledged::Known(_) => {}
            Acknowledged::OneSlot(head) => {
                write!(
                    f,
                    "; half of the file `acknowledged` is unreadable, the rest names {head}"
                )?;
            }
            Acknowledged::Unreadable => {
                f.write_str("; the file `acknowledged` is unreadable, the segments alone tell")?;
            }
        }
        if let Some((first, last)) = self.appended_again {
            write!(f, "; events {first} to {last} were appended again")?;
        }
        if !self.rewriting.is_empty() {
            write!(f, "; {} segments are being rewritten", self.rewriting.len())?;
        }
        if !self.has_ballast {
            f.write_str("; there is no room for the ballast")?;
        }
        Ok(())
    }
}

/// Opens a store.
///
/// # Errors
/// See [`Store::open`].
pub(super) fn open(
    medium: Arc<dyn Medium>,
    options: &StoreOptions,
    background: Background,
) -> Result<(Store, OpenReport), OpenError> {
    let found = Found::look(medium)?;
    found.listing.remove_leftovers(&*found.rack.medium)?;
    if found.is_new {
        directory::write_format(&*found.rack.medium)?;
    }
    let mut report = found.report();
    let Found { lock, rack, mark, survey, acknowledged, file, .. } = found;
    if mark.is_none() {
        remove_bad_mark(&*rack.medium)?;
    }
    let file = match file {
        Some(file) => file,
        None => make_acknowledged(&*rack.medium)?,
    };
    let shared = Arc::new(Shared::new(rack, options.ballast_bytes));
    report.has_ballast = put_ballast(&shared);

    let worker = Worker::start(Arc::clone(&shared), background)
        .map_err(|error| OpenError::io("start a thread", error))?;
    let tail = survey.tail;
    let mut store = Store {
        shared,
        worker,
        tail,
        active: None,
        resumable: survey.resumable,
        is_marked_closed: mark.is_some(),
        failed: None,
        noted: survey.noted,
        pending: survey.pending,
        newly_noted: Vec::new(),
        acknowledged: file,
        is_acknowledged_written: true,
        segment_bytes: options.segment_bytes,
        free_bytes_min: options.free_bytes_min,
        _lock: lock,
    };
    let mut unclean = survey.unclean;
    report.appended_again = store.append_again(&mut unclean, acknowledged.head())?;
    if acknowledged.head() != Some(tail) {
        store.acknowledge(tail);
    }
    report.rewriting = unclean.keys().copied().map(Seq).collect();
    store.rewrite(unclean);
    Ok((store, report))
}

impl Store {
    /// Appends to a fresh segment what may be readable and not durable: what the last segment,
    /// not having been closed, holds beyond the acknowledged head; its last value in any case.
    /// Where nothing is known to be acknowledged that is all of it.
    fn append_again(
        &mut self,
        unclean: &mut BTreeMap<u64, Head>,
        acknowledged: Option<Head>,
    ) -> Result<Option<(Seq, Seq)>, OpenError> {
        let rack = Arc::clone(&self.shared.rack);
        let Some((_, last)) = rack.segments().last_key_value().map(|(k, s)| (*k, Arc::clone(s)))
        else {
            return Ok(None);
        };
        if !unclean.contains_key(&last.first) {
            return Ok(None);
        }
        let bad = |error| OpenError::segment(&last.name, last.first, error);
        let (view, _) = rack.view(&last).map_err(bad)?;
        let in_question = acknowledged.map_or(last.first, |head| head.seq.0 + 1);
        let in_question = in_question.clamp(last.first, self.tail.seq.0);
        let from = view.at_or_before(in_question).map_err(bad)?.map_or(last.first, |v| v.first);

        let before = match from.checked_sub(1).filter(|&seq| seq >= last.first) {
            Some(seq) => view.at_or_before(seq).map_err(bad)?,
            None => None,
        };
        let before = before.map(|lent| value_head(&last, &lent)).transpose()?;

        let through = self.tail.seq.0;
        let mut fill = |writing: &Writing, notes: &[_]| {
            let copied = copy(&view, from, through, writing, notes, &AtomicBool::new(false));
            copied.map(|copied| copied.value_bytes)
        };
        self.append_afresh(Seq(from), &mut fill)?;
        match before {
            Some(before) => {
                unclean.insert(last.first, before);
                last.counts_through(before.seq.0);
            }
            // The fresh one has taken its name.
            None => drop(unclean.remove(&last.first)),
        }
        Ok(Some((Seq(from), self.tail.seq)))
    }

    /// Has what was not closed rewritten.
    fn rewrite(&mut self, unclean: BTreeMap<u64, Head>) {
        let segments = self.shared.rack.segments();
        for (first, last) in unclean {
            if let Some(segment) = segments.get(&first).map(Arc::clone) {
                self.worker.give(Job::Rewrite { segment, end: End { last, digest: None } });
            }
        }
    }
}

/// Takes a mark away that is not whole: every page is checked, as after a crash.
fn remove_bad_mark(medium: &dyn Medium) -> Result<(), OpenError> {
    let removed = remove_if_there(medium, closed::NAME);
    let removed = removed.and_then(|was| if was { medium.sync_names() } else { Ok(()) });
    removed.map_err(|error| OpenError::io("remove a damaged mark", error))
}

/// What the segments hold may be readable and not durable: nothing is known yet.
fn make_acknowledged(medium: &dyn Medium) -> Result<AcknowledgedFile, OpenError> {
    AcknowledgedFile::create(medium, Head::GENESIS)
        .and_then(|file| medium.sync_names().map(|()| file))
        .map_err(|error| OpenError::io("make the file `acknowledged`", error))
}

fn put_ballast(shared: &Shared) -> bool {
    let medium = shared.medium();
    let is_there = ballast::is_there(medium, shared.ballast_bytes)
        || ballast::make(medium, shared.ballast_bytes).is_ok();
    shared.has_ballast.store(is_there, Ordering::Release);
    is_there
}
