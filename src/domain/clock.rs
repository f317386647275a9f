//! The two clocks of a case: the node's, which starts again with each holder, and the whole's.

use super::calendar::{Calendar, Limit};
use super::ids::Timestamp;

/// Yellow comes when this share of a limit is used, in percent.
pub const YELLOW_PERCENT: u8 = 80;

/// When each clock turns yellow and red.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Deadlines {
    /// This holder's clock began.
    pub node_started_at: Timestamp,
    /// 80 % of the holder's limit is used.
    pub node_warning_at: Timestamp,
    /// All of the holder's limit is used.
    pub node_due_at: Timestamp,
    /// 80 % of the whole limit is used.
    pub total_warning_at: Timestamp,
    /// All of the whole limit is used.
    pub total_due_at: Timestamp,
}

impl Deadlines {
    /// Both clocks start at `start`.
    #[must_use]
    pub const fn starting(calendar: Calendar, start: Timestamp, node: Limit, total: Limit) -> Self {
        Self {
            node_started_at: start,
            node_warning_at: calendar.share_at(start, node, YELLOW_PERCENT),
            node_due_at: calendar.due_at(start, node),
            total_warning_at: calendar.share_at(start, total, YELLOW_PERCENT),
            total_due_at: calendar.due_at(start, total),
        }
    }

    /// The node clock starts again at `start`; the total clock goes on.
    #[must_use]
    pub const fn restarted(self, calendar: Calendar, start: Timestamp, node: Limit) -> Self {
        Self {
            node_started_at: start,
            node_warning_at: calendar.share_at(start, node, YELLOW_PERCENT),
            node_due_at: calendar.due_at(start, node),
            ..self
        }
    }
}
