//! What each operation can go wrong with.
//!
//! Most of it follows from what an operation is: whoever needs a token can lack one, whoever reads a
//! body can get a bad one. Only what is an operation's own stands in the table.

use super::super::codes::Code;
use super::Shape;

/// Any operation that asks the engine or the view.
const ANY: &[Code] = &[Code::Internal, Code::Starting];
/// It needs a token.
const TOKEN: &[Code] =
    &[Code::TokenMissing, Code::TokenUnknown, Code::TokenExpired, Code::QuotaExceeded];
/// Only administrators may.
const ADMIN: &[Code] = &[Code::NeedsAdmin];
/// Only a token with that scope may.
const SCOPE: &[Code] = &[Code::ScopeMissing];
/// Whoever has a token may.
pub(super) const WITHOUT_SCOPE: &[&str] =
    &["get_build", "get_matters", "get_me", "get_outcome", "post_commands"];
/// It reads what is published, and may be told to wait for a seq.
const READ: &[Code] = &[Code::InvalidHeader, Code::SeqNotReached];
/// It reads the journal, away from the I/O threads.
const JOURNAL: &[Code] = &[Code::JournalUnreadable, Code::Overloaded];
/// It pages through a list.
const LIST: &[Code] = &[Code::CursorInvalid, Code::CursorMismatch, Code::CursorExpired];
/// It submits a command.
const WRITE: &[Code] = &[
    Code::InvalidHeader,
    Code::PrincipalRevoked,
    Code::KeyReused,
    Code::JournalUnreadable,
    Code::Overloaded,
    Code::NotDurable,
    Code::Stopping,
    Code::DiskFull,
];
/// It seals what it is told.
const SEALS: &[Code] = &[Code::VaultEmpty];
/// It reads a body, whole.
const BODY: &[Code] = &[Code::BodyTimeout, Code::BodyTooLarge, Code::UnsupportedMediaType];
/// The body holds JSON.
const JSON: &[Code] = &[Code::MalformedJson, Code::BadUtf8, Code::InvalidBody];
/// It acts for a unit.
const UNIT: &[Code] = &[Code::UnitNotFound, Code::UnitClosed];
/// It moves a case.
const MOVE: &[Code] =
    &[Code::CaseNotFound, Code::NotTheHolder, Code::MoveNotAllowed, Code::VersionStale];
/// It sends a case to a unit by its routing.
const ROUTES: &[Code] = &[Code::NoHolder, Code::MatterNotFound, Code::OutOfBounds];
/// It sends a case to the unit that it names.
const SENDS: &[Code] =
    &[Code::TargetNotFound, Code::TargetClosed, Code::TargetIsHolder, Code::TargetUnfit];
/// It admits or changes a client.
const GRANTS: &[Code] =
    &[Code::RangeUnknown, Code::AdminWithin, Code::ExpiresInPast, Code::OutOfBounds];
/// It changes the organisation.
const CHANGE: &[Code] = &[
    Code::PreconditionRequired,
    Code::OrganisationStale,
    Code::UnitIncoherent,
    Code::UnitChangedTooOften,
    Code::OrganisationFull,
    Code::OutOfBounds,
];
/// Of a unit that is there.
const EXISTING: &[Code] = &[Code::UnitNotKnown, Code::UnitNotOpen];
/// By a row that says what it is to be.
const ROW: &[Code] = &[Code::UnitClosesElsewhere, Code::UnitOrphaned, Code::UnitInCircle];
/// So that another takes over.
const SUCCESSION: &[Code] = &[
    Code::UnitNeedsSuccessor,
    Code::UnitHasSubunits,
    Code::SuccessorNotFound,
    Code::SuccessorUnfit,
];
/// It stages rows or text.
const STAGE: &[Code] = &[Code::ImportNotFound, Code::RowsOutOfBounds];
/// It puts a catalogue into force.
const CATALOGUE: &[Code] = &[
    Code::ConfigStale,
    Code::ImportIncomplete,
    Code::MatterHasOpenCases,
    Code::MatterTwice,
    Code::OrganisationFull,
    Code::PreconditionRequired,
];
/// It reads a catalogue's text.
const CATALOGUE_TEXT: &[Code] = &[Code::ConfigInvalid, Code::InvalidQuery];

/// What an operation can go wrong with beside what follows from its shape.
type Own = &'static [&'static [Code]];

