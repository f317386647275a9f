//! Deadlines on each of the three clocks.

use super::rig::*;
use crate::domain::command::{AdvanceClock, Command, RevokeClient, Submission};
use crate::domain::event::{ClockMode, Event};
use crate::domain::grant::Places;
use crate::domain::ids::{CaseId, Seq, Timestamp};
use crate::domain::record::Record;
use crate::domain::rejection::Rejection;
use crate::domain::tests::world::*;
use crate::engine::{EngineOptions, LineMeaning, SubmitError};
use crate::journal::Fault;

fn hour(hour: i64) -> Timestamp {
    START.plus_ms(hour * HOUR)
}

fn at(submission: Submission, at: Timestamp) -> Submission {
    Submission { at: Some(at), ..submission }
}

fn advance(to: Timestamp) -> Submission {
    system(Command::AdvanceClock(AdvanceClock { to }))
}

/// What happened to which case, and at which hour.
fn hours(records: &[Record], after: Seq) -> Vec<String> {
    let new = records.iter().filter(|record| record.seq > after);
    new.map(|record| format!("{} at {}", line(record), record.at.ms_since(START) / HOUR)).collect()
}

#[test]
fn what_is_due_fires_in_due_order_a_bound_at_a_turn() {
    let few = EngineOptions { timers_per_turn_max: 2, ..options() };
    let mut rig = Rig::with(ClockMode::Manual, few);
    // Reported at 0, 1 and 2 hours, the later ones first in number: yellow 8 hours later.
    for case in 0..3 {
        rig.at(hour(case));
        rig.reported(MICRO, GRID);
    }
    let (before, commits) = (rig.published(), rig.handle.status().commits());
    rig.at(hour(7));
    rig.digest();
    assert_eq!(rig.published(), before, "nothing before its time");

    // Due at 8, 9, 10 (yellow), 10, 11 (red).
    rig.at(hour(11));
    rig.wait_for(Seq(before.0 + 5));
    assert_eq!(
        hours(&rig.records(), before),
        [
            "case.warned 1 at 11",
            "case.warned 2 at 11",
            "case.overdue 1 at 11",
            "case.warned 3 at 11",
            "case.overdue 2 at 11",
        ]
    );
    let due = |record: &Record| {
        let (Event::CaseWarned(event) | Event::CaseOverdue(event)) = &record.event else {
            panic!("no timer: {record:?}")
        };
        event.due_at
    };
    let records = rig.records();
    let fired: Vec<_> = records.iter().filter(|record| record.seq > before).map(due).collect();
    assert_eq!(fired, [8, 9, 10, 10, 11].map(hour), "each with the moment it was due");
    assert_eq!(rig.handle.status().commits(), commits + 3, "two, two and one");
    assert_eq!(rig.digest(), rig.fold().digest());
}

#[test]
fn a_touched_case_is_told_the_time_before_its_command() {
    let mut rig = Rig::new();
    let [first, second] = [rig.reported(MICRO, GRID), rig.reported(MICRO, GRID)];
    let before = rig.published();
    rig.pause();
    rig.clock.set(hour(10));
    let acknowledge = rig.verb("acknowledge", second, GRID);
    let task = rig.push(acknowledge);
    rig.resume();
    let reply = rig.outcome_of(task).expect("accepted").reply;
    rig.wait_for(Seq(before.0 + 5));
    assert_eq!(
        rig.events_after(before),
        [
            &*format!("case.warned {second}"),
            &*format!("case.overdue {second}"),
            &*format!("case.acknowledged {second}"),
            &*format!("case.warned {first}"),
            &*format!("case.overdue {first}"),
        ]
    );
    assert_eq!((reply.seq, reply.events), (Seq(before.0 + 3), 1), "the reply is of its own events");
}

#[test]
fn a_refused_command_still_lets_its_case_s_time_pass() {
    let mut rig = Rig::new();
    let case = rig.reported(MICRO, GRID);
    let before = rig.published();
    rig.pause();
    rig.clock.set(hour(8));
    let mut handle = rig.verb("acknowledge", case, GRID);
    if let Command::AcknowledgeCase(command) = &mut handle.command {
        command.target.version = Some(1);
    }
    let task = rig.push(handle);
    rig.resume();
    assert_eq!(refusal(rig.outcome_of(task)), "version_stale", "it was yellow by then");
    assert_eq!(rig.events_after(before), ["case.warned 1"]);
}

