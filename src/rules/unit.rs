//! A unit as text: one JSON object.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::finding::Flaw;
use super::moment::{parse_moment, write_moment};
use crate::domain::code::UnitCode;
use crate::domain::ids::Timestamp;
use crate::domain::limits::NAME_BYTES_MAX;
use crate::domain::organisation::{UnitKind, UnitRow};

/// A unit as a text gives it: `{"code":"411502001001","kind":"division","name":"…"}`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UnitText {
    /// What names it: 12 digits, 15 for a grid, 12 and `-R01` for a governance room.
    pub code: String,
    /// `division`, `grid` or `governance_room`.
    pub kind: String,
    /// In Chinese, 1 to 120 bytes.
    pub name: String,
    /// RFC 3339; from always when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_from: Option<String>,
    /// RFC 3339, not in the future; for ever when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_until: Option<String>,
}

impl UnitText {
    /// Its fields, in the order in which they are written.
    pub const FIELDS: &'static [&'static str] =
        &["code", "kind", "name", "valid_from", "valid_until"];

    /// The row that it says.
    ///
    /// # Errors
    /// Every flaw of it.
    pub fn row(&self) -> Result<UnitRow, Vec<Flaw>> {
        let mut flaws = Vec::new();
        let code = keep(
            &mut flaws,
            self.code
                .parse::<UnitCode>()
                .map_err(|bad| Flaw::of("code", format!("'{}' is {bad}", self.code), CODE_HINT)),
        );
        let kind = keep(&mut flaws, named("kind", &self.kind, UnitKind::ALL, UnitKind::name));
        let name = keep(&mut flaws, name("name", &self.name));
        let valid_from = keep(&mut flaws, moment("valid_from", self.valid_from.as_deref()));
        let valid_until = keep(&mut flaws, moment("valid_until", self.valid_until.as_deref()));
        if let (Some(Some(from)), Some(Some(until))) = (valid_from, valid_until)
            && until <= from
        {
            flaws.push(Flaw::of(
                "valid_until",
                "does not lie after valid_from",
                "give the first moment at which the unit exists no more",
            ));
        }
        let (Some(code), Some(kind), Some(name), Some(valid_from), Some(valid_until)) =
            (code, kind, name, valid_from, valid_until)
        else {
            return Err(flaws);
        };
        let row = UnitRow { code, kind, name, valid_from, valid_until };
        if !row.is_coherent() {
            flaws.push(Flaw::of(
                "kind",
                format!("'{}' does not fit the code {code}", kind.name()),
                form_of(kind),
            ));
        }
        if flaws.is_empty() { Ok(row) } else { Err(flaws) }
    }
}

impl From<&UnitRow> for UnitText {
    fn from(row: &UnitRow) -> Self {
        Self {
            code: row.code.to_string(),
            kind: row.kind.name().to_owned(),
            name: row.name.to_string(),
            valid_from: row.valid_from.and_then(write_moment),
            valid_until: row.valid_until.and_then(write_moment),
        }
    }
}

const CODE_HINT: &str = "for example 411502001001, 411502001001007 or 411502001000-R01";

fn form_of(kind: UnitKind) -> &'static str {
    match kind {
        UnitKind::Division => "a division has 12 digits",
        UnitKind::Grid => "a grid has 15 digits, the last three not 000",
        UnitKind::GovernanceRoom => "a governance room has 12 digits, '-R' and 2 digits",
    }
}

/// The value of a good field, or none and its flaw with the others.
pub(super) fn keep<T>(flaws: &mut Vec<Flaw>, field: Result<T, Flaw>) -> Option<T> {
    match field {
        Ok(value) => Some(value),
        Err(flaw) => {
            flaws.push(flaw);
            None
        }
    }
}

/// A name within its bounds.
pub(super) fn name(field: &'static str, text: &str) -> Result<Arc<str>, Flaw> {
    if text.trim().is_empty() {
        return Err(Flaw::of(field, "is empty", format!("give 1 to {NAME_BYTES_MAX} bytes")));
    }
    if text.len() > NAME_BYTES_MAX {
        return Err(Flaw::of(
            field,
            format!("has {} bytes", text.len()),
            format!("at most {NAME_BYTES_MAX}, which is {} Chinese characters", NAME_BYTES_MAX / 3),
        ));
    }
    if text.chars().any(char::is_control) {
        return Err(Flaw::of(field, "holds a control character", "write it on one line"));
    }
    Ok(Arc::from(text))
}

/// The one of that API name.
pub(super) fn named<T: Copy>(
    field: &'static str,
    text: &str,
    all: &[T],
    name: fn(T) -> &'static str,
) -> Result<T, Flaw> {
    if let Some(one) = all.iter().copied().find(|one| name(*one) == text) {
        return Ok(one);
    }
    let names: Vec<_> = all.iter().map(|one| name(*one)).collect();
    Err(Flaw::of(
        field,
        format!("'{text}' is not one of its values"),
        super::entry::did_you_mean(text, &names)
            .unwrap_or_else(|| format!("one of {}", names.join(", "))),
    ))
}

fn moment(field: &'static str, text: Option<&str>) -> Result<Option<Timestamp>, Flaw> {
    let Some(text) = text else {
        return Ok(None);
    };
    match parse_moment(text) {
        Some(moment) => Ok(Some(moment)),
        None => Err(Flaw::of(
            field,
            format!("'{text}' is no moment"),
            "RFC 3339 with an offset, for example 2022-03-01T08:00:00+08:00",
        )),
    }
}
