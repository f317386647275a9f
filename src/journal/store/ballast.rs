//! Room held back, so that a full disk still takes the turn that met it.

use std::io;

use crate::journal::medium::{Medium, remove_if_there};

/// Its name.
pub(super) const NAME: &str = "ballast";

/// Whether a ballast of that size is there.
pub(super) fn is_there(medium: &dyn Medium, bytes: u64) -> bool {
    medium.open(NAME).and_then(|file| file.len()).is_ok_and(|len| len == bytes)
}

/// Takes the room. Leaves nothing behind when there is not enough.
///
/// # Errors
/// When there is no room; those of the disk.
pub(super) fn make(medium: &dyn Medium, bytes: u64) -> io::Result<()> {
    let made = (|| {
        let file = medium.create(NAME)?;
        file.take_room(bytes)?;
        file.sync()?;
        medium.sync_names()
    })();
    if made.is_err() {
        release(medium)?;
    }
    made
}

/// Gives the room back. Says whether there was any.
///
/// # Errors
/// Those of the disk.
pub(super) fn release(medium: &dyn Medium) -> io::Result<bool> {
    let is_removed = remove_if_there(medium, NAME)?;
    // Many file systems give the room back only when the removal is on the disk.
    medium.sync_names()?;
    Ok(is_removed)
}
