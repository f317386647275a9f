//! What a run and its catalogue must be.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::fold::Fold;
use crate::city::{CATALOGUE_TOML, CaseMove, City, Deed, Profile, Reshaping, Step, Tally};
use crate::domain::case::{Case, Light, Move, Status, StatusName};
use crate::domain::catalogue::{HomeLevel, Module, Severity};
use crate::domain::code::Level;
use crate::domain::ids::Timestamp;
use crate::domain::organisation::{UnitKind, UnitRow};
use crate::rules::{parse_catalogue, write_catalogue};

/// What each move comes to, in the order of [`Move::ALL`].
const EVENTS: [&str; 11] = [
    "case.acknowledged",
    "case.escalated",
    "case.handled",
    "case.closed",
    "case.handed_down",
    "case.transferred",
    "case.returned",
    "case.declined",
    "case.reopened",
    "case.voided",
    "case.noted",
];

fn line(step: &Step<'_>) -> String {
    let mut out = Vec::new();
    step.write_line(&mut out);
    assert_eq!(out.pop(), Some(b'\n'));
    String::from_utf8(out).unwrap()
}

/// FNV-1a over all lines.
fn digest(seed: u64, scale: f64, cases: u64) -> u64 {
    let city = City::build(seed, scale);
    let mut out = Vec::new();
    for step in city.run(&Profile::default(), cases) {
        step.write_line(&mut out);
    }
    out.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

/// Gives a whole run to the rules, and so many rounds of changes, each as early as it can be; then
/// compares what they came to with what the run says.
fn check(seed: u64, scale: f64, cases: u64, rounds: usize) -> Tally {
    let city = City::build(seed, scale);
    let profile = Profile::default();
    let mut fold = Fold::of(&city, profile.from);
    let mut run = city.run(&profile, cases);
    let mut keys = BTreeSet::new();
    let mut changes =
        Reshaping::ALL.into_iter().cycle().take(rounds * Reshaping::ALL.len()).peekable();
    while let Some(step) = run.next() {
        let submission = fold.read(&line(&step));
        if let Some(mark) = &submission.mark {
            assert!(keys.insert(mark.key.clone()), "{} comes once", mark.key);
        }
        fold.submit(submission);
        if let Some(change) = changes.peek().copied().and_then(|how| run.reshape(how)) {
            fold.change(change);
            changes.next();
        }
    }
    assert_eq!(changes.next(), None, "all changes found a grid with cases");

    let tally = run.tally();
    let state = &fold.state;
    let all: Vec<_> = state.cases().iter().map(|(_, case)| case).collect();
    let closed = |level: Level| {
        let is_at = |case: &&&Case| {
            matches!(case.status, Status::Closed { by, .. }
                if state.organisation().unit(by).is_some_and(|unit| unit.level() == level))
        };
        all.iter().filter(is_at).count() as u64
    };
    let count = |of: &dyn Fn(&Case) -> bool| all.iter().filter(|case| of(case)).count() as u64;
    assert_eq!(tally.cases, cases);
    assert_eq!(tally.cases, all.len() as u64);
    assert_eq!(tally.closed_in_grid, closed(Level::Grid));
    assert_eq!(tally.closed_in_village, closed(Level::Village));
    assert_eq!(tally.closed_in_township, closed(Level::Township));
    assert_eq!(tally.on_the_spot, count(&|case| case.on_the_spot));
    assert_eq!(tally.fallbacks, count(&|case| case.is_fallback));
    assert_eq!(tally.open(), count(&|case| case.status.holder().is_some()));
    assert_eq!(tally.declined, count(&|case| case.status.name() == StatusName::Declined));
    assert_eq!(tally.voided, count(&|case| case.status.name() == StatusName::Voided));
    assert_eq!(tally.reopened, all.iter().map(|case| u64::from(case.reopens)).sum::<u64>());
    let grids = city.units().iter().filter(|unit| unit.level() == Level::Grid).count() as u64;
    let open = |kind: UnitKind| {
        let is_open = |unit: &&UnitRow| unit.kind == kind && unit.is_open(state.now());
        state.organisation().iter().map(|(_, unit)| unit).filter(is_open).count() as u64
    };
    assert_eq!(grids + tally.grids_opened - tally.grids_closed, open(UnitKind::Grid));
    let task_forces = tally.task_forces_opened - tally.task_forces_closed;
    assert_eq!(task_forces, open(UnitKind::TaskForce));
    assert_eq!(tally.headquarters_opened, open(UnitKind::Headquarters));
    assert_eq!(tally.inherited, fold.inherited);
    for (what, event) in Move::ALL.iter().zip(EVENTS) {
        let found = fold.by_kind.get(event).copied().unwrap_or(0);
        assert_eq!(tally.moved(*what), found, "{event}");
    }
    assert_eq!(tally.events, fold.command_events);
    assert_eq!(tally.escalated, all.iter().map(|case| u64::from(case.escalations)).sum::<u64>());

    let is_open = |case: &Case| case.status.holder().is_some();
    assert!(all.iter().all(|case| !is_open(case) || case.total_light == Light::Red));
    assert!(fold.timer_events > 0 && count(&|case| case.node_light == Light::Red) > 0);
    assert!(count(&|case| case.node_light == Light::Yellow) > 0, "some turn yellow and no more");
    tally
}

#[test]
fn the_rules_refuse_nothing_of_a_run() {
    for seed in [1, 2, 3] {
        check(seed, 0.001, 2_000, 1);
    }
    let tally = check(4, 0.02, 20_000, 20);
    assert!(tally.fallbacks > 0 && tally.late > 0 && tally.open() > 0 && tally.inherited > 0);
    assert!(tally.task_forces_closed > 0 && tally.headquarters_opened > 0);
    for what in Move::ALL {
        assert!(tally.moved(*what) > 0, "{what:?}");
    }
}

#[test]
fn the_shares_are_the_profiles() {
    let city = City::build(6, 0.1);
    let mut run = city.run(&Profile::default(), 200_000);
    run.by_ref().for_each(drop);
    let tally = run.tally();
    let per_mille = |count: u64| count * 1_000 / tally.cases;
    assert!((845..=855).contains(&per_mille(tally.on_the_spot)), "{tally:?}");
    assert!((75..=85).contains(&per_mille(tally.duplicates)), "{tally:?}");
    assert!((36..=44).contains(&per_mille(tally.late)), "5 % of patrol's 80 %: {tally:?}");
    assert!((1..=2).contains(&per_mille(tally.open())), "{tally:?}");

    // The published shares are of what is closed.
    let closed = tally.closed_in_grid + tally.closed_in_village + tally.closed_in_township;
    let per_myriad = |count: u64| count * 10_000 / closed;
    assert!((9_860..=9_880).contains(&per_myriad(tally.closed_in_grid)), "{tally:?}");
    assert!((63..=77).contains(&per_myriad(tally.closed_in_village)), "{tally:?}");
    assert!((54..=66).contains(&per_myriad(tally.closed_in_township)), "{tally:?}");

    // The shares of verbs are of the cases with a life, most of which the grid closes.
    let lives = tally.cases - tally.on_the_spot;
    let per_mille = |count: u64| count * 1_000 / lives;
    for (what, least, most) in [
        (Move::Decline, 9, 11),
        (Move::Void, 4, 6),
        (Move::Return, 16, 20),
        (Move::Transfer, 16, 20),
        (Move::HandDown, 28, 34),
        (Move::Note, 45, 53),
        (Move::Reopen, 8, 10),
    ] {
        let found = per_mille(tally.moved(what));
        assert!((least..=most).contains(&found), "{what:?}: {found} in 1,000");
    }
}

#[test]
fn time_never_runs_back_and_moves_follow_their_case() {
    let city = City::build(8, 0.01);
    let mut before = Timestamp(i64::MIN);
    let mut newest = BTreeMap::new();
    for step in city.run(&Profile::default(), 10_000) {
        assert!(before <= step.at);
        before = step.at;
        match step.deed {
            Deed::Report(report) if report.is_numbered => {
                assert_eq!(newest.insert(report.case, None), None, "reported once");
            }
            Deed::Report(report) => assert!(report.settles),
            Deed::Move(CaseMove { case, what, ordinal, .. }) => {
                let last = newest.get_mut(&case).expect("reported before");
                assert!(follows(*last).contains(&what), "{what:?} after {last:?}");
                assert!(ordinal < 12);
                *last = Some(what);
            }
            Deed::AdvanceClock => {}
        }
    }
}

/// What may come after a move of the run.
fn follows(last: Option<Move>) -> &'static [Move] {
    match last {
        None => &[
            Move::Acknowledge,
            Move::Escalate,
            Move::HandDown,
            Move::Transfer,
            Move::Return,
            Move::Decline,
            Move::Void,
        ],
        Some(Move::Escalate) => &[Move::Acknowledge, Move::Escalate],
        Some(Move::Return) => &[Move::HandDown],
        Some(Move::HandDown | Move::Transfer | Move::Reopen) => &[Move::Acknowledge],
        Some(Move::Acknowledge) => &[Move::Handle, Move::Escalate, Move::Note],
        Some(Move::Note) => &[Move::Handle],
        Some(Move::Handle) => &[Move::Close],
        Some(Move::Close) => &[Move::Reopen],
        Some(Move::Decline | Move::Void) => &[],
    }
}

