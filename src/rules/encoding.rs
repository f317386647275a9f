//! Files as bytes: what is no UTF-8 is told by its line, beside the faults of the other lines.

use std::borrow::Cow;

use super::entry::Place;
use super::finding::{Finding, Flaw};
use super::words::Words;

/// A text out of a file's bytes, and a finding for each of its lines that is no UTF-8. Such a line
/// has stand-ins for its bad bytes: what else is found there is no news.
#[must_use]
pub fn decode<'b>(origin: &str, bytes: &'b [u8]) -> (Cow<'b, str>, Vec<Finding>) {
    let bytes = without_mark(bytes);
    if let Ok(text) = std::str::from_utf8(bytes) {
        return (Cow::Borrowed(text), Vec::new());
    }
    if let Some(finding) = wide(origin, bytes) {
        return (Cow::Borrowed(""), vec![finding]);
    }
    let lines = (1..).zip(bytes.split(|byte| *byte == b'\n'));
    let findings = lines.filter_map(|(line, bytes)| text_of(origin, line, bytes).err());
    let findings = findings.flatten().collect();
    (String::from_utf8_lossy(bytes), findings)
}

/// The findings of a text and those of its bytes, in the order of their lines.
#[must_use]
pub fn joined(undecoded: Vec<Finding>, found: Vec<Finding>) -> Vec<Finding> {
    let is_news = |finding: &Finding| undecoded.iter().all(|known| known.line != finding.line);
    let mut news: Vec<_> = found.into_iter().filter(is_news).collect();
    news.extend(undecoded);
    news.sort_by_key(|finding| (finding.line, finding.column));
    news
}

/// The text of a line, or that it is none.
pub(super) fn text_of<'b>(
    origin: &str,
    line: u32,
    bytes: &'b [u8],
) -> Result<&'b str, Vec<Finding>> {
    std::str::from_utf8(bytes).map_err(|error| {
        let good = bytes.get(..error.valid_up_to()).unwrap_or_default();
        let before = String::from_utf8_lossy(good).chars().count();
        let column = Some(u32::try_from(before + 1).unwrap_or(u32::MAX));
        vec![Place { line, column }.finding(origin, not_utf8(None))]
    })
}

/// That a field, or a line, is no UTF-8.
pub(super) fn not_utf8(field: Option<&'static str>) -> Flaw {
    let message = Words::fixed("is not UTF-8", "不是 UTF-8 编码");
    let hint = Words::fixed(
        "save the file as UTF-8; Excel: CSV UTF-8",
        "请将文件另存为 UTF-8；Excel 请选“CSV UTF-8”",
    );
    Flaw { field, message, hint }
}

/// That the whole is in an encoding of two bytes a character, whose lines cannot be told apart.
pub(super) fn wide(origin: &str, bytes: &[u8]) -> Option<Finding> {
    let is_wide = bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]);
    is_wide.then(|| Place::TOP.finding(origin, not_utf8(None)))
}

/// The text without the byte order mark that some editors put before it.
pub(super) fn without_mark(bytes: &[u8]) -> &[u8] {
    bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(bytes)
}
