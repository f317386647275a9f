//! Problems in the reader's language, to the last word.

use serde_json::Value;

use crate::client::Answer;
use crate::world::{GRID, World};

/// ASCII words that a Chinese sentence may hold: what is written so in any language.
const NAMES: &[&str] = &[
    "ASCII",
    "ETag",
    "GET",
    "Idempotency",
    "If",
    "JSON",
    "Key",
    "Match",
    "Min",
    "R01",
    "RFC",
    "Seq",
    "UTF",
    "Zhida",
    "T",
    "application",
    "charset",
    "json",
    "ndjson",
    "plain",
    "text",
    "utf",
    "x",
];

/// Fields and values of the rows below that the document has not as one word with a line.
#[rustfmt::skip]
const WORDS: &[&str] = &[
    "matter", "modules", "place", "source", "text", "patrol", "resident", "hotline",
    "department", "targets", "sensor", "division", "grid", "grids", "village", "township", "normal",
    "urgent", "emergency", "key", "number", "by", "limit", "after", "include",
    "all", "name", "code", "kind", "class", "module", "home", "severity",
    "public", "confidential", "soon", "at", "organisation", "v1", "successor", "peace",
    "city", "mild", "rumour", "kode", "config", "clas", "more", "yes",
    "toml", "io", "true", "false", "calendar", "hours", "page", "P",
    "abc", "nobody", "none", "cases", "matters", "units", "clients", "within",
    "open", "holder", "id", "XX", "dispatched", "acknowledge", "escalate", "transfer",
    "return", "decline", "note", "me",
];

/// Fields, codes and values: words of small letters and lines.
fn is_name(word: &str, names: &[String]) -> bool {
    NAMES.contains(&word)
        || word.len() == 1
        || names.iter().any(|name| name == word)
        || word.contains('_')
}

/// Every sentence that a problem holds for people.
fn sentences(problem: &Value) -> Vec<String> {
    let errors = problem["errors"].as_array().into_iter().flatten();
    [&problem["title"], &problem["detail"]]
        .into_iter()
        .chain(errors.map(|error| &error["detail"]))
        .filter_map(Value::as_str)
        .map(str::to_owned)
        .collect()
}

fn check(answer: &Answer, names: &[String]) -> usize {
    let problem = answer.json();
    let told = sentences(&problem);
    for sentence in &told {
        assert!(sentence.chars().any(|letter| letter > '\u{2e80}'), "no Chinese: {sentence}");
        let words = sentence.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_');
        let letters = |word: &&str| word.starts_with(|letter: char| letter.is_ascii_alphabetic());
        for word in words.filter(letters) {
            assert!(is_name(word, names), "{word} is no name: {sentence}");
        }
    }
    told.len()
}

