//! What goes wrong around a server: another one, a full disk, a clock that was set back, a stop in
//! the middle of everything, a port that is taken.

use std::io::{BufRead as _, BufReader, Read as _};
use std::net::TcpListener;
use std::process::Stdio;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use zhida::domain::event::{ClockMode, Event, JournalOpened};
use zhida::domain::ids::{PrincipalId, Seq, Timestamp};
use zhida::domain::record::{Actor, Record};
use zhida::journal::store::{Store, StoreOptions};
use zhida::journal::{Head, Journal, Turn};

use crate::disk::SmallDisk;
use crate::ledger::{Answer, Sent, Verb, ask, compare, feed};
use crate::world::{GRIDS, Place, SMALL, Server, command, ended, zhida};

#[test]
fn a_second_process_on_the_directory_is_refused_by_name() {
    let place = Place::with_city();
    let server = place.serve();
    let pid = server.pid().as_raw_nonzero().to_string();
    for again in [ended(command(place.serve_arguments())), place.zhida(&["verify"])] {
        let said = again.refused(1);
        assert!(said.contains(&format!("in use by process {pid}")), "{said}");
        assert!(said.contains("--url"), "{said}");
    }
    server.connect().get("/v1/counts").expect("a reply").ok();
}

#[test]
fn of_two_quick_starts_one_serves() {
    let place = Place::with_city();
    let starts = std::thread::scope(|scope| {
        let starts: Vec<_> = (0..2).map(|_| scope.spawn(|| place.try_serve())).collect();
        starts.into_iter().map(|start| start.join().expect("started")).collect::<Vec<_>>()
    });
    let (serving, refused): (Vec<_>, Vec<_>) = starts.into_iter().partition(Result::is_ok);
    assert_eq!((serving.len(), refused.len()), (1, 1));
    for start in refused.into_iter().filter_map(Result::err) {
        assert_eq!(start.code(), 1, "{start:?}");
        assert!(start.stderr.contains("in use by process"), "{start:?}");
    }
    let mut first = serving.into_iter().find_map(Result::ok).expect("one");
    first.kill();
    // The directory and the port are free at once.
    let mut arguments = place.serve_arguments();
    let listen = arguments.iter().position(|argument| argument == "127.0.0.1:0").expect("there");
    arguments[listen] = first.address.to_string();
    let again = Server::start(command(arguments), place.data());
    assert!(again.is_ok());
}

#[test]
fn a_directory_of_another_format_is_refused_and_left_alone() {
    let place = Place::with_city();
    std::fs::write(place.data().join("format"), "zhida journal format 7\n").expect("written");
    for refused in [place.try_serve().err().expect("refused"), place.zhida(&["verify"])] {
        assert_eq!(refused.code(), 4, "{refused:?}");
        assert!(refused.stderr.contains("format 7"), "{refused:?}");
    }
    let format = std::fs::read_to_string(place.data().join("format")).expect("there");
    assert_eq!(format, "zhida journal format 7\n");
}

#[test]
fn commands_make_no_directory_by_a_slip() {
    let place = Place::empty();
    std::fs::create_dir(place.path("foreign")).expect("made");
    std::fs::write(place.path("foreign/notes.txt"), "mine").expect("written");
    for name in ["nowhere", "foreign"] {
        let dir = place.path(name);
        let dir = dir.to_str().expect("UTF-8");
        let create = &["token", "create", "x", "--scope", "read"];
        for words in [&["verify"][..], &["inspect"], &["token", "list"], create] {
            let said = zhida(words.iter().copied().chain(["--dir", dir])).refused(2);
            assert!(said.contains("is no data directory"), "{said}");
        }
    }
    assert!(!place.path("nowhere").exists());
    assert_eq!(std::fs::read_dir(place.path("foreign")).expect("read").count(), 1);
}

#[test]
fn a_taken_port_ends_the_start_with_its_name() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("bound");
    let address = taken.local_addr().expect("known").to_string();
    let place = Place::with_city();
    let arguments = place.serve_arguments().into_iter();
    let arguments = arguments
        .map(|argument| if argument == "127.0.0.1:0" { address.clone() } else { argument });
    let said = ended(command(arguments)).refused(1);
    assert!(said.contains(&address) && said.contains("--listen"), "{said}");
    place.serve();
}

