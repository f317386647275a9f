//! Requests to change something, as they reach `decide`: parsed, authenticated, sealed.

use std::sync::Arc;

use super::case::{ClaimantFields, Source};
use super::catalogue::MatterRow;
use super::client::TokenHash;
use super::code::UnitCode;
use super::event::{ClockMode, SealedPart};
use super::grant::{Places, Scope, Scopes};
use super::ids::{CaseId, ImportId, PrincipalId, Seq, Timestamp};
use super::import::ImportKind;
use super::organisation::UnitRow;
use super::record::Mark;

/// A command with everything that travels with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Submission {
    /// Whose token it came with.
    pub principal: PrincipalId,
    /// The places that exist for that token, compiled once.
    pub places: Places,
    /// The unit that the principal acts for.
    pub by: Option<UnitCode>,
    /// What makes it known again, if it came with a key.
    pub mark: Option<Mark>,
    /// Its own time: on a driven clock only.
    pub at: Option<Timestamp>,
    /// What is wanted.
    pub command: Command,
}

/// What is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Begin the journal. The engine's own, once.
    OpenJournal(OpenJournal),
    /// Let a client system act.
    AdmitClient(AdmitClient),
    /// Let it act no more.
    RevokeClient(RevokeClient),
    /// Begin an import.
    BeginImport(BeginImport),
    /// Stage units.
    StageUnits(StageUnits),
    /// Stage matters.
    StageMatters(StageMatters),
    /// Stage a part of the text that the rows were read from.
    StageText(StageText),
    /// Put what was staged into force.
    CommitImport(CommitImport),
    /// Forget what was staged.
    AbandonImport(AbandonImport),
    /// Move a driven clock on, and fire what falls due.
    AdvanceClock(AdvanceClock),
    /// Report a case.
    ReportCase(Box<ReportCase>),
    /// Sign for a case.
    AcknowledgeCase(AcknowledgeCase),
    /// Send a case one level up.
    EscalateCase(ReasonedMove),
    /// Say that a case is dealt with.
    HandleCase(HandleCase),
    /// Close a case with an answer.
    CloseCase(CloseCase),
    /// Send a case to a unit below.
    HandDownCase(SendCase),
    /// Send a case to a unit beside.
    TransferCase(SendCase),
    /// Send a case back unsigned.
    ReturnCase(ReasonedMove),
    /// End a case unsigned.
    DeclineCase(ReasonedMove),
    /// Open an ended case again.
    ReopenCase(ReasonedMove),
    /// End a case as none.
    VoidCase(ReasonedMove),
    /// Put a note to a case.
    NoteCase(NoteCase),
    /// Change who there is.
    ChangeOrganisation(Box<ChangeOrganisation>),
    /// Let a client system do other things than before.
    ChangeClient(ChangeClient),
    /// Give a client system its next token.
    RotateClient(RotateClient),
    /// Show in plain who claims.
    RevealCase(RevealCase),
}

