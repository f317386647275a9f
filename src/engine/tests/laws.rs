//! Nothing leaves before its commit; numbers have no gaps; outcomes are remembered.

use super::rig::*;
use crate::domain::command::{AcknowledgeCase, CaseRef, Command, Submission, Target};
use crate::domain::ids::{CaseId, Seq};
use crate::domain::tests::world::*;
use crate::engine::LineMeaning;

#[test]
fn nothing_leaves_before_its_commit() {
    let mut rig = Rig::new();
    let before = rig.published();
    let held_before = rig.handle.view().inbox_len(rig.unit(GRID));

    rig.pause();
    let reported = rig.report(MICRO, GRID, "a");
    let repeated = rig.push(reported.clone());
    let accepted = rig.push(reported);
    let unknown_matter = rig.report("XX-1", GRID, "b");
    let refused = rig.push(unknown_matter);
    let (handle, desk) = (rig.handle.clone(), rig.desk.clone());
    let asked = rig.runtime.spawn(async move { handle.outcome(&desk, APP, "a").await });
    let lines = vec![rig.report(SMALL, GRID, "c"), rig.report("XX-1", GRID, "d")];
    let (handle, desk) = (rig.handle.clone(), rig.desk.clone());
    let batch = rig.runtime.spawn(async move {
        handle.submit_batch(&desk, lines).await.expect("room").answers().await
    });
    let handle = rig.handle.clone();
    let fed = rig.runtime.spawn(async move { handle.view().wait_for(before.next(), LONG).await });
    rig.settle();
    rig.faults.hold_appends();
    rig.resume();
    rig.faults.wait_for_held_append();
    rig.settle();

    assert_eq!(rig.handle.lanes_len(), (0, 0), "all of it is in the turn");
    assert!(!repeated.is_finished() && !accepted.is_finished(), "no reply");
    assert!(!refused.is_finished(), "no refusal");
    assert!(!asked.is_finished(), "no outcome");
    assert!(!batch.is_finished(), "no line");
    assert!(!fed.is_finished(), "nothing in the feed");
    assert_eq!(rig.published(), before);
    assert_eq!(rig.handle.case(CaseId(1)), None);
    assert_eq!(rig.handle.view().inbox_len(rig.unit(GRID)), held_before);
    assert!(rig.handle.records(before.next(), Seq(u64::MAX), 10).expect("reads").is_empty());

    rig.faults.release_appends();
    let first = rig.outcome_of(repeated).expect("accepted");
    let second = rig.outcome_of(accepted).expect("known");
    assert!(!first.is_repeat && second.is_repeat);
    assert_eq!(first.reply, second.reply);
    assert_eq!(refusal(rig.outcome_of(refused)), "matter_not_found");
    assert_eq!(rig.outcome_of(asked).expect("asked"), Some(first.reply));
    let lines = rig.outcome_of(batch).expect("lines");
    assert!(matches!(lines[0].meaning(), LineMeaning::Accepted { .. }));
    assert!(matches!(lines[1].meaning(), LineMeaning::Rejected(_)));
    assert!(rig.outcome_of(fed), "announced");
    let fed = rig.handle.records(before.next(), Seq(u64::MAX), 10).expect("reads");
    assert_eq!(fed.iter().map(line).collect::<Vec<_>>(), ["case.reported 1", "case.reported 2"]);
    assert!(rig.handle.case(CaseId(2)).is_some());
}

#[test]
fn numbers_have_no_gaps() {
    let mut rig = Rig::new();
    let before = rig.published();
    for round in 0..20 {
        let good = rig.report(MICRO, GRID, &format!("good {round}"));
        let bad = rig.report("XX-1", GRID, &format!("bad {round}"));
        let missing = rig.verb("close", CaseId(1_000), GRID);
        assert_eq!(refusal(rig.submit(bad)), "matter_not_found");
        let reply = rig.accept(good);
        assert_eq!(refusal(rig.submit(missing)), "case_not_found");
        assert_eq!(reply.seq, Seq(before.0 + round + 1), "a refusal takes no number");
    }
    for (record, number) in rig.records().iter().zip(1..) {
        assert_eq!(record.seq, Seq(number));
    }
    assert_eq!(rig.published(), Seq(before.0 + 20));
    assert_eq!(rig.digest(), rig.fold().digest(), "the state is the fold of what is durable");
}

