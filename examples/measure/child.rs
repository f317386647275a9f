//! The processes under measurement: a server in a fresh directory, and the floor.

use std::fs::File;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};
use zhida::city::City;
use zhida::domain::limits::STAGED_ROWS_MAX;
use zhida::engine::clock::stopwatch;
use zhida::rules;
use zhida::server::client::Client;

use crate::{Failure, Options};

const READY_EVERY: Duration = Duration::from_millis(2);
const READY_WITHIN: Duration = Duration::from_mins(3);

/// A process that listens on loopback. Killed when dropped.
pub(crate) struct Listening {
    child: Child,
    pub port: u16,
}

/// A server with its directory.
pub(crate) struct Zhida {
    listening: Listening,
    dir: PathBuf,
    config: Option<PathBuf>,
}

impl Listening {
    /// The floor with that many runtimes.
    pub(crate) async fn floor(threads: usize) -> Result<Self, Failure> {
        let port = free_port()?;
        let program = beside("hyper_floor")?;
        let child = Command::new(program).args([port.to_string(), threads.to_string()]).spawn()?;
        let mut floor = Self { child, port };
        floor.wait_until("/").await?;
        Ok(floor)
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Waits until that path is answered with anything good.
    async fn wait_until(&mut self, path: &str) -> Result<(), Failure> {
        let began = stopwatch();
        while began.elapsed() < READY_WITHIN {
            if let Some(status) = self.child.try_wait()? {
                return Err(format!("the process ended: {status}").into());
            }
            if let Ok(mut client) = Client::connect(&self.url(), "").await
                && let Ok(reply) = client.get(path).await
                && reply.status.is_success()
            {
                return Ok(());
            }
            tokio::time::sleep(READY_EVERY).await;
        }
        Err("the process did not become ready".into())
    }

    /// User and system time that it has used, in seconds.
    pub(crate) fn cpu_seconds(&self) -> Result<f64, Failure> {
        let Used { user, system } = self.used()?;
        Ok(user + system)
    }

    /// The same, apart.
    pub(crate) fn used(&self) -> Result<Used, Failure> {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id()))?;
        let fields: Vec<&str> =
            stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
        let seconds = |place: usize| {
            fields.get(place).and_then(|field| field.parse::<f64>().ok()).unwrap_or_default()
                / 100.0
        };
        Ok(Used { user: seconds(11), system: seconds(12) })
    }

    fn kill(&mut self) -> Result<(), Failure> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }
}

/// Processor time that a process has used, in seconds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Used {
    pub user: f64,
    pub system: f64,
}

impl Drop for Listening {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// How units are sent.
#[derive(Clone, Copy, Debug)]
pub(crate) enum UnitFile {
    Ndjson,
    Csv,
}

impl Zhida {
    /// A server in an empty directory, with the city in force.
    pub(crate) async fn fresh(options: &Options, dir: &Path, city: &City) -> Result<Self, Failure> {
        let server = Self::empty(options, dir).await?;
        server.bring_in_units(city, UnitFile::Ndjson).await?;
        server.bring_in_matters(city).await?;
        Ok(server)
    }

    /// A server in an empty directory.
    pub(crate) async fn empty(options: &Options, dir: &Path) -> Result<Self, Failure> {
        let dir = dir.join("server");
        if dir.exists() {
            std::fs::remove_dir_all(&dir)?;
        }
        std::fs::create_dir_all(&dir)?;
        Self::start(options.config.clone(), &dir).await
    }

    async fn start(config: Option<PathBuf>, dir: &Path) -> Result<Self, Failure> {
        let port = free_port()?;
        let listening = Listening { child: spawn(config.as_deref(), dir, port)?, port };
        let mut server = Self { listening, dir: dir.to_path_buf(), config };
        server.listening.wait_until("/readyz").await?;
        Ok(server)
    }

    pub(crate) fn process(&self) -> &Listening {
        &self.listening
    }

    pub(crate) fn url(&self) -> String {
        self.listening.url()
    }

    pub(crate) fn data_dir(&self) -> PathBuf {
        self.dir.join("data")
    }

    pub(crate) fn token(&self) -> Result<String, Failure> {
        Ok(std::fs::read_to_string(self.data_dir().join("admin-token"))?)
    }

    pub(crate) async fn client(&self) -> Result<Client, Failure> {
        Client::connect(&self.url(), &self.token()?).await.map_err(told)
    }

    /// Imports the city's units, as many rows a request as one event holds.
    pub(crate) async fn bring_in_units(&self, city: &City, file: UnitFile) -> Result<(), Failure> {
        let mut client = self.client().await?;
        let begin = json!({ "origin": "measure" }).to_string();
        let begun = client.post("/v1/imports", "application/json", begin).await.map_err(told)?;
        let begun = begun.json().map_err(told)?;
        let import = begun["import"].as_u64().ok_or("the reply names no import")?;
        for rows in city.units().chunks(STAGED_ROWS_MAX) {
            let path = format!("/v1/imports/{import}/units");
            let (kind, text) = match file {
                UnitFile::Ndjson => ("application/x-ndjson", rules::write_units(rows)),
                UnitFile::Csv => {
                    ("text/csv", rules::units_csv_header() + &rules::write_units_csv(rows))
                }
            };
            client.post(&path, kind, text).await.map_err(told)?.json().map_err(told)?;
        }
        let path = format!("/v1/imports/{import}/commit");
        client.post_if(&path, "*").await.map_err(told)?.json().map_err(told)?;
        Ok(())
    }

