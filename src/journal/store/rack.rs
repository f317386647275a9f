//! The segments in order, each with the handle that it can be read through now.
//!
//! ```text
//!   first seq        1           57          91         102
//!                    │ sealed    │ sealed    │ unclean   │ active
//!                    └── ends where the next one begins ─┘
//!
//!   active ──roll──▶ closing ──▶ sealed ──first append after a clean start──▶ active
//!      └─failed write─▶ unclean ──rewritten──▶ sealed
//! ```
//!
//! A reader never waits for the writer. It waits for the one close of a segment that has just been
//! rolled, and for others that open the same sealed segment.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::{Condvar, Mutex, RwLock};

use crate::domain::ids::Seq;
use crate::journal::medium::Medium;

use super::directory::segment_name;
use super::sealed::SealedSegment;
use super::segment::{Reading, SegmentError, View, Writing};

/// Sealed segments held open at a time.
const OPEN_SEALED_MAX: usize = 8;

/// Segments by their first event.
pub(super) type Segments = BTreeMap<u64, Arc<Segment>>;

/// The segments in order.
#[derive(Debug)]
pub(super) struct Rack {
    pub(super) medium: Arc<dyn Medium>,
    segments: RwLock<Arc<Segments>>,
    /// The sealed ones that are open, the one used last at the back.
    open: Mutex<VecDeque<Arc<Segment>>>,
    tail: AtomicU64,
}

/// One segment.
#[derive(Debug)]
pub(super) struct Segment {
    pub(super) first: u64,
    pub(super) name: String,
    access: Mutex<Access>,
    changed: Condvar,
}

/// How a segment can be read.
pub(super) enum Access {
    /// It is being written.
    Active(Arc<Writing>),
    /// It is being closed; soon it is sealed.
    Closing,
    /// It never changes again.
    Sealed {
        /// What was noted of it; none until that is known.
        note: Option<SealedSegment>,
        /// Whether this process compared the file with the note, or closed it itself.
        is_checked: bool,
        /// Open or not.
        handle: Option<Reading>,
    },
    /// It was not closed, or its last write failed: it counts up to `through` and is not written
    /// again.
    Unclean {
        /// The last event that counts.
        through: u64,
        /// Open or not.
        handle: Option<Reading>,
    },
}

impl Rack {
    /// No segments yet.
    pub(super) fn new(medium: Arc<dyn Medium>) -> Self {
        Self {
            medium,
            segments: RwLock::default(),
            open: Mutex::default(),
            tail: AtomicU64::new(0),
        }
    }

    /// All segments, as they are now.
    pub(super) fn segments(&self) -> Arc<Segments> {
        Arc::clone(&self.segments.read())
    }

    /// The segment that holds `seq`, and where the next one begins.
    pub(super) fn holding(&self, seq: u64) -> Option<(Arc<Segment>, Option<u64>)> {
        let segments = self.segments.read();
        let (_, segment) = segments.range(..=seq).next_back()?;
        let end = segments.range(segment.first + 1..).next().map(|(&first, _)| first);
        Some((Arc::clone(segment), end))
    }

    /// Puts a segment in its place, or in another's that began at the same event.
    pub(super) fn put(&self, segment: Arc<Segment>) {
        let mut segments = self.segments.write();
        Arc::make_mut(&mut segments).insert(segment.first, segment);
    }

    /// The last event that is durable.
    pub(super) fn tail(&self) -> u64 {
        self.tail.load(Ordering::Acquire)
    }

    /// Everything up to `seq` is durable.
    pub(super) fn set_tail(&self, seq: Seq) {
        self.tail.store(seq.0, Ordering::Release);
    }

    /// What a segment holds now, and the last event of it that counts if it says so itself.
    ///
    /// # Errors
    /// When it cannot be read.
    pub(super) fn view(&self, segment: &Arc<Segment>) -> Result<(View, Option<u64>), SegmentError> {
        let (viewed, is_sealed) = segment.view(&*self.medium);
        if is_sealed && viewed.is_ok() {
            self.touch(segment);
        }
        viewed
    }

    /// Notes a use, and closes what was not used for longest.
    fn touch(&self, segment: &Arc<Segment>) {
        let longest = {
            let mut open = self.open.lock();
            if open.back().is_some_and(|last| Arc::ptr_eq(last, segment)) {
                return;
            }
            open.retain(|other| !Arc::ptr_eq(other, segment));
            open.push_back(Arc::clone(segment));
            if open.len() > OPEN_SEALED_MAX { open.pop_front() } else { None }
        };
        if let Some(longest) = longest {
            longest.let_go();
        }
    }
}

