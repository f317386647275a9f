//! What is wrong with a text, where, and what would be right.

use std::fmt;

use super::words::Words;

/// One fault of an entry, without its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flaw {
    /// The field that it is about; none where it is the whole entry.
    pub field: Option<&'static str>,
    /// What is wrong.
    pub message: Words,
    /// What would be right.
    pub hint: Words,
}

impl Flaw {
    /// A flaw of that field.
    pub(super) fn of(field: &'static str, message: Words, hint: Words) -> Self {
        Self { field: Some(field), message, hint }
    }

    /// A flaw of the whole entry.
    pub(super) fn whole(message: Words, hint: Words) -> Self {
        Self { field: None, message, hint }
    }

    /// What is wrong, and what would be right.
    #[must_use]
    pub fn words(&self) -> Words {
        self.message.and(&self.hint)
    }
}

/// One fault of a text, with its place. Prints in English, as `file:line: field: message; hint: …`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The file, as the caller names it.
    pub origin: String,
    /// Counted from 1.
    pub line: u32,
    /// In characters, counted from 1, where it is known.
    pub column: Option<u32>,
    /// The field that it is about, where it is one.
    pub field: Option<String>,
    /// What is wrong.
    pub message: Words,
    /// What would be right.
    pub hint: Words,
}

impl Finding {
    /// What it is about: file, line, column and field, so far as they are known.
    #[must_use]
    pub fn place(&self) -> String {
        let column = self.column.map_or_else(String::new, |column| format!(":{column}"));
        let field = self.field.as_ref().map_or_else(String::new, |field| format!(": {field}"));
        format!("{}:{}{column}{field}", self.origin, self.line)
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}; hint: {}", self.place(), self.message.english, self.hint.english)
    }
}
