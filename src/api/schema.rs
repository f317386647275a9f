//! The bodies that clients write, for the OpenAPI document. They are read elsewhere, by hand and
//! without a copy; a test compares the fields.

#![expect(dead_code, reason = "these describe; nothing is made of them")]

use utoipa::ToSchema;

/// A report.
#[derive(ToSchema)]
pub(super) struct ReportCase {
    /// The unit acted for; needed where the case is settled on the spot.
    by: Option<String>,
    /// The matter's code.
    #[schema(example = "PS-001")]
    matter: String,
    /// The grid, or the lowest unit known.
    #[schema(example = "411502001001001")]
    place: String,
    /// `patrol`, `resident`, `hotline`, `department` or `sensor`.
    #[schema(example = "patrol")]
    source: String,
    /// The number that the source gave it: unique within the source.
    #[schema(max_length = 64)]
    source_number: Option<String>,
    /// When it happened, where that is not now.
    #[schema(format = DateTime)]
    occurred_at: Option<String>,
    /// Who claims. Sealed.
    claimant: Option<Claimant>,
    /// What is the matter. Sealed.
    #[schema(max_length = 4000)]
    text: String,
    /// Where its holder settled it on the spot.
    settle: Option<Settle>,
}

/// Who claims: at least one of these.
#[derive(ToSchema)]
pub(super) struct Claimant {
    /// At most 120 bytes of UTF-8.
    name: Option<String>,
    /// At most 40 bytes.
    phone: Option<String>,
    /// At most 600 bytes of UTF-8.
    address: Option<String>,
}

/// How it was settled on the spot.
#[derive(ToSchema)]
pub(super) struct Settle {
    /// What the claimant is told. Sealed.
    #[schema(max_length = 4000)]
    answer: String,
}

/// Signing for a case.
#[derive(ToSchema)]
pub(super) struct AcknowledgeCase {
    /// The unit acted for: the holder.
    by: String,
}

/// A move that needs a reason: sending a case up or back, ending it, opening it again.
#[derive(ToSchema)]
pub(super) struct ReasonedMove {
    /// The unit acted for.
    by: String,
    /// Why. Sealed.
    #[schema(max_length = 4000)]
    reason: String,
}

/// Sending a case to another unit.
#[derive(ToSchema)]
pub(super) struct SendCase {
    /// The unit acted for: the holder.
    by: String,
    /// The unit that gets the case.
    to: String,
    /// Why. Sealed.
    #[schema(max_length = 4000)]
    reason: String,
}

/// Putting a note to a case.
#[derive(ToSchema)]
pub(super) struct NoteCase {
    /// The unit acted for.
    by: String,
    /// What it says. Sealed.
    #[schema(max_length = 4000)]
    note: String,
}

/// Saying that a case is dealt with.
#[derive(ToSchema)]
pub(super) struct HandleCase {
    /// The unit acted for: the holder.
    by: String,
    /// What was done. Sealed.
    #[schema(max_length = 4000)]
    measures: String,
}

/// Closing a case.
#[derive(ToSchema)]
pub(super) struct CloseCase {
    /// The unit acted for: the holder.
    by: String,
    /// What the claimant is told. Sealed.
    #[schema(max_length = 4000)]
    answer: String,
}

/// Moving a driven clock on.
#[derive(ToSchema)]
pub(super) struct AdvanceClock {
    /// Not before now.
    #[schema(format = DateTime)]
    to: String,
}

/// A client to be admitted.
#[derive(ToSchema)]
pub(super) struct NewClient {
    /// Unique, at most 120 bytes of UTF-8.
    #[schema(example = "grid-app")]
    name: String,
    /// `intake`, `act`, `read`, `directive`, `admin`: at least one. `admin` holds all others.
    #[schema(example = json!(["intake", "act", "read"]))]
    scopes: Vec<String>,
    /// The units whose subtrees exist for it, at most 16; everywhere, without it.
    #[schema(example = json!(["411502000000"]))]
    within: Option<Vec<String>>,
    /// Commands and reads a minute, at most 6,000,000; as many as it likes, without it.
    quota_per_minute: Option<u32>,
    /// From when its tokens are worth nothing; never, without it.
    #[schema(format = DateTime)]
    expires_at: Option<String>,
}

