//! What can fail at the journal's door, and what the caller can do then.

use crate::domain::ids::Seq;

use super::record::BadRecord;
use super::value::BadValue;

/// Why a turn is not in the journal. The caller keeps it and appends the very same again.
#[derive(Debug, thiserror::Error)]
pub enum AppendError {
    /// There is no room. It ends by itself when there is.
    #[error("append a turn: the disk is full: {0}")]
    DiskFull(String),
    /// The store does not say that it is durable.
    #[error("append a turn: not known to be durable: {0}")]
    NotDurable(String),
}

/// Why something cannot be read from the journal.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// No such event, or not yet.
    #[error("event {0} is not in the journal")]
    NotFound(Seq),
    /// It is there and damaged.
    #[error("the journal is damaged at event {seq}: {what}")]
    Corrupt {
        /// Where: the event, or the first of its value.
        seq: Seq,
        /// In what way.
        what: String,
    },
    /// The store cannot be read.
    #[error("read the journal: {0}")]
    Io(#[from] std::io::Error),
}

impl ReadError {
    /// A damaged value, found under the key `first`.
    #[must_use]
    pub fn bad_value(first: Seq, bad: &BadValue) -> Self {
        Self::Corrupt { seq: first, what: bad.to_string() }
    }

    /// A damaged event of a value.
    #[must_use]
    pub fn bad_record(bad: &BadRecord) -> Self {
        Self::Corrupt { seq: bad.seq(), what: bad.to_string() }
    }
}
