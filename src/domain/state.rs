//! The state: the fold of all events. `decide` reads it, `evolve` alone writes it.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::calendar::Calendar;
use super::case::{Case, Cases, Move, Source, Status, Timer};
use super::catalogue::Catalogue;
use super::client::Clients;
use super::code::UnitCode;
use super::command::{CaseRef, Submission, Target};
use super::digest::{Digest, Hasher, hash_of_words, high, low};
use super::event::{ClockMode, Event};
use super::hash::NumberMap;
use super::ids::{CaseId, ImportId, MatterNumber, PrincipalId, Seq, SlotNumber, Timestamp};
use super::import::Imports;
use super::organisation::{Organisation, UnitRow};
use super::outcome::{Outcomes, Remembered, key_hash};
use super::record::{Actor, Record};
use super::rejection::Rejection;

/// A source and the number that it gave a case, as 128 bits.
pub type NaturalKey = u128;

/// The natural key of a case: its source and the number that the source gave it.
#[must_use]
pub fn natural_key(source: Source, number: &str) -> NaturalKey {
    xxhash_rust::xxh3::xxh3_128_with_seed(number.as_bytes(), source as u64)
}

/// What falls due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Due {
    /// A timer of a case.
    Timer(CaseId, Timer),
    /// Units close that were told to, at that moment.
    Closing(Timestamp),
}

impl Due {
    /// The moment.
    #[must_use]
    pub const fn at(self) -> Timestamp {
        match self {
            Self::Timer(_, timer) => timer.due_at,
            Self::Closing(at) => at,
        }
    }
}

/// Everything that rules are decided upon.
#[derive(Clone, Debug, Default)]
pub struct State {
    pub(super) tail: Seq,
    pub(super) now: Option<Timestamp>,
    pub(super) opened: Option<super::event::JournalOpened>,
    pub(super) organisation: Arc<Organisation>,
    pub(super) catalogue: Arc<Catalogue>,
    pub(super) clients: Arc<Clients>,
    pub(super) imports: Imports,
    pub(super) cases: Cases,
    pub(super) numbers: NumberMap<NaturalKey, CaseId>,
    pub(super) outcomes: Outcomes,
    /// The highest key slot that an event names; zero before the first.
    pub(super) slots_used: u64,
    timers: BTreeSet<(Timestamp, CaseId)>,
    /// Open cases by the number of their matter.
    open_of_matter: Vec<u32>,
    is_folding: bool,
    case_digest: Digest,
    number_digest: Digest,
}

impl State {
    /// A state to fold events onto. What only deciding asks for, the order of the timers and the
    /// places of the keys, is not kept up: that saves a third of the time and of the memory.
    #[must_use]
    pub fn folding() -> Self {
        Self { is_folding: true, outcomes: Outcomes::default().folding(), ..Self::default() }
    }

    /// The same state, to be decided upon from now on.
    #[must_use]
    pub fn made_ready(mut self) -> Self {
        self.is_folding = false;
        let due = self.cases.iter().filter_map(|(id, case)| Some((case.next_timer()?.due_at, id)));
        self.timers = due.collect();
        self.outcomes.make_ready();
        self
    }

    /// The newest event that it is the fold of.
    #[must_use]
    pub fn tail(&self) -> Seq {
        self.tail
    }

