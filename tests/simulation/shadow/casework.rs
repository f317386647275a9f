//! The shadow's casework: where a report goes, what each verb needs and what it does.

use zhida::domain::catalogue::HomeLevel;
use zhida::domain::code::UnitCode;
use zhida::domain::command::{CaseRef, Command, ReportCase, Submission, Target};
use zhida::domain::grant::{Scope, Scopes};

use super::life::{Life, Watch};
use super::{Routed, Shadow};
use crate::city::{CONFIDENTIAL, MATTERS, ancestor, is_in_scope, is_within, letter, level};

/// Minutes that a report may lie ahead.
const AHEAD: i64 = 5 * 60_000;

impl Shadow {
    /// What a command does to a case, if it is one: the case, and who got it.
    pub(super) fn casework(
        &mut self,
        by: &Submission,
        scopes: Scopes,
    ) -> Option<Result<Routed, &'static str>> {
        let (verb, target, to) = match &by.command {
            Command::ReportCase(report) => return Some(self.report(by, report)),
            Command::RevealCase(reveal) => {
                let is_admin = scopes.contains(Scope::Admin);
                return Some(self.reveal(by, &reveal.target, is_admin));
            }
            Command::AcknowledgeCase(verb) => ("acknowledge", &verb.target, None),
            Command::EscalateCase(verb) => ("escalate", &verb.target, None),
            Command::HandleCase(verb) => ("handle", &verb.target, None),
            Command::CloseCase(verb) => ("close", &verb.target, None),
            Command::HandDownCase(verb) => ("hand_down", &verb.target, Some(verb.to)),
            Command::TransferCase(verb) => ("transfer", &verb.target, Some(verb.to)),
            Command::ReturnCase(verb) => ("return", &verb.target, None),
            Command::DeclineCase(verb) => ("decline", &verb.target, None),
            Command::ReopenCase(verb) => ("reopen", &verb.target, None),
            Command::VoidCase(verb) => ("void", &verb.target, None),
            Command::NoteCase(verb) => ("note", &verb.target, None),
            Command::OpenJournal(_)
            | Command::AdmitClient(_)
            | Command::ChangeClient(_)
            | Command::RotateClient(_)
            | Command::RevokeClient(_)
            | Command::BeginImport(_)
            | Command::StageUnits(_)
            | Command::StageMatters(_)
            | Command::StageText(_)
            | Command::CommitImport(_)
            | Command::AbandonImport(_)
            | Command::ChangeOrganisation(_)
            | Command::AdvanceClock(_) => return None,
        };
        Some(self.verb(by, target, verb, to))
    }

    /// Who acts: a unit that is known, within the scope, and open.
    fn actor(&self, submission: &Submission) -> Result<Option<usize>, &'static str> {
        let Some(by) = submission.by.map(|by| by.to_string()) else {
            return Ok(None);
        };
        let known = self.organisation.find(&by);
        let unit =
            known.filter(|unit| is_in_scope(submission.principal, self.organisation.code(*unit)));
        let unit = unit.ok_or("unit_not_found")?;
        if !self.organisation.unit(unit).is_open(self.now) {
            return Err("unit_closed");
        }
        Ok(Some(unit))
    }

    fn report(&mut self, by: &Submission, report: &ReportCase) -> Result<Routed, &'static str> {
        let code = report.place.to_string();
        let known = |row: &(&str, HomeLevel, u32, u32, bool, bool)| row.0 == &*report.matter;
        let matter = MATTERS.iter().position(known).ok_or("matter_not_found")?;
        if !self.matters[matter].ok_or("matter_not_found")? {
            return Err("matter_retired");
        }
        let place = self.organisation.find(&code);
        let in_scope = |place: &usize| is_in_scope(by.principal, self.organisation.code(*place));
        let place = place.filter(in_scope).ok_or("place_not_found")?;
        if level(self.organisation.code(place)) > 2 {
            return Err("place_too_high");
        }
        let number =
            report.source_number.as_ref().map(|number| (report.source.name(), number.to_string()));
        if number.as_ref().is_some_and(|number| self.numbers.contains_key(number)) {
            return Err("source_number_taken");
        }
        if report.occurred_at.is_some_and(|at| at.0 - self.now > AHEAD) {
            return Err("occurred_in_future");
        }
        let (_, home, node, total, may_settle, from_occurrence) = MATTERS[matter];
        let (holder, is_fallback) = self.route(place, home).ok_or("no_holder")?;
        if report.settle.is_some() {
            if !may_settle {
                return Err("not_on_the_spot");
            }
            if self.actor(by)? != Some(holder) {
                return Err("settler_not_the_holder");
            }
        }
        self.actor(by)?;
        let start = report.occurred_at.filter(|_| from_occurrence).map_or(self.now, |at| at.0);
        self.cases.push(Life {
            status: "dispatched",
            holder: Some(holder),
            ended_by: None,
            sender: None,
            version: 1,
            place,
            reported_at: self.now,
            escalations: 0,
            reopens: 0,
            is_fallback,
            on_the_spot: false,
            node: Watch::new(start, node),
            total: Watch::new(start, total),
            matter,
        });
        let id = u32::try_from(self.cases.len()).expect("few cases");
        self.log.push(("case.reported", Some(id)));
        if let Some(number) = number {
            self.numbers.insert(number, id);
        }
        if report.settle.is_some() {
            let case = self.cases.last_mut().expect("just pushed");
            (case.on_the_spot, case.version) = (true, 2);
            case.end("closed", holder);
            self.log.push(("case.settled", Some(id)));
        }
        Ok((id, Some(holder)))
    }

    /// The unit at home on the line of the place, in the township its office; else the township's
    /// room, else the township.
    fn route(&self, place: usize, home: HomeLevel) -> Option<(usize, bool)> {
        let organisation = &self.organisation;
        let at_home = match home {
            HomeLevel::Grid => organisation.on_the_line(place, 0, self.now),
            HomeLevel::Village => organisation.on_the_line(place, 1, self.now),
            HomeLevel::Township => organisation.office(place, self.now),
        };
        let is_open = organisation.unit(place).is_open(self.now);
        match at_home.filter(|_| is_open) {
            Some(holder) => Some((holder, false)),
            None => organisation.fallback(place, self.now).map(|centre| (centre, true)),
        }
    }

    /// The case that is meant, if it exists for whoever asks.
    fn target(&self, by: &Submission, target: &Target) -> Result<u32, &'static str> {
        let unknown =
            if matches!(target.case, CaseRef::Id(_)) { "case_not_found" } else { "ref_unknown" };
        let id = self.resolve(by.principal, &target.case).ok_or(unknown)?;
        let case = &self.cases[id as usize - 1];
        let place = self.organisation.code_at(case.place, case.reported_at);
        let held_at = case.holder.map(|holder| self.organisation.code(holder));
        if ![Some(place), held_at].iter().flatten().any(|code| is_in_scope(by.principal, code)) {
            return Err("case_not_found");
        }
        if target.version.is_some_and(|version| version != case.version) {
            return Err("version_stale");
        }
        Ok(id)
    }

    fn reveal(
        &mut self,
        by: &Submission,
        target: &Target,
        is_admin: bool,
    ) -> Result<Routed, &'static str> {
        let id = self.target(by, target)?;
        if MATTERS[self.cases[id as usize - 1].matter].0 == CONFIDENTIAL && !is_admin {
            return Err("claimant_confidential");
        }
        self.actor(by)?;
        self.cases[id as usize - 1].version += 1;
        self.log.push(("case.revealed", Some(id)));
        Ok((id, None))
    }

    fn verb(
        &mut self,
        by: &Submission,
        target: &Target,
        verb: &'static str,
        to: Option<UnitCode>,
    ) -> Result<Routed, &'static str> {
        let id = self.target(by, target)?;
        let case = &self.cases[id as usize - 1];
        let actor = self.actor(by)?.ok_or("unit_missing")?;
        if !self.may(case, actor, verb) {
            let answering = case.holder.or(case.ended_by).expect("somebody answers for it");
            return Err(if self.may(case, answering, verb) {
                "not_the_holder"
            } else if verb == "void" && matches!(case.status, "dispatched" | "acknowledged") {
                "needs_centre"
            } else {
                "move_not_allowed"
            });
        }
        let receiver = self.receiver(by, case, verb, to)?;
        Ok(self.moved(id, actor, verb, receiver))
    }

    /// Whether a unit may do that with a case now.
    fn may(&self, case: &Life, unit: usize, verb: &str) -> bool {
        let code = self.organisation.code(unit);
        let at = level(code);
        let (holds, ended) = (case.holder == Some(unit), case.ended_by == Some(unit));
        let is_room = letter(code) == Some('R');
        let answering = case.holder.or(case.ended_by);
        let is_above = [Some(case.place), answering]
            .into_iter()
            .flatten()
            .any(|below| is_within(self.organisation.code(below), code));
        let waits = case.status == "dispatched";
        let is_young = waits || case.status == "acknowledged";
        match verb {
            "acknowledge" | "decline" => holds && waits,
            "return" => {
                let is_last = is_room || letter(code).is_none() && at == 2;
                holds && waits && (case.sender.is_some() || !is_last)
            }
            "handle" => holds && case.status == "acknowledged",
            "close" => holds && case.status == "handled",
            "escalate" => holds && is_young && at < 2,
            "hand_down" => holds && is_young && at > 0,
            "transfer" => holds && is_young,
            "void" => is_above && is_room && at >= 2 && is_young,
            "reopen" => {
                matches!(case.status, "closed" | "declined") && (ended || is_above && is_room)
            }
            "note" => holds || ended || is_above,
            other => panic!("{other} is no verb"),
        }
    }

    /// Who gets the case by that verb, if it goes to anybody.
    fn receiver(
        &self,
        by: &Submission,
        case: &Life,
        verb: &str,
        to: Option<UnitCode>,
    ) -> Result<Option<usize>, &'static str> {
        let (organisation, now) = (&self.organisation, self.now);
        let received = match (verb, case.holder) {
            ("escalate", Some(holder)) => {
                let village = organisation.on_the_line(holder, 1, now);
                village
                    .filter(|_| level(organisation.code(holder)) == 0)
                    .or_else(|| organisation.office(holder, now))
                    .or_else(|| organisation.centre(holder, now))
            }
            ("return", Some(holder)) => case
                .sender
                .and_then(|sender| organisation.standing_in(sender, now))
                .filter(|back| level(organisation.code(*back)) <= 2)
                .or_else(|| organisation.centre(holder, now))
                .filter(|back| *back != holder),
            ("reopen", _) => case
                .ended_by
                .and_then(|by| organisation.standing_in(by, now))
                .or_else(|| organisation.fallback(case.place, now)),
            ("hand_down" | "transfer", Some(holder)) => {
                return self.sent_to(by, holder, verb, to).map(Some);
            }
            _ => return Ok(None),
        };
        received.ok_or("no_holder").map(Some)
    }

    /// The unit that the holder sends a case to.
    fn sent_to(
        &self,
        by: &Submission,
        holder: usize,
        verb: &str,
        to: Option<UnitCode>,
    ) -> Result<usize, &'static str> {
        let named = to.expect("it names a unit").to_string();
        let known = self.organisation.find(&named);
        let in_scope = |to: &usize| is_in_scope(by.principal, self.organisation.code(*to));
        let to = known.filter(in_scope).ok_or("to_not_found")?;
        if !self.organisation.unit(to).is_open(self.now) {
            return Err("to_closed");
        }
        if to == holder {
            return Err("to_is_holder");
        }
        let (from, code) = (self.organisation.code(holder), self.organisation.code(to));
        let (high, low) = (level(from), level(code));
        let is_fit = if verb == "hand_down" {
            // What sits at a division is below it too.
            is_within(code, from)
                && (low < high || letter(from).is_none() && letter(code).is_some())
        } else {
            low == high && low <= 2 && ancestor(from, 2) == ancestor(code, 2)
        };
        if is_fit { Ok(to) } else { Err("to_unfit") }
    }

    fn moved(
        &mut self,
        id: u32,
        actor: usize,
        verb: &'static str,
        receiver: Option<usize>,
    ) -> Routed {
        let now = self.now;
        let case = &mut self.cases[id as usize - 1];
        let holder = case.holder;
        case.version += 1;
        if let Some(receiver) = receiver {
            let (_, _, node, total, _, _) = MATTERS[case.matter];
            case.sender = holder;
            (case.status, case.holder, case.ended_by) = ("dispatched", Some(receiver), None);
            case.node = Watch::new(now, node);
            match verb {
                "escalate" => case.escalations += 1,
                // It does not go to and fro.
                "return" => case.sender = None,
                "reopen" => {
                    case.total = Watch::new(now, total);
                    case.sender = Some(actor).filter(|by| *by != receiver);
                    case.reopens += 1;
                }
                _ => {}
            }
        }
        let name = match verb {
            "acknowledge" => {
                case.status = "acknowledged";
                "case.acknowledged"
            }
            "handle" => {
                case.status = "handled";
                "case.handled"
            }
            "close" => {
                case.end("closed", holder.expect("a holder closes"));
                "case.closed"
            }
            "decline" => {
                case.end("declined", holder.expect("a holder declines"));
                "case.declined"
            }
            "void" => {
                case.end("voided", actor);
                "case.voided"
            }
            "escalate" => "case.escalated",
            "hand_down" => "case.handed_down",
            "transfer" => "case.transferred",
            "return" => "case.returned",
            "reopen" => "case.reopened",
            "note" => "case.noted",
            other => panic!("{other} is no verb"),
        };
        self.log.push((name, Some(id)));
        (id, receiver)
    }
}