/// Method, path, media type, body: each is refused, and says why at some length.
const ROWS: &[(&str, &str, &str, &str)] = &[
    ("POST", "/v1/cases", "application/json", "nonsense"),
    ("POST", "/v1/cases", "application/json", "["),
    ("POST", "/v1/cases", "application/json", "7"),
    ("POST", "/v1/cases", "text/plain", "{}"),
    ("POST", "/v1/cases", "application/json", "{}"),
    (
        "POST",
        "/v1/cases",
        "application/json",
        r#"{"matter":7,"place":"4115","source":"rumour","text":"","nonsense":1,"settle":{"x":1},
        "claimant":{"name":5},"occurred_at":"soon","source_number":"号","by":true}"#,
    ),
    ("POST", "/v1/cases/1/close", "application/json", r#"{"by":"4115"}"#),
    ("POST", "/v1/cases/99/close", "application/json", r#"{"by":"411502001001001","answer":"好"}"#),
    ("POST", "/v1/clients", "application/json", r#"{"name":"","admin":"yes","within":"x"}"#),
    (
        "POST",
        "/v1/imports/9/units",
        "application/x-ndjson",
        r#"{"code":"x","kind":"grids","name":""}"#,
    ),
    (
        "POST",
        "/v1/imports/9/units",
        "application/x-ndjson",
        r#"{"code":"411502001001","kind":"grid","name":"甲","valid_from":"soon"}"#,
    ),
    ("POST", "/v1/imports/9/units", "application/x-ndjson", "{\"kode\":1}\n[]\nnonsense"),
    (
        "POST",
        "/v1/config/validate",
        "application/toml",
        "[[matter]]\ncode = \"P 1\"\nname = \"甲\\n\"\nclas = \"乙\"\nmodule = \"peace\"\nhome = \"city\"\n\
         severity = 3\nnode_limit = { calendar_hours = 0 }\ntotal_limit = { working_hours = 3 }\n\
         on_the_spot = \"yes\"\n[more]\n",
    ),
    ("POST", "/v1/config/validate", "application/toml", "[[matter]]\ncode = \"A\ncode = \n"),
    ("POST", "/v1/config/validate", "application/toml", ""),
    ("POST", "/v1/config/validate", "application/json", "{}"),
    ("POST", "/v1/config/proposals/9/apply", "application/json", ""),
    ("GET", "/v1/config/proposals/9", "", ""),
    ("GET", "/v1/config/history?limit=0", "", ""),
    ("POST", "/v1/imports/9/text", "application/json", "text"),
    ("GET", "/v1/imports/9", "", ""),
    ("POST", "/v1/imports/9/commit", "application/json", ""),
    ("POST", "/v1/clock/advance", "application/json", r#"{"to":"2026-01-05T08:00:00+08:00"}"#),
    ("GET", "/v1/units/nonsense", "", ""),
    ("GET", "/v1/units/411599999999", "", ""),
    ("GET", "/v1/units/411502001001001/inbox?limit=0", "", ""),
    ("GET", "/v1/units/411502001001001/inbox?limit=many", "", ""),
    ("GET", "/v1/units/411502001001001/inbox?page=3", "", ""),
    ("GET", "/v1/events?after=-1", "", ""),
    ("GET", "/v1/cases/1?include=all", "", ""),
    ("GET", "/v1/cases/99", "", ""),
    ("GET", "/v1/cases/abc", "", ""),
    ("GET", "/v1/imports/abc", "", ""),
    ("GET", "/v1/outcomes/%E5%A5%BD", "", ""),
    ("GET", "/v1/clients/nobody", "", ""),
    (
        "POST",
        "/v1/cases",
        "application/json",
        r#"{"matter":"XX-001","place":"411502001001001","source":"patrol","text":"路灯不亮。"}"#,
    ),
    (
        "POST",
        "/v1/cases",
        "application/json",
        r#"{"matter":"PS-001","place":"411502001001099","source":"patrol","text":"路灯不亮。"}"#,
    ),
    (
        "POST",
        "/v1/cases/1/transfer",
        "application/json",
        r#"{"by":"411502001001001","to":"411502001001","reason":"好"}"#,
    ),
    (
        "POST",
        "/v1/cases/1/transfer",
        "application/json",
        r#"{"by":"411502001001001","to":"411502001001099","reason":"好"}"#,
    ),
    ("POST", "/v1/cases/1/acknowledge", "application/json", r#"{"by":"411502001001"}"#),
    ("POST", "/v1/cases/1/acknowledge", "application/json", r#"{"by":"411502001099"}"#),
    (
        "POST",
        "/v1/cases/1/handle",
        "application/json",
        r#"{"by":"411502001001001","measures":"好"}"#,
    ),
    ("POST", "/v1/cases/1/void", "application/json", r#"{"by":"411502001001001","reason":"好"}"#),
    ("GET", "/v1/outcomes/none", "", ""),
    ("GET", "/v1/nowhere", "", ""),
    ("DELETE", "/v1/cases", "", ""),
    ("POST", "/v1/commands", "application/json", "{}"),
];

#[test]
fn a_chinese_problem_has_no_english_sentence() {
    let world = World::new();
    let report =
        format!(r#"{{"matter":"PS-001","place":"{GRID}","source":"patrol","text":"路灯不亮。"}}"#);
    world.post("/v1/cases", &report).ok();
    // Every field, code and value of the document is a name.
    let names: Vec<String> = zhida::api::openapi()
        .split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_')
        .filter(|word| word.contains('_'))
        .map(str::to_owned)
        .chain(WORDS.iter().map(|word| (*word).to_owned()))
        .collect();
    let mut told = 0;
    for (method, path, kind, body) in ROWS {
        let mut request = world.request(method, path).header("accept-language", "zh-CN");
        if !kind.is_empty() {
            request = request.header("content-type", kind);
        }
        let answer = request.body(*body).send();
        assert!(answer.status >= 400, "{method} {path}: {}", answer.status);
        assert_eq!(answer.header("content-language"), Some("zh-CN"), "{method} {path}");
        told += check(&answer, &names);
    }
    for (header, value) in [("if-match", "soon"), ("if-match", "7"), ("idempotency-key", "号")] {
        let request = world.request("POST", "/v1/cases/1/acknowledge").header(header, value);
        let answer = request.header("accept-language", "zh").json(r#"{"by":"411502001001001"}"#);
        told += check(&answer.send(), &names);
    }
    let request = world.request("GET", "/v1/matters").header("zhida-min-seq", "soon");
    told += check(&request.header("accept-language", "zh").send(), &names);
    assert!(told > 60, "only {told} sentences");
}

#[test]
fn the_lines_of_a_stream_are_told_in_chinese() {
    let world = World::new();
    let lines = "nonsense\n{\"command\":\"fly\"}\n{\"command\":\"close_case\",\"case\":\"x\"}\n";
    let answer = world
        .request("POST", "/v1/commands")
        .header("accept-language", "zh")
        .header("content-type", "application/x-ndjson")
        .body(lines)
        .send();
    let results = answer.lines();
    assert_eq!(results.len(), lines.lines().count(), "a result a line");
    for line in &results {
        let told = sentences(&line["error"]);
        assert!(told.len() > 1, "it says why: {line}");
        for sentence in told {
            assert!(sentence.chars().any(|letter| letter > '\u{2e80}'), "{sentence}");
            assert!(!sentence.contains("expected") && !sentence.contains(" of "), "{sentence}");
        }
    }
}