#[test]
fn a_clock_never_runs_back() {
    let mut rig = Rig::new();
    rig.at(hour(5));
    rig.reported(MICRO, GRID);
    rig.at(hour(1));
    rig.reported(MICRO, GRID);
    assert_eq!(rig.records().last().expect("a record").at, hour(5));
    rig.restart();
    rig.reported(MICRO, GRID);
    assert_eq!(rig.records().last().expect("a record").at, hour(5));
    assert_eq!(rig.handle.view().now(), hour(5));
}

#[test]
fn a_driven_clock_fires_each_timer_at_its_own_time() {
    let mut rig = Rig::driven();
    let before = rig.published();
    for (number, place) in [GRID, GRID_2].into_iter().enumerate() {
        let report = rig.report(MICRO, place, place);
        rig.accept(at(report, hour(i64::try_from(number).expect("small"))));
    }
    // Of any case, and as many as there are: one command passes them all.
    let acknowledge = rig.verb("acknowledge", CaseId(2), GRID_2);
    rig.accept(at(acknowledge, hour(90)));
    assert_eq!(
        hours(&rig.records(), before),
        [
            "case.reported 1 at 0",
            "case.reported 2 at 1",
            "case.warned 1 at 8",
            "case.warned 2 at 9",
            "case.overdue 1 at 10",
            "case.overdue 2 at 11",
            "case.warned 1 at 80",
            "case.warned 2 at 81",
            "case.acknowledged 2 at 90",
        ]
    );
    let tail = rig.published();
    rig.accept(advance(hour(100)));
    assert_eq!(
        hours(&rig.records(), tail),
        ["case.overdue 1 at 100", "clock.advanced at 100"],
        "what is left fires, as far as the clock goes"
    );
    assert_eq!(rig.handle.view().now(), hour(100));
    assert_eq!(rig.digest(), rig.fold().digest());
}

#[test]
fn what_was_due_when_it_came_fires_on_a_driven_clock_by_itself() {
    let mut rig = Rig::driven();
    let before = rig.published();
    let mut late = rig.report(OFFLINE, GRID, "late");
    if let Command::ReportCase(report) = &mut late.command {
        report.occurred_at = Some(hour(0));
    }
    rig.accept(at(late, hour(50)));
    // Nobody brings a time; the next command finds it done, and its version stands.
    let acknowledge = rig.verb("acknowledge", CaseId(1), GRID);
    rig.accept(acknowledge);
    assert_eq!(
        hours(&rig.records(), before),
        [
            "case.reported 1 at 50",
            "case.warned 1 at 50",
            "case.overdue 1 at 50",
            "case.acknowledged 1 at 50",
        ]
    );
    assert_eq!(rig.digest(), rig.fold().digest());
}

#[test]
fn a_driven_clock_takes_the_times_in_order() {
    let mut rig = Rig::driven();
    let report = rig.report(MICRO, GRID, "k");
    let first = rig.accept(at(report.clone(), hour(20)));
    let events = rig.records().len();

    let late = rig.report(MICRO, GRID, "late");
    let late = rig.submit(at(late, hour(19)));
    let Err(SubmitError::Rejected(Rejection::AtBeforeNow { now })) = late else {
        panic!("it was late: {late:?}");
    };
    assert_eq!(now, hour(20));
    assert_eq!(refusal(rig.submit(advance(hour(19)))), "at_before_now");

    for then in [hour(3), hour(20), hour(99)] {
        let again = rig.submit(at(report.clone(), then)).expect("known");
        assert!(again.is_repeat);
        assert_eq!(again.reply, first, "a known key gets its answer whatever its time");
        let other_body = Submission { mark: mark("k", 9), ..report.clone() };
        assert_eq!(refusal(rig.submit(at(other_body, then))), "key_reused");
    }
    assert_eq!(rig.records().len(), events, "and moves nothing");

    let timeless = rig.report(MICRO, GRID, "without a time");
    rig.accept(timeless);
    assert_eq!(rig.records().last().expect("a record").at, hour(20), "the current now");
    rig.restart();
    let late = rig.report(MICRO, GRID, "late");
    assert_eq!(refusal(rig.submit(at(late, hour(19)))), "at_before_now");
}

