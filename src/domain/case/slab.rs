//! All cases by number, in chunks, so that growing never copies.

use super::Case;
use crate::domain::ids::CaseId;

const CHUNK: usize = 4_096;

/// All cases, dense from 1.
#[derive(Clone, Debug, Default)]
pub struct Cases {
    chunks: Vec<Vec<Case>>,
    len: usize,
}

impl Cases {
    /// How many there are, closed ones included.
    #[must_use]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The number that the next case gets.
    #[must_use]
    pub fn next_id(&self) -> CaseId {
        CaseId(u32::try_from(self.len + 1).expect("fewer than 2^32 cases"))
    }

    /// The case of that number.
    #[must_use]
    pub fn get(&self, id: CaseId) -> Option<&Case> {
        let index = (id.0 as usize).checked_sub(1)?;
        self.chunks.get(index / CHUNK)?.get(index % CHUNK)
    }

    pub(in crate::domain) fn get_mut(&mut self, id: CaseId) -> Option<&mut Case> {
        let index = (id.0 as usize).checked_sub(1)?;
        self.chunks.get_mut(index / CHUNK)?.get_mut(index % CHUNK)
    }

    pub(in crate::domain) fn push(&mut self, case: Case) -> CaseId {
        let id = self.next_id();
        if self.len.is_multiple_of(CHUNK) {
            self.chunks.push(Vec::with_capacity(CHUNK));
        }
        self.chunks.last_mut().expect("a chunk was just made").push(case);
        self.len += 1;
        id
    }

    /// All cases with their numbers, in order.
    pub fn iter(&self) -> impl Iterator<Item = (CaseId, &Case)> {
        self.chunks.iter().flatten().zip(1..).map(|(case, number)| (CaseId(number), case))
    }

    /// All cases in runs of up to 4,096, in order.
    pub fn chunks(&self) -> impl Iterator<Item = &[Case]> {
        self.chunks.iter().map(Vec::as_slice)
    }
}
