//! kill -9 at a moment drawn by the seed, again and again, with a ledger of what was acknowledged.
//!
//! ```text
//!  serve ▶ writers write, each answer into the ledger ▶ after so many answers kill -9: at once,
//!  with a request just sent, with a segment just rolled, with a snapshot half written, with an import being
//!  committed or a unit that holds cases being split ▶ (verify) ▶
//!  serve ▶ all answered is there, every change whole? ▶ what was not answered is sent again ▶ everything is there
//!  once? ▶ the next round, on the same server
//! ```
//!
//! One seed is fixed, one is drawn and printed. ZHIDA_SEED runs that one alone, ZHIDA_ROUNDS sets
//! the number of rounds of each.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::{Value, json};

use crate::fuse::{Files, Fuse, Kill, Moment};
use crate::ledger::{Answer, Sent, Verb, ask, compare, feed};
use crate::reshape::{self, Became, VILLAGES_A_ROUND, Village};
use crate::world::{GRIDS, Place, Server, VILLAGE};

const SINGLE_WRITERS: u64 = 4;
const STREAM_WRITERS: u64 = 2;
const STREAM_CASES: u64 = 60;
/// What the rounds wait for, in turn. A change of the organisation is met twice: by a kill of which
/// nobody knows what becomes of it, and by one that decides it, in turn one way and the other.
const MOMENTS: [(Moment, Fate); 8] = [
    (Moment::Roll, Fate::Open),
    (Moment::Fold, Fate::Open),
    (Moment::Commit, Fate::Decided),
    (Moment::Split, Fate::Decided),
    (Moment::Answer, Fate::Open),
    (Moment::Send, Fate::Open),
    (Moment::Commit, Fate::Open),
    (Moment::Split, Fate::Open),
];
/// From so many rounds on, of all seeds, everything that does not hang on a moment must have been
/// met; and from so many on what does.
const ROUNDS_TELLING: u64 = 2 * MOMENTS.len() as u64;
const ROUNDS_TELLING_ALL: u64 = 60;

/// A segment is full after some hundred commands.
const CONFIG: &str = "\
[journal]\nsegment_bytes = \"64KiB\"\nballast_bytes = \"1MiB\"\nfree_bytes_min = \"1MiB\"\n\
[vault]\nstep_slots = 1024\nsteps_ahead = 4\n";

#[test]
fn what_was_acknowledged_survives_every_kill() {
    let seeds = match std::env::var("ZHIDA_SEED") {
        Ok(seed) => vec![seed.parse().expect("a number")],
        Err(_) => vec![5, getrandom::u64().expect("a random seed")],
    };
    let rounds = number("ZHIDA_ROUNDS", MOMENTS.len() as u64);
    let mut seen = Seen::default();
    for (&seed, turn) in seeds.iter().zip(0..) {
        println!("ZHIDA_SEED={seed} ZHIDA_ROUNDS={rounds}");
        Loop::new(seed, turn, &mut seen).run(rounds);
    }
    println!("{seen:?}");
    let rounds = seeds.len() as u64 * rounds;
    assert!(rounds < ROUNDS_TELLING || seen.is_enough(), "too little was met");
    assert!(rounds < ROUNDS_TELLING_ALL || seen.is_everything(), "the kills came too gently");
}

/// Whether a kill decides what becomes of the change that it waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Open,
    Decided,
}

/// What kills met, and what came of them.
#[derive(Debug, Default)]
struct Seen {
    commands: usize,
    /// Commands that a kill left without an answer, and those of them that were kept.
    unanswered: usize,
    kept: usize,
    escalated: usize,
    /// Segments that were full, snapshots that were written, starts from one.
    rolls: usize,
    snapshots: usize,
    starts_from_a_snapshot: usize,
    /// Kills while a segment was being sealed, and while a snapshot was being written.
    kills_while_sealing: usize,
    kills_while_folding: usize,
    /// Changes of the organisation that a kill left without an answer, by what the kill waited for,
    /// and by whether they were kept.
    changes_kept: [usize; 2],
    changes_lost: [usize; 2],
}

