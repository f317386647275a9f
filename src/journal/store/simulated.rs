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

use std::any::Any;
use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::sync::Arc;

use parking_lot::Mutex;

use super::medium::{Entry, Lock, Medium, MediumFile};

const SECTOR_BYTES: usize = 512;
const BLOCK_BYTES: usize = 4_096;

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

struct World {
    dice: Dice,
    /// Counts the processes; handles of an earlier one are dead.
    process: u64,
    lock: Option<(u64, String)>,
    files: BTreeMap<u64, Content>,
    live: BTreeMap<String, u64>,
    durable: BTreeMap<String, u64>,
    unsynced: Vec<NameChange>,
    next_file: u64,
    capacity_bytes: u64,
    /// How many syncs of files still succeed before one fails.
    syncs_until_failure: Option<u32>,
    name_syncs_until_failure: Option<u32>,
    changes_until_kill: Option<u64>,
    is_killed: bool,
    faults: Faults,
}

#[derive(Clone, Default)]
struct Content {
    live: Vec<u8>,
    durable: Vec<u8>,
    unsynced: Vec<Change>,
    /// Blocks that take room.
    taken: Vec<bool>,
}

#[derive(Clone)]
enum Change {
    Write { offset: usize, bytes: Vec<u8> },
    SetLen(usize),
}

enum NameChange {
    Put { name: String, file: u64 },
    Rename { from: String, to: String, file: u64 },
    Remove { name: String },
}

#[derive(Debug)]
struct Process {
    machine: Machine,
    number: u64,
}

#[derive(Debug)]
struct Handle {
    machine: Machine,
    process: u64,
    file: u64,
}

#[derive(Debug)]
struct Held {
    machine: Machine,
    process: u64,
}

