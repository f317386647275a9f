//! Staged imports.

use std::sync::Arc;

use crate::domain::catalogue::MatterRow;
use crate::domain::ids::{ImportId, Seq};
use crate::domain::import::ImportKind;
use crate::domain::organisation::UnitRow;

/// See [`Command::BeginImport`](super::Command::BeginImport).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BeginImport {
    /// Where the rows come from: a file's name.
    pub origin: Arc<str>,
    /// What it will bring.
    pub kind: ImportKind,
}

/// See [`Command::StageUnits`](super::Command::StageUnits).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StageUnits {
    /// Into which import.
    pub import: ImportId,
    /// 1 to 200 rows.
    pub rows: Vec<UnitRow>,
}

/// See [`Command::StageMatters`](super::Command::StageMatters).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StageMatters {
    /// Into which import.
    pub import: ImportId,
    /// 1 to 200 rows.
    pub rows: Vec<MatterRow>,
}

/// See [`Command::StageText`](super::Command::StageText).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StageText {
    /// Into which import.
    pub import: ImportId,
    /// Up to 32 KiB.
    pub text: Arc<str>,
}

/// See [`Command::CommitImport`](super::Command::CommitImport).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommitImport {
    /// Which.
    pub import: ImportId,
    /// Refused when the organisation, or for a catalogue the catalogue, has changed since that event.
    pub seen: Option<Seq>,
}

/// See [`Command::AbandonImport`](super::Command::AbandonImport).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AbandonImport {
    /// Which.
    pub import: ImportId,
}
