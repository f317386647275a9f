//! Who may do what: every operation of the document, asked by every kind of principal. An operation
//! that has no row here fails.

use serde_json::Value;
use zhida::domain::ids::Timestamp;
use zhida::engine::{Clock, ManualClock};

use crate::client::Answer;
use crate::world::{
    Choices, GRID, MATTERS, MONDAY, ROOM, VILLAGE, World, catalogue, report, units,
};

const NDJSON: &str = "application/x-ndjson";

/// What an operation asks of whoever comes.
#[derive(Clone, Copy)]
enum Needs {
    /// Nothing at all.
    Nothing,
    /// Some token.
    Token,
    /// A token with that scope.
    Scope(&'static str),
    /// The same, and that what is meant lies in its places: else the code.
    Place(&'static str, &'static str),
    /// A token with that scope, and the whole city for its place.
    City(&'static str),
}

/// What each operation asks. What it is sent must be good enough to be refused for nothing else.
fn needs(operation: &str) -> Option<Needs> {
    Some(match operation {
        "GET /healthz" | "GET /readyz" | "GET /metrics" | "GET /openapi.json" | "GET /docs" => {
            Needs::Nothing
        }
        "GET /v1/me"
        | "GET /v1/build"
        | "GET /v1/matters"
        | "GET /v1/outcomes/{key}"
        | "POST /v1/commands" => Needs::Token,
        "GET /v1/events"
        | "GET /v1/organisation"
        | "GET /v1/cases"
        | "GET /v1/units"
        | "GET /v1/units/export" => Needs::Scope("read"),
        "GET /v1/counts" => Needs::City("read"),
        "GET /v1/cases/{id}" | "GET /v1/cases/{id}/timeline" | "GET /v1/cases/{id}/targets" => {
            Needs::Place("read", "case_not_found")
        }
        "GET /v1/units/{code}"
        | "GET /v1/units/{code}/children"
        | "GET /v1/units/{code}/ancestors"
        | "GET /v1/units/{code}/modules"
        | "GET /v1/units/{code}/inbox"
        | "GET /v1/units/{code}/queue"
        | "GET /v1/units/{code}/watch"
        | "GET /v1/units/{code}/counts" => Needs::Place("read", "unit_unknown"),
        "POST /v1/cases" => Needs::Place("intake", "place_not_found"),
        "POST /v1/cases/{id}/acknowledge"
        | "POST /v1/cases/{id}/escalate"
        | "POST /v1/cases/{id}/handle"
        | "POST /v1/cases/{id}/close"
        | "POST /v1/cases/{id}/hand_down"
        | "POST /v1/cases/{id}/transfer"
        | "POST /v1/cases/{id}/return"
        | "POST /v1/cases/{id}/decline"
        | "POST /v1/cases/{id}/reopen"
        | "POST /v1/cases/{id}/void"
        | "POST /v1/cases/{id}/note"
        | "POST /v1/cases/{id}/reveal" => Needs::Place("act", "case_not_found"),
        "GET /v1/clients"
        | "POST /v1/clients"
        | "GET /v1/clients/{name}"
        | "POST /v1/clients/{name}/change"
        | "POST /v1/clients/{name}/rotate"
        | "POST /v1/clients/{name}/revoke"
        | "GET /v1/imports"
        | "POST /v1/imports"
        | "GET /v1/imports/{id}"
        | "GET /v1/imports/{id}/findings"
        | "POST /v1/imports/{id}/units"
        | "POST /v1/imports/{id}/text"
        | "POST /v1/imports/{id}/commit"
        | "POST /v1/imports/{id}/abandon"
        | "POST /v1/units"
        | "POST /v1/units/{code}/change"
        | "POST /v1/units/{code}/close"
        | "POST /v1/units/{code}/keep"
        | "POST /v1/units/{code}/split"
        | "POST /v1/units/{code}/merge"
        | "POST /v1/units/{code}/move"
        | "GET /v1/config"
        | "GET /v1/config/history"
        | "GET /v1/config/proposals"
        | "POST /v1/config/proposals"
        | "GET /v1/config/proposals/{id}"
        | "POST /v1/config/proposals/{id}/apply"
        | "POST /v1/config/validate"
        | "POST /v1/clock/advance"
        | "GET /v1/journal/records" => Needs::Scope("admin"),
        _ => return None,
    })
}

/// Media type and body of an operation that has one.
fn body(operation: &str) -> Option<(&'static str, String)> {
    let by = format!(r#"{{"by":"{GRID}"}}"#);
    let with = |field: &str| format!(r#"{{"by":"{GRID}","{field}":"好"}}"#);
    let json = match operation {
        "POST /v1/cases" => report("PS-001", GRID),
        "POST /v1/cases/{id}/acknowledge" => by,
        "POST /v1/cases/{id}/escalate"
        | "POST /v1/cases/{id}/return"
        | "POST /v1/cases/{id}/decline"
        | "POST /v1/cases/{id}/reopen" => with("reason"),
        "POST /v1/cases/{id}/void" => format!(r#"{{"by":"{ROOM}","reason":"好"}}"#),
        "POST /v1/cases/{id}/hand_down" | "POST /v1/cases/{id}/transfer" => {
            format!(r#"{{"by":"{GRID}","to":"{VILLAGE}","reason":"好"}}"#)
        }
        "POST /v1/cases/{id}/note" => with("note"),
        "POST /v1/units" | "POST /v1/units/{code}/change" => {
            format!(r#"{{"row":{{"code":"{GRID}","kind":"grid","name":"网格"}}}}"#)
        }
        "POST /v1/units/{code}/close" => format!(r#"{{"successor":"{GRID}"}}"#),
        "POST /v1/units/{code}/split" => {
            let row = r#"{"code":"411502001001009","kind":"grid","name":"网格"}"#;
            format!(r#"{{"rows":[{row},{row}],"successor":"{GRID}"}}"#)
        }
        "POST /v1/units/{code}/merge" => format!(r#"{{"units":["{GRID}"]}}"#),
        "POST /v1/units/{code}/move" => format!(r#"{{"to":"{GRID}"}}"#),
        "POST /v1/cases/{id}/handle" => with("measures"),
        "POST /v1/cases/{id}/close" => with("answer"),
        "POST /v1/cases/{id}/reveal" => r#"{"fields":["name"],"purpose":"回访"}"#.to_owned(),
        "POST /v1/clients" => r#"{"name":"administrator","scopes":["read"]}"#.to_owned(),
        "POST /v1/clients/{name}/change" => r#"{"scopes":["read"]}"#.to_owned(),
        "POST /v1/imports" => r#"{"origin":"x"}"#.to_owned(),
        "POST /v1/clock/advance" => r#"{"to":"2026-01-05T08:00:00+08:00"}"#.to_owned(),
        "POST /v1/imports/{id}/text" => return Some(("text/plain", String::from("x"))),
        "POST /v1/imports/{id}/units" => return Some((NDJSON, units())),
        "POST /v1/config/proposals" | "POST /v1/config/validate" => {
            return Some(("application/toml", catalogue(MATTERS)));
        }
        "POST /v1/commands" => return Some((NDJSON, String::from("{}"))),
        _ => return None,
    };
    Some(("application/json", json))
}

/// A kind of principal.
struct Kind {
    name: &'static str,
    token: Option<String>,
    /// What it is told whatever it wants.
    refusal: Option<(u16, &'static str)>,
    scopes: &'static [&'static str],
    is_elsewhere: bool,
}

impl Kind {
    fn without(name: &'static str, token: Option<String>, code: &'static str) -> Self {
        Self { name, token, refusal: Some((401, code)), scopes: &[], is_elsewhere: false }
    }

    fn with(name: &'static str, token: String, scopes: &'static [&'static str]) -> Self {
        let is_elsewhere = name == "elsewhere";
        Self { name, token: Some(token), refusal: None, scopes, is_elsewhere }
    }

    /// What it is refused with, if it is refused.
    fn refusal(&self, needs: Needs) -> Option<(u16, &'static str)> {
        let lacks = |scope: &str| !self.scopes.iter().any(|one| *one == scope || *one == "admin");
        let without = |scope: &str| if scope == "admin" { "needs_admin" } else { "scope_missing" };
        match needs {
            Needs::Nothing => None,
            _ if self.refusal.is_some() => self.refusal,
            Needs::Scope(scope) | Needs::Place(scope, _) | Needs::City(scope) if lacks(scope) => {
                Some((403, without(scope)))
            }
            Needs::Place(_, code) if self.is_elsewhere => {
                Some((if code == "place_not_found" { 422 } else { 404 }, code))
            }
            Needs::City(_) if self.is_elsewhere => Some((403, "scope_too_small")),
            Needs::Token | Needs::Scope(_) | Needs::Place(..) | Needs::City(_) => None,
        }
    }
}

fn kinds(world: &World, clock: &ManualClock) -> Vec<Kind> {
    let admit = |name: &str, rest: &str| world.admit(&format!(r#"{{"name":"{name}",{rest}}}"#));
    let of = |name: &str| admit(name, &format!(r#""scopes":["{name}"]"#));
    let revoked = admit("revoked", r#""scopes":["admin"]"#);
    world.post("/v1/clients/revoked/revoke", "").ok();
    let ending = r#""scopes":["admin"],"expires_at":"2026-01-05T09:00:00+08:00""#;
    let expired = admit("expired", ending);
    clock.set(Timestamp(MONDAY.0 + 3_600_000));
    let elsewhere = r#""scopes":["read","act"],"within":["411502002000"]"#;
    vec![
        Kind::without("nobody", None, "token_missing"),
        Kind::without("unknown", Some(String::from("zhida_x")), "token_unknown"),
        Kind::without("revoked", Some(revoked), "token_unknown"),
        Kind::without("expired", Some(expired), "token_expired"),
        Kind::with("intake", of("intake"), &["intake"]),
        Kind::with("act", of("act"), &["act"]),
        Kind::with("read", of("read"), &["read"]),
        Kind::with("directive", of("directive"), &["directive"]),
        Kind::with("elsewhere", admit("elsewhere", elsewhere), &["read", "act"]),
        Kind::with("admin", of("admin"), &["admin"]),
    ]
}

/// The path of an operation on that case.
fn filled(path: &str, case: u64) -> String {
    let id = if path.starts_with("/v1/cases") { case } else { 999 };
    path.replace("{id}", &id.to_string())
        .replace("{code}", GRID)
        .replace("{key}", "k-1")
        .replace("{name}", "nobody")
}

fn ask(world: &World, operation: &str, case: u64, kind: &Kind) -> Answer {
    let (method, path) = operation.split_once(' ').unwrap();
    let asks = if path.ends_with("/targets") { "?move=transfer" } else { "" };
    let path = [&filled(path, case), asks].concat();
    let mut request = world.request(method, &path).without_token();
    if operation.contains("/v1/units")
        || operation.ends_with("/commit")
        || operation.ends_with("/apply")
    {
        request = request.header("if-match", "*");
    }
    if let Some(token) = &kind.token {
        request = request.token(token);
    }
    if let Some((media_type, body)) = body(operation) {
        request = request.header("content-type", media_type).body(body);
    }
    request.send()
}

#[test]
fn every_operation_is_open_to_whom_it_is_for_and_to_nobody_else() {
    let clock = ManualClock::starting(MONDAY);
    let world = World::with(Choices { clock: Clock::Manual(clock.clone()), ..Choices::default() });
    let document = world.request("GET", "/openapi.json").without_token().send().ok();
    let operations: Vec<_> = operations(&document);
    assert!(operations.len() > 30, "{operations:?}");
    let kinds = kinds(&world, &clock);
    let mut wrong = Vec::new();
    for operation in &operations {
        let Some(needs) = needs(operation) else {
            wrong.push(format!("{operation} has no expectation: give it a row"));
            continue;
        };
        for kind in &kinds {
            let case = world.report("PS-001");
            let answer = ask(&world, operation, case, kind);
            let is_problem = answer.header("content-type") == Some("application/problem+json");
            let told = is_problem.then(|| answer.problem());
            let told = told.as_ref().map(|(status, code)| (*status, code.as_str()));
            let is_right = match (kind.refusal(needs), told) {
                (None, None) => true,
                (None, Some((status, code))) => {
                    let hides = ["case_not_found", "unit_unknown", "place_not_found"];
                    !matches!(status, 400 | 401 | 403 | 429 | 500) && !hides.contains(&code)
                        || code == "at_not_driven"
                }
                (refusal, told) => refusal == told,
            };
            if !is_right {
                let expected = kind.refusal(needs);
                wrong.push(format!("{operation} by {}: {told:?}, not {expected:?}", kind.name));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_read_refuses_a_parameter_that_it_has_not() {
    let world = World::new();
    let document = world.request("GET", "/openapi.json").without_token().send().ok();
    let case = world.report("PS-001");
    let mut accepting = Vec::new();
    for operation in operations(&document) {
        let Some(path) = operation.strip_prefix("GET ").filter(|path| path.starts_with("/v1/"))
        else {
            continue;
        };
        let answer = world.get(&format!("{}?nonsense=1", filled(path, case)));
        if answer.status != 400 || answer.problem().1 != "invalid_query" {
            accepting.push(format!("{operation}: {}", answer.status));
        }
    }
    assert!(accepting.is_empty(), "{}", accepting.join("\n"));
}

fn operations(document: &Value) -> Vec<String> {
    let paths = document["paths"].as_object().unwrap();
    let of_path = |(path, item): (&String, &Value)| {
        let methods: Vec<_> = item.as_object().unwrap().keys().cloned().collect();
        let named = move |method: String| format!("{} {path}", method.to_uppercase());
        methods.into_iter().map(named).collect::<Vec<_>>()
    };
    paths.iter().flat_map(of_path).collect()
}

#[test]
fn every_line_of_a_stream_needs_its_scope() {
    let world = World::new();
    let case = world.report("PS-001");
    let rows = [
        ("intake", [None, Some("scope_missing"), Some("scope_missing"), Some("needs_admin")]),
        ("act", [Some("scope_missing"), Some("scope_missing"), None, Some("needs_admin")]),
        (
            "read",
            [
                Some("scope_missing"),
                Some("scope_missing"),
                Some("scope_missing"),
                Some("needs_admin"),
            ],
        ),
    ];
    let report = report("PS-001", GRID);
    let report = report.strip_prefix('{').unwrap();
    let settled = report.strip_suffix('}').unwrap();
    let lines = [
        format!(r#"{{"command":"report_case",{report}"#),
        format!(
            r#"{{"command":"report_case","by":"{GRID}","settle":{{"answer":"好"}},{settled}}}"#
        ),
        format!(r#"{{"command":"acknowledge_case","case":{case},"by":"{GRID}"}}"#),
        String::from(r#"{"command":"begin_import","origin":"x"}"#),
    ]
    .join("\n");
    for (scope, expected) in rows {
        let token = world.admit(&format!(r#"{{"name":"{scope}","scopes":["{scope}"]}}"#));
        let request = world.request("POST", "/v1/commands").token(&token);
        let answer = request.header("content-type", "application/x-ndjson").body(lines.clone());
        let results = answer.send().lines();
        let codes: Vec<_> = results.iter().map(|result| result["error"]["code"].as_str()).collect();
        assert_eq!(codes, expected, "{scope}: {results:?}");
    }
}
