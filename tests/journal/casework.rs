//! Random casework for tests: commands made from a seed, through the domain's own rules, and the
//! records that they come to. Whoever has it keeps them.

use std::sync::Arc;

use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use zhida::domain::calendar::Limit;
use zhida::domain::case::{ClaimantField, ClaimantFields, Source};
use zhida::domain::catalogue::{HomeLevel, MatterRow, Module, Severity};
use zhida::domain::code::UnitCode;
use zhida::domain::command::{
    AbandonImport, AcknowledgeCase, AdmitClient, AdvanceClock, BeginImport, CaseRef, Change,
    ChangeClient, ChangeOrganisation, CloseCase, CloseUnit, Command, CommitImport, GrantRequest,
    HandleCase, MergeUnits, MoveUnit, NoteCase, OpenJournal, ReasonedMove, ReportCase, RevealCase,
    RevokeClient, RotateClient, SendCase, SplitUnit, StageMatters, StageText, StageUnits,
    Submission, Target,
};
use zhida::domain::event::{ClockMode, Event, SealedPart};
use zhida::domain::grant::{Places, Scope, Scopes};
use zhida::domain::ids::{CaseId, ImportId, PrincipalId, SlotNumber, Timestamp, UnitNumber};
use zhida::domain::import::{CatalogueSize, ImportKind};
use zhida::domain::organisation::{UnitKind, UnitRow};
use zhida::domain::record::{Actor, Mark, Outcome, Record};
use zhida::domain::state::{Due, State};
use zhida::domain::{Decision, decide, decide_due, evolve};

const MATTERS: u16 = 6;

/// A city at work.
pub(crate) struct Casework {
    pub(crate) rng: ChaCha8Rng,
    /// What it came to.
    pub(crate) state: State,
    pub(crate) clock_mode: ClockMode,
    now: Timestamp,
    slots: u64,
    refused: u64,
    /// The records that nobody has taken yet.
    made: Vec<Record>,
}

impl Casework {
    /// A city with nothing in it.
    pub(crate) fn new(seed: u64) -> Self {
        // Only a driven clock is moved on by a command.
        let clock_mode = if seed.is_multiple_of(2) { ClockMode::Manual } else { ClockMode::Driven };
        Self {
            rng: ChaCha8Rng::seed_from_u64(seed),
            state: State::default(),
            clock_mode,
            now: Timestamp(1_767_225_600_000),
            slots: 0,
            refused: 0,
            made: Vec::new(),
        }
    }

    /// What comes next: the city is opened and imported, or a random command, after what fell due.
    /// None where it is refused.
    pub(crate) fn work(&mut self) -> Vec<Record> {
        if self.state.opened().is_none() {
            self.begin();
        } else {
            self.now = self.now.plus_ms(self.rng.random_range(0..3_600_000));
            self.fire_timers();
            let command = self.any_command();
            self.submit(command);
        }
        std::mem::take(&mut self.made)
    }

    /// A report, at no later time than what came before.
    pub(crate) fn report(&mut self) -> Vec<Record> {
        let command = self.any_report();
        self.submit(command);
        std::mem::take(&mut self.made)
    }

    fn begin(&mut self) {
        let before = self.refused;
        let (clock_mode, journal_id) = (self.clock_mode, 7 << 90);
        self.submit(Command::OpenJournal(OpenJournal { clock_mode, journal_id }));
        self.import(&units(), matters());
        self.admit();
        assert_eq!(self.refused, before, "a city begins without a refusal");
    }

    fn submit(&mut self, command: Command) {
        let by = self.holder_of(&command).filter(|_| self.rng.random_ratio(19, 20));
        let principal = PrincipalId(u32::from(self.rng.random_ratio(1, 3) && by.is_some()));
        let mark = self.rng.random_ratio(2, 3).then(|| Mark {
            key: format!("key-{}", self.rng.random_range(0..10_000_000)).into(),
            body_hash: u128::from(self.rng.next_u64()) << 50,
        });
        let submission =
            Submission { principal, places: Places::everywhere(), by, mark, at: None, command };
        let events = match decide(&self.state, self.now, &submission) {
            Ok(Decision::Accepted(events)) => events,
            Ok(Decision::Known(_)) => return,
            Err(_rejection) => {
                self.refused += 1;
                return;
            }
        };
        let actor = self.state.actor(self.now, &submission);
        let actor = actor.unwrap_or(Actor { principal, ..Actor::SYSTEM });
        let count = u16::try_from(events.len()).expect("bounded by COMMAND_EVENTS_MAX");
        let mut outcome = submission.mark.map(|mark| Outcome { mark, events: count });
        for event in events {
            self.put(actor, outcome.take(), event);
        }
    }

