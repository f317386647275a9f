//! An event to bytes and back: the largest of the frequent ones, and the smallest.

mod city;

use criterion::{Criterion, criterion_group, criterion_main};
use zhida::domain::record::Record;
use zhida::journal::record::{decode, encode};

use city::Work;

fn record(criterion: &mut Criterion) {
    let mut work = Work::new();
    let report = work.report();
    let reported = work.apply(&report);
    let acknowledge = work.acknowledge(work.newest());
    let acknowledged = work.apply(&acknowledge);
    let mut group = criterion.benchmark_group("record");
    for (name, record) in [("report", &reported[0]), ("acknowledge", &acknowledged[0])] {
        let bytes = encoded(record);
        let mut out = Vec::with_capacity(1 << 16);
        group.bench_function(format!("encode {name}"), |bencher| {
            bencher.iter(|| {
                out.clear();
                encode(record, &mut out);
                out.len()
            });
        });
        group.bench_function(format!("decode {name}"), |bencher| {
            bencher.iter(|| decode(record.seq, &bytes).expect("its own bytes"));
        });
    }
    group.finish();
}

fn encoded(record: &Record) -> Vec<u8> {
    let mut bytes = Vec::new();
    encode(record, &mut bytes);
    bytes
}

criterion_group!(benches, record);
criterion_main!(benches);
