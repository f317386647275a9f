//! The demo: a table and an end, the same for the same seed, and never a server left behind.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, ChildStdout, Stdio};

use rustix::process::{Pid, Signal, kill_process};

use crate::world::{Ended, command, ended, zhida};

const ROWS: [&str; 53] = [
    "cases",
    "  closed by the grid",
    "  closed by the village",
    "  closed by the township",
    "  of them settled on the spot",
    "  still open",
    "  ever yellow, never red",
    "  ever red",
    "  at a township's room (fallback)",
    "  declined",
    "  voided",
    "commands over HTTP",
    "  time",
    "  commands/s",
    "    report",
    "    acknowledge",
    "    escalate",
    "    handle",
    "    close",
    "    hand_down",
    "    transfer",
    "    return",
    "    decline",
    "    reopen",
    "    void",
    "    note",
    "    advance_clock",
    "open units",
    "  division",
    "  grid",
    "  governance_room",
    "  department",
    "  office",
    "  stationed",
    "  headquarters",
    "changes of the organisation",
    "  grids opened",
    "  grids closed",
    "  task forces that ended when told",
    "  cases inherited",
    "  the city's counts by county",
    "  a county's most urgent",
    "  a county's watch",
    "  a county's newest closed",
    "  a case's timeline",
    "  units found by name",
    "events",
    "  commits, one sync each",
    "data directory",
    "  bytes per event",
    "peak memory of the server",
    "restart after kill -9 until ready",
    "from start to this table",
];
/// Rows that follow from the seed alone.
const COUNTS: usize = 12;

fn run(dir: &Path, seed: &str) -> Ended {
    let dir = dir.to_str().expect("UTF-8");
    zhida(["demo", "--scale", "0.001", "--seed", seed, "--exit", "--dir", dir])
}

#[test]
fn a_small_demo_ends_with_a_whole_table_the_same_for_the_same_seed() {
    let place = tempfile::tempdir().expect("made");
    let dir = place.path().join("demo");
    let table = run(&dir, "7").ok();
    for name in ROWS {
        let row = table.lines().find(|line| line.starts_with(&format!("{name} ")));
        let row = row.unwrap_or_else(|| panic!("no row {name}: {table}"));
        let value = row[name.len()..].trim();
        assert!(value.starts_with(|first: char| first.is_ascii_digit()), "{row}");
    }
    assert!(table.starts_with("cases ") && table.contains(" 640\n"), "{table}");
    let counts = |table: &str| table.lines().take(COUNTS).map(str::to_string).collect::<Vec<_>>();
    // The directory of an earlier demo is emptied.
    let again = run(&dir, "7").ok();
    assert_eq!(counts(&again), counts(&table));
    assert_ne!(counts(&run(&dir, "8").ok()), counts(&table));
    let data = dir.join("data");
    zhida(["verify", "--dir", data.to_str().expect("UTF-8")]).ok();
}

#[test]
fn a_demo_runs_with_the_defaults_whatever_its_caller_has_set() {
    let place = tempfile::tempdir().expect("made");
    let dir = place.path().join("demo");
    let mut demo =
        command(["demo", "--scale", "0.001", "--exit", "--dir", dir.to_str().expect("UTF-8")]);
    demo.env("ZHIDA_CONFIG", place.path().join("no-such-file.toml"));
    let table = ended(demo).ok();
    assert!(table.starts_with("cases "), "{table}");
}

#[test]
fn a_directory_with_something_else_in_it_is_left_alone() {
    let place = tempfile::tempdir().expect("made");
    std::fs::write(place.path().join("thesis.txt"), "mine").expect("written");
    let said = run(place.path(), "1").refused(2);
    assert!(said.contains("no demo made it") && said.contains("--dir"), "{said}");
    assert_eq!(std::fs::read_to_string(place.path().join("thesis.txt")).expect("there"), "mine");
}

#[test]
fn a_demo_that_stays_up_ends_at_ctrl_c_and_its_server_with_it() {
    for signal in [Signal::INT, Signal::TERM] {
        let place = tempfile::tempdir().expect("made");
        let dir = place.path().join("demo");
        let mut demo = start(&dir);
        let mut stdout = BufReader::new(demo.stdout.take().expect("piped"));
        let hints = read_until(&mut stdout, "/v1/events");
        let url = hints.split('\'').find(|part| part.starts_with("http://")).expect("a URL");
        let address = url["http://".len()..].split('/').next().expect("host:port");
        std::net::TcpStream::connect(address).expect("the server is up");

        // Another demo does not pull the directory from under it.
        let again = run(&dir, "1").refused(1);
        assert!(again.contains("still runs"), "{again}");

        kill_process(Pid::from_child(&demo), signal).expect("it lives");
        let status = demo.wait().expect("waited for");
        assert_eq!(status.code(), Some(0), "{signal:?}");
        assert!(std::net::TcpStream::connect(address).is_err(), "its server is left behind");
        let data = dir.join("data");
        let verified = zhida(["verify", "--dir", data.to_str().expect("UTF-8")]);
        let log = std::fs::read_to_string(dir.join("server.log")).expect("a log");
        assert!(verified.stderr.contains("closed cleanly"), "{signal:?}: {verified:?}\n{log}");
    }
}

#[test]
fn a_demo_that_is_interrupted_at_work_leaves_no_server_behind() {
    let place = tempfile::tempdir().expect("made");
    let dir = place.path().join("demo");
    let mut demo = command(["demo", "--scale", "0.05", "--dir", dir.to_str().expect("UTF-8")]);
    let demo = demo.stdout(Stdio::null()).stderr(Stdio::null()).spawn();
    let mut demo = demo.expect("starts");
    // Its server has the directory from the moment that the token is there.
    let token = dir.join("data/admin-token");
    while !token.exists() {
        assert!(demo.try_wait().expect("looked").is_none(), "it ended by itself");
        std::thread::yield_now();
    }
    kill_process(Pid::from_child(&demo), Signal::INT).expect("it lives");
    let status = demo.wait().expect("waited for");
    assert_eq!(status.code(), Some(1));
    let data = dir.join("data");
    zhida(["verify", "--dir", data.to_str().expect("UTF-8")]).ok();
    let scale =
        ended(command(["demo", "--scale", "0.001", "--exit", "--dir", dir.to_str().unwrap()]));
    scale.ok();
}

fn start(dir: &Path) -> Child {
    let dir = dir.to_str().expect("UTF-8");
    let mut demo = command(["demo", "--scale", "0.001", "--dir", dir]);
    demo.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("starts")
}

/// Reads its output to that word. Whoever stops listening to a demo ends it: keep the reader.
fn read_until(stdout: &mut BufReader<ChildStdout>, word: &str) -> String {
    let mut text = String::new();
    while !text.contains(word) {
        assert_ne!(stdout.read_line(&mut text).expect("read"), 0, "it ended: {text}");
    }
    text
}