    fn fire_timers(&mut self) {
        // As the engine does: all that closes, and then a few timers.
        let closing = self.state.organisation().next_closing_at().filter(|at| *at <= self.now);
        if let Some(at) = closing {
            self.fire(Due::Closing(at));
        }
        for _ in 0..5 {
            let Some(due) = self.state.next_due(self.now) else {
                return;
            };
            self.fire(due);
        }
    }

    fn fire(&mut self, due: Due) {
        for event in decide_due(&self.state, self.now, due) {
            self.put(Actor::SYSTEM, None, event);
        }
    }

    fn put(&mut self, actor: Actor, outcome: Option<Outcome>, event: Event) {
        let record = Record {
            seq: self.state.tail().next(),
            at: self.now,
            actor,
            previous: self.state.previous(&event),
            outcome,
            event,
        };
        evolve(&mut self.state, &record);
        self.made.push(record);
    }

    fn holder_of(&self, command: &Command) -> Option<UnitCode> {
        let case = match command.target() {
            Some(target) => self.state.resolve(PrincipalId::SYSTEM, &target.case)?,
            None => {
                return if let Command::ReportCase(report) = command {
                    Some(report.place)
                } else {
                    None
                };
            }
        };
        let status = self.state.cases().get(case)?.status;
        self.state.organisation().code(status.unit())
    }

    fn any_command(&mut self) -> Command {
        match self.rng.random_range(0..100) {
            0..30 => self.any_report(),
            30..48 => Command::AcknowledgeCase(AcknowledgeCase { target: self.any_target() }),
            48..56 => Command::EscalateCase(ReasonedMove {
                target: self.any_target(),
                reason: self.part(),
            }),
            56..70 => {
                Command::HandleCase(HandleCase { target: self.any_target(), measures: self.part() })
            }
            70..80 => {
                Command::CloseCase(CloseCase { target: self.any_target(), answer: self.part() })
            }
            80..82 => Command::RevealCase(RevealCase {
                target: self.any_target(),
                fields: ClaimantFields::of(&[ClaimantField::Phone]),
                purpose: "回访".into(),
                ticket: None,
            }),
            82..91 => self.any_sending(),
            _ => self.any_administration(),
        }
    }

    /// A move that sends a case, ends it, opens it again or notes something.
    fn any_sending(&mut self) -> Command {
        let (target, reason) = (self.any_target(), self.part());
        let to = self.any_place();
        match self.rng.random_range(0..7) {
            0 => Command::HandDownCase(SendCase { target, to, reason }),
            1 => Command::TransferCase(SendCase { target, to, reason }),
            2 => Command::ReturnCase(ReasonedMove { target, reason }),
            3 => Command::DeclineCase(ReasonedMove { target, reason }),
            4 => Command::ReopenCase(ReasonedMove { target, reason }),
            5 => Command::VoidCase(ReasonedMove { target, reason }),
            _ => Command::NoteCase(NoteCase { target, note: reason }),
        }
    }

    /// A change of the organisation: most are refused, and some are not.
    fn any_change(&mut self) -> Command {
        let (unit, other) = (self.any_place(), self.any_place());
        let change = match self.rng.random_range(0..7) {
            6 => {
                let organisation = self.state.organisation();
                let told =
                    organisation.closing().next().and_then(|(_, told)| organisation.code(told));
                Change::Keep(told.unwrap_or(unit))
            }
            4 => Change::Open(self.new_grid(other)),
            5 => {
                let into = vec![self.new_grid(unit), self.new_grid(unit)];
                let successor = into[0].code;
                Change::Split(SplitUnit { unit, into, successor })
            }
            0 => {
                let later = self.now.plus_ms(self.rng.random_range(1..900_000_000));
                let until = self.rng.random_ratio(1, 2).then_some(later);
                Change::Close(CloseUnit { unit, successor: Some(other), until })
            }
            1 => Change::Merge(MergeUnits { units: vec![unit], into: other }),
            2 => Change::Move(MoveUnit { unit, to: self.new_grid(other).code }),
            _ => {
                let found = self.state.organisation().find(unit);
                let row = found.and_then(|unit| self.state.organisation().unit(unit));
                let row = row.expect("a known unit");
                let name = format!("{}改", row.name.chars().take(9).collect::<String>());
                Change::Amend(UnitRow { name: name.into(), ..row.clone() })
            }
        };
        Command::ChangeOrganisation(Box::new(ChangeOrganisation { seen: None, change }))
    }

