//! The commands that can be spoken, and the fields that each has.

use crate::domain::case::Move;

/// A command that can be spoken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Verb {
    /// `report_case`
    ReportCase,
    /// `acknowledge_case`, `escalate_case`, `handle_case`, `close_case`
    Case(Move),
    /// `advance_clock`
    AdvanceClock,
    /// `admit_client`: not on a stream, since its token is shown once.
    AdmitClient,
    /// `begin_import`
    BeginImport,
    /// `stage_units`
    StageUnits,
    /// `stage_matters`
    StageMatters,
    /// `stage_text`
    StageText,
    /// `commit_import`
    CommitImport,
    /// `abandon_import`
    AbandonImport,
}

/// The commands of a stream, by name.
pub const STREAM_VERBS: &[(&str, Verb)] = &[
    ("report_case", Verb::ReportCase),
    ("acknowledge_case", Verb::Case(Move::Acknowledge)),
    ("escalate_case", Verb::Case(Move::Escalate)),
    ("handle_case", Verb::Case(Move::Handle)),
    ("close_case", Verb::Case(Move::Close)),
    ("advance_clock", Verb::AdvanceClock),
    ("begin_import", Verb::BeginImport),
    ("stage_units", Verb::StageUnits),
    ("stage_matters", Verb::StageMatters),
    ("stage_text", Verb::StageText),
    ("commit_import", Verb::CommitImport),
    ("abandon_import", Verb::AbandonImport),
];

/// What every line may have beside its command's own fields.
pub const LINE_FIELDS: &[&str] = &["command", "key", "at"];

impl Verb {
    /// The command of that name on a stream.
    #[must_use]
    pub fn of_stream(name: &str) -> Option<Self> {
        STREAM_VERBS.iter().find(|(known, _)| *known == name).map(|(_, verb)| *verb)
    }

    /// The fields of its body.
    #[must_use]
    pub const fn fields(self) -> &'static [&'static str] {
        match self {
            Self::ReportCase => &[
                "by",
                "matter",
                "place",
                "source",
                "source_number",
                "occurred_at",
                "claimant",
                "text",
                "settle",
            ],
            Self::Case(Move::Acknowledge) => &["by"],
            Self::Case(Move::Escalate) => &["by", "reason"],
            Self::Case(Move::Handle) => &["by", "measures"],
            Self::Case(Move::Close) => &["by", "answer"],
            Self::AdvanceClock => &["to"],
            Self::AdmitClient => &["name", "admin", "within"],
            Self::BeginImport => &["origin"],
            Self::StageUnits | Self::StageMatters => &["rows"],
            Self::StageText => &["text"],
            Self::CommitImport | Self::AbandonImport => &[],
        }
    }

    /// The fields that a line has for what an address says elsewhere.
    #[must_use]
    pub const fn address_fields(self) -> &'static [&'static str] {
        match self {
            Self::Case(_) => &["case", "version"],
            Self::StageUnits
            | Self::StageMatters
            | Self::StageText
            | Self::CommitImport
            | Self::AbandonImport => &["import"],
            Self::ReportCase | Self::AdvanceClock | Self::AdmitClient | Self::BeginImport => &[],
        }
    }
}
