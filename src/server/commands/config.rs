//! `zhida config`: files into rows, with every fault at once, and a catalogue into force.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use serde_json::Value;

use super::block_on;
use super::import::{fail_on, read};
use crate::rules::{self, Words};
use crate::server::client::{Client, path_part};
use crate::server::config_check;
use crate::server::exit::{Failure, Kind, after_help};
use crate::server::language;
use crate::server::target::{Target, TargetArgs};

const TOML: &str = "application/toml";

#[derive(Debug, Subcommand)]
#[command(after_help = after_help(&["zhida config check config/zhida.toml"]))]
pub(super) enum ConfigCommand {
    /// Read files and print every fault: zhida.toml, catalogue.toml, units in NDJSON or CSV
    Check(CheckArgs),
    /// Show what a catalogue would change of the one in force
    Diff(DiffArgs),
    /// Propose a catalogue, for somebody to apply later
    ///
    /// Propose a catalogue, for somebody to apply later, and print what it would change and the
    /// proposal's number. Nothing changes yet.
    Propose(ProposeArgs),
    /// Bring a catalogue into force, in the place of the one before
    ///
    /// Bring a catalogue into force, in the place of the one before, and print what changes: a file, or
    /// what was proposed. A matter that it has not is retired; one that has open cases cannot be: end
    /// them, or keep the matter.
    Apply(ApplyArgs),
    /// List the catalogues that were in force: version, when, who, file, matters added, changed, retired
    History(HistoryArgs),
    /// Print the catalogue in force, as it was applied
    Show(ShowArgs),
}

#[derive(Args, Debug)]
#[command(after_help = after_help(&["zhida config check units.ndjson config/xinyang/catalogue.toml config/zhida.toml"]))]
pub(super) struct CheckArgs {
    /// Units are known by .ndjson or .csv, a catalogue by its [[matter]] entries or its name (catalogue*.toml), all else is a zhida.toml
    #[arg(required = true)]
    files: Vec<PathBuf>,
}

#[derive(Args, Debug)]
#[command(after_help = after_help(&["zhida config diff config/xinyang/catalogue.toml"]))]
pub(super) struct DiffArgs {
    #[command(flatten)]
    catalogue: CatalogueArgs,
}

#[derive(Args, Debug)]
#[command(after_help = after_help(&["zhida config propose config/xinyang/catalogue.toml"]))]
pub(super) struct ProposeArgs {
    #[command(flatten)]
    catalogue: CatalogueArgs,
}

#[derive(Args, Debug)]
#[command(after_help = after_help(&[
    "zhida config apply config/xinyang/catalogue.toml",
    "zhida config apply --proposal 7",
]))]
pub(super) struct ApplyArgs {
    /// The catalogue's file
    #[arg(required_unless_present = "proposal", conflicts_with = "proposal")]
    catalogue: Option<PathBuf>,
    /// The number of what was proposed, instead of a file
    #[arg(long)]
    proposal: Option<u32>,
    #[command(flatten)]
    target: TargetArgs,
}

#[derive(Args, Debug)]
struct CatalogueArgs {
    /// The catalogue's file
    catalogue: PathBuf,
    #[command(flatten)]
    target: TargetArgs,
}

#[derive(Args, Debug)]
#[command(after_help = after_help(&["zhida config history"]))]
pub(super) struct HistoryArgs {
    #[command(flatten)]
    target: TargetArgs,
}

#[derive(Args, Debug)]
#[command(after_help = after_help(&["zhida config show > catalogue.toml"]))]
pub(super) struct ShowArgs {
    #[command(flatten)]
    target: TargetArgs,
}

pub(super) fn run(command: &ConfigCommand) -> Result<(), Failure> {
    match command {
        ConfigCommand::Check(args) => check(args),
        ConfigCommand::Diff(args) => diff(&args.catalogue),
        ConfigCommand::Propose(args) => propose_only(&args.catalogue),
        ConfigCommand::Apply(args) => apply(args),
        ConfigCommand::History(args) => history(&args.target),
        ConfigCommand::Show(args) => show(&args.target),
    }
}

