//! An import whose units come in several requests, with a kill in the middle of each: after every
//! start it holds whole pieces, all that were acknowledged and no others than were sent; it is gone on
//! with, and what it brings comes into force whole.

use serde_json::{Value, json};

use crate::http::Connection;
use crate::ledger::feed;
use crate::world::{Place, Server, TOWNSHIP};

/// Rows that are staged as one: a request of more is several.
const PIECE_ROWS: usize = 200;
/// Rows of each request: a village and its grids.
const REQUESTS: [usize; 4] = [120, 900, 150, 450];
/// Looks at an import before a piece that does not come is not waited for any more.
const LOOKS_MAX: u32 = 20_000;
/// Kills that may come too late to find a request half staged.
const KILLS_MAX: u32 = 20;

/// When the server is killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Moment {
    /// Half of the request is sent.
    HalfSent,
    /// All of it was just sent.
    Sent,
    /// Something of it was just staged: of one of several pieces, mostly not all.
    Begun,
    /// Its answer was just read.
    Answered,
}

const MOMENTS: [Moment; 4] = [Moment::HalfSent, Moment::Sent, Moment::Begun, Moment::Answered];

/// A request that stages units.
struct Request {
    key: String,
    rows: usize,
    body: String,
    is_answered: bool,
}

impl Request {
    fn all() -> Vec<Self> {
        let request = |(number, rows): (usize, usize)| {
            let village = format!("{}{:03}", &TOWNSHIP[..9], number + 2);
            let grids = (1..rows).map(|grid| row(&format!("{village}{grid:03}"), "grid"));
            let body = std::iter::once(row(&village, "division")).chain(grids).collect();
            Self { key: format!("units-{number}"), rows, body, is_answered: false }
        };
        REQUESTS.into_iter().enumerate().map(request).collect()
    }

    fn send(&self, connection: &mut Connection, import: &Value) {
        let headers = [("Content-Type", "application/x-ndjson"), ("Idempotency-Key", &*self.key)];
        let path = format!("/v1/imports/{import}/units");
        connection.send("POST", &path, &headers, self.body.as_bytes()).expect("sent");
    }

    /// Sends it and waits for its answer.
    fn ask(&mut self, connection: &mut Connection, import: &Value) {
        self.send(connection, import);
        connection.reply().expect("a reply").ok();
        self.is_answered = true;
    }

    /// The head, and half of the rows.
    fn send_half(&self, connection: &mut Connection, import: &Value) {
        let half = &self.body[..self.body.len() / 2];
        let head = format!(
            "POST /v1/imports/{import}/units HTTP/1.1\r\nHost: zhida\r\nAuthorization: Bearer {}\r\n\
             Content-Type: application/x-ndjson\r\nIdempotency-Key: {}\r\nContent-Length: {}\r\n\r\n",
            connection.token(),
            self.key,
            self.body.len()
        );
        connection.raw((head + half).as_bytes()).expect("sent");
    }

    /// How many rows of it may be staged: whole pieces of it, from the first on.
    fn may_hold(&self, rows: usize) -> bool {
        let is_whole = rows == self.rows;
        if self.is_answered { is_whole } else { is_whole || rows.is_multiple_of(PIECE_ROWS) }
    }
}

fn row(code: &str, kind: &str) -> String {
    format!("{}\n", json!({ "code": code, "kind": kind, "name": "新单位" }))
}

/// How many units are staged.
fn staged(connection: &mut Connection, import: &Value) -> usize {
    let open = connection.get(&format!("/v1/imports/{import}")).expect("a reply").ok();
    usize::try_from(open["units"].as_u64().expect("a count")).expect("small")
}

fn units_in_force(connection: &mut Connection) -> u64 {
    let organisation = connection.get("/v1/organisation").expect("a reply").ok();
    organisation["units"].as_u64().expect("a count")
}

/// Kills the server while that request is on its way.
fn kill_at(moment: Moment, server: &mut Server, request: &mut Request, import: &Value) {
    let mut connection = server.connect();
    let mut other = server.connect();
    let before = staged(&mut other, import);
    match moment {
        Moment::HalfSent => request.send_half(&mut connection, import),
        Moment::Sent => request.send(&mut connection, import),
        Moment::Begun => {
            request.send(&mut connection, import);
            let mut looks = 0;
            while staged(&mut other, import) == before && looks < LOOKS_MAX {
                looks += 1;
            }
        }
        Moment::Answered => request.ask(&mut connection, import),
    }
    server.kill();
}

