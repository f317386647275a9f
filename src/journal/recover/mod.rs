//! The way back to a state: the newest good snapshot, and what came since.
//!
//! ```text
//!   1 ─────────────── snapshot ───────────────────────── tail
//!   │ not read but for │ read, checked to be one chain,  │
//!   │ its last value   │ folded event by event           │
//! ```
//!
//! A snapshot counts only if it lies on the chain: the value that ends at its position has the
//! hash that it names. Otherwise the one before it is tried, and in the end the journal alone.

#[cfg(test)]
mod tests;

use std::io;
use std::ops::ControlFlow;

use super::head::Head;
use super::medium::Medium;
use super::snapshot::{self, BadSnapshot, Candidate};
use super::value::{BrokenChain, Value};
use super::{ReadError, Reader};
use crate::domain::evolve;
use crate::domain::ids::Seq;
use crate::domain::state::State;

/// What a start goes on from.
#[derive(Debug)]
pub struct Recovered {
    /// The fold of everything up to the tail.
    pub state: State,
    /// The snapshot that it began with; none: with the first event.
    pub snapshot_seq: Option<Seq>,
    /// The snapshots that were passed over, newest first.
    pub skipped: Vec<SkippedSnapshot>,
}

/// A snapshot that was passed over.
#[derive(Debug)]
pub struct SkippedSnapshot {
    /// Its file.
    pub name: String,
    /// Why.
    pub why: UnusableSnapshot,
}

