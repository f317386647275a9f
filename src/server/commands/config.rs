//! `zhida config`: files into rows, with every fault at once.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::block_on;
use super::import::{Import, fail_on};
use crate::domain::limits::STAGED_ROWS_MAX;
use crate::rules;
use crate::server::config_check;
use crate::server::exit::{Failure, after_help};
use crate::server::target::{Target, TargetArgs};

#[derive(Debug, Subcommand)]
#[command(after_help = after_help(&["zhida config check config/zhida.toml"]))]
pub(super) enum ConfigCommand {
    /// Read files and print every fault: zhida.toml, catalogue.toml, units in NDJSON
    Check(CheckArgs),
    /// Bring a catalogue of matters into force
    Apply(ApplyArgs),
}

#[derive(Args, Debug)]
#[command(after_help = after_help(&["zhida config check units.ndjson config/xinyang/catalogue.toml config/zhida.toml"]))]
pub(super) struct CheckArgs {
    /// A catalogue is known by its name (catalogue*.toml), units by .ndjson, all else is a zhida.toml
    #[arg(required = true)]
    files: Vec<PathBuf>,
}

#[derive(Args, Debug)]
#[command(after_help = after_help(&["zhida config apply config/xinyang/catalogue.toml"]))]
pub(super) struct ApplyArgs {
    /// The catalogue's file
    catalogue: PathBuf,
    #[command(flatten)]
    target: TargetArgs,
}

pub(super) fn run(command: &ConfigCommand) -> Result<(), Failure> {
    match command {
        ConfigCommand::Check(args) => check(args),
        ConfigCommand::Apply(args) => apply(args),
    }
}

fn check(args: &CheckArgs) -> Result<(), Failure> {
    let mut findings = Vec::new();
    for file in &args.files {
        let origin = file.display().to_string();
        let text = read(file)?;
        let name = file.file_name().unwrap_or_default().to_string_lossy().to_string();
        if name.ends_with(".ndjson") {
            findings.extend(rules::parse_units(&origin, &text).err().into_iter().flatten());
        } else if name.starts_with("catalogue") {
            findings.extend(rules::parse_catalogue(&origin, &text).err().into_iter().flatten());
        } else {
            findings.extend(config_check::findings(&origin, &text));
        }
    }
    fail_on(&findings)?;
    for file in &args.files {
        eprintln!("{} is good.", file.display());
    }
    Ok(())
}

fn apply(args: &ApplyArgs) -> Result<(), Failure> {
    let origin = args.catalogue.display().to_string();
    let text = read(&args.catalogue)?;
    let matters = match rules::parse_catalogue(&origin, &text) {
        Ok(matters) => matters,
        Err(findings) => return fail_on(&findings),
    };
    block_on(async {
        let mut target = Target::connect(&args.target).await?;
        let mut import = Import::begin(&mut target.client, &origin).await?;
        import.stage_text(&text).await?;
        for rows in matters.chunks(STAGED_ROWS_MAX) {
            import.stage("matters", "application/x-ndjson", rules::write_matters(rows)).await?;
        }
        import.commit().await?;
        target.close().await
    })?;
    eprintln!("{} matters are in force.", matters.len());
    Ok(())
}

fn read(file: &PathBuf) -> Result<String, Failure> {
    std::fs::read_to_string(file)
        .map_err(|error| Failure::world(&format!("read {}", file.display()), &error))
}
