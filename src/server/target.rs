//! Whom a command speaks to: a running server by its URL, or a stopped directory, whose engine it
//! then runs itself, without a listener. Both by the same requests.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use tokio::task::JoinSet;

use super::client::Client;
use super::config::Config;
use super::exit::{Failure, Kind};
use super::language;
use super::start::{self, ADMIN_TOKEN, Kept};
use super::tls::TrustArgs;
use crate::api::{self, Api, ApiOptions};
use crate::engine::Desk;
use crate::rules::Words;

/// Bytes under way between the command and an engine in its own process.
const PIPE_BYTES: usize = 1 << 20;

/// Whom to speak to.
#[derive(Args, Clone, Debug)]
pub(super) struct TargetArgs {
    /// A running server
    #[arg(long, default_value = "http://127.0.0.1:8750", env = "ZHIDA_URL")]
    pub(super) url: String,
    /// The file that holds an administrator's token
    #[arg(
        long,
        value_name = "FILE",
        default_value = "zhida-data/admin-token",
        env = "ZHIDA_TOKEN_FILE"
    )]
    pub(super) token_file: PathBuf,
    /// A stopped server's data directory: runs its engine here, without a listener
    #[arg(long, value_name = "DIR", conflicts_with_all = ["url", "token_file"])]
    pub(super) dir: Option<PathBuf>,
    #[command(flatten)]
    pub(super) trust: TrustArgs,
}

/// A connection to whom was meant, and what must be stopped after it.
pub(super) struct Target {
    /// The connection.
    pub(super) client: Client,
    kept: Option<Kept>,
    /// What serves the connection where the engine runs here.
    serving: JoinSet<()>,
}

impl Target {
    /// Connects, or starts the directory's engine and connects to that.
    ///
    /// # Errors
    /// When nobody listens, the token cannot be read, or the directory not be opened.
    pub(super) async fn connect(args: &TargetArgs) -> Result<Self, Failure> {
        let Some(dir) = &args.dir else {
            let token = read_token(&args.token_file)?;
            let client = Client::connect_trusting(&args.url, &token, &args.trust).await?;
            let client = client.told_in(language::wanted());
            return Ok(Self { client, kept: None, serving: JoinSet::new() });
        };
        start::expect_data_dir(dir)?;
        let kept = start_stopped(dir).await?;
        let token = read_token(&dir.join(ADMIN_TOKEN))?;
        let api = Api::new(kept.handle(), ApiOptions::default());
        let desk = Desk::new();
        let mut serving = JoinSet::new();
        serving.spawn(desk.clone().run());
        let (near, far) = tokio::io::duplex(PIPE_BYTES);
        serving.spawn(api::serve_connection(Arc::clone(&api), desk, far));
        let client = Client::over(near, "zhida", &token).await?.told_in(language::wanted());
        Ok(Self { client, kept: Some(kept), serving })
    }

    /// Ends the connection, and closes the directory where it was opened: whoever opens it next finds
    /// nobody in it.
    ///
    /// # Errors
    /// When the directory could not be closed cleanly.
    pub(super) async fn close(mut self) -> Result<(), Failure> {
        drop(self.client);
        self.serving.shutdown().await;
        self.kept.map_or(Ok(()), Kept::stop)
    }
}

/// Starts the engine of a directory that no server has, with the clock its journal was begun with.
async fn start_stopped(dir: &Path) -> Result<Kept, Failure> {
    let mut config = Config::default();
    config.data.dir = dir.to_path_buf();
    let started = tokio::task::spawn_blocking(move || start::start_as_begun(&config));
    started
        .await
        .map_err(|error| Failure::world(Words::fixed("start the engine", "启动引擎"), &error))?
}

/// The token that a file holds.
///
/// # Errors
/// When it cannot be read.
pub(super) fn read_token(path: &Path) -> Result<String, Failure> {
    let text = std::fs::read_to_string(path).map_err(|error| {
        let file = path.display();
        let doing =
            Words::new(format!("read the token in {file}"), format!("读取 {file} 中的令牌"));
        Failure::world(doing, &error).hint(Words::fixed(
            "name an administrator's with --token-file; the first start put one into \
             DIR/admin-token",
            "请用 --token-file 指定管理员的令牌文件；首次启动时已写入 DIR/admin-token",
        ))
    })?;
    let token = text.trim();
    if token.is_empty() || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
        let file = path.display();
        let message = Words::new(format!("{file} holds no token"), format!("{file} 中没有令牌"));
        return Err(Failure::new(Kind::Usage, message).hint(Words::fixed(
            "name the file with --token-file; a token is one word",
            "请用 --token-file 指定文件；令牌为一个不含空格的词",
        )));
    }
    Ok(token.to_string())
}
