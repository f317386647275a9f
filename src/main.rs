//! Arguments → command → exit code.

use std::process::ExitCode;

use zhida::server::commands::{Cli, run};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    run(Cli::of_process())
}
