//! What the commands do, print, and refuse: over HTTP to a running server, and with --dir on the
//! directory of a stopped one, with the same result.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::Path;

use serde_json::Value as Json;
use zhida::domain::event::Event;
use zhida::domain::ids::Seq;
use zhida::journal::Value;
use zhida::journal::store::StoppedStore;

use crate::http::Connection;
use crate::ledger::{Answer, Sent, Verb, ask, compare, feed};
use crate::world::{Ended, GRIDS, Place, Server, catalogue, copy_dir, units, zhida};

/// Whom a command speaks to.
enum Whom<'p> {
    Running(&'p Server),
    Stopped(&'p Place),
}

impl Whom<'_> {
    fn zhida(&self, arguments: &[&str]) -> Ended {
        match self {
            Self::Running(server) => server.zhida(arguments),
            Self::Stopped(place) => place.zhida(arguments),
        }
    }
}

#[test]
fn administration_gives_the_same_over_http_and_on_a_stopped_directory() {
    let over_http = fresh();
    let mut server = over_http.serve();
    administer(&over_http, &Whom::Running(&server));
    server.term();
    let with_dir = fresh();
    administer(&with_dir, &Whom::Stopped(&with_dir));
    // What each journal says is the same, but for times and numbers of events before.
    let told = |place: &Place| {
        let lines = place.zhida(&["inspect"]).ok();
        let events = lines.lines().map(|line| serde_json::from_str(line).expect("JSON"));
        events
            .map(|mut event: Json| {
                event.as_object_mut().expect("an object").remove("at");
                event["data"].as_object_mut().expect("an object").remove("old_ends_at");
                // It names the file as it was given: another directory in each world.
                if let Some(origin) = event["data"]["origin"].as_str() {
                    let name = origin.rsplit('/').next().expect("a name").to_string();
                    event["data"]["origin"] = name.into();
                }
                event
            })
            .collect::<Vec<_>>()
    };
    assert_eq!(told(&over_http), told(&with_dir));
}

/// A directory that a first start made, stopped.
fn fresh() -> Place {
    let place = Place::empty();
    place.serve().term();
    std::fs::write(place.path("units.ndjson"), units()).expect("written");
    place
}

