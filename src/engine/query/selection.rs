//! In what order, and the first of many by it.

use std::collections::BinaryHeap;

use super::Standing;
use crate::domain::catalogue::named;
use crate::domain::ids::CaseId;

named!(
    /// In what order.
    Sort {
        /// Graver first, then the worse light, then the earlier due time, then as received.
        Urgency = "urgency",
        /// By the first due time of the clocks that still run, then as received; those of which none
        /// runs last.
        Due = "due",
        /// As received.
        Time = "time",
        /// As received, newest first.
        Newest = "-time",
    }
);

/// Where a case stands in an order: the smaller comes first, and no two are equal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SortKey {
    /// By the order.
    pub rank: u64,
    /// Among equals.
    pub case: CaseId,
}

impl SortKey {
    /// Where a case stands in the order received.
    #[must_use]
    pub const fn received(case: CaseId) -> Self {
        Self { rank: case.0 as u64, case }
    }
}

impl Sort {
    /// Whether it is the order of the numbers, one way or the other. By such an order a case never
    /// changes its place.
    #[must_use]
    pub const fn is_by_number(self) -> bool {
        match self {
            Self::Urgency | Self::Due => false,
            Self::Time | Self::Newest => true,
        }
    }

    pub(in crate::engine) fn key(self, standing: &Standing) -> SortKey {
        let case = standing.case;
        match self {
            Self::Urgency => SortKey { rank: standing.urgency(), case },
            Self::Due => SortKey { rank: standing.due().0.cast_unsigned(), case },
            Self::Time => SortKey::received(case),
            Self::Newest => SortKey { rank: u64::from(u32::MAX - case.0), case },
        }
    }
}

/// The first cases of an order behind a place in it.
pub(in crate::engine) struct Selection {
    after: Option<SortKey>,
    places: usize,
    /// The last of the chosen on top.
    chosen: BinaryHeap<SortKey>,
}

impl Selection {
    pub(in crate::engine) fn new(after: Option<SortKey>, places: usize) -> Self {
        Self { after, places, chosen: BinaryHeap::new() }
    }

    /// Whether that one would be among them now.
    pub(in crate::engine) fn wants(&self, key: SortKey) -> bool {
        self.after.is_none_or(|after| key > after) && !self.is_complete_before(key)
    }

    /// Whether all are chosen, and come before that one.
    pub(in crate::engine) fn is_complete_before(&self, key: SortKey) -> bool {
        self.chosen.len() == self.places && self.chosen.peek().is_none_or(|last| *last < key)
    }

    /// Puts in one that is wanted.
    pub(in crate::engine) fn put(&mut self, key: SortKey) {
        self.chosen.push(key);
        if self.chosen.len() > self.places {
            self.chosen.pop();
        }
    }

    /// All of them, in order.
    pub(in crate::engine) fn in_order(self) -> Vec<SortKey> {
        self.chosen.into_sorted_vec()
    }
}
