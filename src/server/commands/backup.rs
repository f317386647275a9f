//! `zhida backup` and `zhida restore`: a journal as one file of framed values, the vault apart.
//!
//! ```text
//!   0            8                              end
//!   │ ZHIDABK0 │ length u32 │ value │ length u32 │ value │ … │ 0 u32 │ head: seq u64, hash │
//! ```
//!
//! Without its vault a journal's texts stay sealed for ever, and with it they do not: keep the two
//! in different places.

use std::fs::File;
use std::io::{BufReader, BufWriter, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};

use clap::Args;

use super::block_on;
use super::verify::open_parts;
use crate::domain::ids::Seq;
use crate::journal::store::{StoppedStore, Store};
use crate::journal::value::VALUE_BYTES_MAX;
use crate::journal::{Head, Journal as _, Turn, Value};
use crate::rules::Words;
use crate::server::config::Config;
use crate::server::exit::{Failure, Kind, after_help};
use crate::server::language;
use crate::server::start::{self, store_options};
use crate::server::values::{ChainWalk, Source, SourceArgs};

const MAGIC: &[u8; 8] = b"ZHIDABK0";
/// The vault's file, in a data directory and in a vault's backup.
const VAULT: &str = "vault";

/// Copy a journal, from a running server or a stopped directory
///
/// Copy a journal into one file, checking its chain on the way; from a stopped directory, or from
/// a running server with --url. The vault, which holds the keys of all texts, is copied only where
/// --vault says, and belongs somewhere else. Prints the head, SEQ:HASH.
#[derive(Args, Debug)]
#[command(after_help = after_help(&["zhida backup city.backup --vault vault-copy", "zhida backup city.backup --vault vault-copy --url http://127.0.0.1:8750"]))]
pub(super) struct BackupArgs {
    /// The file to write; must not exist
    out: PathBuf,
    /// The directory to copy the vault to
    #[arg(long, value_name = "DIR")]
    vault: Option<PathBuf>,
    #[command(flatten)]
    source: SourceArgs,
}

/// Make a data directory of a backup
///
/// Make a data directory of a backup: its journal, checked, and its vault. Tokens of clients go on
/// to work; the administrator's token file is not part of a backup.
#[derive(Args, Debug)]
#[command(after_help = after_help(&["zhida restore city.backup zhida-restored --vault vault-copy"]))]
pub(super) struct RestoreArgs {
    /// The file that `zhida backup` wrote
    backup: PathBuf,
    /// The directory to make; must not exist
    dir: PathBuf,
    /// The directory that the vault was copied to
    #[arg(long, value_name = "DIR")]
    vault: PathBuf,
}

pub(super) fn run(args: &BackupArgs) -> Result<(), Failure> {
    if let Some(vault) = &args.vault {
        check_vaults(&args.source.dir, vault)?;
    }
    let out = File::create_new(&args.out).map_err(|error| {
        Failure::world(start::making(&args.out), &error).hint(Words::fixed(
            "name a file that does not exist, in a directory that does",
            "请给出尚不存在的文件，其目录须已存在",
        ))
    })?;
    let walk = back_up(args, out).inspect_err(|_| {
        // Half a backup is none. It was made just now, so there is nothing in it to lose.
        drop(std::fs::remove_file(&args.out));
    })?;
    let (seq, values) = (walk.head.seq, walk.values);
    language::say(&Words::new(
        format!("{seq} events in {values} values."),
        format!("{values} 个值，共 {seq} 个事实。"),
    ));
    if args.vault.is_none() {
        language::say(&Words::fixed(
            "The vault was not copied: without it no text of this backup opens. See --vault.",
            "密钥库未复制：没有它，此备份中的任何文本都无法打开。见 --vault。",
        ));
    }
    writeln!(std::io::stdout(), "{}", walk.head).map_err(|error| Failure::unprinted(&error))
}

/// Refuses before any work: a vault that is not there, a copy that would be written over.
fn check_vaults(from: &Path, to: &Path) -> Result<(), Failure> {
    let copy = to.join(VAULT);
    if copy.exists() {
        return Err(Failure::new(Kind::Usage, exists(&copy))
            .hint(Words::fixed("name another directory with --vault", "请用 --vault 另指定目录")));
    }
    if from.join(VAULT).is_file() {
        return Ok(());
    }
    Err(Failure::new(Kind::Usage, no_vault(from)).hint(Words::fixed(
        "--vault copies from this machine: name the data directory with --dir",
        "--vault 从本机复制：请用 --dir 指定数据目录",
    )))
}

