//! What must hold after every step.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use zhida::domain::case::{Light, StatusName};
use zhida::domain::catalogue::Catalogue;
use zhida::domain::digest::Digest;
use zhida::domain::evolve;
use zhida::domain::ids::{CaseId, PrincipalId, Seq, Timestamp, UnitNumber};
use zhida::domain::organisation::Organisation;
use zhida::domain::record::Record;
use zhida::domain::reply::{About, Reply};
use zhida::domain::state::State;
use zhida::engine::{Accepted, LineAnswer, LineMeaning, Storage, SubmitError};
use zhida::journal::{Head, Reader, Value};

use crate::city::{APP, MATTERS, is_within, level};
use crate::drive::Drive;
use crate::shadow::{Expected, Shadow, Told};

/// An answer to one command; says whether it is durable.
pub(crate) fn single(outcome: Result<Accepted, SubmitError>, expected: &Expected) -> bool {
    let found = match outcome {
        Ok(accepted) if accepted.is_repeat => Expected::Known(told(&accepted.reply)),
        Ok(accepted) => Expected::Accepted(told(&accepted.reply)),
        Err(SubmitError::Rejected(rejection)) => Expected::Refused(rejection.code()),
        Err(SubmitError::NotDurable | SubmitError::DiskFull) => return false,
        Err(error) => panic!("{error} instead of {expected:?}"),
    };
    assert_eq!(found, *expected);
    true
}

/// An answer to the question after a key; says whether it is durable.
pub(crate) fn question(
    outcome: Result<Option<Reply>, SubmitError>,
    expected: Option<&Told>,
) -> bool {
    match outcome {
        Ok(found) => {
            assert_eq!(found.map(|reply| told(&reply)).as_ref(), expected);
            true
        }
        Err(SubmitError::NotDurable | SubmitError::DiskFull) => false,
        Err(error) => panic!("{error} instead of {expected:?}"),
    }
}

/// The answers to a batch; says whether they are durable.
pub(crate) fn batch(outcome: Result<Vec<LineAnswer>, SubmitError>, expected: &[Expected]) -> bool {
    let answers = match outcome {
        Ok(answers) => answers,
        Err(SubmitError::NotDurable | SubmitError::DiskFull) => return false,
        Err(error) => panic!("{error} instead of {expected:?}"),
    };
    assert_eq!(answers.len(), expected.len());
    for (answer, expected) in answers.iter().zip(expected) {
        match (answer.meaning(), expected) {
            (
                LineMeaning::Accepted { seq, case },
                Expected::Accepted(told) | Expected::Known(told),
            ) => {
                assert_eq!(seq.0, told.seq);
                let version = told.case.as_ref().map(|case| (CaseId(case.0), case.1));
                assert_eq!(case, version);
            }
            (LineMeaning::Rejected(rejection), Expected::Refused(code)) => {
                assert_eq!(rejection.code(), *code);
            }
            (meaning, expected) => panic!("{meaning:?} instead of {expected:?}"),
        }
    }
    true
}

/// The reply in the shadow's words.
fn told(reply: &Reply) -> Told {
    let (case, number) = match reply.about {
        About::Case(case) => {
            let holder = case.holder.map(unit_of);
            (Some((case.case.0, case.version, case.status.map(StatusName::name), holder)), None)
        }
        About::Import(import) => (None, Some(import.0)),
        About::Client(client) => (None, Some(client.0)),
        About::Organisation | About::Journal => (None, None),
    };
    Told { seq: reply.seq.0, events: reply.events, case, number }
}

/// The engine's digest is that of the fold of its journal, read on from where it was.
pub(crate) fn digest(drive: &mut Drive<'_>, digest: Digest) {
    let from = drive.folded.tail().next();
    let records = drive.handle.records(from, Seq(u64::MAX), usize::MAX).expect("reads");
    for record in &records {
        assert_eq!(record.seq, drive.folded.tail().next(), "numbers have no gaps");
        let (name, case) = drive.shadow.log[usize::try_from(record.seq.0).expect("small") - 1];
        assert_eq!((record.event.name(), record.event.case().map(|case| case.0)), (name, case));
        drive.tally.add("event", name);
        if record.actor.principal == PrincipalId::SYSTEM {
            match name {
                "unit.closed" => drive.tally.trial("unit closed by its moment"),
                "cases.inherited" => drive.tally.trial("cases inherited by a moment"),
                _ => {}
            }
        }
        evolve(&mut drive.folded, record);
    }
    assert_eq!(drive.folded.tail().0, drive.shadow.seq());
    assert_eq!(drive.folded.digest(), digest, "the state is the fold of its journal");
}

