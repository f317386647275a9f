//! `zhida verify`: the whole chain, every record, every sealed part.

use std::io::Write;
use std::path::Path;

use clap::Args;
use indicatif::ProgressBar;

use super::block_on;
use crate::domain::ids::{Seq, SlotNumber};
use crate::domain::record::Record;
use crate::journal::medium::disk::Disk;
use crate::journal::store::StoppedStore;
use crate::journal::vault::{Opened, VaultReader};
use crate::journal::{Head, Value};
use crate::server::exit::{Failure, Kind, after_help};
use crate::server::start;
use crate::server::values::{ChainWalk, Source, SourceArgs};

/// Check a data directory's whole chain, and print its head
///
/// Check a stopped directory: every sealed file against its note, the whole chain, every record, and
/// that every sealed part opens; nothing in it is changed. With --url a running server's chain and
/// records alone: its files and its vault are not read. Prints the head, SEQ:HASH. Keep it somewhere else: a chain proves nothing
/// against someone who rewrites it whole, unless a head noted before is on it.
#[derive(Args, Debug)]
#[command(after_help = after_help(&["zhida verify > head.txt", "zhida verify --head \"$(cat head.txt)\"", "zhida verify --url http://127.0.0.1:8750"]))]
pub(super) struct VerifyArgs {
    #[command(flatten)]
    source: SourceArgs,
    /// A head noted before; it must be on the chain
    #[arg(long, value_name = "SEQ:HASH")]
    head: Option<Head>,
}

pub(super) fn run(args: &VerifyArgs) -> Result<(), Failure> {
    let head = block_on(async {
        match Source::open(&args.source).await? {
            Source::Stopped(store) => verify_stopped(store, args).await,
            live @ Source::Live(_) => verify_live(live, args).await,
        }
    })?;
    writeln!(std::io::stdout(), "{head}").map_err(|error| Failure::unprinted(&error))
}

/// Verifies the files, the chain and the sealed parts of a directory that no server has.
async fn verify_stopped(store: StoppedStore, args: &VerifyArgs) -> Result<Head, Failure> {
    let bar = ProgressBar::new(store.tail().seq.0);
    let report = store.verify(args.head, &mut |seq| bar.set_position(seq.0));
    bar.finish_and_clear();
    let report = report.map_err(|error| Failure::damaged("the journal does not hold", &error))?;
    eprintln!(
        "{} events in {} values; {} of {} segments are sealed and are what their notes say.",
        report.events, report.values, report.segments_sealed, report.segments
    );
    let mut source = Source::Stopped(store);
    let parts = open_parts(&mut source, &args.source.dir).await?;
    eprintln!("{parts} sealed parts open.");
    Ok(report.head)
}

/// Walks a running server's chain. Its files and its vault are the server's own to read.
async fn verify_live(mut source: Source, args: &VerifyArgs) -> Result<Head, Failure> {
    let mut walk = ChainWalk::new();
    let mut is_on_the_chain = args.head.is_none_or(|head| head == Head::GENESIS);
    source
        .each(Seq::FIRST, |bytes| {
            let value = walk.take(bytes)?;
            is_on_the_chain |= args.head == Some(value.head());
            each_record(&value, |_| Ok(()))
        })
        .await?;
    if let Some(expected) = args.head.filter(|_| !is_on_the_chain) {
        let message = format!("{expected} is not on the chain, which ends at {}", walk.head);
        return Err(Failure::new(Kind::Damaged, message));
    }
    eprintln!(
        "{} events in {} values follow each other. Files and sealed parts: stop the server first.",
        walk.head.seq, walk.values
    );
    Ok(walk.head)
}

/// Opens every sealed part; says how many there are.
pub(super) async fn open_parts(source: &mut Source, dir: &Path) -> Result<u64, Failure> {
    let mut highest = None;
    source
        .each(Seq::FIRST, |bytes| {
            let value = Value::parse(bytes)
                .map_err(|error| Failure::damaged("read the journal", &error))?;
            each_record(&value, |record| {
                highest =
                    record.event.sealed_parts().map(|(_, part)| part.slot).chain(highest).max();
                Ok(())
            })
        })
        .await?;
    let Some(highest): Option<SlotNumber> = highest else {
        return Ok(0);
    };
    let medium = Disk::at(dir).map_err(|error| Failure::world("open the directory", &error))?;
    let vault = VaultReader::open(&medium, Some(highest));
    let vault = vault.map_err(|error| start::vault_failure(dir, &error))?;
    let mut parts = 0;
    source
        .each(Seq::FIRST, |bytes| {
            let value = Value::parse(bytes)
                .map_err(|error| Failure::damaged("read the journal", &error))?;
            each_record(&value, |record| {
                for (name, part) in record.event.sealed_parts() {
                    match vault.open_part(name, part) {
                        Ok(Opened::Plain(_)) => parts += 1,
                        // No event of this format erases: what is gone was taken.
                        Ok(Opened::Erased) => {
                            let message = format!(
                                "event {}: the vault's slot {} is empty, and nothing erased it",
                                record.seq, part.slot
                            );
                            return Err(Failure::new(Kind::Damaged, message));
                        }
                        Err(error) => {
                            return Err(Failure::damaged(&format!("event {}", record.seq), &error));
                        }
                    }
                }
                Ok(())
            })
        })
        .await?;
    Ok(parts)
}

fn each_record(
    value: &Value<'_>,
    mut each: impl FnMut(&Record) -> Result<(), Failure>,
) -> Result<(), Failure> {
    for record in value.records() {
        each(&record.map_err(|error| Failure::damaged("read the journal", &error))?)?;
    }
    Ok(())
}
