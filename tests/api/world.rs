//! A small city behind a real server, and a client that speaks HTTP/1.1 by hand, so that a test
//! decides what is sent, when, and what is read.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;
use tokio::sync::oneshot;
use zhida::api::{self, Api, ApiOptions};
use zhida::domain::code::CodeRange;
use zhida::domain::command::{AdmitClient, Command, Submission};
use zhida::domain::event::Grant;
use zhida::domain::ids::{PrincipalId, Timestamp};
use zhida::domain::state::State;
use zhida::engine::{Clock, Desk, Engine, EngineOptions, ManualClock, Parts};
use zhida::journal::vault::{Vault, VaultOptions};
use zhida::journal::{MemoryFaults, MemoryJournal};

/// 2026-01-05T08:00:00+08:00, a Monday.
pub const MONDAY: Timestamp = Timestamp(1_767_571_200_000);

pub const GRID: &str = "411502001001001";
pub const VILLAGE: &str = "411502001001";
pub const TOWNSHIP: &str = "411502001000";
pub const ELSEWHERE: &str = "411502002001001";

const UNITS: &[(&str, &str)] = &[
    ("411500000000", "division"),
    ("411502000000", "division"),
    ("411502001000", "division"),
    ("411502001000-R01", "governance_room"),
    ("411502001001", "division"),
    ("411502001001001", "grid"),
    ("411502001001002", "grid"),
    ("411502002000", "division"),
    ("411502002000-R01", "governance_room"),
    ("411502002001", "division"),
    ("411502002001001", "grid"),
];

/// Code, home, on the spot, confidential.
const MATTERS: &[(&str, &str, bool, bool)] = &[
    ("PS-001", "grid", true, false),
    ("PS-002", "village", false, false),
    ("PS-003", "grid", false, true),
];

/// What a test may choose.
pub struct Choices {
    pub clock: Clock,
    pub api: ApiOptions,
    pub engine: EngineOptions,
}

impl Default for Choices {
    fn default() -> Self {
        Self {
            clock: Clock::Manual(ManualClock::starting(MONDAY)),
            api: ApiOptions::default(),
            engine: EngineOptions::default(),
        }
    }
}

/// A running server with the small city in it.
pub struct World {
    pub address: SocketAddr,
    pub admin: String,
    pub clock: Clock,
    pub faults: MemoryFaults,
    pub handle: zhida::engine::Handle,
    stop: Option<oneshot::Sender<()>>,
    io_thread: Option<JoinHandle<()>>,
    engine: Option<Engine>,
    _dir: TempDir,
}

impl World {
    pub fn new() -> Self {
        Self::with(Choices::default())
    }

    pub fn with(choices: Choices) -> Self {
        let world = Self::empty(choices);
        world.import();
        world
    }