impl Segment {
    /// The segment that begins at `first`.
    pub(super) fn new(first: u64, access: Access) -> Arc<Self> {
        Arc::new(Self {
            first,
            name: segment_name(Seq(first)),
            access: Mutex::new(access),
            changed: Condvar::new(),
        })
    }

    /// From now on it is read that way. Open handles are closed under their readers.
    pub(super) fn set_access(&self, access: Access) {
        let before = std::mem::replace(&mut *self.access.lock(), access);
        self.changed.notify_all();
        before.close();
    }

    /// Closes the handle of a sealed or unclean segment; the next reader opens it again.
    pub(super) fn let_go(&self) {
        let handle = match &mut *self.access.lock() {
            Access::Sealed { handle, .. } | Access::Unclean { handle, .. } => handle.take(),
            Access::Active(_) | Access::Closing => None,
        };
        if let Some(handle) = handle {
            handle.close();
        }
    }

    /// Its note, if it is sealed and that is known.
    pub(super) fn note(&self) -> Option<SealedSegment> {
        match &*self.access.lock() {
            Access::Sealed { note, .. } => *note,
            Access::Active(_) | Access::Closing | Access::Unclean { .. } => None,
        }
    }

    /// Its file is now noted.
    pub(super) fn set_note(&self, noted: SealedSegment) {
        if let Access::Sealed { note, .. } = &mut *self.access.lock() {
            *note = Some(noted);
        }
    }

    /// An unclean segment counts up to there.
    pub(super) fn counts_through(&self, seq: u64) {
        if let Access::Unclean { through, .. } = &mut *self.access.lock() {
            *through = seq;
        }
    }

    /// Compares a sealed segment's file with its note, even if that was done before.
    ///
    /// # Errors
    /// When they differ, or the file cannot be read.
    pub(super) fn check(&self, medium: &dyn Medium) -> Result<(), SegmentError> {
        match self.note() {
            Some(note) => compare(&note, medium, &self.name),
            None => Ok(()),
        }
    }

    /// What it holds now, the last event that counts, and whether it is sealed.
    fn view(&self, medium: &dyn Medium) -> (Result<(View, Option<u64>), SegmentError>, bool) {
        let mut access = self.access.lock();
        while matches!(*access, Access::Closing) {
            self.changed.wait(&mut access);
        }
        match &mut *access {
            Access::Active(writing) => (writing.view().map(|view| (view, None)), false),
            Access::Closing => (Err(SegmentError::Closed), false),
            Access::Sealed { note, is_checked, handle } => {
                let view = view_through(handle, || {
                    if let (Some(note), false) = (note, *is_checked) {
                        compare(note, medium, &self.name)?;
                        *is_checked = true;
                    }
                    Reading::sealed(medium.open(&self.name).map_err(SegmentError::Io)?)
                });
                (view.map(|view| (view, None)), true)
            }
            Access::Unclean { through, handle } => {
                let view = view_through(handle, || {
                    Reading::repaired(medium.open(&self.name).map_err(SegmentError::Io)?)
                });
                (view.map(|view| (view, Some(*through))), false)
            }
        }
    }
}

impl Access {
    fn close(self) {
        match self {
            Self::Sealed { handle: Some(handle), .. }
            | Self::Unclean { handle: Some(handle), .. } => handle.close(),
            Self::Active(_)
            | Self::Closing
            | Self::Sealed { handle: None, .. }
            | Self::Unclean { handle: None, .. } => {}
        }
    }
}

impl std::fmt::Debug for Access {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Active(_) => f.write_str("Active"),
            Self::Closing => f.write_str("Closing"),
            Self::Sealed { note, .. } => f.debug_tuple("Sealed").field(note).finish(),
            Self::Unclean { through, .. } => f.debug_tuple("Unclean").field(through).finish(),
        }
    }
}

/// A view through the handle, which is opened if it is not. One that fails is not kept.
fn view_through(
    handle: &mut Option<Reading>,
    open: impl FnOnce() -> Result<Reading, SegmentError>,
) -> Result<View, SegmentError> {
    let reading = match handle.take() {
        Some(reading) => reading,
        None => open()?,
    };
    let view = reading.view()?;
    *handle = Some(reading);
    Ok(view)
}

fn compare(note: &SealedSegment, medium: &dyn Medium, name: &str) -> Result<(), SegmentError> {
    let file = medium.open(name).map_err(SegmentError::Io)?;
    match note.difference(&*file).map_err(SegmentError::Io)? {
        Some(what) => Err(SegmentError::Damaged(what.to_owned())),
        None => Ok(()),
    }
}
