//! The one ordered source of a driven clock: the open stream that brings times.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Whether some stream drives the clock.
#[derive(Clone, Debug, Default)]
pub(in crate::api) struct Source(Arc<AtomicBool>);

/// Held by the stream that drives the clock; free again when it is dropped.
#[derive(Debug)]
pub(super) struct Driving(Source);

impl Source {
    /// Takes the clock, unless another has it.
    pub(super) fn take(&self) -> Option<Driving> {
        let taken = self.0.swap(true, Ordering::AcqRel);
        (!taken).then(|| Driving(self.clone()))
    }

    /// Whether some stream has it.
    pub(in crate::api) fn is_taken(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

impl Drop for Driving {
    fn drop(&mut self) {
        self.0.0.store(false, Ordering::Release);
    }
}
