//! A small city behind a real server.

use std::net::SocketAddr;
use std::sync::Arc;
use std::thread::JoinHandle;

use serde_json::Value;
use tokio::sync::oneshot;
use zhida::api::{self, Api, ApiOptions};
use zhida::domain::command::{AdmitClient, Command, GrantRequest, Submission};
use zhida::domain::grant::{Places, Scopes};
use zhida::domain::ids::{PrincipalId, Timestamp};
use zhida::domain::state::State;
use zhida::engine::{Clock, Desk, Engine, EngineOptions, ManualClock, Parts};
use zhida::journal::medium::simulated::Machine;
use zhida::journal::vault::{Vault, VaultOptions};
use zhida::journal::{MemoryFaults, MemoryJournal};

use crate::client::{Answer, Request};

/// 2026-01-05T08:00:00+08:00, a Monday.
pub(crate) const MONDAY: Timestamp = Timestamp(1_767_571_200_000);

pub(crate) const GRID: &str = "411502001001001";
pub(crate) const VILLAGE: &str = "411502001001";
pub(crate) const ROOM: &str = "411502001000-R01";
pub(crate) const ELSEWHERE: &str = "411502002001001";

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
pub(crate) const MATTERS: &[(&str, &str, bool, bool)] = &[
    ("PS-001", "grid", true, false),
    ("PS-002", "village", false, false),
    ("PS-003", "grid", false, true),
];

/// What a test may choose.
pub(crate) struct Choices {
    pub(crate) clock: Clock,
    pub(crate) api: ApiOptions,
    pub(crate) engine: EngineOptions,
    pub(crate) vault: VaultOptions,
    /// Bytes that the vault's disk has room for; none: endless.
    pub(crate) vault_room: Option<u64>,
}

impl Default for Choices {
    fn default() -> Self {
        Self {
            clock: Clock::Manual(ManualClock::starting(MONDAY)),
            api: ApiOptions::default(),
            engine: EngineOptions::default(),
            vault: VaultOptions { step_slots: 4_096, ..VaultOptions::default() },
            vault_room: None,
        }
    }
}

/// A running server with the small city in it.
pub(crate) struct World {
    pub(crate) address: SocketAddr,
    pub(crate) admin: String,
    pub(crate) faults: MemoryFaults,
    /// What the vault lies on.
    pub(crate) machine: Machine,
    pub(crate) handle: zhida::engine::Handle,
    stop: Option<oneshot::Sender<()>>,
    io_thread: Option<JoinHandle<()>>,
    engine: Option<Engine>,
}

impl World {
    pub(crate) fn new() -> Self {
        Self::with(Choices::default())
    }

    pub(crate) fn with(choices: Choices) -> Self {
        let world = Self::empty(choices);
        world.import();
        world
    }

    /// A server without any unit or matter.
    pub(crate) fn empty(choices: Choices) -> Self {
        let machine = Machine::new(1);
        machine.leave_room(choices.vault_room);
        let journal = MemoryJournal::default();
        let faults = journal.faults();
        let parts = Parts {
            journal: Box::new(journal),
            state: State::default(),
            vault: Arc::new(Vault::open(&*machine.medium(), choices.vault).unwrap()),
            clock: choices.clock,
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
            faults,
            handle,
            stop: Some(stop),
            io_thread: Some(io_thread),
            engine: Some(engine),
            machine,
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
        let commit = self.request("POST", &format!("/v1/imports/{import}/commit"));
        commit.header("if-match", "\"0\"").send().ok();
        self.put_into_force(&catalogue(MATTERS));
    }

    /// Proposes a catalogue.
    pub(crate) fn propose(&self, toml: &str) -> Answer {
        let request = self.request("POST", "/v1/config/proposals");
        request.header("content-type", "application/toml").body(toml).send()
    }

    /// Applies a proposal to the version that was seen.
    pub(crate) fn apply(&self, proposal: &Value, seen: &str) -> Answer {
        let request = self.request("POST", &format!("/v1/config/proposals/{proposal}/apply"));
        request.header("if-match", seen).send()
    }

    /// Proposes a catalogue and applies it.
    pub(crate) fn put_into_force(&self, toml: &str) {
        let proposed = self.propose(toml);
        assert_eq!(proposed.status, 201, "{proposed:?}");
        self.apply(&proposed.json()["proposal"], "*").ok();
    }

    /// A request with the administrator's token.
    pub(crate) fn request(&self, method: &str, path: &str) -> Request {
        Request::new(self.address, method, path).token(&self.admin)
    }

    pub(crate) fn get(&self, path: &str) -> Answer {
        self.request("GET", path).send()
    }

    pub(crate) fn post(&self, path: &str, json: &str) -> Answer {
        self.request("POST", path).json(json).send()
    }

    pub(crate) fn stream(&self, lines: &str) -> Answer {
        self.request("POST", "/v1/commands")
            .header("content-type", "application/x-ndjson")
            .body(lines)
            .send()
    }

    /// Reports a case in the first grid and gives its number.
    pub(crate) fn report(&self, matter: &str) -> u64 {
        self.report_at(matter, GRID)
    }

    pub(crate) fn report_at(&self, matter: &str, place: &str) -> u64 {
        let answer = self.post("/v1/cases", &report(matter, place));
        assert_eq!(answer.status, 201, "{answer:?}");
        answer.json()["case"].as_u64().unwrap()
    }

    /// Admits a client and gives its token.
    pub(crate) fn admit(&self, body: &str) -> String {
        let answer = self.post("/v1/clients", body);
        assert_eq!(answer.status, 201, "{answer:?}");
        answer.json()["token"].as_str().unwrap().to_owned()
    }

    /// Ends the server as a signal would: connections drain.
    pub(crate) fn stop(&mut self) {
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
        self.faults.release_reads();
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
        grant: GrantRequest::of(Scopes::ALL),
    };
    let submission = Submission {
        principal: PrincipalId::SYSTEM,
        places: Places::everywhere(),
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

/// A report's body.
pub(crate) fn report(matter: &str, place: &str) -> String {
    format!(
        r#"{{"matter":"{matter}","place":"{place}","source":"patrol","text":"路灯不亮","claimant":{{"name":"王小明","phone":"13812345678"}}}}"#
    )
}

pub(crate) fn units() -> String {
    UNITS
        .iter()
        .map(|(code, kind)| {
            format!("{{\"code\":\"{code}\",\"kind\":\"{kind}\",\"name\":\"单位{code}\"}}\n")
        })
        .collect::<Vec<_>>()
        .concat()
}

/// A catalogue of these: code, home, on the spot, confidential.
pub(crate) fn catalogue(matters: &[(&str, &str, bool, bool)]) -> String {
    let entry = |(code, home, on_the_spot, confidential): &(&str, &str, bool, bool)| {
        format!(
            "[[matter]]\ncode = \"{code}\"\nname = \"事项\"\nclass = \"类\"\nmodule = \"public_safety\"\n\
             home = \"{home}\"\nseverity = \"normal\"\nnode_limit = {{ calendar_hours = 10 }}\n\
             total_limit = {{ calendar_hours = 100 }}\non_the_spot = {on_the_spot}\npublic = true\n\
             confidential = {confidential}\nfrom_occurrence = false\n\n"
        )
    };
    matters.iter().map(entry).collect::<Vec<_>>().concat()
}
