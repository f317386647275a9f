//! The I/O runtimes against each other: one current-thread runtime, several, and the multi-thread
//! one, each with the loads of N1 and N2, in turn.

use std::fmt::Write as _;
use std::path::PathBuf;

use crate::Failure;
use crate::rows::Work;
use crate::stats::Spread;

/// `server.io_threads` and `server.io_runtime`.
const VARIANTS: [(u32, &str); 5] = [
    (1, "current_thread"),
    (2, "current_thread"),
    (4, "current_thread"),
    (1, "multi_thread"),
    (2, "multi_thread"),
];

/// What the pairs gave for one variant.
#[derive(Default)]
struct Figures {
    singles: Vec<f64>,
    bulk_seconds: Vec<f64>,
}

/// Measures all variants, one after the other, as often as there are pairs.
pub(crate) fn measure(work: &Work) -> Result<String, Failure> {
    let mut variants = Vec::new();
    for (threads, runtime) in VARIANTS {
        let config = config(work, threads, runtime)?;
        variants.push((work.configured(config), Figures::default()));
    }
    for _ in 0..work.pairs() {
        for (work, figures) in &mut variants {
            figures.singles.push(work.singles_per_second()?);
            figures.bulk_seconds.push(work.bulk_seconds()?);
        }
    }
    let mut told =
        String::from("io   threads, runtime        cases/s by single POSTs; the reports of N2, s");
    for ((threads, runtime), (_, figures)) in VARIANTS.iter().zip(variants) {
        let Figures { singles, bulk_seconds } = figures;
        let (singles, seconds) = (Spread::of(singles), Spread::of(bulk_seconds));
        write!(told, "\n     {threads} {runtime:<22} {singles:.0}; {seconds:.2}")?;
    }
    Ok(told)
}

fn config(work: &Work, threads: u32, runtime: &str) -> Result<PathBuf, Failure> {
    let path = work.dir().join(format!("io-{threads}-{runtime}.toml"));
    let text = format!("[server]\nio_threads = {threads}\nio_runtime = \"{runtime}\"\n");
    std::fs::write(&path, text)?;
    Ok(path)
}
