//! Names in the directory, who may use it, and which format it has.

use std::collections::BTreeMap;
use std::io;

use crate::domain::ids::Seq;
use crate::journal::medium::{ASIDE, Lock, Medium, read_whole, remove_if_there, write_whole};

use super::error::OpenError;

/// The segment that comes next, made ahead.
pub(super) const NEXT: &str = "journal-next.redb";
/// A segment that is being rewritten, before it takes the old one's place.
pub(super) const COPY: &str = "journal-copy.redb";

const FORMAT: &str = "format";
const FORMAT_WORDS: &str = "zhida journal format 0";

/// The files of a directory that the store knows.
#[derive(Debug, Default)]
pub(super) struct Listing {
    /// First event and length of each segment.
    pub(super) segments: BTreeMap<u64, u64>,
    has_format: bool,
    leftovers: Vec<String>,
}

impl Listing {
    /// Looks the files up.
    ///
    /// # Errors
    /// Those of the disk.
    pub(super) fn read(medium: &dyn Medium) -> Result<Self, OpenError> {
        let mut listing = Self::default();
        for entry in medium.list().map_err(|error| OpenError::io("list the directory", error))? {
            if let Some(first) = segment_first(&entry.name) {
                listing.segments.insert(first.0, entry.bytes);
            } else if entry.name == FORMAT {
                listing.has_format = true;
            } else if entry.name == NEXT || entry.name == COPY || entry.name.ends_with(ASIDE) {
                listing.leftovers.push(entry.name);
            }
        }
        Ok(listing)
    }

    /// Checks the format. Says whether there is none, because the directory holds no journal yet.
    ///
    /// # Errors
    /// When the directory is of another format; those of the disk.
    pub(super) fn check_format(&self, medium: &dyn Medium) -> Result<bool, OpenError> {
        if self.has_format {
            let found = read_whole(medium, FORMAT)
                .map_err(|error| OpenError::io("read the file `format`", error))?;
            let found = String::from_utf8_lossy(&found);
            if found.trim_end() != FORMAT_WORDS {
                return Err(OpenError::OtherFormat { found: found.trim_end().to_owned() });
            }
            return Ok(false);
        }
        if !self.segments.is_empty() {
            return Err(OpenError::OtherFormat { found: "no file `format`".to_owned() });
        }
        Ok(true)
    }

    /// Removes what was being made when the last process ended.
    ///
    /// # Errors
    /// Those of the disk.
    pub(super) fn remove_leftovers(&self, medium: &dyn Medium) -> Result<(), OpenError> {
        for name in &self.leftovers {
            remove_if_there(medium, name)
                .map_err(|error| OpenError::io("remove an unfinished file", error))?;
        }
        Ok(())
    }
}

/// Says the format, in a directory that holds no journal yet.
///
/// # Errors
/// Those of the disk.
pub(super) fn write_format(medium: &dyn Medium) -> Result<(), OpenError> {
    write_whole(medium, FORMAT, format!("{FORMAT_WORDS}\n").as_bytes())
        .map_err(|error| OpenError::io("write the file `format`", error))
}

/// Locks the directory for this process.
///
/// # Errors
/// When another process holds it; those of the disk.
pub(super) fn lock(medium: &dyn Medium) -> Result<Box<dyn std::any::Any + Send + Sync>, OpenError> {
    match medium.try_lock(&std::process::id().to_string()) {
        Ok(Lock::Held(held)) => Ok(held),
        Ok(Lock::HeldBy(holder)) => Err(OpenError::Locked { holder }),
        Err(error) => Err(OpenError::io("lock the directory", error)),
    }
}

/// Room that all files take, in bytes.
///
/// # Errors
/// Those of the disk.
pub(super) fn usage(medium: &dyn Medium) -> io::Result<u64> {
    Ok(medium.list()?.iter().map(|entry| entry.bytes_taken).sum())
}

/// The name of the segment that begins at `first`.
pub(super) fn segment_name(first: Seq) -> String {
    format!("journal-{first:020}.redb", first = first.0)
}

fn segment_first(name: &str) -> Option<Seq> {
    let digits = name.strip_prefix("journal-")?.strip_suffix(".redb")?;
    let is_whole = digits.len() == 20 && digits.bytes().all(|byte| byte.is_ascii_digit());
    is_whole.then(|| digits.parse().ok().map(Seq)).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_segment_is_found_by_its_name_and_by_no_other() {
        assert_eq!(segment_name(Seq(57)), "journal-00000000000000000057.redb");
        assert_eq!(segment_first(&segment_name(Seq(57))), Some(Seq(57)));
        for name in ["journal-57.redb", NEXT, COPY, "journal-0000000000000000005x.redb", "journal"]
        {
            assert_eq!(segment_first(name), None, "{name}");
        }
    }
}
