//! What readers see beside a writer that never rests: always one turn, whole.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use super::queries::naive;
use super::rig::*;
use crate::domain::case::{Case, StatusName};
use crate::domain::command::{Command, Submission};
use crate::domain::evolve;
use crate::domain::ids::{CaseId, Seq, UnitNumber};
use crate::domain::state::State;
use crate::domain::tests::world::*;
use crate::engine::query::{Filter, Page, Query, Sort};
use crate::engine::{Census, Handle, LineMeaning, UnitCounts};

/// Cases that move while they are read.
const CASES: u32 = 24;
/// Turns that the writer makes at least.
const TURNS: usize = 150;
/// Readers.
const READERS: usize = 3;
/// Lists after which a reader has enough for the check.
const SAMPLES_MAX: usize = 6_000;

/// One list that was read, and how.
struct Sample {
    unit: UnitNumber,
    after: Option<CaseId>,
    limit: usize,
    page: Page,
}

/// What lets readers and the writer run beside each other, whoever the machine lets run first.
#[derive(Default)]
struct Beside {
    is_over: AtomicBool,
    /// Readers that saw more than one turn.
    content: AtomicUsize,
}

impl Beside {
    /// Whether the writer goes on: so many turns at least, and until the readers saw it.
    fn writes_on(&self, turns: usize, readers: usize) -> bool {
        turns < TURNS || self.content.load(Ordering::Acquire) < readers
    }

    fn end(&self) {
        self.is_over.store(true, Ordering::Release);
    }

    fn reader(&self) -> Reading<'_> {
        Reading { beside: self, first: None, is_content: false }
    }
}

/// One reader's part of it.
struct Reading<'b> {
    beside: &'b Beside,
    first: Option<Seq>,
    is_content: bool,
}

impl Reading<'_> {
    fn saw(&mut self, as_of: Seq) {
        if !self.is_content && *self.first.get_or_insert(as_of) != as_of {
            self.is_content = true;
            self.beside.content.fetch_add(1, Ordering::AcqRel);
        }
    }

    /// Whether it goes on, with so many samples.
    fn reads_on(&self, samples: usize) -> bool {
        let is_over = self.beside.is_over.load(Ordering::Acquire);
        !is_over && (samples < SAMPLES_MAX || !self.is_content)
    }
}

/// The next move of a case, so that rows wander from inbox to inbox.
fn next_move(rig: &mut Rig, case: CaseId) -> Submission {
    let row = rig.case(case);
    let by = row.status.holder().map(|holder| rig.code(holder).to_string());
    let by = by.unwrap_or_else(|| GRID.into());
    let can_escalate = !by.contains('-');
    match row.status.name() {
        StatusName::Dispatched if can_escalate && row.version.is_multiple_of(2) => {
            rig.verb("escalate", case, &by)
        }
        StatusName::Dispatched => rig.verb("acknowledge", case, &by),
        StatusName::Acknowledged if can_escalate => rig.verb("escalate", case, &by),
        StatusName::Acknowledged => rig.verb("handle", case, &by),
        StatusName::Handled => rig.verb("close", case, &by),
        StatusName::Closed | StatusName::Declined | StatusName::Voided => {
            let report = rig.world.report([MICRO, SMALL][case.0 as usize % 2], GRID);
            submission(Command::ReportCase(Box::new(report)), Some(GRID))
        }
    }
}

#[test]
fn every_list_is_of_one_turn_and_an_open_case_is_in_one_inbox() {
    let mut rig = Rig::new();
    let begun = rig.published();
    for _ in 0..CASES {
        rig.reported(MICRO, GRID);
    }
    let units = [GRID, VILLAGE, OFFICE, ROOM, GRID_2].map(|unit| rig.unit(unit));
    let beside = Beside::default();
    let handle = rig.handle.clone();
    let samples: Vec<Sample> = std::thread::scope(|scope| {
        let readers: Vec<_> = (0..READERS)
            .map(|reader| {
                let (handle, beside) = (&handle, &beside);
                scope.spawn(move || read_until(handle, &units, reader, beside))
            })
            .collect();
        let mut turns = 0;
        while beside.writes_on(turns, READERS) {
            turns += 1;
            let open: Vec<_> = (1..=CASES).map(CaseId).collect();
            let turn = open.into_iter().map(|case| next_move(&mut rig, case)).collect();
            let pending = rig.run(rig.handle.submit_batch(&rig.desk, turn)).expect("room");
            let answers = rig.run(pending.answers()).expect("answers");
            let is_accepted = |meaning| matches!(meaning, LineMeaning::Accepted { .. });
            assert!(answers.iter().all(|answer| is_accepted(answer.meaning())));
        }
        beside.end();
        readers.into_iter().flat_map(|reader| reader.join().expect("no panic")).collect()
    });
    check(&rig, samples, begun, &units);
}

