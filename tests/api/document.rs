//! The OpenAPI document.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use serde_json::Value;
use zhida::api::codes::Code;
use zhida::api::openapi;

use crate::client::Answer;
use crate::schema;
use crate::world::{GRID, World, report};

fn document() -> Value {
    serde_json::from_str(&openapi()).unwrap()
}

/// Fails on a status or a code that the document does not name for the address. Every request of
/// these tests goes through here.
pub(crate) fn assert_documented(method: &str, path: &str, answer: &Answer) {
    static DOCUMENT: LazyLock<Value> = LazyLock::new(document);
    let path = path.split('?').next().unwrap();
    let paths = DOCUMENT["paths"].as_object().unwrap();
    let Some((template, item)) = paths.iter().find(|(template, _)| is_of(path, template)) else {
        return;
    };
    let operation = &item[method.to_lowercase()];
    if operation.is_null() {
        return;
    }
    let response = &operation["responses"][answer.status.to_string()];
    assert!(response.is_object(), "{method} {template}: {} is not documented", answer.status);
    if answer.status < 300 && answer.header("content-type") == Some("application/json") {
        let schema = &response["content"]["application/json"]["schema"];
        let body = answer.json();
        assert_eq!(schema::check(&DOCUMENT, schema, &body), Ok(()), "{method} {template}: {body}");
    }
    if answer.header("content-type") == Some("application/problem+json") {
        let code = answer.problem().1;
        let codes = &response["content"]["application/problem+json"]["examples"];
        assert!(codes[&code].is_object(), "{method} {template}: {code} is not documented");
    }
}

/// Whether a path is one of a template's.
fn is_of(path: &str, template: &str) -> bool {
    let (path, template) = (path.split('/'), template.split('/'));
    path.clone().count() == template.clone().count()
        && path.zip(template).all(|(part, name)| part == name || name.starts_with('{'))
}

#[test]
fn the_document_is_openapi_3_1_and_served() {
    let world = World::new();
    let served = world.request("GET", "/openapi.json").without_token().send();
    assert_eq!(served.json(), document());
    assert_eq!(document()["openapi"], "3.1.0");
    assert!(document()["info"]["title"].is_string() && document()["info"]["version"].is_string());
}

#[test]
fn the_document_names_every_address() {
    let document = document();
    let mut addresses = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            assert!(operation["summary"].is_string(), "{method} {path} has no summary");
            assert!(operation["responses"].as_object().is_some_and(|all| !all.is_empty()));
            addresses.push(format!("{} {path}", method.to_uppercase()));
        }
    }
    addresses.sort();
    insta::assert_json_snapshot!("addresses", addresses);
}

#[test]
fn every_documented_address_is_there() {
    let world = World::new();
    for (path, item) in document()["paths"].as_object().unwrap() {
        let path = path
            .replace("{id}", "1")
            .replace("{code}", "4")
            .replace("{key}", "k")
            .replace("{name}", "n");
        for method in item.as_object().unwrap().keys() {
            let answer = world.request(&method.to_uppercase(), &path).send();
            let is_problem = answer.header("content-type") == Some("application/problem+json");
            let code = if is_problem { answer.problem().1 } else { String::new() };
            let is_there = code != "route_not_found" && code != "method_not_allowed";
            assert!(is_there, "{method} {path}: {code}");
        }
    }
}

#[test]
fn every_code_is_in_the_document() {
    let document = document();
    let codes = &document["components"]["schemas"]["Told"]["properties"]["code"]["enum"];
    let listed: BTreeSet<_> =
        codes.as_array().unwrap().iter().map(|code| code.as_str().unwrap()).collect();
    let all: BTreeSet<_> = Code::ALL.iter().map(|code| code.name()).collect();
    assert_eq!(listed, all);
    let about = document["info"]["description"].as_str().unwrap();
    for code in Code::ALL {
        assert!(
            about.contains(&format!("| `{}` | {} |", code.name(), code.status())),
            "{}",
            code.name()
        );
    }
}

