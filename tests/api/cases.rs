//! The life of a case by single POSTs.

use serde_json::json;
use zhida::api::ApiOptions;

use crate::world::{Choices, GRID, ROOM, VILLAGE, World, report};

fn act(world: &World, case: u64, action: &str, by: &str, note: &str) -> serde_json::Value {
    let body = format!(r#"{{"by":"{by}"{note}}}"#);
    world.post(&format!("/v1/cases/{case}/{action}"), &body).ok()
}

#[test]
fn a_report_is_a_case_with_a_holder_and_deadlines() {
    let world = World::new();
    let answer = world.post("/v1/cases", &report("PS-002", GRID));
    assert_eq!(answer.status, 201);
    assert_eq!(answer.header("location"), Some("/v1/cases/1"));
    assert_eq!(answer.header("etag"), Some("\"1\""));
    assert_eq!(answer.header("zhida-clock"), Some("manual"));
    let body = answer.json();
    assert_eq!(answer.header("zhida-seq").unwrap(), body["seq"].to_string());
    assert_eq!(body["holder"], VILLAGE);
    assert_eq!(body["status"], "dispatched");
    assert_eq!(body["node_due_at"], "2026-01-05T18:00:00.000+08:00");
}

#[test]
fn a_case_is_acknowledged_escalated_handled_and_closed() {
    let world = World::new();
    let case = world.report("PS-001");
    assert_eq!(act(&world, case, "acknowledge", GRID, "")["version"], 2);
    let up = act(&world, case, "escalate", GRID, r#","reason":"够不着""#);
    assert_eq!((&up["holder"], &up["status"]), (&json!(VILLAGE), &json!("dispatched")));
    act(&world, case, "acknowledge", VILLAGE, "");
    act(&world, case, "handle", VILLAGE, r#","measures":"换了灯泡""#);
    let closed = act(&world, case, "close", VILLAGE, r#","answer":"已修好""#);
    assert_eq!((&closed["status"], &closed["version"]), (&json!("closed"), &json!(6)));

    let shown = world.get(&format!("/v1/cases/{case}?include=text"));
    assert_eq!(shown.header("etag"), Some("\"6\""));
    let mut shown = shown.ok();
    shown["texts"].as_array_mut().unwrap().iter_mut().for_each(|text| text["seq"] = json!(0));
    insta::assert_json_snapshot!("a_closed_case_with_its_texts", shown);

    let timeline = world.get(&format!("/v1/cases/{case}/timeline?include=text")).ok();
    let seqs: Vec<_> =
        timeline["events"].as_array().unwrap().iter().map(|event| &event["seq"]).collect();
    assert!(seqs.is_sorted_by_key(|seq| seq.as_u64()), "{seqs:?}");
    insta::assert_json_snapshot!("the_timeline_of_a_closed_case", timeline, {
        ".events[].seq" => 0,
        ".events[].texts[].seq" => 0,
    });
}

#[test]
fn a_case_settled_on_the_spot_is_closed_in_one_call() {
    let world = World::new();
    let body = format!(
        r#"{{"by":"{GRID}","matter":"PS-001","place":"{GRID}","source":"patrol","text":"积水","settle":{{"answer":"已疏通"}}}}"#
    );
    let answer = world.post("/v1/cases", &body);
    assert_eq!(answer.status, 201);
    assert_eq!(
        (&answer.json()["status"], &answer.json()["version"]),
        (&json!("closed"), &json!(2))
    );
    let shown = world.get("/v1/cases/1").ok();
    assert_eq!(shown["on_the_spot"], true);
    assert_eq!(shown["moves"], json!(["reopen", "note"]), "by whoever ended it");
    assert_eq!((&shown["holder"], &shown["ended_by"]), (&json!(null), &json!(GRID)));
}

#[test]
fn a_case_shows_how_it_came() {
    let world = World::new();
    let hotline = report("PS-001", GRID).replace(
        "\"patrol\"",
        r#""hotline","source_number":"12345-7","occurred_at":"2026-01-05T07:00:00+08:00""#,
    );
    assert_eq!(world.post("/v1/cases", &hotline).status, 201);
    assert_eq!(world.report("PS-001"), 2);
    for include in ["", "?include=text"] {
        let shown = world.get(&format!("/v1/cases/1{include}")).ok();
        assert_eq!(shown["source_number"], "12345-7");
        assert_eq!(shown["occurred_at"], "2026-01-05T07:00:00.000+08:00");
        assert_eq!(shown["reported_by"], json!({ "client": "administrator" }));
    }
    let bare = world.get("/v1/cases/2").ok();
    assert!(bare.get("source_number").is_none() && bare.get("occurred_at").is_none(), "{bare}");
    let listed = world.get("/v1/cases?ids=1&include=text").ok();
    assert_eq!(listed["cases"][0]["source_number"], "12345-7");
}

#[test]
fn a_timeline_of_a_thousand_notes_is_read_whole_and_in_order() {
    let world = World::new();
    let case = world.report("PS-001");
    let note = |number: u32| {
        format!(
            "{{\"command\":\"note_case\",\"case\":{case},\"by\":\"{GRID}\",\"note\":\"第{number}条\"}}\n"
        )
    };
    let notes = world.stream(&(1..=1_000).map(note).collect::<String>()).lines();
    assert!(notes.len() == 1_000 && notes.iter().all(|line| line.get("error").is_none()));

    let mut path = format!("/v1/cases/{case}/timeline?include=text&limit=300");
    let mut texts = Vec::new();
    let mut pages = 0;
    loop {
        let page = world.get(&path);
        let body = page.ok();
        assert_eq!((&body["case"], &body["version"]), (&json!(case), &json!(1_001)));
        let told = body["events"].as_array().unwrap();
        texts.extend(told.iter().map(|event| event["texts"][0]["text"].clone()));
        pages += 1;
        let Some(link) = page.header("link") else {
            assert!(body.get("next_cursor").is_none(), "{body}");
            break;
        };
        path = link.strip_prefix('<').unwrap().split('>').next().unwrap().to_owned();
        assert!(path.contains(body["next_cursor"].as_str().unwrap()), "{path}");
    }
    let mut expected = vec![json!("路灯不亮")];
    expected.extend((1..=1_000).map(|number| json!(format!("第{number}条"))));
    assert!(texts == expected && pages == 4, "{pages} pages of {} texts", texts.len());

    // A hundred is a page where nobody says; a cursor is of one case's timeline.
    let first = world.get(&format!("/v1/cases/{case}/timeline")).ok();
    assert_eq!(first["events"].as_array().unwrap().len(), 100);
    let cursor = first["next_cursor"].as_str().unwrap();
    let other = world.report("PS-001");
    let refused = [
        (format!("/v1/cases/{other}/timeline?cursor={cursor}"), "cursor_mismatch"),
        (format!("/v1/cases/{case}/timeline?cursor=x{cursor}"), "cursor_invalid"),
        (format!("/v1/cases/{case}/timeline?limit=1001"), "invalid_query"),
    ];
    for (path, code) in refused {
        assert_eq!(world.get(&path).problem(), (400, code.to_owned()), "{path}");
    }
    // The case itself opens its report and the newest of the rest, and still knows who claims.
    let shown = world.get(&format!("/v1/cases/{case}?include=text")).ok();
    let texts = shown["texts"].as_array().unwrap();
    assert_eq!((texts.len(), &texts[0]["text"]), (1_001, &json!("路灯不亮")));
    assert_eq!(shown["claimant"]["name"], "王**");
}

#[test]
fn the_texts_of_a_case_are_bounded_by_their_number_and_their_bytes() {
    let world = World::new();
    let [short, long] = [world.report("PS-001"), world.report("PS-001")];
    let note = |case: u64, number: u32, text: &str| {
        format!(
            "{{\"command\":\"note_case\",\"case\":{case},\"by\":\"{GRID}\",\"note\":\"{number}{text}\"}}\n"
        )
    };
    // 12,000 bytes a text: 21 of them are 256 KiB at most, and 349 are 4 MiB.
    let lengthy = "长".repeat(3_997);
    let notes = (100..200).map(|number| note(short, number, ""));
    let notes = notes.chain((100..460).map(|number| note(long, number, &lengthy)));
    let answers = world.stream(&notes.collect::<String>()).lines();
    assert!(answers.len() == 460 && answers.iter().all(|line| line.get("error").is_none()));

    let told = |case: &serde_json::Value| {
        let texts = case["texts"].as_array().unwrap();
        let texts = texts.iter().map(|text| text["text"].as_str().unwrap());
        let texts = texts.map(|text| text.chars().take(3).collect::<String>()).collect::<Vec<_>>();
        (texts, case.get("texts_left_out").cloned())
    };
    let newest = |from: u32, to: u32| {
        let newest = (from..to).map(|number| number.to_string());
        std::iter::once(String::from("路灯不")).chain(newest).collect::<Vec<_>>()
    };
    let listed = |ids: &str| world.get(&format!("/v1/cases?ids={ids}&include=text")).ok();
    let both = listed(&format!("{short},{long}"));
    assert_eq!(told(&both["cases"][0]), (newest(100, 200), None), "a hundred are all of them");
    assert_eq!(told(&both["cases"][1]), (newest(439, 460), Some(json!(true))));
    let alone = |case: u64| world.get(&format!("/v1/cases/{case}?include=text")).ok();
    assert_eq!(told(&alone(short)), (newest(100, 200), None));
    assert_eq!(told(&alone(long)), (newest(111, 460), Some(json!(true))));

    // One more, and the oldest of the newest hundred and one stays out.
    world.stream(&note(short, 200, "")).lines();
    let more = listed(&short.to_string());
    assert_eq!(told(&more["cases"][0]), (newest(101, 201), Some(json!(true))));
    assert_eq!(told(&alone(short)), (newest(100, 201), None));
}

#[test]
fn a_page_of_a_timeline_ends_where_its_texts_are_too_long() {
    // Thirty bytes in two texts, with what sealing adds.
    let bytes = 30 + 2 * 16;
    let api = ApiOptions { timeline_text_bytes_max: bytes, ..ApiOptions::default() };
    let world = World::with(Choices { api, ..Choices::default() });
    let case = world.report("PS-001");
    let notes = [15, 15, 14, 90, 6, 6, 6];
    for length in notes {
        act(&world, case, "note", GRID, &format!(r#","note":"{}""#, "字".repeat(length / 3)));
    }
    let mut path = format!("/v1/cases/{case}/timeline?include=text&limit=1000");
    let mut pages = Vec::new();
    loop {
        let page = world.get(&path);
        let told = page.ok()["events"].as_array().unwrap().clone();
        let bytes = told.iter().map(|event| event["texts"][0]["text"].as_str().unwrap().len());
        pages.push(bytes.collect::<Vec<_>>());
        let Some(link) = page.header("link") else {
            break;
        };
        path = link.strip_prefix('<').unwrap().split('>').next().unwrap().to_owned();
    }
    // The report has 12. What has no room alone comes alone.
    assert_eq!(pages, [vec![12, 15], vec![15, 12], vec![90], vec![6, 6], vec![6]]);
    let whole = world.get(&format!("/v1/cases/{case}/timeline?limit=1000"));
    assert_eq!((whole.ok()["events"].as_array().unwrap().len(), whole.header("link")), (8, None));
}

#[test]
fn where_a_case_may_go_is_told_beforehand() {
    let world = World::new();
    let case = world.report("PS-001");
    let targets = |query: &str| world.get(&format!("/v1/cases/{case}/targets?{query}"));
    let beside = targets("move=transfer").ok();
    assert_eq!((&beside["holder"], &beside["version"]), (&json!(GRID), &json!(1)));
    let other = json!([{
        "code": "411502001001002", "name": "单位411502001001002", "kind": "grid", "level": "grid",
    }]);
    assert_eq!(beside["targets"], other);
    assert_eq!(targets("move=escalate").ok()["targets"][0]["code"], VILLAGE);
    let refused = targets("move=hand_down");
    assert_eq!(refused.problem(), (409, String::from("move_not_allowed")));
    assert_eq!(refused.json()["moves"][0], "acknowledge");
    for query in ["", "move=note", "move=transfer&after=4", "move=transfer&limit=0"] {
        assert_eq!(targets(query).problem(), (400, String::from("invalid_query")), "{query}");
    }

    // From the township's room all the way down, page by page; each of them gets it.
    act(&world, case, "escalate", GRID, r#","reason":"大""#);
    act(&world, case, "escalate", VILLAGE, r#","reason":"大""#);
    let mut path = format!("/v1/cases/{case}/targets?move=hand_down&limit=2");
    let mut codes = Vec::new();
    loop {
        let page = world.get(&path);
        let told = page.ok();
        let told = told["targets"].as_array().unwrap().clone();
        codes.extend(told.iter().map(|one| one["code"].as_str().unwrap().to_owned()));
        let Some(link) = page.header("link") else { break };
        path = link.strip_prefix('<').unwrap().split('>').next().unwrap().to_owned();
    }
    assert_eq!(codes, [VILLAGE, GRID, "411502001001002"]);
    for to in codes {
        let body = json!({ "by": ROOM, "to": to, "reason": "就近" }).to_string();
        let case = world.report("PS-002");
        act(&world, case, "escalate", VILLAGE, r#","reason":"大""#);
        world.post(&format!("/v1/cases/{case}/hand_down"), &body).ok();
    }
}

#[test]
fn without_include_nothing_sealed_is_shown() {
    let world = World::new();
    let case = world.report("PS-001");
    for path in [format!("/v1/cases/{case}"), format!("/v1/cases/{case}/timeline")] {
        let text = world.get(&path).text().to_owned();
        assert!(!text.contains("路灯") && !text.contains('王') && !text.contains("1381"), "{text}");
    }
}

#[test]
fn a_confidential_matter_hides_its_claimant_from_all_but_administrators() {
    let world = World::new();
    let case = world.report("PS-003");
    let path = format!("/v1/cases/{case}?include=text");
    assert_eq!(world.get(&path).ok()["claimant"]["name"], "王**");
    let client = world.admit(r#"{"name":"app","scopes":["intake","act","read"]}"#);
    let shown = world.request("GET", &path).token(&client).send().ok();
    assert_eq!(shown["texts"][0]["text"], "路灯不亮");
    assert!(shown.get("claimant").is_none(), "{shown}");
}

#[test]
fn an_inbox_has_the_case_of_whoever_holds_it_now() {
    let world = World::new();
    let cases = [world.report("PS-001"), world.report("PS-001"), world.report("PS-001")];
    let page = world.get(&format!("/v1/units/{GRID}/inbox?limit=2"));
    let link = page.header("link").unwrap().to_owned();
    let body = page.ok();
    let numbers = |body: &serde_json::Value| -> Vec<u64> {
        let rows = body["cases"].as_array().unwrap().iter();
        rows.map(|row| row["case"].as_u64().unwrap()).collect()
    };
    assert_eq!(numbers(&body), &cases[..2]);
    let next = link.strip_prefix('<').unwrap().split('>').next().unwrap();
    let rest = world.get(next);
    assert_eq!((numbers(&rest.ok()), rest.header("link")), (cases[2..].to_vec(), None));

    act(&world, cases[1], "escalate", GRID, r#","reason":"够不着""#);
    assert_eq!(numbers(&world.get(&format!("/v1/units/{GRID}/inbox")).ok()), [cases[0], cases[2]]);
    let above = world.get(&format!("/v1/units/{VILLAGE}/inbox")).ok();
    assert_eq!(numbers(&above), [cases[1]]);
    assert_eq!(world.get(&format!("/v1/units/{VILLAGE}")).ok()["open_cases"], 1);
}

#[test]
fn the_same_key_gets_the_same_answer() {
    let world = World::new();
    let send = |body: &str| {
        world.request("POST", "/v1/cases").header("idempotency-key", "r-1").json(body).send()
    };
    let first = send(&report("PS-001", GRID));
    let again = send(&report("PS-001", GRID));
    assert_eq!((first.status, again.status), (201, 201));
    assert_eq!(first.json(), again.json());
    assert_eq!((first.header("zhida-repeat"), again.header("zhida-repeat")), (None, Some("true")));
    assert_eq!(send(&report("PS-002", GRID)).problem(), (422, String::from("key_reused")));
    assert_eq!(world.get("/v1/counts").ok()["cases"], 1);

    let outcome = world.get("/v1/outcomes/r-1").ok();
    assert_eq!(outcome, first.json());
    let unknown = world.get("/v1/outcomes/r-2").problem();
    assert_eq!(unknown, (404, String::from("outcome_unknown")));
}

#[test]
fn a_key_belongs_to_its_token() {
    let world = World::new();
    let other = world.admit(r#"{"name":"app","scopes":["intake","act","read"]}"#);
    let request = || world.request("POST", "/v1/cases").header("idempotency-key", "r-1");
    let body = report("PS-001", GRID);
    let mine = request().json(&body).send().ok();
    let theirs = request().token(&other).json(&body).send().ok();
    assert_ne!(mine["case"], theirs["case"]);
}

#[test]
fn a_move_may_name_the_version_that_it_saw() {
    let world = World::new();
    let case = world.report("PS-001");
    let path = format!("/v1/cases/{case}/acknowledge");
    let body = format!(r#"{{"by":"{GRID}"}}"#);
    let send =
        |version: &str| world.request("POST", &path).header("if-match", version).json(&body).send();
    let stale = send("\"7\"");
    assert_eq!(stale.problem(), (412, String::from("version_stale")));
    assert_eq!((&stale.json()["case"], &stale.json()["version"]), (&json!(case), &json!(1)));
    assert_eq!(send("new").problem(), (400, String::from("invalid_header")));
    assert_eq!(send("\"1\"").ok()["version"], 2);
}

#[test]
fn where_the_time_went_is_told_when_asked() {
    let world = World::new();
    let body = report("PS-001", GRID);
    let asked = world.request("POST", "/v1/cases").header("server-timing", "1").json(&body).send();
    let timing = asked.header("server-timing").unwrap();
    for part in ["queue;dur=", "decide;dur=", "commit;dur=", "publish;dur="] {
        assert!(timing.contains(part), "{timing}");
    }
    assert_eq!(world.post("/v1/cases", &body).header("server-timing"), None);
}

#[test]
fn a_township_is_as_far_as_it_goes() {
    let world = World::new();
    let case = world.report("PS-002");
    act(&world, case, "escalate", VILLAGE, r#","reason":"大""#);
    let body = format!(r#"{{"by":"{ROOM}","reason":"更大"}}"#);
    let refused = world.post(&format!("/v1/cases/{case}/escalate"), &body);
    assert_eq!(refused.problem(), (409, String::from("move_not_allowed")));
    assert_eq!(refused.json()["case_status"], "dispatched");
    let moves = ["acknowledge", "hand_down", "transfer", "return", "decline", "void", "note"];
    assert_eq!(refused.json()["moves"], json!(moves));
}
