//! A tiny city, directories of it, servers, commands and how they ended.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::sync::{Arc, Mutex, OnceLock};
use std::thread::JoinHandle;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::http::Connection;

/// The program.
pub(crate) const ZHIDA: &str = env!("CARGO_BIN_EXE_zhida");
/// How long a test waits for a process before it calls it stuck.
const PATIENCE: Duration = Duration::from_mins(2);

pub(crate) const TOWNSHIP: &str = "411502001000";
pub(crate) const VILLAGE: &str = "411502001001";
pub(crate) const GRIDS: [&str; 3] = ["411502001001001", "411502001001002", "411502001001003"];
/// Home level grid, may be settled on the spot.
pub(crate) const ON_THE_SPOT: &str = "PS-001";

/// Small segments, a small vault, little ballast: all that a big server does, early.
pub(crate) const SMALL: &str = "\
[journal]\nsegment_bytes = \"1MiB\"\nballast_bytes = \"1MiB\"\nfree_bytes_min = \"1MiB\"\n\
[vault]\nstep_slots = 1024\nsteps_ahead = 4\n";

/// The units of the tiny city, as NDJSON.
pub(crate) fn units() -> String {
    let mut lines = String::new();
    let divisions = ["411500000000", "411502000000", TOWNSHIP, VILLAGE];
    let rooms = ["411502001000-R01"];
    let kinds =
        [("division", &divisions[..]), ("governance_room", &rooms[..]), ("grid", &GRIDS[..])];
    for (kind, codes) in kinds {
        for code in codes {
            let unit =
                serde_json::json!({ "code": code, "kind": kind, "name": format!("单位{code}") });
            lines = lines + &unit.to_string() + "\n";
        }
    }
    lines
}

/// The catalogue that comes with the program.
pub(crate) fn catalogue() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("config/xinyang/catalogue.toml")
}

/// How a process ended, and what it said.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) status: ExitStatus,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ended {
    pub(crate) fn code(&self) -> i32 {
        self.status.code().unwrap_or_else(|| panic!("ended by a signal: {self:?}"))
    }

    /// Says stdout of a command that did what it should.
    pub(crate) fn ok(self) -> String {
        assert_eq!(self.code(), 0, "{self:?}");
        self.stdout
    }

    /// Says stderr of a command that must end with `code`.
    #[track_caller]
    pub(crate) fn refused(self, code: i32) -> String {
        assert_eq!(self.code(), code, "{self:?}");
        assert!(!self.stderr.contains("panicked"), "{}", self.stderr);
        assert_eq!(self.stdout, "", "a refusal is no data");
        self.stderr
    }
}

/// Settings of whoever runs the tests.
const CALLERS: [&str; 8] = [
    "ZHIDA_URL",
    "ZHIDA_TOKEN_FILE",
    "ZHIDA_DIR",
    "ZHIDA_CONFIG",
    "ZHIDA_CA",
    "ZHIDA_CLIENT_CERT",
    "ZHIDA_CLIENT_KEY",
    "RUST_LOG",
];

/// The program with arguments, without any setting of the caller's.
pub(crate) fn command<S: AsRef<std::ffi::OsStr>>(
    arguments: impl IntoIterator<Item = S>,
) -> Command {
    let mut command = Command::new(ZHIDA);
    for name in CALLERS {
        command.env_remove(name);
    }
    command.args(arguments).env("ZHIDA_LANG", "en").stdin(Stdio::null());
    command
}

/// Runs a command to its end.
pub(crate) fn zhida<S: AsRef<std::ffi::OsStr>>(arguments: impl IntoIterator<Item = S>) -> Ended {
    ended(command(arguments))
}

pub(crate) fn ended(mut command: Command) -> Ended {
    let output = command.output().expect("the program starts");
    Ended {
        status: output.status,
        stdout: String::from_utf8(output.stdout).expect("UTF-8"),
        stderr: String::from_utf8(output.stderr).expect("UTF-8"),
    }
}

/// A directory of the test's own, with a configuration and a data directory of the tiny city.
pub(crate) struct Place {
    pub(crate) dir: TempDir,
}

impl Place {
    /// Without any data yet.
    pub(crate) fn empty() -> Self {
        let dir = tempfile::Builder::new().prefix("zhida-").tempdir().expect("a directory");
        std::fs::write(dir.path().join("zhida.toml"), SMALL).expect("written");
        Self { dir }
    }

    /// With the tiny city.
    pub(crate) fn with_city() -> Self {
        static CITY: OnceLock<Place> = OnceLock::new();
        let city = CITY.get_or_init(|| {
            let place = Self::empty();
            let mut server = place.serve();
            server.import_city();
            server.term();
            place
        });
        Self::like(&city.data())
    }

