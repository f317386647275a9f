//! The shadow's administration: clients and imports.

use zhida::domain::command::{
    AdmitClient, ChangeClient, Command, CommitImport, GrantRequest, RevokeClient, RotateClient,
    StageUnits,
};
use zhida::domain::grant::Scope;
use zhida::domain::ids::Timestamp;

use super::organisation::Unit;
use super::{Client, Shadow, Staged};

const IMPORTS_MAX: usize = 8;

impl Shadow {
    /// Gives the number of the import or the client.
    pub(super) fn administer(&mut self, command: &Command) -> Result<Option<u32>, &'static str> {
        let (name, number) = match command {
            Command::OpenJournal(_) if self.is_open => return Err("journal_open"),
            Command::OpenJournal(_) => {
                self.is_open = true;
                ("journal.opened", None)
            }
            Command::AdmitClient(admit) => ("client.admitted", Some(self.admit(admit)?)),
            Command::ChangeClient(change) => ("client.changed", Some(self.change(change)?)),
            Command::RotateClient(rotate) => ("client.rotated", Some(self.rotate(rotate)?)),
            Command::RevokeClient(revoke) => ("client.revoked", Some(self.revoke(revoke)?)),
            Command::BeginImport(_) => {
                if self.imports.len() >= IMPORTS_MAX {
                    return Err("imports_full");
                }
                self.imports_begun += 1;
                self.imports.insert(self.imports_begun, Staged::default());
                ("import.begun", Some(self.imports_begun))
            }
            Command::StageUnits(stage) => {
                self.stage_units(stage)?;
                ("import.units_staged", Some(stage.import.0))
            }
            Command::StageMatters(stage) => {
                let staged = self.imports.get_mut(&stage.import.0).ok_or("import_not_found")?;
                if stage.rows.is_empty() {
                    return Err("rows_out_of_bounds");
                }
                staged.has_matters = true;
                ("import.matters_staged", Some(stage.import.0))
            }
            Command::StageText(stage) => {
                self.imports.get(&stage.import.0).ok_or("import_not_found")?;
                if stage.text.is_empty() {
                    return Err("rows_out_of_bounds");
                }
                ("import.text_staged", Some(stage.import.0))
            }
            Command::CommitImport(commit) => {
                self.commit(commit)?;
                return Ok(Some(commit.import.0));
            }
            Command::AbandonImport(abandon) => {
                self.imports.remove(&abandon.import.0).ok_or("import_not_found")?;
                ("import.abandoned", Some(abandon.import.0))
            }
            Command::ChangeOrganisation(change) => {
                self.reorganise(change)?;
                return Ok(None);
            }
            Command::AdvanceClock(_) if !self.is_driven => return Err("at_not_driven"),
            Command::AdvanceClock(advance) if advance.to.0 < self.now => {
                return Err("at_before_now");
            }
            Command::AdvanceClock(_) => ("clock.advanced", None),
            Command::ReportCase(_)
            | Command::AcknowledgeCase(_)
            | Command::EscalateCase(_)
            | Command::HandleCase(_)
            | Command::CloseCase(_)
            | Command::HandDownCase(_)
            | Command::TransferCase(_)
            | Command::ReturnCase(_)
            | Command::DeclineCase(_)
            | Command::ReopenCase(_)
            | Command::VoidCase(_)
            | Command::NoteCase(_)
            | Command::RevealCase(_) => unreachable!("it is casework"),
        };
        self.log.push((name, None));
        Ok(number)
    }

    fn admit(&mut self, admit: &AdmitClient) -> Result<u32, &'static str> {
        if self.clients.iter().any(|client| client.name == *admit.name) {
            return Err("client_name_taken");
        }
        self.check_token(admit.token_hash)?;
        self.check_grant(&admit.grant)?;
        self.clients.push(Client {
            name: admit.name.to_string(),
            tokens: vec![admit.token_hash],
            scopes: admit.grant.scopes,
            expires_at: admit.grant.expires_at.map(|at| at.0),
            is_revoked: false,
        });
        Ok(number_of(self.clients.len() - 1))
    }

    fn change(&mut self, change: &ChangeClient) -> Result<u32, &'static str> {
        let index = self.active(&change.name)?;
        self.check_grant(&change.grant)?;
        let expires_at = change.grant.expires_at.map(|at| at.0);
        if !change.grant.scopes.contains(Scope::Admin) || expires_at.is_some() {
            self.spare(index)?;
        }
        let client = &mut self.clients[index];
        (client.scopes, client.expires_at) = (change.grant.scopes, expires_at);
        Ok(number_of(index))
    }

    fn rotate(&mut self, rotate: &RotateClient) -> Result<u32, &'static str> {
        let index = self.active(&rotate.name)?;
        self.check_token(rotate.token_hash)?;
        if rotate.overlap_hours > 168 {
            return Err("out_of_bounds");
        }
        let tokens = &mut self.clients[index].tokens;
        tokens.insert(0, rotate.token_hash);
        tokens.truncate(2);
        Ok(number_of(index))
    }

    fn revoke(&mut self, revoke: &RevokeClient) -> Result<u32, &'static str> {
        let index = self.active(&revoke.name)?;
        self.spare(index)?;
        self.clients[index].is_revoked = true;
        Ok(number_of(index))
    }

    /// The client of that name, unless it was revoked.
    fn active(&self, name: &str) -> Result<usize, &'static str> {
        let is_active = |one: &Client| !one.is_revoked && one.name == name;
        self.clients.iter().position(is_active).ok_or("client_not_found")
    }

    fn check_token(&self, hash: [u8; 32]) -> Result<(), &'static str> {
        let is_taken = self.clients.iter().any(|client| client.tokens.contains(&hash));
        if is_taken { Err("token_taken") } else { Ok(()) }
    }

    fn check_grant(&self, grant: &GrantRequest) -> Result<(), &'static str> {
        if !grant.within.iter().all(|unit| self.organisation.find(&unit.to_string()).is_some()) {
            return Err("range_unknown");
        }
        if grant.expires_at.is_some_and(|at| at.0 <= self.now) {
            return Err("expires_in_past");
        }
        Ok(())
    }

    /// Refuses what would leave nobody to administer.
    fn spare(&self, index: usize) -> Result<(), &'static str> {
        let admins = self.clients.iter().filter(|one| one.is_lasting_admin()).count();
        if self.clients[index].is_lasting_admin() && admins == 1 {
            return Err("last_admin");
        }
        Ok(())
    }

    fn stage_units(&mut self, stage: &StageUnits) -> Result<(), &'static str> {
        let staged = self.imports.get_mut(&stage.import.0).ok_or("import_not_found")?;
        if stage.rows.is_empty() {
            return Err("rows_out_of_bounds");
        }
        if stage.rows.iter().any(|row| !Unit::of(row).is_coherent()) {
            return Err("unit_incoherent");
        }
        let is_later = |until: Timestamp| until.0 > self.now;
        if stage.rows.iter().any(|row| row.valid_until.is_some_and(is_later)) {
            return Err("unit_closes_later");
        }
        staged.units.extend(stage.rows.iter().cloned());
        Ok(())
    }

    fn commit(&mut self, commit: &CommitImport) -> Result<(), &'static str> {
        let staged = self.imports.get(&commit.import.0).ok_or("import_not_found")?.clone();
        if staged.units.is_empty() && !staged.has_matters {
            return Err("import_empty");
        }
        if staged.units.is_empty() {
            self.log.push(("import.committed", None));
        } else {
            if commit.seen.is_some_and(|seen| seen.0 != self.organisation.seq) {
                return Err("organisation_stale");
            }
            self.import_units(&staged.units)?;
        }
        self.imports.remove(&commit.import.0);
        self.has_matters |= staged.has_matters;
        Ok(())
    }
}

fn number_of(index: usize) -> u32 {
    u32::try_from(index + 1).expect("few clients")
}
