//! The demo's server: another process of this same program.

use std::fs::{File, TryLockError};
use std::net::TcpListener;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use super::table::Report;
use crate::engine::clock::stopwatch;
use crate::server::client::Client;
use crate::server::exit::{Failure, Kind};
use crate::server::start::ADMIN_TOKEN;

/// Between two questions whether the server is ready.
const READY_EVERY: Duration = Duration::from_millis(5);
/// Between two looks whether the server that stays up is still there.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// How long a start may take.
const READY_WITHIN: Duration = Duration::from_mins(2);

/// A server process, and where it keeps and listens. Killed when dropped.
pub(super) struct Server {
    child: Child,
    dir: PathBuf,
    port: u16,
}

impl Server {
    /// Starts it on `dir`, with a driven clock.
    pub(super) fn start(dir: &Path, port: u16) -> Result<Self, Failure> {
        let port = if port == 0 { free_port()? } else { port };
        Ok(Self { child: spawn(dir, port)?, dir: dir.to_path_buf(), port })
    }

    /// Its base URL.
    pub(super) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Its data directory.
    pub(super) fn data_dir(&self) -> PathBuf {
        data_dir(&self.dir)
    }

    /// The administrator's token that its first start made.
    pub(super) fn admin_token(&self) -> Result<String, Failure> {
        let path = self.data_dir().join(ADMIN_TOKEN);
        let text = std::fs::read_to_string(&path);
        text.map_err(|error| Failure::world(format!("read {}", path.display()), &error))
    }

    /// Waits until it answers that it is ready.
    pub(super) async fn wait_until_ready(&mut self) -> Result<(), Failure> {
        let began = stopwatch();
        loop {
            if let Some(status) = self
                .child
                .try_wait()
                .map_err(|error| Failure::world("look at the server", &error))?
            {
                let log = self.dir.join("server.log");
                return Err(Failure::new(
                    Kind::World,
                    format!("the server ended ({status}); see {}", log.display()),
                ));
            }
            if let Ok(mut client) = Client::connect(&self.url(), "").await
                && let Ok(reply) = client.get("/readyz").await
                && reply.status.is_success()
            {
                return Ok(());
            }
            if began.elapsed() > READY_WITHIN {
                return Err(Failure::new(Kind::World, "the server did not become ready"));
            }
            tokio::time::sleep(READY_EVERY).await;
        }
    }

    /// Kills it as a crash would, starts it again, and says how long that took until it was ready.
    /// What was counted before must be counted after.
    pub(super) async fn kill_and_restart(&mut self, before: &Report) -> Result<Duration, Failure> {
        self.child
            .kill()
            .and_then(|()| self.child.wait())
            .map_err(|error| Failure::world("kill the server", &error))?;
        let began = stopwatch();
        self.child = spawn(&self.dir, self.port)?;
        self.wait_until_ready().await?;
        let took = began.elapsed();
        let mut client = Client::connect(&self.url(), &self.admin_token()?).await?;
        let after = client.get("/v1/counts").await?.json()?;
        let organisation = client.get("/v1/organisation").await?.json()?;
        if after != before.counts || organisation != before.organisation {
            return Err(Failure::new(
                Kind::Damaged,
                format!(
                    "after the restart there are {after} {organisation}, before {} {}",
                    before.counts, before.organisation
                ),
            ));
        }
        Ok(took)
    }

    /// The most memory that it ever had, in bytes, as Linux tells it.
    pub(super) fn peak_memory(&self) -> Option<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
        let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
        Some(kib * 1_024)
    }

    /// Stops it in good order.
    pub(super) fn stop(mut self) -> Result<(), Failure> {
        if let Some(pid) = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw) {
            kill_process(pid, Signal::TERM)
                .map_err(|error| Failure::world("stop the server", &error))?;
        }
        self.wait_for_end()
    }

    /// Stays until Ctrl-C or SIGTERM and then stops it, or until it ends by itself.
    pub(super) async fn stay_until_interrupted(mut self) -> Result<(), Failure> {
        let mut interrupted = std::pin::pin!(super::interrupted());
        loop {
            tokio::select! {
                interrupted = &mut interrupted => {
                    interrupted?;
                    return self.stop();
                }
                () = tokio::time::sleep(LOOK_EVERY) => {}
            }
            let ended = self.child.try_wait();
            if ended.map_err(|error| Failure::world("look at the server", &error))?.is_some() {
                return self.wait_for_end();
            }
        }
    }

    fn wait_for_end(&mut self) -> Result<(), Failure> {
        let status =
            self.child.wait().map_err(|error| Failure::world("wait for the server", &error))?;
        if status.success() {
            Ok(())
        } else {
            Err(Failure::new(Kind::World, format!("the server ended: {status}")))
        }
    }

    /// Three requests to try.
    pub(super) fn hints(&self) -> String {
        let (url, token) = (self.url(), self.data_dir().join(ADMIN_TOKEN));
        let bearer = format!("-H \"Authorization: Bearer $(cat {})\"", token.display());
        format!(
            "\nThe server stays up; Ctrl-C ends it. Three requests to try:\n\n\
             curl -s {bearer} '{url}/v1/cases/1?include=text'\n\
             curl -s {bearer} {url}/v1/cases/1/timeline\n\
             curl -s {bearer} '{url}/v1/events?after=0&limit=3'\n"
        )
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It has ended already, or there is nothing more that a demo could do about it.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Whether a server has the directory of an earlier demo: it holds the lock then.
pub(super) fn is_running_on(dir: &Path) -> bool {
    let lock = File::open(data_dir(dir).join("lock"));
    lock.is_ok_and(|lock| matches!(lock.try_lock(), Err(TryLockError::WouldBlock)))
}

fn data_dir(dir: &Path) -> PathBuf {
    dir.join("data")
}

fn spawn(dir: &Path, port: u16) -> Result<Child, Failure> {
    let failed = |error: std::io::Error| Failure::world("start the server", &error);
    let program = std::env::current_exe().map_err(failed)?;
    let log =
        File::options().create(true).append(true).open(dir.join("server.log")).map_err(failed)?;
    // It runs with the defaults, whatever the demo's own caller has set.
    let settings = std::env::vars_os().map(|(name, _)| name);
    let settings = settings.filter(|name| name.as_encoded_bytes().starts_with(b"ZHIDA_"));
    let mut command = Command::new(program);
    for name in settings {
        command.env_remove(name);
    }
    command
        // Ctrl-C is for the demo, which then stops its server; the server must not be gone first.
        .process_group(0)
        .args(["serve", "--clock", "driven", "--listen", &format!("127.0.0.1:{port}"), "--dir"])
        .arg(data_dir(dir))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(log)
        .spawn()
        .map_err(failed)
}

/// A port that is free now.
fn free_port() -> Result<u16, Failure> {
    let failed = |error: std::io::Error| Failure::world("find a free port", &error);
    let listener = TcpListener::bind("127.0.0.1:0").map_err(failed)?;
    Ok(listener.local_addr().map_err(failed)?.port())
}