    /// Puts the city's catalogue into force.
    async fn bring_in_matters(&self, city: &City) -> Result<(), Failure> {
        let mut client = self.client().await?;
        let text = rules::write_catalogue(city.matters());
        let proposals = "/v1/config/proposals";
        let proposed = client.post(proposals, "application/toml", text).await.map_err(told)?;
        let proposal = proposed.json().map_err(told)?["proposal"].clone();
        let path = format!("{proposals}/{proposal}/apply");
        client.post_if(&path, "*").await.map_err(told)?.json().map_err(told)?;
        Ok(())
    }

    /// Kills it as a crash would, and starts it on the same directory, with the machine's cache of
    /// files emptied where that is permitted. The seconds until it was ready, and whether it was.
    pub(crate) async fn kill_and_restart_cold(&mut self) -> Result<(f64, bool), Failure> {
        self.listening.kill()?;
        let is_cold = drop_caches();
        let began = stopwatch();
        let port = self.listening.port;
        self.listening.child = spawn(self.config.as_deref(), &self.dir, port)?;
        self.listening.wait_until("/readyz").await?;
        Ok((began.elapsed().as_secs_f64(), is_cold))
    }

    /// The most memory that the process had, in MB.
    pub(crate) fn peak_memory_mb(&self) -> Result<f64, Failure> {
        let path = format!("/proc/{}/status", self.listening.child.id());
        let status = std::fs::read_to_string(path)?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kib = line.and_then(|line| line.trim().strip_suffix("kB"));
        let kib: f64 = kib.ok_or("no VmHWM here")?.trim().parse()?;
        Ok(kib * 1_024.0 / 1e6)
    }

    /// A metric's value; zero while it is not there.
    pub(crate) async fn metric(&self, name: &str) -> Result<f64, Failure> {
        let metrics = self.client().await?.get("/metrics").await.map_err(told)?;
        let text = String::from_utf8_lossy(&metrics.body).into_owned();
        let line = text.lines().find(|line| line.split(' ').next() == Some(name));
        let value = line.and_then(|line| line.rsplit(' ').next()?.parse().ok());
        Ok(value.unwrap_or_default())
    }

    /// How many snapshots are in the directory, and the newest one's name.
    pub(crate) fn snapshots(&self) -> Result<Vec<String>, Failure> {
        let mut names = Vec::new();
        for entry in std::fs::read_dir(self.data_dir())? {
            let name = entry?.file_name().to_string_lossy().into_owned();
            // One that is being written has another name.
            let is_whole = name != "snapshot.aside";
            if name.starts_with("snapshot") && is_whole {
                names.push(name);
            }
        }
        names.sort();
        Ok(names)
    }
}

/// The commit that the server says it was built from.
pub(crate) fn commit(options: &Options, dir: &Path) -> Result<String, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let city = City::build(1, City::SCALE_MIN);
        let server = Zhida::fresh(options, dir, &city).await?;
        let build: Value =
            server.client().await?.get("/v1/build").await.map_err(told)?.json().map_err(told)?;
        let text = |name: &str| build[name].as_str().unwrap_or("unknown").to_owned();
        Ok(format!("{}, profile {}", text("commit"), text("profile")))
    })
}

/// What a command of Zhida says went wrong.
#[expect(clippy::needless_pass_by_value, reason = "as map_err gives it")]
pub(crate) fn told(failure: zhida::server::exit::Failure) -> Failure {
    failure.to_string().into()
}

fn spawn(config: Option<&Path>, dir: &Path, port: u16) -> Result<Child, Failure> {
    let log = File::options().create(true).append(true).open(dir.join("server.log"))?;
    let mut command = Command::new(beside("../zhida")?);
    command.args(["serve", "--listen", &format!("127.0.0.1:{port}"), "--dir"]);
    command.arg(dir.join("data"));
    if let Some(config) = config {
        command.arg("--config").arg(config);
    }
    Ok(command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).spawn()?)
}

/// A program of the same build.
fn beside(name: &str) -> Result<PathBuf, Failure> {
    let own = std::env::current_exe()?;
    let path = own.parent().ok_or("a program lies in a directory")?.join(name);
    if path.exists() {
        return Ok(path);
    }
    Err(format!("{} is not there: cargo build --release --bins --examples", path.display()).into())
}

fn free_port() -> Result<u16, Failure> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

/// Empties the cache of files; says whether it was permitted.
fn drop_caches() -> bool {
    std::process::Command::new("sync").status().is_ok_and(|status| status.success())
        && std::fs::write("/proc/sys/vm/drop_caches", "3").is_ok()
}