fn exists(path: &Path) -> Words {
    let path = path.display();
    Words::new(format!("{path} exists"), format!("{path} 已存在"))
}

fn no_vault(dir: &Path) -> Words {
    let dir = dir.display();
    Words::new(format!("there is no vault in {dir}"), format!("{dir} 中没有密钥库"))
}

fn back_up(args: &BackupArgs, out: File) -> Result<ChainWalk, Failure> {
    let name = args.out.display();
    let failed = |error: std::io::Error| {
        Failure::world(Words::new(format!("write {name}"), format!("写入 {name}")), &error)
    };
    let mut out = BufWriter::new(out);
    out.write_all(MAGIC).map_err(failed)?;
    let mut walk = ChainWalk::new();
    block_on(async {
        let mut source = Source::open(&args.source).await?;
        source
            .each(Seq::FIRST, |bytes| {
                walk.take(bytes)?;
                let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
                out.write_all(&length.to_le_bytes())
                    .and_then(|()| out.write_all(bytes))
                    .map_err(failed)
            })
            .await?;
        // The vault after the journal: it then holds every key that the copied journal names.
        if let Some(vault) = &args.vault {
            copy_vault(&args.source.dir, vault)?;
        }
        Ok(())
    })?;
    out.write_all(&0_u32.to_le_bytes()).map_err(failed)?;
    out.write_all(&walk.head.seq.0.to_le_bytes()).map_err(failed)?;
    out.write_all(&walk.head.hash).map_err(failed)?;
    let file = out.into_inner().map_err(|error| failed(error.into_error()))?;
    file.sync_all().map_err(failed)?;
    Ok(walk)
}

pub(super) fn restore(args: &RestoreArgs) -> Result<(), Failure> {
    if !args.vault.join(VAULT).is_file() {
        return Err(Failure::new(Kind::Usage, no_vault(&args.vault)).hint(Words::fixed(
            "name the directory that `zhida backup --vault` copied it to",
            "请给出 zhida backup --vault 所复制到的目录",
        )));
    }
    let name = args.backup.display();
    let read =
        |error| Failure::world(Words::new(format!("read {name}"), format!("读取 {name}")), &error);
    let backup = BufReader::new(File::open(&args.backup).map_err(read)?);
    if args.dir.exists() {
        return Err(Failure::new(Kind::Usage, exists(&args.dir))
            .hint(Words::fixed("name a new directory", "请给出新目录")));
    }
    std::fs::create_dir_all(&args.dir)
        .map_err(|error| Failure::world(start::making(&args.dir), &error))?;
    let (walk, parts) = fill(args, backup).inspect_err(|_| {
        // Half a directory is none. It was made just now, so there is nothing in it to lose.
        drop(std::fs::remove_dir_all(&args.dir));
    })?;
    let (seq, values, dir) = (walk.head.seq, walk.values, args.dir.display());
    language::say(&Words::new(
        format!(
            "{seq} events in {values} values; {parts} sealed parts open. Go on: zhida serve --dir {dir}"
        ),
        format!(
            "{values} 个值，共 {seq} 个事实；{parts} 个密封部分可以打开。接着运行：zhida serve --dir {dir}"
        ),
    ));
    writeln!(std::io::stdout(), "{}", walk.head).map_err(|error| Failure::unprinted(&error))
}

const ANOTHER_COPY: Words = Words::fixed("take another copy of it", "请换一份副本");

