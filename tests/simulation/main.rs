//! The engine and its journal under random work and random faults, by a seed, beside a shadow that
//! says beforehand what every command comes to.
//!
//! After each step: every answer is the expected one, the view is the shadow's, each open case is
//! in one inbox, the state is the fold of the journal, and what was acknowledged is in the journal
//! once, whatever failed, stopped or lost its power.
//!
//! `ZHIDA_SEEDS=N` runs that many seeds, `ZHIDA_SEED=K` runs that one alone.

mod check;
mod city;
mod drive;
mod ground;
mod readers;
mod script;
mod shadow;
mod tally;
mod trouble;

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use drive::{Drive, Ended};
use ground::Disk;
use tally::{Also, Tally};

/// Seeds on a journal in memory; and on the store, on a disk that fails below it.
const MEMORY_SEEDS: u64 = 300;
const STORE_SEEDS: u64 = 200;
const DRIVEN_SEEDS: u64 = 200;
const STEPS: u64 = 100;

type NewDisk = fn(u64) -> Disk;

#[test]
fn the_engine_does_what_its_shadow_says() {
    all("memory", MEMORY_SEEDS, Disk::memory, false, tally::MEMORY);
}

#[test]
fn the_engine_does_so_on_the_store() {
    all("store", STORE_SEEDS, Disk::machine, false, tally::STORE);
}

#[test]
fn the_engine_does_so_on_a_driven_clock() {
    all("driven", DRIVEN_SEEDS, Disk::memory, true, tally::DRIVEN);
}

#[test]
fn the_same_seed_makes_the_same_journal() {
    let kinds = [(Disk::memory as NewDisk, false), (Disk::machine, false), (Disk::machine, true)];
    for (disk, is_driven) in kinds {
        for seed in 1_000..1_004 {
            let ends = [(); 2].map(|()| run(seed, disk, is_driven, &mut Tally::default()));
            assert_eq!(ends[0], ends[1], "seed {seed}");
        }
    }
}

fn all(name: &str, seeds: u64, disk: NewDisk, is_driven: bool, also: Also) {
    let number = |name: &str| {
        let text = std::env::var(name).ok()?;
        Some(text.parse::<u64>().expect("a number of the environment"))
    };
    let random = getrandom::u64().expect("a random seed");
    let alone = number("ZHIDA_SEED");
    let seeds: Vec<u64> = match alone {
        Some(seed) => vec![seed],
        None => (0..number("ZHIDA_SEEDS").unwrap_or(seeds)).chain([random]).collect(),
    };
    eprintln!("{name}: the random seed is {random}");
    let mut tally = Tally::default();
    for seed in seeds {
        let ran = catch_unwind(AssertUnwindSafe(|| run(seed, disk, is_driven, &mut tally)));
        if let Err(panic) = ran {
            eprintln!("{name}: failed with ZHIDA_SEED={seed}");
            resume_unwind(panic);
        }
    }
    let missing = tally.report(also);
    assert!(alone.is_some() || missing.is_empty(), "never happened: {missing:?}");
}

fn run(seed: u64, disk: NewDisk, is_driven: bool, tally: &mut Tally) -> Ended {
    Drive::new(seed, disk(seed), is_driven, tally).run(STEPS)
}