/// What a client may do from now on, all of it anew.
#[derive(ToSchema)]
pub(super) struct ChangeClient {
    /// See `NewClient`.
    #[schema(example = json!(["read"]))]
    scopes: Vec<String>,
    /// See `NewClient`.
    within: Option<Vec<String>>,
    /// See `NewClient`.
    quota_per_minute: Option<u32>,
    /// See `NewClient`.
    #[schema(format = DateTime)]
    expires_at: Option<String>,
}

/// A client's next token.
#[derive(ToSchema)]
pub(super) struct RotateClient {
    /// How long its newest token lives on beside the next one: 0 to 168, 24 without it.
    overlap_hours: Option<u32>,
}

/// What of a claimant is to be shown in plain, and what for.
#[derive(ToSchema)]
pub(super) struct RevealCase {
    /// The unit acted for.
    by: Option<String>,
    /// `name`, `phone`, `address`: at least one.
    #[schema(example = json!(["phone"]))]
    fields: Vec<String>,
    /// What for, in at most 120 bytes of UTF-8 without anything personal: it is not sealed.
    #[schema(example = "回访")]
    purpose: String,
    /// The number of the paper that asks for it: printable ASCII.
    #[schema(max_length = 64)]
    ticket: Option<String>,
}

/// An import to begin.
#[derive(ToSchema)]
pub(super) struct BeginImport {
    /// Where the rows come from: a file's name.
    origin: String,
}

/// A unit's row.
#[derive(ToSchema)]
pub(super) struct UnitRow {
    /// 12 digits, 15 for a grid; 12, `-`, a letter and 2 digits for any other: `R` a governance room,
    /// `D` a department, `B` an office, `S` a stationed body, `T` a task force, `H` a headquarters.
    code: String,
    /// `division`, `grid`, `governance_room`, `department`, `office`, `stationed`, `task_force` or
    /// `headquarters`.
    kind: String,
    /// In Chinese, at most 120 bytes of UTF-8.
    name: String,
    /// Whom it answers to, where that is not the division that it sits in or at.
    reports_to: Option<String>,
    /// What an office owns, or a department is the counterpart for.
    modules: Option<Vec<String>>,
    /// From when it exists.
    #[schema(format = DateTime)]
    valid_from: Option<String>,
    /// From when it exists no more. A later moment is told ahead: the unit works on until then.
    #[schema(format = DateTime)]
    valid_until: Option<String>,
    /// Who takes over its open work, where it closes.
    successor: Option<String>,
}

/// A unit to open, or what a unit is to be.
#[derive(ToSchema)]
pub(super) struct UnitChange {
    /// The unit, whole.
    row: UnitRow,
}

/// Closing a unit.
#[derive(ToSchema)]
pub(super) struct CloseUnit {
    /// Who takes over its open work; needed where it holds open cases, and where it closes later.
    successor: Option<String>,
    /// From when it exists no more: a later moment; at once, without it.
    #[schema(format = DateTime)]
    valid_until: Option<String>,
}

/// Splitting a unit.
#[derive(ToSchema)]
pub(super) struct SplitUnit {
    /// What opens in its place: 2 to 50 units of its kind and level.
    #[schema(min_items = 2, max_items = 50)]
    rows: Vec<UnitRow>,
    /// Who takes over its open work: one of those, or another unit.
    successor: String,
}

/// Merging units into one.
#[derive(ToSchema)]
pub(super) struct MergeUnits {
    /// Those that close: 1 to 50 of its kind and level.
    #[schema(min_items = 1, max_items = 50)]
    units: Vec<String>,
}

/// Moving a unit.
#[derive(ToSchema)]
pub(super) struct MoveUnit {
    /// The code that it gets.
    to: String,
}

