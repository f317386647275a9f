//! kill -9 at a moment drawn by the seed, again and again, with a ledger of what was acknowledged.
//!
//! ```text
//!  serve ▶ writers write, each answer into the ledger ▶ kill -9 after so many answers, or with a
//!  request just sent ▶ (verify) ▶ serve ▶ all answered is there? ▶ what was not answered is sent
//!  again ▶ everything is there once? ▶ the next round, on the same server
//! ```
//!
//! ZHIDA_ROUNDS sets the number of rounds, ZHIDA_SEED the seed.

use std::sync::atomic::{AtomicU64, Ordering};

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use crate::ledger::{Answer, Sent, Verb, ask, compare, feed};
use crate::world::{GRIDS, Place, Server};

const SINGLE_WRITERS: u64 = 4;
const STREAM_WRITERS: u64 = 2;
const STREAM_CASES: u64 = 60;

#[test]
fn what_was_acknowledged_survives_every_kill() {
    let seed = number("ZHIDA_SEED", 5);
    let rounds = number("ZHIDA_ROUNDS", 10);
    println!("ZHIDA_SEED={seed} ZHIDA_ROUNDS={rounds}");
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let place = Place::with_city();
    let mut server = place.serve();
    let mut sent: Vec<Sent> = Vec::new();
    let mut heads: Vec<String> = Vec::new();
    let (mut unanswered, mut resubmitted_known) = (0, 0);
    for round in 0..rounds {
        let fuse = Fuse {
            pid: server.pid(),
            answers: AtomicU64::new(0),
            kill_at: random.random_range(1..700),
            kills_on_send: random.random_bool(0.5),
        };
        let first_new = sent.len();
        sent.extend(write_until_killed(&server, &fuse, round, random.random()));
        let ended = server.kill();
        assert!(ended.status.code().is_none(), "it was killed: {ended:?}");

        if random.random_bool(0.5) {
            heads.push(verify_stopped(&place, &heads));
        }
        server = place.serve();
        let mut connection = server.connect();
        let events = feed(&mut connection);
        let checked = compare(&sent, &events, false);
        assert_eq!(checked, Ok(()), "round {round}");
        for one in &sent[first_new..] {
            assert_eq!(ask(&mut connection, one), Ok(()), "round {round}");
        }

        let waiting: Vec<&mut Sent> =
            sent[first_new..].iter_mut().filter(|one| one.answer.is_none()).collect();
        unanswered += waiting.len();
        resubmitted_known += resubmit(&server, waiting, events.len() as u64);
        let checked = compare(&sent, &feed(&mut connection), true);
        assert_eq!(checked, Ok(()), "round {round}, after what was unanswered came again");
        heads.push(server.zhida(&["verify"]).ok().trim_end().to_string());
    }
    for _ in 0..200.min(sent.len()) {
        let one = &sent[random.random_range(0..sent.len())];
        assert_eq!(ask(&mut server.connect(), one), Ok(()));
    }
    server.term();
    verify_stopped(&place, &heads);
    let segments = std::fs::read_dir(place.data()).unwrap().flatten();
    let segments =
        segments.filter(|entry| entry.file_name().to_string_lossy().contains("journal-"));
    println!(
        "{} commands, {unanswered} of them unanswered at a kill, {resubmitted_known} of these were kept; {} segments",
        sent.len(),
        segments.count()
    );
    assert!(rounds < 10 || (unanswered > 0 && resubmitted_known > 0), "the kills came too gently");
}

/// What makes an end of a server.
struct Fuse {
    pid: Pid,
    answers: AtomicU64,
    kill_at: u64,
    kills_on_send: bool,
}

impl Fuse {
    fn answered(&self) {
        if self.answers.fetch_add(1, Ordering::SeqCst) + 1 == self.kill_at && !self.kills_on_send {
            self.kill();
        }
    }

    /// A request is on its way.
    fn sent(&self) {
        if self.kills_on_send && self.answers.load(Ordering::SeqCst) >= self.kill_at {
            self.kill();
        }
    }

    fn kill(&self) {
        // A second writer may come to it as well.
        let _is_first = kill_process(self.pid, Signal::KILL).is_ok();
    }
}

fn write_until_killed(server: &Server, fuse: &Fuse, round: u64, seed: u64) -> Vec<Sent> {
    std::thread::scope(|scope| {
        let writers: Vec<_> = (0..SINGLE_WRITERS + STREAM_WRITERS)
            .map(|writer| {
                scope.spawn(move || {
                    let mut writer = Writer {
                        fuse,
                        random: ChaCha8Rng::seed_from_u64(seed ^ writer),
                        name: format!("r{round}-w{writer}"),
                        sent: Vec::new(),
                    };
                    if writer_is_single(&writer.name) {
                        writer.singles(server);
                    } else {
                        writer.streams(server);
                    }
                    writer.sent
                })
            })
            .collect();
        writers.into_iter().flat_map(|writer| writer.join().expect("writes")).collect()
    })
}

