//! What the sequencer answers, once it is durable.

use crate::domain::ids::{CaseId, Seq};
use crate::domain::organisation::UnitFindings;
use crate::domain::outcome::Remembered;
use crate::domain::rejection::Rejection;
use crate::domain::reply::Reply;

/// Microseconds that a command spent, by where.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Timing {
    /// In its lane.
    pub queue_us: u32,
    /// While its turn was decided.
    pub decide_us: u32,
    /// While its turn was made durable.
    pub commit_us: u32,
    /// While its turn was published.
    pub publish_us: u32,
}

/// The answer to one command or question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// It was accepted now.
    Accepted(Reply, Timing),
    /// It was accepted before; the reply follows from its events.
    Known(Remembered, Timing),
    /// No accepted command of that key is remembered, no case has that number.
    Unknown,
    /// That case has the number.
    Found(CaseId),
    /// What keeps the import from coming into force.
    Findings(Box<UnitFindings>),
    /// The rules refused it.
    Rejected(Rejection, Timing),
    /// A batch's answers, in order.
    Lines(Vec<LineAnswer>),
    /// There is no outcome yet, or none at all.
    Failed(Failed),
}

/// Why one has no answer of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Failed {
    /// The turn could not be made durable for want of room; it is tried again.
    DiskFull,
    /// The turn could not be made durable otherwise; it is tried again.
    NotDurable,
    /// It came too late; nothing happened.
    Stopping,
}

/// One line's answer in 16 bytes: a stream's unread answers are kept like this.
///
/// ```text
///  byte 0       2               8                    16
///       code    seq u48         payload
///       0       last event      case u32, version u32
///       1..     0               of the refusal
///       8000h.. 0               of the reader: the line was no command
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LineAnswer {
    code_and_seq: u64,
    payload: u64,
}

const _: () =
    assert!(size_of::<LineAnswer>() == 16, "16 MiB of the shortest lines cost 5 MiB at most");
const UNREAD: u64 = 0x8000;

/// What a [`LineAnswer`] says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LineMeaning {
    /// Accepted, now or before.
    Accepted {
        /// Its last event.
        seq: Seq,
        /// The case that it was about, with its version after it.
        case: Option<(CaseId, u32)>,
    },
    /// Refused by the rules.
    Rejected(Rejection),
    /// Not read as a command at all.
    Unread {
        /// The reader's own number for why.
        code: u16,
        /// The reader's own.
        payload: u64,
    },
}

impl LineAnswer {
    /// Of an accepted command.
    #[must_use]
    pub fn accepted(seq: Seq, case: Option<(CaseId, u32)>) -> Self {
        let payload =
            case.map_or(0, |(case, version)| u64::from(case.0) << 32 | u64::from(version));
        Self { code_and_seq: seq.0 << 16, payload }
    }

    /// Of a refused one.
    #[must_use]
    pub fn rejected(rejection: Rejection) -> Self {
        let (code, payload) = rejection.compact();
        Self { code_and_seq: u64::from(code), payload }
    }

    /// Of a line that is no command: `code` below 32,768 and `payload` are the reader's own.
    #[must_use]
    pub fn unread(code: u16, payload: u64) -> Self {
        Self { code_and_seq: UNREAD | u64::from(code), payload }
    }

    /// What it says.
    #[must_use]
    pub fn meaning(self) -> LineMeaning {
        let code = self.code_and_seq & 0xffff;
        if code & UNREAD != 0 {
            let code = u16::try_from(code & !UNREAD).unwrap_or(0);
            return LineMeaning::Unread { code, payload: self.payload };
        }
        let code = u16::try_from(code).unwrap_or(0);
        if let Some(rejection) = Rejection::from_compact(code, self.payload) {
            return LineMeaning::Rejected(rejection);
        }
        let (case, version) = ((self.payload >> 32) as u32, (self.payload & 0xffff_ffff) as u32);
        let case = (case > 0).then_some((CaseId(case), version));
        LineMeaning::Accepted { seq: Seq(self.code_and_seq >> 16), case }
    }
}
