//! Reads that may wait for the disk: away from the I/O threads, and a bounded number at a time.

use std::sync::Arc;

use tokio::sync::Semaphore;

use super::handle::Handle;

/// Places for reads under way. Cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct Reads(Arc<Semaphore>);

/// So many reads of the journal are under way that no other is begun; try again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("too many reads of the journal are under way")]
pub struct ReadsFull;

impl Reads {
    pub(super) fn new(reads_max: usize) -> Self {
        Self(Arc::new(Semaphore::new(reads_max)))
    }
}

impl Handle {
    /// Runs what reads the journal or opens sealed parts on a thread that may wait for the disk: a
    /// page that is not in memory, a sealed segment whose whole file is compared first. Dropping the
    /// future gives up the answer; the read goes on.
    ///
    /// # Errors
    /// When as many as may be are under way already.
    ///
    /// # Panics
    /// When `read` does.
    pub async fn blocking_read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Self) -> T + Send + 'static,
    ) -> Result<T, ReadsFull> {
        let place = Arc::clone(&self.reads.0).try_acquire_owned().map_err(|_| ReadsFull)?;
        let handle = self.clone();
        let reading = tokio::task::spawn_blocking(move || {
            // Whoever asked may have gone: the place is taken until the read ends.
            let _place = place;
            read(&handle)
        });
        reading.await.map_err(|ended| match ended.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            // The runtime ends before the read began.
            Err(_cancelled) => ReadsFull,
        })
    }
}
