//! The raw values of a journal, from a running server by HTTP or from a stopped directory: what
//! verify, inspect and backup read.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use clap::Args;

use super::client::Client;
use super::exit::{Failure, Kind};
use super::start;
use super::target::read_token;
use super::tls::TrustArgs;
use crate::domain::ids::Seq;
use crate::journal::store::StoppedStore;
use crate::journal::{Head, Value};
use crate::rules::Words;

/// Bytes of a frame before the value's own: first seq, length.
const FRAME_BYTES: usize = 12;

/// Whose journal to read.
#[derive(Args, Clone, Debug)]
pub(super) struct SourceArgs {
    /// A stopped server's data directory
    #[arg(long, value_name = "DIR", default_value = "zhida-data", env = "ZHIDA_DIR")]
    pub(super) dir: PathBuf,
    /// Read from the running server at this URL instead; it has the directory
    #[arg(long, value_name = "URL")]
    pub(super) url: Option<String>,
    /// The file that holds an administrator's token, for --url; DIR/admin-token if left out
    #[arg(long, value_name = "FILE", requires = "url")]
    pub(super) token_file: Option<PathBuf>,
    #[command(flatten)]
    pub(super) trust: TrustArgs,
}

/// A journal to read.
pub(super) enum Source {
    /// Of a stopped directory, locked as long as this lives, and not changed.
    Stopped(StoppedStore),
    /// Of a running server.
    Live(Box<Client>),
}

impl Source {
    /// Locks the directory, or connects to the server.
    ///
    /// # Errors
    /// When it is in use, damaged, or nobody listens.
    pub(super) async fn open(args: &SourceArgs) -> Result<Self, Failure> {
        if let Some(url) = &args.url {
            let token_file = args.token_file.clone();
            let token =
                read_token(&token_file.unwrap_or_else(|| args.dir.join(start::ADMIN_TOKEN)))?;
            let client = Client::connect_trusting(url, &token, &args.trust).await?;
            return Ok(Self::Live(Box::new(client)));
        }
        Ok(Self::Stopped(open_stopped(&args.dir)?))
    }

    /// Gives every value to `each`, in order, from the one that holds `from`. Stops at its error.
    ///
    /// # Errors
    /// Those of `each`, and of reading.
    pub(super) async fn each(
        &mut self,
        from: Seq,
        mut each: impl FnMut(&[u8]) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        match self {
            Self::Stopped(store) => each_stopped(store, from, &mut each),
            Self::Live(client) => each_live(client, from, &mut each).await,
        }
    }
}

/// Opens a directory that no server has, to be read alone; says how it was left.
///
/// # Errors
/// When there is none, it is in use or damaged.
pub(super) fn open_stopped(dir: &Path) -> Result<StoppedStore, Failure> {
    start::expect_data_dir(dir)?;
    let (store, report) =
        StoppedStore::open(dir).map_err(|error| start::open_failure(dir, &error))?;
    eprintln!("{report}");
    Ok(store)
}

fn each_stopped(
    store: &StoppedStore,
    from: Seq,
    each: &mut impl FnMut(&[u8]) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let mut ended = Ok(());
    let read =
        store.reader().read_from(from, store.tail().seq, &mut |_, bytes| match each(bytes) {
            Ok(()) => ControlFlow::Continue(()),
            Err(failure) => {
                ended = Err(failure);
                ControlFlow::Break(())
            }
        });
    read.map_err(|error| Failure::damaged(Words::fixed("read the journal", "读取日志"), &error))?;
    ended
}

async fn each_live(
    client: &mut Client,
    from: Seq,
    each: &mut impl FnMut(&[u8]) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let mut next = from;
    loop {
        let reply =
            client.get(&format!("/v1/journal/records?from={next}&limit_bytes=16777216")).await?;
        if !reply.status.is_success() {
            return reply.json().map(drop);
        }
        if reply.body.is_empty() {
            return Ok(());
        }
        let mut rest = &reply.body[..];
        while !rest.is_empty() {
            let (value, after) = frame(rest).ok_or_else(|| {
                Failure::new(
                    Kind::World,
                    Words::fixed("the server's answer is cut off", "服务器的答复不完整"),
                )
            })?;
            each(value)?;
            let value = Value::parse(value).map_err(|error| {
                Failure::damaged(Words::fixed("read the journal", "读取日志"), &error)
            })?;
            next = value.last().next();
            rest = after;
        }
    }
}

/// The next framed value, and what follows it.
fn frame(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (head, rest) = bytes.split_at_checked(FRAME_BYTES)?;
    let length = u32::from_le_bytes(head[8..].try_into().ok()?);
    rest.split_at_checked(length as usize)
}

/// Walks a chain value by value.
#[derive(Debug)]
pub(super) struct ChainWalk {
    /// The end of what was walked.
    pub(super) head: Head,
    /// Values walked.
    pub(super) values: u64,
}

impl ChainWalk {
    /// Before the first value.
    pub(super) fn new() -> Self {
        Self { head: Head::GENESIS, values: 0 }
    }

    /// Takes the next value: it must be whole, and follow.
    ///
    /// # Errors
    /// When it is damaged or does not follow, with its first seq.
    pub(super) fn take<'a>(&mut self, bytes: &'a [u8]) -> Result<Value<'a>, Failure> {
        let expected = self.head.seq.next();
        let value = Value::parse(bytes)
            .map_err(|error| Failure::damaged(format!("event {expected}"), &error))?;
        value
            .follows(&self.head)
            .map_err(|error| Failure::damaged(format!("event {expected}"), &error))?;
        self.head = value.head();
        self.values += 1;
        Ok(value)
    }
}
