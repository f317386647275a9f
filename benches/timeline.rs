//! One case's timeline: eight events, read by their chain from the store on the disk.

mod city;

use std::sync::Arc;

use criterion::{Criterion, criterion_group, criterion_main};
use tokio::runtime::Runtime;
use zhida::city::City;
use zhida::domain::ids::CaseId;
use zhida::domain::state::State;
use zhida::engine::{Clock, Desk, Engine, EngineOptions, Handle, ManualClock, Parts};
use zhida::journal::medium::disk::Disk;
use zhida::journal::store::{Store, StoreOptions};
use zhida::journal::vault::{Vault, VaultOptions};

use city::{Work, sized};

fn timeline(criterion: &mut Criterion) {
    let dir = tempfile::tempdir().expect("a directory");
    let mut work = Work::new();
    let engine = engine(dir.path(), &work);
    let handle = engine.handle();
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let desk = Desk::new();
    runtime.spawn(desk.clone().run());
    bring_in(&runtime, &handle, &desk);
    let cases = sized(2_000, 4);
    for _ in 0..cases {
        live(&runtime, &handle, &desk, &mut work);
    }

    let mut next = 0;
    criterion.bench_function("timeline of 8 events", |bencher| {
        bencher.iter(|| {
            next = next % u32::try_from(cases).expect("a few thousand") + 1;
            let case = handle.case(CaseId(next)).expect("it was reported");
            let records = handle.newest_first(CaseId(next), case.last_seq);
            let records: Result<Vec<_>, _> = records.collect();
            assert_eq!(records.expect("the journal is whole").len(), 8);
        });
    });
    drop(runtime);
    engine.stop().expect("every turn is durable").close().expect("the disk works");
}

fn engine(dir: &std::path::Path, work: &Work) -> Engine {
    let (store, _) = Store::open(&StoreOptions::at(dir)).expect("an empty directory opens");
    let vault =
        Vault::open(&Disk::at(dir).expect("the directory is there"), VaultOptions::default())
            .expect("a new vault");
    let parts = Parts {
        journal: Box::new(store),
        state: State::default(),
        vault: Arc::new(vault),
        clock: Clock::Manual(ManualClock::starting(work.now)),
        journal_id: 7,
        status: Arc::default(),
        options: EngineOptions::default(),
    };
    Engine::start(parts).expect("a new journal opens")
}

fn bring_in(runtime: &Runtime, handle: &Handle, desk: &Desk) {
    // The engine has opened the journal already.
    for command in city::commands_of(&City::build(1, city::scale())).into_iter().skip(1) {
        runtime.block_on(handle.submit(desk, city::system(command))).expect("it is accepted");
    }
}

/// report, acknowledge, escalate, acknowledge, escalate, acknowledge, handle, close.
fn live(runtime: &Runtime, handle: &Handle, desk: &Desk, work: &mut Work) {
    for step in "raeaeahc".chars() {
        let case = work.newest();
        let submission = match step {
            'r' => work.report(),
            'a' => work.acknowledge(case),
            'e' => work.escalate(case),
            'h' => work.handle(case),
            _ => work.close(case),
        };
        work.apply(&submission);
        runtime.block_on(handle.submit(desk, submission)).expect("it is accepted");
    }
}

criterion_group!(benches, timeline);
criterion_main!(benches);
