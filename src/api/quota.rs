//! How much of its quota a client has left, and when it came last: two numbers a client, in memory.
//! They are nobody's record and begin anew with each start.
//!
//! A quota is a bucket that holds a minute's worth and fills evenly. What is kept of it is the
//! moment at which it will be full again:
//!
//! ```text
//!          now          full_at        now + a minute
//!  ─────────┼──────────────┼─────────────────┼────────▶
//!           │◀──── used ──▶│◀───── left ────▶│
//! ```
//!
//! One command moves `full_at` on by a minute ÷ quota, and is refused where that would pass the right
//! end. So one atomic number is enough, and nobody waits for anybody.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Instant;

use http::header::HeaderName;
use http::{HeaderMap, HeaderValue};

use crate::domain::ids::{PrincipalId, Timestamp};
use crate::domain::limits::CLIENTS_MAX;
use crate::engine::stopwatch;

/// Commands and reads a minute that the token has.
const RATELIMIT_LIMIT: HeaderName = HeaderName::from_static("ratelimit-limit");
/// How many of them are left.
const RATELIMIT_REMAINING: HeaderName = HeaderName::from_static("ratelimit-remaining");
/// Seconds until all of them are.
const RATELIMIT_RESET: HeaderName = HeaderName::from_static("ratelimit-reset");

const MINUTE_NS: u64 = 60_000_000_000;
const SECOND_NS: u64 = 1_000_000_000;
/// How exactly the last use is noted: a client that comes ten thousand times a second writes the
/// number, which all threads read, once a second.
const LAST_USE_STEP_MS: i64 = 1_000;

/// What all clients have used.
pub(super) struct Usage {
    rows: Box<[Row]>,
    started: Instant,
}

/// What one client has used.
#[derive(Default)]
struct Row {
    /// When its bucket is full again, in nanoseconds from the start.
    full_at: AtomicU64,
    /// When it came last; zero for not since the start.
    last_used_at: AtomicI64,
}

/// How a client stands with its quota.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct RateLimit {
    /// Commands and reads a minute.
    limit: u32,
    /// How many are left.
    remaining: u32,
    /// Seconds until all of them are left.
    reset_seconds: u32,
    /// Seconds until one is left; zero while one is.
    retry_seconds: u32,
}

impl Usage {
    pub(super) fn new() -> Self {
        let rows = (0..=CLIENTS_MAX).map(|_| Row::default()).collect();
        Self { rows, started: stopwatch() }
    }

    /// Notes that a client came.
    pub(super) fn note(&self, principal: PrincipalId, now: Timestamp) {
        let Some(row) = self.row(principal) else {
            return;
        };
        let before = row.last_used_at.load(Ordering::Relaxed);
        if now.ms_since(Timestamp(before)) >= LAST_USE_STEP_MS {
            row.last_used_at.store(now.0, Ordering::Relaxed);
        }
    }

    /// When a client came last, to the second; none where it did not since the start.
    pub(super) fn last_used_at(&self, principal: PrincipalId) -> Option<Timestamp> {
        let at = self.row(principal)?.last_used_at.load(Ordering::Relaxed);
        (at != 0).then_some(Timestamp(at))
    }

    /// Takes one from a client's bucket.
    ///
    /// # Errors
    /// When nothing is left.
    pub(super) fn take(&self, principal: PrincipalId, quota: u32) -> Result<RateLimit, RateLimit> {
        let elapsed = u64::try_from(self.started.elapsed().as_nanos()).unwrap_or(u64::MAX);
        let Some(row) = self.row(principal) else {
            return Ok(RateLimit::of(quota, elapsed, elapsed));
        };
        row.take(quota, elapsed)
    }

    fn row(&self, principal: PrincipalId) -> Option<&Row> {
        self.rows.get(principal.0 as usize)
    }
}

impl Row {
    fn take(&self, quota: u32, now: u64) -> Result<RateLimit, RateLimit> {
        let step = MINUTE_NS / u64::from(quota.max(1));
        let taken = self.full_at.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |full_at| {
            let full_at = full_at.max(now) + step;
            (full_at <= now + MINUTE_NS).then_some(full_at)
        });
        match taken {
            Ok(before) => Ok(RateLimit::of(quota, before.max(now) + step, now)),
            Err(full_at) => Err(RateLimit::of(quota, full_at, now)),
        }
    }
}

impl RateLimit {
    fn of(quota: u32, full_at: u64, now: u64) -> Self {
        let step = MINUTE_NS / u64::from(quota.max(1));
        let left_ns = (now + MINUTE_NS).saturating_sub(full_at);
        let seconds = |ns: u64| u32::try_from(ns.div_ceil(SECOND_NS)).unwrap_or(u32::MAX);
        Self {
            limit: quota,
            remaining: u32::try_from(left_ns / step).unwrap_or(quota).min(quota),
            reset_seconds: seconds(full_at.saturating_sub(now)),
            retry_seconds: seconds(step.saturating_sub(left_ns)),
        }
    }

    /// Seconds after which one is left.
    pub(super) const fn retry_seconds(&self) -> u32 {
        self.retry_seconds
    }

    /// Says it with an answer.
    pub(super) fn tell(&self, headers: &mut HeaderMap) {
        headers.insert(RATELIMIT_LIMIT, HeaderValue::from(self.limit));
        headers.insert(RATELIMIT_REMAINING, HeaderValue::from(self.remaining));
        headers.insert(RATELIMIT_RESET, HeaderValue::from(self.reset_seconds));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn stands(remaining: u32, reset_seconds: u32, retry_seconds: u32) -> RateLimit {
        RateLimit { limit: 3, remaining, reset_seconds, retry_seconds }
    }

    #[test]
    fn a_bucket_holds_a_minutes_worth_and_fills_evenly() {
        let row = Row::default();
        let rows = [
            (100, Ok(stands(2, 20, 0))),
            (100, Ok(stands(1, 40, 0))),
            (100, Ok(stands(0, 60, 20))),
            (100, Err(stands(0, 60, 20))),
            (110, Err(stands(0, 50, 10))),
            (120, Ok(stands(0, 60, 20))),
            (121, Err(stands(0, 59, 19))),
            (150, Ok(stands(0, 50, 10))),
            (1_000, Ok(stands(2, 20, 0))),
        ];
        for (at, expected) in rows {
            assert_eq!(row.take(3, at * SECOND_NS), expected, "at {at} s");
        }
    }

    #[test]
    fn the_last_use_is_known_to_the_second() {
        let (usage, client) = (Usage::new(), PrincipalId(7));
        assert_eq!(usage.last_used_at(client), None);
        for (at, expected) in [(5_000, 5_000), (5_999, 5_000), (6_000, 6_000)] {
            usage.note(client, Timestamp(at));
            assert_eq!(usage.last_used_at(client), Some(Timestamp(expected)));
        }
    }
}