    /// The time of the newest event; 1970 before the first.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.now.unwrap_or(Timestamp::EPOCH)
    }

    /// What the clock may do, and the journal's name; none before the first event.
    #[must_use]
    pub fn opened(&self) -> Option<&super::event::JournalOpened> {
        self.opened.as_ref()
    }

    /// What the clock may do; none before the first event.
    #[must_use]
    pub fn clock_mode(&self) -> Option<ClockMode> {
        self.opened.as_ref().map(|opened| opened.clock_mode)
    }

    /// All units.
    #[must_use]
    pub fn organisation(&self) -> &Arc<Organisation> {
        &self.organisation
    }

    pub(super) fn organisation_mut(&mut self) -> &mut Organisation {
        Arc::make_mut(&mut self.organisation)
    }

    /// All matters.
    #[must_use]
    pub fn catalogue(&self) -> &Arc<Catalogue> {
        &self.catalogue
    }

    /// How many open cases there are of that matter.
    #[must_use]
    pub fn open_cases_of(&self, matter: MatterNumber) -> u32 {
        self.open_of_matter.get(usize::from(matter.0)).copied().unwrap_or(0)
    }

    /// All clients.
    #[must_use]
    pub fn clients(&self) -> &Arc<Clients> {
        &self.clients
    }

    /// All open imports.
    #[must_use]
    pub fn imports(&self) -> &Imports {
        &self.imports
    }

    /// All cases.
    #[must_use]
    pub fn cases(&self) -> &Cases {
        &self.cases
    }

    /// The remembered outcomes.
    #[must_use]
    pub fn outcomes(&self) -> &Outcomes {
        &self.outcomes
    }

    /// How limits become moments.
    #[must_use]
    pub fn calendar(&self) -> Calendar {
        Calendar
    }

    /// The highest key slot that a committed event names; none before the first.
    #[must_use]
    pub fn slots_used(&self) -> Option<SlotNumber> {
        (self.slots_used > 0).then_some(SlotNumber(self.slots_used))
    }

    /// The case that a source gave that number.
    #[must_use]
    pub fn case_by_number(&self, key: NaturalKey) -> Option<CaseId> {
        self.numbers.get(&key).copied()
    }

    /// How many natural keys there are.
    #[must_use]
    pub fn numbers_len(&self) -> usize {
        self.numbers.len()
    }

    /// All natural keys, in no order: sort them before anything that is remembered.
    pub fn numbers(&self) -> impl Iterator<Item = (NaturalKey, CaseId)> {
        self.numbers.iter().map(|(key, case)| (*key, *case))
    }

    /// When something falls due next.
    #[must_use]
    pub fn next_due_at(&self) -> Option<Timestamp> {
        let timer = self.timers.first().map(|(due_at, _)| *due_at);
        self.organisation.next_closing_at().into_iter().chain(timer).min()
    }

    /// What falls due next, at or before `now`. What closes at a moment does so before the timers of
    /// that moment.
    #[must_use]
    pub fn next_due(&self, now: Timestamp) -> Option<Due> {
        let due_at = self.next_due_at().filter(|due_at| *due_at <= now)?;
        if self.organisation.next_closing_at() == Some(due_at) {
            return Some(Due::Closing(due_at));
        }
        let &(_, case) = self.timers.first()?;
        Some(Due::Timer(case, self.cases.get(case)?.next_timer()?))
    }

    /// The next timer of that case, if it is due at or before `now`.
    #[must_use]
    pub fn next_due_of(&self, case: CaseId, now: Timestamp) -> Option<Timer> {
        self.cases.get(case)?.next_timer().filter(|timer| timer.due_at <= now)
    }

    /// The case that a command names, whether or not it may act on it.
    #[must_use]
    pub fn resolve(&self, principal: PrincipalId, case: &CaseRef) -> Option<CaseId> {
        match case {
            CaseRef::Id(id) => self.cases.get(*id).map(|_| *id),
            CaseRef::Key(key) => self.outcomes.get(key_hash(principal, key))?.case,
            CaseRef::Number(source, number) => self.case_by_number(natural_key(*source, number)),
        }
    }

    /// Who acts, by a submission.
    ///
    /// # Errors
    /// When it names a unit that does not exist or lies outside its scope, or one that is not open.
    pub fn actor(&self, now: Timestamp, submission: &Submission) -> Result<Actor, Rejection> {
        let acting = match submission.by {
            None => None,
            Some(code) => {
                // By whatever code it is named: its present one is in scope, or it is not there.
                let in_scope = |(_, row): &(_, &UnitRow)| submission.places.contains(row.code);
                let known = self.organisation.known(code).filter(in_scope);
                Some(known.ok_or(Rejection::UnitNotFound)?)
            }
        };
        if acting.is_some_and(|(_, row)| !row.is_open(now)) {
            return Err(Rejection::UnitClosed);
        }
        let unit = acting.map(|(unit, _)| unit);
        Ok(Actor { principal: submission.principal, unit, seat: None, acting_for: None })
    }

    /// The case that a command acts on, once it is known that whoever asks may do that.
    ///
    /// # Errors
    /// In this order: no such case in scope, another version, nobody who may act, not a move for
    /// that unit, not one for now.
    pub(super) fn case_for(
        &self,
        now: Timestamp,
        submission: &Submission,
        target: &Target,
        wanted: Move,
    ) -> Result<(CaseId, &Case), Rejection> {
        let (id, case) = self.case_in_scope(submission, target)?;
        let Some(unit) = self.actor(now, submission)?.unit else {
            return Err(Rejection::UnitMissing);
        };
        let moves = case.moves(&self.organisation, unit);
        if moves.contains(wanted) {
            return Ok((id, case));
        }
        let status = case.status.name();
        if case.moves_now(&self.organisation).contains(wanted) {
            return Err(Rejection::NotTheHolder { case: id, status, moves });
        }
        if case.moves_of_any_centre().contains(wanted) {
            return Err(Rejection::NeedsCentre { case: id, status, moves });
        }
        Err(Rejection::MoveNotAllowed { case: id, status, moves })
    }

    /// The case that a command acts on, whoever holds it.
    ///
    /// # Errors
    /// In this order: no such case in scope, another version.
    pub(super) fn case_in_scope(
        &self,
        submission: &Submission,
        target: &Target,
    ) -> Result<(CaseId, &Case), Rejection> {
        let Some(id) = self.resolve(submission.principal, &target.case) else {
            return Err(match target.case {
                CaseRef::Id(_) => Rejection::CaseNotFound,
                CaseRef::Key(_) | CaseRef::Number(..) => Rejection::RefUnknown,
            });
        };
        let case = self.cases.get(id).ok_or(Rejection::CaseNotFound)?;
        if !self.is_in_scope(submission, case) {
            return Err(Rejection::CaseNotFound);
        }
        if target.version.is_some_and(|version| version != case.version) {
            return Err(Rejection::VersionStale { case: id, version: case.version });
        }
        Ok((id, case))
    }

    /// Whether the principal administers.
    pub(super) fn is_admin(&self, principal: PrincipalId) -> bool {
        let client = self.clients.get(principal);
        principal == PrincipalId::SYSTEM || client.is_some_and(|client| client.grant.is_admin())
    }

    /// Whether the case exists for that submission: where it happened, or who holds it.
    pub(super) fn is_in_scope(&self, submission: &Submission, case: &Case) -> bool {
        let is_within =
            |code: Option<UnitCode>| code.is_some_and(|code| submission.places.contains(code));
        let holder = || case.status.holder().and_then(|unit| self.organisation.code(unit));
        is_within(case.place_code(&self.organisation)) || is_within(holder())
    }

    /// The newest event before this one on the same object.
    #[must_use]
    pub fn previous(&self, event: &Event) -> Option<Seq> {
        if let Some(case) = event.case() {
            return self.cases.get(case).map(|case| case.last_seq);
        }
        if event.is_of_organisation() {
            return Some(self.organisation.last_seq()).filter(|seq| *seq != Seq::ZERO);
        }
        let of_import =
            |import: ImportId| self.imports.get(import).map(|staged| Seq(staged.last_seq));
        let of_client =
            |principal: PrincipalId| self.clients.get(principal).map(|client| client.last_seq);
        match event {
            Event::UnitsStaged(event) => of_import(event.import),
            Event::MattersStaged(event) => of_import(event.import),
            Event::TextStaged(event) => of_import(event.import),
            Event::ImportCommitted(event) => of_import(event.import),
            Event::ImportAbandoned(event) => of_import(event.import),
            Event::ClientRevoked(event) => of_client(event.principal),
            Event::ClientChanged(event) => of_client(event.principal),
            Event::ClientRotated(event) => of_client(event.principal),
            Event::JournalOpened(_)
            | Event::ClientAdmitted(_)
            | Event::ImportBegun(_)
            | Event::ClockAdvanced(_)
            | Event::CaseReported(_)
            | Event::CaseSettled(_)
            | Event::CaseAcknowledged(_)
            | Event::CaseEscalated(_)
            | Event::CaseHandled(_)
            | Event::CaseClosed(_)
            | Event::CaseWarned(_)
            | Event::CaseOverdue(_)
            | Event::CaseHandedDown(_)
            | Event::CaseTransferred(_)
            | Event::CaseReturned(_)
            | Event::CaseDeclined(_)
            | Event::CaseVoided(_)
            | Event::CaseReopened(_)
            | Event::CaseNoted(_)
            | Event::CasesInherited(_)
            | Event::UnitOpened(_)
            | Event::UnitChanged(_)
            | Event::UnitClosed(_)
            | Event::UnitClosing(_)
            | Event::UnitKept(_)
            | Event::UnitMoved(_)
            | Event::UnitsRenumbered(_)
            | Event::CaseRevealed(_) => None,
        }
    }

    /// A number that equal states share, kept up event by event.
    #[must_use]
    pub fn digest(&self) -> Digest {
        let mut digest = self.case_digest.plus(self.number_digest).plus(self.organisation.digest());
        digest = digest.plus(self.catalogue.digest()).plus(self.clients.digest());
        digest = digest.plus(self.imports.digest()).plus(self.outcomes.digest());
        let opened = self.opened.as_ref();
        let head = Hasher::new("head")
            .number(self.tail.0)
            .number(self.now().0.cast_unsigned())
            .number(opened.map_or(u64::MAX, |opened| opened.clock_mode as u64))
            .bytes(&opened.map_or(0, |opened| opened.journal_id).to_le_bytes())
            .number(self.slots_used);
        digest.add(head.finish());
        digest
    }

    pub(super) fn put_case(&mut self, case: Case) {
        let id = self.cases.push(case);
        self.case_digest.add(case.hash(id));
        self.count_open(case.matter, None, case.status);
        if self.is_folding {
            return;
        }
        if let Some(timer) = case.next_timer() {
            self.timers.insert((timer.due_at, id));
        }
    }

    /// Changes a case by an event, and all that follows from it: version, chain, timer, digest.
    pub(super) fn change_case(
        &mut self,
        id: CaseId,
        record: &Record,
        change: impl FnOnce(&mut Case),
    ) {
        self.amend_case(id, |case| {
            change(case);
            case.version += 1;
            case.last_seq = record.seq;
            case.changed_at = record.at;
        });
    }

    /// Changes a case further by the event that changed it.
    pub(super) fn amend_case(&mut self, id: CaseId, change: impl FnOnce(&mut Case)) {
        let Some(case) = self.cases.get_mut(id) else {
            return;
        };
        let before = *case;
        change(case);
        let after = *case;
        self.case_digest.replace(before.hash(id), after.hash(id));
        self.count_open(after.matter, Some(before.status), after.status);
        if self.is_folding {
            return;
        }
        let due_at = |case: &Case| case.next_timer().map(|timer| timer.due_at);
        if due_at(&before) == due_at(&after) {
            return;
        }
        if let Some(due_at) = due_at(&before) {
            self.timers.remove(&(due_at, id));
        }
        if let Some(due_at) = due_at(&after) {
            self.timers.insert((due_at, id));
        }
    }

    fn count_open(&mut self, matter: MatterNumber, before: Option<Status>, now: Status) {
        let was_open = before.is_some_and(|status| status.name().is_open());
        let is_open = now.name().is_open();
        if was_open == is_open {
            return;
        }
        let place = usize::from(matter.0);
        if self.open_of_matter.len() <= place {
            self.open_of_matter.resize(place + 1, 0);
        }
        let count = &mut self.open_of_matter[place];
        *count = if is_open { *count + 1 } else { *count - 1 };
    }

    pub(super) fn put_number(&mut self, key: NaturalKey, case: CaseId) {
        self.number_digest.add(hash_of_words([high(key), low(key), u64::from(case.0)]));
        self.numbers.insert(key, case);
    }

    /// Remembers the outcome that a record carries.
    pub(super) fn remember(&mut self, record: &Record) {
        let Some(outcome) = &record.outcome else {
            return;
        };
        let key = key_hash(record.actor.principal, &outcome.mark.key);
        let case = record.event.case();
        // The command's further events follow without a gap, each on the same case.
        let further = u32::from(outcome.events.saturating_sub(1));
        let version =
            case.and_then(|id| self.cases.get(id)).map_or(0, |case| case.version + further);
        let remembered = Remembered {
            body_hash: outcome.mark.body_hash,
            first_seq: record.seq,
            events: outcome.events,
            case,
            version,
        };
        self.outcomes.put(record.at, key, remembered);
    }
}
