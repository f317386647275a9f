//! Random work: mostly what a city does, with every mistake that a client can make in between.

mod casework;
mod organisation;

use std::collections::BTreeMap;
use std::sync::Arc;

use zhida::domain::catalogue::MatterRow;
use zhida::domain::command::{
    AbandonImport, AdmitClient, AdvanceClock, BeginImport, ChangeClient, Command, CommitImport,
    GrantRequest, OpenJournal, RevokeClient, RotateClient, StageMatters, StageText, StageUnits,
    Submission,
};
use zhida::domain::event::{ClockMode, PartName, SealedPart};
use zhida::domain::grant::{Scope, Scopes};
use zhida::domain::ids::{ImportId, PrincipalId, Seq, SlotNumber, Timestamp};
use zhida::domain::import::{CatalogueSize, ImportKind};
use zhida::domain::record::Mark;
use zhida::journal::medium::simulated::Dice;
use zhida::journal::{Opened, Vault, VaultError};

use crate::city::{
    ADMIN, APP, HOUR, OFFICE, START, TOWNSHIP_APP, UNITS, matter_rows, places, unit_row, within,
};
use crate::shadow::Shadow;
use crate::tally::Tally;

/// Makes submissions.
pub(crate) struct Script {
    /// Those that came with a key, to be sent again.
    sent: Vec<Submission>,
    next_key: u64,
    vault: Arc<Vault>,
    /// What was sealed under each slot, the last time that it was handed out.
    sealed: BTreeMap<SlotNumber, Vec<u8>>,
    texts: u64,
    keyless: u64,
    /// Where a driven clock is when all that was made so far has come.
    now: i64,
}

const GRIDS: [&str; 5] =
    ["411502001201001", "411502001201002", "411502001202001", "411502002201001", "411502002201002"];
const NAMES: [&str; 4] = ["admin", "app", "guest-1", "guest-2"];

impl Script {
    pub(crate) fn new(vault: Arc<Vault>) -> Self {
        Self {
            sent: Vec::new(),
            next_key: 1,
            vault,
            sealed: BTreeMap::new(),
            texts: 0,
            keyless: 0,
            now: START,
        }
    }

    /// Seals with that vault from now on.
    pub(crate) fn go_on(&mut self, vault: Arc<Vault>) {
        self.vault = vault;
    }

    /// Fills the vault.
    pub(crate) fn fill(&mut self, tally: &mut Tally) {
        self.vault.work();
        if self.vault.is_failing() {
            tally.trial("fill of the vault fails");
        }
        (0..std::mem::take(&mut self.keyless)).for_each(|_| tally.trial("no key is ready"));
    }

    /// A part of the journal opens to what was sealed.
    pub(crate) fn check(&self, part: PartName, sealed: &SealedPart) {
        let opened = self.vault.open_part(part, sealed).expect("it opens");
        assert_eq!(opened, Opened::Plain(self.sealed[&sealed.slot].clone()));
    }

    /// What brings the city into being: units, matters, clients.
    pub(crate) fn founding() -> Vec<Submission> {
        let (import, catalogue) = (ImportId(1), ImportId(2));
        let matters = u32::try_from(matter_rows().len()).expect("few");
        let size = CatalogueSize { matters, text_bytes: 0 };
        let begin =
            |origin: &str, kind| Command::BeginImport(BeginImport { origin: origin.into(), kind });
        let rows = UNITS.map(unit_row).to_vec();
        let admit = |name: &str, scopes, principal| {
            let within = within(principal);
            admit(name, GrantRequest { within, ..GrantRequest::of(Scopes::of(scopes)) })
        };
        let app = &[Scope::Intake, Scope::Act];
        [
            begin("city.ndjson", ImportKind::Units),
            Command::StageUnits(StageUnits { import, rows }),
            Command::CommitImport(CommitImport { import, seen: None }),
            begin("catalogue.toml", ImportKind::Catalogue(size)),
            Command::StageMatters(StageMatters { import: catalogue, rows: matter_rows() }),
            Command::CommitImport(CommitImport { import: catalogue, seen: None }),
            // Their places are named by units.
            admit("admin", &[Scope::Admin], ADMIN),
            admit("app", app, APP),
            admit("township-app", app, TOWNSHIP_APP),
        ]
        .map(|command| by(PrincipalId::SYSTEM, None, command))
        .into()
    }

