//! What a refusal says beside its code: which field, what stood there, where to look.

use serde_json::{Value, json};

use crate::world::{GRID, VILLAGE, World, report};

const UNITS: &str = "GET /v1/units";

/// Command, its address, its body; the code, the pointer, what the sentence holds.
type Row =
    (&'static str, &'static str, String, &'static str, &'static str, &'static [&'static str]);

fn rows() -> Vec<Row> {
    reports().into_iter().chain(moves()).collect()
}

fn reports() -> Vec<Row> {
    let with = |field: &str, value: &str| {
        let mut body: Value = serde_json::from_str(&report("PS-001", GRID)).unwrap();
        body[field] = value.into();
        body.to_string()
    };
    let settled = |matter: &str, by: &str| {
        let mut body: Value = serde_json::from_str(&report(matter, GRID)).unwrap();
        body["settle"] = json!({ "answer": "好" });
        body["by"] = by.into();
        body.to_string()
    };
    let report_case = "report_case";
    vec![
        (
            report_case,
            "/v1/cases",
            report("XX-001", GRID),
            "matter_not_found",
            "/matter",
            &["XX-001", "GET /v1/matters"],
        ),
        (
            report_case,
            "/v1/cases",
            report("PS-001", "411502001001099"),
            "place_not_found",
            "/place",
            &["411502001001099", UNITS],
        ),
        (
            report_case,
            "/v1/cases",
            report("PS-001", "411502000000"),
            "place_too_high",
            "/place",
            &["411502000000", UNITS],
        ),
        (
            report_case,
            "/v1/cases",
            with("occurred_at", "2027-01-05T08:00:00+08:00"),
            "occurred_in_future",
            "/occurred_at",
            &["2027-01-05T08:00:00.000+08:00"],
        ),
        (
            report_case,
            "/v1/cases",
            with("by", "411502001099"),
            "unit_not_found",
            "/by",
            &["411502001099", UNITS],
        ),
        (
            report_case,
            "/v1/cases",
            settled("PS-002", VILLAGE),
            "not_on_the_spot",
            "/settle",
            &["PS-002", "GET /v1/matters"],
        ),
        (
            report_case,
            "/v1/cases",
            settled("PS-001", VILLAGE),
            "settler_not_the_holder",
            "/by",
            &[VILLAGE],
        ),
    ]
}

