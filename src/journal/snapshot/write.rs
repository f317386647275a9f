//! Writing a snapshot: aside, in steps, then into its place. Nobody reads it before the next fold or
//! start, so it does not push out of memory what people read.

use std::io;
use std::sync::Arc;

use xxhash_rust::xxh3::{Xxh3, xxh3_64};

use super::v1::{self, Kind};
use super::{
    FORMAT, HEADER_BYTES, MAGIC, NAME_ASIDE, SECTION_BYTES_MAX, SECTION_HEADER_BYTES, name_of,
};
use crate::domain::state::State;
use crate::journal::head::Head;
use crate::journal::medium::{Medium, MediumFile};

/// Writes the snapshot of `state`, which is the fold of everything up to `head`. Returns its
/// length in bytes. It is in place, and durable, when this returns.
///
/// # Errors
/// When the disk fails: then nothing in place changed.
///
/// # Panics
/// When the state is not that of the head.
pub fn write(medium: &dyn Medium, state: &State, head: Head) -> io::Result<u64> {
    assert_eq!(state.tail(), head.seq, "a snapshot is of the state at its head");
    let written = write_aside(medium, state, head);
    match written.and_then(|bytes| put_in_place(medium, head).map(|()| bytes)) {
        Ok(bytes) => Ok(bytes),
        Err(error) => {
            // What is left of it takes room that may be what was missing.
            if let Err(left) = medium.remove(NAME_ASIDE) {
                tracing::debug!(%left, "the unfinished snapshot stays until the next");
            }
            Err(error)
        }
    }
}

pub(super) fn write_aside(medium: &dyn Medium, state: &State, head: Head) -> io::Result<u64> {
    let mut sections = Sections::new(medium.create(NAME_ASIDE)?);
    put_rows(&mut sections, state)?;
    sections.finish(state, head)
}

fn put_in_place(medium: &dyn Medium, head: Head) -> io::Result<()> {
    medium.rename(NAME_ASIDE, &name_of(head.seq))?;
    medium.sync_names()
}

/// Lends the rows of the state, section by section.
fn put_rows(sections: &mut Sections, state: &State) -> io::Result<()> {
    let numbers = state.numbers_len() as u64;
    sections.row(Kind::Head, |out| v1::put_head(&state.head(), numbers, out))?;
    for (unit, row) in state.organisation().iter() {
        let is_closing = state.organisation().is_closing(unit);
        sections.row(Kind::Unit, |out| v1::put_known_unit(row, is_closing, out))?;
    }
    for (unit, _) in state.organisation().iter() {
        for (until, row) in state.organisation().former(unit) {
            sections.row(Kind::FormerUnit, |out| v1::put_former_unit(unit, *until, row, out))?;
        }
    }
    for ordered in state.organisation().order() {
        sections.row(Kind::OrderedUnit, |out| v1::put_ordered_unit(*ordered, out))?;
    }
    for (number, row) in state.catalogue().numbered() {
        let is_retired = state.catalogue().is_retired(number);
        sections.row(Kind::Matter, |out| v1::put_known_matter(row, is_retired, out))?;
    }
    for (_, client) in state.clients().iter() {
        sections.row(Kind::Client, |out| v1::put_client(client, out))?;
    }
    for (id, import) in state.imports().iter() {
        sections.row(Kind::Import, |out| v1::put_import(id, import, out))?;
    }
    for (id, import) in state.imports().iter() {
        for row in &import.units {
            sections.row(Kind::StagedUnit, |out| {
                v1::put_import_id(id, out);
                v1::put_unit(row, out);
            })?;
        }
    }
    for (id, import) in state.imports().iter() {
        for row in &import.matters {
            sections.row(Kind::StagedMatter, |out| {
                v1::put_import_id(id, out);
                v1::put_matter(row, out);
            })?;
        }
    }
    for (_, case) in state.cases().iter() {
        sections.row(Kind::Case, |out| v1::put_case(case, out))?;
    }
    let mut numbers: Vec<_> = state.numbers().map(|(key, case)| (case, key)).collect();
    numbers.sort_unstable();
    for (case, key) in numbers {
        sections.row(Kind::Number, |out| v1::put_number(key, case, out))?;
    }
    for (at, key, outcome) in state.outcomes().iter() {
        sections.row(Kind::Outcome, |out| v1::put_outcome(at, key, &outcome, out))?;
    }
    Ok(())
}

