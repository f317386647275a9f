//! A case and its clocks, as the shadow knows them.

use crate::city::HOUR;

/// A case as the shadow knows it.
#[derive(Clone, Debug)]
pub(crate) struct Life {
    pub(crate) status: &'static str,
    /// Units, by their numbers less one.
    pub(crate) holder: Option<usize>,
    pub(super) ended_by: Option<usize>,
    pub(crate) sender: Option<usize>,
    pub(crate) version: u32,
    pub(crate) place: usize,
    pub(super) reported_at: i64,
    pub(crate) escalations: u8,
    pub(crate) reopens: u8,
    pub(crate) is_fallback: bool,
    pub(crate) on_the_spot: bool,
    pub(crate) node: Watch,
    pub(crate) total: Watch,
    pub(super) matter: usize,
}

/// One of a case's clocks: 0 is green, 1 yellow, 2 red.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Watch {
    pub(crate) light: u8,
    yellow_at: i64,
    red_at: i64,
}

impl Watch {
    pub(super) fn new(start: i64, hours: u32) -> Self {
        let limit = i64::from(hours) * HOUR;
        Self { light: 0, yellow_at: start + limit * 8 / 10, red_at: start + limit }
    }

    fn next(self) -> Option<i64> {
        [Some(self.yellow_at), Some(self.red_at), None][usize::from(self.light)]
    }
}

impl Life {
    /// Nobody holds it any more.
    pub(super) fn end(&mut self, status: &'static str, by: usize) {
        (self.status, self.holder, self.ended_by) = (status, None, Some(by));
    }

    /// When the next of its clocks turns, and whether it is the node's.
    pub(super) fn next_turn(&self) -> Option<(i64, bool)> {
        let node = match self.status {
            "dispatched" | "acknowledged" => self.node.next().map(|at| (at, true)),
            _ => None,
        };
        let total = self.holder.and_then(|_| self.total.next());
        match (node, total) {
            (Some((at, _)), Some(total)) if total < at => Some((total, false)),
            (None, Some(total)) => Some((total, false)),
            (node, _) => node,
        }
    }
}
