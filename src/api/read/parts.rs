//! Sealed parts, opened for a reader: texts whole, a claimant masked.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::api::problem::Problem;
use crate::domain::case::{ClaimantField, ClaimantFields};
use crate::domain::event::{PartName, SealedPart};
use crate::domain::record::Record;
use crate::engine::{Handle, Opened};

/// A text of a case, opened.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct CaseText {
    /// The event that brought it.
    seq: u64,
    /// `text`, `reason`, `measures`, `answer` or `note`.
    part: &'static str,
    /// What it says; none where its key was erased.
    text: Option<String>,
}

/// Who claims: masked, or as far as it was revealed.
#[derive(Debug, Default, Serialize, Deserialize, ToSchema)]
pub(in crate::api) struct ClaimantBody {
    /// Masked: the first character, then a star for each other.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) name: Option<String>,
    /// Masked: its first three and last four digits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) phone: Option<String>,
    /// Masked: its first six characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) address: Option<String>,
}

/// The texts of an event; never the claimant.
pub(super) fn texts(handle: &Handle, record: &Record) -> Result<Vec<CaseText>, Problem> {
    let mut texts = Vec::new();
    for (part, sealed) in record.event.sealed_parts() {
        if part != PartName::Claimant {
            let text = open(handle, part, sealed)?;
            texts.push(CaseText { seq: record.seq.0, part: part_name(part), text });
        }
    }
    Ok(texts)
}

/// Bytes of an event's texts as they are sealed: what they have when opened, and 16 a text.
pub(super) fn text_bytes(record: &Record) -> usize {
    let parts = record.event.sealed_parts().filter(|(part, _)| *part != PartName::Claimant);
    parts.map(|(_, sealed)| sealed.ciphertext.len()).sum()
}

/// The claimant of a report, in plain; none without one, or where the key was erased.
pub(in crate::api) fn claimant(
    handle: &Handle,
    record: &Record,
) -> Result<Option<ClaimantBody>, Problem> {
    for (part, sealed) in record.event.sealed_parts() {
        if part == PartName::Claimant
            && let Some(json) = open(handle, part, sealed)?
        {
            return Ok(serde_json::from_str(&json).ok());
        }
    }
    Ok(None)
}

fn open(handle: &Handle, part: PartName, sealed: &SealedPart) -> Result<Option<String>, Problem> {
    Ok(match handle.open(part, sealed)? {
        Opened::Plain(plain) => Some(String::from_utf8_lossy(&plain).into_owned()),
        Opened::Erased => None,
    })
}

const fn part_name(part: PartName) -> &'static str {
    match part {
        PartName::Claimant => "claimant",
        PartName::Text => "text",
        PartName::Reason => "reason",
        PartName::Measures => "measures",
        PartName::Answer => "answer",
        PartName::Note => "note",
    }
}

impl ClaimantBody {
    /// The same as far as anybody may see it.
    pub(super) fn masked(self) -> Self {
        Self {
            name: self.name.map(|name| keep(&name, 1, 0)),
            phone: self.phone.map(|phone| keep(&phone, 3, 4)),
            address: self.address.map(|address| keep(&address, 6, 0)),
        }
    }

    /// These fields of it alone; none where it has none of them.
    pub(in crate::api) fn only(self, fields: ClaimantFields) -> Option<Self> {
        let Self { name, phone, address } = self;
        let name = name.filter(|_| fields.contains(ClaimantField::Name));
        let phone = phone.filter(|_| fields.contains(ClaimantField::Phone));
        let address = address.filter(|_| fields.contains(ClaimantField::Address));
        let has_any = name.is_some() || phone.is_some() || address.is_some();
        has_any.then_some(Self { name, phone, address })
    }
}

/// The first and last characters; stars for those between, a third of the text
/// at least.
fn keep(text: &str, first: usize, last: usize) -> String {
    let count = text.chars().count();
    let (first, last) =
        if first + last > count * 2 / 3 { (1.min(count / 2), 0) } else { (first, last) };
    text.chars()
        .enumerate()
        .map(|(at, one)| if at < first || at + last >= count { one } else { '*' })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_claimant_is_masked() {
        let rows = [
            ("王小明", 1, 0, "王**"),
            ("王", 1, 0, "*"),
            ("13812345678", 3, 4, "138****5678"),
            ("12345", 3, 4, "1****"),
            ("139123456781234", 3, 4, "139********1234"),
            ("信阳市浉河区老城街道一号", 6, 0, "信阳市浉河区******"),
            ("", 1, 0, ""),
        ];
        for (text, first, last, expected) in rows {
            assert_eq!(keep(text, first, last), expected, "{text}");
        }
    }
}
