//! All cases by number, in chunks that are shared until they change: what is published of the state
//! is the state's own chunks, and a turn copies those that it touches.

use std::sync::Arc;

use super::Case;
use crate::domain::ids::CaseId;

/// Rows of a chunk: with the two counts of its sharing it fills 4 KiB.
pub const CHUNK_ROWS: usize = (4_096 - 2 * size_of::<usize>()) / size_of::<Case>();

/// Cases of consecutive numbers. How many of its rows are in use is told by how many cases there
/// are; the others hold anything.
pub type CaseChunk = [Case; CHUNK_ROWS];

/// All cases, dense from 1.
#[derive(Clone, Debug, Default)]
pub struct Cases {
    chunks: Vec<Arc<CaseChunk>>,
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
        let place = self.place(id)?;
        Some(&self.chunks[place / CHUNK_ROWS][place % CHUNK_ROWS])
    }

    pub(in crate::domain) fn get_mut(&mut self, id: CaseId) -> Option<&mut Case> {
        let place = self.place(id)?;
        Some(&mut Arc::make_mut(&mut self.chunks[place / CHUNK_ROWS])[place % CHUNK_ROWS])
    }

    pub(in crate::domain) fn push(&mut self, case: Case) -> CaseId {
        let id = self.next_id();
        match self.len % CHUNK_ROWS {
            0 => self.chunks.push(Arc::new([case; CHUNK_ROWS])),
            row => Arc::make_mut(self.chunks.last_mut().expect("it has rows"))[row] = case,
        }
        self.len += 1;
        id
    }

    /// All cases with their numbers, in order.
    pub fn iter(&self) -> impl Iterator<Item = (CaseId, &Case)> {
        let rows = self.chunks.iter().flat_map(|chunk| chunk.iter()).take(self.len);
        rows.zip(1..).map(|(case, number)| (CaseId(number), case))
    }

    /// The chunk of that place among all chunks.
    #[must_use]
    pub fn chunk(&self, number: usize) -> Option<&Arc<CaseChunk>> {
        self.chunks.get(number)
    }

    /// Where a case lies among all, counted from 0.
    fn place(&self, id: CaseId) -> Option<usize> {
        (id.0 as usize).checked_sub(1).filter(|place| *place < self.len)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::case::{Light, Sender, Source, Status};
    use crate::domain::catalogue::Severity;
    use crate::domain::clock::Deadlines;
    use crate::domain::ids::{MatterNumber, Seq, Timestamp, UnitNumber};

    fn case(seq: u64) -> Case {
        Case {
            status: Status::Dispatched { holder: UnitNumber(1) },
            reported_at: Timestamp::EPOCH,
            deadlines: Deadlines {
                node_started_at: Timestamp::EPOCH,
                node_warning_at: Timestamp::EPOCH,
                node_due_at: Timestamp::EPOCH,
                total_warning_at: Timestamp::EPOCH,
                total_due_at: Timestamp::EPOCH,
            },
            first_seq: Seq(seq),
            last_seq: Seq(seq),
            changed_at: Timestamp::EPOCH,
            version: 1,
            place: UnitNumber(1),
            sender: Sender::NOBODY,
            matter: MatterNumber(1),
            severity: Severity::Normal,
            source: Source::Patrol,
            node_light: Light::Green,
            total_light: Light::Green,
            escalations: 0,
            reopens: 0,
            is_fallback: false,
            on_the_spot: false,
        }
    }

    fn seqs(cases: &Cases) -> Vec<u64> {
        cases.iter().map(|(_, case)| case.first_seq.0).collect()
    }

    #[test]
    fn what_was_shared_stays_as_it_was() {
        let mut cases = Cases::default();
        let all = 2 * CHUNK_ROWS as u64 + 1;
        for seq in 1..=all {
            let shared = cases.clone();
            cases.push(case(seq));
            assert_eq!(seqs(&shared), (1..seq).collect::<Vec<_>>());
            assert_eq!(shared.get(cases.next_id()), None);
        }
        let shared = cases.clone();
        for (id, _) in shared.iter() {
            cases.get_mut(id).expect("it is there").first_seq.0 += 1_000;
        }
        assert_eq!(seqs(&shared), (1..=all).collect::<Vec<_>>());
        assert_eq!(seqs(&cases), (1_001..=1_000 + all).collect::<Vec<_>>());
        assert_eq!((cases.get(CaseId(0)), cases.get(cases.next_id())), (None, None));
    }

    #[test]
    fn a_chunk_fills_its_four_kib() {
        let bytes = size_of::<CaseChunk>() + 2 * size_of::<usize>();
        assert!(bytes <= 4_096 && bytes + size_of::<Case>() > 4_096);
    }
}
