//! Staged imports: units, or a whole catalogue, come in as many events as they need and are in
//! force, whole, from their commit event on. One that brings a catalogue is a proposal: it may stand
//! open for days, until it is applied or abandoned.
//!
//! An import closes units at once, and those that hold open cases with a successor, which takes them
//! over in the same command: so whoever holds a case is open.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::catalogue::{self, MatterRow};
use super::command::{BeginImport, CommitImport, StageMatters, StageText, StageUnits};
use super::digest::{Digest, Hasher};
use super::event::{
    CatalogueReplaced, Event, ImportAbandoned, ImportBegun, ImportCommitted, MattersStaged,
    TextStaged, UnitsStaged,
};
use super::ids::{ImportId, Seq, Timestamp};
use super::limits::{
    CATALOGUE_TEXT_BYTES_MAX, IMPORTS_OPEN_MAX, MATTERS_MAX, STAGED_ROWS_MAX,
    STAGED_TEXT_BYTES_MAX, UNITS_MAX,
};
use super::organisation::{self, UnitFindings, UnitRow};
use super::record::Record;
use super::rejection::Rejection;
use super::state::State;

/// What an import brings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ImportKind {
    /// Units, beside those that there are.
    #[default]
    Units,
    /// A whole catalogue, in the place of the one in force: a proposal.
    Catalogue(CatalogueSize),
}

/// How much a whole catalogue is: less of it is none, and does not come into force.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CatalogueSize {
    /// Its matters: at least one.
    pub matters: u32,
    /// Its text, in bytes; none where it was never a text.
    pub text_bytes: u32,
}

/// An import begun and not yet committed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StagedImport {
    /// What it will bring.
    pub kind: ImportKind,
    /// In the order they came.
    pub units: Vec<UnitRow>,
    /// In the order they came.
    pub matters: Vec<MatterRow>,
    /// Bytes of text that came.
    pub text_bytes: u64,
    /// Its newest event in the journal.
    pub last_seq: u64,
}

/// All open imports.
#[derive(Clone, Debug, Default)]
pub struct Imports {
    open: BTreeMap<ImportId, StagedImport>,
    begun: u32,
}

impl Imports {
    /// The open import of that number.
    #[must_use]
    pub fn get(&self, import: ImportId) -> Option<&StagedImport> {
        self.open.get(&import)
    }

    /// All open imports, in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (ImportId, &StagedImport)> {
        self.open.iter().map(|(id, import)| (*id, import))
    }

    /// How many were ever begun.
    #[must_use]
    pub fn begun(&self) -> u32 {
        self.begun
    }

    /// The imports that a snapshot kept.
    #[must_use]
    pub fn restored(begun: u32, open: impl IntoIterator<Item = (ImportId, StagedImport)>) -> Self {
        Self { open: open.into_iter().collect(), begun }
    }

    /// Summed afresh: few are open, and a digest is asked for once a segment.
    #[must_use]
    pub fn digest(&self) -> Digest {
        let mut digest = Digest::default();
        digest.add(Hasher::new("imports").number(u64::from(self.begun)).finish());
        for (id, import) in &self.open {
            let mut hasher = Hasher::new("import").number(u64::from(id.0)).number(import.last_seq);
            if let ImportKind::Catalogue(size) = import.kind {
                hasher = hasher.number(u64::from(size.matters)).number(u64::from(size.text_bytes));
            }
            hasher = hasher.number(import.text_bytes);
            for (place, row) in import.units.iter().enumerate() {
                hasher = hasher.wide(organisation::hash_of(place as u64, row));
            }
            for row in &import.matters {
                hasher = hasher.wide(catalogue::hash_of(row));
            }
            digest.add(hasher.finish());
        }
        digest
    }

    pub(super) fn take(&mut self, import: ImportId) -> Option<StagedImport> {
        self.open.remove(&import)
    }
}

