//! What falls due by the clock. Only the next moment of an open case is kept; the one after it
//! follows from the record when that one has passed.

use super::{Case, ClockName, Light, Status};
use crate::domain::event::{CaseFellDue, Event};
use crate::domain::ids::{CaseId, Timestamp};
use crate::domain::record::Record;
use crate::domain::state::State;

/// The next moment at which a clock of a case turns yellow or red.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timer {
    /// The moment.
    pub due_at: Timestamp,
    /// Which clock.
    pub clock: ClockName,
    /// What it turns.
    pub light: Light,
}

impl Case {
    /// The next moment at which a clock of this case turns, if one still can. The node's clock
    /// stops when the case is handled; the total clock when it is closed.
    #[must_use]
    pub fn next_timer(&self) -> Option<Timer> {
        let d = &self.deadlines;
        let node = match self.status {
            Status::Dispatched { .. } | Status::Acknowledged { .. } => {
                turn(ClockName::Node, self.node_light, d.node_warning_at, d.node_due_at)
            }
            Status::Handled { .. }
            | Status::Closed { .. }
            | Status::Declined { .. }
            | Status::Voided { .. } => None,
        };
        let total = match self.status {
            Status::Dispatched { .. } | Status::Acknowledged { .. } | Status::Handled { .. } => {
                turn(ClockName::Total, self.total_light, d.total_warning_at, d.total_due_at)
            }
            Status::Closed { .. } | Status::Declined { .. } | Status::Voided { .. } => None,
        };
        match (node, total) {
            (Some(node), Some(total)) if total.due_at < node.due_at => Some(total),
            (node, total) => node.or(total),
        }
    }
}

impl Case {
    /// When the first of the clocks that still run is, or was, due. None once none runs.
    #[must_use]
    pub fn due_at(&self) -> Option<Timestamp> {
        let d = &self.deadlines;
        match self.status {
            Status::Dispatched { .. } | Status::Acknowledged { .. } => {
                Some(d.node_due_at.min(d.total_due_at))
            }
            Status::Handled { .. } => Some(d.total_due_at),
            Status::Closed { .. } | Status::Declined { .. } | Status::Voided { .. } => None,
        }
    }

    /// The worse of its two clocks' lights.
    #[must_use]
    pub fn worse_light(&self) -> Light {
        self.node_light.max(self.total_light)
    }
}

fn turn(clock: ClockName, light: Light, warning_at: Timestamp, due_at: Timestamp) -> Option<Timer> {
    match light {
        Light::Green => Some(Timer { due_at: warning_at, clock, light: Light::Yellow }),
        Light::Yellow => Some(Timer { due_at, clock, light: Light::Red }),
        Light::Red => None,
    }
}

/// Decides what the next timer of a case does once it is due.
pub(in crate::domain) fn decide(case: CaseId, timer: Timer) -> Event {
    let fell_due = CaseFellDue { case, clock: timer.clock, due_at: timer.due_at };
    match timer.light {
        Light::Green | Light::Yellow => Event::CaseWarned(fell_due),
        Light::Red => Event::CaseOverdue(fell_due),
    }
}

pub(in crate::domain) fn evolve_warned(state: &mut State, record: &Record, event: &CaseFellDue) {
    turn_light(state, record, event, Light::Yellow);
}

pub(in crate::domain) fn evolve_overdue(state: &mut State, record: &Record, event: &CaseFellDue) {
    turn_light(state, record, event, Light::Red);
}

fn turn_light(state: &mut State, record: &Record, event: &CaseFellDue, light: Light) {
    state.change_case(event.case, record, |case| match event.clock {
        ClockName::Node => case.node_light = light,
        ClockName::Total => case.total_light = light,
    });
}
