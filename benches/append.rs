//! One turn made durable, by the number of its events, beside bare redb with the same bytes: what
//! the store adds to redb's own commit.

mod city;

use std::path::Path;
use std::time::Duration;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use redb::{Database, TableDefinition};
use zhida::domain::digest::Digest;
use zhida::domain::event::ClockMode;
use zhida::domain::record::Record;
use zhida::engine::clock::stopwatch;
use zhida::journal::store::{ACTIVE_CACHE_BYTES, Store, StoreOptions};
use zhida::journal::{Journal, Turn};

use city::{Work, is_test, renumbered};

const VALUES: TableDefinition<u64, &[u8]> = TableDefinition::new("values");

fn append(criterion: &mut Criterion) {
    let mut work = Work::new();
    let records = work.reports(if is_test() { 16 } else { 4_096 });
    let mut group = criterion.benchmark_group("append");
    group.sample_size(10).measurement_time(Duration::from_secs(5));
    for events in [1, 16, 256, 4_096].into_iter().filter(|events| *events <= records.len()) {
        let records = &records[..events];
        group.throughput(Throughput::Elements(events as u64));
        let dir = tempfile::tempdir().expect("a directory");
        let mut zhida = Zhida::new(dir.path());
        group.bench_function(BenchmarkId::new("zhida", events), |bencher| {
            bencher.iter_custom(|turns| zhida.timed(records, turns));
        });
        let dir = tempfile::tempdir().expect("a directory");
        let mut redb = Bare::new(dir.path());
        group.bench_function(BenchmarkId::new("redb", events), |bencher| {
            bencher.iter_custom(|turns| redb.timed(records, turns));
        });
    }
    group.finish();
}

/// The store, with what it does beside a commit.
struct Zhida {
    store: Store,
    turn: Turn,
}

impl Zhida {
    fn new(dir: &Path) -> Self {
        let (store, _) = Store::open(&StoreOptions::at(dir)).expect("an empty directory opens");
        let turn = Turn::after(store.tail(), ClockMode::System);
        Self { store, turn }
    }

    fn timed(&mut self, records: &[Record], turns: u64) -> Duration {
        let mut took = Duration::ZERO;
        for _ in 0..turns {
            fill(&mut self.turn, self.store.tail(), records);
            let began = stopwatch();
            self.store.append(&self.turn).expect("the disk has room");
            if self.store.is_roll_due() {
                self.store.roll(Digest::default()).expect("the disk has room");
            }
            took += began.elapsed();
        }
        took
    }
}

/// redb and nothing else, a new file as often as the store begins a segment.
struct Bare {
    dir: std::path::PathBuf,
    files: u32,
    /// After so many bytes of values a file is full, as the store's segments are.
    file_bytes: u64,
    database: Database,
    bytes: u64,
    turn: Turn,
}

impl Bare {
    fn new(dir: &Path) -> Self {
        let turn = Turn::after(zhida::journal::Head::GENESIS, ClockMode::System);
        let file_bytes = StoreOptions::at(dir).segment_bytes;
        let database = create(dir, 0);
        Self { dir: dir.to_path_buf(), files: 0, file_bytes, database, bytes: 0, turn }
    }

    fn timed(&mut self, records: &[Record], turns: u64) -> Duration {
        let mut took = Duration::ZERO;
        for _ in 0..turns {
            let head = self.turn.seal();
            fill(&mut self.turn, head, records);
            if self.bytes > self.file_bytes {
                self.files += 1;
                self.bytes = 0;
                self.database = create(&self.dir, self.files);
            }
            self.bytes += self.turn.bytes() as u64;
            let began = stopwatch();
            let commit = self.database.begin_write().expect("one writer");
            {
                let mut table = commit.open_table(VALUES).expect("a table");
                for (first, value) in self.turn.values() {
                    table.insert(first.0, value).expect("the disk has room");
                }
            }
            commit.commit().expect("the disk has room");
            took += began.elapsed();
        }
        took
    }
}

fn create(dir: &Path, number: u32) -> Database {
    let path = dir.join(format!("{number}.redb"));
    Database::builder().set_cache_size(ACTIVE_CACHE_BYTES).create(path).expect("a new file")
}

fn fill(turn: &mut Turn, head: zhida::journal::Head, records: &[Record]) {
    turn.restart(head);
    for record in renumbered(records, turn.first_seq()) {
        turn.push(&record);
    }
    turn.seal();
}

criterion_group!(benches, append);
criterion_main!(benches);
