//! The two ways in: interactive, where a person waits, and bulk, where a stream does. Both are
//! bounded by count and bytes and lock-free; full is an answer.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering, fence};
use std::time::Instant;

use crossbeam::queue::ArrayQueue;
use crossbeam::sync::Unparker;
use tokio::sync::Notify;

use super::answer::{Answer, Failed};
use super::desk::{Desk, Ticket};
use super::options::EngineOptions;
use crate::domain::command::Submission;
use crate::domain::ids::{ImportId, PrincipalId};
use crate::domain::state::NaturalKey;

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
    /// Which case a source gave that number.
    Number(NaturalKey),
    /// What keeps an open import from coming into force.
    Findings(ImportId),
}

/// Commands of one stream, in order.
#[derive(Debug)]
pub(super) struct Batch {
    pub(super) submissions: Vec<Submission>,
    pub(super) bytes: usize,
    pub(super) desk: Desk,
    pub(super) ticket: Ticket,
}

impl Batch {
    /// Its commands and bytes. An empty one takes a place in the lane, too.
    fn load(&self) -> (usize, usize) {
        (self.submissions.len().max(1), self.bytes)
    }
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
    bulk_load: Load,
    bulk_commands_max: usize,
    bulk_bytes_max: usize,
    bulk_room: Notify,
    is_closed: AtomicBool,
    /// The sequencer has gone: nobody takes anything out any more.
    is_over: AtomicBool,
    is_nudged: AtomicBool,
    sequencer: Unparker,
}

impl Lanes {
    pub(super) fn new(options: &EngineOptions, sequencer: Unparker) -> Self {
        Self {
            interactive: ArrayQueue::new(options.interactive_commands_max),
            interactive_bytes: AtomicUsize::new(0),
            interactive_bytes_max: options.interactive_bytes_max,
            bulk: ArrayQueue::new(options.bulk_commands_max),
            bulk_load: Load::default(),
            bulk_commands_max: options.bulk_commands_max,
            bulk_bytes_max: options.bulk_bytes_max,
            bulk_room: Notify::new(),
            is_closed: AtomicBool::new(false),
            is_over: AtomicBool::new(false),
            is_nudged: AtomicBool::new(false),
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
        self.wake_sequencer();
        Ok(())
    }

    /// Puts a batch in, or hands it back while there is no room.
    pub(super) fn push_bulk(&self, batch: Batch) -> Result<(), Batch> {
        let (commands, bytes) = batch.load();
        let fits = |queued: usize, queued_bytes: usize| {
            // A batch alone may be as large as it is: its reader bounds it.
            queued == 0
                || (queued + commands <= self.bulk_commands_max
                    && queued_bytes + bytes <= self.bulk_bytes_max)
        };
        if !self.bulk_load.add_if(commands, bytes, fits) {
            return Err(batch);
        }
        if let Err(batch) = self.bulk.push(batch) {
            self.bulk_load.subtract(commands, bytes);
            return Err(batch);
        }
        self.wake_sequencer();
        Ok(())
    }

    /// What was just put in is taken out by the sequencer or, if it has gone, here.
    fn wake_sequencer(&self) {
        // Either this sees that it has gone, or its last look at the lanes saw what was put in.
        fence(Ordering::SeqCst);
        if self.is_over.load(Ordering::Relaxed) {
            self.turn_away();
        } else {
            self.sequencer.unpark();
        }
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
        let (commands, bytes) = batch.load();
        self.bulk_load.subtract(commands, bytes);
        self.bulk_room.notify_waiters();
        Some(batch)
    }

    /// Commands waiting in the interactive lane.
    pub(super) fn interactive_len(&self) -> usize {
        self.interactive.len()
    }

    /// Commands waiting in the bulk lane.
    pub(super) fn bulk_len(&self) -> usize {
        self.bulk_load.now().0
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

    /// The sequencer goes: whoever is left, or still comes, is turned away.
    pub(super) fn end(&self) {
        self.is_closed.store(true, Ordering::Release);
        self.is_over.store(true, Ordering::Relaxed);
        fence(Ordering::SeqCst);
        self.turn_away();
        self.bulk_room.notify_waiters();
    }

    fn turn_away(&self) {
        while let Some(single) = self.pop() {
            single.desk.deliver(&mut vec![(single.ticket, Answer::Failed(Failed::Stopping))]);
        }
        while let Some(batch) = self.pop_bulk() {
            batch.desk.deliver(&mut vec![(batch.ticket, Answer::Failed(Failed::Stopping))]);
        }
    }

    /// Wakes the sequencer for anything but a command: a clock that was moved, a disk that has
    /// room again.
    pub(super) fn nudge(&self) {
        self.is_nudged.store(true, Ordering::Release);
        self.sequencer.unpark();
    }

    /// Whether it was nudged since this was asked last.
    pub(super) fn take_nudge(&self) -> bool {
        self.is_nudged.swap(false, Ordering::AcqRel)
    }
}

/// Commands and bytes in one word, so that both are counted or neither: nobody is ever refused
/// for the sake of somebody who is refused himself.
///
/// ```text
///  bit 63          24          0
///      bytes u40   commands u24
/// ```
#[derive(Debug, Default)]
struct Load(AtomicU64);

const COMMAND_BITS: u32 = 24;

impl Load {
    fn packed(commands: usize, bytes: usize) -> u64 {
        assert!(commands < 1 << COMMAND_BITS && bytes < 1 << (u64::BITS - COMMAND_BITS));
        (bytes as u64) << COMMAND_BITS | commands as u64
    }

    fn unpacked(word: u64) -> (usize, usize) {
        ((word & ((1 << COMMAND_BITS) - 1)) as usize, (word >> COMMAND_BITS) as usize)
    }

    fn add_if(&self, commands: usize, bytes: usize, fits: impl Fn(usize, usize) -> bool) -> bool {
        let added = |word: u64| {
            let (queued, queued_bytes) = Self::unpacked(word);
            fits(queued, queued_bytes)
                .then(|| Self::packed(queued + commands, queued_bytes + bytes))
        };
        self.0.fetch_update(Ordering::AcqRel, Ordering::Acquire, added).is_ok()
    }

    fn subtract(&self, commands: usize, bytes: usize) {
        self.0.fetch_sub(Self::packed(commands, bytes), Ordering::AcqRel);
    }

    fn now(&self) -> (usize, usize) {
        Self::unpacked(self.0.load(Ordering::Acquire))
    }
}
