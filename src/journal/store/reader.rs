//! The reading end: any number of threads, none of which waits for the writer.

use std::io;
use std::ops::{Bound, ControlFlow};
use std::sync::Arc;

use crate::domain::ids::Seq;
use crate::domain::record::Record;
use crate::journal::value::Value;
use crate::journal::{ReadError, Reader};

use super::error::read_error;
use super::rack::{Rack, Segment};
use super::segment::SegmentError;

/// How often a closed handle is met without getting on before the reader gives up. A close is met
/// once; more than a few in a row mean that the disk does not let a handle live.
const RETRIES_MAX: u32 = 16;

/// A reading end of a [`Store`](super::Store).
#[derive(Debug)]
pub(super) struct StoreReader {
    rack: Arc<Rack>,
}

/// How far a read has come.
struct Cursor {
    /// The key to go on from.
    from: Bound<u64>,
    through: u64,
    retries: u32,
}

/// What ended a look at one segment.
enum Stop {
    /// The segment has no more.
    End,
    /// The reader wants no more.
    Enough,
}

impl StoreReader {
    /// A reader of these segments.
    pub(super) fn new(rack: Arc<Rack>) -> Self {
        Self { rack }
    }

    fn read_segment(
        &self,
        segment: &Arc<Segment>,
        end: Option<u64>,
        cursor: &mut Cursor,
        each: &mut dyn FnMut(Seq, &[u8]) -> ControlFlow<()>,
    ) -> Result<Stop, SegmentError> {
        let (view, counts_through) = self.rack.view(segment)?;
        let last = cursor
            .through
            .min(counts_through.unwrap_or(u64::MAX))
            .min(end.map_or(u64::MAX, |end| end - 1));
        let mut values = view.from(cursor.from)?;
        while let Some(lent) = values.next()? {
            if lent.first > last {
                break;
            }
            let flow = each(Seq(lent.first), lent.bytes());
            cursor.from = Bound::Excluded(lent.first);
            cursor.retries = 0;
            if flow.is_break() {
                return Ok(Stop::Enough);
            }
        }
        Ok(if last < cursor.through { Stop::End } else { Stop::Enough })
    }

    /// Finds the key of the value that holds `seq`.
    fn key_of(&self, seq: u64) -> Result<u64, ReadError> {
        self.with_value(seq, |key, _| Ok(key))
    }

    /// Calls `use_it` with the value that holds `seq`.
    fn with_value<T>(
        &self,
        seq: u64,
        use_it: impl Fn(u64, &[u8]) -> Result<T, ReadError>,
    ) -> Result<T, ReadError> {
        let mut retries = 0;
        loop {
            let Some((segment, _)) = self.rack.holding(seq) else {
                return Err(ReadError::NotFound(Seq(seq)));
            };
            let found = self.rack.view(&segment).and_then(|(view, _)| view.at_or_before(seq));
            match found {
                Ok(Some(lent)) => return use_it(lent.first, lent.bytes()),
                Ok(None) => {
                    let what = format!("the file {} does not hold it", segment.name);
                    return Err(ReadError::Corrupt { seq: Seq(seq), what });
                }
                Err(error) => again(&segment, error, &mut retries)?,
            }
        }
    }
}

impl Reader for StoreReader {
    fn read_from(
        &self,
        from: Seq,
        through: Seq,
        each: &mut dyn FnMut(Seq, &[u8]) -> ControlFlow<()>,
    ) -> Result<(), ReadError> {
        let through = through.0.min(self.rack.tail());
        let from = from.max(Seq::FIRST).0;
        if from > through {
            return Ok(());
        }
        let start = Bound::Included(self.key_of(from)?);
        let mut cursor = Cursor { from: start, through, retries: 0 };
        let mut place = from;
        while let Some((segment, end)) = self.rack.holding(place) {
            match self.read_segment(&segment, end, &mut cursor, each) {
                Ok(Stop::Enough) => return Ok(()),
                Ok(Stop::End) => match end {
                    Some(end) => {
                        place = end;
                        cursor.from = Bound::Included(end);
                    }
                    None => return Ok(()),
                },
                Err(error) => again(&segment, error, &mut cursor.retries)?,
            }
        }
        Ok(())
    }

    fn record(&self, seq: Seq) -> Result<Record, ReadError> {
        if seq == Seq::ZERO || seq.0 > self.rack.tail() {
            return Err(ReadError::NotFound(seq));
        }
        self.with_value(seq.0, |key, bytes| {
            let value = Value::parse(bytes).map_err(|bad| ReadError::bad_value(Seq(key), &bad))?;
            value.record(seq).map_err(|bad| ReadError::bad_record(&bad))
        })
    }
}

/// Lets a reader try again when only the handle was closed.
fn again(segment: &Segment, error: SegmentError, retries: &mut u32) -> Result<(), ReadError> {
    match error {
        SegmentError::Closed if *retries < RETRIES_MAX => {
            *retries += 1;
            if *retries > 1 {
                // Not a close by us, then: a handle whose disk failed it says the same for good.
                segment.let_go();
                std::thread::yield_now();
            }
            Ok(())
        }
        SegmentError::Io(error) => {
            segment.let_go();
            Err(ReadError::Io(io::Error::new(
                error.kind(),
                format!("the file {}: {error}", segment.name),
            )))
        }
        SegmentError::Closed | SegmentError::Damaged(_) => {
            Err(read_error(&segment.name, segment.first, error))
        }
    }
}
