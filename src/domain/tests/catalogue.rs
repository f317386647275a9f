//! The catalogue is replaced whole: what comes, changes, retires, comes back, and what is refused.

use super::laws::lent;
use super::world::*;
use crate::domain::catalogue::{HomeLevel, MatterRow};
use crate::domain::command::{
    AbandonImport, BeginImport, Command, CommitImport, StageMatters, StageText, StageUnits,
};
use crate::domain::event::{CatalogueReplaced, Event};
use crate::domain::ids::{ImportId, Seq};
use crate::domain::import::{CatalogueSize, ImportKind};
use crate::domain::limits::{CATALOGUE_TEXT_BYTES_MAX, MATTERS_MAX};

const NEW: &str = "PS-900";

fn catalogue(codes: &[&str]) -> Vec<MatterRow> {
    codes.iter().map(|code| matter(code, HomeLevel::Grid)).collect()
}

fn replaced(events: &[Event]) -> CatalogueReplaced {
    let [Event::ImportCommitted(committed)] = events else {
        panic!("{events:?}");
    };
    committed.catalogue.expect("it brought a catalogue")
}

fn report(world: &mut World, matter: &str) -> Result<Vec<Event>, &'static str> {
    let report = world.report(matter, GRID);
    let reported = world.act(GRID, Command::ReportCase(Box::new(report)));
    reported.map_err(|refused| refused.code())
}

#[test]
fn a_matter_that_comes_again_keeps_its_number_and_one_that_does_not_is_retired() {
    let mut world = World::new();
    let first = world.state.catalogue().version();
    let number = |world: &World, code| world.state.catalogue().find(code).map(|(n, _)| n);
    let (small, micro) = (number(&world, SMALL), number(&world, MICRO));
    let rows = vec![matter(NEW, HomeLevel::Grid), matter(SMALL, HomeLevel::Township)];
    let events = world.replace_catalogue(&rows, Some(first)).expect("nothing is open");
    let counts = CatalogueReplaced { previous: Some(first), added: 1, changed: 1, retired: 3 };
    assert_eq!(replaced(&events), counts);
    let catalogue = world.state.catalogue();
    assert_eq!(catalogue.version(), world.state.tail(), "its version is its event");
    assert_eq!((number(&world, SMALL), number(&world, MICRO)), (small, micro));
    assert_eq!((catalogue.len(), catalogue.in_force()), (5, 2));
    let (_, row) = catalogue.find(SMALL).expect("known");
    assert_eq!(row.home, HomeLevel::Township);
    assert_eq!(lent(&world.state).digest(), world.state.digest());

    assert_eq!(report(&mut world, MICRO).expect_err("retired"), "matter_retired");
    report(&mut world, NEW).expect("in force");
    let second = world.state.catalogue().version();
    let events = world.replace_catalogue(&catalogue_of_all(), None).expect("it has all");
    let counts = CatalogueReplaced { previous: Some(second), added: 3, changed: 1, retired: 0 };
    assert_eq!(replaced(&events), counts, "what comes back is added");
    report(&mut world, MICRO).expect("in force again");
    assert_eq!(world.state.catalogue().len(), 5, "and keeps its number");
}

fn catalogue_of_all() -> Vec<MatterRow> {
    catalogue(&[MICRO, SMALL, MAJOR, OFFLINE, NEW])
}

#[test]
fn a_matter_with_open_cases_stays_until_the_last_of_them_has_ended() {
    let mut world = World::new();
    let cases = [world.reported(MICRO, GRID), world.reported(MICRO, GRID_2)];
    world.reported(OFFLINE, GRID);
    let before = world.state.catalogue().digest();
    let refused = world.replace_catalogue(&catalogue(&[SMALL]), None).expect_err("three are open");
    assert_eq!(refused.compact(), (61, 2 << 32 | 3), "two matters, three cases");
    assert_eq!(world.state.catalogue().digest(), before);

    for case in cases {
        for verb in ["acknowledge", "handle", "close"] {
            let holder = world.holder(case);
            let command = world.verb(verb, case);
            world.act(&holder, command).expect("the holder");
        }
    }
    let (micro, _) = world.state.catalogue().find(MICRO).expect("known");
    assert_eq!(world.state.open_cases_of(micro), 0);
    world.replace_catalogue(&catalogue(&[OFFLINE]), None).expect("none of what goes is open");

    // What ended may be taken up again: it goes on as it was, and the next catalogue does not mind,
    // since the matter is retired already.
    let reopen = world.verb("reopen", cases[0]);
    world.act(GRID, reopen).expect("whoever ended it");
    assert_eq!(world.state.open_cases_of(micro), 1);
    world.replace_catalogue(&catalogue(&[OFFLINE, NEW]), None).expect("nothing more is retired");
}

