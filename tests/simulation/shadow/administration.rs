//! The shadow's administration: clients and imports.

use zhida::domain::command::{
    AdmitClient, ChangeClient, Command, CommitImport, GrantRequest, RevokeClient, RotateClient,
    StageUnits,
};
use zhida::domain::grant::Scope;
use zhida::domain::import::ImportKind;

use super::organisation::Unit;
use super::{Client, Shadow, Staged};
use crate::city::{MATTERS, letter};

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
            Command::BeginImport(begin) => {
                if self.imports.len() >= IMPORTS_MAX {
                    return Err("imports_full");
                }
                let size = match begin.kind {
                    ImportKind::Units => None,
                    ImportKind::Catalogue(size) if size.matters == 0 => {
                        return Err("rows_out_of_bounds");
                    }
                    ImportKind::Catalogue(size) => Some(size),
                };
                self.imports_begun += 1;
                self.imports.insert(self.imports_begun, Staged { size, ..Staged::default() });
                ("import.begun", Some(self.imports_begun))
            }
            Command::StageUnits(stage) => {
                self.stage_units(stage)?;
                ("import.units_staged", Some(stage.import.0))
            }
            Command::StageMatters(stage) => {
                let staged = self.imports.get_mut(&stage.import.0).ok_or("import_not_found")?;
                let size = staged.size.ok_or("import_of_other_kind")?;
                let count = staged.matters.len() + stage.rows.len();
                if stage.rows.is_empty() || count > size.matters as usize {
                    return Err("rows_out_of_bounds");
                }
                let place = |code: &str| MATTERS.iter().position(|row| row.0 == code);
                staged.matters.extend(stage.rows.iter().filter_map(|row| place(&row.code)));
                ("import.matters_staged", Some(stage.import.0))
            }
            Command::StageText(stage) => {
                let staged = self.imports.get_mut(&stage.import.0).ok_or("import_not_found")?;
                let bytes = staged.text_bytes + stage.text.len();
                let is_more = staged.size.is_some_and(|size| bytes > size.text_bytes as usize);
                if stage.text.is_empty() || is_more {
                    return Err("rows_out_of_bounds");
                }
                staged.text_bytes = bytes;
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
        if grant.scopes.contains(Scope::Admin) && !grant.within.is_empty() {
            return Err("admin_within");
        }
        let is_place = |code: &str| {
            let known = self.organisation.find(code);
            known.is_some_and(|unit| letter(self.organisation.code(unit)).is_none())
        };
        if !grant.within.iter().all(|unit| is_place(&unit.to_string())) {
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
        if staged.size.is_some() {
            return Err("import_of_other_kind");
        }
        if stage.rows.is_empty() {
            return Err("rows_out_of_bounds");
        }
        if stage.rows.iter().any(|row| !Unit::of(row).is_coherent()) {
            return Err("unit_incoherent");
        }
        staged.units.extend(stage.rows.iter().cloned());
        Ok(())
    }

    fn commit(&mut self, commit: &CommitImport) -> Result<(), &'static str> {
        let staged = self.imports.get(&commit.import.0).ok_or("import_not_found")?.clone();
        if staged.size.is_some() {
            self.replace_catalogue(commit, &staged)?;
        } else {
            if staged.units.is_empty() {
                return Err("import_empty");
            }
            if commit.seen.is_some_and(|seen| seen.0 != self.organisation.seq) {
                return Err("organisation_stale");
            }
            self.import_units(&staged.units)?;
        }
        self.imports.remove(&commit.import.0);
        Ok(())
    }

    fn replace_catalogue(
        &mut self,
        commit: &CommitImport,
        staged: &Staged,
    ) -> Result<(), &'static str> {
        if !staged.is_whole() {
            return Err("import_incomplete");
        }
        if commit.seen.is_some_and(|seen| seen.0 != self.catalogue_seq) {
            return Err("config_stale");
        }
        let is_coming = |matter: usize| staged.matters.contains(&matter);
        if (0..MATTERS.len()).filter(|matter| is_coming(*matter)).count() < staged.matters.len() {
            return Err("matter_twice");
        }
        let goes = |matter: usize| self.matters[matter] == Some(true) && !is_coming(matter);
        if self.cases.iter().any(|case| case.holder.is_some() && goes(case.matter)) {
            return Err("matter_has_open_cases");
        }
        for (matter, is_in_force) in self.matters.iter_mut().enumerate() {
            if is_coming(matter) || is_in_force.is_some() {
                *is_in_force = Some(is_coming(matter));
            }
        }
        self.log.push(("import.committed", None));
        self.catalogue_seq = self.seq();
        Ok(())
    }
}

fn number_of(index: usize) -> u32 {
    u32::try_from(index + 1).expect("few clients")
}