#[test]
fn a_token_that_cannot_be_read_and_a_server_that_is_not_there_are_told() {
    let place = Place::with_city();
    let server = place.serve();
    let missing = place.path("no-token");
    let rows = [
        (server.url(), missing.to_str().expect("UTF-8").to_string(), 1, "no-token"),
        (server.url(), place.data().to_str().expect("UTF-8").to_string(), 1, "read the token"),
        (server.url(), place.path("zhida.toml").to_str().expect("UTF-8").to_string(), 2, "token"),
        (
            "http://127.0.0.1:1".into(),
            server.token_file().to_str().unwrap().into(),
            1,
            "zhida serve",
        ),
        ("localhost".into(), server.token_file().to_str().unwrap().into(), 2, "http://host:port"),
    ];
    for (url, token, code, expected) in rows {
        let said = zhida(["token", "list", "--url", &url, "--token-file", &token]).refused(code);
        assert!(said.contains(expected), "{said}");
    }
    std::fs::write(place.path("stranger"), "zt_of_somebody_else").expect("written");
    let stranger = place.path("stranger");
    let stranger = stranger.to_str().expect("UTF-8");
    let said =
        zhida(["token", "list", "--url", &server.url(), "--token-file", stranger]).refused(5);
    assert!(said.contains("token_unknown"), "{said}");
}

#[test]
fn a_journal_keeps_the_clock_that_it_was_begun_with() {
    let place = Place::with_city();
    let mut arguments = place.serve_arguments();
    arguments.extend(["--clock".into(), "driven".into()]);
    let said = ended(command(arguments)).refused(2);
    assert!(said.contains("clock") && said.contains("hint"), "{said}");
}

#[test]
fn a_system_clock_behind_the_journal_is_refused_with_a_sentence() {
    let place = Place::empty();
    std::fs::create_dir(place.data()).expect("made");
    let (mut store, _) = Store::open(&StoreOptions::at(place.data())).expect("opened");
    let mut turn = Turn::after(Head::GENESIS, ClockMode::System);
    turn.push(&Record {
        seq: Seq::FIRST,
        // 2100-01-01T00:00:00Z
        at: Timestamp(4_102_444_800_000),
        actor: Actor { principal: PrincipalId::SYSTEM, unit: None, seat: None, acting_for: None },
        previous: None,
        outcome: None,
        event: Event::JournalOpened(JournalOpened { journal_id: 1, clock_mode: ClockMode::System }),
    });
    turn.seal();
    store.append(&turn).expect("appended");
    store.close().expect("closed");
    // Its vault, as the start that wrote the first event would have made it.
    let made = Place::with_city();
    std::fs::copy(made.data().join("vault"), place.data().join("vault")).expect("copied");
    let refused = place.try_serve().err().expect("refused");
    assert_eq!(refused.code(), 1, "{refused:?}");
    assert!(refused.stderr.contains("clock is"), "{refused:?}");
    assert!(refused.stderr.contains("clock.behind_max"), "{refused:?}");
    place.zhida(&["verify"]).ok();
}