/// A matter's row.
#[derive(ToSchema)]
pub(super) struct Matter {
    /// At most 16 letters, digits and `-`.
    code: String,
    /// In Chinese, at most 120 bytes of UTF-8.
    name: String,
    /// Its class within the module.
    class: String,
    /// One of the ten modules.
    module: String,
    /// `grid`, `village` or `township`.
    home: String,
    /// `normal`, `urgent` or `emergency`.
    severity: String,
    /// What each holder has.
    node_limit: Limit,
    /// What the whole case has.
    total_limit: Limit,
    /// Whether its holder may report and settle it in one call.
    on_the_spot: bool,
    /// Whether it may be shown in public.
    public: bool,
    /// Whether its claimant is hidden from the handlers.
    confidential: bool,
    /// Whether its clocks start when it happened.
    from_occurrence: bool,
}

/// A limit of a clock.
#[derive(ToSchema)]
pub(super) struct Limit {
    /// Hours that run day and night.
    calendar_hours: u32,
}

/// One line of a stream: the command's name, its fields, and what an address says elsewhere.
#[derive(ToSchema)]
pub(super) struct CommandLine {
    /// What to do: called as the operation of its own address is.
    #[schema(example = "acknowledge_case")]
    command: String,
    /// What makes the command known again: printable ASCII.
    #[schema(max_length = 64)]
    key: Option<String>,
    /// The command's own time: on a driven clock only. Every deadline that it passes fires first,
    /// and then the command is decided at that time: the clock has moved there even where a rule
    /// refuses the command. A line that cannot be read, comes with a known or a reused key, lies
    /// before the clock or belongs to a revoked token moves nothing.
    #[schema(format = DateTime)]
    at: Option<String>,
    /// The case: its number, `{"key"}` or `{"source","number"}`.
    case: Option<CaseReference>,
    /// The version that the case was seen at.
    version: Option<u32>,
    /// The import.
    import: Option<u32>,
    /// The unit acted for.
    by: Option<String>,
    /// See `ReportCase`.
    matter: Option<String>,
    /// See `ReportCase`.
    place: Option<String>,
    /// See `ReportCase`.
    source: Option<String>,
    /// See `ReportCase`.
    source_number: Option<String>,
    /// See `ReportCase`.
    #[schema(format = DateTime)]
    occurred_at: Option<String>,
    /// See `ReportCase`.
    claimant: Option<Claimant>,
    /// See `ReportCase`; for `stage_text` the text.
    text: Option<String>,
    /// See `ReportCase`.
    settle: Option<Settle>,
    /// See `ReasonedMove` and `SendCase`.
    reason: Option<String>,
    /// See `NoteCase`.
    note: Option<String>,
    /// See `HandleCase`.
    measures: Option<String>,
    /// See `CloseCase`.
    answer: Option<String>,
    /// See `AdvanceClock`, `SendCase` and `MoveUnit`.
    to: Option<String>,
    /// The unit that changes, or into which others are merged.
    unit: Option<String>,
    /// The version that the organisation was seen at, or for a proposal's commit the configuration:
    /// refused when it has another. Required where the address needs `If-Match`.
    seen: Option<SeenVersion>,
    /// See `UnitChange`.
    row: Option<UnitRow>,
    /// See `CloseUnit` and `SplitUnit`.
    successor: Option<String>,
    /// See `CloseUnit`.
    #[schema(format = DateTime)]
    valid_until: Option<String>,
    /// See `MergeUnits`.
    units: Option<Vec<String>>,
    /// See `BeginImport`.
    origin: Option<String>,
    /// Units or matters, at most 200.
    #[schema(value_type = Option<Vec<UnitRow>>)]
    rows: Option<Vec<UnitRow>>,
}

/// The version that was seen.
#[derive(serde::Serialize, ToSchema)]
#[serde(untagged)]
pub(super) enum SeenVersion {
    /// That one: `seq` of `GET /v1/organisation`, or of `GET /v1/config`.
    Version(u64),
    /// `*`: whichever it has.
    Any(String),
}