impl Seen {
    fn is_enough(&self) -> bool {
        let Self { commands, unanswered, kept, escalated, rolls, snapshots, .. } = self;
        let changes = [self.changes_kept, self.changes_lost];
        [commands, unanswered, kept, escalated, rolls, snapshots, &self.starts_from_a_snapshot]
            .into_iter()
            .chain(changes.as_flattened())
            .all(|count| *count > 0)
    }

    fn is_everything(&self) -> bool {
        let kills = [self.kills_while_sealing, self.kills_while_folding];
        self.is_enough() && kills.iter().all(|count| *count > 0)
    }

    /// Notes what one life of a server came to: what it said, and how the directory changed.
    fn life(&mut self, log: &str, born: &Files, killed: &Files) {
        self.rolls += killed.segments.difference(&born.segments).count();
        self.snapshots += log.matches(": snapshot seq=").count();
        let is_unfinished = killed.unfinished.is_some() && killed.unfinished != born.unfinished;
        self.kills_while_folding += usize::from(is_unfinished);
    }

    /// Notes what became of a change of the organisation.
    fn change(&mut self, became: Became) {
        let (counts, moment) = match became {
            Became::Answered | Became::Kept(None) | Became::Lost(None) => return,
            Became::Kept(Some(moment)) => (&mut self.changes_kept, moment),
            Became::Lost(Some(moment)) => (&mut self.changes_lost, moment),
        };
        counts[usize::from(moment == Moment::Split)] += 1;
    }

    /// Notes what a start says of the kill before it.
    fn start(&mut self, log: &str, killed: &Files) {
        self.starts_from_a_snapshot += usize::from(log.contains("begun with the snapshot"));
        let number = |end: &str, word: usize| {
            let (before, _) = log.split_once(end)?;
            before.rsplit(' ').nth(word)?.parse::<u64>().ok()
        };
        // Not closed are the last segment, unless all of it was appended again, and those that were
        // still being sealed.
        let last = killed.segments.last().and_then(|name| number_of(name));
        let is_last_kept = number(" were appended again", 2) > last;
        let unclean = number(" segments are being rewritten", 0).unwrap_or(0);
        self.kills_while_sealing += usize::from(unclean > u64::from(is_last_kept));
    }
}

/// The first event of a segment, by its name.
fn number_of(segment: &str) -> Option<u64> {
    segment.strip_prefix("journal-")?.strip_suffix(".redb")?.parse().ok()
}

/// A directory, its server, and what was sent to it over all its lives.
struct Loop<'s> {
    random: ChaCha8Rng,
    place: Place,
    server: Server,
    sent: Vec<Sent>,
    heads: Vec<String>,
    /// Which of the two ways the next change that is decided goes.
    turn: u64,
    seen: &'s mut Seen,
}

impl<'s> Loop<'s> {
    fn new(seed: u64, turn: u64, seen: &'s mut Seen) -> Self {
        let place = Place::with_city();
        std::fs::write(place.path("zhida.toml"), CONFIG).expect("written");
        Self {
            random: ChaCha8Rng::seed_from_u64(seed),
            server: place.serve(),
            place,
            sent: Vec::new(),
            heads: Vec::new(),
            turn,
            seen,
        }
    }

    fn run(mut self, rounds: u64) {
        for (round, (moment, fate)) in (0..rounds).zip(MOMENTS.into_iter().cycle()) {
            let kill = match fate {
                Fate::Open => Kill::OPEN[self.random.random_range(0..Kill::OPEN.len())],
                Fate::Decided if self.turn.is_multiple_of(2) => Kill::AtReply,
                Fate::Decided => Kill::Unread,
            };
            self.round(round, (moment, kill));
            self.turn += u64::from((round + 1).is_multiple_of(MOMENTS.len() as u64));
        }
        for _ in 0..200.min(self.sent.len()) {
            let one = &self.sent[self.random.random_range(0..self.sent.len())];
            assert_eq!(ask(&mut self.server.connect(), one), Ok(()));
        }
        self.server.term();
        verify_stopped(&self.place, &self.heads);
        let is_kept = |one: &&Sent| one.verb == Verb::Escalate && one.answer.is_some();
        self.seen.escalated += self.sent.iter().filter(is_kept).count();
        self.seen.commands += self.sent.len();
    }

