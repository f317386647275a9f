//! A problem of each code, as the server itself would tell it: with the fields, versions and moves
//! that it has in use.

use super::super::body::{Addressed, Verb, read_post};
use super::super::codes::Code;
use super::super::named::{Named, Spoken};
use super::super::problem::Problem;
use crate::domain::case::{Move, Moves, StatusName};
use crate::domain::code::UnitCode;
use crate::domain::command::{CaseRef, Target};
use crate::domain::grant::Scope;
use crate::domain::ids::{CaseId, Seq, Timestamp};
use crate::domain::rejection::Rejection;
use crate::domain::state::State;
use crate::engine::{SubmitError, View};

/// A report, and a case sent on: what most refusals are about.
const REPORT: &str = r#"{"matter":"PS-014","place":"411502001001001","source":"patrol",
    "occurred_at":"2026-01-05T08:00:00+08:00","text":"路灯不亮。","by":"411502001001001"}"#;
const SENT: &str = r#"{"by":"411502001001001","to":"411502001001","reason":"需村里协调"}"#;
/// What is wrong with it takes several fields.
const BAD: &str = r#"{"matter":"PS-014","place":"4115","source":"rumour","txet":"路灯不亮。"}"#;

const CASE: CaseId = CaseId(17);

/// A problem of that code.
pub(super) fn problem(code: Code) -> Problem {
    if code == Code::InvalidBody {
        let fault = read_post(Verb::ReportCase, Addressed::default(), BAD.as_bytes());
        return fault.map_or_else(Problem::from, |_| Problem::new(code));
    }
    let Some(rejection) = rejection(code) else {
        return Problem::new(code);
    };
    let (verb, body) = if SENDS.contains(&code) {
        (Verb::Case(Move::Transfer), SENT)
    } else {
        (Verb::ReportCase, REPORT)
    };
    let target = Some(Target { case: CaseRef::Id(CASE), version: None });
    let draft = read_post(verb, Addressed { target, ..Addressed::default() }, body.as_bytes());
    let draft = draft.expect("a test reads the samples");
    Named::of(&draft, Spoken::ByAddress)
        .problem(&View::of(&State::default()), SubmitError::Rejected(rejection))
}

/// Refusals of a command on a case.
const SENDS: &[Code] = &[
    Code::CaseNotFound,
    Code::RefUnknown,
    Code::TargetNotFound,
    Code::TargetClosed,
    Code::TargetIsHolder,
    Code::TargetUnfit,
    Code::NotTheHolder,
    Code::NeedsCentre,
    Code::MoveNotAllowed,
    Code::VersionStale,
];

/// A refusal of that code.
fn rejection(code: Code) -> Option<Rejection> {
    let (case, status) = (CASE, StatusName::Dispatched);
    let moves = Moves::of(&[Move::Acknowledge, Move::Transfer, Move::Note]);
    let unit: UnitCode = "411502001001".parse().ok()?;
    let filled = [
        Rejection::MoveNotAllowed { case, status, moves },
        Rejection::NotTheHolder { case, status, moves: Moves::of(&[Move::Note]) },
        Rejection::NeedsCentre { case, status, moves },
        Rejection::TargetUnfit { case },
        Rejection::VersionStale { case, version: 3 },
        Rejection::SourceNumberTaken { case: Some(case) },
        Rejection::OrganisationStale { seq: Seq(2_041) },
        Rejection::CatalogueStale { seq: Seq(2_041) },
        Rejection::MatterHasOpenCases { matters: 2, cases: 31 },
        Rejection::AtBeforeNow { now: Timestamp(1_767_571_200_000) },
        Rejection::ScopeMissing { scope: Scope::Act },
    ];
    // All others are about a unit, or carry nothing.
    let made = |number| {
        let of_unit = Rejection::from_compact(number, unit.packed());
        of_unit.or_else(|| Rejection::from_compact(number, 0))
    };
    let others = (1..).map_while(made);
    filled.into_iter().chain(others).find(|one| Code::of(one) == code)
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use crate::api::document::document;

    #[test]
    fn examples_of_problems_have_errors_moves_and_versions() {
        let rows = [
            ("invalid_body", "/errors/0/pointer", "/txet".into()),
            ("matter_not_found", "/errors/0/pointer", "/matter".into()),
            ("place_not_found", "/errors/0/pointer", "/place".into()),
            ("to_unfit", "/errors/0/pointer", "/to".into()),
            ("not_the_holder", "/errors/0/pointer", "/by".into()),
            ("move_not_allowed", "/moves/0", "acknowledge".into()),
            ("move_not_allowed", "/case_status", "dispatched".into()),
            ("version_stale", "/version", Value::from(3)),
            ("organisation_stale", "/organisation_seq", Value::from(2_041)),
            ("scope_missing", "/scope", "act".into()),
        ];
        let document = document();
        for (code, pointer, expected) in rows {
            let example = &document["components"]["examples"][code]["value"];
            assert_eq!(example.pointer(pointer), Some(&expected), "{code}: {example}");
        }
    }
}
