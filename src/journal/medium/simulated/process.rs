//! The disk as one process sees it. When the process is gone its handles are dead.

use std::any::Any;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::super::{Entry, Lock, Medium, MediumFile};
use super::Machine;
use super::world::{BLOCK_BYTES, Change, Content, Loss, NameChange, World, dead, strikes};

#[derive(Debug)]
pub(super) struct Process {
    pub(super) machine: Machine,
    pub(super) number: u64,
}

#[derive(Debug)]
struct Handle {
    machine: Machine,
    process: u64,
    file: u64,
    is_alone: AtomicBool,
}

#[derive(Debug)]
struct Held {
    machine: Machine,
    process: u64,
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
        Arc::new(Handle {
            machine: self.machine.clone(),
            process: self.number,
            file,
            is_alone: AtomicBool::new(false),
        })
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
            let entry = |(name, file): (&String, _)| {
                let content = world.files.get(file);
                Entry {
                    name: name.clone(),
                    bytes: content.map_or(0, |content| content.live.len() as u64),
                    bytes_taken: content.map_or(0, Content::taken_bytes),
                }
            };
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
        self.with(|world| {
            if let Some(holder) = &world.lock {
                return Ok(Lock::HeldBy(holder.clone()));
            }
            world.lock = Some(holder.to_owned());
            let held = Held { machine: self.machine.clone(), process: self.number };
            Ok(Lock::Held(Box::new(held) as Box<dyn Any + Send + Sync>))
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

impl Drop for Handle {
    fn drop(&mut self) {
        let mut world = self.machine.0.lock();
        if world.process == self.process && self.is_alone.load(Ordering::Relaxed) {
            world.alone.remove(&self.file);
        }
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

    fn take_alone(&self) -> io::Result<bool> {
        self.with(|world| {
            let is_free = world.alone.insert(self.file);
            self.is_alone.fetch_or(is_free, Ordering::Relaxed);
            Ok(is_free)
        })
    }

    fn sync(&self) -> io::Result<()> {
        self.change(|world| {
            let is_struck = strikes(&mut world.syncs_until_failure);
            let World { dice, faults, files, loss, .. } = world;
            let content = files.get_mut(&self.file).ok_or_else(|| io::Error::other("no file"))?;
            if is_struck {
                // The kernel calls the pages clean now, whatever of them reached the disk.
                faults.syncs_failed += 1;
                content.lose_unsynced(dice, faults);
                *loss = Loss::Told;
                return Err(io::Error::other("the bytes did not reach the disk"));
            }
            content.sync();
            if *loss == Loss::Told {
                *loss = Loss::Hidden;
            }
            Ok(())
        })
    }

    fn let_go(&self, _offset: u64, _len: u64) {}
}

fn memory(bytes: u64) -> io::Result<usize> {
    usize::try_from(bytes).map_err(|_| io::ErrorKind::FileTooLarge.into())
}

fn full() -> io::Error {
    io::ErrorKind::StorageFull.into()
}
