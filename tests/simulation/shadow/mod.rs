//! The shadow: the rules of a city's casework written a second time, on codes and plain maps, to say
//! beforehand what each command comes to.

mod administration;
mod casework;
mod closing;
mod life;
mod organisation;

use std::collections::{BTreeMap, VecDeque};

use zhida::domain::command::{CaseRef, Command, Submission};
use zhida::domain::grant::{Scope, Scopes};
use zhida::domain::ids::PrincipalId;
use zhida::domain::import::CatalogueSize;
use zhida::domain::organisation::UnitRow;

use crate::city::{HOUR, MATTERS};
use life::Life;
use organisation::Organisation;

const DAY: i64 = 24 * HOUR;

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
    pub(crate) case: Option<(u32, u32, Option<&'static str>, Option<usize>)>,
    /// The number of an import or a client.
    pub(crate) number: Option<u32>,
}

/// A case, and the holder that a command gave it.
type Routed = (u32, Option<usize>);

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
    pub(super) units: Vec<UnitRow>,
    /// How much it will be, where it brings a catalogue.
    pub(super) size: Option<CatalogueSize>,
    /// By their places in the city's list.
    pub(super) matters: Vec<usize>,
    pub(super) text_bytes: usize,
}

impl Staged {
    /// Matters and bytes of text that it still lacks.
    fn missing(&self) -> Option<(usize, usize)> {
        let size = self.size?;
        let (matters, text) = (size.matters as usize, size.text_bytes as usize);
        Some((matters - self.matters.len(), text - self.text_bytes))
    }

    /// Whether it is all that it should be.
    pub(super) fn is_whole(&self) -> bool {
        self.missing() == Some((0, 0))
    }
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
    pub(crate) organisation: Organisation,
    /// Whether each matter of the city's list is in force; none where it never was.
    pub(crate) matters: [Option<bool>; MATTERS.len()],
    /// The event that brought the catalogue into force.
    pub(crate) catalogue_seq: u64,
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

    /// The open proposals: their numbers, and the matters and bytes of text that each still lacks.
    pub(crate) fn proposals(&self) -> Vec<(u32, usize, usize)> {
        let open = self.imports.iter();
        open.filter_map(|(id, staged)| staged.missing().map(|(m, text)| (*id, m, text))).collect()
    }

    /// Whether cases of that matter are open.
    pub(crate) fn has_open_cases(&self, code: &str) -> bool {
        let is_of = |case: &Life| MATTERS[case.matter].0 == code && case.holder.is_some();
        self.cases.iter().any(is_of)
    }

    /// What became of a key.
    pub(crate) fn outcome(&self, principal: PrincipalId, key: &str) -> Option<&Told> {
        self.keys.get(&(principal.0, key.to_owned())).map(|kept| &kept.told)
    }

    /// The open cases of a unit, in order.
    pub(crate) fn inbox(&self, unit: usize) -> Vec<u32> {
        let held = self.cases.iter().zip(1..).filter(|(case, _)| case.holder == Some(unit));
        held.map(|(_, id)| id).collect()
    }

    /// Begins a turn: what was told to close by now does, before anything else.
    pub(crate) fn begin(&mut self, timers_max: usize) {
        self.timers_left = timers_max;
        if !self.is_driven {
            self.close_due();
        }
    }

    /// Lets a driven clock pass to the time of a command that is not refused whatever its time, and
    /// further where it advances the clock. Says whether that is done; it goes on in the next turn
    /// where it is not.
    pub(crate) fn pass(&mut self, submission: &Submission, has_come: &mut bool) -> bool {
        // What was due when it came goes before whatever has no time of its own.
        if self.is_driven && submission.at.is_none() && !*has_come && !self.pass_to(self.now) {
            return false;
        }
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
        loop {
            let turn = self.next_turn().filter(|(then, _)| *then <= at);
            let closing = self.organisation.told.next_at().filter(|then| *then <= at);
            let Some(then) = closing.into_iter().chain(turn.map(|(then, _)| then)).min() else {
                break;
            };
            if self.timers_left == 0 {
                return false;
            }
            self.timers_left -= 1;
            self.now = self.now.max(then);
            match turn {
                Some((_, id)) if closing != Some(then) => self.turn(id),
                _ => drop(self.close_due()),
            }
        }
        self.now = self.now.max(at);
        true
    }

    /// When the next clock of any case turns, and which case's.
    fn next_turn(&self) -> Option<(i64, u32)> {
        let turns = self.cases.iter().zip(1_u32..);
        turns.filter_map(|(case, id)| Some((case.next_turn()?.0, id))).min()
    }

    /// Fires what is due, `max` timers at most after what closes, or on a driven clock as many as
    /// the turn has left; says how much.
    pub(crate) fn fire(&mut self, max: usize) -> usize {
        if self.is_driven {
            let before = self.timers_left;
            self.pass_to(self.now);
            return before - self.timers_left;
        }
        let closed = usize::from(self.close_due());
        for fired in 0..max {
            let Some((_, id)) = self.next_turn().filter(|(at, _)| *at <= self.now) else {
                return closed + fired;
            };
            self.turn(id);
        }
        closed + max
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
        // Passing to its time fired what was due; what is refused before that fires nothing.
        if submission.at.is_none()
            && let Some(target) = submission.command.target()
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
        if let Command::ChangeOrganisation(command) = &submission.command
            && !Self::is_bounded(&command.change)
        {
            return Err("out_of_bounds");
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
        let (case, number) = match self.casework(submission, scopes) {
            Some(routed) => (Some(routed?), None),
            None => (None, self.administer(&submission.command)?),
        };
        let events = u16::try_from(self.log.len() - before).expect("few events");
        let case = case.map(|(id, holder)| {
            let case = &self.cases[id as usize - 1];
            // Neither moves the case, and so its answer tells of no status.
            let stays = matches!(submission.command, Command::NoteCase(_) | Command::RevealCase(_));
            (id, case.version, (!stays).then_some(case.status), holder)
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
