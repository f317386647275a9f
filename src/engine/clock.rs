//! Where `now` comes from. It never runs back, whichever way it goes.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use crate::domain::event::ClockMode;
use crate::domain::ids::Timestamp;

/// The engine's clock.
#[derive(Clone, Debug)]
pub enum Clock {
    /// The machine's.
    System,
    /// Moved by tests.
    Manual(ManualClock),
    /// Each command brings its own time.
    Driven,
}

/// A clock that stands still until it is moved.
#[derive(Clone, Debug, Default)]
pub struct ManualClock(Arc<AtomicI64>);

impl ManualClock {
    /// A clock that says `at`.
    pub fn starting(at: Timestamp) -> Self {
        Self(Arc::new(AtomicI64::new(at.0)))
    }

    /// Moves it on. Moving it back has no effect on an engine that has seen a later time.
    pub fn set(&self, at: Timestamp) {
        self.0.store(at.0, Ordering::Release);
    }

    /// What it says.
    pub fn now(&self) -> Timestamp {
        Timestamp(self.0.load(Ordering::Acquire))
    }
}

impl Clock {
    /// Its mode, as the journal's first event has it.
    pub fn mode(&self) -> ClockMode {
        match self {
            Self::System => ClockMode::System,
            Self::Manual(_) => ClockMode::Manual,
            Self::Driven => ClockMode::Driven,
        }
    }

    /// What it says now, and `last` where it says less: a turn's stamp.
    pub fn now(&self, last: Timestamp) -> Timestamp {
        match self {
            Self::System => system_now().max(last),
            Self::Manual(clock) => clock.now().max(last),
            Self::Driven => last,
        }
    }
}

/// The machine's clock.
#[expect(clippy::disallowed_methods, reason = "this is the clock")]
pub fn system_now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

/// A point to measure from. For durations that are shown, never for anything decided.
#[expect(clippy::disallowed_methods, reason = "this is the clock")]
pub fn stopwatch() -> Instant {
    Instant::now()
}
