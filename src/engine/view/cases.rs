//! The published copy of every case: rows in chunks, each chunk behind a lock that is held while
//! rows are copied, and for nothing else.

use std::sync::atomic::{AtomicUsize, Ordering};

use parking_lot::RwLock;

use crate::domain::case::Case;
use crate::domain::ids::CaseId;

const CHUNK: usize = 4_096;

/// All published cases, dense from 1.
#[derive(Debug, Default)]
pub(super) struct CaseRows {
    chunks: RwLock<Vec<RwLock<Vec<Case>>>>,
    len: AtomicUsize,
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
        chunk.get(index % CHUNK).copied()
    }

    /// Puts the rows of these cases, new or known, in the order of their numbers; tells `each` what
    /// stood there.
    pub(super) fn put_all<'c>(
        &self,
        cases: impl Iterator<Item = (CaseId, &'c Case)>,
        mut each: impl FnMut(CaseId, Option<Case>, &'c Case),
    ) {
        let index = |id: CaseId| id.0 as usize - 1;
        let mut cases = cases.peekable();
        while let Some((first, _)) = cases.peek() {
            let number = index(*first) / CHUNK;
            if self.chunks.read().len() == number {
                self.chunks.write().push(RwLock::new(Vec::with_capacity(CHUNK)));
            }
            let chunks = self.chunks.read();
            let mut chunk = chunks[number].write();
            while let Some((id, case)) = cases.next_if(|(id, _)| index(*id) / CHUNK == number) {
                let slot = chunk.get_mut(index(id) % CHUNK);
                let before = slot.map(|slot| std::mem::replace(slot, *case));
                if before.is_none() {
                    chunk.push(*case);
                    self.len.fetch_add(1, Ordering::Release);
                }
                each(id, before, case);
            }
        }
    }

    /// Calls `each` with every published case, in order, a chunk at a time.
    pub(super) fn for_each(&self, mut each: impl FnMut(CaseId, &Case)) {
        let mut number = 0;
        for chunk in self.chunks.read().iter() {
            for case in chunk.read().iter() {
                number += 1;
                each(CaseId(number), case);
            }
        }
    }
}
