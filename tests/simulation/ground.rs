//! What an engine stands on here: a journal that a test steps through, on a disk that it breaks.

use std::io;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};

use parking_lot::Mutex;
use zhida::domain::digest::Digest;
use zhida::journal::medium::simulated::Machine;
use zhida::journal::store::{Store, StoreOptions};
use zhida::journal::{
    AppendError, Background, Fault, Head, Journal, MemoryFaults, MemoryJournal, Reader, Turn,
};

/// The disk, which outlives engines.
pub(crate) enum Disk {
    /// Fails when it is told to.
    Memory(MemoryFaults),
    /// Fails as disks do, below the store.
    Machine(Machine, StoreOptions, Arc<Mutex<Option<Fault>>>),
}

/// A journal, one of the two.
enum Kept {
    Memory(MemoryJournal),
    Store(Box<Store>, Machine, Arc<Mutex<Option<Fault>>>),
}

/// Where the sequencer can be held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hold {
    /// Between two turns.
    BetweenTurns,
    /// With a turn decided, before it is appended.
    BeforeAppend,
    /// With a turn durable, before the engine knows.
    AfterAppend,
}

/// Holds the sequencer, and lets it go on.
pub(crate) struct Steps {
    wanted: Arc<Mutex<Option<Hold>>>,
    came: Receiver<Option<Digest>>,
    go: Sender<()>,
}

/// The journal as the engine has it.
pub(crate) struct Stepped {
    kept: Kept,
    wanted: Arc<Mutex<Option<Hold>>>,
    has_come: Sender<Option<Digest>>,
    may_go: Receiver<()>,
    rolls: Arc<Mutex<u64>>,
}

impl Disk {
    pub(crate) fn memory() -> Self {
        Self::Memory(MemoryJournal::default().faults())
    }

    pub(crate) fn machine(seed: u64) -> Self {
        let machine = Machine::new(seed);
        let options = StoreOptions {
            segment_bytes: 3_000,
            ballast_bytes: 64 << 10,
            free_bytes_min: 256 << 10,
            ..StoreOptions::at("")
        };
        Self::Machine(machine, options, Arc::default())
    }

    /// Starts on what it holds, with no fault.
    pub(crate) fn open(&mut self, rolls: &Arc<Mutex<u64>>) -> (Stepped, Steps) {
        let kept = match self {
            Self::Memory(faults) => {
                let journal = faults.cut_power(None);
                *faults = journal.faults();
                Kept::Memory(journal)
            }
            Self::Machine(machine, options, fault) => {
                let opened = Store::open_on(machine.medium(), options, Background::Inline);
                let (mut store, _) = opened.expect("without a fault a start succeeds");
                store.work();
                Kept::Store(Box::new(store), machine.clone(), Arc::clone(fault))
            }
        };
        let (has_come, came) = channel();
        let (go, may_go) = channel();
        let wanted = Arc::default();
        let rolls = Arc::clone(rolls);
        let stepped = Stepped { kept, wanted: Arc::clone(&wanted), has_come, may_go, rolls };
        (stepped, Steps { wanted, came, go })
    }

    /// Strikes at every append from now on. The store may live through it.
    pub(crate) fn break_down(&self, fault: Fault) {
        match self {
            Self::Memory(faults) => faults.fail_appends(u32::MAX, fault),
            Self::Machine(_, _, breaking) => *breaking.lock() = Some(fault),
        }
    }

    /// Lets the next turn be followed by a roll, which may fail at first. The store rolls by itself.
    pub(crate) fn make_roll_due(&self, is_failing: bool) {
        if let Self::Memory(faults) = self {
            faults.make_roll_due();
            faults.fail_rolls(u32::from(is_failing), Fault::NotDurable);
        }
    }

