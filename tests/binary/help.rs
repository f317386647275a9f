//! Every command teaches: its help is a snapshot, wrong usage ends with 2, and the program never
//! says a word on stdout that is no data.

use clap::Parser;
use zhida::server::commands::Cli;

use crate::world::{command, ended, zhida};

const COMMANDS: [&[&str]; 21] = [
    &[],
    &["serve"],
    &["demo"],
    &["import"],
    &["token"],
    &["token", "create"],
    &["token", "list"],
    &["token", "change"],
    &["token", "rotate"],
    &["token", "revoke"],
    &["config"],
    &["config", "check"],
    &["config", "diff"],
    &["config", "propose"],
    &["config", "apply"],
    &["config", "history"],
    &["config", "show"],
    &["verify"],
    &["inspect"],
    &["backup"],
    &["restore"],
];

#[test]
fn the_help_of_every_command_is_what_it_was() {
    for words in COMMANDS {
        let mut help = command(words);
        help.arg("--help").env("COLUMNS", "100");
        let text = ended(help).ok();
        assert!(text.contains("Exit codes:"), "{words:?} has no table of exit codes: {text}");
        let name = words.iter().fold("zhida".to_string(), |name, word| format!("{name}-{word}"));
        insta::assert_snapshot!(name, text);
    }
}

#[test]
fn the_help_of_every_command_is_chinese_where_that_is_asked_for() {
    for words in COMMANDS {
        let mut help = command(words);
        help.arg("--help").env("COLUMNS", "100").env("ZHIDA_LANG", "zh");
        let text = ended(help).ok();
        let name = words.iter().fold("zhida".to_string(), |name, word| format!("{name}-{word}"));
        for english in ["Usage:", "Options:", "Arguments:", "Commands:", "Print ", "default"] {
            assert!(!text.contains(english), "{words:?}: {english}: {text}");
        }
        insta::assert_snapshot!(format!("{name}.zh"), text);
    }
}

#[test]
fn every_help_has_examples_that_the_program_understands() {
    for words in COMMANDS {
        let text = zhida(words.iter().copied().chain(["--help"])).ok();
        let examples = text.split("\nExamples:\n").nth(1).expect("examples");
        let examples = examples.split("\n\n").next().expect("the first of them");
        let called = words.iter().fold("zhida".to_string(), |called, word| called + " " + word);
        for line in examples.lines().map(str::trim) {
            assert!(line.starts_with(&called), "{words:?}: {line}");
            // What a shell would make of it.
            let head = format!("1:{}", "a".repeat(64));
            let line = line.split(" > ").next().expect("a command");
            let line = line.replace("\"$(cat head.txt)\"", &head);
            let read = Cli::try_parse_from(line.split(' '));
            assert!(read.is_ok(), "{line}: {:?}", read.err());
        }
    }
}

#[test]
fn every_option_is_explained() {
    for words in COMMANDS {
        let text = zhida(words.iter().copied().chain(["--help"])).ok();
        let options = text.lines().enumerate().filter(|(_, line)| line.starts_with("      --"));
        let lines: Vec<_> = text.lines().collect();
        for (number, line) in options {
            let said = lines.get(number + 1).map_or("", |next| next.trim());
            let beside = line.trim().split_once("  ");
            let is_short = beside.is_some_and(|(_, rest)| !rest.trim().is_empty());
            assert!(is_short || !said.is_empty(), "{words:?}: {line} is not explained");
        }
    }
}

#[test]
fn wrong_usage_ends_with_2_and_says_how_it_is_used() {
    let rows: &[&[&str]] = &[
        &[],
        &["sevre"],
        &["serve", "--port", "80"],
        &["serve", "--listen", "everywhere"],
        &["serve", "--clock", "sundial"],
        &["serve", "--config", "/nonexistent/zhida.toml", "--clock"],
        &["demo", "--scale", "much"],
        &["demo", "--scale", "0", "--dir", "/nonexistent/demo"],
        &["demo", "--scale", "1e9", "--dir", "/nonexistent/demo"],
        &["import"],
        &["token"],
        &["token", "create"],
        &["token", "list", "--dir", "x", "--url", "http://127.0.0.1:1"],
        &["config", "check"],
        &["config", "apply"],
        &["verify", "--head", "nonsense"],
        &["inspect", "--from", "first"],
        &["inspect", "--from", "9", "--through", "3"],
        &["backup"],
        &["restore", "only-one"],
    ];
    for words in rows {
        let ended = zhida(*words);
        assert_eq!(ended.code(), 2, "{words:?}: {ended:?}");
        assert_eq!(ended.stdout, "", "{words:?}");
        assert!(!ended.stderr.is_empty(), "{words:?}");
    }
}

#[test]
fn the_version_is_told() {
    assert_eq!(zhida(["--version"]).ok(), format!("zhida {}\n", env!("CARGO_PKG_VERSION")));
}