    /// A server without any unit or matter.
    pub fn empty(choices: Choices) -> Self {
        let dir = TempDir::new().unwrap();
        let journal = MemoryJournal::default();
        let faults = journal.faults();
        let vault = VaultOptions { step_slots: 4_096, ..VaultOptions::default() };
        let parts = Parts {
            journal: Box::new(journal),
            state: State::default(),
            vault: Arc::new(Vault::open(dir.path(), vault).unwrap()),
            clock: choices.clock.clone(),
            journal_id: 7,
            status: Arc::default(),
            options: choices.engine,
        };
        let engine = Engine::start(parts).unwrap();
        let handle = engine.handle();
        let api = Api::new(handle.clone(), choices.api);
        let (stop, stopped) = oneshot::channel();
        let (send, receive) = std::sync::mpsc::channel();
        let io_thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.unwrap().block_on(serve(api, send, stopped));
        });
        let (address, admin) = receive.recv().unwrap();
        Self {
            address,
            admin,
            clock: choices.clock,
            faults,
            handle,
            stop: Some(stop),
            io_thread: Some(io_thread),
            engine: Some(engine),
            _dir: dir,
        }
    }

    fn import(&self) {
        let begun = self.post("/v1/imports", r#"{"origin":"small city"}"#);
        let import = begun.ok()["import"].as_u64().unwrap();
        let staged = self
            .request("POST", &format!("/v1/imports/{import}/units"))
            .header("content-type", "application/x-ndjson")
            .body(units())
            .send();
        assert_eq!(staged.status, 200, "{staged:?}");
        let staged = self
            .request("POST", &format!("/v1/imports/{import}/matters"))
            .header("content-type", "application/x-ndjson")
            .body(matters())
            .send();
        assert_eq!(staged.status, 200, "{staged:?}");
        self.post(&format!("/v1/imports/{import}/commit"), "").ok();
    }

    /// A request with the administrator's token.
    pub fn request(&self, method: &str, path: &str) -> Request {
        Request {
            address: self.address,
            head: format!("{method} {path} HTTP/1.1\r\nhost: zhida\r\nconnection: close\r\n"),
            token: Some(self.admin.clone()),
            body: Vec::new(),
        }
    }

    pub fn get(&self, path: &str) -> Answer {
        self.request("GET", path).send()
    }

    pub fn post(&self, path: &str, json: &str) -> Answer {
        self.request("POST", path).json(json).send()
    }

    pub fn stream(&self, lines: &str) -> Answer {
        self.request("POST", "/v1/commands")
            .header("content-type", "application/x-ndjson")
            .body(lines)
            .send()
    }

    /// Reports a case in the first grid and gives its number.
    pub fn report(&self, matter: &str) -> u64 {
        let answer = self.post("/v1/cases", &report(matter, GRID));
        assert_eq!(answer.status, 201, "{answer:?}");
        answer.json()["case"].as_u64().unwrap()
    }

    /// Admits a client and gives its token.
    pub fn admit(&self, body: &str) -> String {
        let answer = self.post("/v1/clients", body);
        assert_eq!(answer.status, 201, "{answer:?}");
        answer.json()["token"].as_str().unwrap().to_owned()
    }

    /// Ends the server as a signal would: connections drain.
    pub fn stop(&mut self) {
        if let Some(stop) = self.stop.take() {
            stop.send(()).ok();
        }
        if let Some(io_thread) = self.io_thread.take() {
            io_thread.join().unwrap();
        }
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.faults.release_appends();
        if !std::thread::panicking() {
            self.stop();
            if let Some(engine) = self.engine.take() {
                drop(engine.stop().unwrap());
            }
        }
    }
}

async fn serve(
    api: Arc<Api>,
    started: std::sync::mpsc::Sender<(SocketAddr, String)>,
    stopped: oneshot::Receiver<()>,
) {
    let desk = Desk::new();
    let hand_out = tokio::spawn(desk.clone().run());
    let (token, token_hash) = api::new_token().unwrap();
    let admit = AdmitClient {
        name: "administrator".into(),
        token_hash,
        grant: Grant { is_admin: true, range: CodeRange::ALL },
    };
    let submission = Submission {
        principal: PrincipalId::SYSTEM,
        scope: CodeRange::ALL,
        by: None,
        mark: None,
        at: None,
        command: Command::AdmitClient(admit),
    };
    api.handle().submit(&desk, submission).await.unwrap();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    started.send((listener.local_addr().unwrap(), token)).unwrap();
    let stop = async {
        stopped.await.ok();
    };
    api::serve(api, desk, listener, stop).await;
    hand_out.abort();
}

/// Gets something of whoever listens there.
pub fn get_at(address: SocketAddr, path: &str) -> Answer {
    let head = format!("GET {path} HTTP/1.1\r\nhost: zhida\r\nconnection: close\r\n");
    Request { address, head, token: None, body: Vec::new() }.send()
}

/// A report's body.
pub fn report(matter: &str, place: &str) -> String {
    format!(
        r#"{{"matter":"{matter}","place":"{place}","source":"patrol","text":"路灯不亮","claimant":{{"name":"王小明","phone":"13812345678"}}}}"#
    )
}

fn units() -> String {
    UNITS
        .iter()
        .map(|(code, kind)| {
            format!("{{\"code\":\"{code}\",\"kind\":\"{kind}\",\"name\":\"单位{code}\"}}\n")
        })
        .collect()
}

fn matters() -> String {
    MATTERS
        .iter()
        .map(|(code, home, on_the_spot, confidential)| {
            format!(
                "{{\"code\":\"{code}\",\"name\":\"事项\",\"class\":\"类\",\"module\":\"public_safety\",\
                 \"home\":\"{home}\",\"severity\":\"normal\",\"node_limit\":{{\"calendar_hours\":10}},\
                 \"total_limit\":{{\"calendar_hours\":100}},\"on_the_spot\":{on_the_spot},\
                 \"public\":true,\"confidential\":{confidential},\"from_occurrence\":false}}\n"
            )
        })
        .collect()
}