    pub(crate) fn mend(&self) {
        match self {
            Self::Memory(faults) => faults.fail_appends(0, Fault::NotDurable),
            Self::Machine(machine, _, breaking) => {
                *breaking.lock() = None;
                machine.leave_room(None);
                machine.fail_sync_after(None);
                machine.fail_name_sync_after(None);
            }
        }
    }

    /// The process is gone: nothing that it still does reaches the disk.
    pub(crate) fn kill(&mut self) {
        match self {
            // The old journal goes on with a disk of its own.
            Self::Memory(faults) => *faults = faults.cut_power(None).faults(),
            Self::Machine(machine, ..) => machine.kill(),
        }
    }

    /// And the power, too: what was not synced may be there or not.
    pub(crate) fn lose_power(&self) {
        if let Self::Machine(machine, ..) = self {
            machine.lose_power();
        }
    }
}

impl Steps {
    /// Wants the sequencer held at its next coming to that point.
    pub(crate) fn want(&self, hold: Hold) {
        *self.wanted.lock() = Some(hold);
    }

    /// Waits until it is held; gives the digest where it is between two turns.
    pub(crate) fn wait(&self) -> Option<Digest> {
        self.came.recv().expect("the sequencer comes")
    }

    pub(crate) fn go(&self) {
        self.go.send(()).expect("the sequencer waits");
    }
}

impl Stepped {
    fn is_wanted(&self, hold: Hold) -> bool {
        *self.wanted.lock() == Some(hold)
    }

    fn hold_at(&self, hold: Hold, digest: Option<Digest>) {
        if !self.is_wanted(hold) {
            return;
        }
        *self.wanted.lock() = None;
        // A simulation that failed lets everything go on.
        if self.has_come.send(digest).is_ok() {
            self.may_go.recv().unwrap_or_default();
        }
    }

    fn roll_kept(&mut self, digest: Digest) -> Result<(), AppendError> {
        match &mut self.kept {
            Kept::Memory(journal) => journal.roll(digest)?,
            Kept::Store(store, ..) => {
                store.roll(digest)?;
                store.work();
            }
        }
        *self.rolls.lock() += 1;
        Ok(())
    }

    fn kept(&self) -> &dyn Journal {
        match &self.kept {
            Kept::Memory(journal) => journal,
            Kept::Store(store, ..) => &**store,
        }
    }
}

impl Journal for Stepped {
    fn tail(&self) -> Head {
        self.kept().tail()
    }

    fn append(&mut self, turn: &Turn) -> Result<(), AppendError> {
        self.hold_at(Hold::BeforeAppend, None);
        match &mut self.kept {
            Kept::Memory(journal) => journal.append(turn)?,
            Kept::Store(store, machine, breaking) => {
                strike(machine, *breaking.lock());
                store.append(turn)?;
            }
        }
        self.hold_at(Hold::AfterAppend, None);
        Ok(())
    }

    fn is_roll_due(&self) -> bool {
        self.is_wanted(Hold::BetweenTurns) || self.kept().is_roll_due()
    }

    fn roll(&mut self, digest: Digest) -> Result<(), AppendError> {
        let rolled = if self.kept().is_roll_due() { self.roll_kept(digest) } else { Ok(()) };
        self.hold_at(Hold::BetweenTurns, Some(digest));
        rolled
    }

    fn reader(&self) -> Arc<dyn Reader> {
        self.kept().reader()
    }

    fn close(self: Box<Self>) -> io::Result<()> {
        match self.kept {
            Kept::Memory(journal) => Box::new(journal).close(),
            Kept::Store(store, ..) => store.close(),
        }
    }
}

fn strike(machine: &Machine, fault: Option<Fault>) {
    match fault {
        Some(Fault::DiskFull) => machine.leave_room(Some(0)),
        Some(Fault::NotDurable) => {
            // The segment gives up, and the fresh one cannot take its name.
            machine.fail_sync_after(Some(0));
            machine.fail_name_sync_after(Some(0));
        }
        None => {}
    }
}
