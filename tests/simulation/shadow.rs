//! The shadow: the rules of a case's life written a second time, on codes and plain maps, to say
//! beforehand what each command comes to.

use std::collections::{BTreeMap, VecDeque};

use zhida::domain::catalogue::HomeLevel;
use zhida::domain::command::{CaseRef, Command, ReportCase, Submission, Target};
use zhida::domain::grant::{Scope, Scopes};
use zhida::domain::ids::PrincipalId;

use crate::city::{CONFIDENTIAL, HOUR, MATTERS, ancestor, is_in_scope, level};
use crate::life::{Life, Watch};

const DAY: i64 = 24 * HOUR;
/// Minutes that a report may lie ahead.
const AHEAD: i64 = 5 * 60_000;

/// Whose key it came with, and its body.
fn slot_of(submission: &Submission) -> Option<((u32, String), u128)> {
    let mark = submission.mark.as_ref()?;
    Some(((submission.principal.0, mark.key.to_string()), mark.body_hash))
}

/// What a client is told of an accepted command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Told {
    pub(crate) seq: u64,
    pub(crate) events: u16,
    /// Case, version, the status where the command moved it, the holder where it routed it.
    pub(crate) case: Option<(u32, u32, Option<&'static str>, Option<String>)>,
    /// The number of an import or a client.
    pub(crate) number: Option<u32>,
}

/// A case, and the holder that a command gave it.
type Routed = (u32, Option<String>);

/// What a command comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Expected {
    Accepted(Told),
    Known(Told),
    Refused(&'static str),
}