    /// With a copy of that data directory.
    pub(crate) fn like(data: &Path) -> Self {
        let place = Self::empty();
        copy_dir(data, &place.data());
        place
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.path("data")
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(crate) fn serve_arguments(&self) -> Vec<String> {
        let text = |path: PathBuf| path.to_str().expect("UTF-8").to_string();
        let (config, data) = (text(self.path("zhida.toml")), text(self.data()));
        ["serve", "--listen", "127.0.0.1:0", "--config", &config, "--dir", &data]
            .map(str::to_string)
            .to_vec()
    }

    /// A server that must start.
    pub(crate) fn serve(&self) -> Server {
        self.try_serve().unwrap_or_else(|ended| {
            let files: Vec<_> = std::fs::read_dir(self.data()).into_iter().flatten().collect();
            let Ended { status, stderr, .. } = ended;
            panic!("does not start ({status}); it said:\n{stderr}\nand has {files:?}")
        })
    }

    /// A server, or how it ended instead.
    pub(crate) fn try_serve(&self) -> Result<Server, Ended> {
        Server::start(command(self.serve_arguments()), self.data())
    }

    /// A command on the stopped directory, which must do what it should; its stdout.
    pub(crate) fn zhida(&self, arguments: &[&str]) -> Ended {
        let data = self.data();
        zhida(arguments.iter().copied().chain(["--dir", data.to_str().expect("UTF-8")]))
    }
}

/// Copies a flat directory.
pub(crate) fn copy_dir(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("made");
    for entry in std::fs::read_dir(from).expect("read") {
        let entry = entry.expect("read");
        std::fs::copy(entry.path(), to.join(entry.file_name())).expect("copied");
    }
}

/// A server process. Killed when dropped.
pub(crate) struct Server {
    child: Child,
    pub(crate) address: SocketAddr,
    data: PathBuf,
    log: Arc<Mutex<String>>,
    reading: Option<JoinHandle<()>>,
}

impl Server {
    /// Starts it and waits until it serves.
    pub(crate) fn start(mut command: Command, data: PathBuf) -> Result<Self, Ended> {
        command.stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the program starts");
        let stderr = BufReader::new(child.stderr.take().expect("piped"));
        let log = Arc::new(Mutex::new(String::new()));
        let (said, lines) = mpsc::channel();
        let kept = Arc::clone(&log);
        let reading = std::thread::spawn(move || {
            for line in stderr.lines().map_while(Result::ok) {
                kept.lock().expect("no panic while it is held").extend([&*line, "\n"]);
                // Nobody waits for lines any more once it serves.
                drop(said.send(line));
            }
        });
        let address = serving(&lines, &log);
        let mut server = Self {
            child,
            address: address.unwrap_or_else(|| SocketAddr::from(([127, 0, 0, 1], 0))),
            data,
            log,
            reading: Some(reading),
        };
        if address.is_some() { Ok(server) } else { Err(server.wait()) }
    }

    pub(crate) fn pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn token_file(&self) -> PathBuf {
        self.data.join("admin-token")
    }

    pub(crate) fn token(&self) -> String {
        std::fs::read_to_string(self.token_file()).expect("an admin token")
    }

    pub(crate) fn connect(&self) -> Connection {
        Connection::open(self.address, &self.token()).expect("it listens")
    }

    /// Sends it a signal.
    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(self.pid(), signal).expect("it lives");
    }

    /// Kills it, if it lives, and waits for its end.
    pub(crate) fn kill(&mut self) -> Ended {
        // It may have been killed already.
        drop(self.child.kill());
        self.wait()
    }

    /// Stops it in good order.
    pub(crate) fn term(&mut self) -> Ended {
        self.signal(Signal::TERM);
        let ended = self.wait();
        assert_eq!(ended.code(), 0, "{ended:?}");
        ended
    }

    /// Waits for its end.
    pub(crate) fn wait(&mut self) -> Ended {
        let status = self.child.wait().expect("waited for");
        if let Some(reading) = self.reading.take() {
            reading.join().expect("read");
        }
        let stderr = self.log.lock().expect("no panic while it is held").clone();
        assert!(!stderr.contains("panicked"), "{stderr}");
        Ended { status, stdout: String::new(), stderr }
    }

    pub(crate) fn log(&self) -> String {
        self.log.lock().expect("no panic while it is held").clone()
    }

    /// A command that speaks to it.
    pub(crate) fn zhida(&self, arguments: &[&str]) -> Ended {
        let (url, token) = (self.url(), self.token_file());
        let target = ["--url", &url, "--token-file", token.to_str().expect("UTF-8")];
        zhida(arguments.iter().copied().chain(target))
    }

    /// Brings the tiny city in.
    pub(crate) fn import_city(&self) {
        let file = tempfile::Builder::new().suffix(".ndjson").tempfile().expect("a file");
        std::fs::write(file.path(), units()).expect("written");
        self.zhida(&["import", file.path().to_str().expect("UTF-8")]).ok();
        self.zhida(&["config", "apply", catalogue().to_str().expect("UTF-8")]).ok();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It has ended already, or the test failed before it could.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Reads on until it says where it serves; none where it ended instead.
fn serving(lines: &Receiver<String>, log: &Mutex<String>) -> Option<SocketAddr> {
    loop {
        match lines.recv_timeout(PATIENCE) {
            Ok(line) if line.contains(" serving ") => {
                let address = line.split("address=").nth(1).expect("an address");
                return Some(address.split(' ').next()?.parse().expect("an address"));
            }
            Ok(_) => {}
            Err(mpsc::RecvTimeoutError::Disconnected) => return None,
            Err(mpsc::RecvTimeoutError::Timeout) => {
                let said = log.lock().expect("no panic while it is held");
                panic!("it neither serves nor ends; it said:\n{said}")
            }
        }
    }
}
