//! Streams of commands.

use std::io::Write;
use std::time::Duration;

use serde_json::{Value, json};
use zhida::api::ApiOptions;
use zhida::engine::{Clock, EngineOptions};
use zhida::journal::vault::VaultOptions;

use crate::client::Answer;
use crate::world::{Choices, GRID, VILLAGE, World};

const NDJSON: &str = "application/x-ndjson";

fn report(key: &str) -> String {
    format!(
        r#"{{"command":"report_case","key":"{key}","matter":"PS-001","place":"{GRID}","source":"patrol","text":"路灯不亮"}}"#
    )
}

fn code(result: &Value) -> &str {
    result["error"]["code"].as_str().unwrap_or("accepted")
}

/// The answer to a stream once it has a place.
fn taken_in(world: &World, lines: &str) -> Answer {
    std::iter::repeat_with(|| world.stream(lines)).find(|answer| answer.status != 503).unwrap()
}

#[test]
fn a_whole_life_fits_one_body() {
    let world = World::new();
    let line = |command: &str, by: &str, more: &str| {
        format!(
            r#"{{"command":"{command}","key":"{command}-{by}","by":"{by}","case":{{"key":"r-1"}}{more}}}"#
        )
    };
    let body = [
        report("r-1"),
        line("acknowledge_case", GRID, ""),
        line("escalate_case", GRID, r#","reason":"够不着""#),
        line("acknowledge_case", VILLAGE, ""),
        line("handle_case", VILLAGE, r#","measures":"换了灯泡""#),
        line("close_case", VILLAGE, r#","answer":"已修好""#),
    ]
    .join("\n");
    let answer = world.stream(&body);
    assert_eq!(answer.header("content-type"), Some(NDJSON));
    let results = answer.lines();
    let first_seq = results[0]["seq"].as_u64().unwrap();
    let expected: Vec<Value> = (0..6)
        .map(|at| json!({ "line": at + 1, "seq": first_seq + at, "case": 1, "version": at + 1 }))
        .collect();
    assert_eq!(results, expected);
    assert_eq!(world.get("/v1/cases/1").ok()["status"], "closed");

    // Sent again, all of it is known.
    assert_eq!(world.stream(&body).lines(), expected);
}

#[test]
fn a_bad_line_is_refused_alone() {
    let world = World::new();
    let body = [
        report("r-1"),
        String::from("{\"command\":\"report_case\""),
        String::new(),
        report("r-2").replace("\"patrol\"", "\"moon\"").replace("text", "txet"),
        String::from(
            r#"{"command":"close_case","case":{"key":"r-1"},"by":"411502001001001","answer":"好"}"#,
        ),
        String::from(
            r#"{"command":"acknowledge_case","case":{"key":"r-9"},"by":"411502001001001"}"#,
        ),
        String::from(
            r#"{"command":"acknowledge_case","case":1,"version":9,"by":"411502001001001"}"#,
        ),
        format!(r#"{{"command":"close_case","case":1,"answer":"{}"}}"#, "x".repeat(64 * 1_024)),
        report("r-1").replace("PS-001", "PS-002"),
        report("r-2").replace(r#","source""#, r#","at":"2026-01-05T08:00:00Z","source""#),
        report("r-3"),
    ]
    .join("\n");
    let results = world.stream(&body).lines();
    insta::assert_json_snapshot!("a_stream_with_bad_lines", results, { "[].seq" => 0 });
}

#[test]
fn lines_are_refused_in_the_language_of_the_reader() {
    let world = World::new();
    let request = world.request("POST", "/v1/commands").header("content-type", NDJSON);
    let answer = request.header("accept-language", "zh").body("{}\n").send();
    assert_eq!(answer.lines()[0]["error"]["title"], "请求体中有无效字段");
}

#[test]
fn a_post_and_a_line_of_the_same_command_are_the_same() {
    let world = World::new();
    let line = report("r-1");
    let body = line.replace(r#""command":"report_case","key":"r-1","#, "");
    let posted =
        world.request("POST", "/v1/cases").header("idempotency-key", "r-1").json(&body).send().ok();
    let result = &world.stream(&line).lines()[0];
    assert_eq!((&result["seq"], &result["case"]), (&posted["seq"], &posted["case"]));
    let other = world.stream(&line.replace("不亮", "不灭")).lines();
    assert_eq!(code(&other[0]), "key_reused");
}

#[test]
fn results_come_while_the_body_is_still_sent() {
    let world = World::new();
    let request = world.request("POST", "/v1/commands").header("content-type", NDJSON);
    let mut stream = request.open_chunked();
    for number in 1..=3 {
        stream.chunk(&format!("{}\n", report(&format!("r-{number}"))));
        stream.read_until(&format!("\"case\":{number},"));
    }
    stream.end();
    assert_eq!(world.get("/v1/counts").ok()["cases"], 3);
}

/// As many reports as fit a body of 16 MiB, every one of which is accepted.
fn sixteen_mebibytes() -> (String, usize) {
    let line = report("").replace(r#""key":"","#, "").replace("路灯不亮", &"路灯不亮".repeat(20));
    let lines = 16 * 1_024 * 1_024 / (line.len() + 1);
    (format!("{line}\n").repeat(lines), lines)
}

/// A world with keys for all of them.
fn roomy(engine: EngineOptions) -> World {
    let vault = VaultOptions { step_slots: 65_536, ..VaultOptions::default() };
    World::with(Choices { engine, vault, ..Choices::default() })
}

fn assert_all_accepted(answer: &Answer, lines: usize) {
    let text = answer.text();
    let expected = |number: usize| format!("{{\"line\":{number},\"seq\":");
    assert_eq!(text.lines().count(), lines);
    let good = (1..).zip(text.lines()).all(|(number, line)| line.starts_with(&expected(number)));
    assert!(good, "{:?}", text.lines().find(|line| line.contains("error")));
}

#[test]
fn sixteen_mebibytes_may_be_sent_before_any_result_is_read() {
    let world = roomy(EngineOptions::default());
    let (body, lines) = sixteen_mebibytes();
    let request = world.request("POST", "/v1/commands").header("content-type", NDJSON);
    assert_all_accepted(&request.body(body).send(), lines);
    assert_eq!(world.get("/v1/counts").ok()["cases"], lines);
}

#[test]
fn no_more_is_taken_from_the_socket_than_the_lane_has_room_for() {
    let bulk_commands_max = 64;
    let world = roomy(EngineOptions { bulk_commands_max, ..EngineOptions::default() });
    let (body, lines) = sixteen_mebibytes();
    world.faults.hold_appends();
    let request = world.request("POST", "/v1/commands").header("content-type", NDJSON);
    let mut stream = request.header("content-length", &body.len().to_string()).open();
    // Until nothing goes any more: the sequencer stands still with its turn.
    stream.0.set_write_timeout(Some(Duration::from_millis(500))).unwrap();
    let mut rest = body.as_bytes();
    while let Ok(sent) = stream.0.write(rest) {
        rest = &rest[sent..];
        assert!(!rest.is_empty(), "all of it was taken in, and nothing was durable");
    }
    world.faults.wait_for_held_append();
    let (alone, queued) = world.handle.lanes_len();
    assert!(alone == 0 && queued <= bulk_commands_max, "{queued} commands wait in the lane");

    world.faults.release_appends();
    stream.0.set_write_timeout(None).unwrap();
    stream.0.write_all(rest).unwrap();
    assert_all_accepted(&stream.answer(), lines);
}

#[test]
fn a_last_line_without_an_end_counts_when_the_body_ended() {
    let world = World::new();
    let results = world.stream(&format!("{}\n{}", report("r-1"), report("r-2"))).lines();
    assert_eq!(results.len(), 2);
    assert_eq!(world.get("/v1/counts").ok()["cases"], 2);
}

#[test]
fn a_last_line_does_not_count_when_the_body_broke_off() {
    let api = ApiOptions { bulk_bodies_max: 1, ..ApiOptions::default() };
    let world = World::with(Choices { api, ..Choices::default() });
    let request = world.request("POST", "/v1/commands").header("content-type", NDJSON);
    let mut stream = request.open_chunked();
    stream.chunk(&format!("{}\n{}", report("whole"), report("cut")));
    stream.read_until("\"case\":1,");
    drop(stream);
    // Only one stream may be open: once another is taken in, the first is over.
    assert_eq!(taken_in(&world, &report("after")).lines()[0]["case"], 2);
    assert_eq!(world.get("/v1/outcomes/whole").ok()["case"], 1);
    assert_eq!(world.get("/v1/outcomes/cut").problem().1, "outcome_unknown");
}

/// A world whose one stream may be silent for that long.
fn impatient(idle: Duration, clock: Clock) -> World {
    let api = ApiOptions { bulk_bodies_max: 1, bulk_body_idle_max: idle, ..ApiOptions::default() };
    World::with(Choices { clock, api, ..Choices::default() })
}

#[test]
fn a_stream_that_falls_silent_ends_and_leaves_its_place() {
    let world = impatient(Duration::from_millis(500), Clock::Driven);
    let timed = |key: &str| {
        report(key).replace(r#""matter""#, r#""at":"2026-01-05T08:00:00+08:00","matter""#)
    };
    let request = world.request("POST", "/v1/commands").header("content-type", NDJSON);
    let mut silent = request.open_chunked();
    silent.chunk(&format!("{}\n{}", timed("whole"), timed("cut")));
    silent.read_until("\"case\":1,");
    let told = silent.read_until("body_timeout");
    assert!(told.contains(r#"{"line":2,"error":{"code":"body_timeout","status":408,"#), "{told}");
    // The place and the clock are free.
    assert_eq!(taken_in(&world, &timed("after")).lines()[0]["case"], 2);
    assert_eq!(world.get("/v1/outcomes/whole").ok()["case"], 1);
    assert_eq!(world.get("/v1/outcomes/cut").problem().1, "outcome_unknown");
}

#[test]
fn a_stream_that_never_says_anything_is_refused() {
    let world = impatient(Duration::from_millis(50), Clock::Driven);
    let request = world.request("POST", "/v1/commands").header("content-type", NDJSON);
    let silent = request.open_chunked();
    assert_eq!(silent.answer().problem(), (408, String::from("body_timeout")));
    assert_eq!(taken_in(&world, &report("after")).status, 200);
}

#[test]
fn a_stream_too_large_is_refused_at_once_where_its_length_is_said() {
    let world = World::new();
    let request = world.request("POST", "/v1/commands").header("content-type", NDJSON);
    let answer = request.body(vec![b'\n'; 16 * 1_024 * 1_024 + 1]).send();
    assert_eq!(answer.problem(), (413, String::from("body_too_large")));
}

#[test]
fn a_stream_that_grows_too_large_ends_with_a_result_that_says_so() {
    let api = ApiOptions { bulk_body_bytes_max: 1_000, ..ApiOptions::default() };
    let world = World::with(Choices { api, ..Choices::default() });
    let request = world.request("POST", "/v1/commands").header("content-type", NDJSON);
    let mut stream = request.open_chunked();
    stream.chunk(&format!("{}\n", report("r-1")));
    stream.read_until("\"case\":1,");
    stream.chunk(&"\n".repeat(1_000));
    let rest = stream.read_until("too_large");
    assert!(rest.contains(r#"{"line":2,"error":{"code":"body_too_large""#), "{rest}");
}

#[test]
fn a_stream_of_too_many_lines_ends_with_a_result_that_says_so() {
    let api = ApiOptions { bulk_lines_max: 3, ..ApiOptions::default() };
    let world = World::with(Choices { api, ..Choices::default() });
    assert_eq!(world.stream("{}\n{}\n{}\n").lines().len(), 3);
    let results = world.stream("{}\n\n{}\n{}\n{}\n").lines();
    let codes: Vec<_> =
        results.iter().map(|one| (one["line"].as_u64().unwrap(), code(one))).collect();
    assert_eq!(codes, [(1, "invalid_body"), (3, "invalid_body"), (4, "too_many_lines")]);
}

#[test]
fn one_stream_too_many_is_told_to_come_back() {
    let api = ApiOptions { bulk_bodies_max: 1, ..ApiOptions::default() };
    let world = World::with(Choices { api, ..Choices::default() });
    let request = world.request("POST", "/v1/commands").header("content-type", NDJSON);
    let mut open = request.open_chunked();
    open.chunk(&format!("{}\n", report("r-1")));
    open.read_until("\"case\":1,");
    let refused = world.stream(&report("r-2"));
    assert_eq!(refused.problem(), (503, String::from("bulk_bodies_full")));
    assert_eq!(refused.header("retry-after"), Some("1"));
    open.end();
    open.0.flush().unwrap();
    assert!(open.answer_ends());
}

#[test]
fn an_empty_stream_has_no_results() {
    let world = World::new();
    let answer = world.stream("\n\r\n  \n");
    assert_eq!((answer.status, answer.text()), (200, ""));
}
