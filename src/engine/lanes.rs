//! The two ways in: interactive, where a person waits, and bulk, where a stream does. Both are
//! bounded by count and bytes and lock-free; full is an answer.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Instant;

use crossbeam::queue::ArrayQueue;
use crossbeam::sync::Unparker;
use tokio::sync::Notify;

use super::desk::{Desk, Ticket};
use super::options::EngineOptions;
use crate::domain::command::Submission;
use crate::domain::ids::PrincipalId;

/// One command, or one question that the sequencer alone can answer.
#[derive(Debug)]
pub(super) struct Single {
    pub(super) ask: Ask,
    pub(super) bytes: usize,
    pub(super) desk: Desk,
    pub(super) ticket: Ticket,
    pub(super) came_at: Instant,
}

/// What a client wants of the sequencer.
#[derive(Debug)]
pub(super) enum Ask {
    /// Decide this.
    Submit(Box<Submission>),
    /// What became of the key.
    Outcome(PrincipalId, Box<str>),
}

/// Commands of one stream, in order.
#[derive(Debug)]
pub(super) struct Batch {
    pub(super) submissions: Vec<Submission>,
    pub(super) bytes: usize,
    pub(super) desk: Desk,
    pub(super) ticket: Ticket,
}

/// Why nothing more goes in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Full;

/// The two lanes.
#[derive(Debug)]
pub(super) struct Lanes {
    interactive: ArrayQueue<Single>,
    interactive_bytes: AtomicUsize,
    interactive_bytes_max: usize,
    bulk: ArrayQueue<Batch>,
    bulk_commands: AtomicUsize,
    bulk_commands_max: usize,
    bulk_bytes: AtomicUsize,
    bulk_bytes_max: usize,
    bulk_room: Notify,
    is_closed: AtomicBool,
    sequencer: Unparker,
}

impl Lanes {
    pub(super) fn new(options: &EngineOptions, sequencer: Unparker) -> Self {
        Self {
            interactive: ArrayQueue::new(options.interactive_commands_max),
            interactive_bytes: AtomicUsize::new(0),
            interactive_bytes_max: options.interactive_bytes_max,
            bulk: ArrayQueue::new(options.bulk_commands_max),
            bulk_commands: AtomicUsize::new(0),
            bulk_commands_max: options.bulk_commands_max,
            bulk_bytes: AtomicUsize::new(0),
            bulk_bytes_max: options.bulk_bytes_max,
            bulk_room: Notify::new(),
            is_closed: AtomicBool::new(false),
            sequencer,
        }
    }

    /// Puts one in, or says at once that there is no room.
    pub(super) fn push(&self, single: Single) -> Result<(), Full> {
        let bytes = single.bytes;
        let queued = self.interactive_bytes.fetch_add(bytes, Ordering::AcqRel);
        if queued + bytes > self.interactive_bytes_max || self.interactive.push(single).is_err() {
            self.interactive_bytes.fetch_sub(bytes, Ordering::AcqRel);
            return Err(Full);
        }
        self.sequencer.unpark();
        Ok(())
    }

    /// Puts a batch in, or hands it back while there is no room.
    pub(super) fn push_bulk(&self, batch: Batch) -> Result<(), Batch> {
        let (commands, bytes) = (batch.submissions.len(), batch.bytes);
        let queued = self.bulk_commands.fetch_add(commands, Ordering::AcqRel);
        let queued_bytes = self.bulk_bytes.fetch_add(bytes, Ordering::AcqRel);
        // A batch alone may be as large as it is: its reader bounds it.
        let has_room = queued == 0
            || (queued + commands <= self.bulk_commands_max
                && queued_bytes + bytes <= self.bulk_bytes_max);
        let pushed = if has_room { self.bulk.push(batch) } else { Err(batch) };
        if let Err(batch) = pushed {
            self.bulk_commands.fetch_sub(commands, Ordering::AcqRel);
            self.bulk_bytes.fetch_sub(bytes, Ordering::AcqRel);
            return Err(batch);
        }
        self.sequencer.unpark();
        Ok(())
    }

    /// Waits until the sequencer has taken something out of the bulk lane.
    pub(super) fn bulk_room(&self) -> tokio::sync::futures::Notified<'_> {
        self.bulk_room.notified()
    }

    pub(super) fn pop(&self) -> Option<Single> {
        let single = self.interactive.pop()?;
        self.interactive_bytes.fetch_sub(single.bytes, Ordering::AcqRel);
        Some(single)
    }

    pub(super) fn pop_bulk(&self) -> Option<Batch> {
        let batch = self.bulk.pop()?;
        self.bulk_commands.fetch_sub(batch.submissions.len(), Ordering::AcqRel);
        self.bulk_bytes.fetch_sub(batch.bytes, Ordering::AcqRel);
        self.bulk_room.notify_waiters();
        Some(batch)
    }

    /// Commands waiting in the interactive lane.
    pub(super) fn interactive_len(&self) -> usize {
        self.interactive.len()
    }

    /// Commands waiting in the bulk lane.
    pub(super) fn bulk_len(&self) -> usize {
        self.bulk_commands.load(Ordering::Acquire)
    }

    /// Nothing more is taken in; what is in is still worked off.
    pub(super) fn close(&self) {
        self.is_closed.store(true, Ordering::Release);
        self.sequencer.unpark();
        self.bulk_room.notify_waiters();
    }

    pub(super) fn is_closed(&self) -> bool {
        self.is_closed.load(Ordering::Acquire)
    }

    /// Wakes the sequencer for anything but a command: a clock that was moved.
    pub(super) fn nudge(&self) {
        self.sequencer.unpark();
    }
}
