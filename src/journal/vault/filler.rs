//! The thread that fills slots ahead: random keys, written and synced before any is handed out.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use parking_lot::{Condvar, Mutex};

use super::ahead::Ahead;
use super::file::VaultFile;
use super::{Key, VaultError, wipe};
use crate::domain::ids::SlotNumber;

/// Slots in a page of memory. Steps end at a page's end, so that a slot in use is not written
/// again, even with the bytes that it has, by the next step.
const PAGE_SLOTS: u64 = 4_096 / super::KEY_BYTES;

/// What the vault shares with its filling thread.
pub(super) struct Filler {
    pub(super) file: VaultFile,
    pub(super) ahead: Ahead,
    step_slots: u64,
    retry_after: Duration,
    is_asked: AtomicBool,
    is_failing: AtomicBool,
    is_stopping: Mutex<bool>,
    wake: Condvar,
}

impl Filler {
    pub(super) fn new(
        file: VaultFile,
        ahead: Ahead,
        step_slots: u64,
        retry_after: Duration,
    ) -> Self {
        Self {
            file,
            ahead,
            step_slots,
            retry_after,
            is_asked: AtomicBool::new(false),
            is_failing: AtomicBool::new(false),
            is_stopping: Mutex::new(false),
            wake: Condvar::new(),
        }
    }

    /// Gives fresh keys to every slot from the next one to be handed out up to `last`, which the
    /// file has, and tries to have a step ready. That there is no room beyond `last` is no error.
    pub(super) fn refill(&self, last: SlotNumber) -> Result<(), VaultError> {
        let first = self.ahead.end();
        while self.ahead.end() <= last || self.ahead.end() == first {
            match self.fill_step() {
                Ok(0) => break,
                Ok(_) => {}
                Err(error) if self.ahead.end() > last => {
                    self.note_failure(&error);
                    break;
                }
                Err(error) => return Err(error),
            }
        }
        // What does not fit into memory gets fresh keys now, and others when its turn comes.
        let mut rest = self.ahead.end();
        while rest <= last {
            let count = self.step_slots.min(last.0 - rest.0 + 1);
            let mut keys = fresh_keys(count)?;
            let (_, error) = self.file.write(rest, &keys);
            wipe(keys.as_flattened_mut());
            error.map_or(Ok(()), Err)?;
            rest = SlotNumber(rest.0 + count);
        }
        self.file.sync()
    }

    /// Fills the next step. Returns how many slots became ready: none when memory has no room.
    ///
    /// A sync that failed leaves nothing behind: the same slots are written again, with other
    /// keys, and synced again, before any of them is handed out.
    pub(super) fn fill_step(&self) -> Result<u64, VaultError> {
        let first = self.ahead.end();
        let room = self.ahead.room(self.step_slots);
        let end = first.0 + room;
        let at_page = end / PAGE_SLOTS * PAGE_SLOTS;
        let count = if at_page > first.0 { at_page - first.0 } else { room };
        if count == 0 {
            return Ok(0);
        }
        let mut keys = fresh_keys(count)?;
        let (written, error) = self.file.write(first, &keys);
        let synced = if written > 0 { self.file.sync() } else { Ok(()) };
        if synced.is_ok() {
            self.ahead.publish(&keys[..written]);
        }
        wipe(keys.as_flattened_mut());
        synced?;
        error.map_or(Ok(written as u64), Err)
    }

    /// Asks the thread for more. Takes a lock only when it was not asked yet.
    pub(super) fn ask(&self) {
        let was_asked =
            self.is_asked.load(Ordering::Relaxed) || self.is_asked.swap(true, Ordering::Relaxed);
        if !was_asked {
            let _guard = self.is_stopping.lock();
            self.wake.notify_one();
        }
    }

    /// Whether fewer than half of the slots that fit are ready.
    pub(super) fn is_low(&self) -> bool {
        self.ahead.left() < self.ahead.places() / 2
    }

    /// Whether the newest try to fill a step failed.
    pub(super) fn is_failing(&self) -> bool {
        self.is_failing.load(Ordering::Relaxed)
    }

    /// Ends the thread.
    pub(super) fn stop(&self) {
        *self.is_stopping.lock() = true;
        self.wake.notify_one();
    }

    /// Runs until it is stopped.
    pub(super) fn run(self: &Arc<Self>) {
        loop {
            self.fill_up();
            let mut is_stopping = self.is_stopping.lock();
            if self.is_failing() && !*is_stopping {
                self.wake.wait_for(&mut is_stopping, self.retry_after);
            }
            while !self.is_failing() && !*is_stopping && !self.is_asked.load(Ordering::Relaxed) {
                self.wake.wait(&mut is_stopping);
            }
            if *is_stopping {
                return;
            }
        }
    }

    /// Fills step after step until memory has no room for a whole one, or one fails.
    pub(super) fn fill_up(&self) {
        // Lowered first, so that who asks from here on is heard. While the disk fails it stays
        // up, so that callers who find nothing do not hurry the next try.
        if !self.is_failing() {
            self.is_asked.store(false, Ordering::Relaxed);
        }
        while self.ahead.places() - self.ahead.left() >= self.step_slots {
            match self.fill_step() {
                Ok(0) => break,
                Ok(_) => self.note_success(),
                Err(error) => {
                    self.note_failure(&error);
                    return;
                }
            }
        }
    }

    fn note_success(&self) {
        if self.is_failing.swap(false, Ordering::Relaxed) {
            tracing::info!(end = self.ahead.end().0, "the vault fills again");
        }
    }

    fn note_failure(&self, error: &VaultError) {
        if !self.is_failing.swap(true, Ordering::Relaxed) {
            let error = error as &dyn std::error::Error;
            tracing::warn!(error, left = self.ahead.left(), "the vault cannot be filled");
        }
    }
}

/// Keys drawn in one call. The kernel may not let go of the processor before a call returns, and a
/// step of them takes it some milliseconds.
const KEYS_AT_ONCE: usize = 512;

fn fresh_keys(count: u64) -> Result<Vec<Key>, VaultError> {
    let count = usize::try_from(count).expect("bounded by the places in memory");
    let mut keys = vec![Key::default(); count];
    for keys in keys.chunks_mut(KEYS_AT_ONCE) {
        getrandom::fill(keys.as_flattened_mut()).map_err(VaultError::Random)?;
    }
    Ok(keys)
}