    /// The next submission.
    pub(crate) fn next(&mut self, dice: &mut Dice, shadow: &Shadow) -> Submission {
        if !self.sent.is_empty()
            && dice.once_in(8)
            && let Some(again) = self.again(dice)
        {
            return again;
        }
        let submission = match dice.below(24) {
            0..6 => self.report(dice, shadow),
            6..19 => self.verb(dice, shadow),
            19 | 20 => Some(organisation::change(dice, shadow)),
            _ => None,
        };
        let mut submission = submission.unwrap_or_else(|| administration(dice, shadow));
        if shadow.is_driven && !dice.once_in(20) {
            submission.at = Some(self.then(dice, shadow));
        } else if dice.once_in(60) {
            submission.at = Some(Timestamp(shadow.now));
        }
        if dice.once_in(40) {
            submission.principal = PrincipalId(4 + u32::try_from(dice.below(3)).expect("small"));
            submission.places = places(submission.principal);
        }
        if dice.below(3) > 0 {
            let key = format!("k-{}", self.next_key);
            self.next_key += 1;
            let body_hash = u128::from(dice.roll());
            submission.mark = Some(Mark { key: key.into(), body_hash });
            self.sent.push(submission.clone());
        }
        submission
    }

    /// When the next command of a driven clock comes: mostly soon, now and then too early.
    fn then(&mut self, dice: &mut Dice, shadow: &Shadow) -> Timestamp {
        self.now = self.now.max(shadow.now);
        let minutes = match dice.below(30) {
            0 => 60 * dice.below(40),
            1..8 => dice.below(120),
            _ => dice.below(5),
        };
        self.now += i64::try_from(minutes).expect("few") * HOUR / 60;
        let early = if dice.once_in(25) { HOUR } else { 0 };
        Timestamp(self.now - early)
    }

    /// One that was sent before, mostly lately; sometimes with another body.
    fn again(&mut self, dice: &mut Dice) -> Option<Submission> {
        let furthest = if dice.once_in(4) { 100 } else { 8 };
        let back = index(dice, furthest.min(self.sent.len()));
        let mut again = self.sent[self.sent.len() - 1 - back].clone();
        if dice.once_in(5)
            && let Some(mark) = &mut again.mark
        {
            mark.body_hash ^= 1;
        }
        // Whoever sends it again has it sealed again.
        match &mut again.command {
            Command::ReportCase(report) => {
                report.text = self.part(PartName::Text)?;
                if let Some(claimant) = &mut report.claimant {
                    *claimant = self.part(PartName::Claimant)?;
                }
                if let Some(answer) = &mut report.settle {
                    *answer = self.part(PartName::Answer)?;
                }
            }
            Command::EscalateCase(verb)
            | Command::ReturnCase(verb)
            | Command::DeclineCase(verb)
            | Command::ReopenCase(verb)
            | Command::VoidCase(verb) => verb.reason = self.part(PartName::Reason)?,
            Command::HandDownCase(verb) | Command::TransferCase(verb) => {
                verb.reason = self.part(PartName::Reason)?;
            }
            Command::HandleCase(handle) => handle.measures = self.part(PartName::Measures)?,
            Command::CloseCase(close) => close.answer = self.part(PartName::Answer)?,
            Command::NoteCase(note) => note.note = self.part(PartName::Note)?,
            Command::AcknowledgeCase(_)
            | Command::OpenJournal(_)
            | Command::AdmitClient(_)
            | Command::ChangeClient(_)
            | Command::RotateClient(_)
            | Command::RevokeClient(_)
            | Command::RevealCase(_)
            | Command::BeginImport(_)
            | Command::StageUnits(_)
            | Command::StageMatters(_)
            | Command::StageText(_)
            | Command::CommitImport(_)
            | Command::AbandonImport(_)
            | Command::ChangeOrganisation(_)
            | Command::AdvanceClock(_) => {}
        }
        Some(again)
    }

