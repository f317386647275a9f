//! The published cases: the chunks of the state as of the newest turn. What reads holds a chunk and
//! not a lock, and the writer never waits for it.

use std::iter::Peekable;
use std::ops::{ControlFlow, Range};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use parking_lot::RwLock;

use crate::domain::case::{CHUNK_ROWS, Case, CaseChunk, Cases};
use crate::domain::ids::{CaseId, Timestamp};
use crate::engine::query::Sieve;

/// Chunks that are taken out at once to be looked through.
const CHUNKS_AT_ONCE: usize = 64;

/// All published cases, dense from 1.
#[derive(Debug, Default)]
pub(super) struct CaseRows {
    chunks: RwLock<Vec<Published>>,
    /// Raised once the rows are there.
    len: AtomicUsize,
}

#[derive(Clone, Debug)]
struct Published {
    rows: Arc<CaseChunk>,
    /// When the newest change to any of them was: what ended or changed later is not here.
    changed_at: Timestamp,
}

impl CaseRows {
    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.len.load(Ordering::Acquire)
    }

    /// A copy of the row of that case.
    pub(super) fn get(&self, id: CaseId) -> Option<Case> {
        let place = place_of(id).filter(|place| *place < self.len())?;
        Some(self.chunks.read()[place / CHUNK_ROWS].rows[place % CHUNK_ROWS])
    }

    /// Publishes the chunk of the next of those cases, new or known and in the order of their
    /// numbers; tells `each` of those in it what stood there and what stands there now. Says whether
    /// there were any.
    pub(super) fn publish_chunk(
        &self,
        cases: &Cases,
        touched: &mut Peekable<impl Iterator<Item = CaseId>>,
        mut each: impl FnMut(CaseId, Option<&Case>, &Case),
    ) -> bool {
        let number_of = |id: &CaseId| place_of(*id).map(|place| place / CHUNK_ROWS);
        let Some(number) = touched.peek().and_then(number_of) else {
            return false;
        };
        let rows = cases.chunk(number).expect("a case that was touched is there");
        let before = self.chunks.read().get(number).cloned();
        let known = self.len();
        let mut changed_at = before.as_ref().map_or(Timestamp::EPOCH, |chunk| chunk.changed_at);
        let mut len = known;
        while let Some(id) = touched.next_if(|id| number_of(id) == Some(number)) {
            let place = id.0 as usize - 1;
            let row = place % CHUNK_ROWS;
            let was = before.as_ref().filter(|_| place < known).map(|chunk| &chunk.rows[row]);
            changed_at = changed_at.max(rows[row].changed_at);
            len = len.max(place + 1);
            each(id, was, &rows[row]);
        }
        let published = Published { rows: Arc::clone(rows), changed_at };
        let mut chunks = self.chunks.write();
        match chunks.get_mut(number) {
            Some(chunk) => *chunk = published,
            None => chunks.push(published),
        }
        drop(chunks);
        self.len.store(len, Ordering::Release);
        true
    }

    /// Calls `each` with every published case, in order.
    pub(super) fn for_each(&self, mut each: impl FnMut(CaseId, &Case)) {
        let places = 0..self.len();
        for number in numbers(&places) {
            let rows = Arc::clone(&self.chunks.read()[number].rows);
            for (place, case) in within(number, &rows, &places) {
                each(case_at(place), case);
            }
        }
    }

    /// How many cases were received before that moment. Numbers are given in the order received.
    pub(super) fn received_before(&self, moment: Timestamp) -> usize {
        let len = self.len();
        let chunks = self.chunks.read();
        let begins_before = |chunk: &Published| chunk.rows[0].reported_at < moment;
        let Some(last) = chunks.partition_point(begins_before).checked_sub(1) else {
            return 0;
        };
        let first = last * CHUNK_ROWS;
        let used = &chunks[last].rows[..CHUNK_ROWS.min(len - first)];
        first + used.partition_point(|case| case.reported_at < moment)
    }

    /// Calls `each` with the cases of those places, counted from 0, upward, until it breaks off.
    /// Passes over the chunks that the sieve does not reach.
    pub(super) fn look_up(
        &self,
        places: Range<usize>,
        sieve: &Sieve<'_>,
        mut each: impl FnMut(CaseId, &Case) -> ControlFlow<()>,
    ) {
        let numbers = numbers(&places);
        for first in numbers.clone().step_by(CHUNKS_AT_ONCE) {
            let end = numbers.end.min(first + CHUNKS_AT_ONCE);
            for (number, rows) in self.reached(first..end, sieve) {
                let mut cases = within(number, &rows, &places);
                if cases.try_for_each(|(place, case)| each(case_at(place), case)).is_break() {
                    return;
                }
            }
        }
    }

    /// The same downward.
    pub(super) fn look_down(
        &self,
        places: Range<usize>,
        sieve: &Sieve<'_>,
        mut each: impl FnMut(CaseId, &Case) -> ControlFlow<()>,
    ) {
        let Range { start, mut end } = numbers(&places);
        while start < end {
            let first = start.max(end.saturating_sub(CHUNKS_AT_ONCE));
            for (number, rows) in self.reached(first..end, sieve).into_iter().rev() {
                let mut cases = within(number, &rows, &places).rev();
                if cases.try_for_each(|(place, case)| each(case_at(place), case)).is_break() {
                    return;
                }
            }
            end = first;
        }
    }

    /// Those of the chunks that the sieve reaches, with their numbers.
    fn reached(&self, numbers: Range<usize>, sieve: &Sieve<'_>) -> Vec<(usize, Arc<CaseChunk>)> {
        let chunks = self.chunks.read();
        let asked = numbers.clone().zip(&chunks[numbers]);
        let reached = asked.filter(|(_, chunk)| sieve.reaches(chunk.changed_at));
        reached.map(|(number, chunk)| (number, Arc::clone(&chunk.rows))).collect()
    }
}

/// Those of the chunk's cases that lie at one of the places, with where.
fn within<'c>(
    number: usize,
    rows: &'c CaseChunk,
    places: &Range<usize>,
) -> impl DoubleEndedIterator<Item = (usize, &'c Case)> {
    let first = number * CHUNK_ROWS;
    let from = places.start.max(first);
    let to = places.end.min(first + CHUNK_ROWS).max(from);
    (from..to).zip(&rows[from - first..to - first])
}

/// The numbers of the chunks that those places lie in.
fn numbers(places: &Range<usize>) -> Range<usize> {
    if places.is_empty() {
        0..0
    } else {
        places.start / CHUNK_ROWS..places.end.div_ceil(CHUNK_ROWS)
    }
}

fn case_at(place: usize) -> CaseId {
    CaseId(u32::try_from(place + 1).expect("fewer than 2^32 cases"))
}

fn place_of(id: CaseId) -> Option<usize> {
    (id.0 as usize).checked_sub(1)
}
