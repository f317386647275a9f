//! Damage from outside on a stopped directory: flipped bits, cut files, missing files.
//!
//! What may come of it: the start refuses with exit code 4 and says where; or the server starts
//! with everything that was acknowledged; or it starts and a read, or `zhida verify`, names the
//! damage. Never a silent loss, never a panic.
//!
//! ZHIDA_DAMAGES sets how many are drawn for each kind of file, ZHIDA_SEED the seed.

use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::OnceLock;

use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::Value;

use crate::kill::number;
use crate::ledger::{Answer, Sent, Verb, ask, compare, try_feed};
use crate::world::{GRIDS, Place, copy_dir};

const CASES: u64 = 6_000;
const ASKED: usize = 12;

/// Two directories with the same acknowledged commands: one closed cleanly, one of a killed server.
struct Kept {
    closed: Place,
    killed: Place,
    sent: Vec<Sent>,
    head: String,
}

/// What is done to a file.
#[derive(Clone, Copy, Debug)]
enum Damage {
    Flip { offset: u64, bit: u8 },
    Cut { to: u64 },
    Zero { offset: u64, bytes: u64 },
    Remove,
}

/// A directory, what is done to it, and what may come of it.
type Row<'d> = (&'d Place, &'d [(&'d str, Damage)], &'d [Verdict]);

/// What came of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Verdict {
    Refused,
    Recovered,
    Named,
}

#[test]
fn damage_is_refused_mended_or_named_and_never_passed_over() {
    let (seed, each) = (number("ZHIDA_SEED", 6), number("ZHIDA_DAMAGES", 1));
    println!("ZHIDA_SEED={seed} ZHIDA_DAMAGES={each}");
    let kept = kept();
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut cases = Vec::new();
    for base in [&kept.closed, &kept.killed] {
        for file in files(&base.data()) {
            let length = std::fs::metadata(base.data().join(&file)).unwrap().len();
            if length == 0 {
                continue;
            }
            // A vault is mostly slots that nothing is sealed under yet.
            let used = if file == "vault" { 32 * 2_000 } else { length };
            for _ in 0..each {
                let offset = random.random_range(0..used);
                let bit = random.random_range(0..8);
                cases.push((base, file.clone(), Damage::Flip { offset, bit }));
                cases.push((base, file.clone(), Damage::Cut { to: random.random_range(0..used) }));
            }
            let offset = random.random_range(0..used);
            cases.push((base, file.clone(), Damage::Zero { offset, bytes: 4_096 }));
            cases.push((base, file.clone(), Damage::Remove));
        }
    }
    let mut counts: BTreeMap<(String, Verdict), u32> = BTreeMap::new();
    for (base, file, damage) in cases {
        let asked: Vec<&Sent> = kept.sent.sample(&mut random, ASKED).collect();
        let verdict = judge(kept, base, &[(&file, damage)], &asked);
        *counts.entry((kind_of(&file), verdict)).or_default() += 1;
    }
    println!("{counts:#?}");
    for verdict in [Verdict::Refused, Verdict::Recovered, Verdict::Named] {
        assert!(counts.keys().any(|(_, found)| *found == verdict), "no damage came to {verdict:?}");
    }
}

