//! Bytes on disk as a test holds them: field by field, each with its name, so that what moved is
//! named.

use std::fmt::Write as _;

/// Compares the bytes with fields of hex, in which spaces say nothing.
pub(super) fn assert_fields(bytes: &[u8], fields: &[(&str, &str)]) {
    let mut rest = bytes;
    for (name, golden) in fields {
        let golden = golden.replace(' ', "");
        let (field, behind) = rest.split_at(rest.len().min(golden.len() / 2));
        assert_eq!(hex(field), golden, "{name}, at byte {}", bytes.len() - rest.len());
        rest = behind;
    }
    assert_eq!(hex(rest), "", "behind the last field");
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").expect("writing to a string cannot fail");
        text
    })
}
