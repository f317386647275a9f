//! Everything that a client can get wrong, and what it is told.

use std::collections::BTreeMap;
use std::io::Write;

use serde_json::{Value, json};
use zhida::api::ApiOptions;

use crate::client::Answer;
use crate::world::{Choices, ELSEWHERE, GRID, VILLAGE, World, report};

/// What a problem says, without the name of this very answer.
fn told(answer: &Answer) -> Value {
    answer.problem();
    let mut body = answer.json();
    assert!(body["request_id"].as_str().is_some_and(|id| !id.is_empty()), "{body}");
    body["request_id"] = json!("[id]");
    body
}

#[test]
fn bad_bodies_are_told_what_is_wrong_with_them() {
    let world = World::new();
    let case = world.report("PS-001");
    let acknowledge = format!("/v1/cases/{case}/acknowledge");
    let settled = report("PS-001", GRID).replace('{', r#"{"settle":{"answer":"好"},"#);
    let rows = [
        ("unknown field", "/v1/cases", report("PS-001", GRID).replace("text", "txet")),
        ("wrong type", "/v1/cases", report("PS-001", GRID).replace("\"patrol\"", "7")),
        ("bad code", "/v1/cases", report("PS-001", "4115")),
        ("unknown grid", "/v1/cases", report("PS-001", "411502001001099")),
        ("place too high", "/v1/cases", report("PS-001", "411502000000")),
        ("unknown matter", "/v1/cases", report("XX-001", GRID)),
        ("not an object", "/v1/cases", String::from("[1,2]")),
        ("cut off", "/v1/cases", String::from("{\"matter\":\"PS")),
        ("an at in a post", "/v1/cases", String::from(r#"{"at":"2026-01-05T08:00:00Z"}"#)),
        ("no unit to act for", &acknowledge, String::new()),
        ("unknown unit", &acknowledge, String::from(r#"{"by":"411502001099"}"#)),
        ("not the holder", &acknowledge, format!(r#"{{"by":"{VILLAGE}"}}"#)),
        ("unknown case", "/v1/cases/99/acknowledge", format!(r#"{{"by":"{GRID}"}}"#)),
        ("a case that is no number", "/v1/cases/x/acknowledge", String::from("{}")),
        ("illegal move", "/v1/cases/1/close", format!(r#"{{"by":"{GRID}","answer":"好"}}"#)),
        ("settled for nobody", "/v1/cases", settled),
        ("not driven", "/v1/clock/advance", String::from(r#"{"to":"2027-01-05T08:00:00Z"}"#)),
    ];
    let problems: BTreeMap<_, _> =
        rows.iter().map(|(name, path, body)| (*name, told(&world.post(path, body)))).collect();
    insta::assert_json_snapshot!("bad_bodies", problems);
}

#[test]
fn bad_requests_are_told_what_is_wrong_with_them() {
    let world = World::new();
    let case = report("PS-001", GRID);
    let key = "k".repeat(65);
    let large = format!(r#"{{"text":"{}"}}"#, "x".repeat(64 * 1_024));
    let client = world.admit(r#"{"name":"app","scopes":["intake","act","read"]}"#);
    let post = |path: &str| world.request("POST", path);
    let get = |path: &str| world.request("GET", path);
    let rows = [
        ("no token", post("/v1/cases").without_token().json(&case)),
        (
            "another scheme",
            get("/v1/matters").without_token().header("authorization", "Basic eDp5"),
        ),
        ("unknown token", post("/v1/cases").token("zhida_guess").json(&case)),
        ("unknown address", get("/v1/nothing")),
        ("unknown method", world.request("DELETE", "/v1/cases")),
        ("unknown content type", post("/v1/cases").header("content-type", "text/xml").body("<x/>")),
        ("a stream of another type", post("/v1/commands").json("{}")),
        (
            "bad utf-8",
            post("/v1/cases")
                .header("content-type", "application/json")
                .body(b"{\"text\":\"\xff\"}".to_vec()),
        ),
        ("oversize body", post("/v1/cases").json(&large)),
        ("long key", post("/v1/cases").header("idempotency-key", &key).json(&case)),
        ("bad query", get("/v1/events?after=soon")),
        ("unknown parameter", get("/v1/events?since=1")),
        ("limit out of bounds", get("/v1/events?limit=0")),
        ("bad unit", get("/v1/units/4115")),
        ("unknown unit", get("/v1/units/411502001099")),
        ("unknown case", get("/v1/cases/99")),
        ("a path that is no text", get("/v1/units/%ff")),
        ("bad min seq", get("/v1/matters").header("zhida-min-seq", "soon")),
        ("not an administrator", post("/v1/clients").token(&client).json(r#"{"name":"x"}"#)),
        ("the journal is not for clients", get("/v1/journal/records").token(&client)),
        ("an import that is not open", get("/v1/imports/1")),
        ("an import that never was", get("/v1/imports/9")),
    ];
    let problems: BTreeMap<_, _> =
        rows.into_iter().map(|(name, request)| (name, told(&request.send()))).collect();
    insta::assert_json_snapshot!("bad_requests", problems);
}

#[test]
fn a_missing_token_is_challenged() {
    let world = World::new();
    let missing = world.request("GET", "/v1/matters").without_token().send();
    assert_eq!(missing.header("www-authenticate"), Some("Bearer realm=\"zhida\""));
    let unknown = world.request("GET", "/v1/matters").token("x").send();
    let challenge = "Bearer realm=\"zhida\", error=\"invalid_token\"";
    assert_eq!(unknown.header("www-authenticate"), Some(challenge));
}

#[test]
fn problems_are_told_in_the_language_of_the_reader() {
    let world = World::new();
    let body = report("PS-001", GRID).replace("\"patrol\"", "\"moon\"");
    let answer = world
        .request("POST", "/v1/cases")
        .header("accept-language", "zh-CN,zh;q=0.9")
        .json(&body)
        .send();
    assert_eq!(answer.header("content-language"), Some("zh-CN"));
    assert_eq!(answer.header("vary"), Some("accept-language"));
    insta::assert_json_snapshot!("a_problem_in_chinese", told(&answer));
}

#[test]
fn what_lies_outside_a_tokens_range_does_not_exist_for_it() {
    let world = World::new();
    let case = world.report("PS-001");
    let there = world
        .admit(r#"{"name":"there","scopes":["intake","act","read"],"within":["411502002000"]}"#);
    let code = |answer: Answer| answer.problem().1;
    let get = |path: &str| world.request("GET", path).token(&there).send();
    let post = |path: &str, body: &str| world.request("POST", path).token(&there).json(body).send();
    assert_eq!(code(get(&format!("/v1/cases/{case}"))), "case_not_found");
    assert_eq!(code(get(&format!("/v1/cases/{case}/timeline"))), "case_not_found");
    assert_eq!(code(get(&format!("/v1/units/{GRID}"))), "unit_unknown");
    assert_eq!(code(get(&format!("/v1/units/{GRID}/inbox"))), "unit_unknown");
    assert_eq!(code(get("/v1/counts")), "scope_too_small");
    assert_eq!(code(post("/v1/cases", &report("PS-001", GRID))), "place_not_found");
    let body = format!(r#"{{"by":"{GRID}"}}"#);
    let path = format!("/v1/cases/{case}/acknowledge");
    assert_eq!(code(post(&path, &body)), "case_not_found");
    assert_eq!(get("/v1/events").ok()["events"], json!([]));

    assert_eq!(post("/v1/cases", &report("PS-001", ELSEWHERE)).status, 201);
    let events = get("/v1/events").ok();
    assert_eq!(events["events"].as_array().unwrap().len(), 1);
    assert_eq!(events["events"][0]["unit"], ELSEWHERE);
}

#[test]
fn a_body_that_never_comes_is_not_waited_for() {
    let api = ApiOptions {
        body_read_timeout: std::time::Duration::from_millis(20),
        ..ApiOptions::default()
    };
    let world = World::with(Choices { api, ..Choices::default() });
    let request = world.request("POST", "/v1/cases").header("content-type", "application/json");
    let mut connection = request.open_chunked();
    connection.chunk("{");
    assert_eq!(connection.answer().problem(), (408, String::from("body_timeout")));
}

#[test]
fn a_body_that_drips_is_cut_off() {
    let api = ApiOptions {
        body_read_timeout: std::time::Duration::from_millis(200),
        ..ApiOptions::default()
    };
    let world = World::with(Choices { api, ..Choices::default() });
    let body = format!("{}{}", report("PS-001", GRID), " ".repeat(2_000));
    let request = world.request("POST", "/v1/cases").header("content-type", "application/json");
    let mut connection = request.header("content-length", &body.len().to_string()).open();
    // A byte is sent whenever no answer came for this long: each piece comes well in time.
    connection.0.set_read_timeout(Some(std::time::Duration::from_millis(5))).unwrap();
    for byte in body.as_bytes() {
        if connection.0.peek(&mut [0]).is_ok() {
            break;
        }
        connection.0.write_all(&[*byte]).ok();
    }
    connection.0.set_read_timeout(None).unwrap();
    assert_eq!(connection.answer().problem(), (408, String::from("body_timeout")));
    assert_eq!(world.get("/v1/counts").ok()["cases"], 0);
}

#[test]
fn an_address_tells_which_methods_it_takes() {
    let world = World::new();
    let refused = world.request("DELETE", "/v1/clients").send();
    assert_eq!(refused.problem(), (405, String::from("method_not_allowed")));
    let allowed = refused.header("allow").unwrap();
    assert!(allowed.contains("GET") && allowed.contains("POST"), "{allowed}");
}

/// Each parameter of a path, with what can name nothing.
#[test]
fn a_malformed_part_of_a_path_is_400_wherever_it_stands() {
    let world = World::new();
    let document: Value = serde_json::from_str(&zhida::api::openapi()).unwrap();
    let mut asked = 0;
    for (template, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let parameters = operation["parameters"].as_array().into_iter().flatten();
            for parameter in parameters.filter(|parameter| parameter["in"] == "path") {
                let name = parameter["name"].as_str().unwrap();
                let values: &[&str] = match name {
                    "id" => &["abc", "0", "-1", "1.5", "4294967296", "%E5%A5%BD", "%ff"],
                    "code" => &["4115", "abc", "411502001001-R01x", "%ff"],
                    "key" => &["%E5%A5%BD", "%ff"],
                    "name" => &["%ff"],
                    _ => panic!("{template}: what is malformed of {name}?"),
                };
                for value in values {
                    let path = template.replace(&format!("{{{name}}}"), value);
                    let request = world.request(&method.to_uppercase(), &path);
                    let content = operation["requestBody"]["content"].as_object();
                    let kind = content.and_then(|content| content.keys().next());
                    let kind = kind.map_or("application/json", String::as_str);
                    let answer =
                        request.header("if-match", "*").header("content-type", kind).send();
                    let told = answer.problem();
                    assert_eq!(told, (400, "invalid_path".to_owned()), "{method} {path}");
                    asked += 1;
                }
            }
        }
    }
    assert!(asked > 100, "{asked}");
}
