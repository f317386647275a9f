//! Bytes that are not what they were, and files that are gone. A start refuses with what and where,
//! a read finds it, or nothing acknowledged was lost; nothing wrong is ever read.

mod journal;

use std::collections::BTreeMap;

use journal::{Writer, made, open, segments};
use zhida::domain::ids::Seq;
use zhida::journal::medium::simulated::{Dice, Machine};
use zhida::journal::store::{Acknowledged, OpenError, VerifyError, verify};
use zhida::journal::{Journal as _, ReadError};

#[test]
fn a_missing_segment_is_refused_with_the_first_event_that_is_gone() {
    for is_closed in [true, false] {
        let (machine, writer) = made(4, is_closed);
        let files = machine.files();
        let names = segments(&machine);
        assert!(names.len() > 3, "{names:?}");
        for (index, name) in names.iter().enumerate() {
            let machine = Machine::new(0);
            files.iter().filter(|(other, _)| *other != name).for_each(|(n, b)| machine.put(n, b));
            let first: u64 = name["journal-".len()..][..20].parse().unwrap();
            match open(&machine) {
                Err(OpenError::Gap { seq, .. }) => assert_eq!(seq, Seq(first)),
                Err(OpenError::Behind { acknowledged, found }) => {
                    assert_eq!(index, names.len() - 1, "the end is missing");
                    assert_eq!((acknowledged, found.seq), (writer.head(), Seq(first - 1)));
                }
                other => panic!("{name}: {other:?}"),
            }
        }
    }
}

#[test]
fn a_flipped_bit_in_the_newest_commit_is_refused_with_both_ends() {
    // The slot of redb's header that holds the newest commit: redb opens the one before.
    let (machine, writer) = made(5, false);
    let name = segments(&machine).pop().unwrap();
    let bytes = machine.files().remove(&name).unwrap();
    let mut refused = 0;
    for byte in 0..512 {
        let mut flipped = bytes.clone();
        flipped[byte] ^= 4;
        machine.put(&name, &flipped);
        match open(&machine) {
            Err(OpenError::Behind { acknowledged, found }) => {
                assert_eq!(acknowledged, writer.head());
                assert!(found.seq < acknowledged.seq);
                refused += 1;
            }
            Err(OpenError::Damaged { file, .. }) => assert_eq!(file, name),
            Err(OpenError::Io { .. }) => {}
            Ok((store, _)) => {
                writer.check(&*store.reader());
                machine.kill();
                return_to(&machine, &name, &bytes);
            }
            Err(error) => panic!("{error}"),
        }
    }
    assert!(refused > 0, "redb went back a commit and was found out");
}

fn put_all(machine: &Machine, files: &BTreeMap<String, Vec<u8>>) {
    for (name, bytes) in files {
        machine.put(name, bytes);
    }
}

/// Puts a file back, and takes away what a start began after it.
fn return_to(machine: &Machine, name: &str, bytes: &[u8]) {
    segments(machine).iter().filter(|other| *other > &name.to_owned()).for_each(|other| {
        machine.take_away(other);
    });
    machine.put(name, bytes);
}

