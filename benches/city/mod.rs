//! A city in force and commands on it: what the scenarios are made of.

#![allow(dead_code, clippy::allow_attributes, reason = "each scenario uses a part of it")]

use std::sync::Arc;

use zhida::city::City;
use zhida::domain::case::Source;
use zhida::domain::code::UnitCode;
use zhida::domain::command::{
    AcknowledgeCase, BeginImport, CaseRef, CloseCase, Command, CommitImport, HandleCase,
    OpenJournal, ReasonedMove, ReportCase, StageMatters, StageUnits, Submission, Target,
};
use zhida::domain::event::{ClockMode, SealedPart};
use zhida::domain::grant::Places;
use zhida::domain::ids::{CaseId, ImportId, PrincipalId, Seq, SlotNumber, Timestamp};
use zhida::domain::import::{CatalogueSize, ImportKind};
use zhida::domain::limits::STAGED_ROWS_MAX;
use zhida::domain::record::{Actor, Mark, Outcome, Record};
use zhida::domain::state::State;
use zhida::domain::{Decision, decide, evolve};

/// Bytes of a sealed text: 280 of Chinese and the seal.
const TEXT_BYTES: usize = 296;

/// Whether this run only proves that the scenario works.
pub(crate) fn is_test() -> bool {
    !std::env::args().any(|argument| argument == "--bench")
}

/// `count` where it is measured, `few` where it is only proven.
pub(crate) fn sized(count: u64, few: u64) -> u64 {
    if is_test() { few } else { count }
}

/// How large the city is.
pub(crate) fn scale() -> f64 {
    if is_test() { City::SCALE_MIN } else { 1.0 }
}

/// A state and the way of a command into it, as the engine goes it.
pub(crate) struct Work {
    pub state: State,
    pub now: Timestamp,
    grids: Vec<UnitCode>,
    matter: Arc<str>,
    slots: u64,
    keys: u64,
}

impl Work {
    /// A city with no case yet.
    pub(crate) fn new() -> Self {
        Self::begun(&mut |_| ())
    }

    /// The same; its first records go to `each`.
    pub(crate) fn begun(each: &mut dyn FnMut(&Record)) -> Self {
        let city = City::build(1, scale());
        let grids = city.units().iter().map(|unit| unit.code);
        let mut work = Self {
            state: State::default(),
            now: Timestamp(1_767_225_600_000),
            grids: grids.filter(|code| code.to_string().len() == 15).collect(),
            matter: Arc::clone(&city.matters()[0].code),
            slots: 0,
            keys: 0,
        };
        for command in commands_of(&city) {
            work.apply(&system(command)).iter().for_each(&mut *each);
        }
        work
    }

    /// Decides, folds, and gives the records.
    pub(crate) fn apply(&mut self, submission: &Submission) -> Vec<Record> {
        let decision = decide(&self.state, self.now, submission);
        let Ok(Decision::Accepted(events)) = decision else {
            panic!("a scenario's commands are accepted, and this was: {decision:?}");
        };
        let actor = self.state.actor(self.now, submission).unwrap_or(Actor::SYSTEM);
        let count = u16::try_from(events.len()).expect("bounded");
        let mut outcome = submission.mark.clone().map(|mark| Outcome { mark, events: count });
        let mut records = Vec::with_capacity(events.len());
        for event in events {
            let record = Record {
                seq: self.state.tail().next(),
                at: self.now,
                actor,
                previous: self.state.previous(&event),
                outcome: outcome.take(),
                event,
            };
            evolve(&mut self.state, &record);
            records.push(record);
        }
        records
    }

    /// A report of the next grid, with a key and 280 bytes of text.
    pub(crate) fn report(&mut self) -> Submission {
        let place = self.grids[usize::try_from(self.keys).expect("64 bits") % self.grids.len()];
        let report = ReportCase {
            matter: (*self.matter).into(),
            place,
            source: Source::Patrol,
            source_number: None,
            occurred_at: None,
            claimant: None,
            text: self.sealed(TEXT_BYTES),
            settle: None,
        };
        self.marked(Some(place), Command::ReportCase(Box::new(report)))
    }

