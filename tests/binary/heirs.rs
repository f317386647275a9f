//! A grid that holds 5,000 open cases is closed by an import that names its successor: all of them
//! are the successor's in the same commit, more than one event holds, or none is, whenever a kill
//! comes.

use std::collections::BTreeSet;
use std::time::SystemTime;

use serde_json::{Value, json};

use crate::http::Connection;
use crate::ledger::{Sent, Verb, feed};
use crate::world::{GRIDS, Place, Server};

const CASES: u64 = 5_000;
const FROM: &str = GRIDS[0];
const HEIR: &str = GRIDS[1];
/// Looks at a file before a write that does not come is not waited for any more.
const LOOKS_MAX: u32 = 200_000;

/// When the server is killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Moment {
    /// The commit was just sent.
    Sent,
    /// The journal is just being written.
    Written,
    /// Its answer was just read.
    Answered,
}

/// A city whose first grid holds all of the cases, stopped.
fn with_cases() -> Place {
    let place = Place::with_city();
    let mut server = place.serve();
    let reports = (0..CASES).map(|n| Sent::report(format!("heir-{n}"), Verb::Report, FROM));
    let lines: String = reports.map(|one| one.line()).collect();
    let mut answered = 0;
    let ended = server.connect().commands(&lines, &mut |line| {
        let line: Value = serde_json::from_str(line).expect("a result");
        answered += u64::from(line["case"].is_u64());
    });
    assert_eq!((ended.expect("answered"), answered), (200, CASES));
    server.term();
    place
}

/// Stages the row that closes the grid; gives the address of the commit.
fn staged(connection: &mut Connection) -> String {
    let begun = connection.post("/v1/imports", "begin", "{\"origin\":\"heirs.ndjson\"}");
    let import = begun.expect("a reply").ok()["import"].clone();
    let row = json!({
        "code": FROM, "kind": "grid", "name": "网格", "successor": HEIR,
        "valid_until": "2026-01-05T08:00:00+08:00",
    });
    let path = format!("/v1/imports/{import}/units");
    let headers = [("Content-Type", "application/x-ndjson"), ("Idempotency-Key", "stage")];
    connection.send("POST", &path, &headers, format!("{row}\n").as_bytes()).expect("sent");
    connection.reply().expect("a reply").ok();
    format!("/v1/imports/{import}/commit")
}

fn send_commit(connection: &mut Connection, path: &str) {
    let headers = [("If-Match", "*"), ("Idempotency-Key", "commit")];
    connection.send("POST", path, &headers, b"").expect("sent");
}

/// The cases that a unit holds, page by page.
fn held(connection: &mut Connection, unit: &str) -> BTreeSet<u64> {
    let mut cases = BTreeSet::new();
    let mut cursor = String::new();
    loop {
        let path = format!("/v1/cases?holder={unit}&sort=time&limit=1000{cursor}");
        let page = connection.get(&path).expect("a reply").ok();
        for case in page["cases"].as_array().expect("cases") {
            assert_eq!(case["holder"], unit);
            assert!(cases.insert(case["case"].as_u64().expect("its number")), "{case} twice");
        }
        let Some(next) = page["next_cursor"].as_str() else {
            return cases;
        };
        cursor = format!("&cursor={next}");
    }
}

/// Says whether the successor holds all cases; otherwise the grid does, as before.
fn is_inherited(connection: &mut Connection) -> bool {
    let all: BTreeSet<u64> = (1..=CASES).collect();
    let (before, after) = (held(connection, FROM), held(connection, HEIR));
    let unit = connection.get(&format!("/v1/units/{FROM}")).expect("a reply").ok();
    let events = feed(connection);
    let committed = events
        .iter()
        .position(|event| event["type"] == "import.committed" && event["data"]["import"] == 3);
    let Some(at) = committed else {
        assert_eq!((before, after.len()), (all, 0), "nothing of it is there");
        assert!(unit["open"] == true, "{unit}");
        return false;
    };
    assert_eq!((before.len(), after), (0, all), "all of it is there");
    assert!(unit["open"] == false, "{unit}");
    // One event holds 4,000 at most; they follow the commit.
    let kinds: Vec<_> = events[at + 1..].iter().map(|event| &event["type"]).take(2).collect();
    assert_eq!(kinds, ["cases.inherited", "cases.inherited"]);
    true
}

/// When the newest segment was written last.
fn written(place: &Place) -> Option<SystemTime> {
    let files = std::fs::read_dir(place.data()).expect("read").flatten();
    let segments = files.filter(|file| file.file_name().to_string_lossy().starts_with("journal-0"));
    segments.filter_map(|file| file.metadata().ok()?.modified().ok()).max()
}

/// Kills it at that moment of a commit that is on its way.
fn kill_at(moment: Moment, place: &Place, server: &mut Server, commit: &str) {
    let mut connection = server.connect();
    let before = written(place);
    send_commit(&mut connection, commit);
    match moment {
        Moment::Sent => {}
        Moment::Written => {
            let mut looks = 0;
            while written(place) == before && looks < LOOKS_MAX {
                looks += 1;
            }
        }
        Moment::Answered => {
            connection.reply().expect("a reply").ok();
        }
    }
    server.kill();
}

#[test]
fn an_import_that_closes_a_grid_of_5000_cases_leaves_none_behind_whenever_it_is_killed() {
    let prepared = with_cases();
    for moment in [Moment::Sent, Moment::Written, Moment::Answered] {
        let place = Place::like(&prepared.data());
        let mut server = place.serve();
        let commit = staged(&mut server.connect());
        kill_at(moment, &place, &mut server, &commit);

        place.zhida(&["verify"]).ok();
        let server = place.serve();
        let mut connection = server.connect();
        let is_there = is_inherited(&mut connection);
        println!("killed once it was {moment:?}: {is_there}");
        assert!(is_there || moment != Moment::Answered, "what was answered is there");
        // Under its key it comes again, and is there once.
        send_commit(&mut connection, &commit);
        connection.reply().expect("a reply").ok();
        assert!(is_inherited(&mut connection));
        let counts = connection.get("/v1/counts").expect("a reply").ok();
        assert_eq!((&counts["cases"], &counts["open"]), (&json!(CASES), &json!(CASES)), "{counts}");
    }
}
