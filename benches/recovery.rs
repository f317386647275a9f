//! The way back to a state, without a snapshot: reading, checking and folding a journal of whole
//! lives. The throughput says events a second; a million of them take so long.

mod city;

use std::time::Duration;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use zhida::domain::event::ClockMode;
use zhida::journal::medium::disk::Disk;
use zhida::journal::{Head, Journal, MemoryJournal, Turn, recover};

use city::{Work, sized};

/// Records of one turn.
const TURN_EVENTS: u64 = 4_096;

fn recovery(criterion: &mut Criterion) {
    let lives = sized(50_000, 50);
    let mut journal = MemoryJournal::default();
    let mut work = Journalled { turn: Turn::after(Head::GENESIS, ClockMode::Manual) };
    let mut state = Work::begun(&mut |record| work.take(&mut journal, record));
    for _ in 0..lives {
        for step in 0..4 {
            let submission = match step {
                0 => state.report(),
                1 => state.acknowledge(state.newest()),
                2 => state.handle(state.newest()),
                _ => state.close(state.newest()),
            };
            for record in state.apply(&submission) {
                work.take(&mut journal, &record);
            }
        }
    }
    work.commit(&mut journal);

    let (tail, reader) = (journal.tail(), journal.reader());
    let dir = tempfile::tempdir().expect("a directory");
    let disk = Disk::at(dir.path()).expect("the directory is there");
    let mut group = criterion.benchmark_group("recovery");
    group.sample_size(10).measurement_time(Duration::from_secs(8));
    group.throughput(Throughput::Elements(tail.seq.0));
    group.bench_function("fold", |bencher| {
        bencher.iter(|| recover(&disk, &*reader, tail).expect("a whole journal"));
    });
    group.finish();
}

/// What lies between a state and its journal.
struct Journalled {
    turn: Turn,
}

impl Journalled {
    fn take(&mut self, journal: &mut MemoryJournal, record: &zhida::domain::record::Record) {
        self.turn.push(record);
        if self.turn.events() >= TURN_EVENTS {
            self.commit(journal);
        }
    }

    fn commit(&mut self, journal: &mut MemoryJournal) {
        let head = self.turn.seal();
        journal.append(&self.turn).expect("no fault was injected");
        self.turn.restart(head);
    }
}

criterion_group!(benches, recovery);
criterion_main!(benches);
