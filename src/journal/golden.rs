//! Bytes on disk as a test holds them: field by field, each with its name, so that what moved is
//! named.

use std::fmt::Write as _;

/// Compares the bytes with fields of hex, in which spaces say nothing.
pub(super) fn assert_fields(bytes: &[u8], fields: &[(&str, &str)]) {
    let mut rest = bytes;
    let mut others = Vec::new();
    for (name, golden) in fields {
        let golden = golden.replace(' ', "");
        let (field, behind) = rest.split_at(rest.len().min(golden.len() / 2));
        if hex(field) != golden {
            let at = bytes.len() - rest.len();
            others.push(format!("{name}, at byte {at}: {}, not {golden}", hex(field)));
        }
        rest = behind;
    }
    assert!(others.is_empty(), "{others:#?}");
    assert_eq!(hex(rest), "", "behind the last field");
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").expect("writing to a string cannot fail");
        text
    })
}
