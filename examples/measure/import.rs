//! How long the whole organisation takes to come into force.

use zhida::engine::clock::stopwatch;

use crate::Failure;
use crate::child::UnitFile;
use crate::rows::{Work, block_on};
use crate::stats::Spread;

/// From the first request to the commit's answer, rows read and checked, every event durable.
pub(crate) fn measure(work: &Work) -> Result<String, Failure> {
    let mut seconds = [Vec::new(), Vec::new()];
    for _ in 0..work.pairs() {
        for (file, seconds) in [UnitFile::Ndjson, UnitFile::Csv].into_iter().zip(&mut seconds) {
            let server = block_on(work.empty())?;
            let began = stopwatch();
            block_on(server.bring_in_units(work.city(), file))?;
            seconds.push(began.elapsed().as_secs_f64());
        }
    }
    let [ndjson, csv] = seconds.map(Spread::of);
    Ok(format!(
        "import {} units over HTTP, NDJSON, s        {ndjson:.2}\n       \
                the same as CSV, s                   {csv:.2}",
        work.city().units().len(),
    ))
}
