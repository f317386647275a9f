//! A small city: one county, two townships, three villages, four grids, a handful of matters.

use std::sync::Arc;

use crate::domain::calendar::Limit;
use crate::domain::case::{Case, Source};
use crate::domain::catalogue::{HomeLevel, MatterRow, Module, Severity};
use crate::domain::code::{Level, UnitCode};
use crate::domain::command::{
    AcknowledgeCase, AdmitClient, BeginImport, CaseRef, CloseCase, Command, CommitImport,
    GrantRequest, HandleCase, NoteCase, OpenJournal, ReasonedMove, ReportCase, SendCase,
    StageMatters, StageUnits, Submission, Target,
};
use crate::domain::event::{ClockMode, Event, SealedPart};
use crate::domain::grant::{Places, Scope, Scopes};
use crate::domain::ids::{CaseId, ImportId, PrincipalId, Seq, SlotNumber, Timestamp};
use crate::domain::import::{CatalogueSize, ImportKind};
use crate::domain::limits::STAGED_ROWS_MAX;
use crate::domain::organisation::{Modules, UnitKind, UnitRow};
use crate::domain::outcome::Remembered;
use crate::domain::record::{Actor, Mark, Outcome, Record};
use crate::domain::rejection::Rejection;
use crate::domain::state::State;
use crate::domain::{Decision, decide, decide_due, evolve};

pub(crate) const CITY: &str = "411500000000";
pub(crate) const COUNTY: &str = "411502000000";
pub(crate) const TOWNSHIP: &str = "411502001000";
pub(crate) const ROOM: &str = "411502001000-R01";
/// Owns the module of all matters here.
pub(crate) const OFFICE: &str = "411502001000-B01";
/// Owns another.
pub(crate) const OFFICE_2: &str = "411502001000-B02";
pub(crate) const VILLAGE: &str = "411502001201";
pub(crate) const GRID: &str = "411502001201001";
pub(crate) const GRID_2: &str = "411502001201002";
pub(crate) const GRID_CLOSED: &str = "411502001201003";
pub(crate) const VILLAGE_2: &str = "411502001202";
pub(crate) const TOWNSHIP_2: &str = "411502002000";
pub(crate) const VILLAGE_3: &str = "411502002201";
pub(crate) const GRID_3: &str = "411502002201001";

/// At home in the grid, may be settled on the spot; 10 hours a node, 100 in all.
pub(crate) const MICRO: &str = "PS-001";
/// At home in the village.
pub(crate) const SMALL: &str = "PS-002";
/// At home in the township.
pub(crate) const MAJOR: &str = "PS-003";
/// At home in the grid, its clocks start when it happened.
pub(crate) const OFFLINE: &str = "PS-004";

pub(crate) const START: Timestamp = Timestamp(1_767_225_600_000);
pub(crate) const HOUR: i64 = 3_600_000;

pub(crate) const ADMIN: PrincipalId = PrincipalId(1);
/// Acts everywhere.
pub(crate) const APP: PrincipalId = PrincipalId(2);
/// Acts in the second township only.
pub(crate) const TOWNSHIP_APP: PrincipalId = PrincipalId(3);

pub(crate) fn code(text: &str) -> UnitCode {
    text.parse().expect("a good code")
}

pub(crate) fn unit(text: &str) -> UnitRow {
    let code = code(text);
    let kind = match (code.letter(), code.level()) {
        (None, Level::Grid) => UnitKind::Grid,
        (letter, _) => *UnitKind::ALL
            .iter()
            .find(|kind| kind.letter() == letter)
            .expect("a letter of some kind"),
    };
    UnitRow::new(code, kind, format!("单位{text}"))
}

/// An office that owns that module.
pub(crate) fn office(text: &str, module: Module) -> UnitRow {
    UnitRow { modules: Modules::of(&[module]), ..unit(text) }
}

pub(crate) fn matter(code: &str, home: HomeLevel) -> MatterRow {
    MatterRow {
        code: code.into(),
        name: format!("事项{code}").into(),
        class: "测试".into(),
        module: Module::PublicSafety,
        home,
        severity: Severity::Normal,
        node_limit: Limit::CalendarHours(10),
        total_limit: Limit::CalendarHours(100),
        on_the_spot: code == MICRO,
        public: true,
        confidential: false,
        from_occurrence: code == OFFLINE,
    }
}

/// Drives `decide` and `evolve` as the engine does, and keeps the records.
#[derive(Clone)]
pub(crate) struct World {
    pub(crate) state: State,
    pub(crate) records: Vec<Record>,
    pub(crate) now: Timestamp,
    /// Equal states that lie otherwise in memory: each must decide as the world's does.
    pub(crate) twins: Vec<State>,
    next_slot: u64,
}

