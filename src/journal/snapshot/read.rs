//! Reading a snapshot, and trusting none of its bytes.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

use xxhash_rust::xxh3::xxh3_64;

use super::fields::Fields;
use super::v1::{self, Kind};
use super::write::section_checksum;
use super::{
    BadSnapshot, FORMAT, HEADER_BYTES, MAGIC, SECTION_BYTES_MAX, SECTION_HEADER_BYTES, seq_of,
};
use crate::domain::digest::Digest;
use crate::domain::ids::{ImportId, Seq};
use crate::domain::import::StagedImport;
use crate::domain::snapshot::StateBuilder;
use crate::domain::state::State;
use crate::journal::head::Head;
use crate::journal::medium::{Medium, MediumFile};

/// Loads a snapshot: every checksum holds, and its rows make the state whose digest was noted.
///
/// # Errors
/// When it is not that. What it says of the chain is for the caller to check.
pub fn load(medium: &dyn Medium, name: &str) -> Result<(State, Head), BadSnapshot> {
    let mut file = Forward { file: medium.open(name)?, at: 0 };
    let header = Header::read(&mut file)?;
    if seq_of(name).is_some_and(|seq| seq != header.head.seq) {
        return Err(BadSnapshot::Name { said: header.head.seq });
    }
    let mut rows = Rows::default();
    let mut buffer = Vec::new();
    for section in 1..=header.sections {
        read_section(&mut file, section, header.sections, &mut buffer, &mut rows)?;
    }
    if !file.is_at_end()? {
        let sections = header.sections;
        return Err(BadSnapshot::Length { section: sections, sections });
    }
    let state = rows.finish().ok_or(BadSnapshot::NoHead)?;
    if state.digest() != header.digest || state.tail() != header.head.seq {
        return Err(BadSnapshot::Digest {
            said: header.digest,
            found: state.digest(),
            found_tail: state.tail(),
        });
    }
    Ok((state, header.head))
}

/// A file that is read from its beginning to its end.
struct Forward {
    file: Arc<dyn MediumFile>,
    at: u64,
}

impl Forward {
    fn read(&mut self, out: &mut [u8]) -> io::Result<()> {
        self.file.read_at(self.at, out)?;
        self.file.let_go(self.at, out.len() as u64);
        self.at += out.len() as u64;
        Ok(())
    }

    fn is_at_end(&self) -> io::Result<bool> {
        Ok(self.file.len()? == self.at)
    }
}

struct Header {
    head: Head,
    digest: Digest,
    sections: u32,
}

impl Header {
    fn read(file: &mut Forward) -> Result<Self, BadSnapshot> {
        let mut bytes = [0; HEADER_BYTES];
        match file.read(&mut bytes) {
            Ok(()) => Self::of(&bytes),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Err(BadSnapshot::Magic),
            Err(error) => Err(error.into()),
        }
    }

    fn of(bytes: &[u8; HEADER_BYTES]) -> Result<Self, BadSnapshot> {
        let (checked, checksum) = bytes.split_last_chunk::<8>().ok_or(BadSnapshot::Header)?;
        let mut fields = Fields::of(checked);
        if fields.bytes() != Some(MAGIC) {
            return Err(BadSnapshot::Magic);
        }
        let format = fields.u16().ok_or(BadSnapshot::Header)?;
        if format != FORMAT {
            return Err(BadSnapshot::Format { found: format });
        }
        if xxh3_64(checked) != u64::from_le_bytes(*checksum) {
            return Err(BadSnapshot::Header);
        }
        let read = |fields: &mut Fields<'_>| {
            fields.u16()?;
            Some(Self {
                head: Head { seq: Seq(fields.u64()?), hash: fields.bytes()? },
                digest: Digest(fields.u128()?),
                sections: fields.u32()?,
            })
        };
        read(&mut fields).ok_or(BadSnapshot::Header)
    }
}

fn read_section(
    file: &mut Forward,
    section: u32,
    sections: u32,
    buffer: &mut Vec<u8>,
    rows: &mut Rows,
) -> Result<(), BadSnapshot> {
    let cut = || BadSnapshot::Length { section, sections };
    let whole = |error: io::Error| {
        if error.kind() == io::ErrorKind::UnexpectedEof { cut() } else { error.into() }
    };
    let mut header = [0; SECTION_HEADER_BYTES];
    file.read(&mut header).map_err(whole)?;
    let mut fields = Fields::of(&header);
    let mut read = || Some((fields.byte()?, fields.u32()?, fields.u32()?, fields.u64()?));
    let (kind, count, length, checksum) = read().ok_or_else(cut)?;
    let length = length as usize;
    if length > SECTION_BYTES_MAX {
        return Err(BadSnapshot::Checksum { section });
    }
    buffer.resize(length, 0);
    file.read(buffer).map_err(whole)?;
    if section_checksum(&header[..9], buffer) != checksum {
        return Err(BadSnapshot::Checksum { section });
    }
    let mut fields = Fields::of(buffer);
    for row in 1..=count {
        Kind::from_number(kind)
            .and_then(|kind| rows.take(kind, &mut fields))
            .ok_or(BadSnapshot::Row { section, row, kind })?;
    }
    if !fields.is_empty() {
        return Err(BadSnapshot::Row { section, row: count, kind });
    }
    Ok(())
}

/// The rows read so far.
#[derive(Default)]
struct Rows {
    /// None before the row of kind head, which is the first.
    builder: Option<StateBuilder>,
    imports: BTreeMap<ImportId, StagedImport>,
}

impl Rows {
    /// Takes the next row. None when it is not of that kind, or does not belong here.
    fn take(&mut self, kind: Kind, fields: &mut Fields<'_>) -> Option<()> {
        let Some(builder) = &mut self.builder else {
            let (head, numbers) = (kind == Kind::Head).then(|| v1::head(fields))??;
            let builder = self.builder.insert(StateBuilder::new(head));
            builder.reserve(usize::try_from(numbers).ok()?);
            return Some(());
        };
        match kind {
            Kind::Head => return None,
            Kind::Unit => {
                let (row, is_closing) = v1::known_unit(fields)?;
                builder.unit(row, is_closing);
            }
            Kind::FormerUnit => {
                let (unit, until, row) = v1::former_unit(fields)?;
                builder.former_unit(unit, until, row);
            }
            Kind::OrderedUnit => builder.ordered_unit(v1::ordered_unit(fields)?),
            Kind::Matter => {
                let (row, is_retired) = v1::known_matter(fields)?;
                builder.matter(row, is_retired);
            }
            Kind::Client => builder.client(v1::client(fields)?),
            Kind::Import => {
                let (id, import) = v1::import(fields)?;
                self.imports.insert(id, import);
            }
            Kind::StagedUnit => {
                let import = self.imports.get_mut(&v1::import_id(fields)?)?;
                import.units.push(v1::unit(fields)?);
            }
            Kind::StagedMatter => {
                let import = self.imports.get_mut(&v1::import_id(fields)?)?;
                import.matters.push(v1::matter(fields)?);
            }
            Kind::Case => builder.case(v1::case(fields)?),
            Kind::Number => {
                let (key, case) = v1::number(fields)?;
                builder.number(key, case);
            }
            Kind::Outcome => {
                let (at, key, outcome) = v1::outcome(fields)?;
                builder.outcome(at, key, outcome);
            }
        }
        Some(())
    }

    fn finish(self) -> Option<State> {
        let mut builder = self.builder?;
        for (id, import) in self.imports {
            builder.import(id, import);
        }
        Some(builder.finish())
    }
}
