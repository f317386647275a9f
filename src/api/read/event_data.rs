//! What an event says besides: one shape for each type of event, which the OpenAPI document tells.

use serde::Serialize;
use utoipa::ToSchema;

use super::events::EventNames;
use crate::api::admin::clients::GrantBody;
use crate::api::app::clock_name;
use crate::api::moment::{CodeText, Moment};
use crate::api::schema;
use crate::domain::case::ClaimantField;
use crate::domain::clock::Deadlines;
use crate::domain::event::{
    CaseFellDue, CaseReported, CaseRevealed, CaseSent, CasesInherited, Event, ImportCommitted,
    UnitClosed, UnitClosing,
};
use crate::domain::grant::Grant;
use crate::domain::ids::CaseId;
use crate::domain::record::Record;
use crate::rules::UnitText;

macro_rules! event_data {
    ($($kind:ident($data:ident): $($name:literal)+;)+) => {
        /// The `data` of an event, by its type.
        #[derive(Debug, Serialize, ToSchema)]
        #[serde(untagged)]
        pub(in crate::api) enum EventData {
            $(
                #[doc = concat!("Of ", $("`", $name, "` ",)+)]
                $kind($data),
            )+
        }

        /// Every type of event, with the schema of its `data`.
        pub(in crate::api) fn described() -> Vec<(&'static str, String)> {
            vec![$($(($name, <$data as ToSchema>::name().into_owned()),)+)+]
        }
    };
}

event_data! {
    JournalOpened(JournalOpenedData): "journal.opened";
    ClientGranted(ClientGrantedData): "client.admitted" "client.changed";
    ClientRotated(ClientRotatedData): "client.rotated";
    ClientRevoked(ClientRevokedData): "client.revoked";
    ImportBegun(ImportBegunData): "import.begun";
    RowsStaged(RowsStagedData): "import.units_staged" "import.matters_staged";
    TextStaged(TextStagedData): "import.text_staged";
    ImportCommitted(ImportCommittedData): "import.committed";
    ImportAbandoned(ImportAbandonedData): "import.abandoned";
    ClockAdvanced(ClockAdvancedData): "clock.advanced";
    CaseReported(CaseReportedData): "case.reported";
    CaseSent(CaseSentData): "case.escalated" "case.handed_down" "case.transferred" "case.returned" "case.reopened";
    CaseFellDue(CaseFellDueData): "case.warned" "case.overdue";
    CaseRevealed(CaseRevealedData): "case.revealed";
    Nothing(NoData): "case.settled" "case.acknowledged" "case.handled" "case.closed" "case.declined" "case.voided" "case.noted";
    CasesInherited(CasesInheritedData): "cases.inherited";
    UnitRow(UnitRowData): "unit.opened" "unit.changed";
    UnitClosed(UnitClosedData): "unit.closed" "unit.closing";
    UnitKept(UnitKeptData): "unit.kept";
    UnitMoved(UnitMovedData): "unit.moved";
    UnitsRenumbered(UnitsRenumberedData): "units.renumbered";
}

/// The journal began.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct JournalOpenedData {
    /// What its clock may do: `system`, `manual` or `driven`.
    clock: &'static str,
}

/// What a client may do from here on.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct ClientGrantedData {
    /// As its owners call it.
    name: String,
    #[serde(flatten)]
    grant: GrantBody,
}

/// A client has its next token.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct ClientRotatedData {
    /// As its owners call it.
    name: String,
    /// From when the token before it is worth nothing.
    #[schema(value_type = String, format = DateTime)]
    old_ends_at: Moment,
}

/// A client may act no more.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct ClientRevokedData {
    /// As its owners call it.
    name: String,
}

/// An import, or a proposal, began.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct ImportBegunData {
    /// Its number.
    import: u32,
    /// Where its rows come from.
    origin: String,
}

/// Rows of an import came.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct RowsStagedData {
    /// The import.
    import: u32,
    /// How many rows.
    rows: usize,
}

/// A part of an import's text came.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct TextStagedData {
    /// The import.
    import: u32,
    /// How many bytes.
    bytes: usize,
}

/// An import is in force.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct ImportCommittedData {
    /// Its number.
    import: u32,
    /// Matters that were not in force before; of a proposal only.
    #[serde(skip_serializing_if = "Option::is_none")]
    matters_added: Option<u32>,
    /// Matters that are another in some way; of a proposal only.
    #[serde(skip_serializing_if = "Option::is_none")]
    matters_changed: Option<u32>,
    /// Matters that are in force no more; of a proposal only.
    #[serde(skip_serializing_if = "Option::is_none")]
    matters_retired: Option<u32>,
}

/// An import is forgotten.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct ImportAbandonedData {
    /// Its number.
    import: u32,
}

/// A driven clock was moved on.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct ClockAdvancedData {
    /// What it says now.
    #[schema(value_type = String, format = DateTime)]
    to: Moment,
}