#[test]
fn a_driven_batch_passes_the_time_line_by_line() {
    let mut rig = Rig::driven();
    let before = rig.published();
    let (first, second) = (rig.report(MICRO, GRID, "a"), rig.report(MICRO, GRID_2, "b"));
    let lines = vec![at(first, hour(0)), at(second, hour(9))];
    let pending = rig.run(rig.handle.submit_batch(&rig.desk, lines)).expect("room");
    rig.run(pending.answers()).expect("answers");
    assert_eq!(
        hours(&rig.records(), before),
        ["case.reported 1 at 0", "case.warned 1 at 8", "case.reported 2 at 9"]
    );
}

#[test]
fn a_driven_clock_passes_many_timers_in_several_turns() {
    let few = EngineOptions { timers_per_turn_max: 2, ..options() };
    let mut rig = Rig::with(ClockMode::Driven, few);
    let times = [("a", 0), ("b", 0), ("c", 0), ("d", 9), ("e", 9)];
    let lines = times.map(|(key, then)| at(rig.report(MICRO, GRID, key), hour(then))).to_vec();
    let alone = rig.report(MICRO, GRID_2, "alone");
    let (before, commits) = (rig.published(), rig.handle.status().commits());

    // Four turn yellow at 8: two in the first turn, and two before the last lines in the second.
    rig.pause();
    let batch = rig.run(rig.handle.submit_batch(&rig.desk, lines)).expect("room");
    let alone = rig.push(alone);
    rig.resume();
    let answers = rig.run(batch.answers()).expect("answers");
    assert_eq!(answers.len(), 5);
    assert!(answers.iter().all(|answer| matches!(answer.meaning(), LineMeaning::Accepted { .. })));
    rig.outcome_of(alone).expect("accepted");
    let events = hours(&rig.records(), before);
    let warned = |case| format!("case.warned {case} at 8");
    assert_eq!(events.len(), 10);
    assert_eq!(events[4..8], [1, 2, 3, 4].map(warned));
    assert_eq!(rig.handle.status().commits(), commits + 2);

    // All that is left, two at a time; whoever comes meanwhile comes after it.
    let (before, commits) = (rig.published(), rig.handle.status().commits());
    rig.pause();
    let advance = rig.push(at(advance(hour(200)), hour(10)));
    let after = rig.report(MICRO, GRID, "f");
    let after = rig.push(at(after, hour(200)));
    rig.resume();
    let advanced = rig.outcome_of(advance).expect("accepted").reply;
    let reported = rig.outcome_of(after).expect("accepted").reply;
    let fired = hours(&rig.records(), before).len() as u64 - 2;
    assert_eq!((advanced.events, advanced.seq.0), (1, before.0 + fired + 1));
    assert_eq!(reported.seq, advanced.seq.next());
    assert_eq!(rig.handle.status().commits(), commits + fired.div_ceil(2));
    assert_eq!(rig.digest(), rig.fold().digest());
}

#[test]
fn what_waits_for_a_passing_clock_is_told_when_the_disk_fails() {
    let few = EngineOptions { timers_per_turn_max: 1, ..options() };
    let mut rig = Rig::with(ClockMode::Driven, few);
    for key in ["a", "b"] {
        let report = rig.report(MICRO, GRID, key);
        rig.accept(at(report, hour(0)));
    }
    rig.pause();
    let advance = rig.push(advance(hour(100)));
    let (handle, desk) = (rig.handle.clone(), rig.desk.clone());
    let asked = rig.runtime.spawn(async move { handle.outcome(&desk, APP, "a").await });
    rig.settle();
    let before = rig.published();
    rig.faults.fail_appends(1, Fault::NotDurable);
    rig.resume();
    assert!(matches!(rig.outcome_of(advance), Err(SubmitError::NotDurable)));
    let known = rig.outcome_of(asked).expect("an answer");
    assert!(known.is_some(), "it was durable before");
    // The turn that failed becomes durable, and no more comes of it: whoever asked comes again.
    rig.handle.nudge();
    rig.wait_for(before.next());
    assert_eq!(rig.digest(), rig.fold().digest());
}