/// Every case and every inbox is as the shadow has it.
pub(crate) fn views(drive: &Drive<'_>) {
    let (view, shadow) = (drive.handle.view(), &drive.shadow);
    assert_eq!(view.published().0, shadow.seq());
    assert_eq!(view.cases_len(), shadow.cases.len());
    let organisation = view.organisation();
    units(shadow, &organisation);
    matters(shadow, &view.catalogue());
    for (life, id) in shadow.cases.iter().zip(1..) {
        let case = view.case(CaseId(id)).expect("a published case");
        let light = |light: Light| light as u8;
        assert_eq!(
            (case.status.name().name(), case.status.holder().map(unit_of), case.version),
            (life.status, life.holder, life.version),
            "case {id}"
        );
        assert_eq!(
            (light(case.node_light), light(case.total_light), case.escalations, case.reopens),
            (life.node.light, life.total.light, life.escalations, life.reopens),
            "case {id}"
        );
        assert_eq!(
            (
                unit_of(case.place),
                case.sender.unit().map(unit_of),
                case.is_fallback,
                case.on_the_spot
            ),
            (life.place, life.sender, life.is_fallback, life.on_the_spot),
            "case {id}"
        );
        let can_hold = |holder: usize| {
            let unit = shadow.organisation.unit(holder);
            unit.is_open(shadow.now) && level(&unit.code) <= 2
        };
        assert!(
            life.holder.is_none_or(can_hold),
            "whoever holds case {id} is open, and low enough"
        );
    }
    let mut rows = 0;
    for (unit, row) in shadow.organisation.iter() {
        let page = view.inbox(unit_number(unit), None, usize::MAX);
        let ids: Vec<_> = page.cases.iter().map(|(id, _)| id.0).collect();
        assert_eq!(ids, shadow.inbox(unit), "{}", row.code);
        rows += ids.len();
    }
    let open = shadow.cases.iter().filter(|life| life.holder.is_some()).count();
    assert_eq!(rows, open, "each open case has one holder");
}

/// Every matter is known that ever was, and in force as the shadow has it.
fn matters(shadow: &Shadow, catalogue: &Catalogue) {
    assert_eq!(catalogue.version().0, shadow.catalogue_seq);
    for ((code, ..), expected) in MATTERS.iter().zip(&shadow.matters) {
        let found = catalogue.find(code).map(|(number, _)| !catalogue.is_retired(number));
        assert_eq!(found, *expected, "{code}");
    }
}

/// Every unit is where the shadow has it, and found by its code.
fn units(shadow: &Shadow, organisation: &Organisation) {
    assert_eq!(organisation.last_seq().0, shadow.organisation.seq);
    assert_eq!(organisation.len(), shadow.organisation.iter().count());
    for (unit, row) in shadow.organisation.iter() {
        let number = unit_number(unit);
        assert_eq!(organisation.find(row.code.parse().expect("a code")), Some(number));
        let found = organisation.unit(number).expect("a published unit");
        assert_eq!(
            (found.code.to_string(), found.is_open(Timestamp(shadow.now))),
            (row.code.clone(), row.is_open(shadow.now))
        );
        let successor = found.successor.map(|code| code.to_string());
        assert_eq!(
            (found.valid_until.map(|at| at.0), successor),
            (row.until, row.successor.clone())
        );
    }
    // One a step is enough: what lies in it, wherever it was numbered.
    let units = shadow.organisation.iter();
    let Some((unit, root)) = units.clone().nth(shadow.log.len() % organisation.len()) else {
        return;
    };
    let subtree = organisation.subtree(unit_number(unit)).expect("a published unit");
    let mut within: Vec<_> = subtree.units().collect();
    within.sort_unstable();
    let expected = units.filter(|(_, one)| is_within(&one.code, &root.code));
    let expected: Vec<_> = expected.map(|(unit, _)| unit_number(unit)).collect();
    assert_eq!(within, expected, "{}", root.code);
}

