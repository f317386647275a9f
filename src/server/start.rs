//! From a directory to a running engine, in order: store, state, vault, folder, engine, and back.
//!
//! ```text
//!  lock ▶ store (mends what a crash left) ▶ state (snapshot + fold) ▶ vault (fresh keys ahead)
//!       ▶ folder ▶ engine ▶ first administrator ▶ listener
//!  stop:  listener drains ▶ lanes are worked off ▶ store is closed cleanly ▶ unlock
//! ```

use std::fs::File;
use std::io::Write;
use std::ops::ControlFlow;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::config::{ClockName, Config};
use super::exit::{Failure, Kind, caused};
use super::kept::KeptJournal;
use crate::api;
use crate::domain::command::{AdmitClient, Command, GrantRequest, Submission};
use crate::domain::event::{ClockMode, Event};
use crate::domain::grant::{Places, Scopes};
use crate::domain::ids::{PrincipalId, Seq};
use crate::domain::state::State;
use crate::engine::{Clock, Desk, Engine, Handle, Parts, StartError, Status};
use crate::journal::medium::Medium;
use crate::journal::recover::{RecoverError, recover_while};
use crate::journal::store::{OpenError, SealedSegment, StoppedStore, Store, StoreOptions};
use crate::journal::vault::{Vault, VaultError, VaultOptions};
use crate::journal::{AppendError, FoldHandle, FoldOptions, Folder, Journal, SealNote};
use crate::rules::Words;

/// What to do about a damaged journal.
const MEND: Words = Words::fixed(
    "nothing was changed; put the file back from a copy of the directory, or make a new one of a \
     backup: zhida restore",
    "未作任何更改；请从目录的副本放回该文件，或由备份建立新目录：zhida restore",
);

const ROOM: Words =
    Words::fixed("make room on the disk, and start again", "请腾出磁盘空间，再重新启动");

/// The file in the data directory that holds the first administrator's token.
pub(super) const ADMIN_TOKEN: &str = "admin-token";

/// An engine on its directory.
pub(super) struct Kept {
    engine: Engine,
    dir: PathBuf,
    /// The first administrator's token, when this start made it.
    pub(super) new_admin_token: Option<String>,
}

/// Opens the directory and starts the engine on it. `each` is told how far the fold is, once a
/// value: the event folded, and the last one to fold. When it says so the start ends, with nothing;
/// the next one begins the fold again.
///
/// # Errors
/// When the directory is in use, damaged, or of another format; when the clock is wrong.
pub(super) fn start(
    config: &Config,
    each: &dyn Fn(Seq, Seq) -> ControlFlow<()>,
) -> Result<Option<Kept>, Failure> {
    let dir = config.data.dir.clone();
    std::fs::create_dir_all(&dir).map_err(|error| Failure::world(making(&dir), &error))?;
    let (store, report) =
        Store::open(&store_options(config, &dir)).map_err(|error| open_failure(&dir, &error))?;
    tracing::info!("{report}");
    let medium = store.medium();
    let recovered = match recover_while(&*medium, &*store.reader(), store.tail(), each) {
        Ok(recovered) => recovered,
        Err(RecoverError::Stopped) => {
            store.close().map_err(|error| {
                Failure::world(Words::fixed("close the journal", "关闭日志"), &error)
            })?;
            return Ok(None);
        }
        Err(error) => {
            return Err(Failure::damaged(dir.display().to_string(), &error).hint(MEND));
        }
    };
    if let Some(seq) = recovered.snapshot_seq {
        tracing::info!(seq = seq.0, "begun with the snapshot");
    }
    let status = Arc::new(Status::default());
    let vault = open_vault(config, &*medium, &recovered.state)
        .map_err(|error| vault_failure(&dir, &error))?;
    let folder = start_folder(&store, &status, recovered.snapshot_seq)?;
    let state = recovered.state;
    let is_new = state.clients().iter().next().is_none();
    let engine = Engine::start(Parts {
        journal: Box::new(KeptJournal { store, folder, status: Arc::clone(&status) }),
        state,
        vault: Arc::new(vault),
        clock: match config.clock.mode {
            ClockName::System => Clock::System,
            ClockName::Driven => Clock::Driven,
        },
        journal_id: random_id()?,
        status,
        options: config.engine_options(),
    })
    .map_err(|error| start_failure(&error))?;
    let mut kept = Kept { engine, dir, new_admin_token: None };
    if is_new {
        kept.new_admin_token = Some(kept.admit_first_admin()?);
    }
    Ok(Some(kept))
}

/// As [`start`], to the end, with the clock that the journal was begun with, whatever the
/// configuration says.
///
/// # Errors
/// As [`start`].
pub(super) fn start_as_begun(config: &Config) -> Result<Kept, Failure> {
    let mut config = config.clone();
    if let Some(ClockMode::Driven) = begun_with(&config)? {
        config.clock.mode = ClockName::Driven;
    }
    let started = start(&config, &|_, _| ControlFlow::Continue(()))?;
    Ok(started.expect("nobody asks for its end"))
}