#[test]
fn a_driven_clock_moves_with_what_is_decided_and_with_nothing_else() {
    let mut rig = Rig::driven();
    let known = rig.report(MICRO, GRID, "known");
    rig.accept(at(known.clone(), hour(0)));
    rig.accept(system(Command::RevokeClient(RevokeClient { name: "township-app".into() })));
    let before = rig.published();

    let by_revoked = |one: Submission| Submission { principal: TOWNSHIP_APP, ..one };
    let revoked = by_revoked(rig.report(MICRO, GRID_3, "k"));
    assert_eq!(refusal(rig.submit(at(revoked, hour(9)))), "principal_revoked");
    let reused = Submission { mark: mark("known", 9), ..rig.report(MICRO, GRID, "known") };
    assert_eq!(refusal(rig.submit(at(reused, hour(9)))), "key_reused");
    let by_nobody =
        Submission { principal: ADMIN, by: Some(code("411599999999")), ..advance(hour(9)) };
    assert_eq!(refusal(rig.submit(by_nobody)), "unit_not_found");
    assert!(rig.submit(at(known, hour(9))).expect("known").is_repeat);
    assert_eq!(hours(&rig.records(), before), [""; 0], "nothing of it moves the clock");
    let timely = rig.report(MICRO, GRID, "timely");
    rig.accept(at(timely, hour(1)));

    let before = rig.published();
    let unknown_matter = rig.report("XX-1", GRID, "r");
    assert_eq!(refusal(rig.submit(at(unknown_matter, hour(9)))), "matter_not_found");
    let timeless = rig.report(MICRO, GRID, "without a time");
    rig.accept(timeless);
    assert_eq!(
        hours(&rig.records(), before),
        ["case.warned 1 at 8", "case.warned 2 at 9", "case.reported 3 at 9"],
        "what was refused by a rule was decided at its time"
    );
}

#[test]
fn a_revoked_client_is_not_told_what_it_did() {
    for bring in [(|one| one) as fn(Submission) -> Submission, |one| at(one, hour(1))] {
        let mut rig = Rig::driven();
        let report = Submission {
            principal: TOWNSHIP_APP,
            places: Places::within(code(TOWNSHIP_2)),
            ..rig.report(MICRO, GRID_3, "k")
        };
        rig.accept(bring(report.clone()));
        assert!(rig.submit(bring(report.clone())).expect("known").is_repeat);
        rig.accept(system(Command::RevokeClient(RevokeClient { name: "township-app".into() })));
        assert_eq!(refusal(rig.submit(bring(report))), "principal_revoked");
    }
}

#[test]
fn only_a_driven_clock_takes_times() {
    let mut rig = Rig::new();
    let report = rig.report(MICRO, GRID, "k");
    assert_eq!(refusal(rig.submit(at(report, hour(1)))), "at_not_driven");
    assert_eq!(refusal(rig.submit(advance(hour(1)))), "at_not_driven");
    let mut rig = Rig::with(ClockMode::System, options());
    let report = rig.report(MICRO, GRID, "k");
    assert_eq!(refusal(rig.submit(at(report, hour(1)))), "at_not_driven");
}

#[test]
fn a_system_clock_stamps_and_wakes_by_itself() {
    let mut rig = Rig::with(ClockMode::System, options());
    let before = rig.published();
    // Its clocks started 11 hours ago, so both lights of the node turn at once.
    let now = crate::engine::clock::system_now();
    let mut report = rig.report(OFFLINE, GRID, "k");
    if let Command::ReportCase(report) = &mut report.command {
        report.occurred_at = Some(now.plus_ms(-11 * HOUR));
    }
    rig.accept(report);
    rig.wait_for(Seq(before.0 + 3));
    assert_eq!(rig.events_after(before), ["case.reported 1", "case.warned 1", "case.overdue 1"]);
    let records = rig.records();
    assert!(records.iter().map(|record| record.at).is_sorted());
    assert!(records.last().expect("a record").at >= now);

    // And this one turns yellow 50 ms from now, with nobody asking.
    let mut report = rig.report(OFFLINE, GRID, "l");
    if let Command::ReportCase(report) = &mut report.command {
        let now = crate::engine::clock::system_now();
        report.occurred_at = Some(now.plus_ms(50 - 8 * HOUR));
    }
    rig.accept(report);
    rig.wait_for(Seq(before.0 + 5));
    assert_eq!(rig.events_after(Seq(before.0 + 3)), ["case.reported 2", "case.warned 2"]);
}
