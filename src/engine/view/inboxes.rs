//! The open cases, each in its holder's inbox, in the order received.

use std::collections::VecDeque;
use std::ops::ControlFlow;

use parking_lot::RwLock;

use crate::domain::ids::{CaseId, UnitNumber};
use crate::engine::query::{Sort, Standing};

/// What a unit holds. New cases come in at the end, old ones leave at the front, mostly.
type Inbox = VecDeque<Standing>;

/// Places that an inbox grows by at least.
const PLACES_MORE: usize = 4;
/// Places that an empty inbox keeps.
const PLACES_KEPT: usize = 64;

/// The inboxes of all units, by number.
#[derive(Debug, Default)]
pub(super) struct Inboxes(RwLock<Vec<RwLock<Inbox>>>);

impl Inboxes {
    /// Makes room for that many units.
    pub(super) fn grow(&self, units: usize) {
        let mut inboxes = self.0.write();
        if inboxes.len() < units {
            inboxes.resize_with(units, RwLock::default);
        }
    }

    /// Puts a case in, in its place.
    pub(super) fn put(&self, unit: UnitNumber, standing: Standing) {
        self.change(unit, |inbox| match place(inbox, standing.case) {
            Ok(at) => inbox[at] = standing,
            Err(at) => {
                if inbox.len() == inbox.capacity() {
                    // A quarter more: doubled, a city of open cases keeps 7 MB for nothing.
                    inbox.reserve_exact((inbox.len() / 4).max(PLACES_MORE));
                }
                inbox.insert(at, standing);
            }
        });
    }

    /// Takes a case out.
    pub(super) fn take(&self, unit: UnitNumber, case: CaseId) {
        self.change(unit, |inbox| {
            if let Ok(at) = place(inbox, case) {
                inbox.remove(at);
            }
            let places = inbox.capacity();
            if places > PLACES_KEPT && inbox.len() < places / 4 {
                inbox.shrink_to(places / 2);
            }
        });
    }

    fn change(&self, unit: UnitNumber, change: impl FnOnce(&mut Inbox)) {
        let inboxes = self.0.read();
        let inbox = index(unit).and_then(|at| inboxes.get(at));
        change(&mut inbox.expect("every unit of the organisation has an inbox").write());
    }

    /// How many cases a unit holds.
    pub(super) fn len(&self, unit: UnitNumber) -> usize {
        let inboxes = self.0.read();
        index(unit).and_then(|at| inboxes.get(at)).map_or(0, |inbox| inbox.read().len())
    }

    /// Calls `each` with what every unit holds.
    pub(super) fn for_each(&self, mut each: impl FnMut(UnitNumber, &Standing)) {
        for (inbox, unit) in self.0.read().iter().zip(1..) {
            inbox.read().iter().for_each(|standing| each(UnitNumber(unit), standing));
        }
    }

    /// Calls `each` with what those units hold, or all, in that order within each inbox; where the
    /// order is by number, behind `after`, and until it breaks off, for each inbox.
    pub(super) fn look_through(
        &self,
        units: Option<&[UnitNumber]>,
        sort: Sort,
        after: Option<CaseId>,
        mut each: impl FnMut(&Standing) -> ControlFlow<()>,
    ) {
        let inboxes = self.0.read();
        let mut look = |inbox: &RwLock<Inbox>| {
            let inbox = inbox.read();
            let first =
                after.map_or(0, |after| place(&inbox, after.next()).unwrap_or_else(|at| at));
            let end =
                after.map_or(inbox.len(), |after| place(&inbox, after).unwrap_or_else(|at| at));
            let _ends_early = match sort {
                Sort::Time => inbox.range(first..).try_for_each(&mut each),
                Sort::Newest => inbox.range(..end).rev().try_for_each(&mut each),
                Sort::Urgency | Sort::Due => inbox.iter().try_for_each(&mut each),
            };
        };
        match units {
            None => inboxes.iter().for_each(look),
            Some(units) => {
                let inboxes = units.iter().filter_map(|unit| inboxes.get(index(*unit)?));
                inboxes.for_each(&mut look);
            }
        }
    }
}

/// Where the case is, or is to be put in.
fn place(inbox: &Inbox, case: CaseId) -> Result<usize, usize> {
    // Most come in at the end.
    match inbox.back() {
        None => Err(0),
        Some(last) if last.case < case => Err(inbox.len()),
        Some(_) => inbox.binary_search_by_key(&case, |standing| standing.case),
    }
}

fn index(unit: UnitNumber) -> Option<usize> {
    (unit.0 as usize).checked_sub(1)
}