#[test]
fn a_run_ends_by_moving_the_clock_on_even_when_it_is_empty() {
    let city = City::build(1, 0.001);
    let steps: Vec<_> = city.run(&Profile::default(), 0).collect();
    assert_eq!(steps.len(), 1);
    assert_eq!(
        line(&steps[0]),
        r#"{"command":"advance_clock","to":"2023-10-16T00:00:00.000+08:00"}"#
    );
}

#[test]
fn the_same_seed_makes_the_same_bytes_and_another_others() {
    assert_eq!(digest(1, 0.01, 3_000), digest(1, 0.01, 3_000));
    assert_ne!(digest(1, 0.01, 3_000), digest(2, 0.01, 3_000));
    // Changes with any change to the generator: numbers measured before are then of another run.
    assert_eq!(digest(1, 0.01, 3_000), 3_169_870_844_602_034_833);
}

#[test]
fn reports_only_have_a_key_each_and_no_time() {
    let city = City::build(1, 0.01);
    let mut bytes = 0;
    for (ordinal, report) in (1..).zip(city.reports_only(1_000)) {
        let mut out = Vec::new();
        report.write_line(&mut out);
        let json: Value = serde_json::from_slice(&out).unwrap();
        assert_eq!(json["key"], format!("n-1-{ordinal}"));
        assert_eq!(json.as_object().unwrap().len(), 6, "{json}");
        assert_eq!(json.get("at"), None);
        bytes += json["text"].as_str().unwrap().len();
    }
    assert!((260..300).contains(&(bytes / 1_000)), "{} bytes", bytes / 1_000);
    assert_eq!(city.reports_only(640).count(), 640);
}

