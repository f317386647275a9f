//! The store on a real directory: what it makes there, who may open it, what it refuses.

mod journal;

use std::fs;
use std::ops::ControlFlow;
use std::sync::Arc;

use journal::Writer;
use zhida::domain::digest::Digest;
use zhida::domain::ids::Seq;
use zhida::journal::medium::disk::Disk;
use zhida::journal::store::{OpenError, StoppedStore, Store, StoreOptions, VerifyError, verify};
use zhida::journal::{Background, Journal as _};

fn options(directory: &tempfile::TempDir) -> StoreOptions {
    StoreOptions {
        segment_bytes: 20_000,
        ballast_bytes: 4_096,
        free_bytes_min: 0,
        ..StoreOptions::at(directory.path())
    }
}

#[test]
fn what_was_appended_is_read_again_after_rolls_and_a_reopen() {
    let directory = tempfile::tempdir().unwrap();
    let (mut store, report) = Store::open(&options(&directory)).unwrap();
    assert!(report.is_new);
    let mut writer = Writer::new(1);
    for _ in 0..100 {
        if store.is_roll_due() {
            store.roll(Digest(7)).unwrap();
        }
        let turn = writer.turn(store.tail(), 20);
        store.append(&turn).unwrap();
        writer.keep(&turn);
    }
    writer.check(&*store.reader());
    let tail = store.tail();
    store.close().unwrap();

    let (mut store, report) = Store::open(&options(&directory)).unwrap();
    assert!(report.was_closed, "{report}");
    assert_eq!(store.tail(), tail);
    writer.check(&*store.reader());
    let turn = writer.turn(store.tail(), 20);
    store.append(&turn).unwrap();
    writer.keep(&turn);
    writer.check(&*store.reader());
    assert!(store.sealed().len() > 3, "{:?}", store.sealed());
    assert!(store.sealed()[..3].iter().all(|sealed| sealed.digest == Some(Digest(7))));

    let report = verify(&store, Some(tail), &mut |_| {}).unwrap();
    assert_eq!((report.head, report.events), (store.tail(), store.tail().seq.0));
    for seq in [1, 2, tail.seq.0, store.tail().seq.0] {
        assert_eq!(store.reader().record(Seq(seq)).unwrap(), writer.record(seq));
    }
}

#[test]
fn readers_on_other_threads_read_on_while_segments_are_closed_under_them() {
    let directory = tempfile::tempdir().unwrap();
    let (mut store, _) = Store::open(&options(&directory)).unwrap();
    let mut writer = Writer::new(2);
    let turn = writer.turn(store.tail(), 20);
    store.append(&turn).unwrap();
    writer.keep(&turn);
    let is_done = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            let (reader, is_done) = (store.reader(), &is_done);
            scope.spawn(move || {
                let mut reads = 0_u64;
                while !is_done.load(std::sync::atomic::Ordering::Acquire) || reads == 0 {
                    let mut next = 1;
                    let read = reader.read_from(Seq(1), Seq(u64::MAX), &mut |first, bytes| {
                        assert_eq!(first.0, next, "values follow one another");
                        next += u64::from(zhida::journal::Value::parse(bytes).unwrap().count());
                        ControlFlow::Continue(())
                    });
                    read.unwrap();
                    reads += 1;
                }
            });
        }
        for _ in 0..200 {
            if store.is_roll_due() {
                store.roll(Digest(1)).unwrap();
            }
            let turn = writer.turn(store.tail(), 20);
            store.append(&turn).unwrap();
            writer.keep(&turn);
        }
        is_done.store(true, std::sync::atomic::Ordering::Release);
    });
    writer.check(&*store.reader());
}

#[test]
fn a_close_leaves_rewrites_to_the_next_start_and_that_finds_them() {
    let directory = tempfile::tempdir().unwrap();
    let open = || {
        let disk = Arc::new(Disk::at(directory.path()).unwrap());
        Store::open_on(disk, &options(&directory), Background::Inline).unwrap()
    };
    let (mut store, _) = open();
    let mut writer = Writer::new(5);
    while store.tail().seq < Seq(400) {
        if store.is_roll_due() {
            store.roll(Digest(7)).unwrap();
        }
        let turn = writer.turn(store.tail(), 20);
        store.append(&turn).unwrap();
        writer.keep(&turn);
    }
    // As in a crash: what was rolled is not sealed.
    drop(store);
    let (store, report) = open();
    let rewriting = report.rewriting;
    assert!(rewriting.len() > 1 && !report.was_closed, "{rewriting:?}");
    let tail = store.tail();
    store.close().unwrap();

    let (mut store, report) = open();
    assert!(report.was_closed, "{report}");
    assert_eq!((report.rewriting, report.tail), (rewriting, tail));
    writer.check(&*store.reader());
    store.work();
    store.close().unwrap();

    let (store, report) = open();
    assert!(report.was_closed && report.rewriting.is_empty(), "{report}");
    writer.check(&*store.reader());
    verify(&store, Some(tail), &mut |_| {}).unwrap();
}