/// How a line names a case.
#[derive(serde::Serialize, ToSchema)]
#[serde(untagged)]
pub(super) enum CaseReference {
    /// By its number.
    Number(u32),
    /// By the report's idempotency key.
    Key(KeyReference),
    /// By the number that its source gave it.
    Source(SourceReference),
}

/// By the report's idempotency key.
#[derive(serde::Serialize, ToSchema)]
pub(super) struct KeyReference {
    /// The key.
    key: String,
}

/// By the number that its source gave it.
#[derive(serde::Serialize, ToSchema)]
pub(super) struct SourceReference {
    /// Which source.
    source: String,
    /// Its number.
    number: String,
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use utoipa::PartialSchema;

    use super::*;
    use crate::api::body::{LINE_FIELDS, Reshape, STREAM_VERBS, Verb};
    use crate::domain::case::Move;

    fn properties<T: PartialSchema>() -> BTreeSet<String> {
        let schema = serde_json::to_value(T::schema()).unwrap();
        schema["properties"].as_object().unwrap().keys().cloned().collect()
    }

    fn fields(verb: Verb) -> BTreeSet<String> {
        verb.fields().iter().map(|field| (*field).to_owned()).collect()
    }

    #[test]
    fn what_is_described_is_what_is_read() {
        assert_eq!(properties::<ReportCase>(), fields(Verb::ReportCase));
        assert_eq!(properties::<AcknowledgeCase>(), fields(Verb::Case(Move::Acknowledge)));
        assert_eq!(properties::<ReasonedMove>(), fields(Verb::Case(Move::Escalate)));
        assert_eq!(properties::<HandleCase>(), fields(Verb::Case(Move::Handle)));
        assert_eq!(properties::<CloseCase>(), fields(Verb::Case(Move::Close)));
        assert_eq!(properties::<SendCase>(), fields(Verb::Case(Move::Transfer)));
        assert_eq!(properties::<NoteCase>(), fields(Verb::Case(Move::Note)));
        for (described, what) in [
            (properties::<UnitChange>(), Reshape::Open),
            (properties::<CloseUnit>(), Reshape::Close),
            (properties::<SplitUnit>(), Reshape::Split),
            (properties::<MergeUnits>(), Reshape::Merge),
            (properties::<MoveUnit>(), Reshape::Move),
        ] {
            assert_eq!(described, fields(Verb::Organisation(what)));
        }
        assert!(fields(Verb::Organisation(Reshape::Keep)).is_empty());
        assert_eq!(properties::<AdvanceClock>(), fields(Verb::AdvanceClock));
        assert_eq!(properties::<NewClient>(), fields(Verb::AdmitClient));
        assert_eq!(properties::<ChangeClient>(), fields(Verb::ChangeClient));
        assert_eq!(properties::<RotateClient>(), fields(Verb::RotateClient));
        assert_eq!(properties::<RevealCase>(), fields(Verb::RevealCase));
        assert_eq!(properties::<BeginImport>(), fields(Verb::BeginImport));
    }

    #[test]
    fn a_line_is_described_with_every_field() {
        let of = |(_, verb): &(&str, Verb)| [verb.fields(), verb.address_fields()].concat();
        let all: BTreeSet<String> = STREAM_VERBS
            .iter()
            .flat_map(of)
            .chain(LINE_FIELDS.iter().copied())
            .map(str::to_owned)
            .collect();
        assert_eq!(properties::<CommandLine>(), all);
    }

    #[test]
    fn rows_are_described_as_they_are_read() {
        let of = |fields: &[&str]| fields.iter().map(|field| (*field).to_owned()).collect();
        let unit: BTreeSet<String> = of(crate::rules::UnitText::FIELDS);
        let matter: BTreeSet<String> = of(crate::rules::MatterText::FIELDS);
        assert_eq!(properties::<UnitRow>(), unit);
        assert_eq!(properties::<Matter>(), matter);
    }
}
