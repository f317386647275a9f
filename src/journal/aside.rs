//! Threads that work beside the writing: they seal and fold, nobody waits for them, and they give
//! way to those that somebody waits for.

use std::io;
use std::thread::{Builder, JoinHandle};

/// Where work is done that nobody waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Background {
    /// On a thread of its own.
    Thread,
    /// On the caller's, when it says so: a test that must come out the same every time.
    Inline,
}

/// How far they are behind, as a nice value: a third of another thread's share where all
/// processors are busy, and no less, since segments are made as fast as they are sealed.
const GIVES_WAY: i32 = 5;

/// Starts one.
///
/// # Errors
/// When there is no thread to be had.
pub(super) fn spawn(
    name: &str,
    work: impl FnOnce() + Send + 'static,
) -> io::Result<JoinHandle<()>> {
    Builder::new().name(name.to_owned()).spawn(move || {
        give_way();
        work();
    })
}

/// From now on this thread gives way, where the system lets it: to the writer and to whoever serves
/// connections.
pub fn give_way() {
    if let Err(error) = rustix::process::nice(GIVES_WAY) {
        tracing::debug!(%error, "a thread does not give way");
    }
}
