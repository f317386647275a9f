//! Lone POSTs beside what people and screens look at: so many queries a second over a few
//! connections, each with the moment at which it was meant to be sent.

use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use zhida::city::City;
use zhida::domain::code::Level;
use zhida::engine::clock::stopwatch;
use zhida::server::client::Client;

use crate::Failure;
use crate::bulk;
use crate::child::{Zhida, told};
use crate::posts::{self, Requests, Run};
use crate::rows::{GIVES_WAY, Work, all_created, block_on, slowest_hundredth};
use crate::stats::{Spread, figure, percentile};

const CONNECTIONS: u32 = 4;
/// Different places that are looked at.
const PLACES: usize = 997;

/// What is looked at, and how often among twenty.
const KINDS: [(&str, usize); 5] = [
    ("a grid's queue", 10),
    ("a township's counts", 4),
    ("a township's list by urgency", 3),
    ("a county's list by urgency", 2),
    ("a county's ended ones in 90 days", 1),
];

/// How long the queries took, by kind, in µs.
type Latencies = [Vec<f64>; KINDS.len()];

/// Lone POST p99 beside queries ÷ without, with all reports in the server.
pub(crate) fn measure(work: &Work) -> Result<String, Failure> {
    let run = Run { wants_latencies: true, ..work.run(1) };
    let server = block_on(work.fresh())?;
    bulk::send_all(&work.target(&server)?, &work.mostly_settled())?;
    let paths = Arc::new(paths(work.city()));
    let requests = Requests::timed(work.singles(), &server.token()?);
    let (mut ratios, mut alone, mut beside) = (vec![], vec![], vec![]);
    let mut rates = vec![];
    let (mut told, mut looked) = (String::new(), Latencies::default());
    for _ in 0..work.pairs() {
        let mut quiet = posts::run(server.process().port, &requests, run)?;
        all_created(&quiet)?;
        let stop = Arc::new(AtomicBool::new(false));
        let load = look_until(&server, &paths, work.queries_per_second(), &stop)?;
        let busy = posts::run(server.process().port, &requests, run);
        stop.store(true, Ordering::Release);
        let latencies = load.join().map_err(|_| "the load panicked")??;
        let mut busy = busy?;
        all_created(&busy)?;
        let queries: usize = latencies.iter().map(Vec::len).sum();
        rates.push(figure(queries as u64) / busy.seconds);
        for (all, some) in looked.iter_mut().zip(latencies) {
            all.extend(some);
        }
        let quiet = slowest_hundredth(&mut quiet.latencies, "alone", &mut told);
        let busy = slowest_hundredth(&mut busy.latencies, "beside", &mut told);
        ratios.push(busy / quiet);
        alone.push(quiet / 1e3);
        beside.push(busy / 1e3);
    }
    for ((kind, _), latencies) in KINDS.iter().zip(&mut looked) {
        let [p50, p99] = [0.5, 0.99].map(|share| percentile(latencies, share) / 1e3);
        write!(told, "\n     {kind}: p50 {p50:.2} ms, p99 {p99:.2} ms")?;
    }
    Ok(format!(
        "look lone POST p99, ms                       {:.2}\n     \
              beside queries, ms                      {:.2}\n     \
              beside ÷ alone                          {:.2}\n     \
              queries/s                               {:.0}{told}",
        Spread::of(alone),
        Spread::of(beside),
        Spread::of(ratios),
        Spread::of(rates),
    ))
}

/// Twenty paths for each place, in the shares of the kinds.
fn paths(city: &City) -> Vec<(usize, String)> {
    let at = |level: Level| {
        let codes = city.units().iter().filter(move |unit| unit.code.level() == level);
        codes.map(|unit| unit.code.to_string()).collect::<Vec<_>>()
    };
    let [grids, townships, counties] = [at(Level::Grid), at(Level::Township), at(Level::County)];
    let of = |codes: &[String], place: usize| codes[place % codes.len()].clone();
    let mut paths = Vec::new();
    for place in 0..PLACES {
        for (kind, (_, times)) in KINDS.iter().enumerate() {
            for time in 0..*times {
                let place = place * times + time;
                paths.push((
                    kind,
                    match kind {
                        0 => format!("/v1/units/{}/queue", of(&grids, place * 19)),
                        1 => format!("/v1/units/{}/counts", of(&townships, place)),
                        2 => format!("/v1/cases?unit={}", of(&townships, place)),
                        3 => format!("/v1/cases?unit={}", of(&counties, place)),
                        _ => format!("/v1/cases?unit={}&status=closed", of(&counties, place)),
                    },
                ));
            }
        }
    }
    // Mixed, and the same in every run: their number has no factor in common with the step.
    let step = 7_919;
    (0..paths.len()).map(|at| paths[at * step % paths.len()].clone()).collect()
}

type Load = std::thread::JoinHandle<Result<Latencies, Failure>>;

/// Looks until told to stop, from a thread that gives way to what is measured.
fn look_until(
    server: &Zhida,
    paths: &Arc<Vec<(usize, String)>>,
    per_second: u32,
    stop: &Arc<AtomicBool>,
) -> Result<Load, Failure> {
    let (url, token) = (server.url(), server.token()?);
    let (paths, stop) = (Arc::clone(paths), Arc::clone(stop));
    Ok(std::thread::spawn(move || {
        rustix::process::nice(GIVES_WAY)?;
        block_on(async {
            let mut tasks = Vec::new();
            for first in 0..CONNECTIONS {
                let client = Client::connect(&url, &token).await.map_err(told)?;
                let (paths, stop) = (Arc::clone(&paths), Arc::clone(&stop));
                let every = Duration::from_secs(1) / per_second;
                tasks.push(tokio::spawn(look(client, paths, (first, every), stop)));
            }
            let mut latencies = Latencies::default();
            for task in tasks {
                for (all, some) in latencies.iter_mut().zip(task.await??) {
                    all.extend(some);
                }
            }
            Ok(latencies)
        })
    }))
}

/// One connection's share of the queries. A late one is sent at once, and its clock began when it
/// was meant to be.
async fn look(
    mut client: Client,
    paths: Arc<Vec<(usize, String)>>,
    (first, every): (u32, Duration),
    stop: Arc<AtomicBool>,
) -> Result<Latencies, Failure> {
    let began = stopwatch();
    let mut latencies = Latencies::default();
    for number in (first..).step_by(CONNECTIONS as usize) {
        let meant_at = began + every * number;
        tokio::time::sleep_until(meant_at.into()).await;
        if stop.load(Ordering::Acquire) {
            break;
        }
        let (kind, path) = &paths[number as usize % paths.len()];
        let reply = client.get(path).await.map_err(told)?;
        if !reply.status.is_success() {
            return Err(format!("{path}: status {}", reply.status).into());
        }
        latencies[*kind].push(meant_at.elapsed().as_secs_f64() * 1e6);
    }
    Ok(latencies)
}