/// The clock in the first event of a stopped directory's journal.
fn begun_with(config: &Config) -> Result<Option<ClockMode>, Failure> {
    let dir = &config.data.dir;
    let (store, _) = StoppedStore::open(dir).map_err(|error| open_failure(dir, &error))?;
    let first =
        (store.tail().seq >= Seq::FIRST).then(|| store.reader().record(Seq::FIRST)).transpose();
    let first = first.map_err(|error| {
        Failure::damaged(Words::fixed("read the first event", "读取第一个事实"), &error)
    })?;
    let Some(Event::JournalOpened(opened)) = first.map(|record| record.event) else {
        return Ok(None);
    };
    Ok(Some(opened.clock_mode))
}

fn open_vault(config: &Config, medium: &dyn Medium, state: &State) -> Result<Vault, VaultError> {
    let options = VaultOptions {
        journal_exists: state.opened().is_some(),
        highest_committed: state.slots_used(),
        step_slots: u32::try_from(config.vault.step_slots).unwrap_or(u32::MAX),
        steps_ahead: u32::try_from(config.vault.steps_ahead).unwrap_or(u32::MAX),
        ..VaultOptions::default()
    };
    Vault::open(medium, options)
}

/// Starts the thread that folds, and tells it what was sealed since the snapshot.
fn start_folder(
    store: &Store,
    status: &Status,
    snapshot_seq: Option<Seq>,
) -> Result<FoldHandle, Failure> {
    let is_bulk_busy = Arc::clone(status.is_bulk_busy());
    let options = FoldOptions {
        snapshot_seq,
        ..FoldOptions::new(store.medium(), store.reader(), is_bulk_busy)
    };
    let mut folder = Folder::start(options).map_err(|error| {
        Failure::world(Words::fixed("start the folder", "启动折叠线程"), &error)
    })?;
    let is_new = |segment: &&SealedSegment| snapshot_seq.is_none_or(|seq| segment.last.seq > seq);
    for segment in store.sealed().iter().filter(is_new) {
        folder.sealed(SealNote::from(segment));
    }
    Ok(folder)
}

impl Kept {
    /// The end that requests hold.
    pub(super) fn handle(&self) -> Handle {
        self.engine.handle()
    }

    /// The data directory.
    pub(super) fn dir(&self) -> &Path {
        &self.dir
    }

    /// Whether the engine ended by itself.
    pub(super) fn is_over(&self) -> bool {
        self.engine.is_over()
    }

    /// Works off what is in the lanes and closes the directory.
    ///
    /// # Errors
    /// When the last turn could not be made durable, or the store not be closed cleanly.
    pub(super) fn stop(self) -> Result<(), Failure> {
        let journal = self
            .engine
            .stop()
            .map_err(|error| Failure::world(Words::fixed("stop", "停止"), &error))?;
        journal
            .close()
            .map_err(|error| Failure::world(Words::fixed("close the journal", "关闭日志"), &error))
    }

    /// Admits the first administrator and keeps its token in a file that only the owner reads.
    fn admit_first_admin(&self) -> Result<String, Failure> {
        let (token, token_hash) = api::new_token()
            .map_err(|error| Failure::new(Kind::World, format!("draw a token: {error}")))?;
        let path = self.dir.join(ADMIN_TOKEN);
        let mut file = std::fs::OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&path)
            .map_err(|error| Failure::world(making(&path), &error))?;
        file.write_all(token.as_bytes())
            .and_then(|()| file.sync_all())
            // Its name is durable only in its directory.
            .and_then(|()| File::open(&self.dir)?.sync_all())
            .map_err(|error| Failure::world(format!("write {}", path.display()), &error))?;
        let admit =
            AdmitClient { name: "admin".into(), token_hash, grant: GrantRequest::of(Scopes::ALL) };
        let submission = Submission {
            principal: PrincipalId::SYSTEM,
            places: Places::everywhere(),
            by: None,
            mark: None,
            at: None,
            command: Command::AdmitClient(admit),
        };
        submit_alone(&self.handle(), submission)?;
        Ok(token)
    }
}

/// Submits one command from outside any runtime, and waits for it.
fn submit_alone(handle: &Handle, submission: Submission) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .map_err(|error| Failure::world(Words::fixed("start a runtime", "启动运行时"), &error))?;
    let desk = Desk::new();
    runtime.spawn(desk.clone().run());
    let accepted = runtime.block_on(handle.submit(&desk, submission));
    accepted.map(drop).map_err(|error| {
        Failure::world(Words::fixed("admit the first administrator", "接纳首位管理员"), &error)
    })
}

/// What is being done where a file or a directory is made.
pub(super) fn making(path: &Path) -> Words {
    let path = path.display();
    Words::new(format!("make {path}"), format!("建立 {path}"))
}