fn check(args: &CheckArgs) -> Result<(), Failure> {
    let mut findings = Vec::new();
    for file in &args.files {
        let origin = file.display().to_string();
        let bytes = read(file)?;
        let kind = file.extension().map(|kind| kind.to_string_lossy().to_lowercase());
        let found = match kind.as_deref() {
            Some("ndjson") => rules::parse_units(&origin, &bytes).err(),
            Some("csv") => rules::parse_units_csv(&origin, &bytes).err(),
            _ if is_catalogue(file, &bytes) => rules::parse_catalogue(&origin, &bytes).err(),
            _ => {
                let (text, undecoded) = rules::decode(&origin, &bytes);
                Some(rules::joined(undecoded, config_check::findings(&origin, &text)))
            }
        };
        findings.extend(found.into_iter().flatten());
    }
    fail_on(&findings)?;
    for file in &args.files {
        let file = file.display();
        language::say(&Words::new(format!("{file} is good."), format!("{file}：没有错误。")));
    }
    Ok(())
}

/// Whether it is a catalogue: by its name, or because it has entries, which a zhida.toml has not.
fn is_catalogue(file: &Path, bytes: &[u8]) -> bool {
    let name = file.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
    let mut lines = bytes.split(|byte| *byte == b'\n');
    name.starts_with("catalogue") || lines.any(|line| line.trim_ascii_start().starts_with(b"[["))
}

fn diff(args: &CatalogueArgs) -> Result<(), Failure> {
    let (origin, text) = good_catalogue(&args.catalogue)?;
    let good = block_on(async {
        let mut target = Target::connect(&args.target).await?;
        let path = format!("/v1/config/validate?origin={}", path_part(&origin));
        let good = target.client.post(&path, TOML, text).await?.json()?;
        target.close().await?;
        Ok(good)
    })?;
    say(&told_diff(&good["diff"]))?;
    language::say(&told_counts(&good["diff"]));
    Ok(())
}

fn propose_only(args: &CatalogueArgs) -> Result<(), Failure> {
    let (origin, text) = good_catalogue(&args.catalogue)?;
    let proposal = block_on(async {
        let mut target = Target::connect(&args.target).await?;
        let proposal = propose(&mut target.client, &origin, text).await?;
        target.close().await?;
        Ok(proposal)
    })?;
    say(&told_diff(&proposal["diff"]))?;
    language::say(&told_counts(&proposal["diff"]));
    let number = &proposal["proposal"];
    let apply = format!("zhida config apply --proposal {number}");
    language::say(&Words::new(
        format!("Proposal {number}. To bring it into force: {apply}"),
        format!("提案 {number}。使其生效：{apply}"),
    ));
    Ok(())
}

fn apply(args: &ApplyArgs) -> Result<(), Failure> {
    let file = args.catalogue.as_deref().map(good_catalogue).transpose()?;
    let matters = block_on(async {
        let mut target = Target::connect(&args.target).await?;
        let proposal = match (file, args.proposal) {
            (Some((origin, text)), _) => propose(&mut target.client, &origin, text).await?,
            (None, Some(number)) => {
                target.client.get(&format!("/v1/config/proposals/{number}")).await?.json()?
            }
            (None, None) => {
                let message = Words::fixed(
                    "name a catalogue, or --proposal",
                    "请给出目录文件，或 --proposal",
                );
                return Err(Failure::new(Kind::Usage, message));
            }
        };
        // What changes is no data here: whoever wants it as such asks for the diff.
        eprint!("{}", told_diff(&proposal["diff"]));
        language::say(&told_counts(&proposal["diff"]));
        let applied = match args.proposal {
            None => put_into_force(&mut target.client, &proposal).await,
            Some(_) => apply_proposal(&mut target.client, &proposal).await,
        };
        target.close().await?;
        applied.map(|()| proposal["matters"].as_u64().unwrap_or_default())
    })?;
    language::say(&Words::new(
        format!("{matters} matters are in force."),
        format!("{matters} 个事项已生效。"),
    ));
    Ok(())
}

/// Proposes a catalogue, and gives the proposal.
pub(super) async fn propose(
    client: &mut Client,
    origin: &str,
    text: String,
) -> Result<Value, Failure> {
    let path = format!("/v1/config/proposals?origin={}", path_part(origin));
    client.post(&path, TOML, text).await?.json()
}

/// Applies what was proposed just now; if it is refused it is abandoned.
pub(super) async fn put_into_force(client: &mut Client, proposal: &Value) -> Result<(), Failure> {
    let applied = apply_proposal(client, proposal).await;
    if applied.is_err() {
        let abandon = format!("/v1/imports/{}/abandon", proposal["proposal"]);
        client.post(&abandon, "application/json", "").await?.json()?;
    }
    applied
}