    /// A grid beside or in that unit; its code may be taken.
    fn new_grid(&mut self, beside: UnitCode) -> UnitRow {
        let place = beside.place() / 1_000 * 1_000 + self.rng.random_range(1..999);
        let code = UnitCode::of_place(place).expect("a grid's place");
        UnitRow::new(code, UnitKind::Grid, "新网格")
    }

    fn any_report(&mut self) -> Command {
        let is_settled = self.rng.random_ratio(1, 4);
        let number = self.rng.random_ratio(1, 2).then(|| {
            let number = self.rng.random_range(0..50_000_000);
            format!("N{number}").into()
        });
        let claimant = if self.rng.random_ratio(1, 3) { Some(self.part()) } else { None };
        Command::ReportCase(Box::new(ReportCase {
            matter: format!("PS-{:03}", self.rng.random_range(1..=MATTERS)).into(),
            place: self.any_place(),
            source: Source::ALL[self.rng.random_range(0..Source::ALL.len())],
            source_number: number,
            occurred_at: None,
            claimant,
            text: self.part(),
            settle: if is_settled { Some(self.part()) } else { None },
        }))
    }

    fn any_administration(&mut self) -> Command {
        let import = ImportId(self.rng.random_range(1..=self.state.imports().begun() + 1));
        let name: Arc<str> = format!("client-{}", self.rng.random_range(0..6)).into();
        match self.rng.random_range(0..12) {
            9 | 10 => self.any_change(),
            11 => Command::AdvanceClock(AdvanceClock { to: self.now }),
            0 if self.rng.random_ratio(1, 2) => propose(matters().len() - 1),
            0 => Command::BeginImport(BeginImport {
                origin: "units.ndjson".into(),
                kind: ImportKind::Units,
            }),
            1 => Command::StageUnits(StageUnits { import, rows: self.some_units() }),
            // All but one, each in its turn: it is retired, and comes back.
            2 => {
                let mut rows = matters();
                rows.remove(self.rng.random_range(0..rows.len()));
                Command::StageMatters(StageMatters { import, rows })
            }
            3 => Command::StageText(StageText { import, text: "[[unit]]".into() }),
            4 if self.rng.random_ratio(1, 2) => {
                Command::CommitImport(CommitImport { import, seen: None })
            }
            4 => Command::AbandonImport(AbandonImport { import }),
            5 => Command::RevokeClient(RevokeClient { name }),
            6 => Command::ChangeClient(ChangeClient { name, grant: self.any_grant() }),
            7 => Command::RotateClient(RotateClient {
                name,
                token_hash: self.rng.random(),
                overlap_hours: self.rng.random_range(0..200),
            }),
            _ => Command::AdmitClient(AdmitClient {
                name,
                token_hash: self.rng.random(),
                grant: self.any_grant(),
            }),
        }
    }

    fn any_grant(&mut self) -> GrantRequest {
        let mut scopes = vec![Scope::ALL[self.rng.random_range(0..Scope::ALL.len())]];
        scopes.extend(self.rng.random::<bool>().then_some(Scope::Act));
        let units: Vec<_> = self.state.organisation().iter().map(|(_, row)| row.code).collect();
        let count = self.rng.random_range(0..4.min(units.len() + 1));
        let within = (0..count).map(|_| units[self.rng.random_range(0..units.len())]).collect();
        GrantRequest {
            scopes: Scopes::of(&scopes),
            within,
            quota_per_minute: self.rng.random::<bool>().then_some(600),
            expires_at: self.rng.random::<bool>().then_some(self.now.plus_ms(86_400_000)),
        }
    }

    fn admit(&mut self) {
        let token_hash = self.rng.random();
        self.submit(Command::AdmitClient(AdmitClient {
            name: "app".into(),
            token_hash,
            grant: GrantRequest::of(Scopes::ALL),
        }));
    }

