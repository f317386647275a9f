//! The commands: arguments in, exit code out. Data goes to stdout, everything else to stderr.

mod backup;
mod chinese;
mod config;
mod demo;
mod import;
mod inspect;
mod serve;
mod token;
mod verify;

use std::process::ExitCode;

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};

use super::exit::{Failure, after_help};
use super::language;
use crate::api::language::Language;
use crate::rules::Words;

/// The dispatch core of a city's grid governance: every case reaches the one unit that answers
/// for it, durable, routed, on the clock.
#[derive(Debug, Parser)]
#[command(name = "zhida", version, about, after_help = after_help(&["zhida demo --scale 0.01", "zhida serve"]), max_term_width = 100)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Serve(serve::ServeArgs),
    Demo(demo::DemoArgs),
    Import(import::ImportArgs),
    /// Make, list and revoke tokens of client systems
    #[command(subcommand)]
    Token(token::TokenCommand),
    /// Check configuration files; show, compare and replace the catalogue
    #[command(subcommand)]
    Config(config::ConfigCommand),
    Verify(verify::VerifyArgs),
    Inspect(inspect::InspectArgs),
    Backup(backup::BackupArgs),
    Restore(backup::RestoreArgs),
}

impl Cli {
    /// The arguments that the program was called with; help, version and wrong usage end it. Help is
    /// in the language that the environment asks for.
    #[must_use]
    pub fn of_process() -> Self {
        let command = match language::wanted() {
            Language::English => Self::command(),
            Language::Chinese => chinese::in_chinese(Self::command()),
        };
        let read = command.try_get_matches().and_then(|found| Self::from_arg_matches(&found));
        read.unwrap_or_else(|told| told.exit())
    }
}

/// Runs the command; a failure is printed to stderr and becomes the exit code.
pub fn run(cli: Cli) -> ExitCode {
    let ended = match cli.command {
        Command::Serve(args) => serve::run(args),
        Command::Demo(args) => demo::run(&args),
        Command::Import(args) => import::run(&args),
        Command::Token(command) => token::run(&command),
        Command::Config(command) => config::run(&command),
        Command::Verify(args) => verify::run(&args),
        Command::Inspect(args) => inspect::run(&args),
        Command::Backup(args) => backup::run(&args),
        Command::Restore(args) => backup::restore(&args),
    };
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            if failure.is_told() {
                eprintln!("zhida: {}", failure.told(language::wanted()));
            }
            failure.code()
        }
    }
}

/// Runs a command's requests on a runtime of its own.
fn block_on<T>(future: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::world(Words::fixed("start a runtime", "启动运行时"), &error))?
        .block_on(future)
}
