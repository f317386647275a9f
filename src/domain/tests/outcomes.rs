//! The same key of the same principal: an equal body gets an equal reply, another body is refused,
//! for as long as the outcome is remembered; then the key is decided afresh.

use proptest::prelude::*;
use proptest::sample::Index;

use super::laws::{Step, step, submission_of, take};
use super::world::*;
use crate::domain::command::{
    AbandonImport, AdmitClient, BeginImport, Command, CommitImport, GrantRequest, RevokeClient,
    StageText, StageUnits, Submission,
};
use crate::domain::grant::{Places, Scope, Scopes};
use crate::domain::ids::{ImportId, PrincipalId, Timestamp};
use crate::domain::import::ImportKind;
use crate::domain::limits::OUTCOME_AGE_MS_MAX;
use crate::domain::outcome::{Outcomes, Remembered, key_hash};
use crate::domain::rejection::Rejection;
use crate::domain::reply::Reply;
use crate::domain::state::State;
use crate::domain::{Decision, decide, evolve};

/// What comes next: a command under one of few keys or something without, or one that was sent
/// before.
#[derive(Clone, Debug)]
pub(super) enum Next {
    New {
        by: usize,
        key: Option<u8>,
        what: What,
    },
    /// As it was sent.
    Again(Index),
    /// Its key and its command, with another body.
    OtherBody(Index),
    /// Its key, its command and its body, of another principal.
    OtherPrincipal(Index, usize),
}

impl Next {
    /// Without a key.
    fn apart(step: Step) -> Self {
        Self::New { by: 0, key: None, what: What::Casework(step) }
    }
}

#[derive(Clone, Debug)]
pub(super) enum What {
    Casework(Step),
    Administration(u8, u8),
}

const PRINCIPALS: [PrincipalId; 3] = [ADMIN, APP, TOWNSHIP_APP];

pub(super) fn next() -> impl Strategy<Value = Next> {
    let what = prop_oneof![
        3 => step().prop_map(What::Casework),
        1 => (0_u8..7, any::<u8>()).prop_map(|(kind, seed)| What::Administration(kind, seed)),
    ];
    prop_oneof![
        6 => (0_usize..3, proptest::option::weighted(0.9, 0_u8..12), what)
            .prop_map(|(by, key, what)| Next::New { by, key, what }),
        3 => any::<Index>().prop_map(Next::Again),
        2 => any::<Index>().prop_map(Next::OtherBody),
        2 => (any::<Index>(), 0_usize..3).prop_map(|(sent, by)| Next::OtherPrincipal(sent, by)),
        1 => (1_u8..20).prop_map(|hours| Next::apart(Step::Hours(hours))),
    ]
}

fn administration(world: &World, kind: u8, seed: u8) -> Command {
    let import = ImportId(world.state.imports().begun());
    let name = format!("client-{}", seed % 8);
    match kind {
        0 => Command::BeginImport(BeginImport { origin: "more".into(), kind: ImportKind::Units }),
        1 => Command::StageUnits(StageUnits { import, rows: vec![unit(GRID_3)] }),
        2 => Command::StageText(StageText { import, text: "a text".into() }),
        3 => Command::CommitImport(CommitImport { import, seen: None }),
        4 => Command::AbandonImport(AbandonImport { import }),
        5 => Command::RevokeClient(RevokeClient { name: name.into() }),
        _ => Command::AdmitClient(AdmitClient {
            token_hash: *blake3::hash(name.as_bytes()).as_bytes(),
            name: name.into(),
            grant: GrantRequest::of(Scopes::of(&[Scope::Read])),
        }),
    }
}

/// What the law says is remembered.
struct Kept {
    principal: PrincipalId,
    key: String,
    body_hash: u128,
    at: Timestamp,
    reply: Reply,
}

/// Sends, keeps what was accepted, and compares each answer with what was kept.
pub(super) struct Client {
    pub(super) world: World,
    sent: Vec<Submission>,
    kept: Vec<Kept>,
}

impl Client {
    pub(super) fn new() -> Self {
        Self { world: World::new(), sent: Vec::new(), kept: Vec::new() }
    }

    pub(super) fn take(&mut self, next: &Next) {
        if let Next::New { what: What::Casework(step), .. } = next
            && matches!(step, Step::Hours(_) | Step::Grids { .. })
        {
            take(&mut self.world, step);
        }
        if let Some(submission) = self.submission(next) {
            self.send(&submission);
        }
    }

    fn submission(&mut self, next: &Next) -> Option<Submission> {
        if let Next::New { by, key, what } = next {
            let made = match what {
                What::Casework(step) => submission_of(&mut self.world, step)?,
                What::Administration(kind, seed) => {
                    submission(administration(&self.world, *kind, *seed), None)
                }
            };
            // No two commands have an equal body.
            let body_hash = self.sent.len() as u128 * 2;
            let mark = key.and_then(|key| mark(&format!("k-{key}"), body_hash));
            let sent = by_principal(Submission { mark, ..made }, *by);
            self.sent.push(sent.clone());
            return Some(sent);
        }
        let (Next::Again(index) | Next::OtherBody(index) | Next::OtherPrincipal(index, _)) = next
        else {
            return None;
        };
        if self.sent.is_empty() {
            return None;
        }
        let mut again = index.get(&self.sent).clone();
        match (next, &mut again.mark) {
            (Next::OtherBody(_), Some(mark)) => mark.body_hash ^= 1,
            (Next::OtherPrincipal(_, by), _) => again = by_principal(again, *by),
            _ => {}
        }
        Some(again)
    }

