//! The repository checks itself: what the lints cannot see and reviews forget.
//!
//! ```text
//!  source    files, and Rust text without comments and strings, as paths
//!  rooms     who sees whom; which crate lives where; no file that nobody reads
//!  words     lengths, words that have no place here, reasons of exceptions
//!  licences  what may come into the build
//!  readmes   the same in both languages
//!  tables    what the documents say beside what the code says
//! ```

#![expect(clippy::unwrap_used, reason = "a test says what must be")]

mod licences;
mod readmes;
mod rooms;
mod source;
mod tables;
mod words;

/// Fails with all that is wrong at once, a line each.
fn assert_none(wrong: &[String], law: &str) {
    assert!(wrong.is_empty(), "{law}:\n  {}", wrong.join("\n  "));
}