#[test]
fn chosen_damage_comes_to_what_it_must() {
    use Damage::{Cut, Flip, Remove, Zero};
    use Verdict::{Named, Recovered, Refused};
    let kept = kept();
    let names = files(&kept.closed.data());
    let segments: Vec<&str> = names.iter().map(|n| &**n).filter(|n| n.contains(".redb")).collect();
    let (first, last) = (segments[0], segments[segments.len() - 1]);
    let snapshot = names.iter().map(|n| &**n).find(|n| n.starts_with("snapshot-"));
    let snapshot = snapshot.expect("a snapshot");
    let sealed_part = Flip { offset: 32 * 40 + 5, bit: 1 };
    let table: &[Row<'_>] = &[
        (&kept.closed, &[(first, Flip { offset: 0, bit: 0 })], &[Refused, Named]),
        (&kept.closed, &[(first, Flip { offset: 500_000, bit: 3 })], &[Refused, Named]),
        (&kept.closed, &[(first, Cut { to: 4_096 })], &[Refused, Named]),
        (&kept.closed, &[(first, Remove)], &[Refused]),
        (&kept.closed, &[(segments[1], Remove)], &[Refused]),
        (&kept.closed, &[(last, Remove)], &[Refused]),
        (&kept.killed, &[(last, Remove)], &[Refused]),
        (&kept.killed, &[(last, Cut { to: 0 })], &[Refused]),
        (&kept.closed, &[("acknowledged", Remove)], &[Recovered]),
        (&kept.closed, &[("acknowledged", Flip { offset: 9, bit: 0 })], &[Recovered]),
        (&kept.killed, &[("acknowledged", Remove)], &[Recovered]),
        (&kept.killed, &[("acknowledged", Cut { to: 0 })], &[Recovered]),
        (&kept.closed, &[("closed", Remove)], &[Recovered]),
        (&kept.closed, &[("closed", Flip { offset: 12, bit: 0 })], &[Recovered]),
        (&kept.closed, &[("closed", Cut { to: 20 })], &[Recovered]),
        (&kept.closed, &[("format", Remove)], &[Refused]),
        (&kept.closed, &[("format", Flip { offset: 3, bit: 0 })], &[Refused]),
        (&kept.closed, &[("vault", Remove)], &[Refused]),
        (&kept.closed, &[("vault", Cut { to: 32 * 100 })], &[Refused]),
        (&kept.closed, &[("vault", Cut { to: 7 })], &[Refused]),
        (&kept.closed, &[("vault", sealed_part)], &[Named]),
        (&kept.closed, &[("vault", Zero { offset: 32 * 40, bytes: 32 })], &[Named]),
        (&kept.closed, &[(snapshot, Remove)], &[Recovered]),
        (&kept.closed, &[(snapshot, Cut { to: 100 })], &[Recovered]),
        (&kept.closed, &[(snapshot, Flip { offset: 70, bit: 2 })], &[Recovered]),
        (&kept.closed, &[("ballast", Remove)], &[Recovered]),
        (&kept.closed, &[("lock", Remove)], &[Recovered]),
    ];
    let asked: Vec<&Sent> = kept.sent.iter().step_by(kept.sent.len() / ASKED).collect();
    for (base, damages, allowed) in table {
        let verdict = judge(kept, base, damages, &asked);
        assert!(allowed.contains(&verdict), "{damages:?} came to {verdict:?}");
    }
}

/// Damages a copy of `base`, starts a server on it, and looks what became of the ledger.
fn judge(kept: &Kept, base: &Place, damages: &[(&str, Damage)], asked: &[&Sent]) -> Verdict {
    let what = format!("{damages:?}");
    let place = Place::like(&base.data());
    for (file, damage) in damages {
        damage.apply(&place.data().join(file));
    }
    let mut server = match place.try_serve() {
        Ok(server) => server,
        Err(ended) => {
            assert_eq!(ended.code(), 4, "{what}: {ended:?}");
            let message = ended.stderr.lines().find(|line| line.starts_with("zhida: "));
            let message = message.unwrap_or_else(|| panic!("{what}: no message: {ended:?}"));
            eprintln!("{what}\n  {message}");
            let names_it = damages.iter().any(|(file, _)| message.contains(file));
            assert!(names_it || message.contains("event"), "{what}: says not where: {message}");
            return Verdict::Refused;
        }
    };
    let mut connection = server.connect();
    let mut found = try_feed(&mut connection).and_then(|events| compare(&kept.sent, &events, true));
    for one in asked {
        found = found.and_then(|()| ask(&mut connection, one));
    }
    server.term();
    let verified = place.zhida(&["verify", "--head", &kept.head]);
    assert!(!verified.stderr.contains("panicked"), "{what}: {verified:?}");
    match (found, verified.code()) {
        (Ok(()), 0) => Verdict::Recovered,
        (found, 4) => {
            eprintln!("{what}\n  {found:?}\n  {}", verified.stderr.trim_end());
            assert!(verified.stderr.contains("event"), "{what}: {verified:?}");
            Verdict::Named
        }
        (found, code) => panic!("{what}: verify ends with {code}, and yet {found:?}: {verified:?}"),
    }
}

