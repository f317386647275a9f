//! A driven clock: commands bring their own time, from one ordered source.

use serde_json::json;
use zhida::engine::Clock;

use crate::world::{Choices, GRID, World};

fn driven() -> World {
    World::with(Choices { clock: Clock::Driven, ..Choices::default() })
}

fn report(key: &str, at: &str) -> String {
    format!(
        r#"{{"command":"report_case","key":"{key}","at":"{at}","matter":"PS-001","place":"{GRID}","source":"patrol","text":"路灯不亮"}}"#
    )
}

#[test]
fn months_pass_with_every_deadline_in_its_place() {
    let world = driven();
    let body = [
        report("r-1", "2026-01-05T08:00:00+08:00"),
        report("r-2", "2026-03-05T08:00:00+08:00"),
        String::from(r#"{"command":"advance_clock","to":"2026-03-05T16:30:00+08:00"}"#),
    ]
    .join("\n");
    let answer = world.stream(&body);
    assert_eq!(answer.header("zhida-clock"), Some("driven"));
    assert!(answer.lines().iter().all(|line| line.get("error").is_none()), "{}", answer.text());
    let first = world.get("/v1/cases/1").ok();
    assert_eq!((&first["node_light"], &first["total_light"]), (&json!("red"), &json!("red")));
    assert_eq!(first["reported_at"], "2026-01-05T08:00:00.000+08:00");
    let second = world.get("/v1/cases/2").ok();
    assert_eq!(
        (&second["node_light"], &second["total_light"]),
        (&json!("yellow"), &json!("green"))
    );
    let timeline = world.get("/v1/cases/1/timeline").ok();
    let kinds: Vec<_> =
        timeline["events"].as_array().unwrap().iter().map(|one| one["type"].clone()).collect();
    assert_eq!(
        kinds,
        ["case.reported", "case.warned", "case.overdue", "case.warned", "case.overdue"]
    );
}

#[test]
fn a_known_key_gets_its_answer_whatever_its_time() {
    let world = driven();
    let first = world.stream(&report("r-1", "2026-01-05T08:00:00+08:00")).lines();
    world.stream(r#"{"command":"advance_clock","to":"2026-02-05T08:00:00+08:00"}"#).lines();
    assert_eq!(world.stream(&report("r-1", "2026-01-06T08:00:00+08:00")).lines(), first);
    let late = world.stream(&report("r-2", "2026-01-06T08:00:00+08:00")).lines();
    assert_eq!(late[0]["error"]["code"], "at_before_now");
    assert_eq!(late[0]["error"]["status"], 409);
    assert_eq!(late[0]["error"]["now"], "2026-02-05T08:00:00.000+08:00");
}

#[test]
fn one_stream_at_a_time_drives_the_clock() {
    let world = driven();
    let request =
        || world.request("POST", "/v1/commands").header("content-type", "application/x-ndjson");
    let mut driving = request().open_chunked();
    driving.chunk(&format!("{}\n", report("r-1", "2026-01-05T08:00:00+08:00")));
    driving.read_until("\"case\":1,");

    let refused = world.stream(&report("r-2", "2026-01-05T09:00:00+08:00"));
    assert_eq!(refused.problem(), (409, String::from("source_taken")));
    let advance = r#"{"to":"2026-02-05T08:00:00+08:00"}"#;
    assert_eq!(world.post("/v1/clock/advance", advance).problem().1, "source_taken");
    // A single POST takes the clock's now and disturbs nobody.
    let single = world.post("/v1/cases", &crate::world::report("PS-001", GRID));
    assert_eq!(single.status, 201);
    let shown = world.get("/v1/cases/2").ok();
    assert_eq!(shown["reported_at"], "2026-01-05T08:00:00.000+08:00");
    // So does a stream without times; its first line with one is refused.
    let untimed = report("r-3", "").replace(r#""at":"","#, "");
    let mixed = format!("{untimed}\n{}\n", report("r-4", "2026-01-05T09:00:00+08:00"));
    let results = world.stream(&mixed).lines();
    assert_eq!(results[0]["case"], 3);
    assert_eq!(results[1]["error"]["code"], "source_taken");

    // A connection that drops frees the clock, so that a crashed client may resume.
    drop(driving);
    let resumed =
        std::iter::repeat_with(|| world.stream(&report("r-2", "2026-01-05T09:00:00+08:00")))
            .find(|answer| answer.status != 409)
            .unwrap();
    assert_eq!(resumed.lines()[0]["case"], 4);
    let advanced = std::iter::repeat_with(|| world.post("/v1/clock/advance", advance))
        .find(|answer| answer.status != 409)
        .unwrap();
    assert_eq!(advanced.status, 200);
}

#[test]
fn a_line_that_cannot_be_read_moves_no_time() {
    let world = driven();
    let flawed = report("r-1", "2026-03-05T08:00:00+08:00").replace("patrol", "moon");
    let cut = report("r-2", "2026-03-05T08:00:00+08:00").replace('}', "");
    let body = [flawed, cut, report("r-3", "2026-01-05T08:00:00+08:00")].join("\n");
    let results = world.stream(&body).lines();
    assert_eq!(results[0]["error"]["code"], "invalid_body");
    assert_eq!(results[1]["error"]["code"], "malformed_json");
    assert_eq!(results[2]["case"], 1);
    assert_eq!(world.get("/v1/cases/1").ok()["reported_at"], "2026-01-05T08:00:00.000+08:00");
}