/// After a start: what is staged is whole pieces in the order sent, all that were acknowledged; in the
/// journal as in the state. Gives how many rows of the last request that is how many.
fn check(connection: &mut Connection, import: &Value, sent: &[Request]) -> usize {
    let (last, before) = sent.split_last().expect("one was sent");
    let events = feed(connection);
    let of_import = |event: &&Value| event["data"]["import"] == *import;
    let events: Vec<_> = events.iter().filter(of_import).collect();
    assert_eq!(events[0]["type"], "import.begun");
    let mut pieces = events[1..].iter().map(|event| {
        assert_eq!(event["type"], "import.units_staged", "{event}");
        event["data"]["rows"].as_u64().and_then(|rows| usize::try_from(rows).ok()).expect("a count")
    });
    for request in before {
        for piece in pieces_of(request.rows) {
            assert_eq!(pieces.next(), Some(piece), "{} is there whole", request.key);
        }
    }
    let mut held = 0;
    for (there, sent) in pieces.zip(pieces_of(last.rows).chain(std::iter::repeat(0))) {
        assert_eq!(there, sent, "a piece is there whole or not at all");
        held += there;
    }
    assert!(last.may_hold(held), "{} rows of {}", held, last.key);
    let all: usize = before.iter().map(|request| request.rows).sum();
    assert_eq!(staged(connection, import), all + held);
    held
}

fn pieces_of(rows: usize) -> impl Iterator<Item = usize> {
    (0..rows).step_by(PIECE_ROWS).map(move |first| PIECE_ROWS.min(rows - first))
}

fn begun(server: &Server, key: &str) -> Value {
    let begun = server.connect().post("/v1/imports", key, "{\"origin\":\"units.ndjson\"}");
    begun.expect("a reply").ok()["import"].clone()
}

/// Commits it: everything that was staged is in force, once, and as it was sent.
fn commit(connection: &mut Connection, import: &Value, requests: &[Request], before: u64) {
    let findings = connection.get(&format!("/v1/imports/{import}/findings")).expect("a reply").ok();
    assert_eq!(findings, json!({ "import": import, "findings": [], "untold": 0 }));
    let path = format!("/v1/imports/{import}/commit");
    connection.send("POST", &path, &[("If-Match", "*")], b"").expect("sent");
    connection.reply().expect("a reply").ok();
    let rows: usize = requests.iter().map(|request| request.rows).sum();
    assert_eq!(units_in_force(connection), before + rows as u64);
    for (number, request) in requests.iter().enumerate() {
        let village = format!("{}{:03}", &TOWNSHIP[..9], number + 2);
        let export = connection.get(&format!("/v1/units/export?within={village}"));
        let export = String::from_utf8(export.expect("a reply").body).expect("UTF-8");
        let parsed = |text: &str| -> Vec<Value> {
            text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
        };
        assert_eq!(parsed(&export), parsed(&request.body), "{village}");
    }
}

#[test]
fn an_import_is_gone_on_with_after_a_kill_in_the_middle_of_each_of_its_pieces() {
    for turn in 0..MOMENTS.len() {
        let place = Place::with_city();
        let mut server = place.serve();
        let before = units_in_force(&mut server.connect());
        let import = begun(&server, "begin");
        let mut requests = Request::all();
        for number in 0..requests.len() {
            // Each request meets each moment in one of the turns.
            let moment = MOMENTS[(number + turn) % MOMENTS.len()];
            kill_at(moment, &mut server, &mut requests[number], &import);
            place.zhida(&["verify"]).ok();
            server = place.serve();
            let mut connection = server.connect();
            let held = check(&mut connection, &import, &requests[..=number]);
            println!("{} killed once it was {moment:?}: {held} rows", requests[number].key);
            assert!(held == 0 || moment != Moment::HalfSent, "nobody staged half a request");
            assert!(held > 0 || moment != Moment::Begun, "what was seen is there");
            assert_eq!(units_in_force(&mut connection), before, "nothing is in force");
            // Under its key it comes again, and so does one that was answered: each is there once.
            for request in &mut requests[..=number] {
                request.ask(&mut connection, &import);
            }
            let rows = requests[number].rows;
            assert_eq!(check(&mut connection, &import, &requests[..=number]), rows);
        }
        commit(&mut server.connect(), &import, &requests, before);
    }
}

#[test]
fn a_request_of_several_pieces_that_is_half_staged_is_completed_under_its_key() {
    let place = Place::with_city();
    let mut server = place.serve();
    let before = units_in_force(&mut server.connect());
    for kill in 0..KILLS_MAX {
        let import = begun(&server, &format!("begin-{kill}"));
        let mut requests = Request::all();
        requests.truncate(2);
        for (request, key) in requests.iter_mut().zip(["one", "two"]) {
            request.key = format!("{key}-{kill}");
        }
        requests[0].ask(&mut server.connect(), &import);
        kill_at(Moment::Begun, &mut server, &mut requests[1], &import);
        server = place.serve();
        let mut connection = server.connect();
        let held = check(&mut connection, &import, &requests);
        if held < requests[1].rows {
            requests[1].ask(&mut connection, &import);
            assert_eq!(check(&mut connection, &import, &requests), requests[1].rows);
            return commit(&mut connection, &import, &requests, before);
        }
        let path = format!("/v1/imports/{import}/abandon");
        connection.post(&path, &format!("abandon-{kill}"), "").expect("a reply").ok();
    }
    panic!("{KILLS_MAX} kills found no request half staged");
}
