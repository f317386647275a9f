//! `zhida demo`: a city, its cases, a server of its own, and what came of it. The server is
//! another process, driven over HTTP as any client would, killed and started again at the end.

mod drive;
mod look;
mod process;
mod reshape;
mod table;
mod verbs;

use std::io::Write;
use std::path::{Path, PathBuf};

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;
use tokio::signal::unix::{SignalKind, signal};

use super::block_on;
use super::config;
use super::import::Import;
use crate::city::{City, Profile};
use crate::domain::code::Level;
use crate::domain::limits::STAGED_ROWS_MAX;
use crate::engine::clock::stopwatch;
use crate::rules;
use crate::rules::Words;
use crate::server::client::Client;
use crate::server::exit::{Failure, Kind, after_help};

use drive::Driven;
use process::Server;
use table::Report;

/// A directory that a demo made holds this file, so that the next demo may empty it.
const MARKER: &str = "made-by-zhida-demo";

/// Make a city, drive its cases through a server of its own over HTTP, and print what came of it
///
/// Make a city from a seed, start a server on loopback in a fresh directory, drive the city's
/// cases through it over HTTP (reported, routed, handled, closed, months in seconds) while it opens,
/// renames, splits, merges, moves and closes grids and sets up a task force and a headquarters, ask
/// what a screen asks, print what came of it, and stay up for a look. Scale 1 is the whole of 信阳市:
/// 18,100 grids, 640,000 cases.
#[derive(Args, Debug)]
#[command(after_help = after_help(&["zhida demo --scale 0.01", "zhida demo --seed 7 --exit"]))]
pub(super) struct DemoArgs {
    /// How large: 1 is the whole city, 0.01 a hundredth of it
    #[arg(long, default_value_t = 1.0)]
    scale: f64,
    /// The same seed makes the same city and the same cases
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Where the server keeps its data; emptied if an earlier demo made it
    #[arg(long, value_name = "DIR", default_value = "zhida-demo")]
    dir: PathBuf,
    /// The port to listen on; 0 takes a free one
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// End after the table, instead of staying up
    #[arg(long)]
    exit: bool,
}

pub(super) fn run(args: &DemoArgs) -> Result<(), Failure> {
    if !(City::SCALE_MIN..=City::SCALE_MAX).contains(&args.scale) {
        let message =
            format!("--scale {} is outside {} to {}", args.scale, City::SCALE_MIN, City::SCALE_MAX);
        return Err(Failure::new(Kind::Usage, message));
    }
    let began = stopwatch();
    make_fresh(&args.dir)?;
    let city = City::build(args.seed, args.scale);
    let profile = Profile::default();
    let cases = profile.cases_at(args.scale);
    eprintln!(
        "A city of {} units and {} matters, seed {}; {cases} cases over {} days.",
        city.units().len(),
        city.matters().len(),
        args.seed,
        profile.days
    );
    let units = table::units_by_kind(&city);
    let mut server = Server::start(&args.dir, args.port)?;
    let (driven, report) = block_on(unless_interrupted(async {
        server.wait_until_ready().await?;
        let admin = server.admin_token()?;
        let mut admin = Client::connect(&server.url(), &admin).await?;
        bring_in(&mut admin, &city).await?;
        let app = admit(&mut admin, "grid-app", &["intake", "act"]).await?;
        let mut app = Client::connect(&server.url(), &app).await?;
        let screen = admit(&mut admin, "screen", &["read"]).await?;
        let mut screen = Client::connect(&server.url(), &screen).await?;
        let (top, county) = top_and_county(&city);
        let driven = drive_with_bar(&mut app, &mut admin, city, profile, cases).await?;
        let seen = look::look(&mut screen, &top, &county).await?;
        let report = Report { seen, ..table::ask(&mut screen, &server).await? };
        Ok((driven, report))
    }))?;
    let restart = block_on(unless_interrupted(server.kill_and_restart(&report)))?;
    let report = Report { driven, units, restart, total: began.elapsed(), ..report };
    report.check()?;
    let say = |text: &str| {
        writeln!(std::io::stdout(), "{text}").map_err(|error| Failure::unprinted(&error))
    };
    say(&report.to_string())?;
    if args.exit {
        return server.stop();
    }
    say(&server.hints())?;
    block_on(server.stay_until_interrupted())
}

