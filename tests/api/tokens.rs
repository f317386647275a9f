//! Tokens: their end, their successors, their quotas; and what is revealed to them.

use serde_json::{Value, json};
use zhida::domain::ids::Timestamp;
use zhida::engine::{Clock, ManualClock};

use crate::client::Answer;
use crate::world::{Choices, GRID, MONDAY, World, report};

const HOUR: i64 = 3_600_000;

fn at(world_clock: &ManualClock, hours: i64) {
    world_clock.set(Timestamp(MONDAY.0 + hours * HOUR));
}

fn world() -> (World, ManualClock) {
    let clock = ManualClock::starting(MONDAY);
    let choices = Choices { clock: Clock::Manual(clock.clone()), ..Choices::default() };
    (World::with(choices), clock)
}

/// What `/v1/events` says to a token: nothing, or the code.
fn asked(world: &World, token: &str) -> Option<String> {
    let answer = world.request("GET", "/v1/events").token(token).send();
    (answer.status != 200).then(|| answer.problem().1)
}

#[test]
fn a_rotated_token_lives_on_for_as_long_as_it_is_said() {
    let (world, clock) = world();
    let first = world.admit(r#"{"name":"app","scopes":["read"]}"#);
    let rotate = |body: &str| {
        let answer = world.post("/v1/clients/app/rotate", body).ok();
        answer["token"].as_str().unwrap().to_owned()
    };
    let second = rotate(r#"{"overlap_hours":2}"#);
    assert_eq!((asked(&world, &first), asked(&world, &second)), (None, None));
    let shown = world.get("/v1/clients/app").ok();
    assert_eq!(shown["old_token_ends_at"], "2026-01-05T10:00:00.000+08:00");
    at(&clock, 2);
    assert_eq!(asked(&world, &first).as_deref(), Some("token_expired"));
    // A day, where nobody says it; a third one ends at once.
    let third = rotate("{}");
    let fourth = rotate(r#"{"overlap_hours":0}"#);
    assert_eq!(asked(&world, &second).as_deref(), Some("token_unknown"));
    assert_eq!(asked(&world, &third).as_deref(), Some("token_expired"));
    assert_eq!(asked(&world, &fourth), None);
    let far = world.post("/v1/clients/app/rotate", r#"{"overlap_hours":169}"#);
    assert_eq!(far.problem(), (400, String::from("invalid_body")));
}

#[test]
fn a_client_is_changed_and_its_token_stays() {
    let (world, clock) = world();
    let token = world.admit(r#"{"name":"app","scopes":["intake"]}"#);
    assert_eq!(asked(&world, &token).as_deref(), Some("scope_missing"));
    let change = |body: &str| world.post("/v1/clients/app/change", body);
    change(r#"{"scopes":["read"],"within":["411502001000","411502002000"],"expires_at":"2026-01-05T09:00:00+08:00"}"#).ok();
    assert_eq!(asked(&world, &token), None);
    insta::assert_json_snapshot!("a_changed_client", world.get("/v1/clients/app").ok());
    at(&clock, 1);
    assert_eq!(asked(&world, &token).as_deref(), Some("token_expired"));
    let past = change(r#"{"scopes":["read"],"expires_at":"2026-01-05T09:00:00+08:00"}"#);
    assert_eq!(past.problem(), (422, String::from("expires_in_past")));
    let unknown = change(r#"{"scopes":["read"],"within":["411502001000","411502009000"]}"#);
    assert_eq!(unknown.problem(), (422, String::from("range_unknown")));
    assert_eq!(unknown.json()["unit"], "411502009000");
    let bad = change(r#"{"scopes":["read","dance"],"within":[],"quota_per_minute":0}"#);
    let pointers: Vec<_> =
        bad.json()["errors"].as_array().unwrap().iter().map(|one| one["pointer"].clone()).collect();
    assert_eq!(pointers, ["/scopes/1", "/within", "/quota_per_minute"]);
    let last = world.post("/v1/clients/administrator/change", r#"{"scopes":["read"]}"#);
    assert_eq!(last.problem(), (409, String::from("last_admin")));
}

#[test]
fn the_last_use_is_shown() {
    let (world, clock) = world();
    let token = world.admit(r#"{"name":"app","scopes":["read"]}"#);
    let last_used = || world.get("/v1/clients/app").ok()["last_used_at"].clone();
    assert_eq!(last_used(), Value::Null);
    at(&clock, 1);
    assert_eq!(asked(&world, &token), None);
    assert_eq!(last_used(), "2026-01-05T09:00:00.000+08:00");
}

fn limits(answer: &Answer) -> [Option<&str>; 3] {
    ["ratelimit-limit", "ratelimit-remaining", "ratelimit-reset"].map(|name| answer.header(name))
}

#[test]
fn a_quota_counts_commands_reads_and_lines() {
    let world = World::new();
    let scopes = r#""scopes":["intake","read"],"quota_per_minute":3"#;
    let token = world.admit(&format!(r#"{{"name":"app",{scopes}}}"#));
    let read = || world.request("GET", "/v1/matters").token(&token).send();
    let send =
        || world.request("POST", "/v1/cases").token(&token).json(&report("PS-001", GRID)).send();
    let first = read();
    assert_eq!((first.status, limits(&first)), (200, [Some("3"), Some("2"), Some("20")]));
    let second = send();
    assert_eq!((second.status, limits(&second)[1]), (201, Some("1")));
    // A refusal counts, and says how the quota stands, too.
    let third = world.request("GET", "/v1/units/999999999999").token(&token).send();
    assert_eq!((third.status, limits(&third)[1]), (404, Some("0")));
    for answer in [read(), send()] {
        assert_eq!(answer.problem(), (429, String::from("quota_exceeded")));
        assert_eq!(limits(&answer)[..2], [Some("3"), Some("0")]);
        let seconds: u32 = answer.header("retry-after").unwrap().parse().unwrap();
        assert!((1..=20).contains(&seconds), "{seconds}");
    }
    let body = r#"{"command":"report_case"}"#;
    let lines = world.request("POST", "/v1/commands").token(&token);
    let results = lines.header("content-type", "application/x-ndjson").body(body).send().lines();
    assert_eq!(results[0]["error"]["code"], "quota_exceeded", "{results:?}");
    // Others have their own, and whoever has none is told of none.
    assert_eq!(limits(&world.get("/v1/matters")), [None; 3]);
}

#[test]
fn a_claimant_is_revealed_once_and_the_case_says_so() {
    let world = World::new();
    let case = world.report("PS-001");
    let token = world.admit(r#"{"name":"app","scopes":["act","read"]}"#);
    let reveal = |case: u64, key: &str, body: &str| {
        let request = world.request("POST", &format!("/v1/cases/{case}/reveal")).token(&token);
        request.header("idempotency-key", key).json(body).send()
    };
    let body = r#"{"fields":["phone"],"purpose":"回访","ticket":"HF-17"}"#;
    let answer = reveal(case, "r-1", body);
    assert_eq!(answer.ok()["claimant"], json!({ "phone": "13812345678" }));
    assert_eq!((answer.header("etag"), answer.ok().get("status")), (Some("\"2\""), None));
    let again = reveal(case, "r-1", body);
    assert_eq!((again.header("zhida-repeat"), again.ok().get("claimant")), (Some("true"), None));
    assert_eq!(again.ok()["withheld"], "repeat", "each showing is an event of its own");
    assert_eq!(answer.ok().get("withheld"), None);
    // The case goes on masking.
    let shown = world.get(&format!("/v1/cases/{case}?include=text")).ok();
    assert_eq!(shown["claimant"]["phone"], "138****5678");
    let events = world.get(&format!("/v1/cases/{case}/timeline")).ok()["events"].clone();
    assert_eq!(
        (&events[1]["type"], &events[1]["by"]["client"]),
        (&json!("case.revealed"), &json!("app"))
    );
    let data = json!({ "fields": ["phone"], "purpose": "回访", "ticket": "HF-17" });
    assert_eq!(events[1]["data"], data);

    let secret = world.report("PS-003");
    let refused = reveal(secret, "r-2", body);
    assert_eq!(refused.problem(), (403, String::from("claimant_confidential")));
    let by_admin = world.post(&format!("/v1/cases/{secret}/reveal"), body);
    assert_eq!(by_admin.ok()["claimant"], json!({ "phone": "13812345678" }));
    let bad = reveal(case, "r-3", r#"{"fields":["fax"],"purpose":" "}"#);
    let pointers: Vec<_> =
        bad.json()["errors"].as_array().unwrap().iter().map(|one| one["pointer"].clone()).collect();
    assert_eq!(pointers, ["/fields/0", "/purpose"]);
}

#[test]
fn revealing_where_there_is_nothing_makes_no_event_and_says_so() {
    let world = World::new();
    let body = r#"{"fields":["phone"],"purpose":"回访"}"#;
    let reveal = |case: u64, body: &str| {
        let request = world.request("POST", &format!("/v1/cases/{case}/reveal"));
        request.header("idempotency-key", "r-1").json(body).send()
    };
    let unnamed = report("PS-001", GRID)
        .replace(r#","claimant":{"name":"王小明","phone":"13812345678"}"#, "");
    assert_eq!(world.post("/v1/cases", &unnamed).status, 201);
    let named = world.report("PS-001");
    let before = world.handle.view().published();
    let nothing = (409, String::from("nothing_to_reveal"));
    assert_eq!(reveal(1, body).problem(), nothing, "nobody is named");
    let address = body.replace("phone", "address");
    assert_eq!(reveal(named, &address).problem(), nothing, "no address is named");
    assert_eq!(world.handle.view().published(), before);
    // Of what is asked for, what there is; the key that was refused is good.
    let both = body.replace(r#""phone""#, r#""phone","address""#);
    assert_eq!(reveal(named, &both).ok()["claimant"], json!({ "phone": "13812345678" }));
    // What the key is remembered for is answered, whatever there is to show.
    assert_eq!(reveal(1, body).problem(), (422, String::from("key_reused")));
}

#[test]
fn whoever_is_not_known_learns_nothing_of_an_address() {
    let world = World::new();
    for (method, path) in [
        ("GET", "/v1/units/4115"),
        ("GET", "/v1/units/%ff/inbox"),
        ("GET", "/v1/units/411599000000/children?at=never"),
        ("POST", "/v1/units/4115/close"),
        ("GET", "/v1/cases/none"),
        ("POST", "/v1/cases/0/close"),
        ("POST", "/v1/imports/none/units"),
        ("GET", "/v1/units/export?format=xlsx"),
        ("GET", "/v1/nowhere"),
    ] {
        let unnamed = world.request(method, path).without_token().send();
        assert_eq!(unnamed.problem(), (401, String::from("token_missing")), "{method} {path}");
        let unknown = world.request(method, path).token("zhida_0").send();
        assert_eq!(unknown.problem(), (401, String::from("token_unknown")), "{method} {path}");
    }
}
