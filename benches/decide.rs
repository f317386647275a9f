//! One command through the rules: decide and evolve, without lanes, journal or view. The time of
//! a whole city's cases is in it: maps and slab grow while it runs.

mod city;

use std::time::Duration;

use criterion::{Criterion, criterion_group, criterion_main};
use zhida::domain::command::Submission;
use zhida::domain::ids::CaseId;
use zhida::engine::clock::stopwatch;

use city::{Work, sized};

type Make = fn(&mut Work, CaseId) -> Submission;

/// A case is brought as far as the command before, untimed; then the command is timed.
const SCENARIOS: &[(&str, &[Make])] = &[
    ("report", &[|work, _| work.report()]),
    ("acknowledge", &[|work, _| work.report(), Work::acknowledge]),
    ("handle", &[|work, _| work.report(), Work::acknowledge, Work::handle]),
    ("close", &[|work, _| work.report(), Work::acknowledge, Work::handle, Work::close]),
];

fn decide(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("decide");
    group.sample_size(10).measurement_time(Duration::from_secs(4));
    for (name, steps) in SCENARIOS {
        let mut work = Work::new();
        let rounds = sized(20_000, 20);
        group.bench_function(*name, |bencher| {
            bencher.iter_custom(|iterations| timed(&mut work, steps, iterations, rounds));
        });
    }
    group.finish();
}

fn timed(work: &mut Work, steps: &[Make], iterations: u64, round: u64) -> Duration {
    let (last, before) = steps.split_last().expect("a scenario has a command");
    let mut took = Duration::ZERO;
    let mut left = iterations;
    while left > 0 {
        let count = left.min(round);
        left -= count;
        let first = work.newest().next();
        let mut submissions = Vec::new();
        for number in 0..count {
            let case = CaseId(first.0 + u32::try_from(number).expect("a round is short"));
            for step in before {
                let submission = step(work, case);
                work.apply(&submission);
            }
            submissions.push(last(work, case));
        }
        let began = stopwatch();
        for submission in &submissions {
            std::hint::black_box(work.apply(submission));
        }
        took += began.elapsed();
    }
    took
}

criterion_group!(benches, decide);
criterion_main!(benches);