/// Decides what beginning an import does.
pub(super) fn decide_begin(state: &State, command: &BeginImport) -> Result<Vec<Event>, Rejection> {
    let imports = state.imports();
    if imports.open.len() >= IMPORTS_OPEN_MAX {
        return Err(Rejection::ImportsFull);
    }
    if let ImportKind::Catalogue(size) = command.kind {
        let is_bounded = |count: u32, max: usize| (count as usize) <= max;
        if size.matters == 0
            || !is_bounded(size.matters, MATTERS_MAX)
            || !is_bounded(size.text_bytes, CATALOGUE_TEXT_BYTES_MAX)
        {
            return Err(Rejection::RowsOutOfBounds);
        }
    }
    let import = ImportId(imports.begun + 1);
    let origin = Arc::clone(&command.origin);
    Ok(vec![Event::ImportBegun(ImportBegun { import, origin, kind: command.kind })])
}

/// Decides what staging units does.
pub(super) fn decide_units(state: &State, command: &StageUnits) -> Result<Vec<Event>, Rejection> {
    let staged = open(state, command.import)?;
    if staged.kind != ImportKind::Units {
        return Err(Rejection::ImportOfOtherKind);
    }
    if command.rows.is_empty() || command.rows.len() > STAGED_ROWS_MAX {
        return Err(Rejection::RowsOutOfBounds);
    }
    if staged.units.len() + command.rows.len() > UNITS_MAX {
        return Err(Rejection::OrganisationFull);
    }
    if let Some(row) = command.rows.iter().find(|row| !row.is_coherent()) {
        return Err(Rejection::UnitIncoherent { unit: row.code });
    }
    Ok(vec![Event::UnitsStaged(UnitsStaged { import: command.import, rows: command.rows.clone() })])
}

/// Decides what staging matters does.
pub(super) fn decide_matters(
    state: &State,
    command: &StageMatters,
) -> Result<Vec<Event>, Rejection> {
    let staged = open(state, command.import)?;
    let ImportKind::Catalogue(size) = staged.kind else {
        return Err(Rejection::ImportOfOtherKind);
    };
    // More than it is said to be would be another catalogue than the one that was proposed.
    if command.rows.is_empty()
        || command.rows.len() > STAGED_ROWS_MAX
        || staged.matters.len() + command.rows.len() > size.matters as usize
    {
        return Err(Rejection::RowsOutOfBounds);
    }
    Ok(vec![Event::MattersStaged(MattersStaged {
        import: command.import,
        rows: command.rows.clone(),
    })])
}

/// Decides what staging a part of the text does.
pub(super) fn decide_text(state: &State, command: &StageText) -> Result<Vec<Event>, Rejection> {
    let staged = open(state, command.import)?;
    if command.text.is_empty() || command.text.len() > STAGED_TEXT_BYTES_MAX {
        return Err(Rejection::RowsOutOfBounds);
    }
    if let ImportKind::Catalogue(size) = staged.kind
        && staged.text_bytes + command.text.len() as u64 > u64::from(size.text_bytes)
    {
        return Err(Rejection::RowsOutOfBounds);
    }
    Ok(vec![Event::TextStaged(TextStaged {
        import: command.import,
        text: Arc::clone(&command.text),
    })])
}

/// Decides whether what was staged holds together with what is in force.
pub(super) fn decide_commit(
    state: &State,
    now: Timestamp,
    command: &CommitImport,
) -> Result<Vec<Event>, Rejection> {
    let staged = open(state, command.import)?;
    match staged.kind {
        ImportKind::Units => decide_units_commit(state, now, command, staged),
        ImportKind::Catalogue(size) => decide_catalogue_commit(state, command, staged, size),
    }
}