impl World {
    /// Nothing but an open journal.
    pub(crate) fn empty(mode: ClockMode) -> Self {
        let mut world = Self {
            state: State::default(),
            records: Vec::new(),
            now: START,
            twins: Vec::new(),
            next_slot: 1,
        };
        let open = OpenJournal { clock_mode: mode, journal_id: 7 };
        world.system(Command::OpenJournal(open)).expect("a new journal opens");
        let app = Scopes::of(&[Scope::Intake, Scope::Act]);
        // Where they act their submissions say: nothing else asks for their places.
        for (name, scopes) in [("admin", Scopes::ALL), ("app", app), ("township-app", app)] {
            let token_hash = *blake3::hash(name.as_bytes()).as_bytes();
            let grant = GrantRequest::of(scopes);
            let admit = AdmitClient { name: name.into(), token_hash, grant };
            world.system(Command::AdmitClient(admit)).expect("a new client is admitted");
        }
        world
    }

    /// The small city.
    pub(crate) fn new() -> Self {
        Self::clocked(ClockMode::System)
    }

    /// The small city, on that clock.
    pub(crate) fn clocked(mode: ClockMode) -> Self {
        let mut world = Self::empty(mode);
        let mut units: Vec<_> = [
            CITY,
            COUNTY,
            TOWNSHIP,
            ROOM,
            VILLAGE,
            GRID,
            GRID_2,
            GRID_CLOSED,
            VILLAGE_2,
            TOWNSHIP_2,
            VILLAGE_3,
            GRID_3,
        ]
        .map(unit)
        .into();
        units[7].valid_until = Some(START);
        units.push(office(OFFICE, Module::PublicSafety));
        units.push(office(OFFICE_2, Module::Economy));
        let matters = vec![
            matter(MICRO, HomeLevel::Grid),
            matter(SMALL, HomeLevel::Village),
            matter(MAJOR, HomeLevel::Township),
            matter(OFFLINE, HomeLevel::Grid),
        ];
        world.import(units).expect("a small city is imported");
        world.replace_catalogue(&matters, None).expect("its catalogue");
        world
    }

    pub(crate) fn import(&mut self, units: Vec<UnitRow>) -> Result<(), Rejection> {
        let import = ImportId(self.state.imports().begun() + 1);
        let kind = ImportKind::Units;
        self.system(Command::BeginImport(BeginImport { origin: "test".into(), kind }))?;
        if !units.is_empty() {
            self.system(Command::StageUnits(StageUnits { import, rows: units }))?;
        }
        self.system(Command::CommitImport(CommitImport { import, seen: None }))?;
        Ok(())
    }

    /// Brings more units into force than one event holds.
    pub(crate) fn import_many(&mut self, units: &[UnitRow]) -> Result<(), Rejection> {
        let import = ImportId(self.state.imports().begun() + 1);
        let kind = ImportKind::Units;
        self.system(Command::BeginImport(BeginImport { origin: "test".into(), kind }))?;
        for rows in units.chunks(STAGED_ROWS_MAX) {
            self.system(Command::StageUnits(StageUnits { import, rows: rows.to_vec() }))?;
        }
        self.system(Command::CommitImport(CommitImport { import, seen: None }))?;
        Ok(())
    }

    /// Brings a whole catalogue into force, if the one in force was seen.
    pub(crate) fn replace_catalogue(
        &mut self,
        matters: &[MatterRow],
        seen: Option<Seq>,
    ) -> Result<Vec<Event>, Rejection> {
        let import = ImportId(self.state.imports().begun() + 1);
        let count = u32::try_from(matters.len()).expect("few");
        let kind = ImportKind::Catalogue(CatalogueSize { matters: count, text_bytes: 0 });
        self.system(Command::BeginImport(BeginImport { origin: "test.toml".into(), kind }))?;
        for rows in matters.chunks(STAGED_ROWS_MAX) {
            let rows = rows.to_vec();
            self.system(Command::StageMatters(StageMatters { import, rows }))?;
        }
        self.system(Command::CommitImport(CommitImport { import, seen }))
    }

    pub(crate) fn system(&mut self, command: Command) -> Result<Vec<Event>, Rejection> {
        self.submit(&Submission { principal: PrincipalId::SYSTEM, ..submission(command, None) })
    }

    /// As the client that acts everywhere, for that unit.
    pub(crate) fn act(&mut self, by: &str, command: Command) -> Result<Vec<Event>, Rejection> {
        self.submit(&submission(command, Some(by)))
    }

    /// Decides and folds, as the engine does, and gives the events.
    pub(crate) fn submit(&mut self, submission: &Submission) -> Result<Vec<Event>, Rejection> {
        match self.decide(submission)? {
            Ok(events) => Ok(events),
            Err(_known) => Ok(Vec::new()),
        }
    }

