//! Imports that do not hold together: what the commit says, and all that is wrong.

use serde_json::{Value, json};

use crate::client::Answer;
use crate::world::{Choices, GRID, VILLAGE, World};

const GRID_2: &str = "411502001001002";
const CLOSED: &str = r#""valid_until":"2026-01-05T08:00:00+08:00""#;

/// A line of an import, with more fields where there are some.
fn line(code: &str, kind: &str, more: &str) -> String {
    let comma = if more.is_empty() { "" } else { "," };
    format!("{{\"code\":\"{code}\",\"kind\":\"{kind}\",\"name\":\"单位\"{comma}{more}}}\n")
}

fn closed(code: &str, successor: &str) -> String {
    line(code, "grid", &format!("{CLOSED},\"successor\":\"{successor}\""))
}

/// What is wrong, the lines, what the commit says, and the rows that are told.
type Fault = (&'static str, String, (u16, &'static str), &'static [u64]);

struct Import<'w> {
    world: &'w World,
    path: String,
}

impl<'w> Import<'w> {
    fn begin(world: &'w World) -> Self {
        let begun = world.post("/v1/imports", r#"{"origin":"bad.ndjson"}"#).ok();
        Self { world, path: format!("/v1/imports/{}", begun["import"]) }
    }

    fn stage(&self, lines: &str) -> Answer {
        let staging = self.world.request("POST", &format!("{}/units", self.path));
        staging.header("content-type", "application/x-ndjson").body(lines.to_owned()).send()
    }

    fn commit(&self) -> Answer {
        let commit = self.world.request("POST", &format!("{}/commit", self.path));
        commit.header("if-match", "*").send()
    }

    fn findings(&self) -> Value {
        self.world.get(&format!("{}/findings", self.path)).ok()
    }

    /// Row and code of each finding.
    fn found(&self) -> Vec<(u64, String)> {
        let told = self.findings();
        let findings = told["findings"].as_array().unwrap();
        let found = findings.iter().map(|finding| {
            (finding["row"].as_u64().unwrap(), finding["code"].as_str().unwrap().to_owned())
        });
        found.collect()
    }
}

#[test]
fn each_fault_is_refused_and_told_with_its_row() {
    let world = World::new();
    world.report("PS-001");
    let moved = world.request("POST", "/v1/units/411502002001/move").header("if-match", "*");
    moved.json(r#"{"to":"411502002002"}"#).send().ok();
    let forces = [
        line("411502001000-T01", "task_force", r#""reports_to":"411502001000-T02""#),
        line("411502001000-T02", "task_force", r#""reports_to":"411502001000-T01""#),
    ];
    let table: [Fault; 10] = [
        ("a circle", forces.concat(), (409, "unit_in_circle"), &[1, 2]),
        (
            "an orphan",
            line(GRID_2, "grid", "") + &line("411502001009001", "grid", ""),
            (409, "unit_orphaned"),
            &[2],
        ),
        (
            "below a unit that is not there",
            line(GRID_2, "grid", r#""reports_to":"411502001000-T09""#),
            (409, "unit_orphaned"),
            &[1],
        ),
        (
            "a code that was left",
            line("411502002001", "division", ""),
            (409, "unit_code_taken"),
            &[1],
        ),
        (
            "closed over open ones",
            line(VILLAGE, "division", CLOSED),
            (409, "unit_has_subunits"),
            &[1],
        ),
        ("closed with cases", line(GRID, "grid", CLOSED), (409, "unit_needs_successor"), &[1]),
        (
            "a successor that is not there",
            closed(GRID, "411502001001009"),
            (422, "successor_not_found"),
            &[1],
        ),
        (
            "a successor that closes, too",
            closed(GRID, GRID_2) + &line(GRID_2, "grid", CLOSED),
            (409, "successor_unfit"),
            &[1],
        ),
        (
            "a successor above the township",
            closed(GRID, "411502000000"),
            (409, "successor_unfit"),
            &[1],
        ),
        (
            "a unit below one that closes",
            line(VILLAGE, "division", CLOSED)
                + &closed(GRID, "411502001000-R01")
                + &line(GRID_2, "grid", ""),
            (409, "unit_has_subunits"),
            &[1, 3],
        ),
    ];
    let before = world.get("/v1/organisation").ok();
    for (fault, lines, (status, code), rows) in table {
        let import = Import::begin(&world);
        import.stage(&lines).ok();
        let found: Vec<_> = import.found();
        assert_eq!(found.iter().map(|(row, _)| *row).collect::<Vec<_>>(), rows, "{fault}");
        let refused = import.commit();
        assert_eq!(refused.problem(), (status, code.to_owned()), "{fault}");
        assert_eq!(found[0].1, code, "{fault}");
        let detail = refused.json()["detail"].as_str().unwrap().to_owned();
        assert_eq!(
            detail,
            format!("GET {}/findings has all that is wrong", import.path),
            "{fault}"
        );
        world.post(&format!("{}/abandon", import.path), "{}").ok();
    }
    assert_eq!(world.get("/v1/organisation").ok(), before);
}

#[test]
fn two_units_with_a_code_are_found_in_one_body_and_across_two() {
    let world = World::new();
    let import = Import::begin(&world);
    let (one, other) = (line(GRID_2, "grid", ""), line(GRID, "grid", ""));
    let refused = import.stage(&[one.as_str(), &other, &one].concat());
    assert_eq!(refused.problem(), (400, String::from("invalid_body")));
    assert_eq!(refused.json()["errors"][0]["pointer"], "/3/code");
    import.stage(&(one.clone() + &other)).ok();
    import.stage(&one).ok();
    assert_eq!(import.found(), [(3, String::from("unit_twice"))]);
    assert_eq!(import.commit().problem(), (422, String::from("unit_twice")));
}

#[test]
fn all_faults_of_an_import_are_told_at_once_and_it_comes_into_force_when_they_are_mended() {
    let world = World::new();
    let case = world.report("PS-001");
    let import = Import::begin(&world);
    let lines = [
        line("411502001000-T01", "task_force", r#""reports_to":"411502001000-T02""#),
        line("411502001000-T02", "task_force", r#""reports_to":"411502001000-T01""#),
        line("411502001009001", "grid", ""),
        line(GRID, "grid", CLOSED),
        line("411502002001", "division", CLOSED),
        closed("411502002001001", "411502001001009"),
        line(GRID_2, "grid", ""),
        line("411502001001007", "grid", r#""valid_from":"2026-01-05T08:00:00+08:00""#),
    ];
    import.stage(&lines.concat()).ok();
    import.stage(&line(GRID_2, "grid", "")).ok();
    let findings = world.request("GET", &format!("{}/findings", import.path));
    insta::assert_json_snapshot!(
        "import_findings",
        findings.header("accept-language", "zh").send().ok()
    );
    import.commit().problem();
    assert_eq!(world.get(&format!("/v1/cases/{case}")).ok()["holder"], GRID);
    world.post(&format!("{}/abandon", import.path), "{}").ok();
    let gone = world.get(&format!("{}/findings", import.path)).problem();
    assert_eq!(gone, (404, String::from("import_not_found")));

    let mended = Import::begin(&world);
    mended.stage(&(closed(GRID, "411502001001007") + &lines[7])).ok();
    assert_eq!(mended.findings(), json!({ "import": 4, "findings": [], "untold": 0 }));
    mended.commit().ok();
    assert_eq!(world.get(&format!("/v1/cases/{case}")).ok()["holder"], "411502001001007");
}

#[test]
fn more_than_are_told_are_counted() {
    let world = World::empty(Choices::default());
    let import = Import::begin(&world);
    let orphans = (1..=1_100).map(|grid| {
        line(&format!("4115020010{:02}{:03}", grid / 100 + 1, grid % 100 + 1), "grid", "")
    });
    import.stage(&orphans.collect::<String>()).ok();
    let told = import.findings();
    assert_eq!(told["findings"].as_array().unwrap().len(), 1_000);
    assert_eq!(told["untold"], 100);
}