fn moves() -> Vec<Row> {
    let send = |to: &str| format!(r#"{{"by":"{GRID}","to":"{to}","reason":"好"}}"#);
    let transfer = "transfer_case";
    let at = "/v1/cases/1/transfer";
    vec![
        (transfer, at, send("411502001099"), "to_not_found", "/to", &["411502001099", UNITS]),
        (transfer, at, send(GRID), "to_is_holder", "/to", &[GRID]),
        (transfer, at, send(VILLAGE), "to_unfit", "/to", &[VILLAGE, "township"]),
        (
            "acknowledge_case",
            "/v1/cases/1/acknowledge",
            format!(r#"{{"by":"{VILLAGE}"}}"#),
            "not_the_holder",
            "/by",
            &[VILLAGE, "dispatched", "GET /v1/cases/{id}"],
        ),
        (
            "void_case",
            "/v1/cases/1/void",
            format!(r#"{{"by":"{GRID}","reason":"好"}}"#),
            "needs_centre",
            "/by",
            &[GRID],
        ),
        (
            "close_unit",
            "/v1/units/411502001001/close",
            r#"{"successor":"411502001099"}"#.to_owned(),
            "successor_not_found",
            "/successor",
            &["411502001099", UNITS],
        ),
        (
            "merge_units",
            "/v1/units/411502001001001/merge",
            r#"{"units":["411502001001002","411502001099"]}"#.to_owned(),
            "unit_not_known",
            "/units/1",
            &["411502001099", UNITS],
        ),
        (
            "open_unit",
            "/v1/units",
            format!(r#"{{"row":{{"code":"{GRID}","kind":"grid","name":"网格"}}}}"#),
            "unit_code_taken",
            "/row/code",
            &[GRID],
        ),
    ]
}

/// The same command as a line.
fn line(command: &str, path: &str, body: &str) -> String {
    let mut line: Value = serde_json::from_str(body).unwrap();
    line["command"] = command.into();
    if path.starts_with("/v1/cases/") {
        line["case"] = 1.into();
    }
    if let Some(unit) = path.strip_prefix("/v1/units/") {
        line["unit"] = unit.split('/').next().into();
    }
    if path.starts_with("/v1/units") {
        line["seen"] = "*".into();
    }
    line.to_string()
}

fn check(told: &Value, row: &Row, is_chinese: bool) {
    let (_, _, _, code, pointer, parts) = row;
    assert_eq!(told["code"], *code, "{told}");
    let errors = told["errors"].as_array().unwrap_or_else(|| panic!("no errors: {told}"));
    let [error] = &errors[..] else { panic!("{told}") };
    assert_eq!((&error["pointer"], &error["code"]), (&json!(pointer), &json!(code)), "{told}");
    let detail = error["detail"].as_str().unwrap();
    for part in parts.iter().filter(|part| !is_chinese || **part != "township") {
        assert!(detail.contains(part), "{part}: {detail}");
    }
}

#[test]
fn a_refusal_names_the_field_its_value_and_where_to_look() {
    let world = World::new();
    world.report("PS-001");
    for row in rows() {
        let (_, path, body, ..) = &row;
        for language in ["en", "zh"] {
            let request = world.request("POST", path).header("accept-language", language);
            let answer = request.header("if-match", "*").json(body).send();
            check(&answer.json(), &row, language == "zh");
        }
    }
}

#[test]
fn the_line_of_a_stream_is_told_as_much() {
    let world = World::new();
    world.report("PS-001");
    let rows = rows();
    let bodies = rows.iter().map(|(command, path, body, ..)| line(command, path, body));
    // Between them lines of other kinds, so that each must be told of its own.
    let good = r#"{"command":"note_case","case":1,"by":"411502001001001","note":"好"}"#;
    let lines = bodies.flat_map(|line| [line, String::new(), "nonsense".into(), good.into()]);
    let body = lines.collect::<Vec<_>>().join("\n");
    let request =
        world.request("POST", "/v1/commands").header("content-type", "application/x-ndjson");
    let results = request.body(body).send().lines();
    assert_eq!(results.len(), rows.len() * 3);
    for (row, results) in rows.iter().zip(results.chunks(3)) {
        check(&results[0]["error"], row, false);
        assert_eq!(results[1]["error"]["code"], "malformed_json");
        assert!(results[2]["seq"].is_u64(), "{:?}", results[2]);
    }
}

#[test]
fn what_a_line_names_in_fields_of_its_own_has_a_pointer() {
    let world = World::new();
    world.report("PS-001");
    let by = format!(r#""by":"{GRID}""#);
    let rows = [
        (format!(r#"{{"command":"acknowledge_case","case":99,{by}}}"#), "/case", "99"),
        (
            format!(r#"{{"command":"acknowledge_case","case":{{"key":"lost"}},{by}}}"#),
            "/case",
            "lost",
        ),
        (format!(r#"{{"command":"acknowledge_case","case":1,"version":7,{by}}}"#), "/version", "1"),
        (
            r#"{"command":"close_unit","unit":"411502001099","seen":99999}"#.to_owned(),
            "/seen",
            "version",
        ),
        (
            r#"{"command":"close_unit","unit":"411502001099","seen":"*"}"#.to_owned(),
            "/unit",
            "411502001099",
        ),
        (
            format!(
                r#"{{"command":"acknowledge_case","case":1,"at":"2026-01-05T08:00:00Z",{by}}}"#
            ),
            "/at",
            "at",
        ),
    ];
    let body = rows.each_ref().map(|(line, ..)| line.as_str()).join("\n");
    let request =
        world.request("POST", "/v1/commands").header("content-type", "application/x-ndjson");
    for (result, (line, pointer, part)) in request.body(body).send().lines().iter().zip(rows) {
        let error = &result["error"]["errors"][0];
        assert_eq!(error["pointer"], pointer, "{line}: {result}");
        assert!(error["detail"].as_str().unwrap().contains(part), "{line}: {result}");
    }
}

#[test]
fn what_an_address_names_is_told_in_the_detail() {
    let world = World::new();
    let close = format!(r#"{{"by":"{GRID}","answer":"好"}}"#);
    let narrow = world.admit(r#"{"name":"narrow","scopes":["read"],"within":["411502002000"]}"#);
    let rows = [
        (world.get("/v1/cases/99"), "99", "GET /v1/cases"),
        (world.post("/v1/cases/99/close", &close), "99", "GET /v1/cases"),
        (world.get("/v1/units/411502001099"), "411502001099", "GET /v1/units"),
        (world.get("/v1/units/411502001099/inbox"), "411502001099", "GET /v1/units"),
        (world.get("/v1/clients/nobody"), "nobody", "GET /v1/clients"),
        (world.post("/v1/clients/nobody/revoke", ""), "nobody", "GET /v1/clients"),
        (
            world.request("GET", "/v1/counts").token(&narrow).send(),
            "counts",
            "GET /v1/units/{code}/counts",
        ),
    ];
    for (answer, value, look) in rows {
        let told = answer.json();
        let detail = told["detail"].as_str().unwrap_or_else(|| panic!("no detail: {told}"));
        assert!(detail.contains(value) && detail.contains(look), "{told}");
    }
}

/// What is told of a state that has moved on is told in both languages.
#[test]
fn no_language_loses_a_value() {
    let world = World::new();
    world.report("PS-001");
    let by = format!(r#"{{"by":"{GRID}"}}"#);
    let close = format!(r#"{{"by":"{GRID}","answer":"好"}}"#);
    let rows: [(&str, &str, &str, &[&str]); 3] = [
        ("/v1/cases/1/acknowledge", "\"7\"", &by, &["1"]),
        ("/v1/cases/1/close", "*", &close, &["dispatched", "acknowledge", "escalate"]),
        ("/v1/units/411502001001/close", "\"1\"", "{}", &["version", "版"]),
    ];
    for (path, seen, body, values) in rows {
        let told = ["en", "zh"].map(|language| {
            let request = world.request("POST", path).header("accept-language", language);
            let told = request.header("if-match", seen).json(body).send().json();
            told["detail"].as_str().unwrap_or_else(|| panic!("no detail: {told}")).to_owned()
        });
        for value in values.iter().filter(|value| !["version", "版"].contains(value)) {
            assert!(told.iter().all(|detail| detail.contains(value)), "{value}: {told:?}");
        }
        let numbers = |text: &str| {
            let digits = |part: &&str| !part.is_empty();
            let parts = text.split(|letter: char| !letter.is_ascii_digit()).filter(digits);
            parts.map(str::to_owned).collect::<Vec<_>>()
        };
        assert_eq!(numbers(&told[0]), numbers(&told[1]), "{told:?}");
    }
}

/// Whoever moves a case, or settles one, says for which unit: each verb tells the field. A claimant may
/// be revealed to a client that acts for none.
#[test]
fn every_verb_of_a_case_asks_for_by() {
    let world = World::new();
    world.report("PS-001");
    let told = |path: &str, body: &Value| world.post(path, &body.to_string()).json();
    let document: Value = serde_json::from_str(&zhida::api::openapi()).unwrap();
    let paths = document["paths"].as_object().unwrap();
    let verbs: Vec<_> =
        paths.keys().filter_map(|path| path.strip_prefix("/v1/cases/{id}/")).collect();
    assert!(verbs.len() > 11, "{verbs:?}");
    let body = r#"{"to":"411502001001","reason":"好","measures":"好","answer":"好","note":"好",
        "fields":["name"],"purpose":"回访"}"#;
    let whole: Value = serde_json::from_str(body).unwrap();
    for verb in verbs.into_iter().filter(|verb| !["timeline", "targets", "reveal"].contains(verb)) {
        let operation = &document["paths"][format!("/v1/cases/{{id}}/{verb}")]["post"];
        let schema =
            operation["requestBody"]["content"]["application/json"]["schema"]["$ref"].as_str();
        let schema = document.pointer(schema.unwrap().trim_start_matches('#')).unwrap();
        let mut fields = whole.as_object().unwrap().clone();
        fields.retain(|field, _| schema["properties"].get(field).is_some());
        let path = format!("/v1/cases/1/{verb}");
        let told = told(&path, &Value::Object(fields));
        assert_eq!(told["errors"][0]["pointer"], "/by", "{verb}: {told}");
        assert_eq!(told["errors"].as_array().unwrap().len(), 1, "{verb}: {told}");
    }
    let mut settled: Value = serde_json::from_str(&report("PS-001", GRID)).unwrap();
    settled["settle"] = json!({ "answer": "好" });
    let told = told("/v1/cases", &settled);
    assert_eq!(told["errors"][0]["pointer"], "/by", "{told}");
}

#[test]
fn every_refusal_of_a_move_tells_the_moves_that_there_are() {
    let world = World::new();
    let case = world.report("PS-001");
    let shown = world.get(&format!("/v1/cases/{case}")).ok();
    let own = &shown["moves"];
    assert!(own.as_array().unwrap().contains(&json!("acknowledge")), "{own}");
    let with = |fields: &str| format!(r#"{{"by":"{GRID}"{fields}}}"#);
    let sent = |to: &str| with(&format!(r#","to":"{to}","reason":"好""#));
    let reasoned = with(r#","reason":"好""#);
    let stale = [
        ("acknowledge", with("")),
        ("escalate", reasoned.clone()),
        ("handle", with(r#","measures":"好""#)),
        ("close", with(r#","answer":"好""#)),
        ("hand_down", sent(VILLAGE)),
        ("transfer", sent(VILLAGE)),
        ("return", reasoned.clone()),
        ("decline", reasoned.clone()),
        ("reopen", reasoned.clone()),
        ("void", reasoned),
        ("note", with(r#","note":"好""#)),
    ];
    let mut wrong = Vec::new();
    let mut see = |what: String, told: &Value| {
        if told["moves"] != *own || told["case"] != case || told["case_status"] != "dispatched" {
            wrong.push(format!("{what}: {told}"));
        }
    };
    for (verb, body) in &stale {
        let request = world.request("POST", &format!("/v1/cases/{case}/{verb}"));
        let answer = request.header("if-match", "\"99\"").json(body).send();
        assert_eq!(answer.problem(), (412, String::from("version_stale")), "{verb}");
        see(format!("{verb}, stale"), &answer.json());
    }
    let unknown = "411502001099";
    for (to, code) in [(unknown, "to_not_found"), (GRID, "to_is_holder"), (VILLAGE, "to_unfit")] {
        let answer = world.post(&format!("/v1/cases/{case}/transfer"), &sent(to));
        assert_eq!(answer.problem().1, code);
        see(format!("transfer to {to}"), &answer.json());
        let line = format!(
            r#"{{"command":"transfer_case","case":{case},"by":"{GRID}","to":"{to}","reason":"好"}}"#
        );
        let request = world.request("POST", "/v1/commands");
        let results = request.header("content-type", "application/x-ndjson").body(line).send();
        see(format!("a line that sends to {to}"), &results.lines()[0]["error"]);
    }
    // Who may act for nobody there is told what the holder may do.
    let body = format!(r#"{{"by":"{unknown}"}}"#);
    let answer = world.post(&format!("/v1/cases/{case}/acknowledge"), &body);
    see(String::from("by nobody known"), &answer.json());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
