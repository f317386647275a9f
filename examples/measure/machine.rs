//! What a figure is quoted with: the machine, and two probes of it in the same run.

use std::fs::File;
use std::io::{Seek as _, Write as _};
use std::path::Path;

use zhida::engine::clock::stopwatch;

use crate::Failure;
use crate::stats::{Spread, figure, percentile};

const SYNCS: usize = 300;
const SYNC_BYTES: usize = 4_096;
const COPIES: usize = 20;
const COPY_BYTES: usize = 256 << 20;

/// Processor, cores, kernel and load.
pub(crate) fn about() -> Result<String, Failure> {
    let cpu = std::fs::read_to_string("/proc/cpuinfo")?;
    let model = cpu.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or("unknown");
    let model = model.trim_start_matches(['\t', ':', ' ']);
    let cores = std::thread::available_parallelism()?;
    let kernel = std::fs::read_to_string("/proc/sys/kernel/osrelease")?;
    let load = std::fs::read_to_string("/proc/loadavg")?;
    let load = load.split(' ').next().unwrap_or_default();
    Ok(format!(
        "machine: {model}, {cores} cores, Linux {}; load average at the start {load}",
        kernel.trim()
    ))
}

/// Appends with fdatasync, and copies in memory: what absolute figures are read beside.
pub(crate) fn probes(dir: &Path) -> Result<String, Failure> {
    let (typical, slow) = syncs(dir)?;
    Ok(format!(
        "probes: append 4 KiB + fdatasync p50 {typical:.0} µs, p99 {slow:.0} µs; memcpy {:.1} GB/s",
        copies()
    ))
}

fn syncs(dir: &Path) -> Result<(f64, f64), Failure> {
    let path = dir.join("probe");
    let mut file = File::create(&path)?;
    let page = [7; SYNC_BYTES];
    let mut micros = Vec::with_capacity(SYNCS);
    for _ in 0..SYNCS {
        let began = stopwatch();
        file.write_all(&page)?;
        file.sync_data()?;
        micros.push(began.elapsed().as_secs_f64() * 1e6);
    }
    file.rewind()?;
    std::fs::remove_file(path)?;
    Ok((percentile(&mut micros, 0.5), percentile(&mut micros, 0.99)))
}

fn copies() -> f64 {
    let from = vec![1_u8; COPY_BYTES];
    let mut to = vec![2_u8; COPY_BYTES];
    let rates = (0..COPIES).map(|_| {
        let began = stopwatch();
        to.copy_from_slice(std::hint::black_box(&from));
        std::hint::black_box(&mut to);
        figure(COPY_BYTES as u64) / began.elapsed().as_secs_f64() / 1e9
    });
    Spread::of(rates).median
}
