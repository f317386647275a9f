//! A server that is full, fails or stops.

use std::io::{Read, Write};

use serde_json::json;
use zhida::engine::EngineOptions;
use zhida::journal::Fault;
use zhida::journal::vault::VaultOptions;

use zhida::rules::Words;

use crate::client::Request;
use crate::world::{Choices, GRID, World, report};

#[test]
fn a_full_lane_is_told_to_come_back() {
    let engine = EngineOptions { interactive_commands_max: 1, ..EngineOptions::default() };
    let world = World::with(Choices { engine, ..Choices::default() });
    let send = || world.post("/v1/cases", &report("PS-001", GRID));
    world.faults.hold_appends();
    let statuses = std::thread::scope(|scope| {
        let first = scope.spawn(send);
        world.faults.wait_for_held_append();
        // One is being made durable, one waits in the lane, the others are refused.
        let others: Vec<_> = (0..4).map(|_| scope.spawn(send)).collect();
        while others.iter().filter(|other| other.is_finished()).count() < 3 {
            std::thread::yield_now();
        }
        world.faults.release_appends();
        let mut statuses = vec![first.join().unwrap()];
        statuses.extend(others.into_iter().map(|other| other.join().unwrap()));
        statuses
    });
    let refused: Vec<_> = statuses.iter().filter(|answer| answer.status != 201).collect();
    assert_eq!(refused.len(), 3);
    for answer in refused {
        assert_eq!(answer.problem(), (503, String::from("overloaded")));
        assert_eq!(answer.header("retry-after"), Some("1"));
    }
    assert_eq!(world.get("/v1/counts").ok()["cases"], 2);
}

#[test]
fn a_slow_read_of_the_journal_holds_nobody_up() {
    let world = World::new();
    let reporting = || world.request("POST", "/v1/cases").header("idempotency-key", "r-1");
    let reported = reporting().json(&report("PS-001", GRID)).send();
    assert_eq!(reported.status, 201);
    let journal = ["/v1/cases/1?include=text", "/v1/cases/1/timeline", "/v1/events"];
    let journal = journal.into_iter().chain(["/v1/outcomes/r-1", "/v1/journal/records"]);
    let asked: Vec<_> = journal.map(|path| world.request("GET", path)).collect();
    world.faults.hold_reads();
    std::thread::scope(|scope| {
        let mut waiting: Vec<_> =
            asked.into_iter().map(|request| scope.spawn(|| request.send())).collect();
        waiting.push(scope.spawn(|| reporting().json(&report("PS-001", GRID)).send()));
        world.faults.wait_for_held_reads(1);
        // The one I/O thread answers what is in memory, and takes in what is new.
        assert_eq!(world.request("GET", "/healthz").without_token().send().status, 200);
        world.faults.wait_for_held_reads(6);
        assert_eq!(world.get("/v1/cases").ok()["cases"][0]["case"], 1);
        assert_eq!(world.report("PS-001"), 2);
        let newest = world.handle.view().published().0;
        assert_eq!(world.get(&format!("/v1/events?after={newest}")).ok()["events"], json!([]));
        assert!(waiting.iter().all(|one| !one.is_finished()));
        world.faults.release_reads();
        let repeated = waiting.pop().unwrap().join().unwrap();
        assert_eq!((repeated.status, &repeated.body), (201, &reported.body));
        for one in waiting {
            let answer = one.join().unwrap();
            assert_eq!(answer.status, 200, "{answer:?}");
        }
    });
}

#[test]
fn one_read_of_the_journal_too_many_is_told_to_come_back() {
    let engine = EngineOptions { journal_reads_max: 1, ..EngineOptions::default() };
    let world = World::with(Choices { engine, ..Choices::default() });
    world.report("PS-001");
    world.faults.hold_reads();
    std::thread::scope(|scope| {
        let first = scope.spawn(|| world.get("/v1/cases/1/timeline"));
        world.faults.wait_for_held_reads(1);
        let refused = world.get("/v1/cases/1/timeline");
        assert_eq!(refused.problem(), (503, String::from("overloaded")));
        assert_eq!(refused.header("retry-after"), Some("1"));
        assert_eq!(world.get("/v1/cases?ids=1").status, 200);
        world.faults.release_reads();
        assert_eq!(first.join().unwrap().status, 200);
    });
}

