//! What lies in the directory: which segments are sealed, which were not closed, where each ends.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::domain::ids::Seq;
use crate::journal::head::Head;
use crate::journal::value::Value;

use super::closed::ClosedMark;
use super::directory::Listing;
use super::error::OpenError;
use super::rack::{Access, Rack, Segment};
use super::sealed::SealedSegment;
use super::segment::Lent;

/// What was found.
#[derive(Debug)]
pub(super) struct Survey {
    /// Where the journal ends.
    pub(super) tail: Head,
    /// Whether it was closed cleanly.
    pub(super) was_closed: bool,
    /// Notes that a segment holds.
    pub(super) noted: BTreeMap<u64, SealedSegment>,
    /// Notes that only the mark of a clean close holds.
    pub(super) pending: Vec<SealedSegment>,
    /// The last segment of a clean close, and its bytes of values.
    pub(super) resumable: Option<(SealedSegment, u64)>,
    /// Segments that were not closed, and the head of the last value that counts in each.
    pub(super) unclean: BTreeMap<u64, Head>,
}

impl Survey {
    /// Looks at every segment as far as is needed, and puts each on the rack.
    ///
    /// # Errors
    /// When one is missing, damaged or not readable.
    pub(super) fn take(
        rack: &Rack,
        listing: &Listing,
        mark: Option<&ClosedMark>,
    ) -> Result<Self, OpenError> {
        let mut survey = Self {
            tail: Head::GENESIS,
            was_closed: false,
            noted: BTreeMap::new(),
            pending: Vec::new(),
            resumable: None,
            unclean: BTreeMap::new(),
        };
        survey.take_mark(rack, listing, mark);
        survey.walk_back(rack, listing)?;
        survey.check_order(listing)?;
        Ok(survey)
    }

    /// Believes the mark of a clean close if the last segment's file agrees with it, and not at all
    /// otherwise.
    fn take_mark(&mut self, rack: &Rack, listing: &Listing, mark: Option<&ClosedMark>) {
        let Some(mark) = mark else {
            return;
        };
        let Some((last, notes)) = mark.notes.split_last() else {
            self.was_closed = listing.segments.is_empty();
            return;
        };
        let is_last = listing.segments.keys().next_back() == Some(&last.first.0);
        let access = Access::Sealed { note: Some(*last), is_checked: false, handle: None };
        let segment = Segment::new(last.first.0, access);
        match segment.check(&*rack.medium) {
            Ok(()) if is_last && last.last == mark.tail => {
                self.pending = notes.to_vec();
                self.resumable = Some((*last, mark.value_bytes));
                self.was_closed = true;
            }
            // An older mark: its removal never reached the disk, and its segments may have been
            // written afresh since.
            Ok(()) => {}
            Err(error) => {
                // Every page is checked then, as after a crash.
                tracing::warn!(%error, segment.name, "the mark of a clean close does not hold");
            }
        }
    }

    fn note_of(&self, first: u64) -> Option<SealedSegment> {
        let resumable = self.resumable.as_ref().map(|(note, _)| note);
        let pending = self.pending.iter().chain(resumable).find(|note| note.first.0 == first);
        pending.or_else(|| self.noted.get(&first)).copied()
    }

    /// From the last segment back: each holds the notes of those before it, as far as they were
    /// known when it was begun. What has no note was not closed.
    fn walk_back(&mut self, rack: &Rack, listing: &Listing) -> Result<(), OpenError> {
        let mut next: Option<u64> = None;
        let mut are_notes_read = false;
        for &first in listing.segments.keys().rev() {
            let note = self.note_of(first);
            let access = match note {
                Some(_) => {
                    // The one that may be written on was compared a moment ago.
                    let is_checked = self.resumable.is_some_and(|(last, _)| last.first.0 == first);
                    Access::Sealed { note, is_checked, handle: None }
                }
                None => Access::Unclean { through: next.map_or(u64::MAX, |n| n - 1), handle: None },
            };
            let segment = Segment::new(first, access);
            if note.is_none() || !are_notes_read {
                let bad = |error| OpenError::segment(&segment.name, first, error);
                let (view, _) = rack.view(&segment).map_err(bad)?;
                let notes = view.notes().map_err(bad)?;
                are_notes_read |= !notes.is_empty();
                for note in notes {
                    self.noted.entry(note.first.0).or_insert(note);
                }
                if note.is_none() {
                    let through = next.map_or(u64::MAX, |next| next - 1);
                    let last = view.at_or_before(through).map_err(bad)?;
                    let Some(last) = last.map(|lent| value_head(&segment, &lent)).transpose()?
                    else {
                        // Its first commit is not there: nothing of it was acknowledged, or the
                        // file `acknowledged` tells.
                        tracing::warn!(segment.name, "a segment holds nothing");
                        continue;
                    };
                    self.unclean.insert(first, last);
                    segment.counts_through(last.seq.0);
                }
            }
            next = Some(first);
            rack.put(segment);
        }
        Ok(())
    }

    /// Checks that each segment ends where the next one begins, and that none is missing.
    fn check_order(&mut self, listing: &Listing) -> Result<(), OpenError> {
        let missing =
            |first: u64, what: &str| Err(OpenError::Gap { seq: Seq(first), what: what.to_owned() });
        for (first, note) in &self.noted {
            match listing.segments.get(first) {
                None => return missing(*first, "the file of its segment is not there"),
                Some(&bytes) if bytes != note.bytes => {
                    return Err(OpenError::Damaged {
                        file: super::directory::segment_name(note.first),
                        seq: note.first,
                        what: format!("it has {bytes} bytes, and was sealed with {}", note.bytes),
                    });
                }
                Some(_) => {}
            }
        }
        for &first in listing.segments.keys() {
            let last = match (self.note_of(first), self.unclean.get(&first)) {
                (Some(note), _) => note.last,
                (None, Some(last)) => *last,
                (None, None) => continue,
            };
            let expected = self.tail.seq.next().0;
            if first > expected {
                return missing(expected, &format!("the next segment begins at {first}"));
            }
            if first < expected {
                return Err(OpenError::Damaged {
                    file: super::directory::segment_name(Seq(first)),
                    seq: Seq(first),
                    what: format!("the segment before it ends at {}", self.tail.seq),
                });
            }
            self.tail = last;
        }
        Ok(())
    }
}

/// The head at the end of a value, which is checked.
///
/// # Errors
/// When it is damaged.
pub(super) fn value_head(segment: &Arc<Segment>, lent: &Lent) -> Result<Head, OpenError> {
    let damaged = |what: String| OpenError::Damaged {
        file: segment.name.clone(),
        seq: Seq(lent.first),
        what,
    };
    let value = Value::parse(lent.bytes()).map_err(|bad| damaged(bad.to_string()))?;
    if value.first().0 != lent.first {
        return Err(damaged("it is not in its place".to_owned()));
    }
    Ok(value.head())
}