/// A case came, and was routed.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct CaseReportedData {
    /// The matter's code.
    matter: Option<String>,
    /// `normal`, `urgent` or `emergency`.
    severity: &'static str,
    /// Where it happened.
    #[schema(value_type = Option<String>)]
    place: Option<CodeText>,
    /// Who answers for it.
    #[schema(value_type = Option<String>)]
    holder: Option<CodeText>,
    /// The township's room holds it for want of a rule or an open grid.
    fallback: bool,
    /// Where it came from.
    source: &'static str,
    /// The number that its source gave it.
    source_number: Option<String>,
    /// When it happened, where the report said so.
    #[schema(value_type = Option<String>, format = DateTime)]
    occurred_at: Option<Moment>,
    /// Of both clocks.
    deadlines: DeadlinesBody,
}

/// Another unit holds the case.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct CaseSentData {
    /// Who answers for it from here on.
    #[schema(value_type = Option<String>)]
    holder: Option<CodeText>,
    /// Of both clocks.
    deadlines: DeadlinesBody,
}

/// When the clocks of a case turn yellow and red.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Deadlines)]
#[expect(clippy::struct_field_names, reason = "each is a moment, and is told by that name")]
pub(in crate::api) struct DeadlinesBody {
    /// When the holder's clock started.
    #[schema(value_type = String, format = DateTime)]
    node_started_at: Moment,
    /// When the holder's clock turns yellow.
    #[schema(value_type = String, format = DateTime)]
    node_warning_at: Moment,
    /// When the holder's clock turns red.
    #[schema(value_type = String, format = DateTime)]
    node_due_at: Moment,
    /// When the whole case's clock turns yellow.
    #[schema(value_type = String, format = DateTime)]
    total_warning_at: Moment,
    /// When the whole case's clock turns red.
    #[schema(value_type = String, format = DateTime)]
    total_due_at: Moment,
}

/// A clock of the case turned yellow, or red.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct CaseFellDueData {
    /// `node` or `total`.
    clock: &'static str,
    /// When that fell due; the event's own time is when the server came to it.
    #[schema(value_type = String, format = DateTime)]
    due_at: Moment,
}

/// Who claims was shown in plain.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct CaseRevealedData {
    /// What was asked for: `name`, `phone`, `address`.
    fields: Vec<&'static str>,
    /// What for.
    purpose: String,
    /// The number of the paper that asked for it.
    ticket: Option<String>,
}

/// Nothing besides; what was written is among the event's texts.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct NoData {}

/// A unit's open cases went to its successor.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct CasesInheritedData {
    /// Who held them.
    #[schema(value_type = Option<String>)]
    from: Option<CodeText>,
    /// Who answers for them from here on.
    #[schema(value_type = Option<String>)]
    holder: Option<CodeText>,
    /// Which of them the reader may see, at most 4,000; in a case's history that case alone.
    cases: Vec<u32>,
}

/// What a unit is from here on.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct UnitRowData {
    /// The row, whole.
    #[schema(value_type = schema::UnitRow)]
    row: UnitText,
}

/// A unit closed, or is told to.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct UnitClosedData {
    /// Which.
    #[schema(value_type = Option<String>)]
    unit: Option<CodeText>,
    /// Who takes over its open work.
    #[schema(value_type = Option<String>)]
    successor: Option<CodeText>,
    /// When.
    #[schema(value_type = String, format = DateTime)]
    valid_until: Moment,
}

/// A unit that was told to close at a later moment stays.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct UnitKeptData {
    /// Which.
    #[schema(value_type = Option<String>)]
    unit: Option<CodeText>,
}

/// A unit, and all that sits in it, has another code.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct UnitMovedData {
    /// The code that it had.
    #[schema(value_type = Option<String>)]
    from: Option<CodeText>,
    /// Its code from here on.
    #[schema(value_type = String)]
    to: CodeText,
}

/// The units are in the order of their codes again.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct UnitsRenumberedData {
    /// The numbering epoch that began.
    epoch: u32,
}