#[test]
fn a_full_disk_is_507_while_reads_go_on() {
    let engine = EngineOptions {
        append_retry_after: std::time::Duration::from_millis(5),
        ..EngineOptions::default()
    };
    let world = World::with(Choices { engine, ..Choices::default() });
    let case = world.report("PS-001");
    world.faults.fail_appends(u32::MAX, Fault::DiskFull);
    let full = world.post("/v1/cases", &report("PS-001", GRID));
    assert_eq!(full.problem(), (507, String::from("disk_full")));
    assert_eq!(full.header("retry-after"), Some("10"));
    let line = format!("{}\n", r#"{"command":"acknowledge_case","case":1,"by":"411502001001001"}"#);
    assert_eq!(world.stream(&line).problem(), (507, String::from("disk_full")));
    assert_eq!(world.get(&format!("/v1/cases/{case}")).status, 200);
    let ready = world.request("GET", "/readyz").without_token().send();
    assert_eq!((ready.status, &ready.json()["detail"]), (503, &"the storage is full".into()));

    world.faults.fail_appends(0, Fault::DiskFull);
    let again = std::iter::repeat_with(|| world.post("/v1/cases", &report("PS-002", GRID)))
        .find(|answer| answer.status != 507)
        .unwrap();
    assert_eq!(again.status, 201);
}

#[test]
fn an_empty_vault_is_507_and_nothing_happened() {
    // Room for one block: the vault's secret, and 127 keys of 32 bytes.
    let vault = VaultOptions {
        retry_after: std::time::Duration::from_millis(1),
        ..VaultOptions::default()
    };
    let world = World::with(Choices { vault, vault_room: Some(4_096), ..Choices::default() });
    let case = world.report("PS-001");
    let mut cases = 1;
    let empty = loop {
        let answer = world.post("/v1/cases", &report("PS-001", GRID));
        if answer.status != 201 {
            break answer;
        }
        cases += 1;
    };
    assert_eq!(empty.problem(), (507, String::from("vault_empty")));
    assert_eq!(empty.header("retry-after"), Some("10"));
    let title = empty.json()["title"].as_str().unwrap().to_owned();
    assert!(title.contains("vault") && title.contains("nothing was done"), "{title}");
    let line = report("PS-001", GRID).replacen('{', r#"{"command":"report_case","#, 1);
    assert_eq!(world.stream(&line).problem(), (507, String::from("vault_empty")));
    // What seals nothing goes on.
    let path = format!("/v1/cases/{case}/acknowledge");
    assert_eq!(world.post(&path, &format!(r#"{{"by":"{GRID}"}}"#)).status, 200);
    assert_eq!(world.get("/v1/counts").ok()["cases"], cases);

    world.machine.leave_room(None);
    let again = std::iter::repeat_with(|| world.post("/v1/cases", &report("PS-001", GRID)))
        .find(|answer| answer.status != 507)
        .unwrap();
    assert_eq!(again.status, 201);
    assert_eq!(world.get("/v1/counts").ok()["cases"], cases + 1);
}

#[test]
fn a_server_that_stops_ends_what_it_is_at() {
    let mut world = World::new();
    let mut idle = std::net::TcpStream::connect(world.address).unwrap();
    let admin = world.admin.clone();
    let request = |connection: &mut std::net::TcpStream| {
        let head = format!(
            "GET /v1/matters HTTP/1.1\r\nhost: zhida\r\nauthorization: Bearer {admin}\r\n\r\n"
        );
        connection.write_all(head.as_bytes()).unwrap();
        let mut piece = [0; 16];
        connection.read_exact(&mut piece).unwrap();
        assert!(piece.starts_with(b"HTTP/1.1 200"));
    };
    request(&mut idle);
    world.stop();
    // An idle connection is closed, and nobody is accepted any more.
    let mut rest = Vec::new();
    idle.read_to_end(&mut rest).unwrap();
    assert!(std::net::TcpStream::connect(world.address).is_err());
}

#[test]
fn whoever_waits_for_an_event_is_let_go_when_the_server_stops() {
    let mut world = World::new();
    let after = world.handle.view().published().0;
    let path = format!("/v1/events?after={after}&wait=60");
    let request = world.request("GET", &path);
    let mut waiting = request.open();
    // The head was taken in once a later request was answered on the same thread.
    world.get("/v1/matters").ok();
    world.stop();
    assert!(waiting.read_until("last_seq").contains(r#"{"events":[],"#));
}

#[test]
fn a_server_that_starts_tells_how_far_it_is() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let server = std::thread::spawn(move || {
        let progress = std::sync::Arc::new(|| Words::new("3 of 9 segments", "第 3 段，共 9 段"));
        let stop = async {
            stopped.await.ok();
        };
        runtime.block_on(zhida::api::serve_starting(listener, progress, None, stop));
    });
    let get = |path: &str| Request::new(address, "GET", path).send();
    let health = get("/healthz");
    assert_eq!((health.status, health.json()["status"].clone()), (200, "starting".into()));
    let ready = get("/readyz");
    assert_eq!((ready.status, ready.json()["detail"].clone()), (503, "3 of 9 segments".into()));
    let other = get("/v1/matters");
    assert_eq!(other.problem(), (503, String::from("starting")));
    stop.send(()).unwrap();
    server.join().unwrap();
}