    /// Seals a text that was never sealed before. None when no key is ready.
    fn part(&mut self, part: PartName) -> Option<SealedPart> {
        self.texts += 1;
        let plain = format!("{part:?} {}", self.texts).into_bytes();
        match self.vault.seal(part, &plain) {
            Ok(sealed) => {
                self.sealed.insert(sealed.slot, plain);
                Some(sealed)
            }
            Err(VaultError::NoneLeft { .. }) => {
                self.keyless += 1;
                None
            }
            Err(error) => panic!("{error}"),
        }
    }
}

pub(crate) fn open_journal() -> Command {
    Command::OpenJournal(OpenJournal { clock_mode: ClockMode::Manual, journal_id: 7 })
}

fn client(dice: &mut Dice) -> PrincipalId {
    if dice.once_in(8) { TOWNSHIP_APP } else { APP }
}

fn admit(name: &str, grant: GrantRequest) -> Command {
    Command::AdmitClient(AdmitClient { name: name.into(), token_hash: first_token(name), grant })
}

fn first_token(name: &str) -> [u8; 32] {
    *blake3::hash(name.as_bytes()).as_bytes()
}

fn any_token(dice: &mut Dice) -> [u8; 32] {
    std::array::from_fn(|_| u8::try_from(dice.below(256)).expect("a byte"))
}

/// What a guest is to be allowed.
fn grant(dice: &mut Dice, shadow: &Shadow) -> GrantRequest {
    let scopes = match dice.below(4) {
        0 => &[Scope::Admin][..],
        1 => &[Scope::Intake],
        2 => &[Scope::Act, Scope::Read],
        _ => &[Scope::Intake, Scope::Act],
    };
    let hours = i64::try_from(dice.below(100)).expect("few") - 10;
    GrantRequest {
        scopes: Scopes::of(scopes),
        within: dice
            .once_in(4)
            .then(|| {
                pick(dice, &["411502000000", "411502999000", OFFICE]).parse().expect("a good code")
            })
            .into_iter()
            .collect(),
        quota_per_minute: dice.once_in(2).then_some(60),
        expires_at: dice.once_in(3).then_some(Timestamp(shadow.now + hours * HOUR)),
    }
}

pub(crate) fn by(principal: PrincipalId, unit: Option<&str>, command: Command) -> Submission {
    Submission {
        principal,
        places: places(principal),
        by: unit.map(|unit| unit.parse().expect("a good code")),
        mark: None,
        at: None,
        command,
    }
}

fn pick<'a, T>(dice: &mut Dice, all: &'a [T]) -> &'a T {
    &all[index(dice, all.len())]
}

fn index(dice: &mut Dice, end: usize) -> usize {
    usize::try_from(dice.below(end as u64)).expect("below a usize")
}

/// What a proposal's text is.
const TEXT: &str = "[[matter]]";

fn propose(dice: &mut Dice) -> Command {
    let matters = if dice.once_in(12) { 0 } else { 3 + u32::from(dice.once_in(2)) };
    let text_bytes = if dice.once_in(3) { 10 } else { 0 };
    let kind = ImportKind::Catalogue(CatalogueSize { matters, text_bytes });
    Command::BeginImport(BeginImport { origin: "catalogue.toml".into(), kind })
}

/// What brings an open proposal further: what it lacks, or that it is applied.
fn further(dice: &mut Dice, shadow: &Shadow) -> Command {
    let Some((import, matters, text)) = proposal(dice, shadow) else {
        return propose(dice);
    };
    let import = ImportId(import);
    if matters > 0 {
        let rows = some_matters(dice, shadow, matters);
        return Command::StageMatters(StageMatters { import, rows });
    }
    if text > 0 {
        return Command::StageText(StageText { import, text: TEXT.into() });
    }
    Command::CommitImport(CommitImport { import, seen: Some(Seq(shadow.catalogue_seq)) })
}

/// An open proposal: its number, and the matters and bytes of text that it lacks.
fn proposal(dice: &mut Dice, shadow: &Shadow) -> Option<(u32, usize, usize)> {
    let proposals = shadow.proposals();
    let wanted = !proposals.is_empty() && !dice.once_in(6);
    wanted.then(|| *pick(dice, &proposals))
}

