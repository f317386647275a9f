//! Lists of cases over HTTP: every filter, every order, every page, every way to ask wrongly.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use zhida::domain::ids::Timestamp;
use zhida::engine::{Clock, ManualClock};

use crate::client::Answer;
use crate::world::{
    Choices, ELSEWHERE, GRID, MATTERS, MONDAY, ROOM, VILLAGE, World, catalogue, report,
};

const COUNTY: &str = "411502000000";
const CITY: &str = "411500000000";
const TOWNSHIP: &str = "411502001000";
const HOUR: i64 = 3_600_000;

/// The small city on a clock in the test's hand, with an emergency in its catalogue.
struct Desk {
    world: World,
    clock: ManualClock,
}

impl Desk {
    fn new() -> Self {
        let clock = ManualClock::starting(MONDAY);
        let world =
            World::with(Choices { clock: Clock::Manual(clock.clone()), ..Choices::default() });
        let emergency = r#"
[[matter]]
code = "EM-001"
name = "坍塌"
class = "类"
module = "construction"
home = "village"
severity = "emergency"
node_limit = { calendar_hours = 1 }
total_limit = { calendar_hours = 2 }
on_the_spot = false
public = true
confidential = false
from_occurrence = false
"#;
        world.put_into_force(&[&catalogue(MATTERS), emergency].concat());
        Self { world, clock }
    }