    pub(crate) fn acknowledge(&mut self, case: CaseId) -> Submission {
        let by = self.holder(case);
        self.marked(by, Command::AcknowledgeCase(AcknowledgeCase { target: target(case) }))
    }

    pub(crate) fn escalate(&mut self, case: CaseId) -> Submission {
        let reason = self.sealed(80);
        let by = self.holder(case);
        self.marked(by, Command::EscalateCase(ReasonedMove { target: target(case), reason }))
    }

    pub(crate) fn handle(&mut self, case: CaseId) -> Submission {
        let measures = self.sealed(80);
        let by = self.holder(case);
        self.marked(by, Command::HandleCase(HandleCase { target: target(case), measures }))
    }

    pub(crate) fn close(&mut self, case: CaseId) -> Submission {
        let answer = self.sealed(80);
        let by = self.holder(case);
        self.marked(by, Command::CloseCase(CloseCase { target: target(case), answer }))
    }

    /// The newest case.
    pub(crate) fn newest(&self) -> CaseId {
        CaseId(u32::try_from(self.state.cases().len()).expect("fewer than 2^32"))
    }

    /// So many records of reports, in order from the state's tail.
    pub(crate) fn reports(&mut self, count: usize) -> Vec<Record> {
        let mut records = Vec::with_capacity(count);
        while records.len() < count {
            let report = self.report();
            records.extend(self.apply(&report));
        }
        records
    }

    fn holder(&self, case: CaseId) -> Option<UnitCode> {
        let holder = self.state.cases().get(case)?.status.holder()?;
        self.state.organisation().code(holder)
    }

    fn sealed(&mut self, bytes: usize) -> SealedPart {
        self.slots += 1;
        SealedPart { slot: SlotNumber(self.slots), ciphertext: vec![7; bytes].into() }
    }

    fn marked(&mut self, by: Option<UnitCode>, command: Command) -> Submission {
        self.keys += 1;
        let key = format!("key-{:08}", self.keys).into();
        let mark = Some(Mark { key, body_hash: u128::from(self.keys) << 60 });
        Submission { by, mark, ..system(command) }
    }
}

/// The same records from another place on.
pub(crate) fn renumbered(records: &[Record], first: Seq) -> Vec<Record> {
    let numbers = first.0..;
    records
        .iter()
        .zip(numbers)
        .map(|(record, seq)| Record { seq: Seq(seq), ..record.clone() })
        .collect()
}

/// What brings a city into force.
pub(crate) fn commands_of(city: &City) -> Vec<Command> {
    let import = ImportId(1);
    let open = OpenJournal { clock_mode: ClockMode::Manual, journal_id: 7 };
    let mut commands = vec![
        Command::OpenJournal(open),
        Command::BeginImport(BeginImport { origin: "a bench".into(), kind: ImportKind::Units }),
    ];
    let units = city.units().chunks(STAGED_ROWS_MAX);
    commands
        .extend(units.map(|rows| Command::StageUnits(StageUnits { import, rows: rows.to_vec() })));
    commands.push(Command::CommitImport(CommitImport { import, seen: None }));
    let import = import.next();
    let count = u32::try_from(city.matters().len()).expect("few");
    let kind = ImportKind::Catalogue(CatalogueSize { matters: count, text_bytes: 0 });
    commands.push(Command::BeginImport(BeginImport { origin: "a bench".into(), kind }));
    let matters = city.matters().chunks(STAGED_ROWS_MAX);
    commands.extend(
        matters.map(|rows| Command::StageMatters(StageMatters { import, rows: rows.to_vec() })),
    );
    commands.push(Command::CommitImport(CommitImport { import, seen: None }));
    commands
}

/// A command that Zhida itself gives.
pub(crate) fn system(command: Command) -> Submission {
    Submission {
        principal: PrincipalId::SYSTEM,
        places: Places::everywhere(),
        by: None,
        mark: None,
        at: None,
        command,
    }
}

fn target(case: CaseId) -> Target {
    Target { case: CaseRef::Id(case), version: None }
}