#[test]
fn every_reference_of_the_document_leads_somewhere() {
    fn walk(root: &Value, value: &Value) {
        match value {
            Value::Object(object) => {
                if let Some(Value::String(reference)) = object.get("$ref") {
                    let pointer = reference.strip_prefix('#').expect("a reference within");
                    assert!(root.pointer(pointer).is_some(), "{reference} leads nowhere");
                }
                object.values().for_each(|value| walk(root, value));
            }
            Value::Array(values) => values.iter().for_each(|value| walk(root, value)),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }
    let document = document();
    walk(&document, &document);
}

#[test]
fn operations_are_named_once() {
    let document = document();
    let mut names = BTreeSet::new();
    for item in document["paths"].as_object().unwrap().values() {
        for operation in item.as_object().unwrap().values() {
            let name = operation["operationId"].as_str().unwrap().to_owned();
            assert!(names.insert(name.clone()), "{name} names two operations");
        }
    }
}

#[test]
fn the_document_and_its_page_come_in_the_language_of_the_reader() {
    let world = World::new();
    let get = |path: &str, language: &str| {
        let request = world.request("GET", path).without_token();
        request.header("accept-language", language).send()
    };
    let is_chinese = |text: &Value| {
        text.as_str().is_some_and(|text| text.chars().any(|letter| letter > '\u{2e80}'))
    };
    let rows =
        [("zh-CN,zh;q=0.9,en;q=0.8", "zh-CN", true), ("en", "en", false), ("fr", "en", false)];
    for (asked, tag, chinese) in rows {
        let answer = get("/openapi.json", asked);
        assert_eq!(answer.header("content-language"), Some(tag), "{asked}");
        assert_eq!(answer.header("vary"), Some("accept-language"), "{asked}");
        let told = answer.ok();
        for (path, item) in told["paths"].as_object().unwrap() {
            for (method, operation) in item.as_object().unwrap() {
                let summary = &operation["summary"];
                assert_eq!(is_chinese(summary), chinese, "{asked}: {method} {path}: {summary}");
            }
        }
        for tag in told["tags"].as_array().unwrap() {
            assert_eq!(is_chinese(&tag["description"]), chinese, "{asked}: {tag}");
        }
        let page = get("/docs/", asked);
        assert!(page.text().contains(&format!("<html lang=\"{tag}\">")), "{asked}");
        assert_eq!(page.header("content-language"), Some(tag), "{asked}");
    }
}

/// What the first strangers looked for in vain.
#[test]
fn the_document_says_how_to_go_on() {
    let document = document();
    let operation = |name: &str| {
        let items = document["paths"].as_object().unwrap().values();
        let mut operations = items.flat_map(|item| item.as_object().unwrap().values());
        operations.find(|one| one["operationId"] == name).unwrap()
    };
    let rows = [
        ("post_commands", "Give every line a `key`"),
        ("post_commands", "send the whole body again"),
        ("post_commands", "GET /v1/cases?ids="),
        ("reveal_case", "case.revealed"),
        ("report_case", "governance room takes it"),
        ("get_counts", "GET /v1/units/{code}/counts"),
    ];
    for (name, part) in rows {
        let description = operation(name)["description"].as_str().unwrap().replace('\n', " ");
        assert!(description.contains(part), "{name}: {part}");
    }
    assert!(document["info"]["description"].as_str().unwrap().contains("Zhida-Repeat: true"));
    let world = World::new();
    let body = report("PS-001", GRID);
    let post = || world.request("POST", "/v1/cases").header("idempotency-key", "k-1").json(&body);
    let repeats = [post().send(), post().send()].map(|answer| {
        let header = answer.header("zhida-repeat").map(str::to_owned);
        (answer.status, header)
    });
    assert_eq!(repeats, [(201, None), (201, Some("true".to_owned()))]);
    let headers = &operation("report_case")["responses"]["201"]["headers"];
    assert_eq!(headers["Zhida-Repeat"]["schema"]["enum"][0], "true");
}
