//! The real rules without an engine: a state and a clock, driven by lines.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;

use crate::city::City;
use crate::domain::case::Source;
use crate::domain::command::{
    AcknowledgeCase, AdvanceClock, BeginImport, CaseRef, Change, ChangeOrganisation, CloseCase,
    Command, CommitImport, HandleCase, NoteCase, OpenJournal, ReasonedMove, ReportCase, SendCase,
    StageMatters, StageUnits, Submission, Target,
};
use crate::domain::event::{ClockMode, Event, SealedPart};
use crate::domain::grant::Places;
use crate::domain::ids::{ImportId, PrincipalId, SlotNumber, Timestamp};
use crate::domain::import::{CatalogueSize, ImportKind};
use crate::domain::limits::{KEY_BYTES_MAX, STAGED_ROWS_MAX, TEXT_CHARS_MAX};
use crate::domain::record::{Actor, Mark, Outcome, Record};
use crate::domain::state::State;
use crate::domain::{Decision, decide, decide_due, evolve};
use crate::rules::parse_moment;

/// The domain alone, with a clock driven by what it is given.
pub(super) struct Fold {
    pub(super) state: State,
    now: Timestamp,
    slots: u64,
    pub(super) timer_events: u64,
    pub(super) command_events: u64,
    /// Events by their names.
    pub(super) by_kind: BTreeMap<&'static str, u64>,
    /// Cases that went to the successor of their holder.
    pub(super) inherited: u64,
}

impl Fold {
    pub(super) fn of(city: &City, from: Timestamp) -> Self {
        let mut fold = Self {
            state: State::default(),
            now: from,
            slots: 0,
            timer_events: 0,
            command_events: 0,
            by_kind: BTreeMap::new(),
            inherited: 0,
        };
        let mut order = |command| fold.submit(submission(command));
        order(Command::OpenJournal(OpenJournal { clock_mode: ClockMode::Driven, journal_id: 1 }));
        let import = ImportId::FIRST;
        let kind = ImportKind::Units;
        order(Command::BeginImport(BeginImport { origin: Arc::from("city"), kind }));
        for rows in city.units().chunks(STAGED_ROWS_MAX) {
            order(Command::StageUnits(StageUnits { import, rows: rows.to_vec() }));
        }
        order(Command::CommitImport(CommitImport { import, seen: None }));
        let import = import.next();
        let matters = u32::try_from(city.matters().len()).expect("few");
        let kind = ImportKind::Catalogue(CatalogueSize { matters, text_bytes: 0 });
        order(Command::BeginImport(BeginImport { origin: Arc::from("city"), kind }));
        order(Command::StageMatters(StageMatters { import, rows: city.matters().to_vec() }));
        order(Command::CommitImport(CommitImport { import, seen: None }));
        fold.command_events = 0;
        fold
    }

    /// Fires what is due, then decides: nothing may be refused, or known before.
    pub(super) fn submit(&mut self, submission: Submission) {
        let now = submission.at.unwrap_or(self.now);
        let to =
            if let Command::AdvanceClock(command) = &submission.command { command.to } else { now };
        self.fire(to);
        let decision = decide(&self.state, self.now, &submission);
        let Ok(Decision::Accepted(events)) = decision else {
            panic!("{submission:?} came to {decision:?}");
        };
        let actor = self.state.actor(self.now, &submission).expect("the unit was known");
        let count = u16::try_from(events.len()).unwrap();
        let mut outcome = submission.mark.map(|mark| Outcome { mark, events: count });
        for event in events {
            self.command_events += 1;
            *self.by_kind.entry(event.name()).or_default() += 1;
            if let Event::CasesInherited(inherited) = &event {
                self.inherited += inherited.cases.len() as u64;
            }
            self.put(to, actor, outcome.take(), event);
        }
    }

    fn fire(&mut self, to: Timestamp) {
        while let Some(due) = self.state.next_due(to) {
            let at = due.at().max(self.now);
            for event in decide_due(&self.state, at, due) {
                self.timer_events += 1;
                self.put(at, Actor::SYSTEM, None, event);
            }
        }
        self.now = to;
    }

    fn put(&mut self, at: Timestamp, actor: Actor, outcome: Option<Outcome>, event: Event) {
        let previous = self.state.previous(&event);
        let seq = self.state.tail().next();
        evolve(&mut self.state, &Record { seq, at, actor, previous, outcome, event });
        self.now = at;
    }

