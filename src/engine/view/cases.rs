//! The published copy of every case: rows in chunks, each chunk behind a lock that is held for
//! one copy of one row.

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

    /// Puts the row of that case, new or known; gives back what stood there.
    pub(super) fn put(&self, id: CaseId, case: Case) -> Option<Case> {
        let index = (id.0 as usize).checked_sub(1)?;
        if self.chunks.read().len() <= index / CHUNK {
            self.chunks.write().push(RwLock::new(Vec::with_capacity(CHUNK)));
        }
        let chunks = self.chunks.read();
        let mut chunk = chunks.get(index / CHUNK)?.write();
        if let Some(slot) = chunk.get_mut(index % CHUNK) {
            return Some(std::mem::replace(slot, case));
        }
        chunk.push(case);
        self.len.fetch_add(1, Ordering::Release);
        None
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