/// The section being filled, and those that are in the file.
struct Sections {
    file: Arc<dyn MediumFile>,
    kind: Kind,
    rows: u32,
    /// The section being filled: room for its header, then its rows.
    buffer: Vec<u8>,
    /// How many are in the file.
    written: u32,
    /// Where the next one begins.
    at: u64,
}

impl Sections {
    fn new(file: Arc<dyn MediumFile>) -> Self {
        Self {
            file,
            kind: Kind::Head,
            rows: 0,
            buffer: vec![0; SECTION_HEADER_BYTES],
            written: 0,
            at: HEADER_BYTES as u64,
        }
    }

    /// Puts the next row. It begins a section when it is of another kind, or the last one is full.
    fn row(&mut self, kind: Kind, put: impl FnOnce(&mut Vec<u8>)) -> io::Result<()> {
        // The longest row, a matter with its names, is far below a 64th of a section.
        let is_full = self.buffer.len() > SECTION_BYTES_MAX - SECTION_BYTES_MAX / 64;
        if is_full || (kind != self.kind && self.rows > 0) {
            self.write_section()?;
        }
        self.kind = kind;
        self.rows += 1;
        put(&mut self.buffer);
        Ok(())
    }

    fn write_section(&mut self) -> io::Result<()> {
        let rows_bytes = u32::try_from(self.buffer.len() - SECTION_HEADER_BYTES)
            .expect("a section is at most 4 MiB");
        let (header, rows) = self.buffer.split_at_mut(SECTION_HEADER_BYTES);
        header[0] = self.kind as u8;
        header[1..5].copy_from_slice(&self.rows.to_le_bytes());
        header[5..9].copy_from_slice(&rows_bytes.to_le_bytes());
        let checksum = section_checksum(&header[..9], rows);
        header[9..].copy_from_slice(&checksum.to_le_bytes());
        self.file.write_at(self.at, &self.buffer)?;
        self.file.sync()?;
        self.file.let_go(self.at, self.buffer.len() as u64);
        self.at += self.buffer.len() as u64;
        self.written += 1;
        self.rows = 0;
        self.buffer.truncate(SECTION_HEADER_BYTES);
        Ok(())
    }

    /// Writes what is left, and then the header.
    fn finish(mut self, state: &State, head: Head) -> io::Result<u64> {
        self.write_section()?;
        let mut header = Vec::with_capacity(HEADER_BYTES);
        header.extend_from_slice(&MAGIC);
        header.extend_from_slice(&FORMAT.to_le_bytes());
        header.extend_from_slice(&[0; 2]);
        header.extend_from_slice(&head.seq.0.to_le_bytes());
        header.extend_from_slice(&head.hash);
        header.extend_from_slice(&state.digest().0.to_le_bytes());
        header.extend_from_slice(&self.written.to_le_bytes());
        header.extend_from_slice(&xxh3_64(&header).to_le_bytes());
        assert_eq!(header.len(), HEADER_BYTES, "the picture shows every field");
        self.file.write_at(0, &header)?;
        self.file.sync()?;
        Ok(self.at)
    }
}

/// The checksum of a section: over its kind and counts, and its rows.
pub(super) fn section_checksum(kind_and_counts: &[u8], rows: &[u8]) -> u64 {
    let mut hasher = Xxh3::new();
    hasher.update(kind_and_counts);
    hasher.update(rows);
    hasher.digest()
}
