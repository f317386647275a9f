//! What the documents say beside what the code says.
//!
//! `ZHIDA_BLESS=1` writes docs/problems.md anew.

use std::collections::BTreeSet;

use clap::CommandFactory;
use zhida::api::codes::Code;
use zhida::api::language::Language;
use zhida::engine::metrics;
use zhida::server::commands::Cli;
use zhida::server::exit;

use crate::assert_none;
use crate::source::{read, root, written};

/// The rows of the table below a heading of a document, cells trimmed, head and rule left out.
fn table(document: &str, heading: &str) -> Vec<Vec<String>> {
    let text = read(document);
    let section = text.split(&format!("\n## {heading}\n")).nth(1);
    let section = section.unwrap_or_else(|| panic!("{document} has no section {heading}"));
    let section = section.split("\n## ").next().unwrap();
    let cells = |line: &str| {
        let inner = line.trim().trim_matches('|');
        inner.split('|').map(|cell| cell.trim().replace('`', "")).collect()
    };
    section.lines().filter(|line| line.starts_with('|')).skip(2).map(cells).collect()
}

#[test]
fn every_metric_is_in_the_readme_and_the_reverse() {
    let told: Vec<(String, String)> = table("README.md", "Metrics")
        .into_iter()
        .map(|row| (row[0].clone(), row[1].clone()))
        .collect();
    let counted: Vec<(String, String)> =
        metrics::ALL.iter().map(|(name, what)| ((*name).into(), (*what).into())).collect();
    assert_eq!(told, counted);
}

#[test]
fn every_address_is_in_the_readme_and_the_reverse() {
    let told: BTreeSet<String> = table("README.md", "Endpoints")
        .into_iter()
        .map(|row| format!("{} {}", row[0], row[1]))
        .collect();
    let document: serde_json::Value = serde_json::from_str(&zhida::api::openapi()).unwrap();
    let mut served = BTreeSet::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for method in methods.as_object().unwrap().keys() {
            served.insert(format!("{} {path}", method.to_uppercase()));
        }
    }
    assert_eq!(told, served);
}

#[test]
fn every_exit_code_is_in_the_readme() {
    let told: Vec<String> = table("README.md", "Exit codes")
        .into_iter()
        .map(|row| format!("  {}  {}", row[0], row[1]))
        .collect();
    let printed: Vec<&str> = exit::TABLE.lines().skip(1).collect();
    assert_eq!(told, printed);
}

#[test]
fn every_command_is_in_the_readme() {
    let told: BTreeSet<String> = table("README.md", "Commands")
        .into_iter()
        .map(|row| row[0].split_whitespace().nth(1).unwrap_or_default().to_owned())
        .collect();
    let known: BTreeSet<String> =
        Cli::command().get_subcommands().map(|command| command.get_name().to_owned()).collect();
    assert_eq!(told, known);
}

#[test]
fn every_key_of_the_configuration_is_explained() {
    let text = read("config/zhida.toml");
    let lines: Vec<&str> = text.lines().collect();
    let is_key = |line: &str| line.contains(" = ") && !line.starts_with('#');
    let keys: Vec<usize> = (1..lines.len()).filter(|at| is_key(lines[*at])).collect();
    assert!(keys.len() > 20, "only {} keys found", keys.len());
    let wrong: Vec<String> = keys
        .into_iter()
        .filter(|at| !lines[at - 1].starts_with("# "))
        .map(|at| format!("config/zhida.toml:{}: {}", at + 1, lines[at]))
        .collect();
    assert_none(&wrong, "every key has its why above it");
}

#[test]
fn the_table_of_problems_says_every_code() {
    let mut rendered = String::from(PROBLEMS);
    for code in Code::ALL {
        let again = code.retry_after_seconds().map_or(String::new(), |after| format!("{after} s"));
        let (english, chinese) = (code.title(Language::English), code.title(Language::Chinese));
        let (name, status) = (code.name(), code.status());
        let row = [&format!("`{name}`"), &status.to_string(), &again, english, chinese];
        rendered.extend(["| ", &row.join(" | "), " |\n"]);
    }
    if std::env::var_os("ZHIDA_BLESS").is_some() {
        std::fs::write(root().join("docs/problems.md"), &rendered).unwrap();
    }
    assert_eq!(read("docs/problems.md"), rendered, "run once with ZHIDA_BLESS=1, look, commit");
}

const PROBLEMS: &str = "\
# Problems

What can go wrong, one row each. A client tells problems apart by `code`: a code never changes its
meaning. The status says who must act: 400 and 422 whoever wrote the request, 401 and 403 whoever
gave the token, 404 to 412 whoever decided on an old view, 5xx whoever runs the server. Where a row
names a time, `Retry-After` says the same, and the same key gives the same answer.

A test writes this page from the code.

| code | status | try again after | title | 标题 |
|---|---|---|---|---|
";

/// Endings by which a word in ticks is known for a file of the repository.
const FILES: &[&str] = &[".rs", ".toml", ".md", "/"];
/// Where such words begin.
const PLACES: &[&str] = &["src/", "tests/", "config/", "docs/", "benches/", "examples/", ".ci/"];

#[test]
fn every_file_that_a_document_names_is_there() {
    let mut wrong = Vec::new();
    let mut names = 0;
    for file in written().into_iter().filter(|file| file.is("md")) {
        for (number, line) in file.text.lines().enumerate() {
            // A name in ticks is seen from the root, a link from its page.
            let page = root().join(&file.path);
            let within = page.parent().unwrap();
            let ticked = in_ticks(line).map(|name| (name, root().join(name)));
            let linked = linked(line).map(|name| (name, within.join(name)));
            for (name, path) in ticked.chain(linked) {
                names += 1;
                if !path.exists() {
                    wrong.push(format!("{}:{}: {name}", file.path, number + 1));
                }
            }
        }
    }
    assert!(names > 50, "only {names} names found: the test looks wrongly");
    assert_none(&wrong, "documents name files that exist");
}

/// Words in ticks that are files or directories of the repository.
fn in_ticks(line: &str) -> impl Iterator<Item = &str> {
    line.split('`').skip(1).step_by(2).filter(|name| {
        PLACES.iter().any(|place| name.starts_with(place))
            && (FILES.iter().any(|end| name.ends_with(end)) || name.starts_with(".ci/"))
            && !name.contains(['<', '*', ' '])
    })
}

/// Where links lead within the repository, without the place in the page.
fn linked(line: &str) -> impl Iterator<Item = &str> {
    let targets = line.split("](").skip(1).filter_map(|rest| rest.split(')').next());
    let pages = targets.filter(|target| !target.contains("://") && !target.starts_with('#'));
    pages.filter_map(|target| target.split('#').next())
}
