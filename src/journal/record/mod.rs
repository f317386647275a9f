//! Turns one event with everything around it into bytes, and back.
//!
//! ```text
//!  ┌─────┬──────────────────────────────┬───────────────────────────────────────┐
//!  │ tag │ texts, ciphertexts, rows     │ root: who, when, after which; the body │
//!  │ u8  │ pointed at from the root     │ at the end, of one size per tag        │
//!  └─────┴──────────────────────────────┴───────────────────────────────────────┘
//! ```
//!
//! Each event is archived alone, so that reading one touches one, and each kind has a root of its
//! own, so that a small event stays small: an acknowledge is 42 B, and 68 B more than its key's
//! length when it came with one. A warning is 51 B, a report 147 B and its ciphertexts.
//!
//! The domain's types know nothing of this. Their archived twins are in [`v1`]; another format is
//! another module beside it. An event's `seq` is not in its bytes: the value that holds it says
//! where it begins.

mod codes;
mod v1;

use crate::domain::event::Event;
use crate::domain::ids::Seq;
use crate::domain::record::Record;

pub(super) use codes::Coded;

/// Why the bytes of an event are no record.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadRecord {
    /// The value does not hold that event, or says that it lies outside of it.
    #[error("event {seq}: its value has no such event")]
    Missing {
        /// The event asked for.
        seq: Seq,
    },
    /// This program knows no such kind of event.
    #[error("event {seq}: unknown tag {tag}")]
    UnknownTag {
        /// The event asked for.
        seq: Seq,
        /// Its first byte.
        tag: u8,
    },
    /// The bytes are not what the tag says.
    #[error("event {seq}: not a {tag:?}: {what}")]
    Malformed {
        /// The event asked for.
        seq: Seq,
        /// What it says to be.
        tag: Tag,
        /// Where it is not.
        what: String,
    },
    /// A number stands for nothing that this program knows.
    #[error("event {seq}: {number} is no {of}")]
    UnknownCode {
        /// The event asked for.
        seq: Seq,
        /// What it should name.
        of: &'static str,
        /// As it stands there.
        number: u64,
    },
}

impl BadRecord {
    /// Which event it was.
    #[must_use]
    pub const fn seq(&self) -> Seq {
        match self {
            Self::Missing { seq }
            | Self::UnknownTag { seq, .. }
            | Self::Malformed { seq, .. }
            | Self::UnknownCode { seq, .. } => *seq,
        }
    }
}

macro_rules! tags {
    ($($(#[$doc:meta])* $kind:ident = $tag:literal,)+) => {
        /// The first byte of an event: its kind, for ever.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u8)]
        pub enum Tag { $($(#[$doc])* $kind = $tag,)+ }

        impl Tag {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$kind,)+];

            /// The tag of that event.
            #[must_use]
            pub const fn of(event: &Event) -> Self {
                match event { $(Event::$kind(_) => Self::$kind,)+ }
            }

            /// The tag of that number.
            #[must_use]
            pub const fn from_number(number: u8) -> Option<Self> {
                match number { $($tag => Some(Self::$kind),)+ _ => None }
            }
        }
    };
}

tags!(
    /// [`Event::JournalOpened`]
    JournalOpened = 1,
    /// [`Event::ClockAdvanced`]
    ClockAdvanced = 2,
    /// [`Event::ClientAdmitted`]
    ClientAdmitted = 8,
    /// [`Event::ClientRevoked`]
    ClientRevoked = 9,
    /// [`Event::ImportBegun`]
    ImportBegun = 16,
    /// [`Event::UnitsStaged`]
    UnitsStaged = 17,
    /// [`Event::MattersStaged`]
    MattersStaged = 18,
    /// [`Event::TextStaged`]
    TextStaged = 19,
    /// [`Event::ImportCommitted`]
    ImportCommitted = 20,
    /// [`Event::ImportAbandoned`]
    ImportAbandoned = 21,
    /// [`Event::CaseReported`]
    CaseReported = 32,
    /// [`Event::CaseSettled`]
    CaseSettled = 33,
    /// [`Event::CaseAcknowledged`]
    CaseAcknowledged = 34,
    /// [`Event::CaseEscalated`]
    CaseEscalated = 35,
    /// [`Event::CaseHandled`]
    CaseHandled = 36,
    /// [`Event::CaseClosed`]
    CaseClosed = 37,
    /// [`Event::CaseWarned`]
    CaseWarned = 38,
    /// [`Event::CaseOverdue`]
    CaseOverdue = 39,
);

/// Appends the record's bytes to `out`, whose room is used again: nothing is allocated but for a
/// chunk of staged rows.
pub fn encode(record: &Record, out: &mut Vec<u8>) {
    out.push(Tag::of(&record.event) as u8);
    v1::write(record, out);
}

/// Reads a record from exactly its bytes; `seq` is its place, which they do not hold.
///
/// # Errors
/// When they are not the bytes of a record. Any bytes may be given.
pub fn decode(seq: Seq, bytes: &[u8]) -> Result<Record, BadRecord> {
    let Some((&number, archived)) = bytes.split_first() else {
        return Err(BadRecord::Missing { seq });
    };
    let Some(tag) = Tag::from_number(number) else {
        return Err(BadRecord::UnknownTag { seq, tag: number });
    };
    v1::read(seq, tag, archived)
}
