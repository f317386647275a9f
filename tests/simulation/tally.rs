//! How often each thing happened; a simulation in which something never happens proves nothing
//! about it.

use std::collections::BTreeMap;

use zhida::journal::medium::simulated::Faults;

/// Counts by kind and name.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    counts: BTreeMap<(&'static str, &'static str), u64>,
}

/// What the engine is made to go through.
pub(crate) const TRIALS: &[&str] = &[
    "turn",
    "turn of many commands",
    "turn with a batch",
    "roll",
    "reply lost",
    "lists read on both sides of a turn",
    "sealed part opened",
    "no key is ready",
    "fill of the vault fails",
    "power cut in a fill of the vault",
    "question by key",
    "append fails: disk full",
    "append fails: not durable",
    "refused while failing",
    "durable on a further try",
    "power cut at rest",
    "power cut before the commit",
    "power cut after the commit, before the reply",
    "power cut while failing",
    "stop while failing",
    "clean stop",
    "unit closed by its moment",
    "cases inherited by a moment",
];

/// And where the journal is in memory.
pub(crate) const MEMORY: Also = Also(&[MANUAL_TRIALS, MANUAL_REFUSALS]);

/// And on the store.
pub(crate) const STORE: Also = Also(&[MANUAL_TRIALS, MANUAL_REFUSALS, STORE_TRIALS, STORE_FAULTS]);

/// And on a driven clock.
pub(crate) const DRIVEN: Also = Also(&[
    ("trial", &["turn that its timers ended"]),
    ("accepted", &["advance_clock"]),
    ("refused", &["at_before_now"]),
    ("event", &["clock.advanced"]),
]);

/// What one kind of engine goes through besides.
#[derive(Clone, Copy)]
pub(crate) struct Also(&'static [Names]);

/// Names of one kind.
type Names = (&'static str, &'static [&'static str]);

const MANUAL_TRIALS: Names = ("trial", &["turn with commands and timers"]);
const MANUAL_REFUSALS: Names = ("refused", &["at_not_driven"]);

const STORE_FAULTS: Names = (
    "fault",
    &[
        "sync failed",
        "sync of the names failed",
        "write refused, disk full",
        "power cut",
        "power cut after a sync that failed and one that did not",
        "write lost",
        "write kept",
        "write torn",
        "name lost",
        "name kept",
        "process killed",
    ],
);

const STORE_TRIALS: Names = (
    "trial",
    &[
        "fold",
        "fold fails",
        "power cut in a fold",
        "start from a snapshot",
        "start without a snapshot",
        "damaged snapshot passed over",
    ],
);

pub(crate) const COMMANDS: &[&str] = &[
    "open_journal",
    "admit_client",
    "revoke_client",
    "change_client",
    "rotate_client",
    "begin_import",
    "stage_units",
    "stage_matters",
    "stage_text",
    "commit_import",
    "abandon_import",
    "report_case",
    "acknowledge_case",
    "escalate_case",
    "handle_case",
    "close_case",
    "reveal_case",
    "hand_down_case",
    "transfer_case",
    "return_case",
    "decline_case",
    "reopen_case",
    "void_case",
    "note_case",
    "open_unit",
    "change_unit",
    "close_unit",
    "keep_unit",
    "split_unit",
    "merge_units",
    "move_unit",
];

pub(crate) const STATUSES: &[&str] =
    &["dispatched", "acknowledged", "handled", "closed", "declined", "voided"];

pub(crate) const EVENTS: &[&str] = &[
    "journal.opened",
    "client.admitted",
    "client.revoked",
    "client.changed",
    "client.rotated",
    "import.begun",
    "import.units_staged",
    "import.matters_staged",
    "import.text_staged",
    "import.committed",
    "import.abandoned",
    "case.reported",
    "case.settled",
    "case.acknowledged",
    "case.escalated",
    "case.handled",
    "case.closed",
    "case.warned",
    "case.overdue",
    "case.revealed",
    "case.handed_down",
    "case.transferred",
    "case.returned",
    "case.declined",
    "case.voided",
    "case.reopened",
    "case.noted",
    "cases.inherited",
    "unit.opened",
    "unit.changed",
    "unit.closed",
    "unit.closing",
    "unit.kept",
    "unit.moved",
    "units.renumbered",
];

pub(crate) const REFUSALS: &[&str] = &[
    "principal_revoked",
    "needs_admin",
    "key_reused",
    "case_not_found",
    "ref_unknown",
    "move_not_allowed",
    "version_stale",
    "not_the_holder",
    "unit_missing",
    "unit_not_found",
    "place_not_found",
    "place_too_high",
    "matter_not_found",
    "matter_retired",
    "matter_twice",
    "matter_has_open_cases",
    "config_stale",
    "import_incomplete",
    "import_of_other_kind",
    "not_on_the_spot",
    "source_number_taken",
    "occurred_in_future",
    "client_name_taken",
    "client_not_found",
    "last_admin",
    "import_not_found",
    "imports_full",
    "rows_out_of_bounds",
    "import_empty",
    "unit_incoherent",
    "unit_orphaned",
    "unit_needs_successor",
    "journal_open",
    "unit_closed",
    "unit_closes_in_past",
    "unit_not_closing",
    "scope_missing",
    "token_expired",
    "range_unknown",
    "admin_within",
    "expires_in_past",
    "claimant_confidential",
    "out_of_bounds",
    "token_taken",
    "no_holder",
    "settler_not_the_holder",
    "needs_centre",
    "to_not_found",
    "to_closed",
    "to_is_holder",
    "to_unfit",
    "organisation_stale",
    "unit_not_known",
    "unit_not_open",
    "unit_code_taken",
    "unit_twice",
    "unit_in_circle",
    "unit_has_subunits",
    "unit_closes_elsewhere",
    "successor_not_found",
    "successor_unfit",
];

impl Tally {
    pub(crate) fn add(&mut self, kind: &'static str, name: &'static str) {
        *self.counts.entry((kind, name)).or_default() += 1;
    }

    pub(crate) fn trial(&mut self, name: &'static str) {
        self.add("trial", name);
    }

    /// Counts what befell a disk.
    pub(crate) fn faults(&mut self, faults: Faults) {
        for (name, times) in faults.all() {
            *self.counts.entry(("fault", name)).or_default() += times;
        }
    }

    /// Prints the table, and gives what should have happened and did not.
    pub(crate) fn report(&self, also: Also) -> Vec<String> {
        let kinds = [
            ("trial", TRIALS),
            ("accepted", COMMANDS),
            ("known", &["again"][..]),
            ("refused", REFUSALS),
            ("event", EVENTS),
            ("status", STATUSES),
        ];
        let kinds = [&kinds[..], also.0].concat();
        let mut missing = Vec::new();
        for (kind, names) in &kinds {
            for name in *names {
                let count = self.counts.get(&(*kind, *name)).copied().unwrap_or(0);
                eprintln!("{kind:9} {name:56} {count:9}");
                if count == 0 {
                    missing.push(format!("{kind} {name}"));
                }
            }
        }
        for ((kind, name), count) in &self.counts {
            let is_listed = kinds.iter().any(|(one, names)| one == kind && names.contains(name));
            if !is_listed {
                eprintln!("{kind:9} {name:56} {count:9}");
            }
        }
        missing
    }
}
