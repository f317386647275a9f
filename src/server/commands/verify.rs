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
use crate::rules::Words;
use crate::server::exit::{Failure, Kind, after_help};
use crate::server::language;
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
    let report = report.map_err(|error| {
        Failure::damaged(Words::fixed("the journal does not hold", "日志不成立"), &error)
    })?;
    let (events, values) = (report.events, report.values);
    let (sealed, segments) = (report.segments_sealed, report.segments);
    language::say(&Words::new(
        format!(
            "{events} events in {values} values; {sealed} of {segments} segments are sealed and are \
             what their notes say."
        ),
        format!(
            "{values} 个值，共 {events} 个事实；{segments} 个段中 {sealed} 个已封存，与其记录相符。"
        ),
    ));
    let mut source = Source::Stopped(store);
    let parts = open_parts(&mut source, &args.source.dir).await?;
    language::say(&Words::new(
        format!("{parts} sealed parts open."),
        format!("{parts} 个密封部分可以打开。"),
    ));
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
        let head = walk.head;
        let message = Words::new(
            format!("{expected} is not on the chain, which ends at {head}"),
            format!("{expected} 不在链上，链止于 {head}"),
        );
        return Err(Failure::new(Kind::Damaged, message));
    }
    let (seq, values) = (walk.head.seq, walk.values);
    language::say(&Words::new(
        format!(
            "{seq} events in {values} values follow each other. Files and sealed parts: stop the \
             server first."
        ),
        format!("{values} 个值，共 {seq} 个事实，前后相接。检查文件和密封部分须先停止服务器。"),
    ));
    Ok(walk.head)
}

/// Opens every sealed part; says how many there are.
pub(super) async fn open_parts(source: &mut Source, dir: &Path) -> Result<u64, Failure> {
    let mut highest = None;
    source
        .each(Seq::FIRST, |bytes| {
            let value = Value::parse(bytes).map_err(|error| {
                Failure::damaged(Words::fixed("read the journal", "读取日志"), &error)
            })?;
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
    let medium = Disk::at(dir)
        .map_err(|error| Failure::world(Words::fixed("open the directory", "打开目录"), &error))?;
    let vault = VaultReader::open(&medium, Some(highest));
    let vault = vault.map_err(|error| start::vault_failure(dir, &error))?;
    let mut parts = 0;
    source
        .each(Seq::FIRST, |bytes| {
            let value = Value::parse(bytes).map_err(|error| {
                Failure::damaged(Words::fixed("read the journal", "读取日志"), &error)
            })?;
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
                            return Err(Failure::damaged(format!("event {}", record.seq), &error));
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
        each(&record.map_err(|error| {
            Failure::damaged(Words::fixed("read the journal", "读取日志"), &error)
        })?)?;
    }
    Ok(())
}
