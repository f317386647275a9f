//! The rows of the table, each by its own measurement.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use zhida::city::City;

use crate::bodies::{Bodies, FIRST_SEED, single_bodies};
use crate::bulk::{self, Target};
use crate::child::{Listening, Zhida};
use crate::growth;
use crate::import;
use crate::io;
use crate::posts::{self, Latency, Posted, Requests, Run, STEPS, Until};
use crate::queries;
use crate::stats::{Spread, figure};
use crate::{Failure, Options, Row};

/// How one row is measured: the text that says what came of it.
pub(crate) type Measure = fn(&Work) -> Result<String, Failure>;

/// All rows, in the order of the table.
pub(crate) const ALL: &[(Row, Measure)] = &[
    (Row::Aa, measure_aa),
    (Row::N1, measure_n1),
    (Row::N2, measure_n2),
    (Row::N4, measure_n4),
    (Row::N8, measure_n8),
    (Row::Overload, measure_overload),
    (Row::Import, import::measure),
    (Row::Queries, queries::measure),
    (Row::N10, growth::measure),
    (Row::Io, io::measure),
];

/// Different bodies that single POSTs take turns at.
const SINGLE_BODIES: u64 = 4_096;
/// How much of a segment is filled when N8 kills the server.
const FILLED_AT_THE_KILL: f64 = 0.95;
const SEGMENT_BYTES: f64 = 134_217_728.0;
/// How far a load is behind the lone POST that is measured beside it: the scheduler's nice value.
pub(crate) const GIVES_WAY: i32 = 5;
/// Cases of the overload row: the same number at either load, so that memory can be compared.
const OVERLOAD_CASES: u64 = 640_000;
const OVERLOAD_TIMES: usize = 10;

/// What all rows are measured with.
#[derive(Clone)]
pub(crate) struct Work {
    options: Options,
    dir: PathBuf,
    city: Arc<City>,
    singles: Arc<Vec<Vec<u8>>>,
}

impl Work {
    pub(crate) fn new(options: &Options, dir: &Path) -> Self {
        let city = Arc::new(City::build(FIRST_SEED, 1.0));
        let singles = Arc::new(single_bodies(&city, SINGLE_BODIES));
        Self { options: options.clone(), dir: dir.to_path_buf(), city, singles }
    }

    /// The same with that configuration of the server.
    pub(crate) fn configured(&self, config: PathBuf) -> Self {
        let options = Options { config: Some(config), ..self.options.clone() };
        Self { options, ..self.clone() }
    }

