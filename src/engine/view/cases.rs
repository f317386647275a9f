//! The published cases: the chunks of the state as of the newest turn, in lists that are shared until
//! they change, too. A read takes all of it at once and holds no lock; the writer never waits for it.

use std::iter::Peekable;
use std::ops::{ControlFlow, Range};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use parking_lot::RwLock;

use crate::domain::case::{CHUNK_ROWS, Case, CaseChunk, Cases};
use crate::domain::ids::{CaseId, Timestamp};
use crate::engine::query::Sieve;

/// Chunks of a list. While a read holds it, changing one of its chunks copies the list.
const LIST_CHUNKS: usize = 128;

/// All published cases, dense from 1, while they change.
#[derive(Debug, Default)]
pub(super) struct CaseRows {
    lists: RwLock<Vec<List>>,
    /// Raised once the rows are there.
    len: AtomicUsize,
}

/// All published cases as they were when they were taken.
#[derive(Debug)]
pub(super) struct Rows {
    lists: Vec<List>,
    len: usize,
}

type List = Arc<Vec<Published>>;

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
        Some(*row(&self.lists.read(), place))
    }

    /// All of them. Whether it is all of one turn, the epoch tells.
    pub(super) fn rows(&self) -> Rows {
        let len = self.len();
        Rows { lists: self.lists.read().clone(), len }
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
        let before = chunk(&self.lists.read(), number).cloned();
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
        let mut lists = self.lists.write();
        if number / LIST_CHUNKS == lists.len() {
            lists.push(List::default());
        }
        let list = Arc::make_mut(&mut lists[number / LIST_CHUNKS]);
        match list.get_mut(number % LIST_CHUNKS) {
            Some(chunk) => *chunk = published,
            None => list.push(published),
        }
        drop(lists);
        self.len.store(len, Ordering::Release);
        true
    }
}

impl Rows {
    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// The row of that case.
    pub(super) fn get(&self, id: CaseId) -> Option<&Case> {
        let place = place_of(id).filter(|place| *place < self.len)?;
        Some(row(&self.lists, place))
    }

    /// All of them, in order.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Case> {
        let chunks = self.lists.iter().flat_map(|list| list.iter());
        chunks.flat_map(|chunk| chunk.rows.iter()).take(self.len)
    }

    /// How many cases were received before that moment. Numbers are given in the order received.
    pub(super) fn received_before(&self, moment: Timestamp) -> usize {
        let is_before = |place: usize| row(&self.lists, place).reported_at < moment;
        let (mut known_before, mut end) = (0, self.len);
        while known_before < end {
            let middle = usize::midpoint(known_before, end);
            if is_before(middle) {
                known_before = middle + 1;
            } else {
                end = middle;
            }
        }
        end
    }

    /// Calls `each` with the cases of those places, counted from 0, upward, until it breaks off.
    /// Passes over the chunks that the sieve does not reach.
    pub(super) fn look_up(
        &self,
        places: Range<usize>,
        sieve: &Sieve<'_>,
        mut each: impl FnMut(CaseId, &Case) -> ControlFlow<()>,
    ) {
        let mut look =
            |(place, case): (usize, &Case)| -> ControlFlow<()> { each(case_at(place), case) };
        for number in numbers(&places) {
            if self.reached(number, &places, sieve).try_for_each(&mut look).is_break() {
                return;
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
        let mut look =
            |(place, case): (usize, &Case)| -> ControlFlow<()> { each(case_at(place), case) };
        for number in numbers(&places).rev() {
            if self.reached(number, &places, sieve).rev().try_for_each(&mut look).is_break() {
                return;
            }
        }
    }

    /// Those of the chunk's cases that lie at one of the places, with where; none where the sieve
    /// does not reach.
    fn reached(
        &self,
        number: usize,
        places: &Range<usize>,
        sieve: &Sieve<'_>,
    ) -> impl DoubleEndedIterator<Item = (usize, &Case)> {
        let chunk = chunk(&self.lists, number).filter(|chunk| sieve.reaches(chunk.changed_at));
        let first = number * CHUNK_ROWS;
        let from = places.start.max(first);
        let to = places.end.min(self.len).min(first + CHUNK_ROWS).max(from);
        let cases = chunk.map_or(&[][..], |chunk| &chunk.rows[from - first..to - first]);
        (from..to).zip(cases)
    }
}

fn chunk(lists: &[List], number: usize) -> Option<&Published> {
    lists.get(number / LIST_CHUNKS)?.get(number % LIST_CHUNKS)
}

/// The row at a place below their number.
fn row(lists: &[List], place: usize) -> &Case {
    let number = place / CHUNK_ROWS;
    &lists[number / LIST_CHUNKS][number % LIST_CHUNKS].rows[place % CHUNK_ROWS]
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
