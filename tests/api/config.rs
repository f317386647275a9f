//! The configuration: proposed, looked at, applied, read again, and every way of being refused.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use zhida::api::ApiOptions;

use crate::client::Answer;
use crate::world::{Choices, GRID, MATTERS, World, catalogue, report};

const TOML: &str = "application/toml";

/// Code, home, on the spot, confidential.
type Row = (&'static str, &'static str, bool, bool);

/// One changed, one new, one that goes.
const NEXT: &[Row] = &[
    ("PS-001", "grid", true, false),
    ("PS-002", "township", false, false),
    ("PS-009", "grid", true, false),
];

fn validate(world: &World, toml: impl Into<Vec<u8>>) -> Answer {
    let request = world.request("POST", "/v1/config/validate");
    request.header("content-type", TOML).body(toml).send()
}

/// The version in force, as its entity tag.
fn version(world: &World) -> String {
    world.get("/v1/config").header("etag").unwrap().to_owned()
}

/// What a problem says without what names the request.
fn told(answer: &Answer) -> Value {
    let mut problem = answer.json();
    assert_eq!(answer.header("content-type"), Some("application/problem+json"), "{answer:?}");
    problem.as_object_mut().unwrap().remove("request_id");
    problem
}

fn end(world: &World, case: u64) {
    let by = format!(r#"{{"by":"{GRID}"}}"#);
    world.post(&format!("/v1/cases/{case}/acknowledge"), &by).ok();
    let close = format!(r#"{{"by":"{GRID}","answer":"好"}}"#);
    let measures = format!(r#"{{"by":"{GRID}","measures":"好"}}"#);
    world.post(&format!("/v1/cases/{case}/handle"), &measures).ok();
    world.post(&format!("/v1/cases/{case}/close"), &close).ok();
}

#[test]
fn a_catalogue_is_proposed_compared_applied_and_read_again() {
    let world = World::new();
    let seen = version(&world);
    let text = catalogue(NEXT);
    let validated = validate(&world, text.clone()).ok();
    let request = world.request("POST", "/v1/config/proposals?origin=autumn.toml");
    let proposed = request.header("content-type", TOML).body(text.clone()).send();
    assert_eq!(proposed.status, 201, "{proposed:?}");
    assert_eq!(proposed.header("location"), Some("/v1/config/proposals/3"));
    assert_eq!(proposed.json()["diff"], validated["diff"], "both compare with what is in force");
    let shown = world.get("/v1/config/proposals/3").ok();
    assert_eq!(shown["text"], text);
    insta::assert_json_snapshot!("a_proposal", proposed.json());
    assert_eq!(version(&world), seen, "nothing is in force before it is applied");
    world.report("PS-003");
    end(&world, 1);

    let applied = world.apply(&json!(3), &seen);
    assert_eq!(applied.ok(), json!({ "seq": applied.ok()["seq"], "import": 3 }));
    let etag = format!("\"{}\"", applied.ok()["seq"]);
    assert_eq!(applied.header("etag"), Some(&*etag));
    let config = world.get("/v1/config");
    assert_eq!(config.header("etag"), Some(&*etag));
    let mut config = config.ok();
    assert_eq!(config["text"].take(), text);
    insta::assert_json_snapshot!("in_force", config);

    let retired = world.post("/v1/cases", &report("PS-003", GRID));
    assert_eq!(retired.problem(), (422, String::from("matter_retired")));
    assert_eq!(world.get("/v1/cases/1").ok()["matter"], "PS-003", "old cases keep theirs");
    let matters = world.get("/v1/matters").ok();
    let of =
        |place: usize| (&matters["matters"][place]["code"], &matters["matters"][place]["retired"]);
    assert_eq!(of(2), (&json!("PS-003"), &json!(true)));
    assert_eq!(of(3), (&json!("PS-009"), &json!(false)));

    // What comes back is the matter that it was.
    let again = validate(&world, catalogue(MATTERS)).ok();
    assert_eq!(
        again["diff"]["added"][0],
        json!({"code": "PS-003", "name": "事项", "revived": true})
    );
    world.put_into_force(&catalogue(MATTERS));
    world.report("PS-003");
}

#[test]
fn the_history_tells_who_applied_what_page_by_page() {
    let world = World::new();
    world.put_into_force(&catalogue(NEXT));
    world.put_into_force(&catalogue(MATTERS));
    insta::assert_json_snapshot!("history", world.get("/v1/config/history").ok());
    let first = world.get("/v1/config/history?limit=2");
    let link = first.header("link").unwrap().to_owned();
    let next = link.strip_prefix('<').and_then(|link| link.split_once('>')).unwrap().0;
    let second = world.get(next);
    let seqs = |answer: &Answer| -> Vec<u64> {
        let versions = answer.ok()["versions"].as_array().unwrap().clone();
        versions.iter().map(|version| version["seq"].as_u64().unwrap()).collect()
    };
    let pages = [seqs(&first), seqs(&second)].concat();
    assert_eq!(pages, seqs(&world.get("/v1/config/history")));
    assert_eq!((second.header("link"), second.ok().get("next_before")), (None, None));

    let empty = World::empty(Choices::default());
    assert_eq!(empty.get("/v1/config/history").ok(), json!({ "versions": [] }));
    let none = empty.get("/v1/config");
    assert_eq!(none.ok(), json!({ "seq": 0, "matters": 0, "retired": 0 }));
    assert_eq!(none.header("etag"), Some("\"0\""));
}

#[test]
fn a_text_that_is_wrong_is_told_every_fault_at_once_and_nothing_is_staged() {
    let world = World::new();
    let good = catalogue(MATTERS);
    let rows: [(&str, Vec<u8>); 8] = [
        ("no toml", b"[[matter]]\ncode = \"PS-001\nname = \xe4\xba\x8b\n".to_vec()),
        (
            "several faults",
            good.replacen("\"grid\"", "\"county\"", 1)
                .replacen("on_the_spot = true", "on_the_spot = 1", 1)
                .replace("code = \"PS-002\"", "code = \"PS 002\"")
                .into(),
        ),
        ("unknown fields", good.replace("class", "clas").into()),
        ("an unknown table", format!("{good}[calendar]\n").into()),
        ("a code twice", format!("{good}{good}").into()),
        ("nothing", Vec::new()),
        ("a limit in working days", good.replace("calendar_hours", "working_days").into()),
        ("bad utf-8", b"[[matter]]\nname = \"\xff\"\nclas = 1\n".to_vec()),
    ];
    let mut problems = BTreeMap::new();
    for (name, text) in rows {
        let validated = validate(&world, text.clone());
        let request = world.request("POST", "/v1/config/proposals");
        let proposed = request.header("content-type", TOML).body(text).send();
        assert_eq!(told(&validated), told(&proposed), "{name}");
        problems.insert(name, told(&validated));
    }
    insta::assert_json_snapshot!("bad_catalogues", problems);
    assert_eq!(world.get("/v1/imports/3").problem().0, 404, "nothing was begun");
}

#[test]
fn a_bad_request_for_the_configuration_is_told_what_is_wrong_with_it() {
    let options = ApiOptions { bulk_body_bytes_max: 20_000, ..ApiOptions::default() };
    let world = World::with(Choices { api: options, ..Choices::default() });
    let begun = world.post("/v1/imports", r#"{"origin":"units"}"#).ok();
    assert_eq!(begun["import"], 3);
    let gone = world.propose(&catalogue(NEXT)).json()["proposal"].clone();
    world.post(&format!("/v1/imports/{gone}/abandon"), "").ok();
    let good = catalogue(NEXT);
    let proposal = world.propose(&good).json()["proposal"].clone();
    let propose = || world.request("POST", "/v1/config/proposals").header("content-type", TOML);
    let get = |path: &str| world.request("GET", path);
    let post = |path: &str| world.request("POST", path);
    let apply = |id: &Value| post(&format!("/v1/config/proposals/{id}/apply"));
    let long = "号".repeat(41);
    let rows = [
        ("wrong content type", post("/v1/config/proposals").json("{}")),
        ("oversize", propose().body(good.repeat(30))),
        ("an origin too long", post(&format!("/v1/config/validate?origin={long}")).body("")),
        ("an origin that is a formula", post("/v1/config/validate?origin=%3D1%2B1").body("")),
        ("an unknown parameter", post("/v1/config/validate?dry=1").body("")),
        ("a key too long", propose().header("idempotency-key", &"k".repeat(64)).body(good)),
        ("a proposal that never was", get("/v1/config/proposals/99")),
        ("a proposal that is no number", get("/v1/config/proposals/x")),
        ("a proposal that was abandoned", get(&format!("/v1/config/proposals/{gone}"))),
        ("an import of units", get("/v1/config/proposals/3")),
        ("apply an import of units", apply(&json!(3)).header("if-match", "*")),
        ("apply what was abandoned", apply(&gone).header("if-match", "*")),
        ("if-match missing", apply(&proposal)),
        ("if-match that is none", apply(&proposal).header("if-match", "W/\"soon\"")),
        ("if-match stale", apply(&proposal).header("if-match", "\"1\"")),
        ("a page too long", get("/v1/config/history?limit=101")),
        (
            "units into a proposal",
            post(&format!("/v1/imports/{proposal}/units"))
                .header("content-type", "application/x-ndjson")
                .body(r#"{"code":"411500000000","kind":"division","name":"信阳市"}"#),
        ),
        (
            "more text into a proposal",
            post(&format!("/v1/imports/{proposal}/text")).header("content-type", TOML).body("#"),
        ),
    ];
    let problems: BTreeMap<_, _> =
        rows.into_iter().map(|(name, request)| (name, told(&request.send()))).collect();
    insta::assert_json_snapshot!("bad_config_requests", problems);
}

#[test]
fn a_proposal_is_applied_once_and_the_same_key_gets_the_same_answer() {
    let world = World::new();
    let send = || {
        let request = world.request("POST", "/v1/config/proposals").header("idempotency-key", "p");
        request.header("content-type", TOML).body(catalogue(NEXT)).send()
    };
    let proposed = send();
    assert_eq!(send().json(), proposed.json(), "it is staged once");
    let apply = || {
        let request = world.request("POST", "/v1/config/proposals/3/apply").header("if-match", "*");
        request.header("idempotency-key", "a").send()
    };
    let applied = apply();
    let again = apply();
    assert_eq!((again.ok(), again.header("zhida-repeat")), (applied.ok(), Some("true")));
    assert_eq!(again.header("etag"), applied.header("etag"));
    let gone = world.apply(&json!(3), "*");
    assert_eq!(gone.problem(), (404, String::from("import_not_found")));
    assert_eq!(gone.json()["detail"], "it is not open any more");
    assert_eq!(world.get("/v1/config/proposals/3").problem().0, 404);
    let still = send();
    assert_eq!((still.status, &still.json()["proposal"]), (201, &json!(3)), "and is remembered");
}

#[test]
fn a_catalogue_that_drops_a_matter_with_open_cases_is_refused_with_every_such_matter() {
    let world = World::new();
    let (first, second) = (world.report("PS-001"), world.report("PS-001"));
    world.report("PS-002");
    let kept: &[Row] = &[("PS-003", "grid", false, true)];
    let proposed = world.propose(&catalogue(kept)).json();
    let retired: Vec<_> = proposed["diff"]["retired"].as_array().unwrap().clone();
    let open: Vec<_> = retired.iter().map(|one| (&one["code"], &one["open_cases"])).collect();
    assert_eq!(open, [(&json!("PS-001"), &json!(2)), (&json!("PS-002"), &json!(1))]);
    let seen = version(&world);
    let refused = world.apply(&proposed["proposal"], &seen);
    assert_eq!(refused.status, 409);
    insta::assert_json_snapshot!("open_cases", told(&refused));
    assert_eq!(version(&world), seen);

    // The proposal stands: it is applied once the cases have ended.
    end(&world, first);
    end(&world, second);
    let left = world.apply(&proposed["proposal"], &seen);
    assert_eq!(
        left.json()["matters"],
        json!([{"code": "PS-002", "name": "事项", "open_cases": 1}])
    );
    let with_it = catalogue(&[kept, &[("PS-002", "village", false, false)]].concat());
    world.put_into_force(&with_it);
    let stale = world.apply(&proposed["proposal"], &seen);
    assert_eq!(stale.problem(), (412, String::from("config_stale")));
    assert_eq!(format!("\"{}\"", stale.json()["config_seq"]), version(&world));
}

#[test]
fn as_many_proposals_as_may_be_open_stand_beside_each_other() {
    let world = World::new();
    for _ in 0..8 {
        assert_eq!(world.propose(&catalogue(NEXT)).status, 201);
    }
    let full = world.propose(&catalogue(NEXT));
    assert_eq!(full.problem(), (409, String::from("imports_full")));
    let detail = full.json()["detail"].as_str().unwrap().to_owned();
    assert!(detail.starts_with("open are 3, 4, 5, 6, 7, 8, 9, 10; POST"), "{detail}");
    world.post("/v1/imports/5/abandon", "").ok();
    assert_eq!(world.propose(&catalogue(NEXT)).status, 201);
}

#[test]
fn what_is_open_is_listed_with_who_when_and_how_much_it_changes() {
    let world = World::new();
    assert_eq!(world.get("/v1/config/proposals").ok()["proposals"], json!([]));
    assert_eq!(world.get("/v1/imports").ok()["imports"], json!([]));
    let request = world.request("POST", "/v1/config/proposals?origin=autumn.toml");
    let proposed = request.header("content-type", TOML).body(catalogue(NEXT)).send();
    assert_eq!(proposed.status, 201, "{proposed:?}");
    let begun = world.post("/v1/imports", r#"{"origin":"units.csv"}"#).ok();

    let listed = world.get("/v1/config/proposals").ok();
    assert_eq!(format!("\"{}\"", listed["config_seq"]), version(&world));
    let at = "2026-01-05T08:00:00.000+08:00";
    let row = json!({
        "proposal": 3,
        "last_seq": proposed.json()["last_seq"],
        "at": at,
        "by": { "client": "administrator" },
        "origin": "autumn.toml",
        "matters": 3,
        "complete": true,
        "added": 1,
        "changed": 1,
        "retired": 1,
    });
    assert_eq!(listed["proposals"], json!([row]));
    let imports = world.get("/v1/imports").ok()["imports"].clone();
    let kinds: Vec<_> = imports.as_array().unwrap().iter().map(|one| &one["kind"]).collect();
    assert_eq!(kinds, ["catalogue", "units"]);
    assert_eq!((&imports[0]["at"], &imports[0]["origin"]), (&json!(at), &json!("autumn.toml")));
    let one = world.get(&format!("/v1/imports/{}", begun["import"])).ok();
    assert_eq!((&one, &one["origin"]), (&imports[1], &json!("units.csv")));

    world.apply(&proposed.json()["proposal"], "*").ok();
    assert_eq!(world.get("/v1/config/proposals").ok()["proposals"], json!([]));
    assert_eq!(world.get("/v1/imports").ok()["imports"], json!([one]));
}
