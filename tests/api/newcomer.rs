//! What whoever builds on the API stumbles over first: that keys, versions, filters and refusals mean
//! what they seem to.

use serde_json::Value;

use crate::world::{ELSEWHERE, GRID, ROOM, VILLAGE, World, report};

const COUNTY: &str = "411502000000";

fn by(unit: &str) -> String {
    format!(r#"{{"by":"{unit}"}}"#)
}

/// A report at the grid that is settled on the spot by that unit.
fn settled(by: &str) -> String {
    let mut body: Value = serde_json::from_str(&report("PS-001", GRID)).expect("JSON");
    body["by"] = by.into();
    body["settle"] = serde_json::json!({ "answer": "好" });
    body.to_string()
}

#[test]
fn an_administrator_is_bound_to_no_places_and_only_divisions_and_grids_are_places() {
    let world = World::new();
    let admit = |name: &str, rest: &str| {
        world.post("/v1/clients", &format!(r#"{{"name":"{name}",{rest}}}"#)).problem()
    };
    let within = format!(r#""scopes":["admin"],"within":["{COUNTY}"]"#);
    assert_eq!(admit("county", &within), (422, "admin_within".into()));
    world.admit(r#"{"name":"county","scopes":["read"]}"#);
    let changed = world.post("/v1/clients/county/change", &format!("{{{within}}}"));
    assert_eq!(changed.problem(), (422, "admin_within".into()));
    let room = format!(r#""scopes":["read"],"within":["{ROOM}"]"#);
    assert_eq!(admit("room", &room), (422, "range_unknown".into()));
}

#[test]
fn the_same_request_comes_again_with_a_newer_version() {
    let world = World::new();
    let case = world.report("PS-001");
    let note = |case: u64, version: Option<&str>| {
        let path = format!("/v1/cases/{case}/note");
        let request = world.request("POST", &path).header("idempotency-key", "n-1");
        let request = match version {
            Some(version) => request.header("if-match", version),
            None => request,
        };
        request.json(&format!(r#"{{"by":"{GRID}","note":"好"}}"#)).send()
    };
    let first = note(case, Some("\"1\"")).ok();
    for version in [Some("\"1\""), Some("\"2\""), None] {
        let again = note(case, version);
        assert_eq!(again.header("zhida-repeat"), Some("true"), "{version:?}");
        assert_eq!(again.ok(), first);
    }
    let other = world.report("PS-001");
    let elsewhere = note(other, None);
    assert_eq!(elsewhere.problem(), (422, "key_reused".into()));
    let detail = elsewhere.json()["detail"].as_str().unwrap_or_default().to_owned();
    assert!(detail.contains("address") && detail.contains("/v1/outcomes/"), "{detail}");
}

#[test]
fn a_case_tells_what_any_unit_may_do() {
    let world = World::new();
    let case = world.report("PS-001");
    let moves = |by: &str| world.get(&format!("/v1/cases/{case}?by={by}")).ok()["moves"].clone();
    assert_eq!(moves(ROOM), serde_json::json!(["void", "note"]));
    assert_eq!(moves(ELSEWHERE), serde_json::json!([]));
    assert_eq!(moves(GRID), world.get(&format!("/v1/cases/{case}")).ok()["moves"]);
    let unknown = world.get(&format!("/v1/cases/{case}?by=411502009000"));
    assert_eq!(unknown.problem(), (404, "unit_unknown".into()));
    let malformed = world.get(&format!("/v1/cases/{case}?by=x"));
    assert_eq!(malformed.problem(), (400, "invalid_query".into()));
}

#[test]
fn whoever_is_closed_may_do_nothing_and_is_told_so() {
    let world = World::new();
    let case = world.report("PS-002");
    let close = world.request("POST", &format!("/v1/units/{GRID}/close")).header("if-match", "*");
    close.json("{}").send().ok();
    let refused = world.post(&format!("/v1/cases/{case}/acknowledge"), &by(GRID));
    assert_eq!(refused.problem(), (409, "unit_closed".into()));
    assert_eq!(refused.json()["moves"], serde_json::json!([]));
    let asked = world.get(&format!("/v1/cases/{case}?by={GRID}")).ok();
    assert_eq!(asked["moves"], serde_json::json!([]));
}

#[test]
fn filters_that_nothing_passes_are_refused_and_what_was_settled_is_found() {
    let world = World::new();
    let case = world.post("/v1/cases", &settled(GRID)).ok()["case"].clone();
    let found = world.get("/v1/cases?flag=on_the_spot").ok()["cases"].clone();
    assert_eq!(found[0]["case"], case);
    for query in ["kind=grid&level=county", "code=41150200100x", "code=411502-B", "code="] {
        let refused = world.get(&format!("/v1/units?{query}"));
        assert_eq!(refused.problem(), (400, "invalid_query".into()), "{query}");
    }
    for query in ["code=4115", "code=411502001000-", "code=411502001000-R", "level=grid&kind=grid"]
    {
        let units = world.get(&format!("/v1/units?{query}")).ok()["units"].clone();
        assert!(!units.as_array().expect("a list").is_empty(), "{query}");
    }
}

#[test]
fn a_refusal_names_what_would_have_done() {
    let world = World::new();
    let refused = world.post("/v1/cases", &settled(VILLAGE));
    assert_eq!(refused.problem(), (403, "settler_not_the_holder".into()));
    assert_eq!(refused.json()["unit"], GRID);
    let now = world.get("/healthz").ok()["now"].clone();
    let mut early: Value = serde_json::from_str(&report("PS-001", GRID)).expect("JSON");
    early["occurred_at"] = "2999-01-01T00:00:00+08:00".into();
    let refused = world.post("/v1/cases", &early.to_string());
    assert_eq!(refused.problem(), (422, "occurred_in_future".into()));
    assert_eq!(
        refused.json()["now"].as_str().map(|now| &now[..16]),
        now.as_str().map(|now| &now[..16])
    );
    // A list is JSON all right, and no object.
    for body in ["[]", "\"x\"", "{\"matter\":\"泄露的内容\""] {
        let refused = world.post("/v1/cases", body);
        assert_eq!(refused.problem(), (400, "malformed_json".into()));
        assert!(!refused.text().contains("泄露"), "{}", refused.text());
        assert!(refused.text().contains("object"), "{}", refused.text());
    }
}

#[test]
fn a_number_that_another_place_has_names_no_case_there() {
    let world = World::new();
    let numbered = |place: &str| {
        let mut body: Value = serde_json::from_str(&report("PS-001", place)).expect("JSON");
        body["source"] = "hotline".into();
        body["source_number"] = "A-1".into();
        body.to_string()
    };
    let case = world.post("/v1/cases", &numbered(ELSEWHERE)).ok()["case"].clone();
    let again = world.post("/v1/cases", &numbered(GRID));
    assert_eq!(again.problem(), (409, "source_number_taken".into()));
    assert_eq!(again.json()["case"], case);
    let app = world.admit(r#"{"name":"app","scopes":["intake"],"within":["411502001000"]}"#);
    let bound = world.request("POST", "/v1/cases").token(&app).json(&numbered(GRID)).send();
    assert_eq!(bound.problem(), (409, "source_number_taken".into()));
    assert!(bound.json()["case"].is_null() && !bound.text().contains("has it"), "{}", bound.text());
}

#[test]
fn the_document_names_the_scope_and_puts_first_things_first() {
    let world = World::new();
    let answer = world.request("GET", "/openapi.json").without_token().send();
    let document = answer.json();
    let close = &document["paths"]["/v1/cases/{id}/close"]["post"];
    assert_eq!(close["security"], serde_json::json!([{ "token": ["act"] }]));
    assert!(close["description"].as_str().is_some_and(|told| told.ends_with("scope `act`.")));
    let at = |path: &str| answer.text().find(&format!("\"{path}\":{{\"")).expect("a path");
    assert!(at("/v1/cases/{id}/acknowledge") < at("/v1/cases/{id}/close"));
}