#[test]
fn a_flipped_bit_in_a_sealed_segment_is_found_before_redb_sees_it() {
    for (seed, is_closed) in [(6, true), (7, false)] {
        let (machine, writer) = made(seed, is_closed);
        let name = segments(&machine)[1].clone();
        let first = Seq(name["journal-".len()..][..20].parse().unwrap());
        let mut bytes = machine.files().remove(&name).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        machine.put(&name, &bytes);

        let (store, _) = open(&machine).unwrap();
        match writer.try_check(&*store.reader()) {
            Err(ReadError::Corrupt { seq, what }) => {
                assert_eq!(seq, first);
                assert!(what.contains(&name) && what.contains("BLAKE3"), "{what}");
            }
            other => panic!("{other:?}"),
        }
        match verify(&store, None, &mut |_| {}) {
            Err(VerifyError::Bad { seq, what }) => {
                let next = segments(&machine)[2]["journal-".len()..][..20].parse().unwrap();
                assert!((first..Seq(next)).contains(&seq), "{seq}, and not from {first} to {next}");
                assert!(what.contains(&name), "{what}");
            }
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn a_flipped_bit_in_the_last_segment_of_a_clean_close_is_refused_or_costs_nothing() {
    let (machine, writer) = made(11, true);
    let files = machine.files();
    let name = segments(&machine).pop().unwrap();
    let mut outcomes = BTreeMap::new();
    for part in 0..150 {
        let machine = Machine::new(0);
        put_all(&machine, &files);
        let mut flipped = files[&name].clone();
        let byte = flipped.len() * part / 150 + part % 64;
        flipped[byte] ^= 16;
        machine.put(&name, &flipped);
        check_damaged(&machine, &writer, &mut outcomes);
    }
    assert_eq!(outcomes.keys().copied().collect::<Vec<_>>(), ["refused", "whole"], "{outcomes:?}");
}

#[test]
fn a_damaged_acknowledged_file_costs_nothing_and_is_told() {
    let (machine, writer) = made(8, false);
    let files = machine.files();
    let whole = &files["acknowledged"];
    for (bytes_flipped, is_one_slot) in [(&[20][..], true), (&[532], true), (&[20, 532], false)] {
        let machine = Machine::new(0);
        put_all(&machine, &files);
        let mut bytes = whole.clone();
        for &byte in bytes_flipped {
            bytes[byte] ^= 1;
        }
        machine.put("acknowledged", &bytes);
        let (store, report) = open(&machine).unwrap();
        match report.acknowledged {
            Acknowledged::OneSlot(head) => assert!(is_one_slot && head.seq <= writer.head().seq),
            Acknowledged::Unreadable => assert!(!is_one_slot),
            Acknowledged::Known(head) => panic!("{head}"),
        }
        assert!(report.to_string().contains("`acknowledged` is unreadable"), "{report}");
        writer.check(&*store.reader());
    }
}

#[test]
fn a_torn_end_of_the_active_segment_is_refused_or_costs_nothing() {
    for seed in 20..24 {
        let (machine, writer) = made(seed, seed % 2 == 0);
        let files = machine.files();
        let name = segments(&machine).pop().unwrap();
        let whole = &files[&name];
        for cut in 1..20 {
            let machine = Machine::new(0);
            put_all(&machine, &files);
            machine.put(&name, &whole[..whole.len() * (20 - cut) / 20]);
            check_damaged(&machine, &writer, &mut BTreeMap::new());
        }
    }
}

#[test]
fn a_bit_flipped_anywhere_is_refused_found_on_reading_or_costs_nothing() {
    let mut outcomes = BTreeMap::new();
    for seed in 10..16 {
        let (machine, writer) = made(seed, seed % 2 == 0);
        let files: Vec<_> = machine.files().into_iter().collect();
        let mut dice = Dice::new(seed);
        for _ in 0..60 {
            let (name, bytes) = &files[usize::try_from(dice.below(files.len() as u64)).unwrap()];
            if bytes.is_empty() || name == "ballast" {
                continue;
            }
            let machine = Machine::new(0);
            files.iter().filter(|(n, _)| n != "ballast").for_each(|(n, b)| machine.put(n, b));
            let mut flipped = bytes.clone();
            let bit = usize::try_from(dice.below(8 * bytes.len() as u64)).unwrap();
            flipped[bit / 8] ^= 1 << (bit % 8);
            machine.put(name, &flipped);
            check_damaged(&machine, &writer, &mut outcomes);
        }
    }
    println!("{outcomes:?}");
    assert_eq!(outcomes.len(), 3, "{outcomes:?}");
}

/// Opens and reads: whatever comes out is an error or all that was acknowledged.
fn check_damaged(machine: &Machine, writer: &Writer, outcomes: &mut BTreeMap<&'static str, u32>) {
    let outcome = match open(machine) {
        Err(_) => "refused",
        Ok((store, _)) => match writer.try_check(&*store.reader()) {
            Ok(()) => "whole",
            Err(_) => "found on reading",
        },
    };
    *outcomes.entry(outcome).or_default() += 1;
}

#[test]
fn a_head_that_is_not_on_the_chain_is_told_from_one_that_is() {
    let (machine, writer) = made(9, true);
    let (store, _) = open(&machine).unwrap();
    let mut heads = Vec::new();
    let report = verify(&store, None, &mut |seq| heads.push(seq)).unwrap();
    assert_eq!((report.head, report.values), (writer.head(), heads.len() as u64));
    verify(&store, Some(writer.head()), &mut |_| {}).unwrap();
    let mut other = writer.head();
    other.hash[0] ^= 1;
    match verify(&store, Some(other), &mut |_| {}) {
        Err(VerifyError::NotOnTheChain { expected, head }) => {
            assert_eq!((expected, head), (other, writer.head()));
        }
        other => panic!("{other:?}"),
    }
}