#[test]
fn verify_names_the_first_bad_event_and_not_the_first_of_its_segment() {
    let directory = tempfile::tempdir().unwrap();
    let larger = StoreOptions { segment_bytes: 80_000, ..options(&directory) };
    let (mut store, _) = Store::open(&larger).unwrap();
    let mut writer = Writer::new(6);
    while store.sealed().len() < 2 {
        if store.is_roll_due() {
            store.roll(Digest(7)).unwrap();
        }
        let turn = writer.turn(store.tail(), 20);
        store.append(&turn).unwrap();
        writer.keep(&turn);
    }
    let sealed = store.sealed()[1];
    let mut values = Vec::new();
    let mut keep = |first, bytes: &[u8]| {
        values.push((first, bytes.to_vec()));
        ControlFlow::Continue(())
    };
    store.reader().read_from(sealed.first, sealed.last.seq, &mut keep).unwrap();
    store.close().unwrap();

    let file = directory.path().join(format!("journal-{:020}.redb", sealed.first.0));
    let whole = fs::read(&file).unwrap();
    let first_bad = || {
        let (stopped, _) = StoppedStore::open(directory.path()).unwrap();
        match stopped.verify(None, &mut |_| {}) {
            Err(VerifyError::Bad { seq, what }) => {
                assert!(what.contains("journal-") && what.contains("BLAKE3"), "{what}");
                seq
            }
            other => panic!("{other:?}"),
        }
    };
    assert!(values.len() > 10, "{} values", values.len());
    for (first, bytes) in [&values[1], &values[values.len() / 2], &values[values.len() - 1]] {
        let at = whole.windows(bytes.len()).position(|part| part == bytes).unwrap();
        let mut damaged = whole.clone();
        damaged[at + bytes.len() / 2] ^= 4;
        fs::write(&file, &damaged).unwrap();
        assert_eq!(first_bad(), *first);

        // A page that redb cannot read: the first bad one lies behind the last that it gave.
        damaged[at / 4_096 * 4_096..][..4_096].fill(0);
        fs::write(&file, &damaged).unwrap();
        let bad = first_bad();
        assert!(sealed.first <= bad && bad <= *first, "{bad}, damaged is {first}");
    }
    // Beyond all values: nothing that counts is bad.
    let mut damaged = whole.clone();
    damaged[64] ^= 4;
    fs::write(&file, &damaged).unwrap();
    assert!(first_bad() >= sealed.first);
    fs::write(&file, &whole).unwrap();
    StoppedStore::open(directory.path()).unwrap().0.verify(None, &mut |_| {}).unwrap();
}

#[test]
fn a_second_process_is_refused_by_name() {
    let directory = tempfile::tempdir().unwrap();
    let (store, _) = Store::open(&options(&directory)).unwrap();
    match Store::open(&options(&directory)) {
        Err(OpenError::Locked { holder }) => assert_eq!(holder, std::process::id().to_string()),
        other => panic!("{other:?}"),
    }
    store.close().unwrap();
    Store::open(&options(&directory)).unwrap();
}

#[test]
fn a_directory_of_another_format_is_refused_by_name() {
    let directory = tempfile::tempdir().unwrap();
    Store::open(&options(&directory)).unwrap().0.close().unwrap();
    for (words, found) in [
        ("zhida journal format 1\n", "zhida journal format 1"),
        ("zhida journal format 2", "zhida journal format 2"),
        ("", ""),
    ] {
        fs::write(directory.path().join("format"), words).unwrap();
        let error = Store::open(&options(&directory)).unwrap_err();
        assert!(matches!(&error, OpenError::OtherFormat { found: other } if other == found));
        assert!(error.to_string().contains(found), "{error}");
    }
}
