//! What each operation asks of whoever comes. An operation, or a command of a stream, without a row
//! fails.

/// What an operation asks.
#[derive(Clone, Copy)]
pub(super) enum Needs {
    /// Nothing at all.
    Nothing,
    /// Some token.
    Token,
    /// A token that has changed something: else that.
    Writer(u16, &'static str),
    /// A token with that scope.
    Scope(&'static str),
    /// The same, and that what is meant lies in its places: else that.
    Place(&'static str, u16, &'static str),
    /// A token with that scope, and the whole city for its place.
    City(&'static str),
}

/// What each operation asks, by its id. A line of a stream asks what its command's address asks.
pub(super) fn needs(operation: &str) -> Option<Needs> {
    Some(match operation {
        "get_health" | "get_ready" | "get_metrics" | "get_openapi" | "get_docs" => Needs::Nothing,
        "get_me" | "get_build" | "get_matters" => Needs::Token,
        // Who may not change anything has no outcome to ask for.
        "get_outcome" => Needs::Writer(404, "outcome_unknown"),
        "get_events" | "get_organisation" | "list_cases" | "find_units" | "export_units" => {
            Needs::Scope("read")
        }
        "get_counts" => Needs::City("read"),
        "get_case" | "get_timeline" | "get_targets" => Needs::Place("read", 404, "case_not_found"),
        "get_unit" | "get_children" | "get_ancestors" | "get_modules" | "get_inbox"
        | "get_queue" | "get_watch" | "get_unit_counts" => {
            Needs::Place("read", 404, "unit_unknown")
        }
        // The stream that is sent has one line: a report.
        "report_case" | "post_commands" => Needs::Place("intake", 422, "place_not_found"),
        "acknowledge_case" | "escalate_case" | "handle_case" | "close_case" | "hand_down_case"
        | "transfer_case" | "return_case" | "decline_case" | "reopen_case" | "void_case"
        | "note_case" | "reveal_case" => Needs::Place("act", 404, "case_not_found"),
        "list_clients" | "admit_client" | "get_client" | "change_client" | "rotate_client"
        | "revoke_client" | "list_imports" | "begin_import" | "get_import" | "get_findings"
        | "stage_units" | "stage_text" | "commit_import" | "abandon_import" | "open_unit"
        | "change_unit" | "close_unit" | "keep_unit" | "split_unit" | "merge_units"
        | "move_unit" | "get_config" | "get_config_history" | "list_proposals"
        | "propose_config" | "get_proposal" | "apply_proposal" | "validate_config"
        | "advance_clock" | "get_records" => Needs::Scope("admin"),
        _ => return None,
    })
}
