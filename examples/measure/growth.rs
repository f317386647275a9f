//! What a command costs as the cases grow to ten times a run.

use std::fmt::Write as _;
use std::time::Duration;

use crate::Failure;
use crate::bodies::FIRST_SEED;
use crate::bulk;
use crate::child::{Used, Zhida};
use crate::machine::HeldMemory;
use crate::rows::{Work, block_on};
use crate::stats::figure;

/// How many times the reports it comes to.
const TIMES: u64 = 10;

/// The server's processor time a command, all its threads and its folds counted, as the cases grow.
pub(crate) fn measure(work: &Work) -> Result<String, Failure> {
    let bodies = work.bodies();
    let held = HeldMemory::take()?;
    let server = block_on(work.fresh())?;
    let target = work.target(&server)?;
    let (mut user, mut system) = (Vec::new(), Vec::new());
    let mut before = server.process().used()?;
    for part in 0..TIMES {
        bulk::send_renewed(&target, &bodies, FIRST_SEED + part)?;
        // A fold that waited for a quiet moment belongs to the reports that made it due.
        let now = block_on(used_once_quiet(&server))?;
        let micros = |seconds: f64| seconds * 1e6 / figure(work.reports());
        user.push(micros(now.user - before.user));
        system.push(micros(now.system - before.system));
        before = now;
    }
    let both: Vec<f64> = user.iter().zip(&system).map(|(user, system)| user + system).collect();
    let mut told = format!(
        "N10  {} reports, then {TIMES} times as many: processor time, µs a command\n     {}",
        work.reports(),
        held.told(),
    );
    for (name, parts) in [("in the server", user), ("in the system", system), ("both", both)] {
        // The mean, not the median: folds are rare and large.
        let further = parts[1..].iter().sum::<f64>() / figure(TIMES - 1);
        write!(told, "\n     {name}: the first {:.2}, further", parts[0])?;
        for part in &parts[1..] {
            write!(told, " {part:.2}")?;
        }
        write!(told, "; mean {further:.2}")?;
        write!(told, "\n     N10 {name}, further ÷ first {:.2}", further / parts[0])?;
    }
    write!(told, "\n     peak memory, MB {:.0}", server.peak_memory_mb()?)?;
    Ok(told)
}

/// What the server has used, once it does nothing any more.
async fn used_once_quiet(server: &Zhida) -> Result<Used, Failure> {
    const QUIET: Duration = Duration::from_secs(1);
    const AT_REST_SECONDS: f64 = 0.05;
    let mut before = server.process().used()?;
    loop {
        tokio::time::sleep(QUIET).await;
        let now = server.process().used()?;
        if now.user + now.system - before.user - before.system < AT_REST_SECONDS {
            return Ok(now);
        }
        before = now;
    }
}
