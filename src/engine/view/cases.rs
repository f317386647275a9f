//! The published copy of every case: rows in chunks, each chunk behind a lock that is held while
//! rows are copied or looked through, and for nothing else.

use std::iter::Peekable;
use std::ops::{ControlFlow, Range};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use parking_lot::RwLock;

use crate::domain::case::Case;
use crate::domain::ids::{CaseId, Timestamp};
use crate::engine::query::Sieve;

const CHUNK: usize = 4_096;

/// All published cases, dense from 1.
#[derive(Debug, Default)]
pub(super) struct CaseRows {
    /// Held to find a chunk and to add one, never while rows are looked through.
    chunks: RwLock<Vec<Arc<RwLock<Chunk>>>>,
    len: AtomicUsize,
}

#[derive(Debug)]
struct Chunk {
    rows: Vec<Case>,
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
        let index = (id.0 as usize).checked_sub(1)?;
        let chunks = self.chunks.read();
        let chunk = chunks.get(index / CHUNK)?.read();
        chunk.rows.get(index % CHUNK).copied()
    }

    /// Puts those of the next rows, new or known and in the order of their numbers, that lie in one
    /// chunk; tells `each` what stood there. Says whether there were any.
    pub(super) fn put_chunk<'c>(
        &self,
        cases: &mut Peekable<impl Iterator<Item = (CaseId, &'c Case)>>,
        mut each: impl FnMut(CaseId, Option<Case>, &'c Case),
    ) -> bool {
        let index = |id: CaseId| id.0 as usize - 1;
        let Some((first, _)) = cases.peek() else {
            return false;
        };
        let number = index(*first) / CHUNK;
        if self.chunks.read().len() == number {
            let chunk = Chunk { rows: Vec::with_capacity(CHUNK), changed_at: Timestamp::EPOCH };
            self.chunks.write().push(Arc::new(RwLock::new(chunk)));
        }
        let chunks = self.chunks.read();
        let mut chunk = chunks[number].write();
        while let Some((id, case)) = cases.next_if(|(id, _)| index(*id) / CHUNK == number) {
            let slot = chunk.rows.get_mut(index(id) % CHUNK);
            let before = slot.map(|slot| std::mem::replace(slot, *case));
            if before.is_none() {
                chunk.rows.push(*case);
                self.len.fetch_add(1, Ordering::Release);
            }
            chunk.changed_at = chunk.changed_at.max(case.changed_at);
            each(id, before, case);
        }
        true
    }

    fn chunk(&self, number: usize) -> Option<Arc<RwLock<Chunk>>> {
        self.chunks.read().get(number).map(Arc::clone)
    }

    /// Calls `each` with every published case, in order, a chunk at a time.
    pub(super) fn for_each(&self, mut each: impl FnMut(CaseId, &Case)) {
        let mut id = 0;
        for chunk in (0..).map_while(|number| self.chunk(number)) {
            for case in &chunk.read().rows {
                id += 1;
                each(CaseId(id), case);
            }
        }
    }

    /// How many cases were received before that moment. Numbers are given in the order received.
    pub(super) fn received_before(&self, moment: Timestamp) -> usize {
        let chunks = self.chunks.read();
        let begins_before = |chunk: &Arc<RwLock<Chunk>>| {
            chunk.read().rows.first().is_some_and(|case| case.reported_at < moment)
        };
        let Some(last) = chunks.partition_point(begins_before).checked_sub(1) else {
            return 0;
        };
        let chunk = chunks[last].read();
        last * CHUNK + chunk.rows.partition_point(|case| case.reported_at < moment)
    }

    /// Calls `each` with the cases of those places, counted from 0, upward, until it breaks off.
    /// Passes over the chunks that the sieve does not reach.
    pub(super) fn look_up(
        &self,
        places: Range<usize>,
        sieve: &Sieve<'_>,
        mut each: impl FnMut(CaseId, &Case) -> ControlFlow<()>,
    ) {
        for number in numbers(&places) {
            let Some(chunk) = self.chunk(number) else { return };
            let chunk = chunk.read();
            if !sieve.reaches(chunk.changed_at) {
                continue;
            }
            let mut cases =
                (number * CHUNK..).zip(&chunk.rows).filter(|(at, _)| places.contains(at));
            if cases.try_for_each(|(at, case)| each(case_at(at), case)).is_break() {
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
        for number in numbers(&places).rev() {
            let Some(chunk) = self.chunk(number) else { continue };
            let chunk = chunk.read();
            if !sieve.reaches(chunk.changed_at) {
                continue;
            }
            let first = number * CHUNK;
            let cases = (first..first + chunk.rows.len()).zip(&chunk.rows).rev();
            let mut cases = cases.filter(|(at, _)| places.contains(at));
            if cases.try_for_each(|(at, case)| each(case_at(at), case)).is_break() {
                return;
            }
        }
    }
}

/// The numbers of the chunks that those places lie in.
fn numbers(places: &Range<usize>) -> Range<usize> {
    if places.is_empty() { 0..0 } else { places.start / CHUNK..places.end.div_ceil(CHUNK) }
}

fn case_at(place: usize) -> CaseId {
    CaseId(u32::try_from(place + 1).expect("fewer than 2^32 cases"))
}
