//! The engine and its journal under random work and random faults, by a seed, beside a shadow that
//! says beforehand what every command comes to.
//!
//! After each step: every answer is the expected one, the view is the shadow's, each open case is
//! in one inbox, the state is the fold of the journal, and what was acknowledged is in the journal
//! once, whatever failed, stopped or lost its power.
//!
//! `ZHIDA_SEEDS=N` runs that many seeds, `ZHIDA_SEED=K` runs that one alone.

mod administration;
mod check;
mod city;
mod drive;
mod ground;
mod life;
mod readers;
mod script;
mod shadow;
mod tally;
mod trouble;

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;

use tempfile::TempDir;
use zhida::journal::medium;
use zhida::journal::{Head, Vault, VaultOptions};

use drive::{Drive, SharedVault};
use ground::Disk;
use tally::Tally;

/// Seeds on a journal in memory; and on the store, on a disk that fails below it.
const MEMORY_SEEDS: u64 = 300;
const STORE_SEEDS: u64 = 120;
const STEPS: u64 = 60;

type NewDisk = fn(u64) -> Disk;

#[test]
fn the_engine_does_what_its_shadow_says() {
    all("memory", MEMORY_SEEDS, |_| Disk::memory());
}

#[test]
fn the_engine_does_so_on_the_store() {
    all("store", STORE_SEEDS, Disk::machine);
}

#[test]
fn the_same_seed_makes_the_same_journal() {
    let vault = vault();
    for disk in [(|_| Disk::memory()) as NewDisk, Disk::machine] {
        for seed in 1_000..1_004 {
            let heads = [(); 2].map(|()| run(seed, disk, &vault, &mut Tally::default()));
            assert_eq!(heads[0], heads[1], "seed {seed}");
        }
    }
}

fn all(name: &str, seeds: u64, disk: NewDisk) {
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
    let (vault, mut tally) = (vault(), Tally::default());
    for seed in seeds {
        let ran = catch_unwind(AssertUnwindSafe(|| run(seed, disk, &vault, &mut tally)));
        if let Err(panic) = ran {
            eprintln!("{name}: failed with ZHIDA_SEED={seed}");
            resume_unwind(panic);
        }
    }
    let missing = tally.report();
    assert!(alone.is_some() || missing.is_empty(), "never happened: {missing:?}");
}

fn run(seed: u64, disk: NewDisk, vault: &SharedVault, tally: &mut Tally) -> Head {
    Drive::new(seed, disk(seed), vault.clone(), tally).run(STEPS)
}

fn vault() -> SharedVault {
    let dir = TempDir::new().expect("a temporary directory");
    let few = VaultOptions { step_slots: 64, steps_ahead: 1, ..VaultOptions::default() };
    (
        Arc::new(
            Vault::open(&medium::disk::Disk::at(dir.path()).expect("the directory is there"), few)
                .expect("a new vault"),
        ),
        Arc::new(dir),
    )
}