/// Mostly as many matters as are wanted, without those that few cases are of; rarely one of them
/// twice.
fn some_matters(dice: &mut Dice, shadow: &Shadow, wanted: usize) -> Vec<MatterRow> {
    let mut rows = matter_rows();
    if dice.once_in(6) {
        return if dice.once_in(2) { rows } else { Vec::new() };
    }
    while rows.len() > wanted {
        let any = index(dice, rows.len());
        let idle = rows.iter().position(|row| !shadow.has_open_cases(&row.code));
        rows.remove(idle.filter(|_| !dice.once_in(3)).unwrap_or(any));
    }
    if rows.len() > 1 && dice.once_in(6) {
        rows[0] = rows[1].clone();
    }
    rows
}

fn administration(dice: &mut Dice, shadow: &Shadow) -> Submission {
    let begun = u64::from(shadow.imports_begun());
    let newest = |dice: &mut Dice| {
        let back = if dice.once_in(3) { dice.below(9) } else { 0 };
        ImportId(u32::try_from(begun.saturating_sub(back)).expect("few imports"))
    };
    let command = match dice.below(30) {
        0..3 => Command::BeginImport(BeginImport {
            origin: "more.ndjson".into(),
            kind: ImportKind::Units,
        }),
        3..5 => propose(dice),
        5..9 => {
            let rows = if dice.once_in(8) { Vec::new() } else { organisation::rows(dice, shadow) };
            Command::StageUnits(StageUnits { import: newest(dice), rows })
        }
        9..11 => {
            let (import, missing, _) = proposal(dice, shadow).unwrap_or((newest(dice).0, 3, 0));
            Command::StageMatters(StageMatters {
                import: ImportId(import),
                rows: some_matters(dice, shadow, missing),
            })
        }
        11 => {
            let import = proposal(dice, shadow).map_or_else(|| newest(dice), |one| ImportId(one.0));
            let text = if dice.once_in(4) { "" } else { TEXT };
            Command::StageText(StageText { import, text: text.into() })
        }
        12..14 => {
            let import = proposal(dice, shadow).map_or_else(|| newest(dice), |one| ImportId(one.0));
            let late = u64::from(dice.once_in(6));
            let seen = (!dice.once_in(3)).then_some(Seq(shadow.catalogue_seq + late));
            Command::CommitImport(CommitImport { import, seen })
        }
        14..17 => {
            let seen = organisation::seen(dice, shadow);
            Command::CommitImport(CommitImport { import: newest(dice), seen })
        }
        17 => Command::AbandonImport(AbandonImport { import: newest(dice) }),
        18 if shadow.is_driven => {
            let hours = i64::try_from(dice.below(30)).expect("few") - 2;
            Command::AdvanceClock(AdvanceClock { to: Timestamp(shadow.now + hours * HOUR) })
        }
        18..21 => admit(NAMES[index(dice, 4)], grant(dice, shadow)),
        21..23 => {
            let name = if dice.once_in(4) { "nobody" } else { NAMES[2 + index(dice, 2)] };
            let name = if dice.once_in(6) { "admin" } else { name };
            Command::RevokeClient(RevokeClient { name: name.into() })
        }
        23 | 24 => {
            let name = NAMES[if dice.once_in(8) { 0 } else { 2 + index(dice, 2) }].into();
            Command::ChangeClient(ChangeClient { name, grant: grant(dice, shadow) })
        }
        25 => {
            let name = NAMES[index(dice, 4)];
            // Now and then the token that a client was admitted with.
            let token_hash = if dice.once_in(4) { first_token(name) } else { any_token(dice) };
            let overlap_hours = u32::try_from(dice.below(250)).expect("few");
            Command::RotateClient(RotateClient { name: name.into(), token_hash, overlap_hours })
        }
        26 => open_journal(),
        _ => further(dice, shadow),
    };
    let principal = if dice.once_in(10) { APP } else { ADMIN };
    by(principal, None, command)
}
