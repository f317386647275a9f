//! What a figure is quoted with: the machine, and two probes of it in the same run.

use std::fs::File;
use std::hint::black_box;
use std::io::{Seek as _, Write as _};
use std::path::Path;

use zhida::engine::clock::stopwatch;

use crate::Failure;
use crate::stats::{Spread, figure, percentile};

const SYNCS: usize = 300;
const SYNC_BYTES: usize = 4_096;
const COPIES: usize = 20;
const COPY_BYTES: usize = 256 << 20;

const MB: usize = 1 << 20;
/// How much of the memory that is free a measurement may hold beside the server.
const HELD_SHARE: usize = 4;

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
        to.copy_from_slice(black_box(&from));
        black_box(&mut to);
        figure(COPY_BYTES as u64) / began.elapsed().as_secs_f64() / 1e9
    });
    Spread::of(rates).median
}

/// Memory held so that what is measured meets only pages that were not used for a while.
///
/// A virtual machine gives memory that it does not use back to its host, and the first touch of
/// each page costs several times a page at hand. A run that grows from little memory to much would
/// show that price as its own growth; after this it pays it from the first command to the last.
pub(crate) struct HeldMemory {
    blocks: Vec<Vec<u8>>,
    first_us: f64,
    last_us: f64,
}

impl HeldMemory {
    /// Touches a quarter of what is free.
    pub(crate) fn take() -> Result<Self, Failure> {
        const BLOCK: usize = 64 * MB;
        let about = std::fs::read_to_string("/proc/meminfo")?;
        let available = about.lines().find_map(|line| line.strip_prefix("MemAvailable:"));
        let kib = available.and_then(|rest| rest.trim().strip_suffix(" kB")?.parse::<usize>().ok());
        let count = kib.ok_or("no MemAvailable")? * 1_024 / HELD_SHARE / BLOCK;
        let mut us_a_mb = Vec::with_capacity(count);
        let blocks = (0..count.max(1)).map(|_| {
            let began = stopwatch();
            let block = black_box(vec![1_u8; BLOCK]);
            us_a_mb.push(began.elapsed().as_secs_f64() * 1e6 / figure((BLOCK / MB) as u64));
            block
        });
        let blocks = blocks.collect();
        let (first_us, last_us) = (us_a_mb[0], us_a_mb[us_a_mb.len() - 1]);
        Ok(Self { blocks, first_us, last_us })
    }

    /// How much is held, and what touching it cost.
    pub(crate) fn told(&self) -> String {
        let Self { blocks, first_us, last_us } = self;
        let held: usize = blocks.iter().map(Vec::len).sum();
        format!(
            "memory held, MB                         {} (its first touch: {first_us:.0} µs a MB, \
             at the end {last_us:.0})",
            held / MB,
        )
    }
}
