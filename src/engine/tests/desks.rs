//! A turn costs one wake-up a desk, and a desk keeps no place for who went away.

use std::future::{Future, poll_fn};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::rig::*;
use crate::domain::tests::world::*;
use crate::engine::Desk;

/// Runs a desk and counts how often it is woken.
fn counted(rig: &Rig, desk: &Desk) -> Arc<AtomicUsize> {
    let wake_ups = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&wake_ups);
    let mut desk = Box::pin(desk.clone().run());
    rig.runtime.spawn(poll_fn(move |context| {
        count.fetch_add(1, Ordering::Relaxed);
        desk.as_mut().poll(context)
    }));
    rig.settle();
    // The first poll waits for the bell.
    wake_ups.store(0, Ordering::Relaxed);
    wake_ups
}

#[test]
fn a_turn_wakes_each_desk_once() {
    let mut rig = Rig::new();
    let desks = [Desk::new(), Desk::new()];
    let wake_ups = [counted(&rig, &desks[0]), counted(&rig, &desks[1])];
    for turn in 1..=3 {
        rig.pause();
        let tasks: Vec<_> = (0..10)
            .map(|n| {
                let report = rig.report(MICRO, GRID, &format!("{turn} {n}"));
                let (handle, desk) = (rig.handle.clone(), desks[n % 2].clone());
                rig.runtime.spawn(async move { handle.submit(&desk, report).await })
            })
            .collect();
        rig.settle();
        assert_eq!(rig.handle.lanes_len(), (10, 0));
        rig.resume();
        for task in tasks {
            rig.outcome_of(task).expect("accepted");
        }
        for wake_ups in &wake_ups {
            assert_eq!(wake_ups.load(Ordering::Relaxed), turn, "five replies, one wake-up");
        }
    }
}

#[test]
fn who_goes_away_leaves_no_place_and_stops_nothing() {
    let mut rig = Rig::new();
    rig.pause();
    let (gone, stays) = (rig.report(MICRO, GRID, "gone"), rig.report(MICRO, GRID, "stays"));
    let line = rig.report(SMALL, GRID, "line");
    let gone = rig.push(gone);
    let stays = rig.push(stays);
    let pending = rig.run(rig.handle.submit_batch(&rig.desk, vec![line])).expect("room");
    assert_eq!(rig.desk.places_len(), 3);
    gone.abort();
    drop(pending);
    rig.settle();
    rig.resume();
    rig.outcome_of(stays).expect("accepted");
    rig.settle();
    assert_eq!(rig.desk.places_len(), 0);
    for key in ["gone", "stays", "line"] {
        assert!(rig.outcome(key).expect("asked").is_some(), "{key}: the command went on");
    }
    assert_eq!(rig.desk.places_len(), 0);
}

#[test]
fn who_goes_away_after_the_answer_came_leaves_no_place() {
    let mut rig = Rig::new();
    let report = rig.report(MICRO, GRID, "k");
    let before = rig.published();
    let mut future = Box::pin(rig.handle.submit(&rig.desk, report));
    rig.runtime.block_on(poll_fn(|context| {
        assert!(future.as_mut().poll(context).is_pending());
        std::task::Poll::Ready(())
    }));
    rig.wait_for(before.next());
    // The answer is delivered behind the one to this question.
    assert!(rig.outcome("k").expect("asked").is_some());
    assert_eq!(rig.desk.places_len(), 1, "it is there and not picked up");
    drop(future);
    assert_eq!(rig.desk.places_len(), 0);
}
