//! Client systems: what they may do, where, how long, and with which tokens.

use super::world::*;
use crate::domain::case::{ClaimantField, ClaimantFields};
use crate::domain::client::TokenHash;
use crate::domain::command::{
    AdmitClient, CaseRef, ChangeClient, Command, GrantRequest, RevealCase, RotateClient,
    Submission, Target,
};
use crate::domain::grant::{Places, Scope, Scopes};
use crate::domain::rejection::Rejection;

fn admin(command: Command) -> Submission {
    Submission { principal: ADMIN, ..submission(command, None) }
}

fn of(scope: Scope) -> GrantRequest {
    GrantRequest::of(Scopes::of(&[scope]))
}

fn admit(name: &str, grant: GrantRequest) -> Command {
    let token_hash = *blake3::hash(name.as_bytes()).as_bytes();
    Command::AdmitClient(AdmitClient { name: name.into(), token_hash, grant })
}

fn change(name: &str, grant: GrantRequest) -> Command {
    Command::ChangeClient(ChangeClient { name: name.into(), grant })
}

fn rotate(name: &str, token: u8, overlap_hours: u32) -> Command {
    Command::RotateClient(RotateClient {
        name: name.into(),
        token_hash: [token; 32],
        overlap_hours,
    })
}

fn refusal(world: &mut World, command: Command) -> &'static str {
    world.submit(&admin(command)).expect_err("refused").code()
}

/// Whether the client of a token may act now, by what is kept of the token.
fn is_live(world: &World, token: &TokenHash) -> bool {
    let found = world.state.clients().by_token(token);
    found.is_some_and(|(_, client)| !client.has_ended(token, world.now))
}

#[test]
fn every_command_needs_its_scope() {
    for scope in [Scope::Intake, Scope::Act, Scope::Read, Scope::Directive] {
        let mut world = World::new();
        let case = world.reported(MICRO, GRID);
        let target = Target { case: CaseRef::Id(case), version: None };
        world.submit(&admin(change("app", of(scope)))).expect("changed");
        let reveal = Command::RevealCase(RevealCase {
            target,
            fields: ClaimantFields::of(&[ClaimantField::Name]),
            purpose: "回访".into(),
            ticket: None,
        });
        let report = Command::ReportCase(Box::new(world.report(MICRO, GRID)));
        let mut settled = world.report(MICRO, GRID);
        settled.settle = Some(world.part());
        let settle = Command::ReportCase(Box::new(settled));
        let acknowledge = world.verb("acknowledge", case);
        let rows = [
            (report, Some(Scope::Intake)),
            (settle, None),
            (acknowledge, Some(Scope::Act)),
            (reveal, Some(Scope::Act)),
        ];
        for (command, needed) in rows {
            let name = command.name();
            let done = world.act(GRID, command);
            match needed {
                Some(needed) if needed == scope => drop(done.expect(name)),
                Some(needed) => {
                    let refused = Rejection::ScopeMissing { scope: needed };
                    assert_eq!(done.expect_err(name), refused, "{name} with {scope:?}");
                }
                // Two scopes: whoever has one of them lacks the other.
                None => assert_eq!(done.expect_err(name).code(), "scope_missing"),
            }
        }
    }
}

#[test]
fn a_token_is_worth_nothing_from_its_end_on() {
    let mut world = World::new();
    let expires_at = Some(world.now.plus_ms(HOUR));
    let grant = GrantRequest { expires_at, ..of(Scope::Intake) };
    world.submit(&admin(change("app", grant.clone()))).expect("changed");
    world.now = world.now.plus_ms(HOUR - 1);
    let report = world.report(MICRO, GRID);
    world.act(GRID, Command::ReportCase(Box::new(report.clone()))).expect("not yet");
    world.now = world.now.plus_ms(1);
    let late = world.act(GRID, Command::ReportCase(Box::new(report)));
    assert_eq!(late.expect_err("late"), Rejection::TokenExpired);
    assert!(!is_live(&world, blake3::hash(b"app").as_bytes()));
    assert_eq!(refusal(&mut world, change("app", grant)), "expires_in_past");
    world.submit(&admin(change("app", of(Scope::Intake)))).expect("it may be let in again");
    assert!(is_live(&world, blake3::hash(b"app").as_bytes()));
}

