//! From a draft to a submission: personal parts are sealed, each under a key of its own, and the
//! command is marked, so that it is known again.

use std::sync::Arc;

use super::draft::{CaseMove, Draft, Report, Reveal, Want};
use crate::domain::case::Move;
use crate::domain::client::TokenHash;
use crate::domain::command::{
    AbandonImport, AcknowledgeCase, AdmitClient, AdvanceClock, BeginImport, ChangeClient,
    ChangeOrganisation, CloseCase, Command, CommitImport, HandleCase, NoteCase, ReasonedMove,
    ReportCase, RevealCase, RevokeClient, RotateClient, SendCase, StageMatters, StageText,
    StageUnits, Submission,
};
use crate::domain::event::{PartName, SealedPart};
use crate::domain::grant::Places;
use crate::domain::ids::PrincipalId;
use crate::engine::{Handle, SealError};

/// Why a draft could not be sealed.
pub type SealFault = SealError;

/// Seals the commands of one principal.
pub struct Sealer<'h> {
    /// What seals.
    pub handle: &'h Handle,
    /// Whose they are.
    pub principal: PrincipalId,
    /// The places that exist for it.
    pub places: &'h Places,
    /// Of a client's new token.
    pub token_hash: Option<TokenHash>,
    /// For canonical forms: kept from command to command.
    pub scratch: &'h mut Vec<u8>,
}

impl Sealer<'_> {
    /// Seals and marks. A slot of the vault that a command took is never used again, so only what
    /// was found good comes here.
    ///
    /// # Errors
    /// When no key slot is left.
    ///
    /// # Panics
    /// When a client is to have a token and none was made, or a case is sent to nobody.
    pub fn submission(&mut self, draft: Draft<'_>) -> Result<Submission, SealFault> {
        let mark = draft.key.as_deref().map(|key| {
            self.scratch.clear();
            draft.write_canonical(self.scratch);
            self.handle.mark(key, self.scratch)
        });
        Ok(Submission {
            principal: self.principal,
            places: self.places.clone(),
            by: draft.by,
            mark,
            at: draft.at,
            command: self.command(draft.want)?,
        })
    }

    fn command(&mut self, want: Want<'_>) -> Result<Command, SealFault> {
        Ok(match want {
            Want::Report(report) => Command::ReportCase(Box::new(self.report(report)?)),
            Want::Move(moved) => self.case_command(moved)?,
            Want::Organisation(seen, change) => {
                Command::ChangeOrganisation(Box::new(ChangeOrganisation { seen, change }))
            }
            Want::AdvanceClock(to) => Command::AdvanceClock(AdvanceClock { to }),
            Want::AdmitClient(name, grant) => {
                let token_hash = self.made();
                Command::AdmitClient(AdmitClient { name, token_hash, grant })
            }
            Want::ChangeClient(name, grant) => Command::ChangeClient(ChangeClient { name, grant }),
            Want::RotateClient(name, overlap_hours) => {
                let token_hash = self.made();
                Command::RotateClient(RotateClient { name, token_hash, overlap_hours })
            }
            Want::Reveal(target, Reveal { fields, purpose, ticket }) => {
                Command::RevealCase(RevealCase { target, fields, purpose, ticket })
            }
            Want::RevokeClient(name) => Command::RevokeClient(RevokeClient { name }),
            Want::BeginImport(origin, kind) => Command::BeginImport(BeginImport { origin, kind }),
            Want::StageUnits(import, rows) => Command::StageUnits(StageUnits { import, rows }),
            Want::StageMatters(import, rows) => {
                Command::StageMatters(StageMatters { import, rows })
            }
            Want::StageText(import, text) => Command::StageText(StageText { import, text }),
            Want::CommitImport(import, seen) => {
                Command::CommitImport(CommitImport { import, seen })
            }
            Want::AbandonImport(import) => Command::AbandonImport(AbandonImport { import }),
        })
    }

    fn made(&self) -> TokenHash {
        self.token_hash.expect("made before a client is to have it")
    }

    fn report(&mut self, report: Report<'_>) -> Result<ReportCase, SealFault> {
        let claimant = match &report.claimant {
            None => None,
            Some(claimant) => {
                self.scratch.clear();
                serde_json::to_writer(&mut *self.scratch, claimant)
                    .expect("texts have a JSON form");
                Some(self.handle.seal(PartName::Claimant, self.scratch)?)
            }
        };
        let settle = match &report.settle {
            None => None,
            Some(answer) => Some(self.handle.seal(PartName::Answer, answer.as_bytes())?),
        };
        Ok(ReportCase {
            matter: report.matter.into(),
            place: report.place,
            source: report.source,
            source_number: report.source_number.map(Arc::from),
            occurred_at: report.occurred_at,
            claimant,
            text: self.handle.seal(PartName::Text, report.text.as_bytes())?,
            settle,
        })
    }

    fn case_command(&self, moved: CaseMove<'_>) -> Result<Command, SealFault> {
        let CaseMove { what, target, to, text } = moved;
        let sealed = |part| -> Result<SealedPart, SealFault> {
            self.handle.seal(part, text.as_deref().unwrap_or_default().as_bytes())
        };
        let reasoned = |target| -> Result<ReasonedMove, SealFault> {
            Ok(ReasonedMove { target, reason: sealed(PartName::Reason)? })
        };
        let sent = |target| -> Result<SendCase, SealFault> {
            let to = to.expect("read before a case is sent");
            Ok(SendCase { target, to, reason: sealed(PartName::Reason)? })
        };
        Ok(match what {
            Move::Acknowledge => Command::AcknowledgeCase(AcknowledgeCase { target }),
            Move::Escalate => Command::EscalateCase(reasoned(target)?),
            Move::Handle => {
                Command::HandleCase(HandleCase { target, measures: sealed(PartName::Measures)? })
            }
            Move::Close => {
                Command::CloseCase(CloseCase { target, answer: sealed(PartName::Answer)? })
            }
            Move::HandDown => Command::HandDownCase(sent(target)?),
            Move::Transfer => Command::TransferCase(sent(target)?),
            Move::Return => Command::ReturnCase(reasoned(target)?),
            Move::Decline => Command::DeclineCase(reasoned(target)?),
            Move::Reopen => Command::ReopenCase(reasoned(target)?),
            Move::Void => Command::VoidCase(reasoned(target)?),
            Move::Note => Command::NoteCase(NoteCase { target, note: sealed(PartName::Note)? }),
        })
    }
}