/// Reads all inboxes again and again, whole and in pages.
fn read_until(
    handle: &Handle,
    units: &[UnitNumber],
    reader: usize,
    beside: &Beside,
) -> Vec<Sample> {
    let limit = [usize::MAX, 5, 7][reader % 3];
    let (mut samples, mut reading) = (Vec::new(), beside.reader());
    while reading.reads_on(samples.len()) {
        for unit in units {
            let mut after = None;
            loop {
                let page = handle.view().inbox(*unit, after, limit);
                let next = page.cases.last().map(|(id, _)| *id).filter(|_| page.has_more());
                reading.saw(page.as_of);
                samples.push(Sample { unit: *unit, after, limit, page });
                let Some(next) = next else { break };
                after = Some(next);
            }
        }
    }
    samples
}

/// Holds each list against the fold of the journal as of the list's own turn.
fn check(rig: &Rig, mut samples: Vec<Sample>, begun: Seq, units: &[UnitNumber]) {
    samples.sort_by_key(|sample| sample.page.as_of);
    let records = rig.records();
    let mut records = records.iter().peekable();
    let mut state = State::default();
    let mut turns_seen = 0;
    let mut last = Seq::ZERO;
    // The whole lists of one turn, by unit: together they hold each open case once.
    let mut whole: BTreeMap<UnitNumber, Vec<CaseId>> = BTreeMap::new();
    for Sample { unit, after, limit, page } in samples {
        assert!(page.as_of >= begun);
        if page.as_of != last {
            (last, turns_seen) = (page.as_of, turns_seen + 1);
            whole.clear();
        }
        while let Some(record) = records.next_if(|record| record.seq <= page.as_of) {
            evolve(&mut state, record);
        }
        assert_eq!(state.tail(), page.as_of);
        let held: Vec<(CaseId, Case)> = state
            .cases()
            .iter()
            .filter(|(id, case)| {
                case.status.holder() == Some(unit) && after.is_none_or(|a| *id > a)
            })
            .map(|(id, case)| (id, *case))
            .collect();
        assert_eq!(page.has_more(), held.len() > limit);
        let held: Vec<_> = held.into_iter().take(limit).collect();
        assert_eq!(page.cases, held, "as of {}", page.as_of);

        if after.is_none() && !page.has_more() {
            whole.insert(unit, page.cases.iter().map(|(id, _)| *id).collect());
        }
        if whole.len() == units.len() {
            let mut rows: Vec<_> = whole.values().flatten().copied().collect();
            rows.sort_unstable();
            let open: Vec<_> = state
                .cases()
                .iter()
                .filter(|(_, case)| case.status.holder().is_some())
                .map(|(id, _)| id)
                .collect();
            assert_eq!(rows, open, "each open case has one row, as of {last}");
        }
    }
    assert!(turns_seen > 1, "the readers ran beside the writer");
}

#[test]
fn every_page_and_every_count_is_of_one_turn() {
    let mut rig = Rig::new();
    for _ in 0..CASES {
        rig.reported(MICRO, GRID);
    }
    let county = rig.unit(COUNTY);
    let beside = Beside::default();
    let handle = rig.handle.clone();
    let mut samples: Vec<(Seq, Sort, Page, UnitCounts)> = std::thread::scope(|scope| {
        let readers: Vec<_> = Sort::ALL
            .iter()
            .map(|sort| {
                let (handle, beside) = (&handle, &beside);
                scope.spawn(move || {
                    let filter = Filter::default();
                    let query =
                        Query { filter: &filter, sort: *sort, after: None, limit: 9, sees: None };
                    let (mut samples, mut reading) = (Vec::new(), beside.reader());
                    while reading.reads_on(samples.len()) {
                        let page = handle.view().list(&query);
                        reading.saw(page.as_of);
                        samples.push((page.as_of, *sort, page, handle.view().counts(county)));
                    }
                    samples
                })
            })
            .collect();
        let mut turns = 0;
        while beside.writes_on(turns, Sort::ALL.len()) {
            turns += 1;
            let turn = (1..=CASES).map(|case| next_move(&mut rig, CaseId(case))).collect();
            let pending = rig.run(rig.handle.submit_batch(&rig.desk, turn)).expect("room");
            rig.run(pending.answers()).expect("answers");
        }
        beside.end();
        readers.into_iter().flat_map(|reader| reader.join().expect("no panic")).collect()
    });
    let records = rig.records();
    let state_at = |states: &mut (State, usize), seq: Seq| {
        while let Some(record) = records.get(states.1).filter(|record| record.seq <= seq) {
            evolve(&mut states.0, record);
            states.1 += 1;
        }
    };
    samples.sort_by_key(|(as_of, ..)| *as_of);
    let mut folded = (State::default(), 0);
    for (as_of, sort, page, _) in &samples {
        state_at(&mut folded, *as_of);
        let expected = naive(&folded.0, &Filter::default(), *sort, &|_| true);
        let ids: Vec<_> = page.cases.iter().map(|(id, _)| *id).collect();
        assert_eq!(ids, expected[..ids.len()], "{sort:?} as of {as_of}");
        assert_eq!(page.has_more(), expected.len() > 9);
        for (id, case) in &page.cases {
            assert_eq!(Some(case), folded.0.cases().get(*id));
        }
    }
    samples.sort_by_key(|(.., counts)| counts.as_of);
    let mut folded = (State::default(), 0);
    for (.., counts) in &samples {
        state_at(&mut folded, counts.as_of);
        let cases = folded.0.cases().iter();
        let open = cases.filter(|(_, case)| case.status.holder().is_some()).count();
        assert_eq!(counts.unit.total() as usize, open, "as of {}", counts.as_of);
    }
    let turns: std::collections::BTreeSet<_> = samples.iter().map(|(as_of, ..)| *as_of).collect();
    assert!(turns.len() > 1, "the readers ran beside the writer");
}

