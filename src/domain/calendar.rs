//! How much of a day counts. Today every hour of every day does; the working calendar (holidays,
//! make-up workdays, daily windows) takes its place behind the same two functions.

use super::ids::Timestamp;

/// A stretch of counted time within which something must be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Limit {
    /// Hours that run day and night.
    CalendarHours(u32),
}

/// Turns limits into moments.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Calendar;

const HOUR_MS: i64 = 3_600_000;

impl Calendar {
    /// When the whole of `limit` will have been used by a clock that starts at `start`.
    #[must_use]
    pub const fn due_at(self, start: Timestamp, limit: Limit) -> Timestamp {
        self.share_at(start, limit, 100)
    }

    /// When `percent` of `limit` will have been used by a clock that starts at `start`.
    #[must_use]
    pub const fn share_at(self, start: Timestamp, limit: Limit, percent: u8) -> Timestamp {
        let Limit::CalendarHours(hours) = limit;
        start.plus_ms(hours as i64 * HOUR_MS / 100 * percent as i64)
    }
}