fn administer(place: &Place, whom: &Whom<'_>) {
    let file = place.path("units.ndjson");
    let imported = whom.zhida(&["import", file.to_str().expect("UTF-8")]);
    assert_eq!(imported.stdout, "", "{imported:?}");
    assert!(imported.stderr.contains("8 units are in force"), "{imported:?}");
    let applied = whom.zhida(&["config", "apply", catalogue().to_str().expect("UTF-8")]);
    assert_eq!(applied.code(), 0, "{applied:?}");
    assert_eq!(applied.stdout, "");
    assert_eq!(applied.stderr.lines().filter(|line| line.starts_with("+ ")).count(), 62);
    let again = whom.zhida(&["config", "diff", catalogue().to_str().expect("UTF-8")]);
    assert_eq!((again.code(), &*again.stdout), (0, ""), "{again:?}");

    let within = ["--within", "411502001000", "--within", "411502001000"];
    let create = [&["token", "create", "hotline", "--scope", "intake,read"], &within[..]].concat();
    let created = whom.zhida(&create);
    assert!(created.stderr.contains("hotline"), "{created:?}");
    let token = created.ok();
    assert_eq!(token.lines().count(), 1);
    assert!(token.trim().bytes().all(|byte| byte.is_ascii_graphic()), "{token}");
    let said = whom.zhida(&["token", "create", "hotline", "--scope", "read"]).refused(5);
    assert!(said.contains("client_name_taken"), "{said}");
    let said = whom.zhida(&["token", "create", "x", "--scope", "read", "--within", "the-north"]);
    assert_eq!((said.code(), &*said.stdout), (5, ""), "{said:?}");

    let list: Json = serde_json::from_str(&whom.zhida(&["token", "list"]).ok()).expect("JSON");
    let names: Vec<_> = list["clients"].as_array().expect("rows").iter().collect();
    assert_eq!(names.len(), 2, "{list}");
    assert_eq!((&names[1]["name"], &names[1]["revoked"]), (&"hotline".into(), &false.into()));
    assert!(!list.to_string().contains(token.trim()));
    if let Whom::Running(server) = whom {
        let mut connection = Connection::open(server.address, token.trim()).expect("open");
        assert_eq!(connection.get("/v1/build").expect("a reply").status, 200);
    }
    let rotated = whom.zhida(&["token", "rotate", "hotline", "--overlap-hours", "0"]).ok();
    assert_ne!(rotated, token);
    if let Whom::Running(server) = whom {
        let status = |token: &str| {
            let mut connection = Connection::open(server.address, token.trim()).expect("open");
            connection.get("/v1/build").expect("a reply").status
        };
        assert_eq!((status(&token), status(&rotated)), (401, 200));
    }
    let change = ["token", "change", "hotline", "--scope", "read", "--quota", "600"];
    let changed = whom.zhida(&change);
    assert_eq!((changed.code(), &*changed.stdout), (0, ""), "{changed:?}");
    let list: Json = serde_json::from_str(&whom.zhida(&["token", "list"]).ok()).expect("JSON");
    assert_eq!(list["clients"][1]["quota_per_minute"], 600, "{list}");
    let said = whom.zhida(&["token", "change", "admin", "--scope", "read"]).refused(5);
    assert!(said.contains("last_admin"), "{said}");
    let revoked = whom.zhida(&["token", "revoke", "hotline"]);
    assert_eq!((revoked.code(), &*revoked.stdout), (0, ""), "{revoked:?}");
    let said = whom.zhida(&["token", "revoke", "nobody"]).refused(5);
    assert!(said.contains("client_not_found"), "{said}");
    let said = whom.zhida(&["token", "revoke", "admin"]).refused(5);
    assert!(said.contains("last_admin"), "{said}");
}

#[test]
fn the_text_of_an_import_is_in_the_journal_as_it_was_read() {
    let place = Place::empty();
    let mut server = place.serve();
    // The first is longer than one event holds.
    let padded = |line: &str| format!("{line}{}\n", " ".repeat(10_000));
    let first: String = units().lines().map(padded).collect();
    let second = units().lines().last().expect("a grid").replace(GRIDS[2], "411502001001004");
    std::fs::write(place.path("a.ndjson"), &first).expect("written");
    std::fs::write(place.path("b.ndjson"), &second).expect("written");
    let files = [place.path("a.ndjson"), place.path("b.ndjson")];
    server.zhida(&["import", files[0].to_str().unwrap(), files[1].to_str().unwrap()]).ok();
    server.zhida(&["config", "apply", catalogue().to_str().expect("UTF-8")]).ok();
    server.term();
    let catalogue = std::fs::read_to_string(catalogue()).expect("read");
    assert_eq!(staged_texts(&place), [first + &second, catalogue]);
}