/// A request as it is put together.
pub struct Request {
    address: SocketAddr,
    head: String,
    token: Option<String>,
    body: Vec<u8>,
}

impl Request {
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.head += &format!("{name}: {value}\r\n");
        self
    }

    pub fn token(mut self, token: &str) -> Self {
        self.token = Some(token.to_owned());
        self
    }

    pub fn without_token(mut self) -> Self {
        self.token = None;
        self
    }

    pub fn json(self, json: &str) -> Self {
        self.header("content-type", "application/json").body(json)
    }

    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    pub fn send(mut self) -> Answer {
        let length = self.body.len();
        let body = std::mem::take(&mut self.body);
        let mut connection = self.header("content-length", &length.to_string()).open();
        // A refused body may not be read to its end: then the answer is there already.
        connection.0.write_all(&body).ok();
        connection.answer()
    }

    /// Sends the head alone, of a body that comes in chunks.
    pub fn open_chunked(self) -> Connection {
        self.header("transfer-encoding", "chunked").open()
    }

    fn open(self) -> Connection {
        let mut head = self.head;
        if let Some(token) = self.token {
            head += &format!("authorization: Bearer {token}\r\n");
        }
        let mut stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        stream.write_all(format!("{head}\r\n").as_bytes()).unwrap();
        Connection(stream)
    }
}

/// An open connection with a request on it.
pub struct Connection(pub TcpStream);

impl Connection {
    pub fn chunk(&mut self, text: &str) {
        let chunk = format!("{:x}\r\n{text}\r\n", text.len());
        self.0.write_all(chunk.as_bytes()).unwrap();
    }

    pub fn end(&mut self) {
        self.0.write_all(b"0\r\n\r\n").unwrap();
    }

    /// Reads until `wanted` has come.
    pub fn read_until(&mut self, wanted: &str) -> String {
        let mut read = Vec::new();
        let mut piece = [0; 4_096];
        loop {
            let text = String::from_utf8_lossy(&read).into_owned();
            if text.contains(wanted) {
                return text;
            }
            let count = self.0.read(&mut piece).unwrap();
            assert!(count > 0, "the connection ended after: {text}");
            read.extend_from_slice(&piece[..count]);
        }
    }

    /// Whether the server ends the connection.
    pub fn answer_ends(mut self) -> bool {
        self.0.read_to_end(&mut Vec::new()).is_ok()
    }

    /// Reads the answer to the end of the connection.
    pub fn answer(mut self) -> Answer {
        let mut read = Vec::new();
        // A connection that the server resets behind its answer has given it.
        self.0.read_to_end(&mut read).ok();
        Answer::parse(&read)
    }
}

/// An answer.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    head: String,
    pub body: Vec<u8>,
}

impl Answer {
    fn parse(read: &[u8]) -> Self {
        let end = memchr::memmem::find(read, b"\r\n\r\n").expect("a whole head");
        let head = String::from_utf8(read[..end].to_vec()).unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        let rest = &read[end + 4..];
        let is_chunked = head.to_lowercase().contains("transfer-encoding: chunked");
        let body = if is_chunked { joined(rest) } else { rest.to_vec() };
        Self { status, head, body }
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().skip(1).find_map(|line| {
            let (found, value) = line.split_once(':')?;
            found.eq_ignore_ascii_case(name).then_some(value.trim())
        })
    }

    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// The body of an answer that is no problem.
    pub fn ok(&self) -> Value {
        assert!((200..300).contains(&self.status), "{} {}", self.status, self.text());
        self.json()
    }

    /// The results of a stream.
    pub fn lines(&self) -> Vec<Value> {
        assert_eq!(self.status, 200, "{}", self.text());
        self.text().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// The code of a problem, with its status.
    pub fn problem(&self) -> (u16, String) {
        assert_eq!(self.header("content-type"), Some("application/problem+json"), "{self:?}");
        let body = self.json();
        assert_eq!(body["status"], self.status);
        (self.status, body["code"].as_str().unwrap().to_owned())
    }
}

fn joined(mut chunks: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    while let Some(end) = memchr::memmem::find(chunks, b"\r\n") {
        let size = std::str::from_utf8(&chunks[..end]).unwrap();
        let size = usize::from_str_radix(size, 16).unwrap();
        if size == 0 {
            break;
        }
        body.extend_from_slice(&chunks[end + 2..end + 2 + size]);
        chunks = &chunks[end + 4 + size..];
    }
    body
}