    /// Eight cases:
    ///
    /// 1 closed by the grid · 2 at the village, signed for · 3 at the grid, yellow · 4 an emergency at
    /// the village · 5 escalated to the village · 6 settled on the spot · 7 elsewhere, of the hotline
    /// with a number · 8 an hour later, at the grid
    fn busy() -> Self {
        let desk = Self::new();
        let world = &desk.world;
        let reported: Vec<u64> = ["PS-001", "PS-002", "PS-001", "EM-001", "PS-001"]
            .iter()
            .map(|matter| world.report(matter))
            .collect();
        assert_eq!(reported, [1, 2, 3, 4, 5]);
        act(world, 1, "acknowledge", GRID, "");
        act(world, 1, "handle", GRID, r#","measures":"修""#);
        act(world, 1, "close", GRID, r#","answer":"好""#);
        act(world, 2, "acknowledge", VILLAGE, "");
        act(world, 5, "escalate", GRID, r#","reason":"大""#);
        let settled = report("PS-001", GRID)
            .replace("\"text\"", &format!(r#""by":"{GRID}","settle":{{"answer":"好"}},"text""#));
        assert_eq!(world.post("/v1/cases", &settled).status, 201);
        let hotline = report("PS-001", ELSEWHERE)
            .replace("\"patrol\"", r#""hotline","source_number":"12345-7""#);
        assert_eq!(world.post("/v1/cases", &hotline).status, 201);
        desk.at(MONDAY.plus_ms(9 * HOUR));
        assert_eq!(world.report("PS-001"), 8);
        desk
    }

    /// Moves the clock and waits until what is due by then has fired.
    fn at(&self, at: Timestamp) {
        self.clock.set(at);
        self.world.handle.nudge();
        // A command is decided behind the timers of its turn.
        self.world
            .post("/v1/clients", &format!(r#"{{"name":"at {}","scopes":["read"]}}"#, at.0))
            .ok();
    }

    fn list(&self, query: &str) -> Vec<u64> {
        numbers(&self.world.get(&format!("/v1/cases?{query}")).ok())
    }
}

fn act(world: &World, case: u64, verb: &str, by: &str, rest: &str) {
    world.post(&format!("/v1/cases/{case}/{verb}"), &format!(r#"{{"by":"{by}"{rest}}}"#)).ok();
}

fn numbers(body: &Value) -> Vec<u64> {
    body["cases"].as_array().unwrap().iter().map(|row| row["case"].as_u64().unwrap()).collect()
}

/// The address that `Link` names.
fn next(answer: &Answer) -> Option<String> {
    let link = answer.header("link")?;
    Some(link.strip_prefix('<').unwrap().strip_suffix(">; rel=\"next\"").unwrap().to_owned())
}

/// Follows `Link` from there to the end.
fn follow(world: &World, first: &str) -> Vec<u64> {
    let mut address = Some(first.to_owned());
    let mut found = Vec::new();
    while let Some(here) = address {
        let page = world.get(&here);
        found.extend(numbers(&page.ok()));
        address = next(&page);
    }
    found
}

#[test]
fn each_filter_lets_pass_what_it_says() {
    let desk = Desk::busy();
    let rows: &[(&str, &[u64])] = &[
        ("", &[4, 2, 3, 5, 7, 8]),
        ("sort=time", &[2, 3, 4, 5, 7, 8]),
        ("sort=-time", &[8, 7, 5, 4, 3, 2]),
        ("sort=due", &[4, 2, 3, 5, 7, 8]),
        ("unit=411502001000&sort=time", &[2, 3, 4, 5, 8]),
        ("unit=411502001000-R01&sort=time", &[2, 3, 4, 5, 8]),
        ("unit=411502001001001&sort=time", &[3, 8]),
        ("unit=411502000000&holder=411502001001&sort=time", &[2, 4, 5]),
        ("holder=411502001001001&sort=time", &[3, 8]),
        ("status=acknowledged", &[2]),
        ("status=dispatched,acknowledged&sort=time", &[2, 3, 4, 5, 7, 8]),
        ("status=closed", &[6, 1]),
        ("status=closed&sort=time", &[1, 6]),
        ("status=closed&unit=411502001001", &[6, 1]),
        ("status=closed&unit=411502002000", &[]),
        ("status=closed,dispatched", &[8, 7, 6, 5, 4, 3, 1]),
        ("matter=PS-002", &[2]),
        ("matter=PS-002,EM-001&sort=time", &[2, 4]),
        ("module=construction", &[4]),
        ("module=construction,public_safety&matter=PS-002", &[2]),
        ("module=economy", &[]),
        ("light=red", &[4]),
        ("light=yellow&sort=time", &[2, 3, 5, 7]),
        ("light=green,red&sort=time", &[4, 8]),
        ("severity=emergency", &[4]),
        ("severity=normal,urgent&sort=time", &[2, 3, 5, 7, 8]),
        ("source=hotline", &[7]),
        ("flag=escalated", &[5]),
        ("flag=on_the_spot&status=closed", &[6]),
        ("flag=escalated,on_the_spot", &[]),
        ("flag=fallback", &[]),
        ("flag=reopened", &[]),
        ("reported_from=2026-01-05T09:00:00%2B08:00", &[8]),
        ("reported_from=2026-01-05T09:00:00+08:00", &[8]),
        ("reported_to=2026-01-05T09:00:00%2B08:00&sort=time", &[2, 3, 4, 5, 7]),
        ("closed_from=2026-01-05T08:00:00%2B08:00", &[6, 1]),
        ("closed_to=2026-01-05T08:00:00%2B08:00", &[]),
        ("closed_from=2026-01-05T08:00:00%2B08:00&status=closed,dispatched", &[6, 1]),
        ("changed_from=2026-01-05T09:00:00%2B08:00&sort=time", &[2, 3, 4, 5, 7, 8]),
        ("changed_to=2026-01-05T09:00:00%2B08:00&status=closed", &[6, 1]),
        ("ref=hotline:12345-7", &[7]),
        ("ref=patrol:12345-7", &[]),
        ("ids=7,1,3", &[7, 1, 3]),
        ("limit=2", &[4, 2]),
    ];
    for (query, expected) in rows {
        assert_eq!(desk.list(query), *expected, "{query}");
    }
}

#[test]
fn what_was_declined_or_opened_again_is_found_as_such() {
    let desk = Desk::busy();
    act(&desk.world, 3, "decline", GRID, r#","reason":"不属实""#);
    act(&desk.world, 1, "reopen", GRID, r#","reason":"又坏""#);
    assert_eq!(desk.list("status=declined"), [3]);
    assert_eq!(desk.list("status=declined,closed&sort=time"), [3, 6]);
    assert_eq!(desk.list("closed_from=2026-01-05T09:00:00%2B08:00"), [3]);
    assert_eq!(desk.list("flag=reopened"), [1]);
    assert_eq!(desk.list("flag=reopened&status=closed"), [0; 0]);
    assert_eq!(desk.list(&format!("holder={GRID}&sort=time")), [1, 8]);
    let counts = desk.world.get(&format!("/v1/units/{GRID}/counts")).ok();
    assert_eq!((&counts["open"], &counts["units"]), (&json!(2), &json!([])));
}

#[test]
fn a_list_is_told_whole() {
    let desk = Desk::busy();
    let rows = [
        ("a_page", String::from("/v1/cases?limit=2&sort=time")),
        ("by_number", String::from("/v1/cases?ids=7,99,6&include=text")),
        ("ended", String::from("/v1/cases?status=closed&limit=1&include=text")),
        ("queue", format!("/v1/units/{VILLAGE}/queue?limit=1")),
        ("watch", format!("/v1/units/{COUNTY}/watch")),
        ("counts", format!("/v1/units/{TOWNSHIP}/counts")),
    ];
    let newest = desk.world.handle.view().published().0;
    for (name, path) in rows {
        let mut body = desk.world.get(&path).ok();
        assert_eq!(body["as_of_seq"], newest);
        body["as_of_seq"] = json!("[seq]");
        if let Some(cursor) = body.get_mut("next_cursor") {
            *cursor = json!("[cursor]");
        }
        for case in body.get_mut("cases").and_then(Value::as_array_mut).into_iter().flatten() {
            let texts = case.get_mut("texts").and_then(Value::as_array_mut);
            texts.into_iter().flatten().for_each(|text| text["seq"] = json!("[seq]"));
        }
        insta::assert_json_snapshot!(name, body);
    }
}

#[test]
fn every_list_is_paged_to_its_end_by_its_links() {
    let desk = Desk::busy();
    let addresses = [
        "/v1/cases?",
        "/v1/cases?sort=due&",
        "/v1/cases?sort=time&",
        "/v1/cases?sort=-time&status=closed,acknowledged&",
        "/v1/cases?sort=urgency&status=closed,dispatched&include=text&",
        "/v1/units/411502001001/queue?",
        "/v1/units/411502001001/queue?sort=-time&",
        "/v1/units/411500000000/watch?",
    ];
    for address in addresses {
        let whole = desk.world.get(&format!("{address}limit=20"));
        assert_eq!(next(&whole), None);
        let whole = numbers(&whole.ok());
        assert!(!whole.is_empty());
        for limit in 1..4 {
            let found = follow(&desk.world, &format!("{address}limit={limit}"));
            assert_eq!(found, whole, "{address} {limit}");
        }
    }
}

#[test]
fn bad_queries_are_told_what_to_change() {
    let desk = Desk::busy();
    let first = desk.world.get("/v1/cases?sort=time&limit=1").ok();
    let cursor = first["next_cursor"].as_str().unwrap();
    let ids = vec!["1"; 201].join(",");
    let rows = [
        ("unknown parameter", String::from("colour=red")),
        ("unknown status", String::from("status=dispatched,lost")),
        ("unknown sort", String::from("sort=size")),
        ("bad unit", String::from("unit=4115")),
        ("unknown unit", String::from("unit=411599000000")),
        ("unknown matter", String::from("matter=XX-001")),
        ("matter of another module", String::from("matter=PS-001&module=construction")),
        ("holder outside unit", format!("unit=411502002000&holder={GRID}")),
        ("holder of ended cases", format!("holder={GRID}&status=closed")),
        ("no moment", String::from("reported_from=yesterday")),
        ("a moment without its colon", String::from("reported_from=2026-01-05T08:00:00%2B0800")),
        ("a moment out of range", String::from("reported_to=9999-12-31T08:00:00Z")),
        (
            "from behind to",
            String::from("reported_from=2026-01-05T08:00:00Z&reported_to=2026-01-05T07:00:00Z"),
        ),
        (
            "an end of open cases",
            String::from("closed_from=2026-01-05T08:00:00Z&status=dispatched"),
        ),
        (
            "ended before reported",
            String::from("reported_from=2026-01-05T08:00:00Z&closed_to=2026-01-05T08:00:00Z"),
        ),
        ("ids with a filter", String::from("ids=1&status=closed")),
        ("ids with a limit", String::from("ids=1&limit=5")),
        ("too many ids", format!("ids={ids}")),
        ("too many ids with texts", format!("ids={}&include=text", &ids[..41])),
        ("ids that are none", String::from("ids=1,x")),
        ("ref without a number", String::from("ref=hotline")),
        ("ref of no source", String::from("ref=moon:1")),
        ("ref with a sort", String::from("ref=hotline:1&sort=time")),
        ("no page", String::from("limit=0")),
        ("too long a page", String::from("limit=1001")),
        ("too long a page with texts", String::from("limit=21&include=text")),
        ("garbage for a cursor", String::from("cursor=AAAA")),
        ("a cursor of another order", format!("sort=-time&cursor={cursor}")),
        ("a cursor of another filter", format!("sort=time&unit={GRID}&cursor={cursor}")),
    ];
    let problems: BTreeMap<_, _> = rows
        .iter()
        .map(|(name, query)| {
            let answer = desk.world.get(&format!("/v1/cases?{query}"));
            let (status, code) = answer.problem();
            let detail = answer.json()["detail"].clone();
            (*name, json!({ "status": status, "code": code, "detail": detail }))
        })
        .collect();
    insta::assert_json_snapshot!("bad_queries", problems);
    let of_unit = |rest: &str| desk.world.get(&format!("/v1/units/{VILLAGE}/{rest}")).problem();
    assert_eq!(of_unit("queue?status=closed"), (400, String::from("invalid_query")));
    assert_eq!(of_unit(&format!("watch?sort=time&cursor={cursor}")).1, "cursor_mismatch");
}

#[test]
fn a_cursor_lives_for_a_day() {
    let desk = Desk::busy();
    let first = desk.world.get("/v1/cases?sort=time&limit=1");
    let link = next(&first).unwrap();
    desk.at(MONDAY.plus_ms(33 * HOUR));
    assert_eq!(desk.world.get(&link).status, 200);
    // Going on does not make it younger.
    let second = next(&desk.world.get(&link)).unwrap();
    desk.at(MONDAY.plus_ms(33 * HOUR + 1));
    for link in [link, second] {
        assert_eq!(desk.world.get(&link).problem(), (410, String::from("cursor_expired")));
    }
}

#[test]
fn a_case_that_moves_between_pages_shows_once() {
    let desk = Desk::busy();
    let rest_of = |page: &Answer| {
        let rest = next(page).unwrap().replace("limit=1", "limit=10");
        desk.world.get(&rest).ok()
    };
    let first = desk.world.get("/v1/cases?sort=due&limit=1");
    assert_eq!(numbers(&first.ok()), [4]);
    assert_eq!(rest_of(&first)["moved"], json!(false));
    // Dealt with, it is due later: behind where the first page ended.
    act(&desk.world, 4, "acknowledge", VILLAGE, "");
    act(&desk.world, 4, "handle", VILLAGE, r#","measures":"修""#);
    let rest = rest_of(&first);
    assert_eq!((numbers(&rest), &rest["moved"]), (vec![2, 3, 5, 7, 8], &json!(true)));

    // Its number is what it was: by it nothing moves.
    let first = desk.world.get("/v1/cases?sort=time&limit=1");
    act(&desk.world, 3, "acknowledge", GRID, "");
    let rest = rest_of(&first);
    assert_eq!((numbers(&rest), &rest["moved"]), (vec![3, 4, 5, 7, 8], &json!(false)));
}

#[test]
fn ended_cases_are_looked_for_ninety_days_back() {
    let desk = Desk::busy();
    let day = 24 * HOUR;
    desk.at(MONDAY.plus_ms(90 * day));
    assert_eq!(desk.list("status=closed"), [6, 1]);
    desk.at(MONDAY.plus_ms(90 * day + 1));
    let ended = desk.world.get("/v1/cases?status=closed").ok();
    assert_eq!(numbers(&ended), [0; 0]);
    assert_eq!(ended["reported_from"], "2026-01-05T08:00:00.001+08:00");
    assert_eq!(desk.list("status=closed&reported_from=2026-01-01T00:00:00Z"), [6, 1]);
    assert_eq!(desk.list("status=closed&reported_to=2026-01-06T00:00:00Z"), [6, 1]);
    assert_eq!(desk.list("sort=time"), [2, 3, 4, 5, 7, 8]);
}

#[test]
fn a_room_sees_the_queue_of_its_level_and_every_level_its_watch() {
    let desk = Desk::busy();
    let elsewhere = report("EM-001", ELSEWHERE);
    assert_eq!(desk.world.post("/v1/cases", &elsewhere).ok()["case"], 9);
    let of = |unit: &str, list: &str| {
        let body = desk.world.get(&format!("/v1/units/{unit}/{list}?sort=time")).ok();
        let row = if list == "queue" { "holder" } else { "watch" };
        assert!(body["cases"].as_array().unwrap().iter().all(|case| case["row"] == row));
        numbers(&body)
    };
    assert_eq!(of(VILLAGE, "queue"), [2, 4, 5]);
    assert_eq!(of(TOWNSHIP, "queue"), [0; 0]);
    act(&desk.world, 5, "escalate", VILLAGE, r#","reason":"大""#);
    assert_eq!((of(TOWNSHIP, "queue"), of(ROOM, "queue")), (vec![5], vec![5]));
    let watched_by = |case: u64| {
        let levels = [GRID, VILLAGE, ROOM, COUNTY, CITY];
        levels.map(|unit| of(unit, "watch").contains(&case))
    };
    assert_eq!(watched_by(4), [true; 5], "each level, of where it happened");
    assert_eq!(watched_by(9), [false, false, false, true, true]);
    act(&desk.world, 4, "acknowledge", VILLAGE, "");
    act(&desk.world, 4, "escalate", VILLAGE, r#","reason":"大""#);
    assert_eq!(of(TOWNSHIP, "queue"), [4, 5]);
    assert_eq!(watched_by(4), [true; 5], "whoever holds it");
    let holder = desk.world.get("/v1/cases/4").ok()["holder"].as_str().unwrap().to_owned();
    assert!(!holder.starts_with("411502001001"), "{holder} is no body of the village");
    act(&desk.world, 4, "acknowledge", &holder, "");
    act(&desk.world, 4, "handle", &holder, r#","measures":"已救""#);
    act(&desk.world, 4, "close", &holder, r#","answer":"好""#);
    assert_eq!((of(CITY, "watch"), of(GRID, "watch")), (vec![9], vec![]));
}

#[test]
fn what_lies_outside_a_tokens_range_is_in_no_list() {
    let desk = Desk::busy();
    let there = desk.world.admit(r#"{"name":"there","scopes":["read"],"within":["411502002000"]}"#);
    let get = |path: &str| desk.world.request("GET", path).token(&there).send();
    assert_eq!(numbers(&get("/v1/cases").ok()), [7]);
    assert_eq!(numbers(&get("/v1/cases?status=closed").ok()), [0; 0]);
    let by_number = get("/v1/cases?ids=1,7").ok();
    assert_eq!((numbers(&by_number), &by_number["missing"]), (vec![7], &json!([1])));
    for path in [
        format!("/v1/cases?unit={GRID}"),
        format!("/v1/cases?holder={GRID}"),
        format!("/v1/units/{VILLAGE}/queue"),
        format!("/v1/units/{COUNTY}/watch"),
        format!("/v1/units/{COUNTY}/counts"),
    ] {
        assert_eq!(get(&path).problem(), (404, String::from("unit_unknown")), "{path}");
    }
    let here = desk.world.admit(r#"{"name":"here","scopes":["read"],"within":["411502001000"]}"#);
    let answer = desk.world.request("GET", "/v1/cases?ref=hotline:12345-7").token(&here).send();
    assert_eq!(numbers(&answer.ok()), [0; 0]);
}
