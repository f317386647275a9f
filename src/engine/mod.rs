//! Who runs it: one writer, many readers.
//!
//! ```text
//!  I/O thread ─▶ Handle ─▶ lanes ─▶ sequencer ─▶ journal ─▶ view ─▶ desk ─▶ I/O thread
//!                  │                (decide, evolve)         ▲
//!                  └──────────────── reads ──────────────────┘
//! ```
//!
//! Nothing leaves before its commit: no reply, no view, no refusal. The engine does not know HTTP,
//! JSON or files; it sees the domain and the journal.

mod answer;
pub mod clock;
mod desk;
mod handle;
mod lanes;
pub mod metrics;
mod options;
pub mod query;
mod reads;
mod sequencer;
mod stage;
mod status;
mod view;

use std::sync::Arc;
use std::thread::JoinHandle;

use crossbeam::sync::Parker;

use crate::domain::command::{Command, OpenJournal, Submission};
use crate::domain::event::ClockMode;
use crate::domain::grant::Places;
use crate::domain::ids::{PrincipalId, Timestamp};
use crate::domain::state::State;
use crate::journal::Journal;
use crate::journal::vault::Vault;

pub use crate::journal::ReadError;
pub use crate::journal::vault::{Opened, VaultError as SealError};

pub use answer::{LineAnswer, LineMeaning, Timing};
pub use clock::{Clock, ManualClock, stopwatch};
pub use desk::Desk;
pub use handle::{Accepted, Handle, PendingBatch, SubmitError};
pub use options::EngineOptions;
pub use reads::ReadsFull;
pub use sequencer::Undurable;
pub use status::{Status, Storage};
pub use view::{Census, ImportSummary, OpenCounts, UnitCounts, View};

use lanes::Lanes;
use reads::Reads;
use sequencer::Sequencer;
use stage::Stage;

/// What an engine is made of.
pub struct Parts {
    /// Where turns go.
    pub journal: Box<dyn Journal>,
    /// The fold of that journal.
    pub state: State,
    /// Where sealing keys are.
    pub vault: Arc<Vault>,
    /// Where `now` comes from.
    pub clock: Clock,
    /// Names a new journal; not used where one is open already.
    pub journal_id: u128,
    /// How the engine is; shared with whoever else may degrade it.
    pub status: Arc<Status>,
    /// Bounds.
    pub options: EngineOptions,
}

/// Why an engine does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The journal was begun with another clock.
    #[error("the journal was begun with a {journal:?} clock and cannot go on with a {asked:?} one")]
    ClockMode {
        /// The journal's.
        journal: ClockMode,
        /// The one asked for.
        asked: ClockMode,
    },
    /// The machine's clock was set back.
    #[error(
        "the system clock is {behind_ms} ms behind the journal's newest event; set it right, or wait"
    )]
    ClockBehind {
        /// By how much, in milliseconds.
        behind_ms: i64,
    },
    /// The first event could not be written.
    #[error("begin the journal")]
    Begin(#[source] Undurable),
    /// The thread could not be made.
    #[error("start the sequencer's thread")]
    Thread(#[from] std::io::Error),
}

/// A running engine.
pub struct Engine {
    handle: Handle,
    sequencer: JoinHandle<Result<Box<dyn Journal>, Undurable>>,
}

impl Engine {
    /// Starts the sequencer on a thread of its own; a new journal gets its first event first.
    ///
    /// # Errors
    /// See [`StartError`].
    ///
    /// # Panics
    /// When the state is not the fold of that journal: that is a mistake of the caller.
    pub fn start(parts: Parts) -> Result<Self, StartError> {
        let Parts { journal, state, vault, clock, journal_id, status, options } = parts;
        assert_eq!(state.tail(), journal.tail().seq, "the state is the fold of its journal");
        check_clock(&state, &clock, &options)?;
        let is_new = state.opened().is_none();
        let parker = Parker::new();
        let lanes = Arc::new(Lanes::new(&options, parker.unparker().clone()));
        let view = Arc::new(View::of(&state));
        let handle = Handle {
            lanes: Arc::clone(&lanes),
            view: Arc::clone(&view),
            reader: journal.reader(),
            reads: Reads::new(options.journal_reads_max),
            vault,
            status: Arc::clone(&status),
            clock: clock.clone(),
        };
        let stage = Stage::new(state, journal.tail(), &clock);
        let mut sequencer = Sequencer {
            journal,
            stage,
            clock,
            lanes,
            view,
            status,
            options,
            parker,
            work: sequencer::Work::default(),
        };
        if is_new {
            sequencer
                .begin_journal(&mut open_journal(handle.clock_mode(), journal_id))
                .map_err(StartError::Begin)?;
        }
        let sequencer =
            std::thread::Builder::new().name("sequencer".into()).spawn(move || sequencer.run())?;
        Ok(Self { handle, sequencer })
    }

    /// The end that requests hold.
    pub fn handle(&self) -> Handle {
        self.handle.clone()
    }

    /// Takes nothing more in, works off what is in, and gives the journal back.
    ///
    /// # Errors
    /// When the last turn could not be made durable.
    ///
    /// # Panics
    /// When the sequencer did.
    pub fn stop(self) -> Result<Box<dyn Journal>, Undurable> {
        self.handle.close();
        match self.sequencer.join() {
            Ok(ended) => ended,
            Err(panic) => std::panic::resume_unwind(panic),
        }
    }

    /// Whether the sequencer has ended, by a stop or by itself.
    pub fn is_over(&self) -> bool {
        self.sequencer.is_finished()
    }
}

fn check_clock(state: &State, clock: &Clock, options: &EngineOptions) -> Result<(), StartError> {
    if let Some(journal) = state.clock_mode()
        && journal != clock.mode()
    {
        return Err(StartError::ClockMode { journal, asked: clock.mode() });
    }
    let behind_ms = match clock {
        Clock::System => state.now().ms_since(clock.now(Timestamp::EPOCH)),
        Clock::Manual(_) | Clock::Driven => 0,
    };
    if behind_ms > i64::try_from(options.clock_behind_max.as_millis()).unwrap_or(i64::MAX) {
        return Err(StartError::ClockBehind { behind_ms });
    }
    Ok(())
}

fn open_journal(clock_mode: ClockMode, journal_id: u128) -> Submission {
    Submission {
        principal: PrincipalId::SYSTEM,
        places: Places::everywhere(),
        by: None,
        mark: None,
        at: None,
        command: Command::OpenJournal(OpenJournal { clock_mode, journal_id }),
    }
}

#[cfg(test)]
mod tests;
