//! A line of `/v1/commands` with 280 bytes of Chinese text: read, and read, sealed and marked.

mod city;

use std::sync::Arc;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use zhida::api::body::{Sealer, read_line};
use zhida::city::City;
use zhida::domain::grant::Places;
use zhida::domain::ids::PrincipalId;
use zhida::domain::state::State;
use zhida::engine::{Clock, Engine, EngineOptions, Parts};
use zhida::journal::MemoryJournal;
use zhida::journal::medium::disk::Disk;
use zhida::journal::vault::{Vault, VaultOptions};

fn line(criterion: &mut Criterion) {
    let city = City::build(1, city::scale());
    let lines: Vec<Vec<u8>> = city
        .reports_only(1_000)
        .map(|report| {
            let mut line = Vec::new();
            report.write_line(&mut line);
            line
        })
        .collect();
    let bytes: usize = lines.iter().map(Vec::len).sum();
    let dir = tempfile::tempdir().expect("a directory");
    let options = VaultOptions { steps_ahead: 8, ..VaultOptions::default() };
    let engine = Engine::start(Parts {
        journal: Box::new(MemoryJournal::default()),
        state: State::default(),
        vault: Arc::new(
            Vault::open(&Disk::at(dir.path()).expect("the directory is there"), options)
                .expect("a new vault"),
        ),
        clock: Clock::System,
        journal_id: 7,
        status: Arc::default(),
        options: EngineOptions::default(),
    })
    .expect("a new journal opens");
    let handle = engine.handle();

    let mut group = criterion.benchmark_group("line");
    group.throughput(Throughput::Bytes((bytes / lines.len()) as u64));
    let mut next = lines.iter().cycle();
    group.bench_function("read", |bencher| {
        bencher.iter(|| {
            let line = next.next().expect("it goes round");
            std::hint::black_box(read_line(line).expect("a good line"));
        });
    });
    let places = Places::everywhere();
    let mut scratch = Vec::new();
    group.bench_function("to submission", |bencher| {
        bencher.iter(|| {
            let line = next.next().expect("it goes round");
            let mut sealer = Sealer {
                handle: &handle,
                principal: PrincipalId(1),
                places: &places,
                token_hash: None,
                scratch: &mut scratch,
            };
            // Keys may be used up faster than any server does: the next are on their way.
            while sealer.submission(read_line(line).expect("a good line")).is_err() {
                std::thread::yield_now();
            }
        });
    });
    group.finish();
    engine.stop().expect("nothing was submitted");
}

criterion_group!(benches, line);
criterion_main!(benches);