#[test]
fn a_report_reads_as_the_api_documents_it() {
    let city = City::build(1, 0.001);
    let mut run = city.run(&Profile::default(), 50);
    let report = run.find(|step| match &step.deed {
        Deed::Report(report) => report.has_claimant && report.settles,
        Deed::Move(_) | Deed::AdvanceClock => false,
    });
    let json: Value = serde_json::from_str(&line(&report.unwrap())).unwrap();
    let fields: Vec<_> = json.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(
        fields,
        ["at", "by", "claimant", "command", "key", "matter", "place", "settle", "source", "text"]
    );
}

#[test]
fn the_catalogue_is_without_findings_and_covers_the_ten_modules() {
    let rows = parse_catalogue("config/xinyang/catalogue.toml", CATALOGUE_TOML.as_bytes())
        .unwrap_or_else(|findings| {
            let all: Vec<_> = findings.iter().map(ToString::to_string).collect();
            panic!("{}", all.join("\n"))
        });
    assert!(rows.len() >= 60, "{}", rows.len());
    for module in Module::ALL {
        assert!(rows.iter().filter(|row| row.module == *module).count() >= 3, "{module:?}");
    }
    let at_home = |home| rows.iter().filter(|row| row.home == home).count();
    assert!(at_home(HomeLevel::Grid) > rows.len() / 2);
    assert!(at_home(HomeLevel::Village) >= 10 && at_home(HomeLevel::Township) >= 10);
    for severity in Severity::ALL {
        assert!(rows.iter().any(|row| row.severity == *severity), "{severity:?}");
    }
    assert!(rows.iter().all(|row| row.home == HomeLevel::Grid || !row.on_the_spot));
    assert_eq!(parse_catalogue("written", write_catalogue(&rows).as_bytes()), Ok(rows));
}