impl Command {
    /// The API's name: the line's `command`.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::OpenJournal(_) => "open_journal",
            Self::AdmitClient(_) => "admit_client",
            Self::RevokeClient(_) => "revoke_client",
            Self::BeginImport(_) => "begin_import",
            Self::StageUnits(_) => "stage_units",
            Self::StageMatters(_) => "stage_matters",
            Self::StageText(_) => "stage_text",
            Self::CommitImport(_) => "commit_import",
            Self::AbandonImport(_) => "abandon_import",
            Self::AdvanceClock(_) => "advance_clock",
            Self::ReportCase(_) => "report_case",
            Self::AcknowledgeCase(_) => "acknowledge_case",
            Self::EscalateCase(_) => "escalate_case",
            Self::HandleCase(_) => "handle_case",
            Self::CloseCase(_) => "close_case",
            Self::HandDownCase(_) => "hand_down_case",
            Self::TransferCase(_) => "transfer_case",
            Self::ReturnCase(_) => "return_case",
            Self::DeclineCase(_) => "decline_case",
            Self::ReopenCase(_) => "reopen_case",
            Self::VoidCase(_) => "void_case",
            Self::NoteCase(_) => "note_case",
            Self::ChangeOrganisation(command) => command.change.name(),
            Self::ChangeClient(_) => "change_client",
            Self::RotateClient(_) => "rotate_client",
            Self::RevealCase(_) => "reveal_case",
        }
    }

    /// The scopes that it needs.
    #[must_use]
    pub fn scopes(&self) -> Scopes {
        match self {
            // Whoever settles a case on the spot moves it on as its holder does.
            Self::ReportCase(command) if command.settle.is_some() => {
                Scopes::of(&[Scope::Intake, Scope::Act])
            }
            Self::ReportCase(_) => Scopes::of(&[Scope::Intake]),
            Self::AcknowledgeCase(_)
            | Self::EscalateCase(_)
            | Self::HandleCase(_)
            | Self::CloseCase(_)
            | Self::HandDownCase(_)
            | Self::TransferCase(_)
            | Self::ReturnCase(_)
            | Self::DeclineCase(_)
            | Self::ReopenCase(_)
            | Self::VoidCase(_)
            | Self::NoteCase(_)
            | Self::RevealCase(_) => Scopes::of(&[Scope::Act]),
            Self::OpenJournal(_)
            | Self::AdmitClient(_)
            | Self::ChangeClient(_)
            | Self::RotateClient(_)
            | Self::RevokeClient(_)
            | Self::BeginImport(_)
            | Self::StageUnits(_)
            | Self::StageMatters(_)
            | Self::StageText(_)
            | Self::CommitImport(_)
            | Self::AbandonImport(_)
            | Self::ChangeOrganisation(_)
            | Self::AdvanceClock(_) => Scopes::of(&[Scope::Admin]),
        }
    }

    /// Bytes that it brings beside its own size: sealed parts, texts, rows.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let of = |part: &SealedPart| part.ciphertext.len();
        match self {
            Self::ReportCase(command) => {
                of(&command.text)
                    + command.claimant.as_ref().map_or(0, of)
                    + command.settle.as_ref().map_or(0, of)
            }
            Self::EscalateCase(command)
            | Self::ReturnCase(command)
            | Self::DeclineCase(command)
            | Self::ReopenCase(command)
            | Self::VoidCase(command) => of(&command.reason),
            Self::HandDownCase(command) | Self::TransferCase(command) => of(&command.reason),
            Self::NoteCase(command) => of(&command.note),
            Self::HandleCase(command) => of(&command.measures),
            Self::CloseCase(command) => of(&command.answer),
            Self::StageUnits(command) => units_bytes(&command.rows),
            Self::ChangeOrganisation(command) => units_bytes(command.change.rows()),
            Self::StageMatters(command) => {
                let of = |row: &MatterRow| row.code.len() + row.name.len() + row.class.len();
                let texts = command.rows.iter().map(of).sum::<usize>();
                texts + command.rows.len() * size_of::<MatterRow>()
            }
            Self::StageText(command) => command.text.len(),
            Self::AdmitClient(command) => command.name.len() + command.grant.bytes(),
            Self::ChangeClient(command) => command.name.len() + command.grant.bytes(),
            Self::RotateClient(command) => command.name.len(),
            Self::RevokeClient(command) => command.name.len(),
            Self::RevealCase(command) => {
                command.purpose.len() + command.ticket.as_ref().map_or(0, |ticket| ticket.len())
            }
            Self::BeginImport(command) => command.origin.len(),
            Self::AcknowledgeCase(_)
            | Self::OpenJournal(_)
            | Self::CommitImport(_)
            | Self::AbandonImport(_)
            | Self::AdvanceClock(_) => 0,
        }
    }

    /// The case that it acts on, as it names it.
    #[must_use]
    pub const fn target(&self) -> Option<&Target> {
        match self {
            Self::AcknowledgeCase(command) => Some(&command.target),
            Self::EscalateCase(command)
            | Self::ReturnCase(command)
            | Self::DeclineCase(command)
            | Self::ReopenCase(command)
            | Self::VoidCase(command) => Some(&command.target),
            Self::HandDownCase(command) | Self::TransferCase(command) => Some(&command.target),
            Self::NoteCase(command) => Some(&command.target),
            Self::HandleCase(command) => Some(&command.target),
            Self::CloseCase(command) => Some(&command.target),
            Self::RevealCase(command) => Some(&command.target),
            Self::OpenJournal(_)
            | Self::AdmitClient(_)
            | Self::ChangeClient(_)
            | Self::RotateClient(_)
            | Self::RevokeClient(_)
            | Self::BeginImport(_)
            | Self::StageUnits(_)
            | Self::StageMatters(_)
            | Self::StageText(_)
            | Self::CommitImport(_)
            | Self::AbandonImport(_)
            | Self::AdvanceClock(_)
            | Self::ChangeOrganisation(_)
            | Self::ReportCase(_) => None,
        }
    }
}

