//! Faults one by one: a crash at every step of an append, a failed sync, a full disk, and bytes
//! that are not what they were. Nothing acknowledged is lost, and nothing wrong is ever read.

#![expect(clippy::unwrap_used, reason = "a test says what must be")]

mod journal;

use std::collections::BTreeMap;

use journal::Writer;
use zhida::domain::digest::Digest;
use zhida::domain::ids::Seq;
use zhida::journal::store::simulated::{Dice, Machine};
use zhida::journal::store::{
    Acknowledged, Background, OpenError, OpenReport, Store, StoreOptions, VerifyError, verify,
};
use zhida::journal::{AppendError, Journal as _, ReadError};

const BALLAST_BYTES: u64 = 2 << 20;

fn options() -> StoreOptions {
    StoreOptions {
        segment_bytes: 6_000,
        ballast_bytes: BALLAST_BYTES,
        free_bytes_min: 1 << 20,
        ..StoreOptions::at("")
    }
}

fn open(machine: &Machine) -> Result<(Store, OpenReport), OpenError> {
    Store::open_on(machine.medium(), &options(), Background::Inline)
}

fn append(store: &mut Store, writer: &mut Writer) {
    let turn = writer.turn(store.tail(), 6);
    store.append(&turn).unwrap();
    writer.keep(&turn);
}

fn append_many(store: &mut Store, writer: &mut Writer, turns: usize) {
    for _ in 0..turns {
        if store.is_roll_due() {
            store.roll(Digest(3)).unwrap();
            store.work();
        }
        append(store, writer);
    }
}

/// A journal of several segments whose process was killed, or closed it.
fn made(seed: u64, is_closed: bool) -> (Machine, Writer) {
    let (machine, mut writer) = (Machine::new(seed), Writer::new(seed));
    let (mut store, _) = open(&machine).unwrap();
    append_many(&mut store, &mut writer, 40);
    if is_closed {
        store.close().unwrap();
    } else {
        machine.kill();
    }
    (machine, writer)
}

fn segments(machine: &Machine) -> Vec<String> {
    let names = machine.files().into_keys();
    names.filter(|name| name.starts_with("journal-0")).collect()
}

#[test]
fn an_append_may_be_cut_off_at_every_change_that_it_makes() {
    let mut outcomes = [0; 2];
    for changes in 0.. {
        let (machine, mut writer) = (Machine::new(changes), Writer::new(changes));
        let (mut store, _) = open(&machine).unwrap();
        append_many(&mut store, &mut writer, 3);
        let turn = writer.large_turn(store.tail());
        assert!(turn.values().len() > 2);
        machine.kill_after(changes);
        let appended = store.append(&turn);
        machine.kill_after(u64::MAX);
        if appended.is_ok() {
            assert!(outcomes.iter().all(|&times| times > 0), "{outcomes:?}");
            return;
        }
        drop(store);

        // The process died. What it had not synced can still be read, until the power goes.
        let (store, report) = open(&machine).unwrap();
        outcomes[usize::from(store.tail() == turn.head())] += 1;
        if store.tail() == turn.head() {
            writer.keep(&turn);
            assert_eq!(report.appended_again, Some((turn.first_seq(), turn.last_seq())));
        }
        writer.check(&*store.reader());
        machine.kill();
        drop(store);
        machine.lose_power();
        let (store, _) = open(&machine).unwrap();
        writer.check(&*store.reader());
    }
}