    fn send(&mut self, submission: &Submission) {
        let before = (self.world.state.digest(), self.world.records.len());
        let marked = submission.mark.as_ref();
        let kept = marked.and_then(|mark| {
            self.kept
                .iter()
                .find(|kept| (kept.principal, &*kept.key) == (submission.principal, &*mark.key))
        });
        let is_known = kept.zip(marked).map(|(kept, mark)| kept.body_hash == mark.body_hash);
        let decided = self.world.decide(submission);
        match (is_known, &decided) {
            (Some(true), Ok(Err(remembered))) => {
                assert_eq!(kept.map(|kept| kept.reply), self.reply(remembered));
            }
            (Some(false), Err(Rejection::KeyReused)) => {}
            (None, Ok(Ok(events))) => {
                if let Some(mark) = marked {
                    self.keep(submission.principal, &mark.key, mark.body_hash, events.len());
                }
                return;
            }
            (None, Err(refusal)) if *refusal != Rejection::KeyReused => {}
            _ => panic!("{submission:?} came to {decided:?}; known with that body: {is_known:?}"),
        }
        assert_eq!((self.world.state.digest(), self.world.records.len()), before);
    }

    fn keep(&mut self, principal: PrincipalId, key: &str, body_hash: u128, events: usize) {
        let records = &self.world.records[self.world.records.len() - events..];
        let case = records[0].event.case().and_then(|id| self.world.state.cases().get(id));
        let reply = Reply::of(records, case.map_or(0, |case| case.version)).expect("events");
        let at = self.world.now;
        self.kept.retain(|kept| at.ms_since(kept.at) <= OUTCOME_AGE_MS_MAX);
        self.kept.push(Kept { principal, key: key.into(), body_hash, at, reply });
    }

    /// The reply, made of the events again.
    fn reply(&self, remembered: &Remembered) -> Option<Reply> {
        let end = usize::try_from(remembered.last_seq().0).expect("few");
        let records = &self.world.records[end - usize::from(remembered.events)..end];
        Reply::of(records, remembered.version)
    }
}

fn by_principal(submission: Submission, by: usize) -> Submission {
    let principal = PRINCIPALS[by];
    let is_narrow = principal == TOWNSHIP_APP;
    let places = if is_narrow { Places::within(code(TOWNSHIP_2)) } else { Places::everywhere() };
    Submission { principal, places, ..submission }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

    #[test]
    fn a_key_is_answered_alike_for_a_day(all in prop::collection::vec(next(), 1..150)) {
        let mut client = Client::new();
        for next in &all {
            client.take(next);
        }
    }
}

/// A report under the key of that number.
fn keyed(world: &mut World, number: usize) -> Submission {
    let report = Command::ReportCase(Box::new(world.report(MICRO, GRID)));
    Submission { mark: mark(&format!("k-{number}"), 1), ..submission(report, Some(GRID)) }
}

#[test]
fn beyond_their_bound_the_oldest_are_forgotten_first_and_decided_afresh() {
    const MOST: usize = 5;
    let mut world = World::new();
    world.state.outcomes = Outcomes::of_at_most(MOST);
    let all: Vec<_> = (0..12).map(|number| keyed(&mut world, number)).collect();
    for (number, submission) in all.iter().enumerate() {
        assert!(matches!(world.decide(submission), Ok(Ok(_))), "{number} is new");
        // The newest five are known, the others are not, though all came within the day.
        let first_known = (number + 1).saturating_sub(MOST);
        for (other, submission) in all[..=number].iter().enumerate() {
            let mut other_body = submission.clone();
            other_body.mark.as_mut().expect("a key").body_hash ^= 1;
            let (same, reused) = (
                decide(&world.state, world.now, submission),
                decide(&world.state, world.now, &other_body),
            );
            if other < first_known {
                assert!(matches!(same, Ok(Decision::Accepted(_))), "{other} after {number}");
                assert!(matches!(reused, Ok(Decision::Accepted(_))), "{other} after {number}");
            } else {
                assert!(matches!(same, Ok(Decision::Known(_))), "{other} after {number}");
                assert_eq!(reused, Err(Rejection::KeyReused), "{other} after {number}");
            }
        }
    }

    // A forgotten key that comes again is the newest, and pushes out the oldest that is left.
    assert!(matches!(world.decide(&all[0]), Ok(Ok(_))));
    let known = |world: &World| -> Vec<usize> {
        let is_known = |submission: &Submission| {
            let key = &submission.mark.as_ref().expect("a key").key;
            world.state.outcomes.get(key_hash(APP, key)).is_some()
        };
        (0..all.len()).filter(|number| is_known(&all[*number])).collect()
    };
    assert_eq!(known(&world), [0, 8, 9, 10, 11]);

    // Folded with that bound, deciding or not, it is the same; with a wider one it is not.
    let fold = |mut state: State| {
        world.records.iter().for_each(|record| evolve(&mut state, record));
        state.made_ready()
    };
    let bounded = |outcomes| {
        let mut state = State::folding();
        state.outcomes = outcomes;
        state
    };
    for outcomes in [Outcomes::of_at_most(MOST), Outcomes::of_at_most(MOST).folding()] {
        let folded = fold(bounded(outcomes));
        assert_eq!(folded.digest(), world.state.digest());
        assert!(folded.outcomes.iter().eq(world.state.outcomes.iter()));
        for (_, key, outcome) in world.state.outcomes.iter() {
            assert_eq!(folded.outcomes.get(key), Some(outcome));
        }
    }
    let wider = fold(bounded(Outcomes::of_at_most(MOST + 1).folding()));
    assert_eq!(wider.outcomes.len(), MOST + 1);
    assert_ne!(wider.digest(), world.state.digest());

    // A day on, the day decides before the bound does.
    world.at_hour(25);
    let late = keyed(&mut world, 99);
    assert!(matches!(world.decide(&late), Ok(Ok(_))));
    assert_eq!(world.state.outcomes.len(), 1);
}
