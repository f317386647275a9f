use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use rand::RngExt;
use tempfile::TempDir;

use super::write::write_aside;
use super::*;
use crate::domain::evolve;
use crate::domain::state::State;
use crate::journal::head::Head;
use crate::journal::medium::disk::Disk;
use crate::journal::workload::Workload;

fn dir() -> TempDir {
    TempDir::new().expect("a temporary directory")
}

fn disk(dir: &TempDir) -> Disk {
    Disk::at(dir.path()).expect("the directory is there")
}

fn load(path: &Path) -> Result<(State, Head), BadSnapshot> {
    let disk = Disk::at(path.parent().expect("a directory")).expect("the directory is there");
    super::load(&disk, path.file_name().and_then(|name| name.to_str()).expect("a name"))
}

/// Writes a snapshot of what the city has come to, and says where it is.
fn written(dir: &TempDir, city: &Workload) -> PathBuf {
    let bytes = write(&disk(dir), &city.city.state, city.tail()).expect("written");
    let newest = newest(&disk(dir)).expect("listed").remove(0);
    assert_eq!((newest.seq, newest.bytes), (city.tail().seq, bytes));
    dir.path().join(newest.name)
}

fn assert_equal(one: &State, other: &State) {
    assert_eq!(one.digest(), other.digest());
    assert_eq!(one.head(), other.head());
    assert_eq!(one.next_due_at(), other.next_due_at());
    assert!(one.cases().iter().eq(other.cases().iter()));
    assert!(one.imports().iter().eq(other.imports().iter()));
    assert!(one.outcomes().iter().eq(other.outcomes().iter()));
    assert!(one.organisation().iter().eq(other.organisation().iter()));
    assert_eq!(one.organisation().order(), other.organisation().order());
    assert!(
        one.organisation().iter().all(|(unit, _)| {
            one.organisation().former(unit) == other.organisation().former(unit)
        })
    );
}

#[test]
fn a_state_comes_back_as_it_was() {
    for seed in 0..30 {
        let dir = dir();
        let mut city = Workload::new(seed);
        for commands in [0, 1, 40, 400] {
            city.work(commands);
            let path = written(&dir, &city);
            let (state, head) = load(&path).expect("loaded");
            assert_eq!(head, city.tail());
            assert_equal(&state.made_ready(), &city.city.state);
        }
    }
}

#[test]
fn a_state_that_came_back_goes_on_as_the_other_does() {
    for seed in 0..10 {
        let dir = dir();
        let mut city = Workload::new(seed);
        city.work(300);
        let (mut state, head) = load(&written(&dir, &city)).expect("loaded");
        city.work(300);
        for seq in head.seq.0 + 1..=city.tail().seq.0 {
            evolve(&mut state, &city.reader().record(Seq(seq)).expect("it is there"));
        }
        assert_equal(&state.made_ready(), &city.city.state);
    }
}

#[test]
fn no_byte_tells_how_the_state_lay_in_memory() {
    for seed in 0..10 {
        let (one_dir, other_dir) = (dir(), dir());
        let (mut one, mut other) = (Workload::new(seed), Workload::new(seed));
        for _ in 0..3 {
            one.work(150);
            other.work(150);
            let paths = [written(&one_dir, &one), written(&other_dir, &other)];
            let [ones, others] = paths.each_ref().map(|path| std::fs::read(path).expect("read"));
            assert!(ones == others, "two snapshots of equal states");
            assert_eq!(one.tail(), other.tail(), "the chain is over every byte of the journal");
            // One goes on as it was, the other on maps that were filled in another order.
            other.city.state = load(&paths[1]).expect("loaded").0.made_ready();
        }
    }
}

/// The kinds of the file's sections, in order.
fn kinds_of(path: &Path) -> Vec<u8> {
    let bytes = std::fs::read(path).expect("read");
    let mut rest = &bytes[HEADER_BYTES..];
    let mut kinds = Vec::new();
    while let Some(kind) = rest.first() {
        kinds.push(*kind);
        let length = u32::from_le_bytes(*rest[5..].first_chunk().expect("a header"));
        let section = SECTION_HEADER_BYTES + length as usize;
        assert!(section <= SECTION_BYTES_MAX, "{section}");
        rest = &rest[section..];
    }
    kinds
}

#[test]
fn every_kind_of_row_is_written_by_random_work() {
    let mut kinds = BTreeSet::new();
    for seed in 0..30 {
        let dir = dir();
        let mut city = Workload::new(seed);
        city.work(400);
        kinds.extend(kinds_of(&written(&dir, &city)));
    }
    assert_eq!(kinds, (1..=12).collect());
}

#[test]
fn rows_of_one_kind_fill_as_many_sections_as_they_need() {
    let dir = dir();
    let mut city = Workload::new(1);
    city.report(100_000);
    let path = written(&dir, &city);
    assert_eq!(kinds_of(&path), [1, 2, 12, 3, 4, 8, 8, 9, 10]);
    let (state, _) = load(&path).expect("loaded");
    assert_equal(&state.made_ready(), &city.city.state);
}

