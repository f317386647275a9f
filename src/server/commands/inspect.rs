//! `zhida inspect`: events as NDJSON, as the feed would tell them, without any sealed text.

use std::io::{BufWriter, Write};

use clap::Args;

use super::block_on;
use crate::api::EventNames;
use crate::domain::ids::Seq;
use crate::domain::state::State;
use crate::domain::{self};
use crate::rules::Words;
use crate::server::exit::{Failure, Kind, after_help};
use crate::server::values::{ChainWalk, Source, SourceArgs};

/// Print a data directory's events as NDJSON
///
/// Print a journal's events as NDJSON, one a line, as GET /v1/events tells them. Sealed texts stay
/// sealed. Reads from the first event on, since an event's codes follow from those before it.
#[derive(Args, Debug)]
#[command(after_help = after_help(&["zhida inspect --case 1", "zhida inspect --from 12 --through 15 --url http://127.0.0.1:8750"]))]
pub(super) struct InspectArgs {
    #[command(flatten)]
    source: SourceArgs,
    /// The first event to print
    #[arg(long, value_name = "SEQ", default_value_t = 1)]
    from: u64,
    /// The last event to print
    #[arg(long, value_name = "SEQ")]
    through: Option<u64>,
    /// Only the events of this case
    #[arg(long, value_name = "ID")]
    case: Option<u32>,
}

pub(super) fn run(args: &InspectArgs) -> Result<(), Failure> {
    let through = args.through.unwrap_or(u64::MAX);
    if through < args.from {
        let from = args.from;
        let message = Words::new(
            format!("--from {from} lies behind --through {through}"),
            format!("--from {from} 在 --through {through} 之后"),
        );
        return Err(Failure::new(Kind::Usage, message));
    }
    let failed = |error: std::io::Error| Failure::unprinted(&error);
    let mut out = BufWriter::new(std::io::stdout().lock());
    let mut state = State::default();
    let mut walk = ChainWalk::new();
    block_on(async {
        let mut source = Source::open(&args.source).await?;
        source
            .each(Seq::FIRST, |bytes| {
                let value = walk.take(bytes)?;
                for record in value.records() {
                    let record = record.map_err(|error| {
                        Failure::damaged(Words::fixed("read the journal", "读取日志"), &error)
                    })?;
                    domain::evolve(&mut state, &record);
                    let is_asked = (args.from..=through).contains(&record.seq.0)
                        && args
                            .case
                            .is_none_or(|case| record.event.case().is_some_and(|id| id.0 == case));
                    if is_asked {
                        let line = EventNames::of_state(&state).line(&record);
                        writeln!(out, "{line}").map_err(failed)?;
                    }
                }
                Ok(())
            })
            .await
    })?;
    out.flush().map_err(failed)
}
