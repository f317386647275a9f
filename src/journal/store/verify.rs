//! Walks the whole chain, from the first event to the tail, and names the first event that is not
//! what it was.

use std::ops::{Bound, ControlFlow};
use std::sync::Arc;

use crate::domain::ids::Seq;
use crate::journal::head::Head;
use crate::journal::medium::Medium;
use crate::journal::value::Value;
use crate::journal::{Journal as _, ReadError, Reader as _};

use super::Store;
use super::rack::{Rack, Segment};
use super::reader::StoreReader;
use super::segment::{Reading, SegmentError};

/// What a whole journal came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VerifyReport {
    /// Events, each of which was decoded.
    pub events: u64,
    /// Values, each of which follows the one before.
    pub values: u64,
    /// Segments whose file was compared with its note; the others are not sealed.
    pub segments_sealed: u64,
    /// Segments in all.
    pub segments: u64,
    /// The end of the chain.
    pub head: Head,
}

/// Why a journal does not hold.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// Something is damaged.
    #[error("event {seq}: {what}")]
    Bad {
        /// The first event that is not what it was.
        seq: Seq,
        /// In what way.
        what: String,
    },
    /// The chain is whole, but the head that it was to pass is not on it: it was rewritten.
    #[error("{expected} is not on the chain, which ends at {head}")]
    NotOnTheChain {
        /// The head that someone noted.
        expected: Head,
        /// The end of the chain.
        head: Head,
    },
    /// The disk.
    #[error(transparent)]
    Read(ReadError),
}

/// Verifies everything up to the tail: the files against their notes, the chain, every record.
/// With `expected`, also that this head is on the chain. Calls `progress` after each value.
///
/// # Errors
/// The first thing that does not hold.
pub fn verify(
    store: &Store,
    expected: Option<Head>,
    progress: &mut dyn FnMut(Seq),
) -> Result<VerifyReport, VerifyError> {
    verify_rack(&store.shared.rack, store.tail(), expected, progress)
}

/// The same of segments that nobody writes, up to `tail`.
///
/// # Errors
/// The first thing that does not hold.
pub(super) fn verify_rack(
    rack: &Arc<Rack>,
    tail: Head,
    expected: Option<Head>,
    progress: &mut dyn FnMut(Seq),
) -> Result<VerifyReport, VerifyError> {
    let reader = StoreReader::new(Arc::clone(rack));
    let segments = rack.segments();
    let mut walk = Walk {
        report: VerifyReport {
            events: 0,
            values: 0,
            segments_sealed: 0,
            segments: segments.len() as u64,
            head: Head::GENESIS,
        },
        expected,
        is_passed: expected.is_none_or(|expected| expected == Head::GENESIS),
        bad: None,
    };
    let mut firsts = segments.keys().copied().skip(1).chain([tail.seq.0 + 1]);
    for (&first, segment) in &*segments {
        if let Err(error) = segment.check(&*rack.medium) {
            return Err(walk.first_bad(&*rack.medium, segment, error));
        }
        walk.report.segments_sealed += u64::from(segment.note().is_some());

        let through = Seq(firsts.next().unwrap_or(first) - 1).min(tail.seq);
        let read = reader.read_from(Seq(first), through, &mut |key, bytes| {
            let step = walk.step(key, bytes);
            progress(walk.report.head.seq);
            step
        });
        if let Some(bad) = walk.bad.take() {
            return Err(bad);
        }
        read.map_err(|error| walk.unreadable(error))?;
        walk.check_end(segment.note().map_or(through, |note| note.last.seq))?;
    }
    walk.check_end(tail.seq)?;
    match expected {
        Some(expected) if !walk.is_passed => {
            Err(VerifyError::NotOnTheChain { expected, head: walk.report.head })
        }
        Some(_) | None => Ok(walk.report),
    }
}

struct Walk {
    report: VerifyReport,
    expected: Option<Head>,
    is_passed: bool,
    bad: Option<VerifyError>,
}

impl Walk {
    fn step(&mut self, key: Seq, bytes: &[u8]) -> ControlFlow<()> {
        match self.check(key, bytes) {
            Ok(()) => ControlFlow::Continue(()),
            Err(bad) => {
                self.bad = Some(bad);
                ControlFlow::Break(())
            }
        }
    }

    fn check(&mut self, key: Seq, bytes: &[u8]) -> Result<(), VerifyError> {
        let report = &mut self.report;
        let expected_key = report.head.seq.next();
        let bad = |seq: Seq, what: String| VerifyError::Bad { seq, what };
        let value = Value::parse(bytes).map_err(|error| bad(key, error.to_string()))?;
        if key != expected_key || value.first() != key {
            return Err(bad(expected_key, format!("value {} lies there", value.first())));
        }
        value.follows(&report.head).map_err(|error| bad(key, error.to_string()))?;
        for record in value.records() {
            record.map_err(|error| bad(error.seq(), error.to_string()))?;
        }
        report.events += u64::from(value.count());
        report.values += 1;
        report.head = value.head();
        self.is_passed |= self.expected == Some(report.head);
        Ok(())
    }

    fn check_end(&self, expected: Seq) -> Result<(), VerifyError> {
        let found = self.report.head.seq;
        if found == expected {
            return Ok(());
        }
        let what = format!("it is missing: the segment ends at {found}, not at {expected}");
        Err(VerifyError::Bad { seq: found.next(), what })
    }

    /// The first bad event of a sealed segment whose file is not what was noted: the values are
    /// read all the same, up to the first that is not whole, or that redb does not give any more.
    fn first_bad(
        &mut self,
        medium: &dyn Medium,
        segment: &Segment,
        error: SegmentError,
    ) -> VerifyError {
        let differs = match error {
            SegmentError::Io(error) => return VerifyError::Read(ReadError::Io(error)),
            SegmentError::Closed | SegmentError::Damaged(_) => {
                format!("the file {}: {error}", segment.name)
            }
        };
        let last = segment.note().map(|note| note.last.seq);
        let walked = self.walk_unchecked(medium, segment);
        let (seq, what) = match (self.bad.take(), walked) {
            (Some(VerifyError::Bad { seq, what }), _) => (seq, format!("{differs}; {what}")),
            (Some(other), _) => return other,
            (None, Ok(())) if Some(self.report.head.seq) >= last => {
                (Seq(segment.first), format!("{differs}; all of its events are whole"))
            }
            (None, Ok(())) => (self.report.head.seq.next(), format!("{differs}; it is missing")),
            (None, Err(error)) => (self.report.head.seq.next(), format!("{differs}; {error}")),
        };
        VerifyError::Bad { seq, what }
    }

    fn walk_unchecked(
        &mut self,
        medium: &dyn Medium,
        segment: &Segment,
    ) -> Result<(), SegmentError> {
        let reading = Reading::sealed(medium.open(&segment.name).map_err(SegmentError::Io)?)?;
        let mut values = reading.view()?.from(Bound::Unbounded)?;
        while let Some(lent) = values.next()? {
            if self.step(Seq(lent.first), lent.bytes()).is_break() {
                break;
            }
        }
        Ok(())
    }

    /// What cannot be read begins behind the last good event.
    fn unreadable(&self, error: ReadError) -> VerifyError {
        match error {
            ReadError::Corrupt { what, .. } => {
                VerifyError::Bad { seq: self.report.head.seq.next(), what }
            }
            ReadError::NotFound(_) | ReadError::Io(_) => VerifyError::Read(error),
        }
    }
}