    /// Where the measurement may write.
    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }

    pub(crate) fn city(&self) -> &City {
        &self.city
    }

    pub(crate) fn queries_per_second(&self) -> u32 {
        self.options.queries_per_second
    }

    /// Bodies of single POSTs.
    pub(crate) fn singles(&self) -> &[Vec<u8>] {
        &self.singles
    }

    /// Pairs of runs.
    pub(crate) fn pairs(&self) -> usize {
        self.options.pairs()
    }

    pub(crate) fn reports(&self) -> u64 {
        if self.options.quick { self.options.reports / 4 } else { self.options.reports }
    }

    pub(crate) fn bodies(&self) -> Arc<Bodies> {
        Arc::new(Bodies::of(&self.city, self.reports(), self.options.body_lines))
    }

    pub(crate) fn mostly_settled(&self) -> Arc<Bodies> {
        let lines = self.options.body_lines;
        Arc::new(Bodies::mostly_settled(&self.city, self.reports(), lines))
    }

    pub(crate) fn run(&self, connections: usize) -> Run {
        let until = Until::Passed(Duration::from_secs(self.options.seconds()));
        Run { connections, until, wants_latencies: false }
    }

    pub(crate) async fn fresh(&self) -> Result<Zhida, Failure> {
        Zhida::fresh(&self.options, &self.dir, &self.city).await
    }

    pub(crate) async fn empty(&self) -> Result<Zhida, Failure> {
        Zhida::empty(&self.options, &self.dir).await
    }

    pub(crate) fn target(&self, server: &Zhida) -> Result<Target, Failure> {
        let connections = self.options.bulk_connections;
        Ok(Target { url: server.url(), token: server.token()?, connections })
    }

    /// Requests a second of a floor with that many runtimes.
    fn floor(&self, threads: usize) -> Result<f64, Failure> {
        let floor = block_on(Listening::floor(threads))?;
        let requests = Requests::new(&self.singles, &"t".repeat(70));
        let posted = posts::run(floor.port, &requests, self.run(self.options.connections))?;
        all_created(&posted)?;
        Ok(figure(posted.created) / posted.seconds)
    }

    /// Durable cases a second of a fresh server.
    pub(crate) fn singles_per_second(&self) -> Result<f64, Failure> {
        Ok(self.zhida()?.0)
    }

    /// Seconds that a fresh server takes for all reports as streams.
    pub(crate) fn bulk_seconds(&self) -> Result<f64, Failure> {
        let server = block_on(self.fresh())?;
        bulk::send_all(&self.target(&server)?, &self.bodies())
    }

    /// Durable cases a second of a fresh server, and its processor time for each in µs.
    fn zhida(&self) -> Result<(f64, f64), Failure> {
        let server = block_on(self.fresh())?;
        let requests = Requests::new(&self.singles, &server.token()?);
        let used = server.process().cpu_seconds()?;
        let posted =
            posts::run(server.process().port, &requests, self.run(self.options.connections))?;
        all_created(&posted)?;
        let used = server.process().cpu_seconds()? - used;
        Ok((figure(posted.created) / posted.seconds, used * 1e6 / figure(posted.created)))
    }
}

/// The floor against itself, run as N1 runs its pairs.
fn measure_aa(work: &Work) -> Result<String, Failure> {
    let mut ratios = Vec::new();
    for _ in 0..work.options.pairs() {
        let first = work.floor(1)?;
        ratios.push(work.floor(1)? / first);
    }
    Ok(format!("a/a  floor ÷ floor                         {:.2}", Spread::of(ratios)))
}

fn measure_n1(work: &Work) -> Result<String, Failure> {
    let (mut ratios, mut floors, mut cases, mut micros) = (vec![], vec![], vec![], vec![]);
    for pair in 0..work.options.pairs() {
        let both = |work: &Work| Ok::<f64, Failure>(work.floor(1)?.max(work.floor(2)?));
        // Whoever is first meets the machine as the run before left it: they take turns.
        let (floor, (rate, cpu)) = if pair.is_multiple_of(2) {
            let floor = both(work)?;
            (floor, work.zhida()?)
        } else {
            let zhida = work.zhida()?;
            (both(work)?, zhida)
        };
        ratios.push(rate / floor);
        floors.push(floor);
        cases.push(rate);
        micros.push(cpu);
    }
    Ok(format!(
        "N1   {} connections, cases/s                {:.0}\n     \
              hyper floor, requests/s                 {:.0}\n     \
              N1 ÷ floor                              {:.2}\n     \
              server's processor time, µs a case      {:.1}",
        work.options.connections,
        Spread::of(cases),
        Spread::of(floors),
        Spread::of(ratios),
        Spread::of(micros),
    ))
}

fn measure_n2(work: &Work) -> Result<String, Failure> {
    let bodies = work.bodies();
    let (mut ratios, mut floors, mut times, mut cpus, mut commits) =
        (vec![], vec![], vec![], vec![], vec![]);
    for _ in 0..work.options.pairs().min(5) {
        let floor = block_on(Listening::floor(1))?;
        let target = Target {
            url: floor.url(),
            token: "t".repeat(70),
            connections: work.options.bulk_connections,
        };
        let at_the_floor = bulk::send_all(&target, &bodies)?;
        drop(floor);
        let server = block_on(work.fresh())?;
        let used = server.process().cpu_seconds()?;
        let before = block_on(server.metric("zhida_commits_total"))?;
        let took = bulk::send_all(&work.target(&server)?, &bodies)?;
        cpus.push(server.process().cpu_seconds()? - used);
        commits.push(block_on(server.metric("zhida_commits_total"))? - before);
        ratios.push(took / at_the_floor);
        floors.push(at_the_floor);
        times.push(took);
    }
    Ok(format!(
        "N2   {} reports, {} MB over {} connections, s  {:.2}\n     \
              hyper floor, s                          {:.2}\n     \
              N2 ÷ floor                              {:.2}\n     \
              server's processor time, s              {:.2}\n     \
              commits                                 {:.0}",
        work.reports(),
        bodies.bytes_len() / 1_000_000,
        work.options.bulk_connections,
        Spread::of(times),
        Spread::of(floors),
        Spread::of(ratios),
        Spread::of(cpus),
        Spread::of(commits),
    ))
}