#[test]
fn a_flipped_bit_anywhere_is_refused() {
    let dir = dir();
    let mut city = Workload::new(3);
    city.work(30);
    let path = written(&dir, &city);
    let good = std::fs::read(&path).expect("read");
    let mut bytes = good.clone();
    for place in 0..good.len() {
        let bit = city.city.rng.random_range(0..8);
        bytes[place] ^= 1 << bit;
        std::fs::write(&path, &bytes).expect("written");
        assert!(load(&path).is_err(), "byte {place}, bit {bit}");
        bytes[place] = good[place];
    }
    std::fs::write(&path, &good).expect("written");
    assert!(load(&path).is_ok());
}

#[test]
fn a_cut_or_longer_file_is_refused() {
    let dir = dir();
    let mut city = Workload::new(4);
    city.work(30);
    let path = written(&dir, &city);
    let good = std::fs::read(&path).expect("read");
    for length in 0..good.len() {
        std::fs::write(&path, &good[..length]).expect("written");
        let bad = load(&path).expect_err("cut off");
        assert!(matches!(bad, BadSnapshot::Magic | BadSnapshot::Length { .. }), "{bad:?}");
    }
    std::fs::write(&path, [&good[..], &[0]].concat()).expect("written");
    assert!(matches!(load(&path), Err(BadSnapshot::Length { .. })));
}

#[test]
fn another_format_says_so() {
    let dir = dir();
    let city = Workload::new(5);
    let path = written(&dir, &city);
    let mut bytes = std::fs::read(&path).expect("read");
    bytes[4] = 9;
    std::fs::write(&path, &bytes).expect("written");
    let bad = load(&path).expect_err("another format");
    assert_eq!(bad.to_string(), "it is of format 9; this program reads format 0 only");
}

#[test]
fn a_snapshot_under_another_name_is_refused() {
    let dir = dir();
    let city = Workload::new(6);
    let path = written(&dir, &city);
    let other = dir.path().join(name_of(Seq(77)));
    std::fs::rename(&path, &other).expect("renamed");
    assert!(matches!(load(&other), Err(BadSnapshot::Name { .. })));
}

#[test]
fn rows_that_make_another_state_are_refused() {
    let dir = dir();
    let mut city = Workload::new(7);
    city.work(50);
    let path = written(&dir, &city);
    let mut bytes = std::fs::read(&path).expect("read");
    // The digest in the header, and a header checksum that fits it.
    bytes[48] ^= 1;
    let checksum = xxhash_rust::xxh3::xxh3_64(&bytes[..HEADER_BYTES - 8]);
    bytes[HEADER_BYTES - 8..HEADER_BYTES].copy_from_slice(&checksum.to_le_bytes());
    std::fs::write(&path, &bytes).expect("written");
    assert!(matches!(load(&path), Err(BadSnapshot::Digest { .. })));
}

#[test]
fn a_write_that_never_came_to_its_end_leaves_the_old_one_in_force() {
    let dir = dir();
    let mut city = Workload::new(8);
    city.work(50);
    written(&dir, &city);
    let old = newest(&disk(&dir)).expect("listed");
    city.work(50);
    // Killed before the rename.
    write_aside(&disk(&dir), &city.city.state, city.tail()).expect("written");
    assert_eq!(newest(&disk(&dir)).expect("listed"), old);
    // And the next one is not disturbed by what lies there.
    load(&written(&dir, &city)).expect("loaded");
    assert!(!dir.path().join(NAME_ASIDE).exists());
}

#[test]
fn a_write_that_fails_leaves_nothing() {
    let dir = dir();
    let city = Workload::new(9);
    // A directory in the way: the rename fails.
    let in_the_way = dir.path().join(name_of(city.tail().seq));
    std::fs::create_dir(&in_the_way).expect("made");
    assert!(write(&disk(&dir), &city.city.state, city.tail()).is_err());
    assert!(!dir.path().join(NAME_ASIDE).exists());
}

#[test]
fn pruning_keeps_those_named_and_no_leftovers() {
    let dir = dir();
    let mut city = Workload::new(10);
    let mut seqs = Vec::new();
    for _ in 0..4 {
        city.work(10);
        written(&dir, &city);
        seqs.push(city.tail().seq);
    }
    for name in [NAME_ASIDE, "snapshot-12", "vault"] {
        std::fs::write(dir.path().join(name), b"x").expect("written");
    }
    prune(&disk(&dir), &seqs[2..]).expect("pruned");
    let left: Vec<_> =
        newest(&disk(&dir)).expect("listed").iter().map(|candidate| candidate.seq).collect();
    assert_eq!(left, [seqs[3], seqs[2]]);
    assert!(!dir.path().join(NAME_ASIDE).exists());
    assert!(dir.path().join("vault").exists() && dir.path().join("snapshot-12").exists());
    prune(&disk(&dir), &seqs[2..]).expect("pruned again");
}

#[test]
fn names_are_as_long_as_a_seq_can_be() {
    for seq in [Seq(0), Seq(1), Seq(u64::MAX)] {
        assert_eq!(seq_of(&name_of(seq)), Some(seq));
    }
    for name in [NAME_ASIDE, "snapshot-1", "snapshot-0000000000000000000x", "journal"] {
        assert_eq!(seq_of(name), None, "{name}");
    }
}