/// The shadow's number of a unit.
fn unit_of(number: UnitNumber) -> usize {
    number.0 as usize - 1
}

fn unit_number(unit: usize) -> UnitNumber {
    UnitNumber(u32::try_from(unit + 1).expect("few units"))
}

/// Counts the statuses that the cases are in.
pub(crate) fn statuses(drive: &mut Drive<'_>) {
    for life in &drive.shadow.cases {
        drive.tally.add("status", life.status);
    }
}

/// While appends fail, nothing is taken in and reads go on.
pub(crate) fn refused_at_once(drive: &mut Drive<'_>) {
    drive.tally.trial("refused while failing");
    let (submission, line) = (drive.any(), drive.any());
    let is_full = drive.handle.status().storage() == Storage::Full;
    let outcome = drive.block_on(drive.handle.submit(drive.desk(), submission)).map(drop);
    let batch = drive.block_on(drive.handle.submit_batch(drive.desk(), vec![line])).map(drop);
    for refused in [outcome, batch] {
        match refused {
            Err(SubmitError::DiskFull) => assert!(is_full),
            Err(SubmitError::NotDurable) => assert!(!is_full),
            other => panic!("it was not refused: {other:?}"),
        }
    }
    // Whoever answers the second has been waiting for the next try when it came.
    for _ in 0..2 {
        let asked = drive.block_on(drive.handle.outcome(drive.desk(), APP, "never sent"));
        assert!(question(asked, None), "a question is answered");
    }
    let published = drive.handle.view().published();
    assert_eq!(drive.handle.records(published, published, 1).expect("reads").len(), 1);
}

/// All of a journal: each event that the shadow expects, once, each key as often as it was
/// accepted.
pub(crate) fn journal(drive: &mut Drive<'_>, reader: &dyn Reader) {
    let records = records(reader, Seq(drive.shadow.seq()));
    let found = records.iter().map(|one| (one.event.name(), one.event.case().map(|case| case.0)));
    assert!(found.eq(drive.shadow.log.iter().copied()), "every event is there, and once");
    let mut keys = BTreeMap::new();
    for record in &records {
        if let Some(outcome) = &record.outcome {
            let key = (record.actor.principal.0, outcome.mark.key.to_string());
            *keys.entry(key).or_default() += 1;
        }
    }
    assert_eq!(keys, drive.shadow.accepted_keys, "every acknowledged command is there, and once");
    for record in &records {
        for (part, sealed) in record.event.sealed_parts() {
            drive.script.check(part, sealed);
            drive.tally.trial("sealed part opened");
        }
    }
}

/// Folds a journal, checking that it is one chain.
pub(crate) fn fold(reader: &dyn Reader, through: Seq) -> (State, Head) {
    let (mut state, mut head) = (State::default(), Head::GENESIS);
    values(reader, through, &mut |bytes| {
        let value = Value::parse(bytes).expect("a good value");
        value.follows(&head).expect("one chain");
        head = value.head();
        for record in value.records() {
            evolve(&mut state, &record.expect("a good record"));
        }
    });
    (state, head)
}

pub(crate) fn records(reader: &dyn Reader, through: Seq) -> Vec<Record> {
    let mut records = Vec::new();
    values(reader, through, &mut |bytes| {
        let value = Value::parse(bytes).expect("a good value");
        records.extend(value.records().map(|record| record.expect("a good record")));
    });
    records.retain(|record| record.seq <= through);
    records
}

fn values(reader: &dyn Reader, through: Seq, each: &mut dyn FnMut(&[u8])) {
    let read = reader.read_from(Seq::FIRST, through, &mut |_, bytes| {
        each(bytes);
        ControlFlow::Continue(())
    });
    read.expect("reads");
}
