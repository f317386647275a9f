//! Readers beside the writer: whatever list they get is of one turn, whole.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;

use zhida::domain::case::Case;
use zhida::domain::evolve;
use zhida::domain::ids::{CaseId, Seq, UnitNumber};
use zhida::domain::state::State;
use zhida::engine::Handle;
use zhida::journal::Reader;

use crate::check;

/// Rounds through all inboxes at each waking.
const ROUNDS: usize = 3;

/// A list that was read: whose, what of whom, as of when.
struct Sample {
    unit: UnitNumber,
    as_of: Seq,
    cases: Vec<(CaseId, Case)>,
}

/// What one thread read.
#[derive(Default)]
struct Read {
    samples: Vec<Sample>,
    /// How often a turn was published in the middle of its reading.
    beside: u64,
}

/// A thread that reads lists when it is woken, and what it read.
pub(crate) struct Readers {
    running: Option<(Sender<()>, JoinHandle<Read>)>,
    samples: Vec<Sample>,
    beside: u64,
}

impl Readers {
    pub(crate) fn start(handle: &Handle) -> Self {
        let mut readers = Self { running: None, samples: Vec::new(), beside: 0 };
        readers.go_on(handle);
        readers
    }

    /// Reads from that engine from now on.
    pub(crate) fn go_on(&mut self, handle: &Handle) {
        self.end();
        let (wake, woken) = channel();
        let handle = handle.clone();
        let thread = std::thread::spawn(move || read(&handle, &woken));
        self.running = Some((wake, thread));
    }

    /// Lets it read while the next turn runs.
    pub(crate) fn wake(&self) {
        if let Some((wake, _)) = &self.running {
            wake.send(()).expect("it listens");
        }
    }

    pub(crate) fn end(&mut self) {
        if let Some((wake, thread)) = self.running.take() {
            drop(wake);
            let Read { samples, beside } = thread.join().expect("no panic");
            self.samples.extend(samples);
            self.beside += beside;
        }
    }

    /// How often a turn was published in the middle of the reading.
    pub(crate) fn beside(&self) -> u64 {
        self.beside
    }

    /// Holds each list against the fold of the journal as of the list's own turn.
    pub(crate) fn check(&mut self, reader: &dyn Reader) {
        self.end();
        let mut samples = std::mem::take(&mut self.samples);
        samples.sort_by_key(|sample| sample.as_of);
        let Some(last) = samples.last() else { return };
        let records = check::records(reader, last.as_of);
        let mut records = records.iter().peekable();
        let mut state = State::default();
        for Sample { unit, as_of, cases } in samples {
            while let Some(record) = records.next_if(|record| record.seq <= as_of) {
                evolve(&mut state, record);
            }
            assert_eq!(state.tail(), as_of, "a list is of a turn that lasts");
            let held: Vec<_> = state
                .cases()
                .iter()
                .filter(|(_, case)| case.status.holder() == Some(unit))
                .map(|(id, case)| (id, *case))
                .collect();
            assert_eq!(cases, held, "unit {unit} as of {as_of}");
        }
    }
}

fn read(handle: &Handle, woken: &Receiver<()>) -> Read {
    let Read { mut samples, mut beside } = Read::default();
    while woken.recv().is_ok() {
        let first = samples.len();
        for _ in 0..ROUNDS {
            let units = u32::try_from(handle.view().organisation().len()).expect("few units");
            for unit in (1..=units).map(UnitNumber) {
                let page = handle.view().inbox(unit, None, usize::MAX);
                samples.push(Sample { unit, as_of: page.as_of, cases: page.cases });
            }
        }
        let as_of = samples[first..].iter().map(|sample| sample.as_of);
        beside += u64::from(as_of.clone().min() < as_of.max());
    }
    Read { samples, beside }
}