/// The work, given up at Ctrl-C or SIGTERM: what it started then ends with it.
async fn unless_interrupted<T>(
    work: impl Future<Output = Result<T, Failure>>,
) -> Result<T, Failure> {
    tokio::select! {
        done = work => done,
        interrupted = interrupted() => {
            interrupted?;
            Err(Failure::new(Kind::World, "interrupted; the demo's server was ended as well"))
        }
    }
}

/// Waits for Ctrl-C, SIGTERM, or the end of the terminal.
async fn interrupted() -> Result<(), Failure> {
    let failed = |error: std::io::Error| Failure::world("listen for signals", &error);
    let mut terminate = signal(SignalKind::terminate()).map_err(failed)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(failed)?;
    let mut hang_up = signal(SignalKind::hangup()).map_err(failed)?;
    tokio::select! {
        _ = terminate.recv() => Ok(()),
        _ = hang_up.recv() => Ok(()),
        _ = interrupt.recv() => Ok(()),
    }
}

/// Organisation and catalogue, as any administrator would bring them in.
async fn bring_in(client: &mut Client, city: &City) -> Result<(), Failure> {
    let mut import = Import::begin(client, "the demo's city").await?;
    for rows in city.units().chunks(STAGED_ROWS_MAX) {
        import.stage("units", "application/x-ndjson", rules::write_units(rows)).await?;
    }
    // Its rows are of no file.
    import.commit(|_| None).await?;
    let text = rules::write_catalogue(city.matters());
    let proposal = config::propose(client, "the demo's catalogue", text).await?;
    config::put_into_force(client, &proposal).await
}

/// Admits a client system to the whole city, and gives its token.
async fn admit(admin: &mut Client, name: &str, scopes: &[&str]) -> Result<String, Failure> {
    let body = json!({ "name": name, "scopes": scopes }).to_string();
    let reply = admin.post("/v1/clients", "application/json", body).await?.json()?;
    let token = reply["token"].as_str();
    let token = token.ok_or_else(|| Failure::new(Kind::World, "the server gave no token"))?;
    Ok(token.to_string())
}

/// The codes of the city and of a county of it.
fn top_and_county(city: &City) -> (String, String) {
    let of_level = |level| {
        let mut codes = city.units().iter().map(|unit| unit.code);
        let code = codes.find(|code| code.level() == level && code.letter().is_none());
        code.map(|code| code.to_string()).unwrap_or_default()
    };
    (of_level(Level::City), of_level(Level::County))
}

async fn drive_with_bar(
    app: &mut Client,
    admin: &mut Client,
    city: City,
    profile: Profile,
    cases: u64,
) -> Result<Driven, Failure> {
    let bar = ProgressBar::new(cases);
    let style = ProgressStyle::with_template(
        "{elapsed_precise} [{bar:40}] {human_pos}/{human_len} cases, {msg}, {eta} to go",
    );
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    let driven = drive::drive(app, admin, city, profile, cases, &bar).await;
    bar.finish_and_clear();
    driven
}

/// An empty directory: new, or made by an earlier demo.
fn make_fresh(dir: &Path) -> Result<(), Failure> {
    let failed = |what: &str, error: &std::io::Error| {
        Failure::world(format!("{what} {}", dir.display()), error)
    };
    if dir.exists() {
        let is_ours = dir.join(MARKER).exists();
        let is_empty = dir.read_dir().map_err(|error| failed("read", &error))?.next().is_none();
        if !is_ours && !is_empty {
            let dir = dir.display();
            let message = Words::new(
                format!("{dir} is not empty, and no demo made it"),
                format!("{dir} 不为空，也不是由演示建立的"),
            );
            return Err(Failure::new(Kind::Usage, message)
                .hint(Words::fixed("choose another with --dir", "请用 --dir 另选目录")));
        }
        if process::is_running_on(dir) {
            let dir = dir.display();
            let message = Words::new(
                format!("the server of an earlier demo still runs on {dir}"),
                format!("先前演示的服务器仍在 {dir} 上运行"),
            );
            return Err(Failure::new(Kind::World, message).hint(Words::fixed(
                "end that demo with Ctrl-C, or choose another directory with --dir",
                "请用 Ctrl-C 结束该演示，或用 --dir 另选目录",
            )));
        }
        std::fs::remove_dir_all(dir).map_err(|error| failed("empty", &error))?;
    }
    std::fs::create_dir_all(dir).map_err(|error| failed("make", &error))?;
    std::fs::write(dir.join(MARKER), "").map_err(|error| failed("write to", &error))
}