/// Fills a new directory; says how many sealed parts open with that vault.
fn fill(args: &RestoreArgs, mut backup: BufReader<File>) -> Result<(ChainWalk, u64), Failure> {
    let failed = |error: std::io::Error| {
        let name = args.backup.display();
        let doing = Words::new(format!("read the backup {name}"), format!("读取备份 {name}"));
        if error.kind() == ErrorKind::UnexpectedEof {
            let Words { english, chinese } = doing;
            let message =
                Words::new(format!("{english}: it is cut off"), format!("{chinese}：不完整"));
            Failure::new(Kind::Damaged, message).hint(ANOTHER_COPY)
        } else if error.kind() == ErrorKind::InvalidData {
            Failure::damaged(doing, &error).hint(ANOTHER_COPY)
        } else {
            Failure::world(doing, &error)
        }
    };
    let mut magic = [0; MAGIC.len()];
    backup.read_exact(&mut magic).map_err(failed)?;
    if &magic != MAGIC {
        let name = args.backup.display();
        let message = Words::new(
            format!("{name} is no backup of this format"),
            format!("{name} 不是这一格式的备份"),
        );
        return Err(Failure::new(Kind::Damaged, message).hint(Words::fixed(
            "name the file that `zhida backup` of this version wrote",
            "请给出由此版本的 zhida backup 写出的文件",
        )));
    }
    let options = store_options(&Config::default(), &args.dir);
    let (mut store, _) =
        Store::open(&options).map_err(|error| start::open_failure(&args.dir, &error))?;
    let mut walk = ChainWalk::new();
    let mut bytes = Vec::new();
    while read_frame(&mut backup, &mut bytes).map_err(failed)? {
        let value = walk.take(&bytes)?;
        append(&mut store, &value)?;
    }
    let noted = read_head(&mut backup).map_err(failed)?;
    if noted != walk.head {
        let head = walk.head;
        let message = Words::new(
            format!("the backup ends at {head}, but was written to end at {noted}"),
            format!("备份止于 {head}，写出时应止于 {noted}"),
        );
        return Err(Failure::new(Kind::Damaged, message).hint(ANOTHER_COPY));
    }
    copy_vault(&args.vault, &args.dir)?;
    // A vault of another journal, or an older one, is found now and not in the hour of need.
    store
        .close()
        .map_err(|error| Failure::world(Words::fixed("close the journal", "关闭日志"), &error))?;
    let (restored, _) =
        StoppedStore::open(&args.dir).map_err(|error| start::open_failure(&args.dir, &error))?;
    let mut source = Source::Stopped(restored);
    let parts = block_on(open_parts(&mut source, &args.dir)).map_err(|failure| {
        failure.hint(Words::fixed(
            "name the vault that was copied together with this backup, or a newer one",
            "请给出与此备份一同复制的密钥库，或更新的密钥库",
        ))
    })?;
    Ok((walk, parts))
}

/// Appends a value as a turn of its own. The same records in the same place give the same bytes,
/// so the chain is the one that was backed up.
fn append(store: &mut Store, value: &Value<'_>) -> Result<(), Failure> {
    let mut turn = Turn::after(store.tail(), value.clock_mode());
    for record in value.records() {
        turn.push(&record.map_err(|error| {
            Failure::damaged(Words::fixed("read the backup", "读取备份"), &error)
        })?);
    }
    let head = turn.seal();
    if head != value.head() {
        return Err(Failure::new(
            Kind::Damaged,
            format!("event {}: the value is not of this format", value.first()),
        ));
    }
    store
        .append(&turn)
        .map_err(|error| Failure::world(Words::fixed("write the journal", "写入日志"), &error))
}

fn read_frame(backup: &mut impl Read, bytes: &mut Vec<u8>) -> std::io::Result<bool> {
    let mut length = [0; 4];
    backup.read_exact(&mut length)?;
    let length = u32::from_le_bytes(length) as usize;
    if length > VALUE_BYTES_MAX {
        return Err(std::io::Error::new(
            std::io::ErrorKind::InvalidData,
            "a value is longer than any can be",
        ));
    }
    bytes.resize(length, 0);
    backup.read_exact(bytes)?;
    Ok(length > 0)
}

fn read_head(backup: &mut impl Read) -> std::io::Result<Head> {
    let (mut seq, mut hash) = ([0; 8], [0; 32]);
    backup.read_exact(&mut seq)?;
    backup.read_exact(&mut hash)?;
    Ok(Head { seq: Seq(u64::from_le_bytes(seq)), hash })
}

fn copy_vault(from: &Path, to: &Path) -> Result<(), Failure> {
    let failed = |error: std::io::Error| {
        let to = to.display();
        let doing = Words::new(format!("copy the vault to {to}"), format!("将密钥库复制到 {to}"));
        Failure::world(doing, &error)
    };
    std::fs::create_dir_all(to).map_err(failed)?;
    let copy = to.join(VAULT);
    // The file's mode, 0600, goes along.
    std::fs::copy(from.join(VAULT), &copy).map_err(failed)?;
    File::open(&copy).and_then(|file| file.sync_all()).map_err(failed)
}