#[test]
fn sigterm_drains_what_is_open_and_ends() {
    let place = Place::with_city();
    let mut server = place.serve();
    let mut idle = server.connect();
    let mut half = server.connect();
    half.raw(b"POST /v1/cases HTTP/1.1\r\nHost: z\r\nContent-Le").expect("sent");

    // An open body: its head and two lines came, and their answers were read.
    let mut open = server.connect();
    let mut sent: Vec<Sent> =
        (0..2).map(|n| Sent::report(format!("open-{n}"), Verb::Report, GRIDS[n])).collect();
    let head = format!(
        "POST /v1/commands HTTP/1.1\r\nHost: z\r\nAuthorization: Bearer {}\r\n\
         Content-Type: application/x-ndjson\r\nTransfer-Encoding: chunked\r\n\r\n",
        open.token()
    );
    open.raw(head.as_bytes()).expect("sent");
    for one in &sent {
        let line = one.line();
        open.raw(format!("{:x}\r\n{line}\r\n", line.len()).as_bytes()).expect("sent");
    }
    let mut lines = Vec::new();
    open.stream_lines(sent.len(), &mut lines).expect("two answers");
    for (one, line) in sent.iter_mut().zip(&lines) {
        let line: Value = serde_json::from_str(line).expect("a result");
        one.answer = Answer::of(&line);
        assert!(one.answer.is_some(), "{line}");
    }

    // Readers at the very end: nothing comes for them any more. One thread serves all, so that once
    // it has answered twice what came later, it has read what they ask.
    let end = idle.get("/healthz").expect("a reply").ok()["seq"].clone();
    let mut readers = [server.connect(), server.connect()];
    for waiting in &mut readers {
        waiting.get("/healthz").expect("a reply").ok();
        let path = format!("/v1/events?after={end}&wait=60");
        waiting.send("GET", &path, &[], b"").expect("sent");
    }
    for _ in 0..2 {
        assert_eq!(idle.get("/healthz").expect("a reply").ok()["seq"], end, "nothing came");
    }

    // They are let go at the stop, while the body is still open: only the bound on draining ends that.
    server.signal(Signal::TERM);
    for mut waiting in readers {
        let page = waiting.reply().expect("an answer, whole").ok();
        assert_eq!((&page["events"], &page["last_seq"]), (&json!([]), &end), "{page}");
    }
    let ended = server.wait();
    assert_eq!(ended.code(), 0, "{ended:?}");
    assert!(ended.stderr.contains("stopped"), "{ended:?}");

    let server = place.serve();
    let mut connection = server.connect();
    assert!(server.log().contains("closed cleanly"), "{}", server.log());
    assert_eq!(compare(&sent, &feed(&mut connection), true), Ok(()));
}

#[test]
fn sigterm_ends_a_recovery_and_the_next_start_has_everything() {
    let place = Place::with_city();
    let mut server = place.serve();
    let mut sent: Vec<Sent> =
        (0..4_000).map(|n| Sent::report(format!("long-{n}"), Verb::Report, GRIDS[0])).collect();
    let lines: String = sent.iter().map(Sent::line).collect();
    let mut answers = sent.iter_mut();
    let ended = server.connect().commands(&lines, &mut |line| {
        let line: Value = serde_json::from_str(line).expect("a result");
        answers.next().expect("a line").answer = Answer::of(&line);
    });
    assert_eq!(ended.expect("answered"), 200);
    server.kill();

    // When the signal comes is the machine's affair: in the middle, now and then behind it.
    let mut said = String::new();
    for _ in 0..50 {
        for snapshot in std::fs::read_dir(place.data()).expect("read").flatten() {
            if snapshot.file_name().to_string_lossy().starts_with("snapshot-") {
                std::fs::remove_file(snapshot.path()).expect("removed");
            }
        }
        let mut start = command(place.serve_arguments());
        let mut start = start.stderr(Stdio::piped()).spawn().expect("the program starts");
        let mut stderr = BufReader::new(start.stderr.take().expect("piped"));
        said.clear();
        while !said.contains("the journal was") {
            assert_ne!(stderr.read_line(&mut said).expect("read"), 0, "it ended: {said}");
        }
        kill_process(Pid::from_child(&start), Signal::TERM).expect("it lives");
        stderr.read_to_string(&mut said).expect("read");
        assert_eq!(start.wait().expect("waited for").code(), Some(0), "{said}");
        if said.contains("stopped during the start") {
            break;
        }
        assert!(said.contains("stopped"), "{said}");
    }
    assert!(said.contains("stopped during the start"), "no signal came in the middle: {said}");
    assert!(!said.contains(" serving "), "{said}");
    let server = place.serve();
    assert_eq!(compare(&sent, &feed(&mut server.connect()), true), Ok(()));
}

