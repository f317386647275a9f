//! What is kept: every fact, in order, in a chain that cannot be rewritten unseen.
//!
//! A *turn* is what the sequencer decided between two syncs: one commit. It is made of *values*,
//! each a run of events behind an envelope; the key of a value is its first `seq`. Values form a
//! hash chain, whose end is the [`Head`].
//!
//! ```text
//!   seq   1 ───────────── 57 ───────────── 91 ────────── 102 ──────── 118
//!         │ value │ value │ value │ value │ value │ value │ value │ value │
//!                         ▲               ▲               ▲               ▲
//!                      snapshot       published       committed         tail
//!                   (state kept     (views, streams, (its reply may   (durable in
//!                    apart, folds    replies show     leave)           the store)
//!                    start here)     it)
//!
//!   snapshot ≤ published ≤ committed ≤ tail
//! ```
//!
//! `tail` runs ahead of `committed` only while an append returns; both are the same to whoever
//! waits for the call. Every read stops at what is published, which the caller passes as `through`.
//!
//! This room does not know what an event means, who asked for it or who is told: it sees the
//! domain's vocabulary and the disk, and nothing else.

mod aside;
pub mod error;
pub mod fold;
#[cfg(test)]
mod golden;
pub mod head;
pub mod medium;
pub mod memory;
pub mod record;
pub mod recover;
pub mod snapshot;
pub mod store;
pub mod turn;
pub mod value;
pub mod vault;
#[cfg(test)]
mod workload;

use std::ops::ControlFlow;
use std::sync::Arc;

use crate::domain::digest::Digest;
use crate::domain::ids::Seq;
use crate::domain::record::Record;

pub use aside::{Background, give_way};
pub use error::{AppendError, ReadError};
pub use fold::{FoldError, FoldHandle, FoldOptions, FoldStatus, Folder, SealNote};
pub use head::Head;
pub use memory::{Fault, MemoryFaults, MemoryJournal};
pub use record::BadRecord;
pub use recover::{RecoverError, Recovered, recover};
pub use turn::Turn;
pub use value::{BadValue, BrokenChain, Value};
pub use vault::{Opened, Vault, VaultError, VaultOptions, VaultReader};

/// The writing end: one owner, on the sequencer's thread.
pub trait Journal: Send {
    /// The newest durable position. [`Head::GENESIS`] before the first event.
    fn tail(&self) -> Head;

    /// Appends a sealed turn that follows the tail, as one commit. Blocks until it is durable.
    ///
    /// `Ok`: all of it is durable, `tail` is the turn's head, and replies may leave.
    ///
    /// # Errors
    /// Nothing of the turn counts, `tail` is what it was, and the segment that took the failed
    /// write is given up for good: after a failed sync nobody knows what of it is on the disk. The
    /// caller keeps the turn as it is and calls again with that very turn, which then goes to a
    /// fresh segment. Nothing else may be appended in between.
    ///
    /// # Panics
    /// When the turn is not sealed or does not follow the tail: that is a mistake of the caller.
    fn append(&mut self, turn: &Turn) -> Result<(), AppendError>;

    /// Whether the segment is full enough that [`roll`](Self::roll) should come before the next
    /// append. Cheap: asked every turn.
    fn is_roll_due(&self) -> bool;

    /// Seals the segment at the tail and notes the digest of the state there, so that a fold of
    /// the segment can be compared. The next append goes to the next segment.
    ///
    /// # Errors
    /// As [`append`](Self::append): what was durable stays so, and the caller may call again.
    fn roll(&mut self, digest: Digest) -> Result<(), AppendError>;

    /// A reading end, cheap to clone, that stays good as the journal grows.
    fn reader(&self) -> Arc<dyn Reader>;

    /// Looks after what changes by itself, such as the room on a disk. Whoever appends calls this
    /// now and then, whether there is anything to append or not. Never waits for a disk to sync.
    fn tend(&mut self) {}

    /// Ends it cleanly: the next start has nothing to mend.
    ///
    /// # Errors
    /// Those of the disk. Nothing durable is lost then; the next start mends.
    fn close(self: Box<Self>) -> std::io::Result<()>;
}

/// A reading end: any number, on any thread. It sees every durable value, published or not.
pub trait Reader: Send + Sync {
    /// Calls `each` with the key and the raw bytes of whole values, in order: the first is the one
    /// that contains `from`, the last the one before the first that begins after `through`. Stops
    /// early when `each` says so. Calls nothing when `from` is not there yet.
    ///
    /// The bytes are as they lie in the store: [`Value::parse`] checks them.
    ///
    /// # Errors
    /// When the store cannot be read. Values given before the error were good.
    fn read_from(
        &self,
        from: Seq,
        through: Seq,
        each: &mut dyn FnMut(Seq, &[u8]) -> ControlFlow<()>,
    ) -> Result<(), ReadError>;

    /// Reads one event, checked.
    ///
    /// # Errors
    /// When it is not there (yet), is damaged, or the store cannot be read.
    fn record(&self, seq: Seq) -> Result<Record, ReadError>;
}