#[test]
fn the_last_administrator_without_end_stays_one() {
    let mut world = World::new();
    let ends =
        GrantRequest { expires_at: Some(world.now.plus_ms(HOUR)), ..GrantRequest::of(Scopes::ALL) };
    assert_eq!(refusal(&mut world, change("admin", of(Scope::Act))), "last_admin");
    assert_eq!(refusal(&mut world, change("admin", ends.clone())), "last_admin");
    // One that ends does not count.
    world.submit(&admin(admit("second", ends))).expect("admitted");
    assert_eq!(refusal(&mut world, change("admin", of(Scope::Act))), "last_admin");
    world.submit(&admin(change("second", GrantRequest::of(Scopes::ALL)))).expect("changed");
    world.submit(&admin(change("admin", of(Scope::Act)))).expect("another one is there");
}

#[test]
fn places_are_named_by_units_that_there_are() {
    let mut world = World::new();
    let within = vec![code(TOWNSHIP_2), code(GRID)];
    let grant = GrantRequest { within, ..of(Scope::Read) };
    world.submit(&admin(admit("two-places", grant.clone()))).expect("admitted");
    let clients = world.state.clients();
    let places = &clients.by_name("two-places").expect("there").1.grant.places;
    assert_eq!(places.ranges(), [code(GRID).range(), code(TOWNSHIP_2).range()]);
    let unknown = code("411502009000");
    let within = vec![code(GRID), unknown];
    let refused = world.submit(&admin(change("two-places", GrantRequest { within, ..grant })));
    assert_eq!(refused.expect_err("no such unit"), Rejection::RangeUnknown { unit: unknown });
}

#[test]
fn two_tokens_live_at_most() {
    let mut world = World::new();
    let first = *blake3::hash(b"app").as_bytes();
    world.submit(&admin(rotate("app", 2, 24))).expect("rotated");
    assert!(is_live(&world, &first) && is_live(&world, &[2; 32]));
    world.now = world.now.plus_ms(24 * HOUR);
    assert!(!is_live(&world, &first) && is_live(&world, &[2; 32]));
    world.submit(&admin(rotate("app", 3, 24))).expect("rotated");
    world.submit(&admin(rotate("app", 4, 0))).expect("rotated");
    let live = [2, 3, 4].map(|token| is_live(&world, &[token; 32]));
    assert_eq!(live, [false, false, true]);
    assert_eq!(world.state.clients().by_token(&[2; 32]).map(|(client, _)| client), None);
    assert_eq!(refusal(&mut world, rotate("nobody", 5, 0)), "client_not_found");
    assert_eq!(refusal(&mut world, rotate("app", 5, 169)), "out_of_bounds");
}

#[test]
fn a_reveal_stands_in_the_case_and_changes_nothing_else() {
    let mut world = World::new();
    let id = world.reported(MICRO, GRID);
    let before = *world.state.cases().get(id).expect("there");
    let fields = ClaimantFields::of(&[ClaimantField::Phone]);
    let reveal = |version| {
        let target = Target { case: CaseRef::Id(id), version };
        let purpose = "回访".into();
        Command::RevealCase(RevealCase { target, fields, purpose, ticket: None })
    };
    world.submit(&submission(reveal(Some(1)), None)).expect("revealed");
    let after = *world.state.cases().get(id).expect("there");
    let seq = world.state.tail();
    let expected = crate::domain::case::Case { version: 2, last_seq: seq, ..before };
    assert_eq!(after, expected);
    let stale = world.submit(&submission(reveal(Some(1)), None));
    assert_eq!(stale.expect_err("stale").code(), "version_stale");
    let places = Places::within(code(TOWNSHIP_2));
    let elsewhere =
        Submission { principal: TOWNSHIP_APP, places, ..submission(reveal(None), None) };
    assert_eq!(world.submit(&elsewhere).expect_err("elsewhere").code(), "case_not_found");
}

#[test]
fn an_administrator_is_everywhere_and_only_the_line_has_places() {
    let mut world = World::new();
    let within = vec![code(TOWNSHIP_2)];
    let bounded = GrantRequest { within, ..GrantRequest::of(Scopes::ALL) };
    for command in [admit("second", bounded.clone()), change("app", bounded)] {
        assert_eq!(refusal(&mut world, command), "admin_within");
    }
    let beside = GrantRequest { within: vec![code(OFFICE)], ..of(Scope::Read) };
    assert_eq!(refusal(&mut world, admit("office", beside)), "range_unknown");
}
