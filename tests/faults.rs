//! Faults one by one: a crash at every step of an append, a failed sync, a full disk. Nothing
//! acknowledged is lost, and it ends by itself.

mod journal;

use journal::{BALLAST_BYTES, Writer, append, append_many, open, segments};
use zhida::domain::digest::Digest;
use zhida::domain::ids::Seq;
use zhida::journal::medium::simulated::Machine;
use zhida::journal::store::verify;
use zhida::journal::{AppendError, Journal as _};

#[test]
fn an_append_may_be_cut_off_at_every_change_that_it_makes() {
    let mut outcomes = [0; 2];
    for changes in 0.. {
        let (machine, mut writer) = (Machine::new(changes), Writer::new(changes));
        let (mut store, _) = open(&machine).unwrap();
        append_many(&mut store, &mut writer, 3);
        let turn = writer.large_turn(store.tail());
        assert!(turn.values().len() > 2);
        machine.kill_after(Some(changes));
        let appended = store.append(&turn);
        machine.kill_after(None);
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

/// Its removal need not have reached the disk, and what it says of the segments is old by then.
#[test]
fn a_mark_of_a_clean_close_that_comes_back_is_not_believed() {
    let (machine, mut writer) = (Machine::new(12), Writer::new(12));
    let (mut store, _) = open(&machine).unwrap();
    append_many(&mut store, &mut writer, 10);
    store.roll(writer.digest()).unwrap();
    append(&mut store, &mut writer);
    // The first segment is sealed by the close alone, so that only the mark has its note.
    store.close().unwrap();
    let mark = machine.files().remove("closed").unwrap();
    // It was removed, and the process died before anything else noted what it says.
    machine.take_away("closed");
    let (mut store, report) = open(&machine).unwrap();
    assert!(!report.rewriting.is_empty());
    store.work();
    append_many(&mut store, &mut writer, 3);
    machine.kill();

    machine.put("closed", &mark);
    let (store, report) = open(&machine).unwrap();
    assert!(!report.was_closed);
    assert_eq!(store.tail(), writer.head());
    writer.check(&*store.reader());
}
