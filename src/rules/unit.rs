//! A unit as text: one JSON object.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::finding::Flaw;
use super::moment::{parse_moment, write_moment};
use crate::domain::catalogue::Module;
use crate::domain::code::{BadCode, UnitCode};
use crate::domain::ids::Timestamp;
use crate::domain::limits::NAME_BYTES_MAX;
use crate::domain::organisation::{Modules, UnitKind, UnitRow};

/// A unit as a text gives it: `{"code":"411502001001","kind":"division","name":"…"}`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UnitText {
    /// What names it: 12 digits, 15 for a grid, 12 and `-R01` for a governance room, likewise `D` for
    /// a department, `B` an office, `S` a stationed body, `T` a task force, `H` a headquarters.
    pub code: String,
    /// `division`, `grid`, `governance_room`, `department`, `office`, `stationed`, `task_force` or
    /// `headquarters`.
    pub kind: String,
    /// In Chinese, 1 to 120 bytes.
    pub name: String,
    /// The code of whom it answers to, where that is not the division that it sits in or at; a
    /// stationed body has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reports_to: Option<String>,
    /// The modules that an office owns, or a department is the counterpart for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub modules: Vec<String>,
    /// RFC 3339; from always when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_from: Option<String>,
    /// RFC 3339, not in the future; for ever when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_until: Option<String>,
    /// The code of who takes over its open work, where it closes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub successor: Option<String>,
}

impl UnitText {
    /// Its fields, in the order in which they are written.
    pub const FIELDS: &'static [&'static str] = &[
        "code",
        "kind",
        "name",
        "reports_to",
        "modules",
        "valid_from",
        "valid_until",
        "successor",
    ];

    /// The row that it says.
    ///
    /// # Errors
    /// Every flaw of it.
    pub fn row(&self) -> Result<UnitRow, Vec<Flaw>> {
        let mut flaws = Vec::new();
        let code = keep(&mut flaws, code("code", &self.code));
        let kind = keep(&mut flaws, named("kind", &self.kind, UnitKind::ALL, UnitKind::name));
        let name = keep(&mut flaws, name("name", &self.name));
        let reports_to = keep(&mut flaws, maybe_code("reports_to", self.reports_to.as_deref()));
        let modules = keep(&mut flaws, modules(&self.modules));
        let successor = keep(&mut flaws, maybe_code("successor", self.successor.as_deref()));
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
        if self.successor.is_some() && self.valid_until.is_none() {
            flaws.push(Flaw::of(
                "successor",
                "is for a unit that closes",
                "give valid_until too, or leave it out",
            ));
        }
        let row = (|| {
            Some(UnitRow {
                code: code?,
                kind: kind?,
                name: name?,
                reports_to: reports_to?,
                modules: modules?,
                valid_from: valid_from?,
                valid_until: valid_until?,
                successor: successor?,
            })
        })();
        let Some(row) = row else {
            return Err(flaws);
        };
        flaws.extend(incoherence(&row));
        if flaws.is_empty() { Ok(row) } else { Err(flaws) }
    }
}

/// What does not fit in a row whose fields are good.
fn incoherence(row: &UnitRow) -> Option<Flaw> {
    if row.is_coherent() {
        return None;
    }
    let UnitRow { code, kind, .. } = row;
    if code.letter() != kind.letter() || !kind.sits_at(code.level()) {
        let message = format!("'{}' does not fit the code {code}", kind.name());
        return Some(Flaw::of("kind", message, form_of(*kind)));
    }
    if row.reports_to == Some(*code) {
        return Some(Flaw::of("reports_to", "is the unit itself", "leave it out"));
    }
    if row.successor == Some(*code) {
        return Some(Flaw::of("successor", "is the unit itself", "name another unit"));
    }
    if *kind == UnitKind::Stationed && row.reports_to.is_none() {
        let hint = "a stationed body sits in a township and reports to a department: name it";
        return Some(Flaw::of("reports_to", "is missing", hint));
    }
    Some(Flaw::of(
        "modules",
        format!("'{}' has no modules", kind.name()),
        "only an office owns modules, and a department is the counterpart for some",
    ))
}

impl From<&UnitRow> for UnitText {
    fn from(row: &UnitRow) -> Self {
        Self {
            code: row.code.to_string(),
            kind: row.kind.name().to_owned(),
            name: row.name.to_string(),
            reports_to: row.reports_to.map(|code| code.to_string()),
            modules: row.modules.iter().map(|module| module.name().to_owned()).collect(),
            valid_from: row.valid_from.and_then(write_moment),
            valid_until: row.valid_until.and_then(write_moment),
            successor: row.successor.map(|code| code.to_string()),
        }
    }
}

const CODE_HINT: &str = "for example 411502001001, 411502001001007 or 411502001000-R01";

fn code(field: &'static str, text: &str) -> Result<UnitCode, Flaw> {
    text.parse().map_err(|bad: BadCode| Flaw::of(field, format!("'{text}' is {bad}"), CODE_HINT))
}

fn maybe_code(field: &'static str, text: Option<&str>) -> Result<Option<UnitCode>, Flaw> {
    text.map(|text| code(field, text)).transpose()
}

fn modules(texts: &[String]) -> Result<Modules, Flaw> {
    let modules = texts.iter().map(|text| named("modules", text, Module::ALL, Module::name));
    let modules: Vec<_> = modules.collect::<Result<_, _>>()?;
    Ok(Modules::of(&modules))
}

fn form_of(kind: UnitKind) -> &'static str {
    match kind {
        UnitKind::Division => "a division has 12 digits",
        UnitKind::Grid => "a grid has 15 digits, the last three not 000",
        UnitKind::GovernanceRoom => "a governance room has 12 digits, '-R' and 2 digits",
        UnitKind::Department => {
            "a department has the 12 digits of its county or city, '-D' and 2 digits"
        }
        UnitKind::Office => "an office has the 12 digits of its township, '-B' and 2 digits",
        UnitKind::Stationed => {
            "a stationed body has the 12 digits of its township, '-S' and 2 digits"
        }
        UnitKind::TaskForce => "a task force has 12 digits, '-T' and 2 digits",
        UnitKind::Headquarters => "a headquarters has 12 digits, '-H' and 2 digits",
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
