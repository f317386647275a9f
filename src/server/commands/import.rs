//! `zhida import`: units from NDJSON or CSV files, staged and put into force whole.

use std::path::PathBuf;

use clap::Args;
use serde_json::{Value, json};

use super::block_on;
use crate::api::language::Language;
use crate::domain::limits::{STAGED_ROWS_MAX, STAGED_TEXT_BYTES_MAX};
use crate::domain::organisation::UnitRow;
use crate::rules;
use crate::server::client::Client;
use crate::server::exit::{Failure, Kind, after_help};
use crate::server::language;
use crate::server::target::{Target, TargetArgs};

/// Bring units into a server's organisation from NDJSON or CSV files
///
/// Bring units into a server's organisation from NDJSON files, one unit a line:
/// {"code":"411502001001001","kind":"grid","name":"第一网格"}
/// or from files that end in .csv, with the same names in their header row and modules joined by ;
#[derive(Args, Debug)]
#[command(after_help = after_help(&["zhida import units.ndjson", "zhida import units.csv", "zhida import units.ndjson --dir zhida-data"]))]
pub(super) struct ImportArgs {
    /// NDJSON or CSV files of units; all of them come into force together
    #[arg(required = true)]
    files: Vec<PathBuf>,
    #[command(flatten)]
    target: TargetArgs,
}

pub(super) fn run(args: &ImportArgs) -> Result<(), Failure> {
    let mut units = Vec::new();
    // Where each row came from: which file, which line.
    let mut places: Vec<(usize, u32)> = Vec::new();
    let mut texts = Vec::new();
    let mut findings = Vec::new();
    for (at, file) in args.files.iter().enumerate() {
        let origin = file.display().to_string();
        let text = std::fs::read_to_string(file)
            .map_err(|error| Failure::world(&format!("read {origin}"), &error))?;
        let is_csv = file.extension().is_some_and(|kind| kind.eq_ignore_ascii_case("csv"));
        let parse = if is_csv { rules::parse_units_csv } else { rules::parse_units };
        match parse(&origin, &text) {
            Ok(read) => {
                units.extend(read.rows);
                places.extend(read.lines.into_iter().map(|line| (at, line)));
            }
            Err(found) => findings.extend(found),
        }
        texts.push(text);
    }
    fail_on(&findings)?;
    let origin = args.files[0].display().to_string();
    let count = units.len();
    block_on(async {
        let mut target = Target::connect(&args.target).await?;
        let mut import = Import::begin(&mut target.client, &origin).await?;
        let place_of = |row: usize| {
            let (file, line) = places.get(row - 1)?;
            Some(format!("{}:{line}", args.files.get(*file)?.display()))
        };
        if let Err(failure) = bring(&mut import, &texts, &units, place_of).await {
            import.abandon().await;
            return Err(failure);
        }
        target.close().await
    })?;
    eprintln!("{count} units are in force.");
    Ok(())
}

/// Stages all of it, and puts it into force.
async fn bring(
    import: &mut Import<'_>,
    texts: &[String],
    units: &[UnitRow],
    place_of: impl Fn(usize) -> Option<String>,
) -> Result<(), Failure> {
    for text in texts {
        import.stage_text(text).await?;
    }
    for rows in units.chunks(STAGED_ROWS_MAX) {
        import.stage("units", "application/x-ndjson", rules::write_units(rows)).await?;
    }
    import.commit(place_of).await
}

/// Prints all findings; a failure when there are any.
pub(super) fn fail_on(findings: &[rules::Finding]) -> Result<(), Failure> {
    let language = language::wanted();
    for finding in findings {
        let (message, hint) = (language.pick(&finding.message), language.pick(&finding.hint));
        eprintln!("{}: {message}; {}{hint}", finding.place(), hint_word(language));
    }
    if findings.is_empty() {
        return Ok(());
    }
    Err(Failure::new(Kind::Findings, format!("{} faults; nothing was changed", findings.len())))
}

/// What stands before a hint.
const fn hint_word(language: Language) -> &'static str {
    match language {
        Language::English => "hint: ",
        Language::Chinese => "提示：",
    }
}