/// Decides whether the catalogue may follow the one in force.
fn decide_catalogue_commit(
    state: &State,
    command: &CommitImport,
    staged: &StagedImport,
    size: CatalogueSize,
) -> Result<Vec<Event>, Rejection> {
    let catalogue = state.catalogue();
    if staged.matters.len() != size.matters as usize
        || staged.text_bytes != u64::from(size.text_bytes)
    {
        return Err(Rejection::ImportIncomplete);
    }
    if command.seen.is_some_and(|seen| seen != catalogue.version()) {
        return Err(Rejection::CatalogueStale { seq: catalogue.version() });
    }
    let codes: BTreeSet<_> = staged.matters.iter().map(|row| &row.code).collect();
    if codes.len() < staged.matters.len() {
        return Err(Rejection::MatterTwice);
    }
    let comparison = catalogue.compared_with(&staged.matters);
    if catalogue.len() + comparison.new > MATTERS_MAX {
        return Err(Rejection::OrganisationFull);
    }
    // Whoever has such a case in hand is to end it first, or to keep the matter. The state counts
    // open cases by matter, so no case is looked at.
    let open = comparison.retired.iter().map(|(matter, _)| state.open_cases_of(*matter));
    let (matters, cases) = open
        .filter(|open| *open > 0)
        .fold((0_u32, 0_u32), |(matters, cases), open| (matters + 1, cases.saturating_add(open)));
    if matters > 0 {
        return Err(Rejection::MatterHasOpenCases { matters, cases });
    }
    let count = |count: usize| u32::try_from(count).expect("bounded by MATTERS_MAX");
    let replaced = CatalogueReplaced {
        previous: Some(catalogue.version()).filter(|version| *version != Seq::ZERO),
        added: count(comparison.added.len()),
        changed: count(comparison.changed.len()),
        retired: count(comparison.retired.len()),
    };
    Ok(vec![Event::ImportCommitted(ImportCommitted {
        import: command.import,
        catalogue: Some(replaced),
    })])
}

fn decide_units_commit(
    state: &State,
    now: Timestamp,
    command: &CommitImport,
    staged: &StagedImport,
) -> Result<Vec<Event>, Rejection> {
    let organisation = state.organisation();
    if staged.units.is_empty() {
        return Err(Rejection::ImportEmpty);
    }
    if command.seen.is_some_and(|seen| seen != organisation.last_seq()) {
        return Err(Rejection::OrganisationStale { seq: organisation.last_seq() });
    }
    if organisation.len() + staged.units.len() > UNITS_MAX {
        return Err(Rejection::OrganisationFull);
    }
    let checked = organisation::checked(state, now, &staged.units)?;
    let import = command.import;
    let mut events = vec![Event::ImportCommitted(ImportCommitted { import, catalogue: None })];
    events.extend(organisation::renumbering_before(organisation, checked.coming));
    events.extend(checked.bequests);
    Ok(events)
}

/// Everything that keeps an open import's units from coming into force; none where no such import is
/// open. A commit is refused for the first of it.
#[must_use]
pub fn findings(state: &State, now: Timestamp, import: ImportId) -> Option<UnitFindings> {
    let staged = state.imports().get(import)?;
    Some(organisation::findings(state, now, &staged.units))
}

/// Decides what abandoning an import does.
pub(super) fn decide_abandon(state: &State, import: ImportId) -> Result<Vec<Event>, Rejection> {
    open(state, import)?;
    Ok(vec![Event::ImportAbandoned(ImportAbandoned { import })])
}

fn open(state: &State, import: ImportId) -> Result<&StagedImport, Rejection> {
    state.imports().get(import).ok_or(Rejection::ImportNotFound)
}

pub(super) fn evolve_begun(imports: &mut Imports, record: &Record, event: &ImportBegun) {
    imports.begun = event.import.0;
    let (kind, last_seq) = (event.kind, record.seq.0);
    imports.open.insert(event.import, StagedImport { kind, last_seq, ..StagedImport::default() });
}

pub(super) fn evolve_units(imports: &mut Imports, record: &Record, event: &UnitsStaged) {
    if let Some(staged) = touched(imports, event.import, record.seq) {
        staged.units.extend(event.rows.iter().cloned());
    }
}

pub(super) fn evolve_matters(imports: &mut Imports, record: &Record, event: &MattersStaged) {
    if let Some(staged) = touched(imports, event.import, record.seq) {
        staged.matters.extend(event.rows.iter().cloned());
    }
}

pub(super) fn evolve_text(imports: &mut Imports, record: &Record, event: &TextStaged) {
    if let Some(staged) = touched(imports, event.import, record.seq) {
        staged.text_bytes += event.text.len() as u64;
    }
}

fn touched(imports: &mut Imports, import: ImportId, seq: Seq) -> Option<&mut StagedImport> {
    let staged = imports.open.get_mut(&import)?;
    staged.last_seq = seq.0;
    Some(staged)
}