#[test]
fn a_read_is_never_behind_the_reply() {
    let mut rig = Rig::new();
    let scripts: Vec<Vec<Submission>> = (0..3)
        .map(|one| (0..50).map(|n| rig.report(SMALL, GRID, &format!("{one} {n}"))).collect())
        .collect();
    let village = rig.unit(VILLAGE);
    let handle = &rig.handle;
    std::thread::scope(|scope| {
        for script in scripts {
            scope.spawn(move || {
                let desk = crate::engine::Desk::new();
                let runtime = tokio::runtime::Builder::new_current_thread()
                    .enable_time()
                    .build()
                    .expect("a runtime");
                runtime.spawn(desk.clone().run());
                for submission in script {
                    let accepted = runtime.block_on(handle.submit(&desk, submission));
                    let reply = accepted.expect("accepted").reply;
                    let case = case_of(&reply);
                    assert!(handle.view().published() >= reply.seq);
                    assert_eq!(handle.case(case).map(|case| case.last_seq), Some(reply.seq));
                    let after = Some(CaseId(case.0 - 1));
                    let page = handle.view().inbox(village, after, 1);
                    assert!(page.as_of >= reply.seq);
                    assert_eq!(page.cases[0].0, case);
                    let records = handle.records(reply.seq, reply.seq, 1).expect("reads");
                    assert_eq!(records[0].event.case(), Some(case));
                }
            });
        }
    });
    assert_eq!(rig.handle.view().cases_len(), 150);
}

#[test]
fn waiting_for_a_turn_ends_with_it_or_with_patience() {
    let mut rig = Rig::new();
    let next = rig.published().next();
    assert!(rig.run(rig.handle.view().wait_for(rig.published(), Duration::ZERO)));
    assert!(!rig.run(rig.handle.view().wait_for(next, Duration::ZERO)));
    let handle = rig.handle.clone();
    let waiting = rig.runtime.spawn(async move { handle.view().wait_for(next, LONG).await });
    rig.settle();
    assert!(!waiting.is_finished());
    rig.reported(MICRO, GRID);
    assert!(rig.outcome_of(waiting));
}

#[test]
fn a_start_publishes_what_the_stop_left() {
    let mut rig = Rig::new();
    for (matter, place) in [(MICRO, GRID), (SMALL, GRID), (MAJOR, GRID), (MICRO, GRID_CLOSED)] {
        rig.reported(matter, place);
    }
    let mut settled = rig.report(MICRO, GRID, "settled");
    if let Command::ReportCase(report) = &mut settled.command {
        report.settle = Some(rig.world.part());
    }
    rig.accept(settled);
    let escalate = rig.verb("escalate", CaseId(1), GRID);
    rig.accept(escalate);
    for name in ["acknowledge", "handle", "close"] {
        let verb = rig.verb(name, CaseId(2), VILLAGE);
        rig.accept(verb);
    }
    let before = rig.published();
    rig.at(START.plus_ms(9 * HOUR));
    rig.wait_for(Seq(before.0 + 3));

    let census = rig.handle.view().census();
    let expected = Census {
        cases: 5,
        open: 3,
        closed_by_level: [1, 1, 0, 0, 0],
        declined: 0,
        voided: 0,
        on_the_spot: 1,
        yellow: 3,
        red: 0,
        fallback: 1,
        escalations: 1,
    };
    assert_eq!(census, expected);
    let lists = |rig: &Rig| {
        [GRID, VILLAGE, OFFICE, ROOM].map(|unit| {
            let unit = rig.unit(unit);
            let page = rig.handle.view().inbox(unit, None, 100);
            assert_eq!(rig.handle.view().inbox_len(unit), page.cases.len());
            page
        })
    };
    let before = lists(&rig);
    assert_eq!(before.each_ref().map(|page| page.cases.len()), [0, 1, 1, 1]);
    rig.restart();
    assert_eq!(lists(&rig), before);
    assert_eq!(rig.handle.view().census(), expected);
    assert_eq!(rig.handle.view().organisation().len(), 14);
    assert_eq!(rig.handle.view().catalogue().len(), 4);
    assert_eq!(rig.handle.view().clients().iter().count(), 3);
    assert_eq!(rig.handle.view().now(), START.plus_ms(9 * HOUR));
}