impl Faults {
    /// Each of them.
    #[must_use]
    pub const fn all(&self) -> [u64; 10] {
        [
            self.syncs_failed,
            self.name_syncs_failed,
            self.writes_refused,
            self.power_cuts,
            self.writes_lost,
            self.writes_kept,
            self.writes_torn,
            self.names_lost,
            self.names_kept,
            self.kills,
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
            next_file: 0,
            capacity_bytes: u64::MAX,
            syncs_until_failure: None,
            name_syncs_until_failure: None,
            changes_until_kill: None,
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
    /// of what it does.
    pub fn kill_after(&self, changes: u64) {
        self.0.lock().changes_until_kill = Some(changes);
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

impl World {
    fn end_process(&mut self) {
        self.process += 1;
        self.lock = None;
        self.syncs_until_failure = None;
        self.name_syncs_until_failure = None;
        self.changes_until_kill = None;
        self.is_killed = true;
    }

    /// Counts a change that is about to be made. The process may not live to make it.
    fn about_to_change(&mut self) -> io::Result<()> {
        match &mut self.changes_until_kill {
            Some(0) => {
                self.faults.kills += 1;
                self.end_process();
                Err(dead())
            }
            Some(left) => {
                *left -= 1;
                Ok(())
            }
            None => Ok(()),
        }
    }

    fn taken_bytes(&self) -> u64 {
        let named = |file: &u64| self.live.values().any(|other| other == file);
        let blocks = self.files.iter().filter(|(file, _)| named(file));
        let blocks = blocks.flat_map(|(_, content)| &content.taken).filter(|&&taken| taken);
        blocks.count() as u64 * BLOCK_BYTES as u64
    }

    /// Every unsynced change is kept, lost or torn; afterwards live is what is durable.
    fn lose_unsynced(&mut self) {
        self.lose_unsynced_names();
        let (dice, faults) = (&mut self.dice, &mut self.faults);
        self.live = self.durable.clone();
        self.files.retain(|file, _| self.durable.values().any(|named| named == file));
        for content in self.files.values_mut() {
            content.lose_unsynced(dice, faults);
            content.live.clone_from(&content.durable);
            content.taken = vec![true; content.live.len().div_ceil(BLOCK_BYTES)];
        }
    }

    fn lose_unsynced_names(&mut self) {
        for change in self.unsynced.drain(..) {
            if self.dice.once_in(2) {
                self.faults.names_lost += 1;
            } else {
                self.faults.names_kept += 1;
                change.apply(&mut self.durable);
            }
        }
    }

    fn file(&mut self, file: u64) -> io::Result<&mut Content> {
        self.files.get_mut(&file).ok_or_else(|| io::Error::other("no such file"))
    }

    /// Takes room for the blocks of a range. Says where it ended when there is not enough.
    fn take_room(&mut self, file: u64, start: usize, end: usize) -> Result<(), usize> {
        let mut room = match self.capacity_bytes {
            u64::MAX => u64::MAX,
            capacity => capacity.saturating_sub(self.taken_bytes()),
        };
        let Some(content) = self.files.get_mut(&file) else {
            return Ok(());
        };
        let blocks = end.div_ceil(BLOCK_BYTES);
        if content.taken.len() < blocks {
            content.taken.resize(blocks, false);
        }
        for block in start / BLOCK_BYTES..blocks {
            if content.taken[block] {
                continue;
            }
            if room < BLOCK_BYTES as u64 {
                self.faults.writes_refused += 1;
                return Err((block * BLOCK_BYTES).max(start));
            }
            room -= BLOCK_BYTES as u64;
            content.taken[block] = true;
        }
        Ok(())
    }
}

impl Content {
    fn change(&mut self, change: Change) {
        change.apply(&mut self.live);
        self.unsynced.push(change);
    }

    fn sync(&mut self) {
        for change in self.unsynced.drain(..) {
            change.apply(&mut self.durable);
        }
    }

    /// What a disk keeps of writes that it was not told to finish. One crash is mostly of one kind.
    fn lose_unsynced(&mut self, dice: &mut Dice, faults: &mut Faults) {
        let kind = dice.below(4);
        for change in self.unsynced.drain(..) {
            match (&change, kind) {
                (_, 0) => faults.writes_lost += 1,
                (_, 1) => {
                    faults.writes_kept += 1;
                    change.apply(&mut self.durable);
                }
                (Change::Write { offset, bytes }, 3) if bytes.len() > SECTOR_BYTES => {
                    faults.writes_torn += 1;
                    for (index, sector) in bytes.chunks(SECTOR_BYTES).enumerate() {
                        if dice.once_in(2) {
                            let offset = offset + index * SECTOR_BYTES;
                            write(&mut self.durable, offset, sector);
                        }
                    }
                }
                (_, _) if dice.once_in(2) => faults.writes_lost += 1,
                (_, _) => {
                    faults.writes_kept += 1;
                    change.apply(&mut self.durable);
                }
            }
        }
    }
}

impl Change {
    fn apply(&self, content: &mut Vec<u8>) {
        match self {
            Self::Write { offset, bytes } => write(content, *offset, bytes),
            Self::SetLen(len) => content.resize(*len, 0),
        }
    }
}

impl NameChange {
    fn apply(&self, names: &mut BTreeMap<String, u64>) {
        match self {
            Self::Put { name, file } => drop(names.insert(name.clone(), *file)),
            Self::Rename { from, to, file } => {
                if names.get(from) == Some(file) {
                    names.remove(from);
                }
                names.insert(to.clone(), *file);
            }
            Self::Remove { name } => drop(names.remove(name)),
        }
    }
}

fn write(content: &mut Vec<u8>, offset: usize, bytes: &[u8]) {
    let end = offset + bytes.len();
    if content.len() < end {
        content.resize(end, 0);
    }
    content[offset..end].copy_from_slice(bytes);
}

fn dead() -> io::Error {
    io::Error::other("the process of this handle is gone")
}

fn full() -> io::Error {
    io::ErrorKind::StorageFull.into()
}

impl Process {
    /// The world, if this process still runs.
    fn with<T>(&self, act: impl FnOnce(&mut World) -> io::Result<T>) -> io::Result<T> {
        let mut world = self.machine.0.lock();
        if world.process == self.number { act(&mut world) } else { Err(dead()) }
    }

    fn change<T>(&self, act: impl FnOnce(&mut World) -> io::Result<T>) -> io::Result<T> {
        self.with(|world| world.about_to_change().and_then(|()| act(world)))
    }

    fn handle(&self, file: u64) -> Arc<dyn MediumFile> {
        Arc::new(Handle { machine: self.machine.clone(), process: self.number, file })
    }
}

impl Medium for Process {
    fn create(&self, name: &str) -> io::Result<Arc<dyn MediumFile>> {
        let file = self.change(|world| {
            if let Some(&file) = world.live.get(name) {
                let content = world.file(file)?;
                content.change(Change::SetLen(0));
                content.taken.clear();
                return Ok(file);
            }
            let file = world.next_file;
            world.next_file += 1;
            world.files.insert(file, Content::default());
            world.live.insert(name.to_owned(), file);
            world.unsynced.push(NameChange::Put { name: name.to_owned(), file });
            Ok(file)
        })?;
        Ok(self.handle(file))
    }

    fn open(&self, name: &str) -> io::Result<Arc<dyn MediumFile>> {
        let file =
            self.with(|world| world.live.get(name).copied().ok_or(io::ErrorKind::NotFound.into()))?;
        Ok(self.handle(file))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.change(|world| {
            let file = *world.live.get(from).ok_or(io::ErrorKind::NotFound)?;
            let change = NameChange::Rename { from: from.to_owned(), to: to.to_owned(), file };
            change.apply(&mut world.live);
            world.unsynced.push(change);
            Ok(())
        })
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.change(|world| {
            world.live.remove(name).ok_or(io::ErrorKind::NotFound)?;
            world.unsynced.push(NameChange::Remove { name: name.to_owned() });
            Ok(())
        })
    }

    fn list(&self) -> io::Result<Vec<Entry>> {
        self.with(|world| {
            let bytes = |file| world.files.get(file).map_or(0, |file| file.live.len() as u64);
            let entry =
                |(name, file): (&String, _)| Entry { name: name.clone(), bytes: bytes(file) };
            Ok(world.live.iter().map(entry).collect())
        })
    }

    fn sync_names(&self) -> io::Result<()> {
        self.change(|world| {
            if strikes(&mut world.name_syncs_until_failure) {
                world.faults.name_syncs_failed += 1;
                world.lose_unsynced_names();
                return Err(io::Error::other("the names did not reach the disk"));
            }
            for change in world.unsynced.drain(..) {
                change.apply(&mut world.durable);
            }
            Ok(())
        })
    }

    fn try_lock(&self, holder: &str) -> io::Result<Lock> {
        self.with(|world| match &world.lock {
            Some((_, holder)) => Ok(Lock::HeldBy(holder.clone())),
            None => {
                world.lock = Some((self.number, holder.to_owned()));
                let held = Held { machine: self.machine.clone(), process: self.number };
                Ok(Lock::Held(Box::new(held) as Box<dyn Any + Send + Sync>))
            }
        })
    }

    fn free_bytes(&self) -> io::Result<u64> {
        self.with(|world| Ok(world.capacity_bytes.saturating_sub(world.taken_bytes())))
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let mut world = self.machine.0.lock();
        if world.process == self.process {
            world.lock = None;
        }
    }
}

/// Counts down to a failure.
fn strikes(until: &mut Option<u32>) -> bool {
    match until {
        Some(0) => {
            *until = None;
            true
        }
        Some(left) => {
            *left -= 1;
            false
        }
        None => false,
    }
}

impl Handle {
    fn change<T>(&self, act: impl FnOnce(&mut World) -> io::Result<T>) -> io::Result<T> {
        self.with(|world| world.about_to_change().and_then(|()| act(world)))
    }

    fn with<T>(&self, act: impl FnOnce(&mut World) -> io::Result<T>) -> io::Result<T> {
        let mut world = self.machine.0.lock();
        if world.process == self.process { act(&mut world) } else { Err(dead()) }
    }
}

impl MediumFile for Handle {
    fn len(&self) -> io::Result<u64> {
        self.with(|world| Ok(world.file(self.file)?.live.len() as u64))
    }

    fn read_at(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.with(|world| {
            let start = memory(offset)?;
            let bytes = world.file(self.file)?.live.get(start..start + out.len());
            out.copy_from_slice(bytes.ok_or(io::ErrorKind::UnexpectedEof)?);
            Ok(())
        })
    }

    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.change(|world| {
            let offset = memory(offset)?;
            let taken = world.take_room(self.file, offset, offset + bytes.len());
            let end = taken.err().unwrap_or(offset + bytes.len());
            let bytes = bytes[..end - offset].to_vec();
            world.file(self.file)?.change(Change::Write { offset, bytes });
            taken.map_err(|_| full())
        })
    }

    fn set_len(&self, bytes: u64) -> io::Result<()> {
        self.change(|world| {
            let len = memory(bytes)?;
            let content = world.file(self.file)?;
            content.taken.truncate(len.div_ceil(BLOCK_BYTES));
            content.change(Change::SetLen(len));
            Ok(())
        })
    }

    fn take_room(&self, bytes: u64) -> io::Result<()> {
        self.change(|world| {
            let len = memory(bytes)?;
            world.take_room(self.file, 0, len).map_err(|_| full())?;
            world.file(self.file)?.change(Change::SetLen(len));
            Ok(())
        })
    }

    fn sync(&self) -> io::Result<()> {
        self.change(|world| {
            let is_struck = strikes(&mut world.syncs_until_failure);
            let World { dice, faults, files, .. } = world;
            let content = files.get_mut(&self.file).ok_or_else(|| io::Error::other("no file"))?;
            if is_struck {
                // The kernel calls the pages clean now, whatever of them reached the disk.
                faults.syncs_failed += 1;
                content.lose_unsynced(dice, faults);
                return Err(io::Error::other("the bytes did not reach the disk"));
            }
            content.sync();
            Ok(())
        })
    }
}

fn memory(bytes: u64) -> io::Result<usize> {
    usize::try_from(bytes).map_err(|_| io::ErrorKind::FileTooLarge.into())
}

impl fmt::Debug for World {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("World")
            .field("process", &self.process)
            .field("names", &self.live)
            .field("faults", &self.faults)
            .finish_non_exhaustive()
    }
}
