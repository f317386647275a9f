//! Lengths, words that have no place here, and the reasons of exceptions.

use crate::assert_none;
use crate::source::{is_rust, written};

/// No Rust file is longer.
const LINES_MAX: usize = 600;
/// What a file should stay under; those above are printed, longest first.
const LINES_AIM: usize = 400;

/// Files that outgrow [`LINES_MAX`] for a reason.
const LONGER: &[(&str, &str)] = &[];

/// Words that say that something is not done, or where it was written. Cut in two, so that this
/// file does not hold them.
const BANNED: &[(&str, &str, &str)] = &[
    ("TO", "DO", "do it, or file it"),
    ("FIX", "ME", "fix it, or file it"),
    ("XX", "X", "say what is meant"),
    ("unimplement", "ed!", "no stubs"),
    ("to", "do!(", "no stubs"),
    ("/wo", "rk/", "a path of one machine"),
    ("/tmp", "/wt", "a path of one machine"),
    ("/ho", "me/", "a path of one machine"),
    ("/ro", "ot/", "a path of one machine"),
    ("crates", ".io", "a registry's host"),
    ("npm", "js.", "a registry's host"),
    ("py", "pi.org", "a registry's host"),
];

#[test]
fn no_file_is_too_long() {
    let mut long: Vec<(usize, String)> = written()
        .into_iter()
        .filter(|file| is_rust(&file.path))
        .map(|file| (file.text.lines().count(), file.path))
        .filter(|(lines, _)| *lines > LINES_AIM)
        .collect();
    long.sort_by(|a, b| b.cmp(a));
    for (lines, path) in &long {
        println!("{lines} lines: {path}");
    }
    long.retain(|(lines, _)| *lines > LINES_MAX);
    let has_reason = |path: &str| LONGER.iter().any(|(longer, _)| *longer == path);
    let wrong: Vec<String> = long
        .iter()
        .filter(|(_, path)| !has_reason(path))
        .map(|(lines, path)| format!("{path} has {lines} lines"))
        .chain(
            LONGER
                .iter()
                .filter(|(longer, _)| !long.iter().any(|(_, path)| path == longer))
                .map(|(longer, _)| format!("{longer} is an exception and need not be")),
        )
        .collect();
    assert_none(&wrong, &format!("no file is longer than {LINES_MAX} lines"));
}

#[test]
fn no_word_is_banned() {
    let mut wrong = Vec::new();
    for file in written() {
        for (number, line) in file.text.lines().enumerate() {
            for (head, tail, why) in BANNED {
                let word = format!("{head}{tail}");
                if line.contains(&word) {
                    wrong.push(format!("{}:{}: {word}: {why}", file.path, number + 1));
                }
            }
        }
    }
    assert_none(&wrong, "some words have no place here");
}

#[test]
fn every_exception_has_its_reason() {
    let mut wrong = Vec::new();
    let mut exceptions = 0;
    for file in written().into_iter().filter(|file| is_rust(&file.path)) {
        let code = file.code();
        for (at, _) in code.match_indices("[expect(") {
            exceptions += 1;
            let end = code[at..].find(")]").map_or(code.len(), |end| at + end);
            if !code[at..end].contains("reason =") {
                let line = code[..at].matches('\n').count() + 1;
                wrong.push(format!("{}:{line}", file.path));
            }
        }
    }
    assert!(exceptions > 10, "only {exceptions} exceptions found: the test looks wrongly");
    assert_none(&wrong, "an #[expect] says its reason");
}