/// Every operation, by its id, in the order in which a reader is to meet them.
pub(super) const TABLE: &[(&str, Own)] = &[
    (
        "report_case",
        &[
            UNIT,
            SEALS,
            &[
                Code::SettlerNotTheHolder,
                Code::SourceNumberTaken,
                Code::NoHolder,
                Code::PlaceNotFound,
                Code::PlaceTooHigh,
                Code::MatterNotFound,
                Code::MatterRetired,
                Code::NotOnTheSpot,
                Code::OccurredInFuture,
                Code::OutOfBounds,
            ],
        ],
    ),
    ("acknowledge_case", &[MOVE, UNIT]),
    ("handle_case", &[MOVE, UNIT, SEALS, &[Code::OutOfBounds]]),
    ("close_case", &[MOVE, UNIT, SEALS, &[Code::OutOfBounds]]),
    ("escalate_case", &[MOVE, UNIT, SEALS, ROUTES]),
    ("hand_down_case", &[MOVE, UNIT, SEALS, ROUTES, SENDS]),
    ("transfer_case", &[MOVE, UNIT, SEALS, ROUTES, SENDS]),
    ("return_case", &[MOVE, UNIT, SEALS, ROUTES]),
    ("decline_case", &[MOVE, UNIT, SEALS, &[Code::OutOfBounds]]),
    ("reopen_case", &[MOVE, UNIT, SEALS, ROUTES, &[Code::NeedsCentre]]),
    ("void_case", &[MOVE, UNIT, SEALS, &[Code::NeedsCentre, Code::OutOfBounds]]),
    ("note_case", &[MOVE, UNIT, SEALS, &[Code::OutOfBounds]]),
    (
        "reveal_case",
        &[
            JOURNAL,
            UNIT,
            &[
                Code::CaseNotFound,
                Code::VersionStale,
                Code::ClaimantConfidential,
                Code::NothingToReveal,
                Code::OutOfBounds,
            ],
        ],
    ),
    ("get_case", &[JOURNAL, &[Code::CaseNotFound, Code::UnitUnknown]]),
    ("get_timeline", &[LIST, JOURNAL, &[Code::CaseNotFound]]),
    (
        "get_targets",
        &[&[Code::CaseNotFound, Code::MoveNotAllowed, Code::MatterNotFound, Code::Overloaded]],
    ),
    (
        "list_cases",
        &[LIST, JOURNAL, &[Code::UnitUnknown, Code::NotDurable, Code::Stopping, Code::DiskFull]],
    ),
    ("get_queue", &[LIST, JOURNAL, &[Code::UnitUnknown]]),
    ("get_watch", &[LIST, JOURNAL, &[Code::UnitUnknown]]),
    ("get_unit_counts", &[&[Code::UnitUnknown]]),
    ("find_units", &[&[Code::UnitUnknown, Code::Overloaded]]),
    ("export_units", &[&[Code::UnitUnknown, Code::Overloaded]]),
    ("get_unit", &[&[Code::UnitUnknown]]),
    ("get_children", &[&[Code::UnitUnknown]]),
    ("get_ancestors", &[&[Code::UnitUnknown]]),
    ("get_modules", &[&[Code::UnitUnknown, Code::PlaceTooHigh]]),
    ("get_inbox", &[&[Code::UnitUnknown]]),
    ("get_matters", &[]),
    ("get_counts", &[&[Code::ScopeTooSmall]]),
    // Whatever is wrong with a line is told in its result.
    ("post_commands", &[SEALS, &[Code::SourceTaken, Code::BulkBodiesFull]]),
    (
        "get_outcome",
        &[JOURNAL, &[Code::OutcomeUnknown, Code::NotDurable, Code::Stopping, Code::DiskFull]],
    ),
    ("get_events", &[JOURNAL]),
    ("get_records", &[JOURNAL]),
    ("admit_client", &[GRANTS, &[Code::ClientNameTaken, Code::TokenTaken, Code::ClientsFull]]),
    ("list_clients", &[]),
    ("get_client", &[&[Code::ClientNotFound]]),
    ("change_client", &[GRANTS, &[Code::ClientNotFound, Code::LastAdmin]]),
    ("rotate_client", &[&[Code::ClientNotFound, Code::TokenTaken, Code::OutOfBounds]]),
    ("revoke_client", &[BODY, JSON, &[Code::ClientNotFound, Code::LastAdmin, Code::OutOfBounds]]),
    ("get_organisation", &[]),
    ("open_unit", &[CHANGE, ROW, &[Code::UnitCodeTaken]]),
    ("change_unit", &[CHANGE, EXISTING, ROW]),
    ("close_unit", &[CHANGE, EXISTING, SUCCESSION, &[Code::UnitClosesInPast, Code::UnitOrphaned]]),
    ("keep_unit", &[BODY, JSON, CHANGE, EXISTING, &[Code::UnitNotClosing, Code::UnitOrphaned]]),
    ("split_unit", &[CHANGE, EXISTING, ROW, SUCCESSION, &[Code::UnitTwice, Code::UnitCodeTaken]]),
    ("merge_units", &[CHANGE, EXISTING, SUCCESSION, &[Code::UnitTwice]]),
    ("move_unit", &[CHANGE, EXISTING, ROW, &[Code::UnitCodeTaken, Code::UnitHasSubunits]]),
    ("begin_import", &[&[Code::ImportsFull, Code::OutOfBounds]]),
    ("list_imports", &[JOURNAL]),
    ("get_import", &[JOURNAL, &[Code::ImportNotFound]]),
    (
        "get_findings",
        &[&[
            Code::ImportNotFound,
            Code::Overloaded,
            Code::NotDurable,
            Code::Stopping,
            Code::DiskFull,
        ]],
    ),
    (
        "stage_units",
        &[STAGE, &[Code::UnitIncoherent, Code::ImportOfOtherKind, Code::OrganisationFull]],
    ),
    ("stage_text", &[STAGE]),
    (
        "commit_import",
        &[
            BODY,
            JSON,
            CATALOGUE,
            &[
                Code::ImportNotFound,
                Code::ImportEmpty,
                Code::UnitOrphaned,
                Code::UnitNeedsSuccessor,
                Code::UnitHasSubunits,
                Code::UnitCodeTaken,
                Code::UnitTwice,
                Code::UnitInCircle,
                Code::UnitChangedTooOften,
                Code::SuccessorNotFound,
                Code::SuccessorUnfit,
                Code::OrganisationStale,
                Code::TooMuchAtOnce,
            ],
        ],
    ),
    ("abandon_import", &[BODY, JSON, &[Code::ImportNotFound]]),
    ("get_config", &[JOURNAL]),
    ("get_config_history", &[JOURNAL]),
    ("propose_config", &[CATALOGUE_TEXT, STAGE, &[Code::ImportsFull, Code::OutOfBounds]]),
    ("list_proposals", &[JOURNAL]),
    ("get_proposal", &[JOURNAL, &[Code::ImportNotFound]]),
    ("apply_proposal", &[BODY, JSON, CATALOGUE, &[Code::ImportNotFound]]),
    ("validate_config", &[CATALOGUE_TEXT]),
    ("advance_clock", &[&[Code::AtNotDriven, Code::AtBeforeNow, Code::SourceTaken]]),
    ("get_me", &[]),
    ("get_build", &[]),
    ("get_health", &[]),
    // Its 503 is no problem but its answer.
    ("get_ready", &[]),
    ("get_metrics", &[]),
    ("get_openapi", &[]),
    ("get_docs", &[]),
];

