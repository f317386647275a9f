//! Proposals: what an import brings in stands open as long as nobody applies it.

use super::rig::*;
use crate::domain::catalogue::HomeLevel;
use crate::domain::command::{BeginImport, Command, CommitImport, StageMatters, StageText};
use crate::domain::ids::ImportId;
use crate::domain::import::{CatalogueSize, ImportKind};
use crate::domain::tests::world::*;

#[test]
fn a_proposal_outlives_a_crash_whether_whole_or_half() {
    let mut rig = Rig::new();
    let rows = |codes: &[&str]| -> Vec<_> {
        codes.iter().map(|code| matter(code, HomeLevel::Grid)).collect()
    };
    let import = ImportId(rig.handle.view().imports_begun() + 1);
    let kind = ImportKind::Catalogue(CatalogueSize { matters: 2, text_bytes: 10 });
    rig.accept(system(Command::BeginImport(BeginImport { origin: "a.toml".into(), kind })));
    rig.restart();
    let text = "[[matter]]".into();
    rig.accept(system(Command::StageText(StageText { import, text })));
    rig.accept(system(Command::StageMatters(StageMatters { import, rows: rows(&[MICRO]) })));
    rig.restart();
    let commit = || system(Command::CommitImport(CommitImport { import, seen: None }));
    assert_eq!(refusal(rig.submit(commit())), "import_incomplete");
    rig.accept(system(Command::StageMatters(StageMatters { import, rows: rows(&["PS-900"]) })));
    rig.restart();

    let summary = rig.handle.view().import(import).expect("it stands open");
    assert_eq!((summary.kind, summary.matters), (kind, 2));
    let kept = rig.handle.import_history(summary.last_seq).expect("reads");
    let names: Vec<_> = kept.iter().map(|record| record.event.name()).collect();
    let staged = "import.matters_staged";
    assert_eq!(names, ["import.begun", "import.text_staged", staged, staged]);
    let applied = rig.accept(commit());
    rig.restart();
    let catalogue = rig.handle.view().catalogue();
    assert_eq!((catalogue.version(), catalogue.in_force()), (applied.seq, 2));
    assert_eq!(refusal(rig.submit(commit())), "import_not_found");
}

#[test]
fn open_cases_are_counted_by_matter() {
    let mut rig = Rig::new();
    let cases = [rig.reported(MICRO, GRID), rig.reported(MICRO, GRID_2), rig.reported(SMALL, GRID)];
    let by_code = |rig: &Rig| -> Vec<_> {
        let catalogue = rig.handle.view().catalogue();
        let open = rig.handle.view().open_by_matter().into_iter();
        let code = |matter| catalogue.matter(matter).expect("known").code.to_string();
        open.map(|(matter, count)| (code(matter), count)).collect()
    };
    assert_eq!(by_code(&rig), [(MICRO.to_owned(), 2), (SMALL.to_owned(), 1)]);
    let decline = rig.verb("decline", cases[0], GRID);
    rig.accept(decline);
    assert_eq!(by_code(&rig), [(MICRO.to_owned(), 1), (SMALL.to_owned(), 1)]);
}