    fn import(&mut self, units: &[UnitRow], matters: Vec<MatterRow>) {
        let kind = ImportKind::Units;
        self.submit(Command::BeginImport(BeginImport { origin: "city.ndjson".into(), kind }));
        let import = ImportId(self.state.imports().begun());
        for rows in units.chunks(100) {
            self.submit(Command::StageUnits(StageUnits { import, rows: rows.to_vec() }));
        }
        self.submit(Command::CommitImport(CommitImport { import, seen: None }));
        self.submit(propose(matters.len()));
        let import = import.next();
        self.submit(Command::StageMatters(StageMatters { import, rows: matters }));
        self.submit(Command::CommitImport(CommitImport { import, seen: None }));
    }

    /// Now and then a unit with another name, or one that is closed.
    fn some_units(&mut self) -> Vec<UnitRow> {
        let mut row = units()[self.rng.random_range(0..units().len())].clone();
        row.name = format!("{} {}", row.name, self.rng.random_range(0..100)).into();
        row.valid_until = self.rng.random_ratio(1, 4).then_some(self.now);
        vec![row]
    }

    fn any_place(&mut self) -> UnitCode {
        let units = self.state.organisation();
        let count = u32::try_from(units.len()).expect("few");
        let number = self.rng.random_range(1..=count);
        self.state.organisation().code(UnitNumber(number)).expect("numbers are dense")
    }

    fn any_target(&mut self) -> Target {
        let count = u32::try_from(self.state.cases().len()).expect("few").max(1);
        // Mostly of the newest, so that lives are lived to their end.
        let newest = count.saturating_sub(30).max(1);
        let first = if self.rng.random_ratio(4, 5) { newest } else { 1 };
        let case = CaseRef::Id(CaseId(self.rng.random_range(first..=count)));
        Target { case, version: None }
    }

    fn part(&mut self) -> SealedPart {
        self.slots += 1;
        let length = self.rng.random_range(16..60);
        let mut ciphertext = vec![0; length];
        self.rng.fill_bytes(&mut ciphertext);
        SealedPart { slot: SlotNumber(self.slots), ciphertext: ciphertext.into() }
    }
}

fn units() -> Vec<UnitRow> {
    let row = |code: String, kind, name: &str| {
        UnitRow::new(code.parse().expect("a good code"), kind, name)
    };
    let mut rows = vec![row("411500000000".into(), UnitKind::Division, "信阳市")];
    for county in 2..4 {
        rows.push(row(format!("4115{county:02}000000"), UnitKind::Division, "县"));
        for township in 1..3 {
            let code = format!("4115{county:02}{township:03}000");
            rows.push(row(code.clone(), UnitKind::Division, "乡"));
            rows.push(row(format!("{code}-R01"), UnitKind::GovernanceRoom, "社会治理室"));
            for village in 1..4 {
                let code = format!("4115{county:02}{township:03}{village:03}");
                rows.push(row(code.clone(), UnitKind::Division, "村"));
                for grid in 1..4 {
                    rows.push(row(format!("{code}{grid:03}"), UnitKind::Grid, "网格"));
                }
            }
        }
    }
    rows
}

fn propose(matters: usize) -> Command {
    let matters = u32::try_from(matters).expect("few");
    let kind = ImportKind::Catalogue(CatalogueSize { matters, text_bytes: 0 });
    Command::BeginImport(BeginImport { origin: "catalogue.toml".into(), kind })
}

fn matters() -> Vec<MatterRow> {
    let homes = [HomeLevel::Grid, HomeLevel::Village, HomeLevel::Township];
    (1..=MATTERS)
        .zip(homes.into_iter().cycle())
        .map(|(number, home)| MatterRow {
            code: format!("PS-{number:03}").into(),
            name: "事项".into(),
            class: "类".into(),
            module: Module::ALL[usize::from(number)],
            home,
            severity: Severity::ALL[usize::from(number) % 3],
            node_limit: Limit::CalendarHours(u32::from(number) * 4),
            total_limit: Limit::CalendarHours(u32::from(number) * 24),
            on_the_spot: number % 2 == 1,
            public: true,
            confidential: number % 3 == 1,
            from_occurrence: false,
        })
        .collect()
}