/// All that the operation can go wrong with, in the order of [`Code::ALL`]; none for one that the
/// table does not know.
pub(super) fn of(operation: &str, shape: &Shape) -> Option<Vec<Code>> {
    let (_, own) = TABLE.iter().find(|(name, _)| *name == operation)?;
    let is_stream = operation == "post_commands";
    let mut groups: Vec<&[Code]> = own.to_vec();
    if operation != "get_health" && operation != "get_ready" {
        groups.push(ANY);
    }
    if shape.needs_token {
        groups.push(TOKEN);
        if shape.is_for_admins {
            groups.push(ADMIN);
        } else if !WITHOUT_SCOPE.contains(&operation) {
            groups.push(SCOPE);
        }
        groups.push(if shape.is_write { WRITE } else { READ });
        if !shape.is_write {
            // Also where it takes no parameter: one that it has not is refused.
            groups.push(&[Code::InvalidQuery]);
        }
    }
    if shape.has_path {
        groups.push(&[Code::InvalidPath]);
    }
    if shape.body.is_some() {
        groups.push(BODY);
    }
    match shape.body.as_deref() {
        Some("text/plain") => groups.push(&[Code::BadUtf8]),
        // What is no text in it is told by its lines.
        Some("application/toml") => {}
        Some(_) if !is_stream => groups.push(JSON),
        Some(_) | None => {}
    }
    let is_told = |code: &Code| groups.iter().any(|group| group.contains(code));
    // A stream has no key of its own: its lines have.
    let is_lines = |code: &Code| {
        is_stream && matches!(code, Code::KeyReused | Code::InvalidHeader | Code::PrincipalRevoked)
    };
    Some(Code::ALL.iter().copied().filter(is_told).filter(|code| !is_lines(code)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_is_an_operation() {
        let document = crate::api::document::document();
        let names: Vec<String> = crate::api::document::operations(&document)
            .map(|(.., operation)| operation["operationId"].as_str().unwrap().to_owned())
            .collect();
        for (name, _) in TABLE {
            assert!(names.iter().any(|known| known == name), "{name} is no operation");
        }
        for name in &names {
            assert!(TABLE.iter().any(|(known, _)| known == name), "{name} has no row");
        }
    }
}
