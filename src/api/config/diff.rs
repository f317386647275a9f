//! What a whole new catalogue changes, as it is told.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::api::problem::OpenMatter;
use crate::domain::catalogue::{Catalogue, MatterRow};
use crate::engine::View;
use crate::rules::MatterText;

/// What would change.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ConfigDiff)]
pub(super) struct DiffBody {
    /// Matters that are not in force.
    added: Vec<AddedMatter>,
    /// Matters that would be another.
    changed: Vec<ChangedMatter>,
    /// Matters that would be in force no more. One that has open cases keeps the whole from being
    /// applied.
    retired: Vec<OpenMatter>,
}

/// A matter that is not in force.
#[derive(Debug, Serialize, ToSchema)]
struct AddedMatter {
    /// What names it.
    code: String,
    /// As the city calls it.
    name: String,
    /// Whether it was in force once, and keeps its cases.
    revived: bool,
}

/// A matter that would be another.
#[derive(Debug, Serialize, ToSchema)]
struct ChangedMatter {
    /// What names it.
    code: String,
    /// As the city would call it.
    name: String,
    /// Field by field.
    fields: Vec<ChangedField>,
}

/// A field that would have another value.
#[derive(Debug, Serialize, ToSchema)]
struct ChangedField {
    /// The field.
    field: &'static str,
    /// What it has.
    from: Value,
    /// What it would have.
    to: Value,
}

impl DiffBody {
    /// What these rows change of the catalogue; the open cases are those of now. Looks at every open
    /// case once, where something is retired.
    pub(super) fn of(view: &View, catalogue: &Catalogue, rows: &[MatterRow]) -> Self {
        let comparison = catalogue.compared_with(rows);
        let text = |text: &str| text.to_owned();
        let added = comparison.added.iter().map(|added| AddedMatter {
            code: text(&added.row.code),
            name: text(&added.row.name),
            revived: added.is_revived,
        });
        let changed = comparison.changed.iter().map(|(before, after)| ChangedMatter {
            code: text(&after.code),
            name: text(&after.name),
            fields: changed_fields(before, after),
        });
        let open =
            if comparison.retired.is_empty() { BTreeMap::new() } else { view.open_by_matter() };
        let retired = comparison.retired.iter().map(|(matter, row)| OpenMatter {
            code: text(&row.code),
            name: text(&row.name),
            open_cases: open.get(matter).copied().unwrap_or(0),
        });
        Self { added: added.collect(), changed: changed.collect(), retired: retired.collect() }
    }

    /// The matters that keep it from being applied.
    pub(super) fn retired_with_open_cases(self) -> Vec<OpenMatter> {
        self.retired.into_iter().filter(|matter| matter.open_cases > 0).collect()
    }
}

fn changed_fields(before: &MatterRow, after: &MatterRow) -> Vec<ChangedField> {
    let fields = |row| serde_json::to_value(MatterText::from(row)).expect("texts have a JSON form");
    let (mut before, mut after) = (fields(before), fields(after));
    let each = MatterText::FIELDS.iter().filter(|field| before[**field] != after[**field]);
    let changed: Vec<_> = each.copied().collect();
    let of = |field| ChangedField { field, from: before[field].take(), to: after[field].take() };
    changed.into_iter().map(of).collect()
}
