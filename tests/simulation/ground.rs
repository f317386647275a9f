//! What an engine stands on here: a journal that a test steps through, on a disk that it breaks.

use std::io;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};

use parking_lot::Mutex;
use zhida::domain::digest::Digest;
use zhida::domain::state::State;
use zhida::journal::medium::simulated::{Dice, Faults, Machine};
use zhida::journal::store::{Store, StoreOptions};
use zhida::journal::{
    AppendError, Background, Fault, FoldHandle, FoldOptions, Folder, Head, Journal, MemoryFaults,
    MemoryJournal, Reader, SealNote, Turn, Vault, VaultOptions, recover,
};

/// The disk, which outlives engines.
pub(crate) struct Disk {
    /// What lies beside a journal in memory, and all of one that does not.
    machine: Machine,
    kept: KeptOn,
    /// What strikes at every append.
    breaking: Arc<Mutex<Option<Fault>>>,
}

enum KeptOn {
    /// Fails when it is told to.
    Memory(MemoryFaults),
    /// Fails as disks do, below the store.
    Machine(StoreOptions),
}

/// What an engine starts on.
pub(crate) struct Ground {
    pub(crate) journal: Stepped,
    pub(crate) steps: Steps,
    /// As a start comes to it.
    pub(crate) state: State,
    pub(crate) vault: Arc<Vault>,
    /// None where nothing is folded.
    pub(crate) fold: Option<Fold>,
}

/// Who folds, and what was sealed since it was told.
pub(crate) struct Fold {
    pub(crate) handle: FoldHandle,
    pub(crate) sealed: Arc<Mutex<Vec<SealNote>>>,
    /// Whether the start found a snapshot, and whether it passed one over.
    pub(crate) from_snapshot: bool,
    pub(crate) has_skipped: bool,
}

/// A journal, one of the two.
enum Kept {
    Memory(MemoryJournal),
    Store(Box<Store>, Machine, Arc<Mutex<Option<Fault>>>, Arc<Mutex<Vec<SealNote>>>),
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
    pub(crate) fn memory(seed: u64) -> Self {
        let kept = KeptOn::Memory(MemoryJournal::default().faults());
        Self { machine: Machine::new(seed), kept, breaking: Arc::default() }
    }

    pub(crate) fn machine(seed: u64) -> Self {
        let options = StoreOptions {
            segment_bytes: 3_000,
            ballast_bytes: 64 << 10,
            free_bytes_min: 256 << 10,
            ..StoreOptions::at("")
        };
        let kept = KeptOn::Machine(options);
        Self { machine: Machine::new(seed), kept, breaking: Arc::default() }
    }

    /// Starts on what it holds, with no fault.
    pub(crate) fn open(&mut self, rolls: &Arc<Mutex<u64>>) -> Ground {
        let medium = self.machine.medium();
        let (kept, sealed, before) = match &mut self.kept {
            KeptOn::Memory(faults) => {
                let journal = faults.cut_power(None);
                *faults = journal.faults();
                (Kept::Memory(journal), Arc::default(), None)
            }
            KeptOn::Machine(options) => {
                let opened = Store::open_on(Arc::clone(&medium), options, Background::Inline);
                let (mut store, _) = opened.expect("without a fault a start succeeds");
                store.work();
                let before: Vec<_> = store.sealed().iter().map(SealNote::from).collect();
                let (machine, breaking) = (self.machine.clone(), Arc::clone(&self.breaking));
                let sealed = Arc::default();
                let kept = Kept::Store(Box::new(store), machine, breaking, Arc::clone(&sealed));
                (kept, sealed, Some(before))
            }
        };
        let (has_come, came) = channel();
        let (go, may_go) = channel();
        let wanted = Arc::default();
        let rolls = Arc::clone(rolls);
        let journal = Stepped { kept, wanted: Arc::clone(&wanted), has_come, may_go, rolls };
        let steps = Steps { wanted, came, go };

        let (reader, tail) = (journal.reader(), journal.tail());
        let found = recover(&*medium, &*reader, tail).expect("it is whole");
        let few = VaultOptions {
            journal_exists: found.state.opened().is_some(),
            highest_committed: found.state.slots_used(),
            step_slots: 16,
            steps_ahead: 2,
            background: Background::Inline,
            ..VaultOptions::default()
        };
        let vault = Vault::open(&*medium, few).expect("every key that was handed out is there");
        let fold = before.map(|before| {
            let options = FoldOptions {
                snapshot_seq: found.snapshot_seq,
                background: Background::Inline,
                ..FoldOptions::new(medium, reader, Arc::default())
            };
            let mut handle = Folder::start(options).expect("the directory is there");
            for note in before {
                handle.sealed(note);
            }
            let (from_snapshot, has_skipped) =
                (found.snapshot_seq.is_some(), !found.skipped.is_empty());
            Fold { handle, sealed, from_snapshot, has_skipped }
        });
        Ground { journal, steps, state: found.state, vault: Arc::new(vault), fold }
    }

