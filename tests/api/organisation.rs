//! Who there is: found, as it was, above and below.

use serde_json::{Value, json};
use zhida::domain::ids::Timestamp;

use crate::world::{Choices, GRID, MONDAY, VILLAGE, World};

fn codes(answer: &Value) -> Vec<&str> {
    let units = answer["units"].as_array().unwrap();
    units.iter().map(|unit| unit["code"].as_str().unwrap()).collect()
}

fn change(world: &World, path: &str, body: &str) {
    world.request("POST", path).header("if-match", "*").json(body).send().ok();
}

/// An office with a module, its county department, and a body that reports to that.
fn staffed() -> World {
    let world = World::new();
    for row in [
        r#"{"row":{"code":"411502000000-D01","kind":"department","name":"浉河区公安局","modules":["public_safety"]}}"#,
        r#"{"row":{"code":"411502001000-B01","kind":"office","name":"平安建设办公室","modules":["public_safety"]}}"#,
        r#"{"row":{"code":"411502001000-S01","kind":"stationed","name":"派出所","reports_to":"411502000000-D01"}}"#,
    ] {
        change(&world, "/v1/units", row);
    }
    world
}

#[test]
fn units_are_found_by_name_code_kind_level_and_place() {
    let world = staffed();
    for (query, found) in [
        ("name=%E6%B4%BE%E5%87%BA", &["411502001000-S01"][..]),
        ("code=411502001000-", &["411502001000-B01", "411502001000-R01", "411502001000-S01"]),
        ("kind=grid&within=411502001001", &[GRID, "411502001001002"]),
        ("level=village", &[VILLAGE, "411502002001"]),
        ("open=false", &[]),
        ("within=411502001001&limit=2", &[VILLAGE, GRID]),
    ] {
        assert_eq!(codes(&world.get(&format!("/v1/units?{query}")).ok()), found, "{query}");
    }
    for (query, code) in [
        ("within=411599000000", (404, "unit_unknown")),
        ("within=4115", (400, "invalid_query")),
        ("kind=town", (400, "invalid_query")),
        ("name=", (400, "invalid_query")),
        ("limit=0", (400, "invalid_query")),
        ("limit=1001", (400, "invalid_query")),
        ("after=7", (400, "invalid_query")),
        ("at=yesterday", (400, "invalid_query")),
        ("nmae=x", (400, "invalid_query")),
    ] {
        let (status, name) = world.get(&format!("/v1/units?{query}")).problem();
        assert_eq!((status, name.as_str()), code, "{query}");
    }
}

#[test]
fn pages_of_units_follow_their_links_and_leave_none_out() {
    let world = staffed();
    let all = world.get("/v1/units").ok();
    let version = world.get("/v1/organisation");
    let mut seen = Vec::new();
    let mut path = String::from("/v1/units?open=true&limit=4");
    loop {
        let page = world.get(&path);
        assert_eq!(page.header("etag"), version.header("etag"));
        seen.extend(codes(&page.ok()).into_iter().map(str::to_owned));
        let Some(link) = page.header("link") else {
            break;
        };
        path = link.trim_start_matches('<').split('>').next().unwrap().to_owned();
    }
    assert_eq!(seen, codes(&all));
}

#[test]
fn a_unit_has_those_above_and_below_and_a_township_its_modules() {
    let world = staffed();
    let below = |code: &str| world.get(&format!("/v1/units/{code}/children")).ok();
    assert_eq!(codes(&below("411502000000-D01")), ["411502001000-S01"]);
    assert_eq!(codes(&below(VILLAGE)), [GRID, "411502001001002"]);
    let above = world.get("/v1/units/411502001000-S01/ancestors").ok();
    assert_eq!(codes(&above), ["411502000000-D01", "411502000000", "411500000000"]);
    insta::assert_json_snapshot!("modules", world.get("/v1/units/411502001001/modules").ok());
    let too_high = world.get("/v1/units/411502000000/modules").problem();
    assert_eq!(too_high, (422, String::from("place_too_high")));
    for path in ["", "/children", "/ancestors", "/modules"] {
        let unknown = world.get(&format!("/v1/units/411599000000{path}")).problem();
        assert_eq!(unknown, (404, String::from("unit_unknown")), "{path}");
    }
}

