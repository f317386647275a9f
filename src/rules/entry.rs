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
    /// The whole of a text.
    pub(super) const TOP: Self = Self { line: 1, column: None };

    /// A finding here.
    pub(super) fn finding(self, origin: &str, flaw: Flaw) -> Finding {
        Finding {
            origin: origin.to_owned(),
            line: self.line,
            column: self.column,
            field: flaw.field.map(str::to_owned),
            message: flaw.message,
            hint: flaw.hint,
        }
    }

    /// A finding here that no single flaw of a row is.
    pub(super) fn found(
        self,
        origin: &str,
        field: Option<&str>,
        message: Words,
        hint: Words,
    ) -> Finding {
        Finding {
            origin: origin.to_owned(),
            line: self.line,
            column: self.column,
            field: field.map(str::to_owned),
            message,
            hint,
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
pub(super) const TEXT: &Words = &Words::fixed("it is a text in quotes", "应为引号中的文本");
/// What a field's value is, in words.
pub(super) const TEXTS: &Words = &Words::fixed("it is a list of texts", "应为文本列表");
/// What a field's value is, in words.
pub(super) const BOOLEAN: &Words = &Words::fixed("it is true or false", "应为 true 或 false");
/// What a field's value is, in words.
pub(super) const LIMIT: &Words = &Words::fixed(
    "it is a limit such as { calendar_hours = 24 }",
    "应为时限，例如 { calendar_hours = 24 }",
);

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
                let english = format!("field '{}' stands twice", field.name);
                let message = Words::new(english, format!("字段“{}”重复", field.name));
                (message, Words::fixed("keep one of them", "请只保留一个"))
            } else {
                let hint = did_you_mean(&field.name, known).unwrap_or_else(|| {
                    let english = format!("the fields are {}", known.join(", "));
                    Words::new(english, format!("字段有：{}", known.join("、")))
                });
                (unknown_field(&field.name), hint)
            };
            entry.findings.push(field.place.found(origin, None, message, hint));
        }
        entry
    }

    /// The field's value; a finding and a stand-in where it is missing or of another type.
    pub(super) fn take<T: DeserializeOwned + Default>(
        &mut self,
        name: &'static str,
        form: &Words,
    ) -> T {
        if self.fields.iter().all(|field| field.name != name) {
            self.found(name, self.place, Words::fixed("is missing", "缺失"), form);
            return T::default();
        }
        self.read(name, form).unwrap_or_default()
    }

    /// The field's value, none where it is missing or null; a finding where it is of another type.
    pub(super) fn take_optional<T: DeserializeOwned>(
        &mut self,
        name: &'static str,
        form: &Words,
    ) -> Option<T> {
        self.read::<Option<T>>(name, form).flatten()
    }

    fn read<T: DeserializeOwned>(&mut self, name: &'static str, form: &Words) -> Option<T> {
        let field = self.fields.iter().find(|field| field.name == name)?;
        match serde_json::from_value(field.value.clone()) {
            Ok(value) => Some(value),
            Err(error) => {
                self.found(name, field.place, Words::of_value(&error), form);
                None
            }
        }
    }

    fn found(&mut self, name: &'static str, place: Place, message: Words, hint: &Words) {
        self.bad.push(name);
        self.findings.push(place.found(self.origin, Some(name), message, hint.clone()));
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

/// That no field is called so.
pub(super) fn unknown_field(name: &str) -> Words {
    Words::new(format!("unknown field '{name}'"), format!("没有字段“{name}”"))
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
