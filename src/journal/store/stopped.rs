//! The journal of a directory that no process has, to be read and not changed: nothing is mended,
//! what a crash left is read as it lies there.

use std::any::Any;
use std::path::Path;
use std::sync::Arc;

use crate::domain::ids::Seq;
use crate::journal::Reader;
use crate::journal::head::Head;
use crate::journal::medium::disk::Disk;

use super::found::Found;
use super::rack::Rack;
use super::reader::StoreReader;
use super::verify::{VerifyError, VerifyReport, verify_rack};
use super::{OpenError, OpenReport};

/// See the module.
pub struct StoppedStore {
    rack: Arc<Rack>,
    tail: Head,
    /// Held as long as the directory is read.
    _lock: Box<dyn Any + Send + Sync>,
}

impl StoppedStore {
    /// Locks the directory and looks at it. The process's number in its lock is all that is written.
    ///
    /// # Errors
    /// As [`Store::open`](super::Store::open).
    pub fn open(directory: &Path) -> Result<(Self, OpenReport), OpenError> {
        let disk =
            Disk::at(directory).map_err(|error| OpenError::io("open the directory", error))?;
        let found = Found::look(Arc::new(disk))?;
        let report = found.report();
        Ok((Self { rack: found.rack, tail: found.survey.tail, _lock: found.lock }, report))
    }

    /// Where the journal ends.
    pub fn tail(&self) -> Head {
        self.tail
    }

    /// A reading end.
    pub fn reader(&self) -> Arc<dyn Reader> {
        Arc::new(StoreReader::new(Arc::clone(&self.rack)))
    }

    /// As [`verify`](super::verify()).
    ///
    /// # Errors
    /// The first thing that does not hold.
    pub fn verify(
        &self,
        expected: Option<Head>,
        progress: &mut dyn FnMut(Seq),
    ) -> Result<VerifyReport, VerifyError> {
        verify_rack(&self.rack, self.tail, expected, progress)
    }
}
