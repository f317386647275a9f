//! Measures Zhida as README's table of numbers states it: a release build of the server as a
//! process of its own, driven over loopback, beside the hyper floor in the same run.
//!
//! ```text
//!  machine, probes ─▶ a/a ─▶ rows: floor, Zhida, floor, Zhida, … each in turn first ─▶ medians
//! ```
//!
//! Build first: `cargo build --release --bins --examples`. Then run
//! `target/release/examples/measure --quick` for a try, without `--quick` for numbers to quote.
//! A ratio is the median over the pairs, with the smallest and the largest beside it.

mod bodies;
mod bulk;
mod child;
mod growth;
mod import;
mod io;
mod machine;
mod posts;
mod queries;
mod rows;
mod stats;

use std::error::Error;
use std::io::Write as _;

use clap::{Parser, ValueEnum};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Whatever went wrong, said once, at the end.
pub(crate) type Failure = Box<dyn Error + Send + Sync>;

/// Measure a release build: rows of the README's table of numbers.
#[derive(Clone, Debug, Parser)]
pub(crate) struct Options {
    /// The rows to measure; all but `io` if left out
    #[arg(value_enum)]
    rows: Vec<Row>,
    /// Short and few runs: for trying, not for quoting
    #[arg(long)]
    quick: bool,
    /// Pairs of runs
    #[arg(long)]
    pairs: Option<usize>,
    /// Seconds of one run, where a row is measured for a time
    #[arg(long)]
    seconds: Option<u64>,
    /// Keep-alive connections of N1
    #[arg(long, default_value_t = 256)]
    connections: usize,
    /// Connections that the bulk load comes over
    #[arg(long, default_value_t = 4)]
    bulk_connections: usize,
    /// Lines of one bulk body
    #[arg(long, default_value_t = 10_000)]
    body_lines: usize,
    /// Reports of the bulk rows
    #[arg(long, default_value_t = 640_000)]
    reports: u64,
    /// Queries a second beside the lone POST: 88,600 people look 20 times an hour
    #[arg(long, default_value_t = 500, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    queries_per_second: u32,
    /// A configuration for the server; its directory and address are the measurement's own
    #[arg(long)]
    config: Option<std::path::PathBuf>,
    /// Where the server's directories are made; the system's place for temporary files if left out
    #[arg(long)]
    dir: Option<std::path::PathBuf>,
}

/// What can be measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Row {
    /// One floor against itself: how noisy the machine is.
    Aa,
    /// One case by one POST, durable, ÷ hyper floor.
    N1,
    /// Reports by /v1/commands, durable, in seconds.
    N2,
    /// Lone POST p99 while a bulk load runs ÷ without.
    N4,
    /// Restart after kill -9, cold, until ready; with peak memory of the run (N9).
    N8,
    /// Peak memory at ten times the connections ÷ at one.
    Overload,
    /// The whole organisation into force, in seconds.
    Import,
    /// Lone POST p99 while people and screens query ÷ without.
    Queries,
    /// The server's processor time a command at ten times the cases ÷ at one.
    N10,
    /// The I/O runtimes against each other. Only where it is asked for.
    Io,
}

impl Options {
    fn pairs(&self) -> usize {
        self.pairs.unwrap_or(if self.quick { 2 } else { 5 })
    }

    fn seconds(&self) -> u64 {
        self.seconds.unwrap_or(if self.quick { 2 } else { 10 })
    }

    fn wants(&self, row: Row) -> bool {
        (self.rows.is_empty() && row != Row::Io) || self.rows.contains(&row)
    }
}

fn main() -> Result<(), Failure> {
    let options = Options::parse();
    let dir = match &options.dir {
        Some(dir) => tempfile::Builder::new().prefix("zhida-measure-").tempdir_in(dir)?,
        None => tempfile::Builder::new().prefix("zhida-measure-").tempdir()?,
    };
    say(&machine::about()?)?;
    say(&format!("command: {}", std::env::args().collect::<Vec<_>>().join(" ")))?;
    say(&format!("commit: {}", child::commit(&options, dir.path())?))?;
    say(&machine::probes(dir.path())?)?;
    let work = rows::Work::new(&options, dir.path());
    for (row, measure) in rows::ALL {
        if options.wants(*row) {
            say(&measure(&work)?)?;
        }
    }
    say(&machine::probes(dir.path())?)
}

/// Prints a result as soon as it is there.
fn say(text: &str) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{text}")?;
    Ok(out.flush()?)
}
