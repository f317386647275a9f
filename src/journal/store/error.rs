//! Why a store does not open.

use std::io;

use crate::domain::ids::Seq;
use crate::journal::head::Head;
use crate::journal::{AppendError, ReadError};

use super::backend::Failure;
use super::segment::SegmentError;

/// Why a store does not open. Nothing acknowledged was touched.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process has it.
    #[error("open the journal: the directory is in use by process {holder}")]
    Locked {
        /// Its process id.
        holder: String,
    },
    /// It was written in a format that this program does not read.
    #[error(
        "open the journal: not of the format that this program reads, 0: the file format says {found:?}"
    )]
    OtherFormat {
        /// What it says instead.
        found: String,
    },
    /// Events are missing in the middle.
    #[error("open the journal: event {seq} is missing: {what}")]
    Gap {
        /// The first one that is missing.
        seq: Seq,
        /// How that is known.
        what: String,
    },
    /// It ends before what was acknowledged.
    #[error(
        "open the journal: its last event is {found}, but the file acknowledged names {acknowledged}: the events between are missing"
    )]
    Behind {
        /// What the file `acknowledged` names.
        acknowledged: Head,
        /// Where the journal ends.
        found: Head,
    },
    /// What was acknowledged is not on its chain.
    #[error(
        "open the journal: the file acknowledged names event {acknowledged}, but {found} is there"
    )]
    OtherChain {
        /// What the file `acknowledged` names.
        acknowledged: Head,
        /// What is there instead.
        found: Head,
    },
    /// A file is damaged.
    #[error("open the journal: the file {file}, event {seq} on, is damaged: {what}")]
    Damaged {
        /// Its name.
        file: String,
        /// Its first event.
        seq: Seq,
        /// In what way.
        what: String,
    },
    /// The last turn could not be appended again.
    #[error(transparent)]
    Append(#[from] AppendError),
    /// The disk.
    #[error("open the journal: {doing}: {source}")]
    Io {
        /// What was being done.
        doing: &'static str,
        /// What the disk said.
        source: io::Error,
    },
}

impl OpenError {
    /// What the disk said.
    pub(super) fn io(doing: &'static str, source: io::Error) -> Self {
        Self::Io { doing, source }
    }

    /// A segment that cannot be read.
    pub(super) fn segment(file: &str, first: u64, error: SegmentError) -> Self {
        match error {
            SegmentError::Io(source) => Self::io("read a segment", source),
            SegmentError::Closed | SegmentError::Damaged(_) => {
                Self::Damaged { file: file.to_owned(), seq: Seq(first), what: error.to_string() }
            }
        }
    }
}

impl From<Failure> for AppendError {
    fn from(failure: Failure) -> Self {
        if failure.is_full { Self::DiskFull(failure.what) } else { Self::NotDurable(failure.what) }
    }
}

/// A segment that cannot be read, to a reader.
pub(super) fn read_error(file: &str, first: u64, error: SegmentError) -> ReadError {
    match error {
        SegmentError::Io(source) => ReadError::Io(source),
        SegmentError::Closed => ReadError::Io(io::Error::other(format!("{file}: {error}"))),
        SegmentError::Damaged(what) => {
            ReadError::Corrupt { seq: Seq(first), what: format!("the file {file}: {what}") }
        }
    }
}
