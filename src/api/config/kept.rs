//! A catalogue as the journal keeps it: the import that brought it, event by event.

use std::sync::Arc;

use crate::api::codes::Code;
use crate::api::problem::Problem;
use crate::domain::catalogue::MatterRow;
use crate::domain::event::{CatalogueReplaced, Event};
use crate::domain::ids::{ImportId, Seq};
use crate::domain::import::{CatalogueSize, ImportKind};
use crate::domain::record::Record;
use crate::engine::Handle;

/// See the module.
pub(super) struct Kept {
    /// The event that it begins with.
    pub(super) begun: Record,
    /// Where it came from.
    pub(super) origin: Arc<str>,
    /// How much it is when it is whole.
    size: CatalogueSize,
    /// Its text, as far as it came.
    pub(super) text: String,
    /// Its rows, as far as they came.
    pub(super) rows: Vec<MatterRow>,
}

impl Kept {
    /// The one whose newest staged event is that. May wait for the disk.
    pub(super) fn read(handle: &Handle, last_seq: Seq) -> Result<Self, Problem> {
        let mut records = handle.import_history(last_seq)?.into_iter();
        let begun = records.next().ok_or_else(|| Problem::new(Code::Internal))?;
        let Event::ImportBegun(event) = &begun.event else {
            return Err(Problem::new(Code::Internal));
        };
        let ImportKind::Catalogue(size) = event.kind else {
            return Err(Problem::new(Code::ImportNotFound));
        };
        let origin = Arc::clone(&event.origin);
        let (mut text, mut rows) = (String::new(), Vec::new());
        for record in records {
            if let Event::TextStaged(event) = &record.event {
                text.push_str(&event.text);
            }
            if let Event::MattersStaged(event) = record.event {
                rows.extend(event.rows);
            }
        }
        Ok(Self { begun, origin, size, text, rows })
    }

    /// Whether all of it came.
    pub(super) fn is_complete(&self) -> bool {
        let CatalogueSize { matters, text_bytes } = self.size;
        self.rows.len() == matters as usize && self.text.len() == text_bytes as usize
    }
}

/// How a catalogue came into force.
pub(super) struct Applied {
    /// The event by which it did.
    pub(super) committed: Record,
    /// The import that brought it.
    pub(super) import: ImportId,
    /// The newest event of that import before.
    pub(super) staged: Seq,
    /// What it changed.
    pub(super) replaced: CatalogueReplaced,
}

impl Applied {
    /// The one by that event. May wait for the disk.
    pub(super) fn read(handle: &Handle, seq: Seq) -> Result<Self, Problem> {
        let committed = handle.records(seq, seq, 1)?.pop();
        let committed = committed.ok_or_else(|| Problem::new(Code::Internal))?;
        let Event::ImportCommitted(event) = &committed.event else {
            return Err(Problem::new(Code::Internal));
        };
        let (Some(replaced), Some(staged)) = (event.catalogue, committed.previous) else {
            return Err(Problem::new(Code::Internal));
        };
        Ok(Self { import: event.import, staged, replaced, committed })
    }
}
