//! One entry of a text before it is understood: its fields with their places. A field that is
//! missing or of the wrong type leaves a finding and the reading goes on, so that all are found.

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::finding::{Finding, Flaw};
use super::words::Words;

/// Where something stands in a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// Counted from 1.
    pub(super) line: u32,
    /// In characters, counted from 1, where it is known.
    pub(super) column: Option<u32>,
}

impl Place {
    /// A finding here.
    pub(super) fn finding(self, origin: &str, flaw: Flaw) -> Finding {
        Finding {
            origin: origin.to_owned(),
            line: self.line,
            column: self.column,
            field: flaw.field.map(str::to_owned),
            message: flaw.message.english.into_owned(),
            hint: flaw.hint.english.into_owned(),
        }
    }

    /// A finding here that no single flaw of a row is.
    pub(super) fn found(
        self,
        origin: &str,
        field: Option<&str>,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) -> Finding {
        Finding {
            origin: origin.to_owned(),
            line: self.line,
            column: self.column,
            field: field.map(str::to_owned),
            message: message.into(),
            hint: hint.into(),
        }
    }
}

/// A field as the text has it.
pub(super) struct Field {
    pub(super) name: String,
    pub(super) value: Value,
    pub(super) place: Place,
}

/// What a field's value is, in words.
pub(super) const TEXT: &str = "it is a text in quotes";
/// What a field's value is, in words.
pub(super) const TEXTS: &str = "it is a list of texts";
/// What a field's value is, in words.
pub(super) const BOOLEAN: &str = "it is true or false";
/// What a field's value is, in words.
pub(super) const LIMIT: &str = "it is a limit such as { calendar_hours = 24 }";

/// An entry's fields, and what was found wrong with them so far.
pub(super) struct Entry<'a> {
    origin: &'a str,
    place: Place,
    fields: Vec<Field>,
    /// Fields with a finding: what follows from their stand-in value is no news.
    bad: Vec<&'static str>,
    findings: Vec<Finding>,
}

impl<'a> Entry<'a> {
    /// An entry that may have the `known` fields; others, and second ones, are found at once.
    pub(super) fn new(
        origin: &'a str,
        place: Place,
        fields: Vec<Field>,
        known: &[&'static str],
    ) -> Self {
        let mut entry =
            Self { origin, place, fields: Vec::new(), bad: Vec::new(), findings: Vec::new() };
        for field in fields {
            let is_known = known.contains(&field.name.as_str());
            if is_known && entry.fields.iter().all(|one| one.name != field.name) {
                entry.fields.push(field);
                continue;
            }
            let (message, hint) = if is_known {
                (format!("field '{}' stands twice", field.name), "keep one of them".to_owned())
            } else {
                let hint = did_you_mean(&field.name, known).map(|words| words.english.into());
                let hint = hint.unwrap_or_else(|| format!("the fields are {}", known.join(", ")));
                (format!("unknown field '{}'", field.name), hint)
            };
            entry.findings.push(field.place.found(origin, None, message, hint));
        }
        entry
    }

    /// The field's value; a finding and a stand-in where it is missing or of another type.
    pub(super) fn take<T: DeserializeOwned + Default>(
        &mut self,
        name: &'static str,
        form: &str,
    ) -> T {
        if self.fields.iter().all(|field| field.name != name) {
            self.found(name, self.place, "is missing", form);
            return T::default();
        }
        self.read(name, form).unwrap_or_default()
    }

    /// The field's value, none where it is missing or null; a finding where it is of another type.
    pub(super) fn take_optional<T: DeserializeOwned>(
        &mut self,
        name: &'static str,
        form: &str,
    ) -> Option<T> {
        self.read::<Option<T>>(name, form).flatten()
    }

    fn read<T: DeserializeOwned>(&mut self, name: &'static str, form: &str) -> Option<T> {
        let field = self.fields.iter().find(|field| field.name == name)?;
        match serde_json::from_value(field.value.clone()) {
            Ok(value) => Some(value),
            Err(error) => {
                self.found(name, field.place, &error.to_string(), form);
                None
            }
        }
    }

    fn found(&mut self, name: &'static str, place: Place, message: &str, hint: &str) {
        self.bad.push(name);
        self.findings.push(place.found(self.origin, Some(name), message, hint));
    }

    /// The row that the fields came to, if nothing was found wrong.
    pub(super) fn finish<R>(mut self, row: Result<R, Vec<Flaw>>) -> Result<R, Vec<Finding>> {
        let row = match row {
            Ok(row) if self.findings.is_empty() => return Ok(row),
            Ok(_) => Vec::new(),
            Err(flaws) => flaws,
        };
        for flaw in row {
            if flaw.field.is_some_and(|field| self.bad.contains(&field)) {
                continue;
            }
            let field = self.fields.iter().find(|field| Some(field.name.as_str()) == flaw.field);
            let place = field.map_or(self.place, |field| field.place);
            self.findings.push(place.finding(self.origin, flaw));
        }
        self.findings.sort_by_key(|finding| (finding.line, finding.column));
        Err(self.findings)
    }
}

/// A hint to the known name that differs from `text` in at most two letters.
pub(super) fn did_you_mean(text: &str, known: &[&str]) -> Option<Words> {
    let (distance, nearest) = known
        .iter()
        .map(|name| (distance(text, name), *name))
        .min_by_key(|(distance, _)| *distance)?;
    let is_near = distance <= 2 && distance < nearest.len();
    is_near
        .then(|| Words::new(format!("did you mean '{nearest}'?"), format!("是否应为 {nearest}？")))
}

/// How many letters must be put in, taken out or changed.
fn distance(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.chars().collect();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (index, letter) in from.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = index + 1;
        for (column, other) in to.iter().enumerate() {
            let changed = diagonal + usize::from(letter != *other);
            diagonal = row[column + 1];
            row[column + 1] = changed.min(row[column] + 1).min(diagonal + 1);
        }
    }
    row[to.len()]
}
