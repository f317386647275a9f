//! Nothing follows from how a state lies in memory. Equal states whose maps have other seeds, other
//! room and took their rows in another order decide alike, event for event and refusal for refusal,
//! and come to the same digest. The world compares them at every step.

use proptest::prelude::*;

use super::laws::{lent, rebuilt};
use super::outcomes::{Client, next};
use super::world::World;
use crate::domain::evolve;
use crate::domain::snapshot::StateBuilder;
use crate::domain::state::State;

fn twins_of(world: &World) -> Vec<State> {
    let folded = |mut state: State| {
        world.records.iter().for_each(|record| evolve(&mut state, record));
        state
    };
    let state = &world.state;
    let mut roomy = StateBuilder::new(state.head());
    roomy.reserve(10_000);
    let mut backwards: Vec<_> = state.numbers().collect();
    backwards.sort_unstable_by_key(|(_, case)| std::cmp::Reverse(*case));
    let narrow = StateBuilder::new(state.head());
    vec![
        folded(State::default()),
        folded(State::folding()).made_ready(),
        lent(state).made_ready(),
        rebuilt(state, roomy, backwards.clone()).made_ready(),
        rebuilt(&folded(State::folding()), narrow, backwards).made_ready(),
    ]
}

/// Row by row, in the order in which a snapshot keeps them.
fn assert_equal(one: &State, other: &State) {
    assert_eq!(one.head(), other.head());
    assert!(one.organisation().iter().eq(other.organisation().iter()));
    assert_eq!(one.organisation().order(), other.organisation().order());
    assert!(
        one.organisation().iter().all(|(unit, _)| {
            one.organisation().former(unit) == other.organisation().former(unit)
        })
    );
    assert!(one.catalogue().iter().eq(other.catalogue().iter()));
    assert!(one.clients().iter().eq(other.clients().iter()));
    assert!(one.imports().iter().eq(other.imports().iter()));
    assert!(one.cases().iter().eq(other.cases().iter()));
    assert!(one.outcomes().iter().eq(other.outcomes().iter()));
    let numbers = |state: &State| {
        let mut numbers: Vec<_> = state.numbers().collect();
        numbers.sort_unstable();
        numbers
    };
    assert_eq!(numbers(one), numbers(other));
    assert_eq!(one.next_due_at(), other.next_due_at());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

    #[test]
    fn equal_states_decide_alike_however_they_lie_in_memory(
        before in prop::collection::vec(next(), 1..100),
        after in prop::collection::vec(next(), 1..100),
    ) {
        let mut client = Client::new();
        for next in &before {
            client.take(next);
        }
        client.world.twins = twins_of(&client.world);
        for next in &after {
            client.take(next);
        }
        for twin in &client.world.twins {
            assert_equal(twin, &client.world.state);
        }
    }
}
