//! Inheriting: a unit closes, and its successor takes its open cases as they stand. Status and
//! clocks go on.

use std::collections::BTreeMap;

use crate::domain::event::{CasesInherited, Event};
use crate::domain::ids::{CaseId, Seq, UnitNumber};
use crate::domain::limits::EVENT_CASES_MAX;
use crate::domain::record::Record;
use crate::domain::state::State;

/// The open cases of each holder that is asked for, with their newest events. One pass over all.
pub(in crate::domain) fn held_by(
    state: &State,
    is_asked: impl Fn(UnitNumber) -> bool,
) -> BTreeMap<UnitNumber, Vec<(CaseId, Seq)>> {
    let mut held: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for (id, case) in state.cases().iter() {
        if let Some(holder) = case.status.holder().filter(|holder| is_asked(*holder)) {
            held.entry(holder).or_default().push((id, case.last_seq));
        }
    }
    held
}

/// What makes `successor` the holder of these cases: as many events as it takes.
pub(in crate::domain) fn decide(
    from: UnitNumber,
    successor: UnitNumber,
    cases: &[(CaseId, Seq)],
) -> impl Iterator<Item = Event> {
    cases.chunks(EVENT_CASES_MAX).map(move |cases| {
        Event::CasesInherited(CasesInherited { from, holder: successor, cases: cases.to_vec() })
    })
}

pub(in crate::domain) fn evolve(state: &mut State, record: &Record, event: &CasesInherited) {
    for (id, _) in &event.cases {
        state.change_case(*id, record, |case| {
            case.status = case.status.held_by(event.holder);
            case.sender = case.sender.unit().filter(|sender| *sender != event.holder).into();
        });
    }
}
