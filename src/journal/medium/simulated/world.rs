//! What the machine holds, and what becomes of it when it fails.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::io;

use super::{Dice, Faults};

const SECTOR_BYTES: usize = 512;
/// What takes room on the disk takes it in these.
pub(super) const BLOCK_BYTES: usize = 4_096;
pub(super) struct World {
    pub(super) dice: Dice,
    /// Counts the processes; handles of an earlier one are dead.
    pub(super) process: u64,
    pub(super) lock: Option<String>,
    pub(super) files: BTreeMap<u64, Content>,
    pub(super) live: BTreeMap<String, u64>,
    pub(super) durable: BTreeMap<String, u64>,
    pub(super) unsynced: Vec<NameChange>,
    /// Files that a handle of the process has alone.
    pub(super) alone: BTreeSet<u64>,
    pub(super) next_file: u64,
    pub(super) capacity_bytes: u64,
    /// How many syncs of files still succeed before one fails.
    pub(super) syncs_until_failure: Option<u32>,
    pub(super) name_syncs_until_failure: Option<u32>,
    pub(super) changes_until_kill: Option<u64>,
    pub(super) is_killed: bool,
    pub(super) loss: Loss,
    pub(super) faults: Faults,
}

/// Whether bytes that can be read are lost since a sync failed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Loss {
    None,
    /// The newest sync said so.
    Told,
    /// One said so, and one after it succeeded.
    Hidden,
}

#[derive(Clone, Default)]
pub(super) struct Content {
    pub(super) live: Vec<u8>,
    pub(super) durable: Vec<u8>,
    pub(super) unsynced: Vec<Change>,
    /// Blocks that take room.
    pub(super) taken: Vec<bool>,
}

#[derive(Clone)]
pub(super) enum Change {
    Write { offset: usize, bytes: Vec<u8> },
    SetLen(usize),
}

pub(super) enum NameChange {
    Put { name: String, file: u64 },
    Rename { from: String, to: String, file: u64 },
    Remove { name: String },
}
impl World {
    pub(super) fn end_process(&mut self) {
        self.process += 1;
        self.lock = None;
        self.alone.clear();
        self.syncs_until_failure = None;
        self.name_syncs_until_failure = None;
        self.changes_until_kill = None;
        self.is_killed = true;
    }

    /// Counts a change that is about to be made. The process may not live to make it.
    pub(super) fn about_to_change(&mut self) -> io::Result<()> {
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

    pub(super) fn taken_bytes(&self) -> u64 {
        let named = |file: &u64| self.live.values().any(|other| other == file);
        let files = self.files.iter().filter(|(file, _)| named(file));
        files.map(|(_, content)| content.taken_bytes()).sum()
    }

    /// Every unsynced change is kept, lost or torn; afterwards live is what is durable.
    pub(super) fn lose_unsynced(&mut self) {
        self.loss = Loss::None;
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

    pub(super) fn lose_unsynced_names(&mut self) {
        for change in self.unsynced.drain(..) {
            if self.dice.once_in(2) {
                self.faults.names_lost += 1;
            } else {
                self.faults.names_kept += 1;
                change.apply(&mut self.durable);
            }
        }
    }

    pub(super) fn file(&mut self, file: u64) -> io::Result<&mut Content> {
        self.files.get_mut(&file).ok_or_else(|| io::Error::other("no such file"))
    }

    /// Takes room for the blocks of a range. Says where it ended when there is not enough.
    pub(super) fn take_room(&mut self, file: u64, start: usize, end: usize) -> Result<(), usize> {
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
    pub(super) fn taken_bytes(&self) -> u64 {
        let blocks = self.taken.iter().filter(|&&taken| taken).count();
        (blocks * BLOCK_BYTES) as u64
    }

    pub(super) fn change(&mut self, change: Change) {
        change.apply(&mut self.live);
        self.unsynced.push(change);
    }

    pub(super) fn sync(&mut self) {
        for change in self.unsynced.drain(..) {
            change.apply(&mut self.durable);
        }
    }

    /// What a disk keeps of writes that it was not told to finish. One crash is mostly of one kind.
    pub(super) fn lose_unsynced(&mut self, dice: &mut Dice, faults: &mut Faults) {
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
    pub(super) fn apply(&self, content: &mut Vec<u8>) {
        match self {
            Self::Write { offset, bytes } => write(content, *offset, bytes),
            Self::SetLen(len) => content.resize(*len, 0),
        }
    }
}

impl NameChange {
    pub(super) fn apply(&self, names: &mut BTreeMap<String, u64>) {
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
impl fmt::Debug for World {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("World")
            .field("process", &self.process)
            .field("names", &self.live)
            .field("faults", &self.faults)
            .finish_non_exhaustive()
    }
}

/// Counts down to a failure.
pub(super) fn strikes(until: &mut Option<u32>) -> bool {
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
fn write(content: &mut Vec<u8>, offset: usize, bytes: &[u8]) {
    let end = offset + bytes.len();
    if content.len() < end {
        content.resize(end, 0);
    }
    content[offset..end].copy_from_slice(bytes);
}

pub(super) fn dead() -> io::Error {
    io::Error::other("the process of this handle is gone")
}
