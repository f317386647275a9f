//! A disk in memory that fails as disks do, by a seed: the second medium, for tests.
//!
//! It keeps what a running machine would read (*live*) apart from what would be there after a power
//! cut (*durable*):
//!
//! ```text
//!   write, set_len ──▶ live        ──sync──▶ durable          each file
//!                      unsynced
//!   create, rename,
//!   remove         ──▶ live names  ──sync_names──▶ durable    the directory
//!
//!   power cut: of what is unsynced, each sector is kept or lost, each change of a name too
//!   failed sync: the same happens at once, live stays, and no later sync brings it back
//! ```
//!
//! Handles of a process that was killed, or of before a power cut, fail for ever after.
mod process;
mod world;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use parking_lot::Mutex;

use super::Medium;

use process::Process;
use world::{BLOCK_BYTES, Content, Loss, World};

/// The machine that the disk is in. Cheap to clone: all clones are the same machine.
#[derive(Clone, Debug)]
pub struct Machine(Arc<Mutex<World>>);

/// Numbers that look random and come out the same for the same seed (SplitMix64).
#[derive(Clone, Debug)]
pub struct Dice(u64);

/// How often each fault struck.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Faults {
    /// Syncs of a file that failed.
    pub syncs_failed: u64,
    /// Syncs of the names that failed.
    pub name_syncs_failed: u64,
    /// Writes that met a full disk.
    pub writes_refused: u64,
    /// Power cuts.
    pub power_cuts: u64,
    /// Of those, the ones that came after a sync that failed and a later one that did not, so that
    /// what the first lost had looked well in between.
    pub late_losses: u64,
    /// Unsynced writes lost whole at a power cut.
    pub writes_lost: u64,
    /// Unsynced writes kept whole at a power cut.
    pub writes_kept: u64,
    /// Unsynced writes kept in part.
    pub writes_torn: u64,
    /// Unsynced changes of names lost.
    pub names_lost: u64,
    /// Unsynced changes of names kept.
    pub names_kept: u64,
    /// Processes killed.
    pub kills: u64,
}
impl Faults {
    /// Each of them, by name.
    #[must_use]
    pub const fn all(&self) -> [(&'static str, u64); 11] {
        [
            ("sync failed", self.syncs_failed),
            ("sync of the names failed", self.name_syncs_failed),
            ("write refused, disk full", self.writes_refused),
            ("power cut", self.power_cuts),
            ("power cut after a sync that failed and one that did not", self.late_losses),
            ("write lost", self.writes_lost),
            ("write kept", self.writes_kept),
            ("write torn", self.writes_torn),
            ("name lost", self.names_lost),
            ("name kept", self.names_kept),
            ("process killed", self.kills),
        ]
    }

    /// Both together.
    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        Self {
            syncs_failed: self.syncs_failed + other.syncs_failed,
            name_syncs_failed: self.name_syncs_failed + other.name_syncs_failed,
            writes_refused: self.writes_refused + other.writes_refused,
            power_cuts: self.power_cuts + other.power_cuts,
            late_losses: self.late_losses + other.late_losses,
            writes_lost: self.writes_lost + other.writes_lost,
            writes_kept: self.writes_kept + other.writes_kept,
            writes_torn: self.writes_torn + other.writes_torn,
            names_lost: self.names_lost + other.names_lost,
            names_kept: self.names_kept + other.names_kept,
            kills: self.kills + other.kills,
        }
    }
}

impl Dice {
    /// The numbers of that seed.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next one.
    pub const fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// One below `end`, which is not zero.
    pub const fn below(&mut self, end: u64) -> u64 {
        self.roll() % end
    }

    /// True once in `times`.
    pub const fn once_in(&mut self, times: u64) -> bool {
        self.below(times) == 0
    }
}

impl Machine {
    /// An empty disk of endless room.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(Arc::new(Mutex::new(World {
            dice: Dice::new(seed ^ 0x5eed_d15c),
            process: 0,
            lock: None,
            files: BTreeMap::new(),
            live: BTreeMap::new(),
            durable: BTreeMap::new(),
            unsynced: Vec::new(),
            alone: BTreeSet::new(),
            next_file: 0,
            capacity_bytes: u64::MAX,
            syncs_until_failure: None,
            name_syncs_until_failure: None,
            changes_until_kill: None,
            loss: Loss::None,
            is_killed: false,
            faults: Faults::default(),
        })))
    }

    /// The disk, as the process that runs now sees it.
    #[must_use]
    pub fn medium(&self) -> Arc<dyn Medium> {
        let mut world = self.0.lock();
        world.is_killed = false;
        let number = world.process;
        drop(world);
        Arc::new(Process { machine: self.clone(), number })
    }

    /// Kills the process: its handles die, its lock goes, unsynced bytes stay readable.
    pub fn kill(&self) {
        let mut world = self.0.lock();
        world.faults.kills += 1;
        world.end_process();
    }

    /// Cuts the power: of what is unsynced some is lost, and the process is gone.
    pub fn lose_power(&self) {
        let mut world = self.0.lock();
        world.faults.power_cuts += 1;
        world.faults.late_losses += u64::from(world.loss == Loss::Hidden);
        world.end_process();
        world.lose_unsynced();
    }

    /// Lets that many syncs of files succeed and then one fail. None lets all succeed.
    pub fn fail_sync_after(&self, syncs: Option<u32>) {
        self.0.lock().syncs_until_failure = syncs;
    }

    /// Lets that many syncs of the names succeed and then one fail. None lets all succeed.
    pub fn fail_name_sync_after(&self, syncs: Option<u32>) {
        self.0.lock().name_syncs_until_failure = syncs;
    }

    /// Lets only so many bytes more be taken. None makes the disk endless.
    pub fn leave_room(&self, bytes: Option<u64>) {
        let mut world = self.0.lock();
        world.capacity_bytes = bytes.map_or(u64::MAX, |bytes| world.taken_bytes() + bytes);
    }

    /// Lets that many changes succeed, of whatever kind, and then kills the process in the middle
    /// of what it does. None lets it live.
    pub fn kill_after(&self, changes: Option<u64>) {
        self.0.lock().changes_until_kill = changes;
    }

    /// Whether the process that the medium was made for was killed.
    #[must_use]
    pub fn is_killed(&self) -> bool {
        self.0.lock().is_killed
    }

    /// How often each fault struck.
    #[must_use]
    pub fn faults(&self) -> Faults {
        self.0.lock().faults
    }

    /// All files with their bytes.
    #[must_use]
    pub fn files(&self) -> BTreeMap<String, Vec<u8>> {
        let world = self.0.lock();
        let bytes = |file: &u64| world.files.get(file).map(|file| file.live.clone());
        world.live.iter().filter_map(|(name, file)| Some((name.clone(), bytes(file)?))).collect()
    }

    /// Puts other bytes in a file, or makes one, behind everyone's back and durably.
    pub fn put(&self, name: &str, bytes: &[u8]) {
        let mut world = self.0.lock();
        let file = world.next_file;
        world.next_file += 1;
        let taken = vec![true; bytes.len().div_ceil(BLOCK_BYTES)];
        let (live, durable) = (bytes.to_vec(), bytes.to_vec());
        world.files.insert(file, Content { live, durable, unsynced: Vec::new(), taken });
        world.live.insert(name.to_owned(), file);
        world.durable.insert(name.to_owned(), file);
    }

    /// Takes a file away behind everyone's back, durably.
    pub fn take_away(&self, name: &str) {
        let mut world = self.0.lock();
        world.live.remove(name);
        world.durable.remove(name);
    }
}