fn measure_n4(work: &Work) -> Result<String, Failure> {
    let bodies = work.bodies();
    let run = Run { wants_latencies: true, ..work.run(1) };
    let (mut ratios, mut alone, mut beside) = (vec![], vec![], vec![]);
    let (mut told, mut bulk_rates) = (String::new(), vec![]);
    for _ in 0..work.options.pairs() {
        let server = block_on(work.fresh())?;
        let requests = Requests::timed(&work.singles, &server.token()?);
        let mut quiet = posts::run(server.process().port, &requests, run)?;
        all_created(&quiet)?;
        let before = block_on(server.metric("zhida_events_total"))?;
        let stop = Arc::new(AtomicBool::new(false));
        let (target, stopped, bodies) = (work.target(&server)?, Arc::clone(&stop), bodies.clone());
        let load = std::thread::spawn(move || {
            // It gives way to what is measured, as it would on a machine of its own.
            rustix::process::nice(GIVES_WAY)?;
            bulk::send_until(&target, &bodies, &stopped)
        });
        let busy = posts::run(server.process().port, &requests, run);
        let after = block_on(server.metric("zhida_events_total"));
        stop.store(true, Ordering::Release);
        load.join().map_err(|_| "the load panicked")??;
        let mut busy = busy?;
        all_created(&busy)?;
        bulk_rates.push((after? - before - figure(busy.created)) / busy.seconds);
        let quiet = slowest_hundredth(&mut quiet.latencies, "alone", &mut told);
        let busy = slowest_hundredth(&mut busy.latencies, "beside", &mut told);
        ratios.push(busy / quiet);
        alone.push(quiet / 1e3);
        beside.push(busy / 1e3);
    }
    Ok(format!(
        "N4   lone POST p99, ms                       {:.2}\n     \
              beside a bulk load, ms                  {:.2}\n     \
              N4 beside ÷ alone                       {:.1}\n     \
              the bulk load meanwhile, reports/s      {:.0}{told}",
        Spread::of(alone),
        Spread::of(beside),
        Spread::of(ratios),
        Spread::of(bulk_rates),
    ))
}

/// The p99 in µs, and in words where the slowest hundredth spent its time.
pub(crate) fn slowest_hundredth(latencies: &mut [Latency], load: &str, told: &mut String) -> f64 {
    latencies.sort_by(|one, other| one.us.total_cmp(&other.us));
    let slowest = &latencies[latencies.len() * 99 / 100..];
    let mean_ms = |of: &dyn Fn(&Latency) -> f64| {
        slowest.iter().map(of).sum::<f64>() / figure(slowest.len() as u64) / 1e3
    };
    let mut steps = String::new();
    for (index, step) in STEPS.iter().enumerate() {
        let ms = mean_ms(&|latency| latency.steps_us[index]);
        write!(steps, ", {step} {ms:.2}").expect("a String takes every write");
    }
    let median = latencies[latencies.len() / 2].us / 1e3;
    let all = mean_ms(&|latency| latency.us);
    write!(told, "\n     {load}: p50 {median:.2} ms; slowest hundredth {all:.2} ms{steps}")
        .expect("a String takes every write");
    slowest[0].us
}