    fn seal(&mut self, text: &str) -> SealedPart {
        assert!(!text.is_empty() && text.chars().count() <= TEXT_CHARS_MAX);
        self.slots += 1;
        SealedPart { slot: SlotNumber(self.slots), ciphertext: Arc::from(text.as_bytes()) }
    }

    /// Changes the organisation: nothing may be refused.
    pub(super) fn change(&mut self, change: Change) {
        let change = ChangeOrganisation { seen: None, change };
        self.submit(submission(Command::ChangeOrganisation(Box::new(change))));
    }

    fn reasoned(&mut self, json: &Value) -> ReasonedMove {
        let reason = self.seal(json["reason"].as_str().expect("a reason"));
        ReasonedMove { target: target(json), reason }
    }

    fn send(&mut self, json: &Value) -> SendCase {
        let to = json["to"].as_str().expect("whom to send it to").parse().unwrap();
        let ReasonedMove { target, reason } = self.reasoned(json);
        SendCase { target, to, reason }
    }

    /// Reads a line as the API will.
    pub(super) fn read(&mut self, line: &str) -> Submission {
        let json: Value = serde_json::from_str(line).unwrap_or_else(|bad| panic!("{bad}: {line}"));
        let has = |field: &str| json.get(field).is_some();
        let text = |field: &str| json[field].as_str().unwrap_or_else(|| panic!("{field}: {line}"));
        let moment = |field: &str| parse_moment(text(field)).expect("a moment");
        let command = match text("command") {
            "report_case" => Command::ReportCase(Box::new(ReportCase {
                matter: text("matter").into(),
                place: text("place").parse().unwrap(),
                source: Source::from_name(text("source")).unwrap(),
                source_number: has("source_number").then(|| text("source_number").into()),
                occurred_at: has("occurred_at").then(|| moment("occurred_at")),
                claimant: has("claimant").then(|| {
                    for field in ["name", "phone", "address"] {
                        assert!(json["claimant"][field].as_str().is_some(), "{line}");
                    }
                    self.seal(&json["claimant"].to_string())
                }),
                text: self.seal(text("text")),
                settle: has("settle")
                    .then(|| self.seal(json["settle"]["answer"].as_str().unwrap())),
            })),
            "acknowledge_case" => {
                Command::AcknowledgeCase(AcknowledgeCase { target: target(&json) })
            }
            "escalate_case" => Command::EscalateCase(self.reasoned(&json)),
            "hand_down_case" => Command::HandDownCase(self.send(&json)),
            "transfer_case" => Command::TransferCase(self.send(&json)),
            "return_case" => Command::ReturnCase(self.reasoned(&json)),
            "decline_case" => Command::DeclineCase(self.reasoned(&json)),
            "void_case" => Command::VoidCase(self.reasoned(&json)),
            "reopen_case" => Command::ReopenCase(self.reasoned(&json)),
            "note_case" => {
                Command::NoteCase(NoteCase { target: target(&json), note: self.seal(text("note")) })
            }
            "handle_case" => Command::HandleCase(HandleCase {
                target: target(&json),
                measures: self.seal(text("measures")),
            }),
            "close_case" => Command::CloseCase(CloseCase {
                target: target(&json),
                answer: self.seal(text("answer")),
            }),
            "advance_clock" => Command::AdvanceClock(AdvanceClock { to: moment("to") }),
            other => panic!("{other} is no command"),
        };
        let mark = has("key").then(|| {
            assert!(text("key").len() <= KEY_BYTES_MAX);
            Mark { key: text("key").into(), body_hash: 0 }
        });
        let at = has("at").then(|| moment("at"));
        let by = has("by").then(|| text("by").parse().unwrap());
        Submission { by, mark, at, ..submission(command) }
    }
}

fn submission(command: Command) -> Submission {
    let (principal, places) = (PrincipalId::SYSTEM, Places::everywhere());
    Submission { principal, places, by: None, mark: None, at: None, command }
}

fn target(json: &Value) -> Target {
    let text = |field: &str| json["case"][field].as_str().unwrap();
    let source = Source::from_name(text("source")).unwrap();
    Target { case: CaseRef::Number(source, text("number").into()), version: None }
}