#[test]
fn what_is_told_of_the_past_has_the_codes_of_its_time() {
    let clock = zhida::engine::ManualClock::starting(MONDAY);
    let choices =
        Choices { clock: zhida::engine::Clock::Manual(clock.clone()), ..Choices::default() };
    let world = World::with(choices);
    let case = world.report("PS-002");
    for (verb, body) in [
        ("acknowledge", format!(r#"{{"by":"{VILLAGE}"}}"#)),
        ("hand_down", format!(r#"{{"by":"{VILLAGE}","to":"{GRID}","reason":"就近"}}"#)),
    ] {
        world.post(&format!("/v1/cases/{case}/{verb}"), &body).ok();
    }
    let told = |path: &str| world.get(path).ok()["events"].as_array().unwrap().clone();
    let (feed, timeline) = ("/v1/events?limit=1000", "/v1/cases/1/timeline");
    let before = (told(feed), told(timeline));
    let codes = |event: &Value| {
        [&event["unit"], &event["by"]["unit"], &event["data"]["place"], &event["data"]["holder"]]
            .map(|code| code.as_str().unwrap_or_default().to_owned())
    };
    assert_eq!(codes(&before.1[0]), [VILLAGE, "", GRID, VILLAGE]);
    assert_eq!(codes(&before.1[2]), [GRID, VILLAGE, "", GRID]);

    clock.set(Timestamp(MONDAY.0 + 1));
    change(&world, "/v1/units/411502001001/move", r#"{"to":"411502002009"}"#);
    // Twice in one millisecond.
    change(&world, "/v1/units/411502002009/move", r#"{"to":"411502002008"}"#);
    world.post("/v1/cases/1/acknowledge", r#"{"by":"411502002008001"}"#).ok();
    let after = (told(feed), told(timeline));
    assert_eq!(after.0[..before.0.len()], before.0);
    assert_eq!(after.1[..before.1.len()], before.1);
    assert_eq!(codes(&after.1[3]), ["411502002008001", "411502002008001", "", ""]);
    let moves = after.0.iter().filter(|event| event["type"] == "unit.moved");
    let moves: Vec<_> = moves.map(|event| event["data"].clone()).collect();
    let expected = [
        json!({ "from": VILLAGE, "to": "411502002009" }),
        json!({ "from": "411502002009", "to": "411502002008" }),
    ];
    assert_eq!(moves, expected);
    // Who reported a case is told so, too; its holder is told as it is now.
    let shown = world.get("/v1/cases/1").ok();
    assert_eq!((&shown["place"], &shown["holder"]), (&json!(GRID), &json!("411502002008001")));
}

#[test]
fn a_unit_is_told_as_it_was_and_under_the_code_that_it_had() {
    let clock = zhida::engine::ManualClock::starting(MONDAY);
    let choices =
        Choices { clock: zhida::engine::Clock::Manual(clock.clone()), ..Choices::default() };
    let world = World::with(choices);
    clock.set(Timestamp(MONDAY.0 + 3_600_000));
    change(&world, "/v1/units/411502001001/move", r#"{"to":"411502002009"}"#);
    clock.set(Timestamp(MONDAY.0 + 7_200_000));
    change(&world, "/v1/units/411502002009002/close", r#"{"successor":"411502002009001"}"#);
    insta::assert_json_snapshot!("a_moved_grid", world.get("/v1/units/411502001001002").ok());
    // An unescaped plus is read as one.
    let then = "at=2026-01-05T08:30:00+08:00";
    let was = world.get(&format!("/v1/units/{GRID}?{then}")).ok();
    assert_eq!((&was["code"], &was["former"]), (&json!(GRID), &json!([])));
    let grids = |township: &str, query: &str| {
        let path = format!("/v1/units?kind=grid&within={township}&{query}");
        world.get(&path).ok()["units"].as_array().unwrap().len()
    };
    assert_eq!((grids("411502001000", then), grids("411502001000", "open=true")), (2, 0));
    assert_eq!((grids("411502002000", then), grids("411502002000", "open=true")), (1, 2));
    let below = world.get(&format!("/v1/units/411502002009/children?{then}")).ok();
    assert_eq!(codes(&below), [GRID, "411502001001002"]);
    let above = world.get(&format!("/v1/units/{GRID}/ancestors?{then}")).ok();
    assert_eq!(codes(&above), [VILLAGE, "411502001000", "411502000000", "411500000000"]);
}

#[test]
fn a_unit_that_is_told_to_close_works_on_and_its_work_goes_over_at_that_moment() {
    let clock = zhida::engine::ManualClock::starting(MONDAY);
    let choices =
        Choices { clock: zhida::engine::Clock::Manual(clock.clone()), ..Choices::default() };
    let world = World::with(choices);
    let case = world.report("PS-001");
    let close = |successor: &str, valid_until: &str| {
        let body = json!({ "successor": successor, "valid_until": valid_until }).to_string();
        let path = format!("/v1/units/{GRID}/close");
        world.request("POST", &path).header("if-match", "*").json(&body).send()
    };
    let (heir, at) = ("411502001001002", "2026-01-05T10:00:00+08:00");
    for (refused, successor, valid_until) in [
        ("unit_closes_in_past", heir, "2026-01-05T08:00:00+08:00"),
        ("successor_unfit", "411502000000", at),
        ("invalid_body", heir, "tomorrow"),
    ] {
        assert_eq!(close(successor, valid_until).problem().1, refused);
    }
    close(heir, "2026-01-07T10:00:00+08:00").ok();
    change(&world, &format!("/v1/units/{GRID}/keep"), "");
    let kept = world.request("POST", &format!("/v1/units/{GRID}/keep")).header("if-match", "*");
    assert_eq!(kept.send().problem(), (409, String::from("unit_not_closing")));
    close(heir, at).ok();
    insta::assert_json_snapshot!("told_to_close", world.get(&format!("/v1/units/{GRID}")).ok());

    clock.set(Timestamp(MONDAY.0 + 2 * 3_600_000));
    // Nothing of the turn is decided for a unit that exists no more.
    let later = world.report("PS-001");
    let holder = |case: u64| world.get(&format!("/v1/cases/{case}")).ok()["holder"].clone();
    assert_eq!((holder(case), holder(later)), (json!(heir), json!("411502001000-R01")));
    let unit = world.get(&format!("/v1/units/{GRID}")).ok();
    assert_eq!(
        (&unit["open"], &unit["valid_until"]),
        (&json!(false), &json!("2026-01-05T10:00:00.000+08:00"))
    );
    let open_at = |at: &str| world.get(&format!("/v1/units/{GRID}?at={at}")).ok()["open"].clone();
    assert_eq!(open_at("2026-01-05T09:59:59%2B08:00"), true);
    assert_eq!(open_at("2026-01-05T10:00:00%2B08:00"), false);
    let feed = world.get("/v1/events?after=0&limit=1000").ok();
    let is_of_units = |event: &&Value| {
        let name = event["type"].as_str().unwrap();
        ["unit.", "cases."].iter().any(|family| name.starts_with(family))
    };
    let told: Vec<_> = feed["events"].as_array().unwrap().iter().filter(is_of_units).collect();
    let told: Vec<_> = told.iter().map(|event| (&event["type"], &event["data"])).collect();
    insta::assert_json_snapshot!("closing_in_the_feed", told);
}

#[test]
fn units_outside_a_token_s_range_do_not_exist_for_it() {
    let world = staffed();
    let token = world.admit(r#"{"name":"五里店","within":["411502001000"],"scopes":["read"]}"#);
    let get = |path: &str| world.request("GET", path).token(&token).send();
    let listed = get("/v1/units").ok();
    assert_eq!(codes(&listed).len(), 7, "{listed}");
    let above = get(&format!("/v1/units/{GRID}/ancestors")).ok();
    assert_eq!(codes(&above), [VILLAGE, "411502001000"]);
    let exported = get("/v1/units/export?format=csv");
    assert_eq!(exported.text().lines().count(), 1 + 7, "{}", exported.text());
    let is_within = |line: &str| line.starts_with("411502001");
    assert!(exported.text().lines().skip(1).all(is_within), "{}", exported.text());
    for path in [
        "/v1/units/411502002001/children",
        "/v1/units?within=411502002001",
        "/v1/units/export?within=411502002001",
    ] {
        assert_eq!(get(path).problem(), (404, String::from("unit_unknown")), "{path}");
    }
}

fn import(world: &World, content_type: &str, units: Vec<u8>) {
    let begun = world.post("/v1/imports", r#"{"origin":"export"}"#).ok();
    let path = format!("/v1/imports/{}", begun["import"]);
    let staging = world.request("POST", &format!("{path}/units"));
    staging.header("content-type", content_type).body(units).send().ok();
    world.request("POST", &format!("{path}/commit")).header("if-match", "*").send().ok();
}

#[test]
fn what_is_exported_can_be_imported_and_is_exported_again_alike() {
    let world = staffed();
    change(
        &world,
        "/v1/units/411502000000-D01/change",
        r#"{"row":{"code":"411502000000-D01","kind":"department","name":"浉河区公安局, \"分局\"","modules":["public_safety","enforcement"]}}"#,
    );
    // Who reports to a unit that moved names it by the code that it left; the file names the new one.
    change(&world, "/v1/units/411502000000-D01/move", r#"{"to":"411502000000-D07"}"#);
    change(&world, "/v1/units/411502001001/move", r#"{"to":"411502001005"}"#);
    change(&world, "/v1/units/411502001005002/close", r#"{"successor":"411502001005001"}"#);
    for (format, content_type) in [("ndjson", "application/x-ndjson"), ("csv", "text/csv")] {
        let path = format!("/v1/units/export?format={format}");
        let exported = world.get(&path);
        assert_eq!(exported.text().lines().count(), 14 + usize::from(format == "csv"));
        let other = World::empty(Choices::default());
        import(&other, content_type, [b"\xef\xbb\xbf", exported.body.as_slice()].concat());
        assert_eq!(other.get(&path).text(), exported.text());
    }
    insta::assert_snapshot!("export_csv", world.get("/v1/units/export?format=csv").text());
    let village = world.get("/v1/units/export?within=411502001001").text().to_owned();
    assert_eq!(village.lines().count(), 3);
    let bad = world.get("/v1/units/export?format=xlsx").problem();
    assert_eq!(bad, (400, String::from("invalid_query")));
}

#[test]
fn an_export_tells_the_units_as_they_stood_at_that_moment() {
    let clock = zhida::engine::ManualClock::starting(MONDAY);
    let choices =
        Choices { clock: zhida::engine::Clock::Manual(clock.clone()), ..Choices::default() };
    let world = World::with(choices);
    let told = |format: &str, at: &str| {
        let exported = world.get(&format!("/v1/units/export?format={format}{at}"));
        assert_eq!(exported.status, 200, "{}", exported.text());
        exported.text().to_owned()
    };
    let formats = ["ndjson", "csv"];
    let first = formats.map(|format| told(format, ""));
    let hour = |hours: i64| clock.set(Timestamp(MONDAY.0 + hours * 3_600_000));
    // A new one opens, a village moves with its grids, one is renamed, one closes.
    hour(1);
    let open = r#"{"row":{"code":"411502001000-B01","kind":"office","name":"平安办","modules":["public_safety"]}}"#;
    change(&world, "/v1/units", open);
    hour(2);
    change(&world, "/v1/units/411502001001/move", r#"{"to":"411502002009"}"#);
    hour(3);
    let name = r#"{"row":{"code":"411502002009001","kind":"grid","name":"桥头网格"}}"#;
    change(&world, "/v1/units/411502002009001/change", name);
    hour(4);
    change(&world, "/v1/units/411502002009002/close", r#"{"successor":"411502002009001"}"#);
    let last = formats.map(|format| told(format, ""));
    hour(5);

    // The moment of a change is told as it was after it.
    let at = |moment: &str| {
        formats.map(|format| told(format, &format!("&at=2026-01-05T{moment}+08:00")))
    };
    assert_eq!(at("08:59:59.999"), first);
    assert_eq!(at("12:00:00"), last);
    for ((format, first), last) in formats.iter().zip(&first).zip(&last) {
        assert!(first.contains(GRID) && !last.contains(GRID), "{format}: {last}");
    }
    // What changed in each hour, and nothing else: lines that went, lines that came.
    let opened = "411502001000-B01,office,平安办,,public_safety,2026-01-05T09:00:00.000+08:00,,";
    let moved = |code: &str, kind: &str, name: &str| format!("{code},{kind},单位{name},,,,,");
    let (one, two) = ("411502001001001", "411502001001002");
    let village = [(VILLAGE, "division"), (one, "grid"), (two, "grid")];
    let went = village.map(|(code, kind)| moved(code, kind, code));
    let came = village.map(|(code, kind)| moved(&code.replace("2001001", "2002009"), kind, code));
    let renamed = "411502002009001,grid,桥头网格,,,,,";
    let closed =
        "411502002009002,grid,单位411502001001002,,,,2026-01-05T12:00:00.000+08:00,411502002009001";
    let table = [
        ("09:00:00", vec![], vec![opened]),
        (
            "10:00:00",
            went.iter().map(String::as_str).collect(),
            came.iter().map(String::as_str).collect(),
        ),
        ("11:00:00", vec![&*came[1]], vec![renamed]),
        ("12:00:00", vec![&*came[2]], vec![closed]),
    ];
    let mut before = first;
    for (moment, went, came) in table {
        let after = at(moment);
        let lines = |text: &str| text.lines().map(str::to_owned).collect::<Vec<_>>();
        let only = |one: &str, other: &str| {
            let other = lines(other);
            lines(one).into_iter().filter(|line| !other.contains(line)).collect::<Vec<_>>()
        };
        assert_eq!(only(&before[1], &after[1]), went, "{moment}");
        assert_eq!(only(&after[1], &before[1]), came, "{moment}");
        // The rows of the one format are those of the other: what is staged of it is exported alike.
        let other = World::empty(Choices::default());
        import(&other, "application/x-ndjson", after[0].clone().into_bytes());
        assert_eq!(other.get("/v1/units/export?format=csv").text(), after[1], "{moment}");
        before = after;
    }
    let office = told("ndjson", "&at=2026-01-05T09:00:00%2B08:00&within=411502001000");
    let office: Vec<Value> =
        office.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(office.len(), 6, "{office:?}");
    assert_eq!(
        office.iter().find(|row| row["kind"] == "office"),
        Some(&json!({
            "code": "411502001000-B01", "kind": "office", "name": "平安办",
            "modules": ["public_safety"], "valid_from": "2026-01-05T09:00:00.000+08:00",
        }))
    );
}

#[test]
fn csv_that_is_wrong_is_told_whole_and_none_of_it_is_staged() {
    let world = World::empty(Choices::default());
    world.post("/v1/imports", r#"{"origin":"units.csv"}"#).ok();
    let rows =
        "code,kind,name\n411500000000,division,信阳市\n4115,town,\n411500000000,division,又\n";
    let staging = world.request("POST", "/v1/imports/1/units");
    let answer = staging.header("content-type", "text/csv; charset=utf-8").body(rows).send();
    assert_eq!(answer.problem(), (400, String::from("invalid_body")));
    insta::assert_json_snapshot!("bad_csv", answer.json()["errors"]);
    assert_eq!(world.get("/v1/imports/1").ok()["units"], 0);
    let staging = world.request("POST", "/v1/imports/1/units").header("content-type", "text/html");
    assert_eq!(staging.body(rows).send().problem(), (415, String::from("unsupported_media_type")));
}

#[test]
fn whoever_reads_learns_who_inherits_its_cases_and_of_no_others() {
    let world = World::new();
    let other = "411502001001002";
    let (here, there) = (world.report_at("PS-001", GRID), world.report_at("PS-001", other));
    // The grid holds one of its own and one of its neighbour's: both go over in one event.
    let sent = format!(r#"{{"by":"{other}","to":"{GRID}","reason":"协助"}}"#);
    world.post(&format!("/v1/cases/{there}/transfer"), &sent).ok();
    let next = r#"{"row":{"code":"411502001001009","kind":"grid","name":"接手网格"}}"#;
    change(&world, "/v1/units", next);
    let close = r#"{"successor":"411502001001009"}"#;
    change(&world, &format!("/v1/units/{GRID}/close"), close);

    let body = format!(r#"{{"name":"grid","scopes":["read"],"within":["{GRID}"]}}"#);
    let token = world.admit(&body);
    let get = |path: &str| world.request("GET", path).token(&token).send().ok();
    let inherited = |answer: &Value| {
        let events = answer["events"].as_array().unwrap();
        let of_many = events.iter().filter(|event| event["type"] == "cases.inherited");
        of_many.map(|event| event["data"]["cases"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(inherited(&get("/v1/events")), [json!([here])]);
    assert_eq!(inherited(&get(&format!("/v1/cases/{here}/timeline"))), [json!([here])]);
    let all = inherited(&world.get("/v1/events").ok());
    assert_eq!(all, [json!([here, there])]);
}
