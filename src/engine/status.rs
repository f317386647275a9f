//! How the engine is: what health, readiness and the handlers ask, without asking the sequencer.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};

use parking_lot::Mutex;

/// Whether turns become durable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Storage {
    /// They do.
    Good = 0,
    /// Not now, for want of room: 507. Ends by itself when there is room.
    Full = 1,
    /// Not now, for another reason: 503. Tried again and again.
    Failing = 2,
}

/// How the engine is.
#[derive(Debug, Default)]
pub struct Status {
    storage: AtomicU8,
    is_low_on_space: AtomicBool,
    is_bulk_busy: Arc<AtomicBool>,
    commits: AtomicU64,
    degraded: Mutex<Option<String>>,
}

impl Status {
    /// Whether turns become durable.
    pub fn storage(&self) -> Storage {
        match self.storage.load(Ordering::Acquire) {
            0 => Storage::Good,
            1 => Storage::Full,
            _ => Storage::Failing,
        }
    }

    pub(super) fn set_storage(&self, storage: Storage) {
        self.storage.store(storage as u8, Ordering::Release);
    }

    /// Whether room is running out, though nothing has failed yet.
    pub fn is_low_on_space(&self) -> bool {
        self.is_low_on_space.load(Ordering::Acquire)
    }

    /// Says whether room is running out.
    pub fn set_low_on_space(&self, is_low: bool) {
        self.is_low_on_space.store(is_low, Ordering::Release);
    }

    /// Whether bulk commands wait or were in the newest turn: background work may wait.
    pub fn is_bulk_busy(&self) -> &Arc<AtomicBool> {
        &self.is_bulk_busy
    }

    /// Turns made durable since the start.
    pub fn commits(&self) -> u64 {
        self.commits.load(Ordering::Relaxed)
    }

    pub(super) fn count_commit(&self) {
        self.commits.fetch_add(1, Ordering::Relaxed);
    }

    /// What runs, but not as it should; none when all does.
    pub fn degraded(&self) -> Option<String> {
        self.degraded.lock().clone()
    }

    /// Says that something runs, but not as it should.
    pub fn degrade(&self, why: String) {
        *self.degraded.lock() = Some(why);
    }
}
