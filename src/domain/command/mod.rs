//! Requests to change something, as they reach `decide`: parsed, authenticated, sealed.

mod case;
mod client;
mod import;
mod organisation;

use crate::domain::catalogue::MatterRow;
use crate::domain::code::UnitCode;
use crate::domain::event::{ClockMode, SealedPart};
use crate::domain::grant::{Places, Scope, Scopes};
use crate::domain::ids::{PrincipalId, Timestamp};
use crate::domain::organisation::UnitRow;
use crate::domain::record::Mark;

pub use case::{
    AcknowledgeCase, CaseRef, CloseCase, HandleCase, NoteCase, ReasonedMove, ReportCase,
    RevealCase, SendCase, Target,
};
pub use client::{AdmitClient, ChangeClient, GrantRequest, RevokeClient, RotateClient};
pub use import::{AbandonImport, BeginImport, CommitImport, StageMatters, StageText, StageUnits};
pub use organisation::{Change, ChangeOrganisation, CloseUnit, MergeUnits, MoveUnit, SplitUnit};

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

/// See [`Command::OpenJournal`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenJournal {
    /// For as long as the journal lives.
    pub clock_mode: ClockMode,
    /// Random, given once.
    pub journal_id: u128,
}

/// See [`Command::AdvanceClock`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AdvanceClock {
    /// Not before now.
    pub to: Timestamp,
}