/// Applies a proposal to the version that its diff was made against.
async fn apply_proposal(client: &mut Client, proposal: &Value) -> Result<(), Failure> {
    let seen = format!("\"{}\"", proposal["config_seq"]);
    let apply = format!("/v1/config/proposals/{}/apply", proposal["proposal"]);
    client.post_if(&apply, &seen).await?.json().map(drop)
}

fn history(args: &TargetArgs) -> Result<(), Failure> {
    block_on(async {
        let mut target = Target::connect(args).await?;
        let mut path = String::from("/v1/config/history");
        loop {
            let page = target.client.get(&path).await?.json()?;
            for version in page["versions"].as_array().into_iter().flatten() {
                say(&told_version(version))?;
            }
            let Some(before) = page["next_before"].as_u64() else { break };
            path = format!("/v1/config/history?before={before}");
        }
        target.close().await
    })
}

fn show(args: &TargetArgs) -> Result<(), Failure> {
    let config = block_on(async {
        let mut target = Target::connect(args).await?;
        let config = target.client.get("/v1/config").await?.json()?;
        target.close().await?;
        Ok(config)
    })?;
    let Some(text) = config["text"].as_str() else {
        language::say(&Words::fixed("No catalogue is in force yet.", "尚无生效的目录。"));
        return Ok(());
    };
    say(text)?;
    let (seq, matters) = (&config["seq"], &config["matters"]);
    language::say(&Words::new(
        format!("Version {seq}, {matters} matters."),
        format!("版本 {seq}，{matters} 个事项。"),
    ));
    Ok(())
}

fn told_version(version: &Value) -> String {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    format!(
        "{}  {}  {}  {}  +{} ~{} -{}\n",
        version["seq"],
        text(&version["at"]),
        text(&version["by"]["client"]),
        text(&version["origin"]),
        version["added"],
        version["changed"],
        version["retired"],
    )
}

fn told_counts(diff: &Value) -> Words {
    let count = |kind: &str| diff[kind].as_array().map_or(0, Vec::len);
    let [added, changed, retired] = ["added", "changed", "retired"].map(count);
    Words::new(
        format!("{added} added, {changed} changed, {retired} retired."),
        format!("新增 {added}，变更 {changed}，停用 {retired}。"),
    )
}

/// One line a matter, and one a field that changes.
fn told_diff(diff: &Value) -> String {
    let language = language::wanted();
    let matters = |kind: &str| diff[kind].as_array().cloned().unwrap_or_default();
    let named = |matter: &Value| {
        let part = |name: &str| matter[name].as_str().unwrap_or_default().to_owned();
        format!("{} {}", part("code"), part("name"))
    };
    let (added, changed, retired) = (matters("added"), matters("changed"), matters("retired"));
    let mut lines = Vec::new();
    lines.extend(added.iter().map(|matter| {
        let again = Words::fixed(" (again)", "（恢复）");
        let again = if matter["revived"] == true { language.pick(&again) } else { "" };
        format!("+ {}{again}\n", named(matter))
    }));
    for matter in &changed {
        lines.push(format!("~ {}\n", named(matter)));
        lines.extend(matter["fields"].as_array().into_iter().flatten().map(|field| {
            let name = field["field"].as_str().unwrap_or_default();
            format!("    {name}: {} -> {}\n", field["from"], field["to"])
        }));
    }
    lines.extend(retired.iter().map(|matter| {
        let open = match matter["open_cases"].as_u64() {
            None | Some(0) => String::new(),
            Some(cases) => {
                let words = Words::new(
                    format!(" ({cases} open cases: end them, or keep the matter)"),
                    format!("（{cases} 个未结案件：请先办结，或保留该事项）"),
                );
                language.pick(&words).to_owned()
            }
        };
        format!("- {}{open}\n", named(matter))
    }));
    lines.concat()
}

/// Data on stdout.
fn say(text: &str) -> Result<(), Failure> {
    let mut out = std::io::stdout();
    let said = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    said.map_err(|error| Failure::unprinted(&error))
}

/// The file's name and text, if it holds a good catalogue. The server reads it again; here every fault
/// comes with the file's name, and nobody needs to be asked.
fn good_catalogue(file: &Path) -> Result<(String, String), Failure> {
    let origin = file.display().to_string();
    let bytes = read(file)?;
    let findings = rules::parse_catalogue(&origin, &bytes).err().unwrap_or_default();
    fail_on(&findings)?;
    Ok((origin, String::from_utf8(bytes).expect("what was read from it is text")))
}