#[test]
fn the_same_key_gets_the_same_reply() {
    let mut rig = Rig::new();
    let mut settled = rig.report(MICRO, GRID, "settled");
    if let Command::ReportCase(report) = &mut settled.command {
        report.settle = Some(rig.world.part());
    }
    let reported = rig.report(SMALL, GRID, "reported");
    let first = [rig.accept(settled.clone()), rig.accept(reported.clone())];
    assert_eq!(first[0].events, 2);

    // The case moves on; the reply to the report does not.
    let acknowledge = rig.verb("acknowledge", case_of(&first[1]), VILLAGE);
    let acknowledge = Submission { mark: mark("acknowledged", 1), ..acknowledge };
    let third = rig.accept(acknowledge.clone());
    let submissions = [settled, reported, acknowledge];
    let replies = [first[0], first[1], third];
    for round in 0..2 {
        let events = rig.records().len();
        for (submission, reply) in submissions.iter().zip(&replies) {
            let again = rig.submit(submission.clone()).expect("known");
            assert!(again.is_repeat, "round {round}");
            assert_eq!(again.reply, *reply, "round {round}");
            let key = submission.mark.as_ref().expect("a key").key.clone();
            assert_eq!(rig.outcome(&key).expect("asked"), Some(*reply), "round {round}");
            let other_body = Submission { mark: mark(&key, 99), ..submission.clone() };
            assert_eq!(refusal(rig.submit(other_body)), "key_reused");
            assert_eq!(
                rig.run(rig.handle.outcome(&rig.desk, ADMIN, &key)).expect("asked"),
                None,
                "a key is its principal's own"
            );
        }
        assert_eq!(rig.records().len(), events, "no event of a repeat");
        rig.restart();
    }
    assert_eq!(rig.outcome("never sent").expect("asked"), None);
}

#[test]
fn a_key_counts_within_one_turn() {
    let mut rig = Rig::new();
    let before = rig.published();
    let commits = rig.handle.status().commits();
    rig.pause();
    let first = rig.report(MICRO, GRID, "k");
    let again = first.clone();
    let other_body = Submission { mark: mark("k", 99), ..first.clone() };
    let tasks = [rig.push(first), rig.push(again), rig.push(other_body)];
    rig.resume();
    let [first, again, other_body] = tasks.map(|task| rig.outcome_of(task));
    let (first, again) = (first.expect("accepted"), again.expect("known"));
    assert_eq!((first.is_repeat, again.is_repeat), (false, true));
    assert_eq!(first.reply, again.reply);
    assert_eq!(refusal(other_body), "key_reused");
    assert_eq!(rig.handle.status().commits(), commits + 1, "it was one turn");
    assert_eq!(rig.events_after(before), ["case.reported 1"]);
}

#[test]
fn a_refusal_is_decided_afresh() {
    let mut rig = Rig::new();
    let refused = rig.report("XX-1", GRID, "k");
    assert_eq!(refusal(rig.submit(refused)), "matter_not_found");
    assert_eq!(rig.outcome("k").expect("asked"), None);
    let good = rig.report(MICRO, GRID, "k");
    assert!(!rig.submit(good).expect("accepted").is_repeat);
}

#[test]
fn a_command_may_name_a_case_of_its_own_turn() {
    let mut rig = Rig::new();
    rig.pause();
    let report = rig.report(MICRO, GRID, "life");
    let case = CaseRef::Key("life".into());
    let target = Target { case, version: Some(1) };
    let acknowledge = submission(Command::AcknowledgeCase(AcknowledgeCase { target }), Some(GRID));
    let tasks = [rig.push(report), rig.push(acknowledge)];
    rig.resume();
    for outcome in tasks.map(|task| rig.outcome_of(task)) {
        assert_eq!(case_of(&outcome.expect("accepted").reply), CaseId(1));
    }
    let published = rig.case(CaseId(1));
    assert_eq!(published.version, 2, "a read after the reply is not older than the reply");
}
