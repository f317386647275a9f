//! Administration: who may act, and how organisation and catalogue come in.

use super::world::*;
use crate::domain::command::{
    AdmitClient, BeginImport, Command, CommitImport, GrantRequest, RevokeClient, StageUnits,
    Submission,
};
use crate::domain::event::ClockMode;
use crate::domain::grant::{Scope, Scopes};
use crate::domain::ids::{ImportId, UnitNumber};
use crate::domain::import::ImportKind;

fn admin(command: Command) -> Submission {
    Submission { principal: ADMIN, ..submission(command, None) }
}

#[test]
fn administration_needs_an_administrator() {
    let mut world = World::new();
    let command =
        Command::BeginImport(BeginImport { origin: "a.ndjson".into(), kind: ImportKind::Units });
    assert_eq!(
        world.submit(&submission(command.clone(), None)).expect_err("an app").code(),
        "needs_admin"
    );
    world.submit(&admin(command)).expect("an administrator");
}

#[test]
fn a_revoked_client_acts_no_more_and_the_last_administrator_stays() {
    let mut world = World::new();
    world
        .submit(&admin(Command::RevokeClient(RevokeClient { name: "app".into() })))
        .expect("known");
    let report = world.report(MICRO, GRID);
    let refused = world.act(GRID, Command::ReportCase(Box::new(report))).expect_err("revoked");
    assert_eq!(refused.code(), "principal_revoked");

    let again = world.submit(&admin(Command::RevokeClient(RevokeClient { name: "app".into() })));
    assert_eq!(again.expect_err("gone").code(), "client_not_found");
    let last = world.submit(&admin(Command::RevokeClient(RevokeClient { name: "admin".into() })));
    assert_eq!(last.expect_err("the last").code(), "last_admin");
}

#[test]
fn a_client_name_is_given_once() {
    let mut world = World::new();
    let grant = GrantRequest::of(Scopes::of(&[Scope::Read]));
    let admit = AdmitClient { name: "app".into(), token_hash: [9; 32], grant };
    assert_eq!(
        world.submit(&admin(Command::AdmitClient(admit))).expect_err("taken").code(),
        "client_name_taken"
    );
}

#[test]
fn units_are_numbered_in_organisation_order_and_a_subtree_is_an_interval() {
    let world = World::new();
    let organisation = world.state.organisation();
    let codes: Vec<_> = organisation.iter().map(|(_, row)| row.code).collect();
    assert!(codes.is_sorted());
    for (number, row) in organisation.iter() {
        let within = organisation.subtree(number).expect("numbered");
        for (other, other_row) in organisation.iter() {
            assert_eq!(
                within.contains(other),
                row.code.range().contains(other_row.code),
                "{} in {}",
                other_row.code,
                row.code
            );
        }
    }
}

#[test]
fn a_later_import_keeps_the_numbers_it_finds() {
    let mut world = World::new();
    let before: Vec<_> =
        world.state.organisation().iter().map(|(number, row)| (number, row.code)).collect();
    let mut renamed = unit(GRID);
    renamed.name = "新名".into();
    world.import(vec![unit("411502001201004"), renamed]).expect("an addition");
    let organisation = world.state.organisation();
    for (number, code) in &before {
        assert_eq!(organisation.find(*code), Some(*number));
    }
    assert_eq!(organisation.find(code("411502001201004")), Some(UnitNumber(15)));
    assert_eq!(
        &*organisation.unit(organisation.find(code(GRID)).expect("known")).expect("known").name,
        "新名"
    );
    let case = world.reported(MICRO, "411502001201004");
    assert_eq!(world.holder(case), "411502001201004");
}

