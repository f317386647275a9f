//! Values from one segment to another, along the chain.

use std::ops::Bound;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::journal::head::Head;
use crate::journal::value::Value;

use super::backend::Failure;
use super::sealed::SealedSegment;
use super::segment::{SegmentError, View, Writing};

/// Bytes of values in one commit of a copy.
const BATCH_BYTES: usize = 8 << 20;

/// What was copied.
#[derive(Clone, Copy, Debug)]
pub(super) struct Copied {
    /// The head of the last value.
    pub(super) head: Head,
    /// Bytes of values.
    pub(super) value_bytes: u64,
}

/// Writes the values from the key `first` up to `through` to a segment that nobody knows yet, in
/// as many commits as it takes, and the notes with the first. Each must follow the one before.
///
/// # Errors
/// When a value is not what it was, one of the segments fails, or the copy is not wanted any more.
pub(super) fn copy(
    view: &View,
    first: u64,
    through: u64,
    to: &Writing,
    notes: &[SealedSegment],
    is_ending: &AtomicBool,
) -> Result<Copied, Failure> {
    let read_failed = |error: SegmentError| failed(format!("read a segment: {error}"));
    let mut values = view.from(Bound::Included(first)).map_err(read_failed)?;
    let mut batch = Batch { notes, ..Batch::default() };
    let mut head = None;
    let mut value_bytes = 0;
    while let Some(lent) = values.next().map_err(read_failed)? {
        if lent.first > through {
            break;
        }
        if is_ending.load(Ordering::Acquire) {
            return Err(failed("the store ends".to_owned()));
        }
        head = Some(follow(head.as_ref(), first, lent.first, lent.bytes())?);
        value_bytes += lent.bytes().len() as u64;
        batch.push(lent.first, lent.bytes(), to)?;
    }
    batch.commit(to)?;
    let head = head.ok_or_else(|| failed(format!("value {first} is not there")))?;
    Ok(Copied { head, value_bytes })
}

/// Values that wait for a commit.
#[derive(Default)]
struct Batch<'a> {
    values: Vec<(u64, Vec<u8>)>,
    bytes: usize,
    notes: &'a [SealedSegment],
}

impl Batch<'_> {
    fn push(&mut self, first: u64, bytes: &[u8], to: &Writing) -> Result<(), Failure> {
        self.bytes += bytes.len();
        self.values.push((first, bytes.to_vec()));
        if self.bytes < BATCH_BYTES {
            return Ok(());
        }
        self.commit(to)
    }

    fn commit(&mut self, to: &Writing) -> Result<(), Failure> {
        if self.values.is_empty() {
            return Ok(());
        }
        let mut values = self.values.iter().map(|(first, bytes)| (*first, bytes.as_slice()));
        to.commit(&mut values, self.notes)?;
        *self = Self::default();
        Ok(())
    }
}

/// Checks that a value follows. Says where the chain is then.
fn follow(head: Option<&Head>, first: u64, key: u64, bytes: &[u8]) -> Result<Head, Failure> {
    let bad = |what: String| failed(format!("value {key}: {what}"));
    let value = Value::parse(bytes).map_err(|error| bad(error.to_string()))?;
    if value.first().0 != key || (head.is_none() && key != first) {
        return Err(bad("it is not in its place".to_owned()));
    }
    if let Some(head) = head {
        value.follows(head).map_err(|error| bad(error.to_string()))?;
    }
    Ok(value.head())
}

fn failed(what: String) -> Failure {
    Failure { is_full: false, what }
}
