//! What a command costs as the cases grow to ten times a run.

use std::fmt::Write as _;
use std::time::Duration;

use crate::Failure;
use crate::bodies::FIRST_SEED;
use crate::bulk;
use crate::child::{Used, Zhida};
use crate::machine::HeldMemory;
use crate::rows::{Work, block_on};
use crate::stats::{Spread, figure};

/// How many times the reports it comes to.
const TIMES: u64 = 10;

/// How many servers take the first part: the last of them takes the further ones.
const FIRSTS: usize = 5;

/// Processor time a command, µs.
#[derive(Clone, Copy)]
struct Cost {
    user: f64,
    system: f64,
}

/// The server's processor time a command, all its threads and its folds counted, as the cases grow.
pub(crate) fn measure(work: &Work) -> Result<String, Failure> {
    let bodies = work.bodies();
    let held = HeldMemory::take()?;
    let (mut firsts, mut kept) = (Vec::new(), Vec::new());
    let (mut further, mut peak_mb) = (Vec::new(), 0.0);
    for number in 1..=FIRSTS {
        let server = block_on(work.fresh())?;
        let target = work.target(&server)?;
        let mut before = server.process().used()?;
        let parts = if number == FIRSTS { TIMES } else { 1 };
        for part in 0..parts {
            bulk::send_renewed(&target, &bodies, FIRST_SEED + part)?;
            // A fold that waited for a quiet moment belongs to the reports that made it due.
            let now = block_on(used_once_quiet(&server))?;
            let micros = |seconds: f64| seconds * 1e6 / figure(work.reports());
            let user = micros(now.user - before.user);
            let cost = Cost { user, system: micros(now.system - before.system) };
            if part == 0 {
                firsts.push(cost);
            } else {
                further.push(cost);
            }
            before = now;
        }
        peak_mb = server.peak_memory_mb()?;
        // It stays, and keeps its memory: the next one is to pay for fresh pages as it did.
        kept.push(server);
    }
    let mut told = format!(
        "N10  {} reports, then {TIMES} times as many: processor time, µs a command\n     {}",
        work.reports(),
        held.told(),
    );
    let grown = Grown { firsts, further };
    grown.tell(&mut told, "in the server", |cost| cost.user)?;
    grown.tell(&mut told, "in the system", |cost| cost.system)?;
    grown.tell(&mut told, "both", |cost| cost.user + cost.system)?;
    write!(told, "\n     peak memory, MB {peak_mb:.0}")?;
    Ok(told)
}

/// What the first part cost on each server, and each further part on the last of them.
struct Grown {
    firsts: Vec<Cost>,
    further: Vec<Cost>,
}

impl Grown {
    fn tell(
        &self,
        told: &mut String,
        name: &str,
        of: impl Fn(&Cost) -> f64,
    ) -> Result<(), Failure> {
        let first = Spread::of(self.firsts.iter().map(&of));
        // The mean, not the median: folds are rare and large.
        let mean = self.further.iter().map(&of).sum::<f64>() / figure(TIMES - 1);
        write!(told, "\n     {name}: the first {first:.2} on {FIRSTS} servers, further")?;
        for cost in &self.further {
            write!(told, " {:.2}", of(cost))?;
        }
        write!(told, "; mean {mean:.2}")?;
        write!(told, "\n     N10 {name}, further ÷ first {:.2}", mean / first.median)?;
        Ok(())
    }
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