impl Damage {
    fn apply(self, path: &Path) {
        let open = || OpenOptions::new().read(true).write(true).open(path).expect("it is there");
        match self {
            Self::Flip { offset, bit } => {
                let mut byte = [0];
                open().read_exact_at(&mut byte, offset).expect("within the file");
                open().write_all_at(&[byte[0] ^ 1 << bit], offset).expect("written");
            }
            Self::Cut { to } => open().set_len(to).expect("cut"),
            Self::Zero { offset, bytes } => {
                let length = open().metadata().expect("known").len();
                let bytes = bytes.min(length - offset);
                let zeros = vec![0; usize::try_from(bytes).expect("small")];
                open().write_all_at(&zeros, offset).expect("written");
            }
            Self::Remove => std::fs::remove_file(path).expect("removed"),
        }
    }
}

/// Its files, but for the token, which is the operator's.
fn files(data: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(data).expect("read").flatten();
    let names = entries.map(|entry| entry.file_name().into_string().expect("UTF-8"));
    let mut names: Vec<_> = names.filter(|name| name != "admin-token").collect();
    names.sort();
    names
}

fn kind_of(file: &str) -> String {
    file.split('-').next().unwrap_or(file).to_string()
}

fn kept() -> &'static Kept {
    static KEPT: OnceLock<Kept> = OnceLock::new();
    KEPT.get_or_init(|| {
        let closed = Place::with_city();
        let mut server = closed.serve();
        let mut connection = server.connect();
        let mut sent: Vec<Sent> = Vec::new();
        let segments =
            || files(&closed.data()).iter().filter(|n| n.starts_with("journal-0")).count();
        for part in 0.. {
            // On a busy machine the segments are sealed slowly, and grow meanwhile.
            if part >= 4 && segments() > 2 {
                break;
            }
            let first = sent.len();
            for case in 0..CASES / 4 {
                let verb = if case % 5 == 0 { Verb::ReportSettled } else { Verb::Report };
                sent.push(Sent::report(format!("d{part}-{case}"), verb, GRIDS[0]));
            }
            let lines: String = sent[first..].iter().map(Sent::line).collect();
            let mut answers = sent[first..].iter_mut();
            let ended = connection.commands(&lines, &mut |line| {
                let result: Value = serde_json::from_str(line).expect("a result");
                answers.next().expect("a line").answer = Answer::of(&result);
            });
            assert_eq!(ended.expect("answered"), 200);
        }
        assert!(sent.iter().all(|one| one.answer.is_some()));
        wait_for_snapshot(&closed.data(), &mut connection);
        // A kill leaves just what lies there while the process stands still.
        let killed = Place::empty();
        server.signal(rustix::process::Signal::STOP);
        copy_dir(&closed.data(), &killed.data());
        server.signal(rustix::process::Signal::CONT);
        server.term();
        let head = closed.zhida(&["verify"]).ok().trim_end().to_string();
        let names = files(&closed.data());
        assert!(names.iter().filter(|name| name.contains(".redb")).count() > 2, "{names:?}");
        Kept { closed, killed, sent, head }
    })
}

fn wait_for_snapshot(data: &Path, connection: &mut crate::http::Connection) {
    let is_there = || files(data).iter().any(|n| n.starts_with("snapshot-0"));
    for _ in 0..60 {
        if is_there() {
            return;
        }
        let end = connection.get("/healthz").expect("a reply").ok()["seq"].clone();
        connection.get(&format!("/v1/events?after={end}&wait=1")).expect("a reply");
    }
    panic!("no snapshot within a minute: {:?}", files(data));
}