/// Prints what keeps staged units from coming into force, each with where its row came from; says
/// how many findings there are.
fn print_findings(told: &Value, place_of: impl Fn(usize) -> Option<String>) -> u64 {
    let mut count = 0;
    let hint_word = hint_word(language::wanted());
    for finding in told["findings"].as_array().into_iter().flatten() {
        let text = |field: &str| finding[field].as_str().unwrap_or_default();
        let (unit, title, hint, code) = (text("unit"), text("title"), text("hint"), text("code"));
        let row = finding["row"].as_u64().and_then(|row| usize::try_from(row).ok());
        let place = row.filter(|row| *row > 0).and_then(&place_of);
        let place = place.unwrap_or_else(|| format!("row {}", finding["row"]));
        eprintln!("{place}: {unit}: {title}; {hint_word}{hint}; {code}");
        count += 1;
    }
    let untold = told["untold"].as_u64().unwrap_or_default();
    if untold > 0 {
        eprintln!("and {untold} more");
    }
    count + untold
}

/// A staged import under way over HTTP.
pub(super) struct Import<'a> {
    client: &'a mut Client,
    path: String,
    /// The version of the organisation that it began upon.
    organisation: String,
}

impl<'a> Import<'a> {
    /// Begins one.
    pub(super) async fn begin(client: &'a mut Client, origin: &str) -> Result<Self, Failure> {
        let seen = client.get("/v1/organisation").await?.json()?;
        let organisation = format!("\"{}\"", seen["seq"].as_u64().unwrap_or_default());
        let body = json!({ "origin": origin }).to_string();
        let begun = client.post("/v1/imports", "application/json", body).await?.json()?;
        let Some(import) = begun["import"].as_u64() else {
            return Err(Failure::new(Kind::World, "the server's reply names no import"));
        };
        Ok(Self { client, path: format!("/v1/imports/{import}"), organisation })
    }

    /// Stages the text that the rows were read from, in parts that fit an event, cut between
    /// characters: the journal keeps it whole.
    pub(super) async fn stage_text(&mut self, text: &str) -> Result<(), Failure> {
        let mut rest = text;
        while !rest.is_empty() {
            let (part, after) = rest.split_at(rest.floor_char_boundary(STAGED_TEXT_BYTES_MAX));
            self.stage("text", "text/plain; charset=utf-8", part.to_string()).await?;
            rest = after;
        }
        Ok(())
    }

    /// Stages rows or text.
    pub(super) async fn stage(
        &mut self,
        what: &str,
        content_type: &str,
        body: String,
    ) -> Result<Value, Failure> {
        self.client.post(&format!("{}/{what}", self.path), content_type, body).await?.json()
    }

    /// Puts what was staged into force, unless the organisation has changed since it began.
    ///
    /// # Errors
    /// When it is refused: what is wrong with its units is printed before, with the place in a file
    /// where `place_of` knows one for the row, counted from 1 in the order staged.
    pub(super) async fn commit(
        &mut self,
        place_of: impl Fn(usize) -> Option<String>,
    ) -> Result<(), Failure> {
        let commit = format!("{}/commit", self.path);
        let committed = self.client.post_if(&commit, &self.organisation).await?.json();
        let Err(refused) = committed else {
            return Ok(());
        };
        // An import that is not open any more has no findings, and is refused for that.
        let findings = self.client.get(&format!("{}/findings", self.path)).await?.json();
        match print_findings(&findings.unwrap_or_default(), place_of) {
            0 => Err(refused),
            faults => {
                let said = format!("the server refused {faults} rows; nothing was changed");
                Err(Failure::new(Kind::Refused, said))
            }
        }
    }

    /// Gives it up, so that it is not one of the few that may be open. Where that is refused, it is
    /// open no more, or nobody is there to be asked.
    pub(super) async fn abandon(&mut self) {
        let abandon = format!("{}/abandon", self.path);
        drop(self.client.post(&abandon, "application/json", String::new()).await);
    }
}