#[test]
fn a_catalogue_is_compared_applied_listed_and_shown() {
    let place = Place::with_city();
    let server = place.serve();
    let text = std::fs::read_to_string(catalogue()).expect("read");
    let (first, rest) = text.split_once("[[matter]]").expect("a matter");
    let (dropped, rest) = rest.split_once("[[matter]]").expect("another");
    let code = dropped.split('"').nth(1).expect("its code");
    let changed = rest.replacen("calendar_hours = 24", "calendar_hours = 12", 1);
    let next = place.path("catalogue.toml");
    std::fs::write(&next, format!("{first}[[matter]]{changed}")).expect("written");
    let next = next.to_str().expect("UTF-8");

    let diff = server.zhida(&["config", "diff", next]);
    assert!(diff.stderr.contains("0 added, 1 changed, 1 retired"), "{diff:?}");
    assert!(diff.stdout.contains("{\"calendar_hours\":24} -> {\"calendar_hours\":12}"), "{diff:?}");
    assert!(diff.stdout.contains(&format!("- {code} ")), "{diff:?}");

    // While a case of it is open it stays; what was proposed is abandoned, and blocks nobody.
    let mut connection = server.connect();
    let mut sent = Sent::report(String::from("open"), Verb::Report, GRIDS[0]);
    let (path, body) = sent.post();
    sent.answer = Answer::of(&connection.post(&path, &sent.key, &body).expect("a reply").ok());
    for _ in 0..9 {
        let said = server.zhida(&["config", "apply", next]).refused(5);
        assert!(said.contains("matter_has_open_cases"), "{said}");
        assert!(said.contains(&format!("{code} ")) && said.contains(": 1 open cases"), "{said}");
    }
    let by = format!(r#"{{"by":"{}","reason":"重复"}}"#, GRIDS[0]);
    connection.post("/v1/cases/1/decline", "declined", &by).expect("a reply").ok();
    let applied = server.zhida(&["config", "apply", next]);
    assert!(applied.stderr.contains("61 matters are in force"), "{applied:?}");
    let shown = server.zhida(&["config", "show"]).ok();
    assert_eq!(shown, std::fs::read_to_string(next).expect("read"));
    let history = server.zhida(&["config", "history"]).ok();
    let history: Vec<&str> = history.lines().collect();
    assert_eq!(history.len(), 2, "{history:?}");
    assert!(history[0].ends_with(&format!("{next}  +0 ~1 -1")), "{history:?}");
    assert!(history[1].ends_with("+62 ~0 -0"), "{history:?}");
}

#[test]
fn what_one_proposes_another_applies_by_its_number() {
    let place = Place::with_city();
    let server = place.serve();
    let text = std::fs::read_to_string(catalogue()).expect("read");
    let changed = text.replacen("calendar_hours = 24", "calendar_hours = 12", 1);
    let next = place.path("catalogue.toml");
    std::fs::write(&next, &changed).expect("written");

    let proposed = server.zhida(&["config", "propose", next.to_str().expect("UTF-8")]);
    assert_eq!(proposed.code(), 0, "{proposed:?}");
    assert!(proposed.stdout.contains("{\"calendar_hours\":24} -> {\"calendar_hours\":12}"));
    let (_, number) = proposed.stderr.trim().rsplit_once(' ').expect("its number comes last");
    assert_eq!(server.zhida(&["config", "show"]).ok(), text, "nothing changed yet");

    server.zhida(&["config", "apply"]).refused(2);
    server.zhida(&["config", "apply", "--proposal", "99"]).refused(5);
    let applied = server.zhida(&["config", "apply", "--proposal", number]);
    assert!(applied.stderr.contains("62 matters are in force"), "{applied:?}");
    assert_eq!(server.zhida(&["config", "show"]).ok(), changed);
    server.zhida(&["config", "apply", "--proposal", number]).refused(5);
}

/// The texts that a stopped directory's journal holds, one an import.
fn staged_texts(place: &Place) -> Vec<String> {
    let (store, _) = StoppedStore::open(&place.data()).expect("opens");
    let mut texts: BTreeMap<u32, String> = BTreeMap::new();
    let mut each = |_, bytes: &[u8]| {
        for record in Value::parse(bytes).expect("a whole value").records() {
            if let Event::TextStaged(staged) = record.expect("whole").event {
                texts.entry(staged.import.0).or_default().push_str(&staged.text);
            }
        }
        ControlFlow::Continue(())
    };
    store.reader().read_from(Seq::FIRST, store.tail().seq, &mut each).expect("read");
    texts.into_values().collect()
}

#[test]
fn every_finding_of_every_file_is_printed_with_its_line_and_nothing_is_changed() {
    let place = Place::with_city();
    let (config, matters, rows) =
        (place.path("bad.toml"), place.path("catalogue-bad.toml"), place.path("bad.ndjson"));
    std::fs::write(&config, "[server]\nlisten = 5\nport = 80\n[vault]\nstep_slots = -1\n").unwrap();
    std::fs::write(&matters, "[[matter]]\ncode = \"PS 1\"\nname = \"\"\n").unwrap();
    std::fs::write(&rows, "{\"code\":\"1\",\"kind\":\"grid\",\"name\":\"x\"}\n\nnot json\n")
        .unwrap();
    let table = place.path("bad.csv");
    std::fs::write(&table, "code,kind,name\n1,grid,x\n").unwrap();
    let names = [&config, &matters, &rows, &table].map(|path| path.to_str().expect("UTF-8"));
    let said = zhida(["config", "check"].into_iter().chain(names)).refused(3);
    for place in [
        "bad.toml:2",
        "bad.toml:3",
        "bad.toml:5",
        "catalogue-bad.toml:",
        "bad.ndjson:1",
        "bad.ndjson:3",
        "bad.csv:2",
    ] {
        assert!(said.contains(place), "{place} is not named: {said}");
    }
    assert!(said.contains("hint: "), "{said}");

    let before = place.zhida(&["verify"]).ok();
    place.zhida(&["import", names[2]]).refused(3);
    place.zhida(&["config", "apply", names[1]]).refused(3);
    assert_eq!(place.zhida(&["verify"]).ok(), before);

    let good = catalogue();
    let good = zhida(["config", "check", good.to_str().expect("UTF-8"), "config/zhida.toml"]);
    assert_eq!((good.code(), &*good.stdout), (0, ""), "{good:?}");
    // A catalogue is one by what is in it, whatever it is called.
    let renamed = place.path("b.toml");
    std::fs::copy(catalogue(), &renamed).expect("copied");
    zhida(["config", "check", renamed.to_str().expect("UTF-8")]).ok();
    std::fs::write(&renamed, "[[mater]]\ncode = \"PS-001\"\n").expect("written");
    let said = zhida(["config", "check", renamed.to_str().expect("UTF-8")]).refused(3);
    assert!(said.contains("hint: did you mean 'matter'?"), "{said}");
    let said = zhida(["config", "check", "/nonexistent.toml"]).refused(1);
    assert!(said.contains("/nonexistent.toml"), "{said}");
    let said = zhida(["serve", "--config", names[0], "--dir", names[0]]).refused(2);
    assert!(said.contains("bad.toml"), "{said}");
}

/// A city with some cases, and a server on it.
fn lived_in() -> (Place, Server, Vec<Sent>) {
    let place = Place::with_city();
    let server = place.serve();
    let mut connection = server.connect();
    let mut sent = Vec::new();
    for number in 0..20 {
        let verb = if number % 4 == 0 { Verb::ReportSettled } else { Verb::Report };
        let mut one = Sent::report(format!("lived-{number}"), verb, GRIDS[0]);
        let (path, body) = one.post();
        let reply = connection.post(&path, &one.key, &body).expect("a reply").ok();
        one.answer = Answer::of(&reply);
        sent.push(one);
    }
    (place, server, sent)
}

#[test]
fn verify_prints_the_head_alone_and_knows_heads_noted_before() {
    let (place, mut server, _) = lived_in();
    let live = server.zhida(&["verify"]).ok();
    assert_eq!(live.lines().count(), 1);
    let (seq, hash) = live.trim().split_once(':').expect("SEQ:HASH");
    assert!(seq.parse::<u64>().is_ok() && hash.len() == 64, "{live}");
    server.zhida(&["token", "create", "later", "--scope", "read"]).ok();
    server.zhida(&["verify", "--head", live.trim()]).ok();
    let other = live.trim().replace(&hash[..2], if &hash[..2] == "00" { "11" } else { "00" });
    let said = server.zhida(&["verify", "--head", &other]).refused(4);
    assert!(said.contains("is not on the chain"), "{said}");
    server.term();
    assert_ne!(place.zhida(&["verify"]).ok(), live);
    place.zhida(&["verify", "--head", live.trim()]).ok();
    let said = place.zhida(&["verify", "--head", &other]).refused(4);
    assert!(said.contains("is not on the chain"), "{said}");
}

#[test]
fn commands_that_read_a_stopped_directory_change_nothing_in_it() {
    for is_killed in [false, true] {
        let (place, mut server, _) = lived_in();
        if is_killed {
            server.kill()
        } else {
            server.term()
        };
        // What a start would put in order stays as it is, too.
        std::fs::write(place.data().join("journal-next.redb"), "half").expect("written");
        std::fs::remove_file(place.data().join("ballast")).expect("removed");
        let before = files(&place);
        let out = place.path("out.bak");
        let head = place.zhida(&["verify"]).ok();
        place.zhida(&["verify", "--head", head.trim()]).ok();
        assert!(!place.zhida(&["inspect"]).ok().is_empty());
        let keys = place.path("keys");
        let keys = ["--vault", keys.to_str().expect("UTF-8")];
        let copied = place.zhida(&[&["backup", out.to_str().expect("UTF-8")], &keys[..]].concat());
        assert_eq!(copied.ok(), head);
        assert!(files(&place) == before, "killed: {is_killed}");
        place.serve();
    }
}

/// The files of its data directory with their bytes, but for the lock, which says who reads.
fn files(place: &Place) -> BTreeMap<String, Vec<u8>> {
    let entries = std::fs::read_dir(place.data()).expect("read").flatten();
    let names = entries.map(|entry| entry.file_name().into_string().expect("UTF-8"));
    let names = names.filter(|name| name != "lock");
    names
        .map(|name| (name.clone(), std::fs::read(place.data().join(name)).expect("read")))
        .collect()
}

#[test]
fn inspect_prints_what_was_asked_for_and_only_ndjson() {
    let (place, mut server, sent) = lived_in();
    let case = sent[0].answer.expect("answered").case;
    let live = server.zhida(&["inspect"]).ok();
    let told = feed(&mut server.connect());
    server.term();
    let whole = place.zhida(&["inspect"]).ok();
    assert_eq!(live, whole);
    let events = |text: &str| -> Vec<Json> {
        text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
    };
    assert_eq!(events(&whole), told, "as the feed tells them");
    assert!(!whole.contains("路灯"), "sealed texts stay sealed");
    let seqs = |text: &str| -> Vec<u64> {
        events(text).iter().map(|event| event["seq"].as_u64().expect("a seq")).collect()
    };
    let part = place.zhida(&["inspect", "--from", "3", "--through", "5"]).ok();
    assert_eq!(seqs(&part), [3, 4, 5]);
    let of_case = place.zhida(&["inspect", "--case", &case.to_string()]).ok();
    assert_eq!(events(&of_case).len(), 2);
    assert!(events(&of_case).iter().all(|event| event["case"] == case));
    assert_eq!(place.zhida(&["inspect", "--case", "99999"]).ok(), "");
    assert_eq!(place.zhida(&["inspect", "--from", "99999"]).ok(), "");
}

#[test]
fn a_backup_is_the_same_running_or_stopped_and_comes_back_to_life() {
    let (place, mut server, sent) = lived_in();
    let path = |name: &str| place.path(name).to_str().expect("UTF-8").to_string();
    let (live, stopped) = (path("live.bak"), path("stopped.bak"));
    let data = path("data");
    let url = server.url();
    let running = zhida(["backup", &live, "--url", &url, "--dir", &data, "--vault", &path("keys")]);
    let head = running.ok();
    server.term();
    assert_eq!(zhida(["backup", &stopped, "--dir", &data]).ok(), head);
    assert_eq!(std::fs::read(&live).expect("read"), std::fs::read(&stopped).expect("read"));
    assert_eq!(place.zhida(&["verify"]).ok(), head);

    let said = zhida(["backup", &live, "--dir", &data]).refused(1);
    assert!(said.contains("live.bak") && said.contains("exist"), "{said}");
    let said =
        zhida(["backup", &path("x.bak"), "--dir", &data, "--vault", &path("keys")]).refused(2);
    assert!(said.contains("keys"), "{said}");
    assert!(!Path::new(&path("x.bak")).exists(), "a refused backup leaves nothing behind");

    let restored = Place::empty();
    let dir = restored.data();
    let dir = dir.to_str().expect("UTF-8");
    assert_eq!(zhida(["restore", &live, dir, "--vault", &path("keys")]).ok(), head);
    assert_eq!(zhida(["verify", "--dir", dir, "--head", head.trim()]).ok(), head);
    std::fs::copy(place.data().join("admin-token"), restored.data().join("admin-token")).unwrap();
    let again = restored.serve();
    let mut connection = again.connect();
    assert_eq!(compare(&sent, &feed(&mut connection), true), Ok(()));
    for one in &sent {
        assert_eq!(ask(&mut connection, one), Ok(()));
    }
}

#[test]
fn a_restore_without_its_vault_or_of_half_a_backup_is_refused_and_leaves_nothing() {
    let (place, mut server, _) = lived_in();
    server.term();
    let path = |name: &str| place.path(name).to_str().expect("UTF-8").to_string();
    let (backup, keys) = (path("a.bak"), path("keys"));
    zhida(["backup", &backup, "--dir", &path("data"), "--vault", &keys]).ok();
    // Vaults: none, another city's, one that is older than the journal.
    let (other, _other_server, _) = lived_in();
    let (stranger, older) = (path("stranger"), path("older"));
    copy_vault(&other.data(), Path::new(&stranger));
    copy_vault(Path::new(&keys), Path::new(&older));
    let cut = std::fs::File::options().write(true).open(Path::new(&older).join("vault")).unwrap();
    cut.set_len(32 * 5).unwrap();
    let whole = std::fs::read(&backup).unwrap();
    std::fs::write(path("half.bak"), &whole[..whole.len() / 2]).unwrap();
    std::fs::write(path("no.bak"), b"something else entirely").unwrap();
    let mut flipped = whole.clone();
    flipped[whole.len() / 2] ^= 1;
    std::fs::write(path("flipped.bak"), flipped).unwrap();

    let rows = [
        (&backup, &path("nowhere"), 2, "there is no vault in"),
        (&backup, &stranger, 4, "does not open"),
        (&backup, &older, 4, "ends at slot"),
        (&path("half.bak"), &keys, 4, "is cut off"),
        (&path("no.bak"), &keys, 4, "is no backup"),
        (&path("flipped.bak"), &keys, 4, "event "),
        (&path("missing.bak"), &keys, 1, "missing.bak"),
    ];
    for (backup, vault, code, expected) in rows {
        let said = zhida(["restore", backup, &path("new"), "--vault", vault]).refused(code);
        assert!(said.contains(expected), "{said}");
        assert!(!Path::new(&path("new")).exists(), "{backup}: half a directory is left");
    }
    zhida(["restore", &backup, &path("new")]).refused(2);
    let said = zhida(["restore", &backup, &path("data"), "--vault", &keys]).refused(2);
    assert!(said.contains("exists"), "{said}");
    zhida(["restore", &backup, &path("new"), "--vault", &keys]).ok();
}

fn copy_vault(from: &Path, to: &Path) {
    let whole = tempfile::tempdir().expect("made");
    copy_dir(from, whole.path());
    std::fs::create_dir_all(to).expect("made");
    std::fs::copy(whole.path().join("vault"), to.join("vault")).expect("copied");
}