#[test]
fn a_segment_whose_sync_failed_is_never_written_again_and_still_read() {
    let (machine, mut writer) = (Machine::new(1), Writer::new(1));
    let (mut store, _) = open(&machine).unwrap();
    append(&mut store, &mut writer);
    append(&mut store, &mut writer);
    let given_up = segments(&machine).pop().unwrap();
    machine.fail_sync_after(Some(0));
    append(&mut store, &mut writer);
    let bytes = machine.files()[&given_up].clone();
    assert_eq!(machine.faults().syncs_failed, 1);
    assert_eq!(segments(&machine).len(), 2, "the turn is in a fresh segment");

    append(&mut store, &mut writer);
    writer.check(&*store.reader());
    machine.kill();
    drop(store);
    let (store, _) = open(&machine).unwrap();
    writer.check(&*store.reader());
    assert!(machine.files()[&given_up] == bytes, "neither its process nor the next wrote to it");
    machine.kill();
    drop(store);
    machine.lose_power();

    // Rewritten, it is another file in its place, whole and sealed.
    let (mut store, report) = open(&machine).unwrap();
    assert!(report.rewriting.contains(&Seq(1)));
    writer.check(&*store.reader());
    store.work();
    append(&mut store, &mut writer);
    writer.check(&*store.reader());
    assert!(store.sealed().iter().any(|sealed| sealed.first == Seq(1)));
    verify(&store, Some(writer.head()), &mut |_| {}).unwrap();
}

#[test]
fn a_full_disk_takes_the_turn_that_met_it_and_refuses_the_next_until_there_is_room() {
    let (machine, mut writer) = (Machine::new(2), Writer::new(2));
    let (mut store, report) = open(&machine).unwrap();
    assert!(report.has_ballast);
    append_many(&mut store, &mut writer, 20);
    store.work();
    machine.leave_room(Some(0));
    assert!(store.is_low_on_space().unwrap());
    // Pages that are there already may take a turn or two.
    while machine.files().contains_key("ballast") {
        append(&mut store, &mut writer);
    }
    append(&mut store, &mut writer);

    machine.leave_room(Some(0));
    let refused = loop {
        let turn = writer.turn(store.tail(), 6);
        match store.append(&turn) {
            Ok(()) => writer.keep(&turn),
            Err(AppendError::DiskFull(_)) => break turn,
            Err(error) => panic!("{error}"),
        }
    };
    let files = machine.files().len();
    for _ in 0..20 {
        let error = store.append(&refused).unwrap_err();
        assert!(matches!(error, AppendError::DiskFull(_)), "{error}");
        store.work();
        writer.check(&*store.reader());
    }
    assert!(machine.files().len() <= files, "attempts leave nothing: {:?}", segments(&machine));

    machine.leave_room(None);
    store.append(&refused).unwrap();
    writer.keep(&refused);
    append_many(&mut store, &mut writer, 20);
    assert!(!store.is_low_on_space().unwrap());
    store.work();
    assert_eq!(machine.files()["ballast"].len() as u64, BALLAST_BYTES);
    writer.check(&*store.reader());
    store.close().unwrap();
    let (store, report) = open(&machine).unwrap();
    assert!(report.was_closed);
    writer.check(&*store.reader());
}

#[test]
fn a_full_disk_at_a_roll_costs_the_ballast_and_no_turn() {
    let (machine, mut writer) = (Machine::new(12), Writer::new(12));
    let (mut store, _) = open(&machine).unwrap();
    append_many(&mut store, &mut writer, 20);
    store.work();
    machine.leave_room(Some(0));
    store.roll(Digest(1)).unwrap();
    append(&mut store, &mut writer);
    assert!(!machine.files().contains_key("ballast"));
    writer.check(&*store.reader());
}

#[test]
#[should_panic(expected = "a failed turn comes again")]
fn another_turn_than_the_failed_one_is_a_mistake_of_the_caller() {
    let (machine, mut writer) = (Machine::new(3), Writer::new(3));
    let (mut store, _) = open(&machine).unwrap();
    append(&mut store, &mut writer);
    let turn = writer.turn(store.tail(), 6);
    machine.fail_name_sync_after(Some(0));
    machine.fail_sync_after(Some(0));
    assert!(store.append(&turn).is_err());
    let other = writer.turn(store.tail(), 6);
    drop(store.append(&other));
}

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
                assert_eq!(seq, first);
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