fn writer_is_single(name: &str) -> bool {
    let number: u64 = name.rsplit('w').next().expect("a number").parse().expect("a number");
    number < SINGLE_WRITERS
}

struct Writer<'f> {
    fuse: &'f Fuse,
    random: ChaCha8Rng,
    name: String,
    sent: Vec<Sent>,
}

impl Writer<'_> {
    /// One command a request.
    fn singles(&mut self, server: &Server) {
        let mut connection = server.connect();
        for number in 0.. {
            let report = self.draw_report(number);
            let Some(answer) = self.single(&mut connection, report.clone()) else {
                return;
            };
            for verb in self.draw_life(report.verb) {
                let next = Sent::follows(&report, verb, json!(answer.case));
                if self.single(&mut connection, next).is_none() {
                    return;
                }
            }
        }
    }

    /// Sends one command; none once the connection is broken.
    fn single(&mut self, connection: &mut crate::http::Connection, one: Sent) -> Option<Answer> {
        let (path, body) = one.post();
        let headers = [("Idempotency-Key", &*one.key), ("Content-Type", "application/json")];
        let sent = connection.send("POST", &path, &headers, body.as_bytes());
        self.sent.push(one);
        sent.ok()?;
        self.fuse.sent();
        let reply = connection.reply().ok()?;
        let answer = Answer::of(&reply.ok()).expect("an answer");
        self.sent.last_mut()?.answer = Some(answer);
        self.fuse.answered();
        Some(answer)
    }

    /// Whole lives in bodies of `/v1/commands`.
    fn streams(&mut self, server: &Server) {
        let mut connection = server.connect();
        for body in 0.. {
            let first = self.sent.len();
            for number in 0..STREAM_CASES {
                let report = self.draw_report(body * STREAM_CASES + number);
                let life = self.draw_life(report.verb);
                self.sent.push(report.clone());
                let of_report = json!({ "key": report.key });
                self.sent.extend(
                    life.into_iter().map(|verb| Sent::follows(&report, verb, of_report.clone())),
                );
            }
            let lines: String = self.sent[first..].iter().map(Sent::line).collect();
            let (fuse, sent) = (self.fuse, &mut self.sent[first..]);
            let ended = connection.commands(&lines, &mut |line| {
                let result: Value = serde_json::from_str(line).expect("a result");
                let number = result["line"].as_u64().expect("its line");
                let one = &mut sent[usize::try_from(number).expect("small") - 1];
                let answer = Answer::of(&result);
                assert!(answer.is_some(), "{} is refused: {line}", one.key);
                one.answer = answer;
                fuse.answered();
            });
            if ended.is_err() {
                return;
            }
        }
    }

    fn draw_report(&mut self, number: u64) -> Sent {
        let verb = if self.random.random_bool(0.3) { Verb::ReportSettled } else { Verb::Report };
        let grid = self.random.random_range(0..GRIDS.len());
        Sent::report(format!("{}-{number}", self.name), verb, grid)
    }

    fn draw_life(&mut self, verb: Verb) -> Vec<Verb> {
        let life = [Verb::Acknowledge, Verb::Handle, Verb::Close];
        let length = if verb == Verb::Report { self.random.random_range(0..=3) } else { 0 };
        life[..length].to_vec()
    }
}

/// Sends again what was not answered, as lines. Says how much of it had been kept: answered with
/// an event that was there before.
fn resubmit(server: &Server, waiting: Vec<&mut Sent>, last_seq: u64) -> usize {
    if waiting.is_empty() {
        return 0;
    }
    let mut waiting = waiting;
    let lines: String = waiting.iter().map(|one| one.line()).collect();
    let mut known = 0;
    let ended = server.connect().commands(&lines, &mut |line| {
        let result: Value = serde_json::from_str(line).expect("a result");
        let number = usize::try_from(result["line"].as_u64().expect("its line")).expect("small");
        let one = &mut *waiting[number - 1];
        one.answer = Answer::of(&result);
        assert!(one.answer.is_some(), "{} comes again and is refused: {line}", one.key);
        known += usize::from(result["seq"].as_u64() <= Some(last_seq));
    });
    assert_eq!(ended.expect("answered"), 200);
    assert!(waiting.iter().all(|one| one.answer.is_some()));
    known
}

/// Verifies the directory that a kill left, with one of the heads noted before.
fn verify_stopped(place: &Place, heads: &[String]) -> String {
    let head = place.zhida(&["verify"]).ok().trim_end().to_string();
    for noted in heads.iter().rev().take(2).chain(heads.first()) {
        assert_eq!(place.zhida(&["verify", "--head", noted]).ok().trim_end(), head);
    }
    head
}

pub(crate) fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().expect("a number"))
}