    /// As `submit`, with a known outcome told apart.
    pub(crate) fn decide(
        &mut self,
        submission: &Submission,
    ) -> Result<Result<Vec<Event>, Remembered>, Rejection> {
        let decision = decide(&self.state, self.now, submission);
        for twin in &self.twins {
            assert_eq!(decide(twin, self.now, submission), decision, "{submission:?}");
        }
        let events = match decision? {
            Decision::Accepted(events) => events,
            Decision::Known(remembered) => return Ok(Err(remembered)),
        };
        let actor = self.state.actor(self.now, submission)?;
        let count = u16::try_from(events.len()).expect("few events");
        let mut outcome = submission.mark.clone().map(|mark| Outcome { mark, events: count });
        for event in &events {
            self.record(event.clone(), actor, outcome.take());
        }
        Ok(Ok(events))
    }

    fn record(&mut self, event: Event, actor: Actor, outcome: Option<Outcome>) {
        let previous = self.state.previous(&event);
        for twin in &self.twins {
            assert_eq!(twin.previous(&event), previous, "{event:?}");
        }
        let record =
            Record { seq: self.state.tail().next(), at: self.now, actor, previous, outcome, event };
        evolve(&mut self.state, &record);
        for twin in &mut self.twins {
            evolve(twin, &record);
            assert_eq!(twin.digest(), self.state.digest(), "{record:?}");
        }
        self.records.push(record);
    }

    /// Moves the clock to so many hours after the start and fires what is due; gives the events.
    pub(crate) fn at_hour(&mut self, hour: i64) -> Vec<Event> {
        self.now = START.plus_ms(hour * HOUR);
        let mut fired = Vec::new();
        while let Some(due) = self.state.next_due(self.now) {
            let events = decide_due(&self.state, self.now, due);
            for twin in &self.twins {
                assert_eq!(twin.next_due(self.now), Some(due));
                assert_eq!(decide_due(twin, self.now, due), events);
            }
            for event in events {
                fired.push(event.clone());
                self.record(event, Actor::SYSTEM, None);
            }
        }
        fired
    }

    pub(crate) fn part(&mut self) -> SealedPart {
        let slot = SlotNumber(self.next_slot);
        self.next_slot += 1;
        SealedPart { slot, ciphertext: Arc::from([0x5e_u8; 32].as_slice()) }
    }

    pub(crate) fn report(&mut self, matter: &str, place: &str) -> ReportCase {
        ReportCase {
            matter: matter.into(),
            place: code(place),
            source: Source::Patrol,
            source_number: None,
            occurred_at: None,
            claimant: None,
            text: self.part(),
            settle: None,
        }
    }

    /// Reports and gives the number.
    pub(crate) fn reported(&mut self, matter: &str, place: &str) -> CaseId {
        let report = self.report(matter, place);
        let events = self.act(CITY, Command::ReportCase(Box::new(report))).expect("a good report");
        events[0].case().expect("a report is of a case")
    }

    pub(crate) fn case(&self, id: CaseId) -> Case {
        *self.state.cases().get(id).expect("a known case")
    }

    /// The code of who holds the case.
    pub(crate) fn holder(&self, id: CaseId) -> String {
        let holder = self.state.cases().get(id).and_then(|case| case.status.holder());
        let code = holder.and_then(|holder| self.state.organisation().code(holder));
        code.map_or_else(|| "nobody".into(), |code| code.to_string())
    }

    pub(crate) fn verb(&mut self, name: &str, case: CaseId) -> Command {
        let target = Target { case: CaseRef::Id(case), version: None };
        match name {
            "acknowledge" => Command::AcknowledgeCase(AcknowledgeCase { target }),
            "escalate" => Command::EscalateCase(ReasonedMove { target, reason: self.part() }),
            "handle" => Command::HandleCase(HandleCase { target, measures: self.part() }),
            "close" => Command::CloseCase(CloseCase { target, answer: self.part() }),
            "hand_down" => Command::HandDownCase(SendCase {
                target,
                to: code(if self.holder(case) == VILLAGE { GRID } else { VILLAGE }),
                reason: self.part(),
            }),
            "transfer" => {
                let holder = self.holder(case);
                let to = match holder.as_str() {
                    GRID => GRID_2,
                    VILLAGE => VILLAGE_2,
                    _ => OFFICE_2,
                };
                Command::TransferCase(SendCase { target, to: code(to), reason: self.part() })
            }
            "return" => Command::ReturnCase(ReasonedMove { target, reason: self.part() }),
            "decline" => Command::DeclineCase(ReasonedMove { target, reason: self.part() }),
            "reopen" => Command::ReopenCase(ReasonedMove { target, reason: self.part() }),
            "void" => Command::VoidCase(ReasonedMove { target, reason: self.part() }),
            "note" => Command::NoteCase(NoteCase { target, note: self.part() }),
            _ => panic!("no verb {name}"),
        }
    }
}

pub(crate) fn submission(command: Command, by: Option<&str>) -> Submission {
    Submission {
        principal: APP,
        places: Places::everywhere(),
        by: by.map(code),
        mark: None,
        at: None,
        command,
    }
}

#[expect(clippy::unnecessary_wraps, reason = "as a submission has it")]
pub(crate) fn mark(key: &str, body_hash: u128) -> Option<Mark> {
    Some(Mark { key: key.into(), body_hash })
}