/// Refuses a directory in which no journal was ever begun: a slip of the pen makes no new one.
///
/// # Errors
/// When it is no data directory.
pub(super) fn expect_data_dir(dir: &Path) -> Result<(), Failure> {
    if begins_journal(dir) {
        return Ok(());
    }
    let dir = dir.display();
    let message = Words::new(format!("{dir} is no data directory"), format!("{dir} 不是数据目录"));
    Err(Failure::new(Kind::Usage, message).hint(Words::fixed(
        "name the directory that `zhida serve --dir` was given; serve makes new ones",
        "请给出 zhida serve --dir 所用的目录；新目录由 serve 建立",
    )))
}

/// Whether the directory says its format, or holds a segment without one.
fn begins_journal(dir: &Path) -> bool {
    let entries = dir.read_dir().into_iter().flatten().flatten();
    entries.map(|entry| entry.file_name()).any(|name| {
        let name = name.to_string_lossy();
        name == "format" || name.starts_with("journal-")
    })
}

/// How a store of this configuration is opened.
pub(super) fn store_options(config: &Config, dir: &Path) -> StoreOptions {
    StoreOptions {
        directory: dir.to_path_buf(),
        segment_bytes: config.journal.segment_bytes.as_u64(),
        ballast_bytes: config.journal.ballast_bytes.as_u64(),
        free_bytes_min: config.journal.free_bytes_min.as_u64(),
    }
}

fn random_id() -> Result<u128, Failure> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes)
        .map_err(|error| Failure::new(Kind::World, format!("draw a journal id: {error}")))?;
    Ok(u128::from_le_bytes(bytes))
}

/// What a command says when a store does not open.
pub(super) fn open_failure(dir: &Path, error: &OpenError) -> Failure {
    let kind = match error {
        OpenError::Locked { .. } | OpenError::Append(_) | OpenError::Io { .. } => Kind::World,
        OpenError::OtherFormat { .. }
        | OpenError::Gap { .. }
        | OpenError::Behind { .. }
        | OpenError::OtherChain { .. }
        | OpenError::Damaged { .. } => Kind::Damaged,
    };
    let hint = match error {
        OpenError::Locked { .. } => Words::fixed(
            "speak to the server that runs there (--url), or stop it first",
            "请与在那里运行的服务器对话（--url），或先将其停止",
        ),
        OpenError::OtherFormat { .. } => Words::fixed(
            "nothing was changed; use the zhida that wrote it, or name another directory with --dir",
            "未作任何更改；请用写出它的 zhida，或用 --dir 另指定目录",
        ),
        OpenError::Gap { .. }
        | OpenError::Behind { .. }
        | OpenError::OtherChain { .. }
        | OpenError::Damaged { .. } => MEND,
        OpenError::Append(AppendError::DiskFull(_)) => ROOM,
        OpenError::Append(AppendError::NotDurable(_)) | OpenError::Io { .. } => Words::fixed(
            "look at the disk and at the rights on the directory",
            "请检查磁盘及目录的权限",
        ),
    };
    Failure::new(kind, caused(&dir.display().to_string(), error)).hint(hint)
}

/// What a command says when a vault does not open.
pub(super) fn vault_failure(dir: &Path, error: &VaultError) -> Failure {
    let (kind, hint) = match error {
        VaultError::Missing
        | VaultError::TooShort { .. }
        | VaultError::Blank
        | VaultError::SlotUnknown { .. }
        | VaultError::DoesNotOpen { .. } => (
            Kind::Damaged,
            Words::fixed(
                "put the newest copy of this directory's vault there; without it no text opens",
                "请放回该目录密钥库的最新副本；没有它任何文本都无法打开",
            ),
        ),
        VaultError::Busy => (
            Kind::World,
            Words::fixed("stop the process that has it first", "请先停止占用它的进程"),
        ),
        VaultError::NoneLeft { .. } => (Kind::World, ROOM),
        VaultError::Random(_) | VaultError::Io { .. } => (
            Kind::World,
            Words::fixed(
                "look at the disk and at the rights on the file",
                "请检查磁盘及文件的权限",
            ),
        ),
    };
    Failure::new(kind, caused(&dir.join("vault").display().to_string(), error)).hint(hint)
}

fn start_failure(error: &StartError) -> Failure {
    let failure = |kind| Failure::new(kind, caused("start the engine", error));
    match error {
        StartError::ClockMode { .. } => failure(Kind::Usage).hint(Words::fixed(
            "give --clock the one that the journal was begun with, or another --dir",
            "--clock 请用日志开始时的时钟，或用 --dir 另指定目录",
        )),
        StartError::ClockBehind { .. } => failure(Kind::World).hint(Words::fixed(
            "how far it may be behind is clock.behind_max in zhida.toml",
            "允许落后多少由 zhida.toml 的 clock.behind_max 规定",
        )),
        StartError::Begin(_) | StartError::Thread(_) => failure(Kind::World),
    }
}