#[test]
fn a_catalogue_is_applied_to_the_version_that_was_seen() {
    let mut world = World::new();
    let seen = world.state.catalogue().version();
    world.replace_catalogue(&catalogue_of_all(), Some(seen)).expect("as seen");
    let stale = world.replace_catalogue(&catalogue_of_all(), Some(seen)).expect_err("not as seen");
    let now = world.state.catalogue().version();
    assert_eq!((stale.code(), stale.compact().1), ("config_stale", now.0));
    world.replace_catalogue(&catalogue_of_all(), None).expect("whatever was seen");
    let unseen = World::empty(crate::domain::event::ClockMode::System);
    assert_eq!(unseen.state.catalogue().version(), Seq::ZERO);
}

#[test]
fn what_is_not_whole_or_not_one_catalogue_is_refused() {
    let size = |matters, text_bytes| ImportKind::Catalogue(CatalogueSize { matters, text_bytes });
    let begin = |kind| Command::BeginImport(BeginImport { origin: "catalogue.toml".into(), kind });
    let import = ImportId(3);
    let rows = |codes| Command::StageMatters(StageMatters { import, rows: catalogue(codes) });
    let text = |text: &str| Command::StageText(StageText { import, text: text.into() });
    let units = || Command::StageUnits(StageUnits { import, rows: vec![unit(GRID)] });
    let commit = || Command::CommitImport(CommitImport { import, seen: None });
    let more = |max: usize| u32::try_from(max + 1).expect("a bound of this size");
    let (many, long) = (more(MATTERS_MAX), more(CATALOGUE_TEXT_BYTES_MAX));
    let table: [(&str, Vec<Command>); 11] = [
        ("rows_out_of_bounds", vec![begin(size(0, 9))]),
        ("rows_out_of_bounds", vec![begin(size(many, 9))]),
        ("rows_out_of_bounds", vec![begin(size(1, long))]),
        ("import_of_other_kind", vec![begin(ImportKind::Units), rows(&[NEW])]),
        ("import_of_other_kind", vec![begin(size(1, 0)), units()]),
        ("rows_out_of_bounds", vec![begin(size(1, 0)), rows(&[NEW, MICRO])]),
        ("rows_out_of_bounds", vec![begin(size(1, 3)), text("four")]),
        ("import_incomplete", vec![begin(size(1, 0)), commit()]),
        ("import_incomplete", vec![begin(size(2, 0)), rows(&[NEW]), commit()]),
        ("import_incomplete", vec![begin(size(1, 5)), text("four"), rows(&[NEW]), commit()]),
        ("matter_twice", vec![begin(size(2, 0)), rows(&[NEW, NEW]), commit()]),
    ];
    for (expected, mut commands) in table {
        let mut world = World::new();
        assert_eq!(world.state.imports().begun(), 2, "the small city took two");
        let last = commands.pop().expect("at least one");
        for command in commands {
            world.system(command).expect(expected);
        }
        let before = world.state.digest();
        assert_eq!(world.system(last).expect_err(expected).code(), expected);
        assert_eq!(world.state.digest(), before);
        if world.state.imports().get(import).is_some() {
            world.system(Command::AbandonImport(AbandonImport { import })).expect("open");
        }
    }
}

#[test]
fn no_more_matters_are_ever_known_than_there_are_numbers() {
    let all: Vec<_> = (0..MATTERS_MAX).map(|number| format!("A-{number}")).collect();
    let all: Vec<_> = all.iter().map(String::as_str).collect();
    let mut world = World::new();
    let refused = world.replace_catalogue(&catalogue(&all), None).expect_err("four are known");
    assert_eq!(refused.code(), "organisation_full");
    let [rest @ .., _, _, _, _] = &all[..] else { panic!("many") };
    world.replace_catalogue(&catalogue(rest), None).expect("with the four they fit");
    assert_eq!(world.state.catalogue().len(), MATTERS_MAX);
}