#[test]
fn a_server_that_nobody_writes_to_says_that_room_runs_out() {
    let place = Place::with_city();
    let config = SMALL.replace("free_bytes_min = \"1MiB\"", "free_bytes_min = \"1000TiB\"");
    assert_ne!(config, SMALL);
    std::fs::write(place.path("zhida.toml"), config).expect("written");
    let server = place.serve();
    let mut connection = server.connect();
    let mut said = Value::Null;
    for _ in 0..60 {
        said = connection.get("/healthz").expect("a reply").ok();
        if said["storage"] != "good" {
            break;
        }
        let end = connection.get("/healthz").expect("a reply").ok()["seq"].clone();
        connection.get(&format!("/v1/events?after={end}&wait=1")).expect("a reply");
    }
    assert_eq!((&said["storage"], &said["status"]), (&"low".into(), &"degraded".into()), "{said}");
}

#[test]
fn a_full_disk_refuses_with_507_reads_go_on_and_it_recovers_by_itself() {
    let place = Place::with_city();
    let Some(disk) = SmallDisk::mount(&place, 12) else {
        return;
    };
    let mut server = Server::start(disk.command(), disk.data()).unwrap_or_else(|e| panic!("{e:?}"));
    let mut connection = server.connect();
    let mut sent: Vec<Sent> = Vec::new();
    let (mut seen_full, mut filler) = (0, None);
    for number in 0..20_000_u32 {
        if number == 50 {
            filler = Some(disk.fill_up());
        }
        let one = Sent::report(format!("full-{number}"), Verb::Report, GRIDS[0]);
        let reply = send(&mut connection, &one);
        sent.push(one);
        match reply.status {
            201 => {
                assert_eq!(seen_full, 0, "room appeared from nowhere");
                sent.last_mut().expect("one").answer = Answer::of(&reply.json());
            }
            507 => {
                let type_of = reply.header("content-type").expect("a type");
                assert!(type_of.starts_with("application/problem+json"), "{}", reply.text());
                assert_eq!(reply.json()["code"], "disk_full");
                assert!(reply.header("retry-after").is_some(), "{}", reply.text());
                seen_full += 1;
            }
            _ => panic!("{}", reply.text()),
        }
        if seen_full == 3 {
            break;
        }
    }
    assert_eq!(seen_full, 3, "the disk never ran full");
    // Reads go on, all of what was acknowledged; health says how it is.
    let events = feed(&mut connection);
    assert_eq!(compare(&sent, &events, false), Ok(()));
    for one in &sent[..20] {
        assert_eq!(ask(&mut connection, one), Ok(()));
    }
    let health = connection.get("/healthz").expect("a reply").ok();
    assert_eq!(health["status"], "degraded", "{health}");
    assert_eq!(connection.get("/readyz").expect("a reply").status, 503);

    // A kill now leaves just what lies there while the process stands still.
    let killed = Place::empty();
    server.signal(Signal::STOP);
    crate::world::copy_dir(&disk.data(), &killed.data());
    server.signal(Signal::CONT);
    let survivor = killed.serve();
    assert_eq!(compare(&sent, &feed(&mut survivor.connect()), false), Ok(()));
    drop(survivor);

    // Room again: the same keys get in, by themselves.
    std::fs::remove_file(filler.expect("filled")).expect("removed");
    let waiting: Vec<&mut Sent> = sent.iter_mut().filter(|one| one.answer.is_none()).collect();
    for one in waiting {
        for _ in 0..60 {
            let reply = send(&mut connection, one);
            if reply.status == 201 || reply.status == 200 {
                one.answer = Answer::of(&reply.json());
                break;
            }
            assert_eq!(reply.status, 507, "{}", reply.text());
            // One second, told by the server.
            let end = connection.get("/healthz").expect("a reply").ok()["seq"].clone();
            connection.get(&format!("/v1/events?after={end}&wait=1")).expect("a reply");
        }
    }
    assert!(sent.iter().all(|one| one.answer.is_some()), "it does not recover");
    assert_eq!(compare(&sent, &feed(&mut connection), true), Ok(()));
    server.term();
}

fn send(connection: &mut crate::http::Connection, one: &Sent) -> crate::http::Reply {
    let (path, body) = one.post();
    connection.post(&path, &one.key, &body).expect("a reply")
}