fn measure_n8(work: &Work) -> Result<String, Failure> {
    let bodies = work.bodies();
    let mut server = block_on(work.fresh())?;
    bulk::send_all(&work.target(&server)?, &bodies)?;
    block_on(wait_for_fold(&server))?;
    let peak = server.peak_memory_mb()?;
    let snapshots = server.snapshots()?.len();
    let folded = block_on(server.metric("zhida_events_total"))?;
    fill_segment(work, &server, &bodies)?;
    let behind = block_on(server.metric("zhida_events_total"))? - folded;
    let (seconds, is_cold) = block_on(server.kill_and_restart_cold())?;
    Ok(format!(
        "N9   peak memory of the run, MB              {peak:.0} ({snapshots} snapshot in it)\n\
         N8   restart until ready, s                  {seconds:.2} ({}; {behind:.0} events more than the run)",
        if is_cold { "cold" } else { "warm: dropping the cache is not permitted here" },
    ))
}

/// Waits until a snapshot is there and none is being made.
async fn wait_for_fold(server: &Zhida) -> Result<(), Failure> {
    const QUIET: Duration = Duration::from_secs(3);
    let mut last = server.snapshots()?;
    for _ in 0..40 {
        tokio::time::sleep(QUIET).await;
        let now = server.snapshots()?;
        if !now.is_empty() && now == last {
            return Ok(());
        }
        last = now;
    }
    Err("no snapshot was made".into())
}

/// Reports on until the segment being written is all but full: the next snapshot is due then.
fn fill_segment(work: &Work, server: &Zhida, bodies: &Arc<Bodies>) -> Result<(), Failure> {
    let target = Target { connections: 1, ..work.target(server)? };
    for number in 0.. {
        let bytes = block_on(server.metric("zhida_journal_bytes_total"))?;
        if bytes % SEGMENT_BYTES > FILLED_AT_THE_KILL * SEGMENT_BYTES {
            return Ok(());
        }
        bulk::send_some(&target, bodies, FIRST_SEED + 1 + number)?;
    }
    Ok(())
}

fn measure_overload(work: &Work) -> Result<String, Failure> {
    let times = [1, OVERLOAD_TIMES];
    let (mut ratios, mut peaks, mut rates) = (vec![], [vec![], vec![]], [vec![], vec![]]);
    let mut overloaded = [0, 0];
    for _ in 0..work.options.pairs().min(3) {
        for (index, times) in times.iter().enumerate() {
            let server = block_on(work.fresh())?;
            let requests = Requests::new(&work.singles, &server.token()?);
            let cases = if work.options.quick { OVERLOAD_CASES / 4 } else { OVERLOAD_CASES };
            let connections = work.options.connections * times;
            let run = Run { until: Until::Created(cases), ..work.run(connections) };
            let posted = posts::run(server.process().port, &requests, run)?;
            if posted.other > 0 {
                return Err(format!("{} answers neither 201 nor 503", posted.other).into());
            }
            overloaded[index] += posted.overloaded;
            rates[index].push(figure(posted.created) / posted.seconds);
            peaks[index].push(server.peak_memory_mb()?);
        }
        ratios.push(peaks[1][peaks[1].len() - 1] / peaks[0][peaks[0].len() - 1]);
    }
    let mut told = format!(
        "mem  peak at {OVERLOAD_TIMES} times the load ÷ at one     {:.2}",
        Spread::of(ratios)
    );
    for (index, times) in times.iter().enumerate() {
        let (rate, peak) = (Spread::of(rates[index].clone()), Spread::of(peaks[index].clone()));
        write!(
            told,
            "\n     {} connections: {rate:.0} cases/s, {} × 503; peak {peak:.0} MB",
            work.options.connections * times,
            overloaded[index],
        )?;
    }
    Ok(told)
}

pub(crate) fn all_created(posted: &Posted) -> Result<(), Failure> {
    if posted.created > 0 && posted.overloaded == 0 && posted.other == 0 {
        return Ok(());
    }
    let Posted { created, overloaded, other, .. } = posted;
    Err(format!("{created} × 201, {overloaded} × 503, {other} other answers").into())
}

pub(crate) fn block_on<T>(work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(work)
}