#[derive(Clone, Debug)]
struct Kept {
    body: u128,
    told: Told,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Staged {
    /// Code, and until when.
    pub(super) units: Vec<(String, Option<i64>)>,
    pub(super) has_matters: bool,
}

#[derive(Clone, Debug)]
pub(super) struct Client {
    pub(super) name: String,
    /// Hashes of its tokens, the newest first.
    pub(super) tokens: Vec<[u8; 32]>,
    pub(super) scopes: Scopes,
    pub(super) expires_at: Option<i64>,
    pub(super) is_revoked: bool,
}

impl Client {
    /// Whether it administers without end.
    pub(super) fn is_lasting_admin(&self) -> bool {
        !self.is_revoked && self.scopes.contains(Scope::Admin) && self.expires_at.is_none()
    }
}

/// All of it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Shadow {
    pub(crate) now: i64,
    /// Whether each command brings its own time.
    pub(crate) is_driven: bool,
    /// Timers that may still fire before the turn ends, on a driven clock.
    timers_left: usize,
    /// Every event: its name, and its case or none.
    pub(crate) log: Vec<(&'static str, Option<u32>)>,
    pub(crate) cases: Vec<Life>,
    /// How often a key was accepted.
    pub(crate) accepted_keys: BTreeMap<(u32, String), u32>,
    keys: BTreeMap<(u32, String), Kept>,
    keys_by_age: VecDeque<(i64, (u32, String))>,
    numbers: BTreeMap<(&'static str, String), u32>,
    pub(super) units: BTreeMap<String, Option<i64>>,
    pub(super) has_matters: bool,
    pub(super) imports: BTreeMap<u32, Staged>,
    pub(super) imports_begun: u32,
    pub(super) clients: Vec<Client>,
    pub(super) is_open: bool,
}

impl Shadow {
    /// Before the first event.
    pub(crate) fn starting(now: i64, is_driven: bool) -> Self {
        Self { now, is_driven, ..Self::default() }
    }

    /// How many events there are.
    pub(crate) fn seq(&self) -> u64 {
        self.log.len() as u64
    }

    /// How many imports were begun.
    pub(crate) fn imports_begun(&self) -> u32 {
        self.imports_begun
    }

    /// The codes of all units.
    pub(crate) fn unit_codes(&self) -> impl Iterator<Item = &str> {
        self.units.keys().map(String::as_str)
    }

    /// What became of a key.
    pub(crate) fn outcome(&self, principal: PrincipalId, key: &str) -> Option<&Told> {
        self.keys.get(&(principal.0, key.to_owned())).map(|kept| &kept.told)
    }

    /// The open cases of a unit, in order.
    pub(crate) fn inbox(&self, unit: &str) -> Vec<u32> {
        let held =
            self.cases.iter().zip(1..).filter(|(case, _)| case.holder.as_deref() == Some(unit));
        held.map(|(_, id)| id).collect()
    }

    /// Begins a turn.
    pub(crate) fn begin(&mut self, timers_max: usize) {
        self.timers_left = timers_max;
    }

    /// Lets a driven clock pass to the time of a command that is not refused whatever its time, and
    /// further where it advances the clock. Says whether that is done; it goes on in the next turn
    /// where it is not.
    pub(crate) fn pass(&mut self, submission: &Submission, has_come: &mut bool) -> bool {
        let Ok((scopes, None)) = self.known(submission) else {
            return true;
        };
        if let Some(at) = submission.at.filter(|_| self.is_driven && !*has_come) {
            if at.0 < self.now {
                return true;
            }
            if !self.pass_to(at.0) {
                return false;
            }
        }
        *has_come = true;
        if let Command::AdvanceClock(advance) = &submission.command
            && self.is_driven
            && scopes.contains(Scope::Admin)
            && advance.to.0 >= self.now
        {
            return self.pass_to(advance.to.0);
        }
        true
    }

    fn pass_to(&mut self, at: i64) -> bool {
        while let Some((then, id)) = self.next_turn().filter(|(then, _)| *then <= at) {
            if self.timers_left == 0 {
                return false;
            }
            self.timers_left -= 1;
            self.now = self.now.max(then);
            self.turn(id);
        }
        self.now = self.now.max(at);
        true
    }

    /// When the next clock of any case turns, and which case's.
    fn next_turn(&self) -> Option<(i64, u32)> {
        let turns = self.cases.iter().zip(1_u32..);
        turns.filter_map(|(case, id)| Some((case.next_turn()?.0, id))).min()
    }

    /// Fires what is due, `max` at most; says how many. A driven clock fires what it passes alone.
    pub(crate) fn fire(&mut self, max: usize) -> usize {
        if self.is_driven {
            return 0;
        }
        for fired in 0..max {
            let Some((_, id)) = self.next_turn().filter(|(at, _)| *at <= self.now) else {
                return fired;
            };
            self.turn(id);
        }
        max
    }

    fn turn(&mut self, id: u32) {
        let case = &mut self.cases[id as usize - 1];
        let Some((_, is_node)) = case.next_turn() else { return };
        let watch = if is_node { &mut case.node } else { &mut case.total };
        watch.light += 1;
        let name = if watch.light == 1 { "case.warned" } else { "case.overdue" };
        case.version += 1;
        self.log.push((name, Some(id)));
    }

    /// Takes a command, to whose time a driven clock has come or not: what is due of its case first.
    pub(crate) fn take(&mut self, submission: &Submission, has_come: bool) -> Expected {
        if submission.at.is_some() && !self.is_driven {
            return Expected::Refused("at_not_driven");
        }
        if let Some(target) = submission.command.target()
            && let Some(id) = self.resolve(submission.principal, &target.case)
        {
            while self.cases[id as usize - 1].next_turn().is_some_and(|(at, _)| at <= self.now) {
                self.turn(id);
            }
        }
        self.decide(submission, has_come).unwrap_or_else(Expected::Refused)
    }

    /// What its sender may do, and what it came to before.
    fn known(&self, submission: &Submission) -> Result<(Scopes, Option<Told>), &'static str> {
        let mut scopes = Scopes::ALL;
        if submission.principal != PrincipalId::SYSTEM {
            let index = (submission.principal.0 as usize).wrapping_sub(1);
            let client = self.clients.get(index).filter(|client| !client.is_revoked);
            let client = client.ok_or("principal_revoked")?;
            if client.expires_at.is_some_and(|at| at <= self.now) {
                return Err("token_expired");
            }
            scopes = client.scopes;
        }
        match slot_of(submission).and_then(|(key, body)| Some((self.keys.get(&key)?, body))) {
            Some((kept, body)) if kept.body != body => Err("key_reused"),
            kept => Ok((scopes, kept.map(|(kept, _)| kept.told.clone()))),
        }
    }

    fn decide(
        &mut self,
        submission: &Submission,
        has_come: bool,
    ) -> Result<Expected, &'static str> {
        let (scopes, known) = self.known(submission)?;
        if let Some(told) = known {
            return Ok(Expected::Known(told));
        }
        if submission.at.is_some() && !has_come {
            return Err("at_before_now");
        }
        check_scopes(scopes, &submission.command)?;
        let before = self.log.len();
        let (case, number) = match &submission.command {
            Command::ReportCase(report) => (Some(self.report(submission, report)?), None),
            Command::AcknowledgeCase(verb) => {
                (Some(self.verb(submission, &verb.target, "acknowledge")?), None)
            }
            Command::EscalateCase(verb) => {
                (Some(self.verb(submission, &verb.target, "escalate")?), None)
            }
            Command::HandleCase(verb) => {
                (Some(self.verb(submission, &verb.target, "handle")?), None)
            }
            Command::CloseCase(verb) => (Some(self.verb(submission, &verb.target, "close")?), None),
            Command::HandDownCase(_)
            | Command::TransferCase(_)
            | Command::ReturnCase(_)
            | Command::DeclineCase(_)
            | Command::ReopenCase(_)
            | Command::VoidCase(_)
            | Command::NoteCase(_)
            | Command::ChangeOrganisation(_) => unreachable!("not made"),
            Command::RevealCase(reveal) => {
                let is_admin = scopes.contains(Scope::Admin);
                (Some(self.reveal(submission, &reveal.target, is_admin)?), None)
            }
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
            | Command::AdvanceClock(_) => (None, self.administer(&submission.command)?),
        };
        let events = u16::try_from(self.log.len() - before).expect("few events");
        let case = case.map(|(id, holder)| {
            let case = &self.cases[id as usize - 1];
            let moves = !matches!(submission.command, Command::RevealCase(_));
            (id, case.version, moves.then_some(case.status), holder)
        });
        let told = Told { seq: self.seq(), events, case, number };
        if let Some((key, body)) = slot_of(submission) {
            self.remember(key, Kept { body, told: told.clone() });
        }
        Ok(Expected::Accepted(told))
    }