/// Why a snapshot is not begun with.
#[derive(Debug, thiserror::Error)]
pub enum UnusableSnapshot {
    /// It is not whole, or of another format.
    #[error(transparent)]
    Bad(#[from] BadSnapshot),
    /// It knows events that the journal does not have.
    #[error("it is of event {seq}, and the journal ends at event {tail}")]
    Ahead {
        /// Its position.
        seq: Seq,
        /// The journal's end.
        tail: Seq,
    },
    /// The journal has another past at its position.
    #[error("its head {head} is not on the journal's chain")]
    OffTheChain {
        /// Its head.
        head: Head,
    },
}

/// Why the journal cannot be folded. Each names the first bad event where there is one.
#[derive(Debug, thiserror::Error)]
pub enum RecoverError {
    /// Values do not follow each other.
    #[error("the journal's chain breaks at event {seq}")]
    Chain {
        /// The first event of the value that does not follow.
        seq: Seq,
        /// In what way.
        #[source]
        source: BrokenChain,
    },
    /// A value or an event is damaged.
    #[error("the journal is damaged at event {seq}: {what}")]
    Damaged {
        /// Which event, or the first of its value.
        seq: Seq,
        /// In what way.
        what: String,
    },
    /// The journal ends before it should.
    #[error("event {seq} is missing from the journal, which should reach event {through}")]
    Missing {
        /// The first that is missing.
        seq: Seq,
        /// How far it should reach.
        through: Seq,
    },
    /// The journal reaches as far as it should, with another head.
    #[error("the journal's head is {found}, and should be {expected}")]
    OtherHead {
        /// What it should be.
        expected: Head,
        /// What it is.
        found: Head,
    },
    /// The store cannot be read.
    #[error("reading the journal")]
    Read(#[source] ReadError),
    /// The directory cannot be searched for snapshots.
    #[error("looking for snapshots")]
    Snapshots(#[source] io::Error),
    /// Whoever asked for it wants it no more.
    #[error("stopped before it was done")]
    Stopped,
}

/// As [`recover_while`], to the end.
///
/// # Errors
/// When the journal is not one whole chain from the snapshot to `tail`.
pub fn recover(
    medium: &dyn Medium,
    reader: &dyn Reader,
    tail: Head,
) -> Result<Recovered, RecoverError> {
    recover_while(medium, reader, tail, &|_, _| ControlFlow::Continue(()))
}

/// Folds the journal up to `tail` onto the newest good snapshot. Calls `each` with the event
/// reached and the last one, once a value, and ends when it says so.
///
/// # Errors
/// When the journal is not one whole chain from the snapshot to `tail`; [`RecoverError::Stopped`].
pub fn recover_while(
    medium: &dyn Medium,
    reader: &dyn Reader,
    tail: Head,
    each: &dyn Fn(Seq, Seq) -> ControlFlow<()>,
) -> Result<Recovered, RecoverError> {
    let Base { mut state, mut head, candidate, skipped } = newest_good(medium, reader, tail.seq)?;
    for SkippedSnapshot { name, why } in &skipped {
        let why = why as &dyn std::error::Error;
        tracing::warn!(name, why, "a snapshot is passed over");
    }
    if each(head.seq, tail.seq).is_break() {
        return Err(RecoverError::Stopped);
    }
    replay(reader, &mut state, &mut head, tail, &mut |seq| each(seq, tail.seq))?;
    let snapshot_seq = candidate.map(|candidate| candidate.seq);
    Ok(Recovered { state: state.made_ready(), snapshot_seq, skipped })
}

/// What a fold begins with.
pub(super) struct Base {
    /// To fold onto.
    pub(super) state: State,
    pub(super) head: Head,
    /// None where it begins with the first event.
    pub(super) candidate: Option<Candidate>,
    pub(super) skipped: Vec<SkippedSnapshot>,
}

/// The newest snapshot that is whole and lies on the chain, at or before `tail`.
pub(super) fn newest_good(
    medium: &dyn Medium,
    reader: &dyn Reader,
    tail: Seq,
) -> Result<Base, RecoverError> {
    let mut skipped = Vec::new();
    for candidate in snapshot::newest(medium).map_err(RecoverError::Snapshots)? {
        match load_on_chain(medium, &candidate, reader, tail)? {
            Ok((state, head)) => {
                return Ok(Base { state, head, candidate: Some(candidate), skipped });
            }
            Err(why) => skipped.push(SkippedSnapshot { name: candidate.name, why }),
        }
    }
    Ok(Base { state: State::folding(), head: Head::GENESIS, candidate: None, skipped })
}

fn load_on_chain(
    medium: &dyn Medium,
    candidate: &Candidate,
    reader: &dyn Reader,
    tail: Seq,
) -> Result<Result<(State, Head), UnusableSnapshot>, RecoverError> {
    if candidate.seq > tail {
        return Ok(Err(UnusableSnapshot::Ahead { seq: candidate.seq, tail }));
    }
    let (state, head) = match snapshot::load(medium, &candidate.name) {
        Ok(loaded) => loaded,
        Err(bad) => return Ok(Err(bad.into())),
    };
    let mut is_on_chain = false;
    let read = reader.read_from(head.seq, head.seq, &mut |_, bytes| {
        is_on_chain = Value::parse(bytes).is_ok_and(|value| value.head() == head);
        ControlFlow::Break(())
    });
    match read {
        // A damaged value is no reason against the snapshot's neighbours: the chain from the one
        // before runs through the same value, and its fold names it.
        Ok(()) | Err(ReadError::Corrupt { .. } | ReadError::NotFound(_)) => {}
        Err(error @ ReadError::Io(_)) => return Err(RecoverError::Read(error)),
    }
    if is_on_chain {
        Ok(Ok((state, head)))
    } else {
        Ok(Err(UnusableSnapshot::OffTheChain { head }))
    }
}

/// Folds everything after `head` up to `through` into the state, checking that it is one chain.
/// After an error the state is good for nothing.
pub(super) fn replay(
    reader: &dyn Reader,
    state: &mut State,
    head: &mut Head,
    through: Head,
    each: &mut dyn FnMut(Seq) -> ControlFlow<()>,
) -> Result<(), RecoverError> {
    let mut outcome = Ok(());
    if head.seq < through.seq {
        reader
            .read_from(head.seq.next(), through.seq, &mut |key, bytes| {
                outcome = fold_value(state, head, key, bytes);
                if outcome.is_ok() && each(head.seq).is_break() {
                    outcome = Err(RecoverError::Stopped);
                }
                if outcome.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
            })
            .map_err(RecoverError::of_read)?;
    }
    outcome?;
    if head.seq < through.seq {
        return Err(RecoverError::Missing { seq: head.seq.next(), through: through.seq });
    }
    if *head != through {
        return Err(RecoverError::OtherHead { expected: through, found: *head });
    }
    Ok(())
}

fn fold_value(
    state: &mut State,
    head: &mut Head,
    key: Seq,
    bytes: &[u8],
) -> Result<(), RecoverError> {
    let value = Value::parse(bytes)
        .map_err(|bad| RecoverError::Damaged { seq: key, what: bad.to_string() })?;
    value.follows(head).map_err(|source| RecoverError::Chain { seq: head.seq.next(), source })?;
    for record in value.records() {
        let record = record
            .map_err(|bad| RecoverError::Damaged { seq: bad.seq(), what: bad.to_string() })?;
        evolve(state, &record);
    }
    *head = value.head();
    Ok(())
}

impl RecoverError {
    fn of_read(error: ReadError) -> Self {
        match error {
            ReadError::Corrupt { seq, what } => Self::Damaged { seq, what },
            ReadError::NotFound(_) | ReadError::Io(_) => Self::Read(error),
        }
    }
}
