//! Arguments → command → exit code.

use std::process::ExitCode;

use clap::Parser;
use zhida::server::commands::{Cli, run};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    run(Cli::parse())
}
