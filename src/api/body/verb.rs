//! The commands that can be spoken, and the fields that each has.

use crate::domain::case::Move;
use crate::domain::grant::Scope;

/// A change of the organisation, without what it changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reshape {
    /// `open_unit`
    Open,
    /// `change_unit`
    Amend,
    /// `close_unit`
    Close,
    /// `keep_unit`
    Keep,
    /// `split_unit`
    Split,
    /// `merge_units`
    Merge,
    /// `move_unit`
    Move,
}

/// A command that can be spoken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Verb {
    /// `report_case`
    ReportCase,
    /// `acknowledge_case`, `escalate_case` and so on: one a move.
    Case(Move),
    /// `open_unit`, `close_unit` and so on.
    Organisation(Reshape),
    /// `advance_clock`
    AdvanceClock,
    /// `admit_client`: not on a stream, since its token is shown once; nor are the others of a
    /// client.
    AdmitClient,
    /// `change_client`
    ChangeClient,
    /// `rotate_client`
    RotateClient,
    /// `revoke_client`
    RevokeClient,
    /// `reveal_case`: not on a stream, since what it reveals is shown once.
    RevealCase,
    /// `begin_import`
    BeginImport,
    /// `stage_units`
    StageUnits,
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
    ("hand_down_case", Verb::Case(Move::HandDown)),
    ("transfer_case", Verb::Case(Move::Transfer)),
    ("return_case", Verb::Case(Move::Return)),
    ("decline_case", Verb::Case(Move::Decline)),
    ("reopen_case", Verb::Case(Move::Reopen)),
    ("void_case", Verb::Case(Move::Void)),
    ("note_case", Verb::Case(Move::Note)),
    ("open_unit", Verb::Organisation(Reshape::Open)),
    ("change_unit", Verb::Organisation(Reshape::Amend)),
    ("close_unit", Verb::Organisation(Reshape::Close)),
    ("keep_unit", Verb::Organisation(Reshape::Keep)),
    ("split_unit", Verb::Organisation(Reshape::Split)),
    ("merge_units", Verb::Organisation(Reshape::Merge)),
    ("move_unit", Verb::Organisation(Reshape::Move)),
    ("advance_clock", Verb::AdvanceClock),
    ("begin_import", Verb::BeginImport),
    ("stage_units", Verb::StageUnits),
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

    /// The scope that its address needs. What it says may need more: the rules have the last word.
    #[must_use]
    pub const fn scope(self) -> Scope {
        match self {
            Self::ReportCase => Scope::Intake,
            Self::Case(_) | Self::RevealCase => Scope::Act,
            Self::AdvanceClock
            | Self::Organisation(_)
            | Self::AdmitClient
            | Self::ChangeClient
            | Self::RotateClient
            | Self::RevokeClient
            | Self::BeginImport
            | Self::StageUnits
            | Self::StageText
            | Self::CommitImport
            | Self::AbandonImport => Scope::Admin,
        }
    }

    /// Whether it says what it was decided upon: by `If-Match`, or on a line by `seen`.
    #[must_use]
    pub const fn needs_seen(self) -> bool {
        matches!(self, Self::Organisation(_) | Self::CommitImport)
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
            Self::Case(
                Move::Escalate | Move::Return | Move::Decline | Move::Reopen | Move::Void,
            ) => &["by", "reason"],
            Self::Case(Move::HandDown | Move::Transfer) => &["by", "to", "reason"],
            Self::Case(Move::Note) => &["by", "note"],
            Self::Organisation(Reshape::Open | Reshape::Amend) => &["row"],
            Self::Organisation(Reshape::Close) => &["successor", "valid_until"],
            Self::Organisation(Reshape::Split) => &["rows", "successor"],
            Self::Organisation(Reshape::Merge) => &["units"],
            Self::Case(Move::Handle) => &["by", "measures"],
            Self::Case(Move::Close) => &["by", "answer"],
            Self::Organisation(Reshape::Move) | Self::AdvanceClock => &["to"],
            Self::AdmitClient => &["name", "scopes", "within", "quota_per_minute", "expires_at"],
            Self::ChangeClient => &["scopes", "within", "quota_per_minute", "expires_at"],
            Self::RotateClient => &["overlap_hours"],
            Self::RevealCase => &["by", "fields", "purpose", "ticket"],
            Self::BeginImport => &["origin"],
            Self::StageUnits => &["rows"],
            Self::StageText => &["text"],
            Self::Organisation(Reshape::Keep)
            | Self::RevokeClient
            | Self::CommitImport
            | Self::AbandonImport => &[],
        }
    }

    /// The fields that a line has for what an address says elsewhere.
    #[must_use]
    pub const fn address_fields(self) -> &'static [&'static str] {
        match self {
            Self::Case(_) => &["case", "version"],
            Self::Organisation(Reshape::Open) => &["seen"],
            Self::Organisation(_) => &["unit", "seen"],
            Self::CommitImport => &["import", "seen"],
            Self::StageUnits | Self::StageText | Self::AbandonImport => &["import"],
            Self::ReportCase
            | Self::AdvanceClock
            | Self::AdmitClient
            | Self::ChangeClient
            | Self::RotateClient
            | Self::RevokeClient
            | Self::RevealCase
            | Self::BeginImport => &[],
        }
    }
}