    fn remember(&mut self, key: (u32, String), kept: Kept) {
        *self.accepted_keys.entry(key.clone()).or_default() += 1;
        self.keys_by_age.push_back((self.now, key.clone()));
        self.keys.insert(key, kept);
        while let Some((then, oldest)) = self.keys_by_age.front()
            && self.now - then > DAY
        {
            self.keys.remove(oldest);
            self.keys_by_age.pop_front();
        }
    }

    fn resolve(&self, principal: PrincipalId, case: &CaseRef) -> Option<u32> {
        match case {
            CaseRef::Id(id) => (1..=self.cases.len()).contains(&(id.0 as usize)).then_some(id.0),
            CaseRef::Key(key) => self.outcome(principal, key)?.case.as_ref().map(|case| case.0),
            CaseRef::Number(source, number) => {
                self.numbers.get(&(source.name(), number.to_string())).copied()
            }
        }
    }

    fn is_unit_open(&self, code: &str) -> bool {
        self.units.get(code).is_some_and(|until| until.is_none_or(|until| self.now < until))
    }

    /// Who acts: a unit that is known, within the scope, and open.
    fn actor(&self, submission: &Submission) -> Result<Option<String>, &'static str> {
        let Some(by) = submission.by.map(|by| by.to_string()) else {
            return Ok(None);
        };
        if !is_in_scope(submission.principal, &by) || !self.units.contains_key(&by) {
            return Err("unit_not_found");
        }
        if !self.is_unit_open(&by) {
            return Err("unit_closed");
        }
        Ok(Some(by))
    }

    /// Gives the case, and who got it.
    fn report(&mut self, by: &Submission, report: &ReportCase) -> Result<Routed, &'static str> {
        let place = report.place.to_string();
        let known = |row: &(&str, HomeLevel, u32, u32, bool, bool)| row.0 == &*report.matter;
        let matter = MATTERS.iter().position(known).filter(|_| self.has_matters);
        let matter = matter.ok_or("matter_not_found")?;
        if !is_in_scope(by.principal, &place) || !self.units.contains_key(&place) {
            return Err("place_not_found");
        }
        if level(&place) > 2 {
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
        let (holder, is_fallback) = self.route(&place, home).ok_or("no_holder")?;
        if report.settle.is_some() {
            if !may_settle {
                return Err("not_on_the_spot");
            }
            if self.actor(by)?.as_ref() != Some(&holder) {
                return Err("settler_not_the_holder");
            }
        }
        self.actor(by)?;
        let start = report.occurred_at.filter(|_| from_occurrence).map_or(self.now, |at| at.0);
        self.cases.push(Life {
            status: "dispatched",
            holder: Some(holder.clone()),
            version: 1,
            place,
            escalations: 0,
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
            (case.status, case.on_the_spot, case.version) = ("closed", true, 2);
            case.holder = None;
            self.log.push(("case.settled", Some(id)));
        }
        Ok((id, Some(holder)))
    }

    /// The unit at home on the line of the place; else the township's room, else the township.
    fn route(&self, place: &str, home: HomeLevel) -> Option<(String, bool)> {
        let home = [HomeLevel::Grid, HomeLevel::Village, HomeLevel::Township]
            .iter()
            .position(|one| *one == home)?;
        // No office: what is at home in the township falls to its room.
        if home < 2 && self.is_unit_open(place) && level(place) <= home {
            let holder = ancestor(place, home);
            if self.is_unit_open(&holder) {
                return Some((holder, false));
            }
        }
        self.centre(place).map(|centre| (centre, true))
    }

    /// The township's room, or else the township.
    fn centre(&self, place: &str) -> Option<String> {
        let township = ancestor(place, 2);
        let takers = [format!("{township}-R01"), township];
        takers.into_iter().find(|taker| self.is_unit_open(taker))
    }

    /// The case that is meant, if it exists for whoever asks.
    fn target(&self, by: &Submission, target: &Target) -> Result<u32, &'static str> {
        let unknown =
            if matches!(target.case, CaseRef::Id(_)) { "case_not_found" } else { "ref_unknown" };
        let id = self.resolve(by.principal, &target.case).ok_or(unknown)?;
        let case = &self.cases[id as usize - 1];
        let is_seen = |unit: &str| is_in_scope(by.principal, unit);
        if !is_seen(&case.place) && !case.holder.as_deref().is_some_and(is_seen) {
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

    /// Gives the case, and who got it.
    fn verb(
        &mut self,
        by: &Submission,
        target: &Target,
        verb: &str,
    ) -> Result<Routed, &'static str> {
        let id = self.target(by, target)?;
        let case = &self.cases[id as usize - 1];
        let actor = self.actor(by)?.ok_or("unit_missing")?;
        let Some(holder) = case.holder.clone() else {
            return Err("move_not_allowed");
        };
        let (name, status) = match (verb, case.status) {
            ("acknowledge", "dispatched") => ("case.acknowledged", "acknowledged"),
            ("handle", "acknowledged") => ("case.handled", "handled"),
            ("close", "handled") => ("case.closed", "closed"),
            ("escalate", "dispatched" | "acknowledged") if level(&holder) < 2 => {
                ("case.escalated", "dispatched")
            }
            _ => return Err("move_not_allowed"),
        };
        if actor != holder {
            return Err("not_the_holder");
        }
        // Villages and townships never close here.
        let up = match (verb, level(&holder)) {
            ("escalate", 0) => ancestor(&holder, 1),
            ("escalate", _) => self.centre(&holder).ok_or("no_holder")?,
            _ => holder,
        };
        let now = self.now;
        let case = &mut self.cases[id as usize - 1];
        case.status = status;
        case.version += 1;
        match verb {
            "escalate" => {
                case.holder = Some(up);
                case.escalations += 1;
                case.node = Watch::new(now, MATTERS[case.matter].2);
            }
            "close" => case.holder = None,
            _ => {}
        }
        self.log.push((name, Some(id)));
        Ok((id, case.holder.clone().filter(|_| verb == "escalate")))
    }
}

/// Refuses whoever has not the scopes that the command needs.
fn check_scopes(scopes: Scopes, command: &Command) -> Result<(), &'static str> {
    let needed = match command {
        Command::ReportCase(report) if report.settle.is_some() => &[Scope::Intake, Scope::Act][..],
        Command::ReportCase(_) => &[Scope::Intake],
        Command::AcknowledgeCase(_)
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
        | Command::RevealCase(_) => &[Scope::Act],
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
        | Command::AdvanceClock(_) => &[Scope::Admin],
    };
    match needed.iter().find(|one| !scopes.contains(**one)) {
        None => Ok(()),
        Some(Scope::Admin) => Err("needs_admin"),
        Some(_) => Err("scope_missing"),
    }
}