    /// Strikes at every append from now on. The store may live through it.
    pub(crate) fn break_down(&self, fault: Fault) {
        match &self.kept {
            KeptOn::Memory(faults) => faults.fail_appends(u32::MAX, fault),
            KeptOn::Machine(_) => *self.breaking.lock() = Some(fault),
        }
    }

    /// Strikes at what is done beside the turns, if it does enough.
    pub(crate) fn break_beside(&self, dice: &mut Dice) {
        let few = |dice: &mut Dice, end| u32::try_from(dice.below(end)).expect("few");
        match dice.below(8) {
            0 => self.machine.kill_after(Some(dice.below(10))),
            1 => self.machine.fail_sync_after(Some(few(dice, 4))),
            2 => self.machine.fail_name_sync_after(Some(0)),
            3 => self.machine.leave_room(Some(dice.below(16_000))),
            _ => {}
        }
    }

    /// Whether the process was killed in the middle of what it did.
    pub(crate) fn is_killed(&self) -> bool {
        self.machine.is_killed()
    }

    /// How often each fault struck.
    pub(crate) fn faults(&self) -> Faults {
        self.machine.faults()
    }

    /// Damages the newest snapshot; says whether there is one.
    pub(crate) fn damage_snapshot(&self, dice: &mut Dice) -> bool {
        let mut files = self.machine.files().into_iter();
        let Some((name, mut bytes)) = files.rfind(|(name, _)| name.starts_with("snapshot-")) else {
            return false;
        };
        let at = usize::try_from(dice.below(bytes.len() as u64)).expect("small");
        bytes[at] ^= 1 << dice.below(8);
        self.machine.put(&name, &bytes);
        true
    }

    /// Takes the newest snapshot away.
    pub(crate) fn take_snapshot_away(&self) {
        let mut names = self.machine.files().into_keys();
        let newest = names.rfind(|name| name.starts_with("snapshot-")).expect("there is one");
        self.machine.take_away(&newest);
    }

    /// Lets the next turn be followed by a roll, which may fail at first. The store rolls by itself.
    pub(crate) fn make_roll_due(&self, is_failing: bool) {
        if let KeptOn::Memory(faults) = &self.kept {
            faults.make_roll_due();
            faults.fail_rolls(u32::from(is_failing), Fault::NotDurable);
        }
    }

    pub(crate) fn mend(&self) {
        if let KeptOn::Memory(faults) = &self.kept {
            faults.fail_appends(0, Fault::NotDurable);
        }
        *self.breaking.lock() = None;
        self.machine.leave_room(None);
        self.machine.fail_sync_after(None);
        self.machine.fail_name_sync_after(None);
        self.machine.kill_after(None);
    }

    /// The process is gone: nothing that it still does reaches the disk.
    pub(crate) fn kill(&mut self) {
        if let KeptOn::Memory(faults) = &mut self.kept {
            // The old journal goes on with a disk of its own.
            *faults = faults.cut_power(None).faults();
        }
        self.machine.kill();
    }

    /// And the power, too: what was not synced may be there or not.
    pub(crate) fn lose_power(&self) {
        self.machine.lose_power();
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
            Kept::Store(store, machine, breaking, sealed) => {
                strike(machine, *breaking.lock());
                store.append(turn)?;
                sealed.lock().extend(store.take_sealed().iter().map(SealNote::from));
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