#[test]
fn nothing_of_an_import_is_visible_before_its_commit() {
    let mut world = World::empty(ClockMode::System);
    world
        .submit(&admin(Command::BeginImport(BeginImport {
            origin: "a".into(),
            kind: ImportKind::Units,
        })))
        .expect("the first");
    let rows = vec![unit(CITY), unit(COUNTY)];
    world
        .submit(&admin(Command::StageUnits(StageUnits { import: ImportId(1), rows })))
        .expect("coherent");
    assert!(world.state.organisation().is_empty());
    world
        .submit(&admin(Command::CommitImport(CommitImport { import: ImportId(1), seen: None })))
        .expect("whole");
    assert_eq!(world.state.organisation().len(), 2);
    let again = world
        .submit(&admin(Command::CommitImport(CommitImport { import: ImportId(1), seen: None })));
    assert_eq!(again.expect_err("once").code(), "import_not_found");
}

#[test]
fn an_import_that_does_not_hold_together_is_refused_whole() {
    let mut closed = unit(GRID);
    closed.valid_until = Some(START);
    let mut closes_later = unit(GRID_2);
    closes_later.valid_until = Some(START.plus_ms(1));
    let mut incoherent = unit(GRID);
    incoherent.kind = crate::domain::organisation::UnitKind::Division;
    let table = [
        ("unit_orphaned", vec![unit("411502009001001")]),
        ("unit_incoherent", vec![incoherent]),
        ("unit_needs_successor", vec![closed]),
        ("unit_needs_successor", vec![closes_later]),
        ("rows_out_of_bounds", vec![unit(GRID); 201]),
    ];
    for (expected, rows) in table {
        let mut world = World::new();
        world.reported(MICRO, GRID);
        let organisation = world.state.organisation().digest();
        assert_eq!(world.import(rows).expect_err(expected).code(), expected);
        assert_eq!(world.state.organisation().digest(), organisation);
    }
    let mut world = World::new();
    assert_eq!(world.import(Vec::new()).expect_err("nothing").code(), "import_empty");
}

#[test]
fn a_unit_that_is_not_open_acts_no_more_and_gets_nothing() {
    let mut closed = unit(GRID_2);
    closed.valid_until = Some(START);
    let mut coming = unit(GRID_2);
    coming.valid_from = Some(START.plus_ms(HOUR));
    for row in [closed, coming] {
        let mut world = World::new();
        let case = world.reported(MICRO, GRID);
        world.import(vec![row.clone()]).expect("it holds nothing");
        let mut settled = world.report(MICRO, GRID_2);
        settled.settle = Some(world.part());
        let mut known =
            submission(Command::ReportCase(Box::new(world.report(MICRO, GRID_2))), Some(GRID_2));
        known.mark = mark("r-1", 1);
        let acknowledge = world.verb("acknowledge", case);
        let before = world.state.digest();
        for (refused, expected) in [
            (world.submit(&known), "unit_closed"),
            (world.act(GRID_2, acknowledge), "unit_closed"),
            // The room gets it: refused as one that is closed, not as one that is not the holder.
            (world.act(GRID_2, Command::ReportCase(Box::new(settled))), "unit_closed"),
        ] {
            assert_eq!(refused.expect_err("not open").code(), expected, "{row:?}");
        }
        assert_eq!(world.state.digest(), before);
        let elsewhere = world.reported(MICRO, GRID_2);
        assert_eq!(world.holder(elsewhere), ROOM);

        // Once it is open it acts; once it is closed again its key still gets the same answer.
        world.at_hour(1);
        world.import(vec![unit(GRID_2)]).expect("open again");
        world.submit(&known).expect("open");
        let reported = crate::domain::ids::CaseId(3);
        for verb in ["acknowledge", "handle", "close"] {
            let command = world.verb(verb, reported);
            world.act(GRID_2, command).expect("the holder");
        }
        let closed = crate::domain::organisation::UnitRow { valid_until: Some(world.now), ..row };
        let closed = crate::domain::organisation::UnitRow { valid_from: None, ..closed };
        world.import(vec![closed]).expect("it holds nothing any more");
        assert!(matches!(world.decide(&known), Ok(Err(_))), "known, whoever is closed since");
    }
}
