//! The medium that is a real directory.

use std::fs::{self, File, OpenOptions, Permissions, TryLockError};
use std::io::{self, Write as _};
use std::num::NonZeroU64;
use std::os::unix::fs::{FileExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::fs::{Advice, FallocateFlags};

use super::{Entry, LOCK, Lock, Medium, MediumFile};

/// A directory of the file system.
#[derive(Debug)]
pub struct Disk {
    path: PathBuf,
    /// The directory itself, open so that its names can be synced.
    handle: File,
}

#[derive(Debug)]
struct DiskFile(File);

const OWNER_ONLY: u32 = 0o600;

impl Disk {
    /// The directory at `path`, which is made if it is not there.
    ///
    /// # Errors
    /// Those of the disk.
    pub fn at(path: &Path) -> io::Result<Self> {
        if !path.is_dir() {
            fs::create_dir_all(path)?;
            // The new directory's own name is durable only in its parent.
            if let Some(parent) = path.canonicalize()?.parent() {
                File::open(parent)?.sync_all()?;
            }
        }
        Ok(Self { path: path.to_owned(), handle: File::open(path)? })
    }
}

impl Medium for Disk {
    fn create(&self, name: &str) -> io::Result<Arc<dyn MediumFile>> {
        let path = self.path.join(name);
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(true).mode(OWNER_ONLY);
        Ok(Arc::new(DiskFile(options.open(path)?)))
    }

    fn open(&self, name: &str) -> io::Result<Arc<dyn MediumFile>> {
        let file = OpenOptions::new().read(true).write(true).open(self.path.join(name))?;
        Ok(Arc::new(DiskFile(file)))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        fs::rename(self.path.join(from), self.path.join(to))
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        fs::remove_file(self.path.join(name))
    }

    fn list(&self) -> io::Result<Vec<Entry>> {
        let mut entries = Vec::new();
        for entry in fs::read_dir(&self.path)? {
            let entry = entry?;
            let metadata = entry.metadata()?;
            if let (true, Some(name)) = (metadata.is_file(), entry.file_name().to_str()) {
                let (name, bytes_taken) = (name.to_owned(), metadata.blocks() * 512);
                entries.push(Entry { name, bytes: metadata.len(), bytes_taken });
            }
        }
        entries.sort_unstable();
        Ok(entries)
    }

    fn sync_names(&self) -> io::Result<()> {
        self.handle.sync_all()
    }

    fn try_lock(&self, holder: &str) -> io::Result<Lock> {
        let path = self.path.join(LOCK);
        let mut file =
            OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path)?;
        match file.try_lock() {
            Ok(()) => {
                file.set_len(0)?;
                file.write_all(holder.as_bytes())?;
                Ok(Lock::Held(Box::new(file)))
            }
            Err(TryLockError::WouldBlock) => Ok(Lock::HeldBy(fs::read_to_string(&path)?)),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }

    fn free_bytes(&self) -> io::Result<u64> {
        let room = rustix::fs::fstatvfs(&self.handle)?;
        Ok(room.f_bavail.saturating_mul(room.f_frsize))
    }
}

impl MediumFile for DiskFile {
    fn len(&self) -> io::Result<u64> {
        Ok(self.0.metadata()?.len())
    }

    fn read_at(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.0.read_exact_at(out, offset)
    }

    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.0.write_all_at(bytes, offset)
    }

    fn set_len(&self, bytes: u64) -> io::Result<()> {
        self.0.set_len(bytes)
    }

    fn take_room(&self, bytes: u64) -> io::Result<()> {
        match rustix::fs::fallocate(&self.0, FallocateFlags::empty(), 0, bytes) {
            Ok(()) => Ok(()),
            Err(rustix::io::Errno::OPNOTSUPP) => fill_with_zeros(&self.0, bytes),
            Err(error) => Err(error.into()),
        }
    }

    fn take_alone(&self) -> io::Result<bool> {
        match self.0.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Ok(false),
            Err(TryLockError::Error(error)) => return Err(error),
        }
        self.0.set_permissions(Permissions::from_mode(OWNER_ONLY))?;
        Ok(true)
    }

    fn sync(&self) -> io::Result<()> {
        self.0.sync_data()
    }

    fn let_go(&self, offset: u64, len: u64) {
        // Zero would mean the whole rest of the file.
        if let Some(len) = NonZeroU64::new(len)
            && let Err(error) = rustix::fs::fadvise(&self.0, offset, Some(len), Advice::DontNeed)
        {
            tracing::debug!(%error, "pages stay in memory");
        }
    }
}

/// Takes room the slow way, on file systems that cannot promise it.
fn fill_with_zeros(file: &File, bytes: u64) -> io::Result<()> {
    let zeros = vec![0; 1 << 20];
    let mut at = 0;
    while at < bytes {
        let step = (bytes - at).min(zeros.len() as u64);
        #[expect(clippy::cast_possible_truncation, reason = "at most the length of `zeros`")]
        file.write_all_at(&zeros[..step as usize], at)?;
        at += step;
    }
    Ok(())
}