fn units_bytes(rows: &[UnitRow]) -> usize {
    rows.iter().map(|row| row.name.len() + size_of::<UnitRow>()).sum()
}

/// How a command names the case that it acts on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CaseRef {
    /// By its number.
    Id(CaseId),
    /// By the idempotency key that the same principal reported it with.
    Key(Box<str>),
    /// By the number that its source gave it.
    Number(Source, Box<str>),
}

/// The case that a command acts on, and the version that it was seen at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// Which.
    pub case: CaseRef,
    /// Refused when the case has another version by now.
    pub version: Option<u32>,
}

/// See [`Command::OpenJournal`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenJournal {
    /// For as long as the journal lives.
    pub clock_mode: ClockMode,
    /// Random, given once.
    pub journal_id: u128,
}

/// See [`Command::AdmitClient`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AdmitClient {
    /// Unique, 1 to 120 bytes.
    pub name: Arc<str>,
    /// BLAKE3 of its token.
    pub token_hash: TokenHash,
    /// What it may do.
    pub grant: GrantRequest,
}

/// What a client is to be allowed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GrantRequest {
    /// At least one.
    pub scopes: Scopes,
    /// The units whose subtrees exist for it, at most 16; everywhere, where none is named.
    pub within: Vec<UnitCode>,
    /// Commands and reads a minute, 1 to 6,000,000; none: as many as it likes.
    pub quota_per_minute: Option<u32>,
    /// From when its tokens are worth nothing: later than now; none: never.
    pub expires_at: Option<Timestamp>,
}

impl GrantRequest {
    /// These scopes everywhere, without quota or end.
    #[must_use]
    pub const fn of(scopes: Scopes) -> Self {
        Self { scopes, within: Vec::new(), quota_per_minute: None, expires_at: None }
    }

    fn bytes(&self) -> usize {
        self.within.len() * size_of::<UnitCode>()
    }
}

/// See [`Command::ChangeClient`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangeClient {
    /// Its name.
    pub name: Arc<str>,
    /// What it may do, all of it anew.
    pub grant: GrantRequest,
}

/// See [`Command::RotateClient`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RotateClient {
    /// Its name.
    pub name: Arc<str>,
    /// BLAKE3 of its next token.
    pub token_hash: TokenHash,
    /// How long its newest token lives on beside the next one: 0 to 168.
    pub overlap_hours: u32,
}

/// See [`Command::RevokeClient`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RevokeClient {
    /// Its name.
    pub name: Arc<str>,
}

/// See [`Command::BeginImport`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BeginImport {
    /// Where the rows come from: a file's name.
    pub origin: Arc<str>,
    /// What it will bring.
    pub kind: ImportKind,
}

/// See [`Command::StageUnits`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StageUnits {
    /// Into which import.
    pub import: ImportId,
    /// 1 to 200 rows.
    pub rows: Vec<UnitRow>,
}

/// See [`Command::StageMatters`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StageMatters {
    /// Into which import.
    pub import: ImportId,
    /// 1 to 200 rows.
    pub rows: Vec<MatterRow>,
}

/// See [`Command::StageText`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StageText {
    /// Into which import.
    pub import: ImportId,
    /// Up to 32 KiB.
    pub text: Arc<str>,
}

/// See [`Command::CommitImport`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommitImport {
    /// Which.
    pub import: ImportId,
    /// Refused when the organisation, or for a catalogue the catalogue, has changed since that event.
    pub seen: Option<Seq>,
}

/// See [`Command::AbandonImport`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AbandonImport {
    /// Which.
    pub import: ImportId,
}

