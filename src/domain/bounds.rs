//! Whether a command keeps within the bounds of `limits`. Whoever parses says so with more detail;
//! this is the last word, so that no event outgrows its place in the journal.

use super::catalogue::MatterRow;
use super::command::{CaseRef, Change, Command, GrantRequest, ReportCase, RevealCase, Submission};
use super::event::SealedPart;
use super::limits::{
    CLIENT_RANGES_MAX, KEY_BYTES_MAX, MATTER_CODE_BYTES_MAX, NAME_BYTES_MAX, PURPOSE_BYTES_MAX,
    QUOTA_PER_MINUTE_MAX, SEALED_BYTES_MAX, SOURCE_NUMBER_BYTES_MAX, TICKET_BYTES_MAX,
    UNITS_MERGED_MAX,
};
use super::organisation::UnitRow;

/// Whether every text and part of the submission is as long as it may be.
pub(super) fn holds(submission: &Submission) -> bool {
    let key = submission.mark.as_ref().is_none_or(|mark| fits(&mark.key, KEY_BYTES_MAX));
    let target = submission.command.target().is_none_or(|target| reference(&target.case));
    key && target && command(&submission.command)
}

fn command(command: &Command) -> bool {
    match command {
        Command::ReportCase(command) => report(command),
        Command::EscalateCase(command)
        | Command::ReturnCase(command)
        | Command::DeclineCase(command)
        | Command::ReopenCase(command)
        | Command::VoidCase(command) => part(&command.reason),
        Command::HandDownCase(command) | Command::TransferCase(command) => part(&command.reason),
        Command::NoteCase(command) => part(&command.note),
        Command::ChangeOrganisation(command) => change(&command.change),
        Command::HandleCase(command) => part(&command.measures),
        Command::CloseCase(command) => part(&command.answer),
        Command::AdmitClient(command) => {
            fits(&command.name, NAME_BYTES_MAX) && grant(&command.grant)
        }
        Command::ChangeClient(command) => grant(&command.grant),
        Command::RevealCase(command) => reveal(command),
        Command::BeginImport(command) => fits(&command.origin, NAME_BYTES_MAX),
        Command::StageUnits(command) => command.rows.iter().all(unit),
        Command::StageMatters(command) => command.rows.iter().all(matter),
        // The rest carries nothing that can grow, or is bounded where it is decided.
        Command::AcknowledgeCase(_)
        | Command::RevokeClient(_)
        | Command::RotateClient(_)
        | Command::OpenJournal(_)
        | Command::StageText(_)
        | Command::CommitImport(_)
        | Command::AbandonImport(_)
        | Command::AdvanceClock(_) => true,
    }
}

fn change(change: &Change) -> bool {
    let many = |count: usize, min: usize| (min..=UNITS_MERGED_MAX).contains(&count);
    let counts = match change {
        Change::Split(split) => many(split.into.len(), 2),
        Change::Merge(merge) => many(merge.units.len(), 1),
        Change::Open(_)
        | Change::Amend(_)
        | Change::Close(_)
        | Change::Keep(_)
        | Change::Move(_) => true,
    };
    counts && change.rows().iter().all(unit)
}

fn report(command: &ReportCase) -> bool {
    part(&command.text)
        && command.claimant.as_ref().is_none_or(part)
        && command.settle.as_ref().is_none_or(part)
        && command.source_number.as_ref().is_none_or(|number| fits(number, SOURCE_NUMBER_BYTES_MAX))
}

fn grant(grant: &GrantRequest) -> bool {
    !grant.scopes.is_empty()
        && grant.within.len() <= CLIENT_RANGES_MAX
        && grant.quota_per_minute.is_none_or(|quota| (1..=QUOTA_PER_MINUTE_MAX).contains(&quota))
}

fn reveal(command: &RevealCase) -> bool {
    !command.fields.is_empty()
        && fits(&command.purpose, PURPOSE_BYTES_MAX)
        && command.ticket.as_ref().is_none_or(|ticket| fits(ticket, TICKET_BYTES_MAX))
}

fn reference(case: &CaseRef) -> bool {
    match case {
        CaseRef::Id(_) => true,
        CaseRef::Key(key) => fits(key, KEY_BYTES_MAX),
        CaseRef::Number(_, number) => fits(number, SOURCE_NUMBER_BYTES_MAX),
    }
}

fn unit(row: &UnitRow) -> bool {
    fits(&row.name, NAME_BYTES_MAX)
}

fn matter(row: &MatterRow) -> bool {
    fits(&row.code, MATTER_CODE_BYTES_MAX)
        && fits(&row.name, NAME_BYTES_MAX)
        && fits(&row.class, NAME_BYTES_MAX)
}

fn part(part: &SealedPart) -> bool {
    part.ciphertext.len() <= SEALED_BYTES_MAX
}

fn fits(text: &str, bytes_max: usize) -> bool {
    !text.is_empty() && text.len() <= bytes_max
}