    fn round(&mut self, round: u64, moment: (Moment, Kill)) {
        let Self { random, place, server, sent, heads, seen, .. } = self;
        let born = Files::of(&place.data());
        let fuse = Fuse::new(server, place.data(), random.random_range(1..600), moment);
        let first_new = sent.len();
        let (written, mut villages) = write_until_killed(server, &fuse, round, random.random());
        sent.extend(written);
        let ended = server.kill();
        assert!(ended.status.code().is_none(), "it was killed: {ended:?}");
        let killed = Files::of(&place.data());
        seen.life(&ended.stderr, &born, &killed);

        if round % 3 == 2 {
            heads.push(verify_stopped(place, heads));
        }
        *server = place.serve();
        seen.start(&server.log(), &killed);
        let mut connection = server.connect();
        let events = feed(&mut connection);
        let checked = compare(sent, &events, false);
        assert_eq!(checked, Ok(()), "round {round}");
        for village in &mut villages {
            seen.change(village.check(&mut connection, &events));
            village.settle(&mut connection);
            sent.append(&mut village.reports);
        }
        for one in &sent[first_new..] {
            assert_eq!(ask(&mut connection, one), Ok(()), "round {round}");
        }

        let waiting: Vec<&mut Sent> =
            sent[first_new..].iter_mut().filter(|one| one.answer.is_none()).collect();
        seen.unanswered += waiting.len();
        seen.kept += resubmit(server, waiting, events.len() as u64);
        let checked = compare(sent, &feed(&mut connection), true);
        assert_eq!(checked, Ok(()), "round {round}, after what was unanswered came again");
        heads.push(server.zhida(&["verify"]).ok().trim_end().to_string());
    }
}

fn write_until_killed(
    server: &Server,
    fuse: &Fuse,
    round: u64,
    seed: u64,
) -> (Vec<Sent>, Vec<Village>) {
    std::thread::scope(|scope| {
        let first = round * VILLAGES_A_ROUND;
        let villages = scope.spawn(move || reshape::work(&mut server.connect(), fuse, first));
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
        let sent = writers.into_iter().flat_map(|writer| writer.join().expect("writes")).collect();
        (sent, villages.join().expect("writes"))
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
            for (verb, by) in self.draw_life(&report) {
                let next = Sent::follows(&report, verb, &by, json!(answer.case));
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
                let life = self.draw_life(&report);
                self.sent.push(report.clone());
                let of_report = json!({ "key": report.key });
                self.sent.extend(
                    life.into_iter()
                        .map(|(verb, by)| Sent::follows(&report, verb, &by, of_report.clone())),
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
        Sent::report(format!("{}-{number}", self.name), verb, GRIDS[grid])
    }

    /// What follows a report, and who does it: some go one level up first.
    fn draw_life(&mut self, report: &Sent) -> Vec<(Verb, String)> {
        if report.verb != Verb::Report {
            return Vec::new();
        }
        let is_escalated = self.random.random_bool(0.3);
        let (up, holder) = if is_escalated {
            (Some((Verb::Escalate, report.by.clone())), VILLAGE)
        } else {
            (None, &*report.by)
        };
        let moves =
            [Verb::Acknowledge, Verb::Handle, Verb::Close].map(|verb| (verb, holder.to_string()));
        let length = self.random.random_range(0..=moves.len());
        up.into_iter().chain(moves.into_iter().take(length)).collect()
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