impl EventData {
    /// Of cases that an event lists, those that `shows` says.
    pub(super) fn of(names: &EventNames, record: &Record, shows: &dyn Fn(CaseId) -> bool) -> Self {
        match &record.event {
            Event::JournalOpened(event) => {
                Self::JournalOpened(JournalOpenedData { clock: clock_name(event.clock_mode) })
            }
            Event::ClientAdmitted(event) => granted(event.name.to_string(), &event.grant),
            Event::ClientChanged(event) => granted(names.client(event.principal), &event.grant),
            Event::ClientRotated(event) => Self::ClientRotated(ClientRotatedData {
                name: names.client(event.principal),
                old_ends_at: Moment(event.old_ends_at),
            }),
            Event::ClientRevoked(event) => {
                Self::ClientRevoked(ClientRevokedData { name: names.client(event.principal) })
            }
            Event::ImportBegun(event) => Self::ImportBegun(ImportBegunData {
                import: event.import.0,
                origin: event.origin.to_string(),
            }),
            Event::UnitsStaged(event) => rows_staged(event.import.0, event.rows.len()),
            Event::MattersStaged(event) => rows_staged(event.import.0, event.rows.len()),
            Event::TextStaged(event) => {
                Self::TextStaged(TextStagedData { import: event.import.0, bytes: event.text.len() })
            }
            Event::ImportCommitted(event) => committed(event),
            Event::ImportAbandoned(event) => {
                Self::ImportAbandoned(ImportAbandonedData { import: event.import.0 })
            }
            Event::ClockAdvanced(event) => {
                Self::ClockAdvanced(ClockAdvancedData { to: Moment(event.to) })
            }
            Event::CaseReported(event) => reported(names, record, event),
            Event::CaseEscalated(event)
            | Event::CaseHandedDown(event)
            | Event::CaseTransferred(event)
            | Event::CaseReturned(event)
            | Event::CaseReopened(event) => sent(names, record, event),
            Event::CaseWarned(event) | Event::CaseOverdue(event) => fell_due(event),
            Event::CaseRevealed(event) => revealed(event),
            Event::CasesInherited(event) => inherited(names, record, event, shows),
            Event::UnitOpened(event) => {
                Self::UnitRow(UnitRowData { row: UnitText::from(&event.row) })
            }
            Event::UnitChanged(event) => {
                Self::UnitRow(UnitRowData { row: UnitText::from(&event.row) })
            }
            Event::UnitClosed(UnitClosed { unit, successor, until })
            | Event::UnitClosing(UnitClosing { unit, successor, until }) => {
                Self::UnitClosed(UnitClosedData {
                    unit: names.unit(*unit, record),
                    successor: successor.and_then(|successor| names.unit(successor, record)),
                    valid_until: Moment(*until),
                })
            }
            Event::UnitKept(event) => {
                Self::UnitKept(UnitKeptData { unit: names.unit(event.unit, record) })
            }
            Event::UnitMoved(event) => Self::UnitMoved(UnitMovedData {
                from: names.left(event, record.at),
                to: CodeText(event.to),
            }),
            Event::UnitsRenumbered(event) => {
                Self::UnitsRenumbered(UnitsRenumberedData { epoch: event.epoch })
            }
            Event::CaseSettled(_)
            | Event::CaseAcknowledged(_)
            | Event::CaseHandled(_)
            | Event::CaseClosed(_)
            | Event::CaseDeclined(_)
            | Event::CaseVoided(_)
            | Event::CaseNoted(_) => Self::Nothing(NoData {}),
        }
    }
}

fn granted(name: String, grant: &Grant) -> EventData {
    EventData::ClientGranted(ClientGrantedData { name, grant: GrantBody::of(grant) })
}

fn rows_staged(import: u32, rows: usize) -> EventData {
    EventData::RowsStaged(RowsStagedData { import, rows })
}

fn committed(event: &ImportCommitted) -> EventData {
    EventData::ImportCommitted(ImportCommittedData {
        import: event.import.0,
        matters_added: event.catalogue.map(|replaced| replaced.added),
        matters_changed: event.catalogue.map(|replaced| replaced.changed),
        matters_retired: event.catalogue.map(|replaced| replaced.retired),
    })
}

fn reported(names: &EventNames, record: &Record, event: &CaseReported) -> EventData {
    EventData::CaseReported(CaseReportedData {
        matter: names.matter(event.matter).map(str::to_owned),
        severity: event.severity.name(),
        place: names.unit(event.place, record),
        holder: names.unit(event.holder, record),
        fallback: event.is_fallback,
        source: event.source.name(),
        source_number: event.source_number.as_deref().map(str::to_owned),
        occurred_at: event.occurred_at.map(Moment),
        deadlines: deadlines(&event.deadlines),
    })
}

fn sent(names: &EventNames, record: &Record, event: &CaseSent) -> EventData {
    EventData::CaseSent(CaseSentData {
        holder: names.unit(event.holder, record),
        deadlines: deadlines(&event.deadlines),
    })
}

fn deadlines(deadlines: &Deadlines) -> DeadlinesBody {
    DeadlinesBody {
        node_started_at: Moment(deadlines.node_started_at),
        node_warning_at: Moment(deadlines.node_warning_at),
        node_due_at: Moment(deadlines.node_due_at),
        total_warning_at: Moment(deadlines.total_warning_at),
        total_due_at: Moment(deadlines.total_due_at),
    }
}

fn fell_due(event: &CaseFellDue) -> EventData {
    EventData::CaseFellDue(CaseFellDueData {
        clock: event.clock.name(),
        due_at: Moment(event.due_at),
    })
}

fn revealed(event: &CaseRevealed) -> EventData {
    EventData::CaseRevealed(CaseRevealedData {
        fields: event.fields.iter().map(ClaimantField::name).collect(),
        purpose: event.purpose.to_string(),
        ticket: event.ticket.as_deref().map(str::to_owned),
    })
}

fn inherited(
    names: &EventNames,
    record: &Record,
    event: &CasesInherited,
    shows: &dyn Fn(CaseId) -> bool,
) -> EventData {
    EventData::CasesInherited(CasesInheritedData {
        from: names.unit(event.from, record),
        holder: names.unit(event.holder, record),
        cases: event
            .cases
            .iter()
            .filter(|(case, _)| shows(*case))
            .map(|(case, _)| case.0)
            .collect(),
    })
}