/// See [`Command::AdvanceClock`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AdvanceClock {
    /// Not before now.
    pub to: Timestamp,
}

/// See [`Command::ReportCase`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReportCase {
    /// The matter's code.
    pub matter: Box<str>,
    /// The grid, or the lowest unit known.
    pub place: UnitCode,
    /// Where it came from.
    pub source: Source,
    /// The number that the source gave it.
    pub source_number: Option<Arc<str>>,
    /// When it happened, where that is not now.
    pub occurred_at: Option<Timestamp>,
    /// Who claims, phone and address.
    pub claimant: Option<SealedPart>,
    /// What is the matter.
    pub text: SealedPart,
    /// The answer, where its holder settled it on the spot.
    pub settle: Option<SealedPart>,
}

/// See [`Command::AcknowledgeCase`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AcknowledgeCase {
    /// Which case.
    pub target: Target,
}

/// A move on a case that needs a reason and nothing else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReasonedMove {
    /// Which case.
    pub target: Target,
    /// Why.
    pub reason: SealedPart,
}

/// See [`Command::HandDownCase`] and [`Command::TransferCase`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SendCase {
    /// Which case.
    pub target: Target,
    /// To whom.
    pub to: UnitCode,
    /// Why.
    pub reason: SealedPart,
}

/// See [`Command::NoteCase`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoteCase {
    /// Which case.
    pub target: Target,
    /// What it says.
    pub note: SealedPart,
}

/// See [`Command::HandleCase`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HandleCase {
    /// Which case.
    pub target: Target,
    /// What was done.
    pub measures: SealedPart,
}

/// See [`Command::CloseCase`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CloseCase {
    /// Which case.
    pub target: Target,
    /// What the claimant is told.
    pub answer: SealedPart,
}

/// See [`Command::ChangeOrganisation`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangeOrganisation {
    /// Refused when the organisation has changed since that event.
    pub seen: Option<Seq>,
    /// What becomes another.
    pub change: Change,
}

/// A change of the organisation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// A unit opens.
    Open(UnitRow),
    /// A unit is another in some way: the row whole.
    Amend(UnitRow),
    /// A unit closes; whoever takes over holds its cases.
    Close(UnitCode, Option<UnitCode>),
    /// A unit is split.
    Split(SplitUnit),
    /// Units become one.
    Merge(MergeUnits),
    /// A unit sits elsewhere.
    Move(MoveUnit),
}

impl Change {
    /// The API's name: the line's `command`.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Open(_) => "open_unit",
            Self::Amend(_) => "change_unit",
            Self::Close(..) => "close_unit",
            Self::Split(_) => "split_unit",
            Self::Merge(_) => "merge_units",
            Self::Move(_) => "move_unit",
        }
    }

    /// The rows that it brings.
    #[must_use]
    pub fn rows(&self) -> &[UnitRow] {
        match self {
            Self::Open(row) | Self::Amend(row) => std::slice::from_ref(row),
            Self::Split(split) => &split.into,
            Self::Close(..) | Self::Merge(_) | Self::Move(_) => &[],
        }
    }
}

/// See [`Change::Split`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SplitUnit {
    /// Which closes.
    pub unit: UnitCode,
    /// What opens in its place: 2 to `UNITS_MERGED_MAX`.
    pub into: Vec<UnitRow>,
    /// Who takes over its open work: one of those, or another unit.
    pub successor: UnitCode,
}

/// See [`Change::Merge`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MergeUnits {
    /// Which close: 1 to `UNITS_MERGED_MAX`.
    pub units: Vec<UnitCode>,
    /// Who takes over from all of them.
    pub into: UnitCode,
}

/// See [`Change::Move`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MoveUnit {
    /// Which.
    pub unit: UnitCode,
    /// The code that it gets.
    pub to: UnitCode,
}

/// See [`Command::RevealCase`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RevealCase {
    /// Which case.
    pub target: Target,
    /// What is to be shown: at least one.
    pub fields: ClaimantFields,
    /// What for, in 1 to 120 bytes without anything personal.
    pub purpose: Arc<str>,
    /// The number of the paper that asks for it, 1 to 64 bytes.
    pub ticket: Option<Arc<str>>,
}
