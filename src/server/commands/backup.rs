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
use crate::server::config::Config;
use crate::server::exit::{Failure, Kind, after_help};
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
        Failure::world(&format!("make {}", args.out.display()), &error)
            .hint("name a file that does not exist, in a directory that does")
    })?;
    let walk = back_up(args, out).inspect_err(|_| {
        // Half a backup is none. It was made just now, so there is nothing in it to lose.
        drop(std::fs::remove_file(&args.out));
    })?;
    eprintln!("{} events in {} values.", walk.head.seq, walk.values);
    if args.vault.is_none() {
        eprintln!(
            "The vault was not copied: without it no text of this backup opens. See --vault."
        );
    }
    writeln!(std::io::stdout(), "{}", walk.head).map_err(|error| Failure::unprinted(&error))
}

/// Refuses before any work: a vault that is not there, a copy that would be written over.
fn check_vaults(from: &Path, to: &Path) -> Result<(), Failure> {
    let copy = to.join(VAULT);
    if copy.exists() {
        let message = format!("{} exists", copy.display());
        return Err(Failure::new(Kind::Usage, message).hint("name another directory with --vault"));
    }
    if from.join(VAULT).is_file() {
        return Ok(());
    }
    let message = format!("there is no vault in {}", from.display());
    Err(Failure::new(Kind::Usage, message)
        .hint("--vault copies from this machine: name the data directory with --dir"))
}

fn back_up(args: &BackupArgs, out: File) -> Result<ChainWalk, Failure> {
    let failed =
        |error: std::io::Error| Failure::world(&format!("write {}", args.out.display()), &error);
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
        let message = format!("there is no vault in {}", args.vault.display());
        return Err(Failure::new(Kind::Usage, message)
            .hint("name the directory that `zhida backup --vault` copied it to"));
    }
    let read = |error| Failure::world(&format!("read {}", args.backup.display()), &error);
    let backup = BufReader::new(File::open(&args.backup).map_err(read)?);
    if args.dir.exists() {
        let message = format!("{} exists", args.dir.display());
        return Err(Failure::new(Kind::Usage, message).hint("name a new directory"));
    }
    std::fs::create_dir_all(&args.dir)
        .map_err(|error| Failure::world(&format!("make {}", args.dir.display()), &error))?;
    let (walk, parts) = fill(args, backup).inspect_err(|_| {
        // Half a directory is none. It was made just now, so there is nothing in it to lose.
        drop(std::fs::remove_dir_all(&args.dir));
    })?;
    eprintln!(
        "{} events in {} values; {parts} sealed parts open. Go on: zhida serve --dir {}",
        walk.head.seq,
        walk.values,
        args.dir.display()
    );
    writeln!(std::io::stdout(), "{}", walk.head).map_err(|error| Failure::unprinted(&error))
}

/// Fills a new directory; says how many sealed parts open with that vault.
fn fill(args: &RestoreArgs, mut backup: BufReader<File>) -> Result<(ChainWalk, u64), Failure> {
    let failed = |error: std::io::Error| {
        let doing = format!("read the backup {}", args.backup.display());
        if error.kind() == ErrorKind::UnexpectedEof {
            Failure::new(Kind::Damaged, format!("{doing}: it is cut off"))
                .hint("take another copy of it")
        } else if error.kind() == ErrorKind::InvalidData {
            Failure::damaged(&doing, &error).hint("take another copy of it")
        } else {
            Failure::world(&doing, &error)
        }
    };
    let mut magic = [0; MAGIC.len()];
    backup.read_exact(&mut magic).map_err(failed)?;
    if &magic != MAGIC {
        let message = format!("{} is no backup of this format", args.backup.display());
        return Err(Failure::new(Kind::Damaged, message)
            .hint("name the file that `zhida backup` of this version wrote"));
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
        let message =
            format!("the backup ends at {}, but was written to end at {noted}", walk.head);
        return Err(Failure::new(Kind::Damaged, message).hint("take another copy of it"));
    }
    copy_vault(&args.vault, &args.dir)?;
    // A vault of another journal, or an older one, is found now and not in the hour of need.
    store.close().map_err(|error| Failure::world("close the journal", &error))?;
    let (restored, _) =
        StoppedStore::open(&args.dir).map_err(|error| start::open_failure(&args.dir, &error))?;
    let mut source = Source::Stopped(restored);
    let parts = block_on(open_parts(&mut source, &args.dir)).map_err(|failure| {
        failure.hint("name the vault that was copied together with this backup, or a newer one")
    })?;
    Ok((walk, parts))
}

/// Appends a value as a turn of its own. The same records in the same place give the same bytes,
/// so the chain is the one that was backed up.
fn append(store: &mut Store, value: &Value<'_>) -> Result<(), Failure> {
    let mut turn = Turn::after(store.tail(), value.clock_mode());
    for record in value.records() {
        turn.push(&record.map_err(|error| Failure::damaged("read the backup", &error))?);
    }
    let head = turn.seal();
    if head != value.head() {
        return Err(Failure::new(
            Kind::Damaged,
            format!("event {}: the value is not of this format", value.first()),
        ));
    }
    store.append(&turn).map_err(|error| Failure::world("write the journal", &error))
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
        Failure::world(&format!("copy the vault to {}", to.display()), &error)
    };
    std::fs::create_dir_all(to).map_err(failed)?;
    let copy = to.join(VAULT);
    // The file's mode, 0600, goes along.
    std::fs::copy(from.join(VAULT), &copy).map_err(failed)?;
    File::open(&copy).and_then(|file| file.sync_all()).map_err(failed)
}
