//! `zhida import`: units from NDJSON or CSV files, staged and put into force whole.

use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::{Value, json};

use super::block_on;
use crate::domain::limits::{STAGED_ROWS_MAX, STAGED_TEXT_BYTES_MAX};
use crate::domain::organisation::UnitRow;
use crate::rules::{self, Words};
use crate::server::client::Client;
use crate::server::exit::{Failure, Kind, after_help, hint_word};
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
        let bytes = read(file)?;
        let is_csv = file.extension().is_some_and(|kind| kind.eq_ignore_ascii_case("csv"));
        let parse = if is_csv { rules::parse_units_csv } else { rules::parse_units };
        match parse(&origin, &bytes) {
            Ok(read) => {
                texts.push(String::from_utf8_lossy(&bytes).into_owned());
                units.extend(read.rows);
                places.extend(read.lines.into_iter().map(|line| (at, line)));
            }
            Err(found) => findings.extend(found),
        }
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
    language::say(&Words::new(
        format!("{count} units are in force."),
        format!("{count} 个单位已生效。"),
    ));
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
    let faults = findings.len();
    Err(Failure::new(
        Kind::Findings,
        Words::new(
            format!("{faults} faults; nothing was changed"),
            format!("{faults} 处错误；未作任何更改"),
        ),
    ))
}

/// What a file holds, text or not.
pub(super) fn read(file: &Path) -> Result<Vec<u8>, Failure> {
    std::fs::read(file).map_err(|error| {
        let file = file.display();
        Failure::world(Words::new(format!("read {file}"), format!("读取 {file}")), &error)
    })
}

/// Prints what keeps staged units from coming into force, each with where its row came from; says
/// how many findings there are.
fn print_findings(told: &Value, place_of: impl Fn(usize) -> Option<String>) -> u64 {
    let mut count = 0;
    let language = language::wanted();
    let hint_word = hint_word(language);
    for finding in told["findings"].as_array().into_iter().flatten() {
        let text = |field: &str| finding[field].as_str().unwrap_or_default();
        let (unit, title, hint, code) = (text("unit"), text("title"), text("hint"), text("code"));
        let row = finding["row"].as_u64().and_then(|row| usize::try_from(row).ok());
        let place = row.filter(|row| *row > 0).and_then(&place_of);
        let place = place.unwrap_or_else(|| {
            let row = &finding["row"];
            let words = Words::new(format!("row {row}"), format!("第 {row} 行"));
            language.pick(&words).to_owned()
        });
        eprintln!("{place}: {unit}: {title}; {hint_word}{hint}; {code}");
        count += 1;
    }
    let untold = told["untold"].as_u64().unwrap_or_default();
    if untold > 0 {
        language::say(&Words::new(format!("and {untold} more"), format!("另有 {untold} 处")));
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
            return Err(Failure::new(
                Kind::World,
                Words::fixed("the server's reply names no import", "服务器的答复没有给出导入编号"),
            ));
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
                let said = Words::new(
                    format!("the server refused {faults} rows; nothing was changed"),
                    format!("服务器拒绝了 {faults} 行；未作任何更改"),
                );
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
