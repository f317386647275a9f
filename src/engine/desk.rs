//! Where replies are picked up: one desk an I/O thread.
//!
//! The sequencer lays all replies of a turn on the desk and rings once; the desk's own task wakes
//! each waiter on its own thread. So a turn costs one wake-up an I/O thread, not one a reply.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use parking_lot::Mutex;
use slab::Slab;
use tokio::sync::Notify;

use super::answer::Answer;

/// A place at a desk, for one reply.
pub(super) type Ticket = usize;

/// One I/O thread's desk. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Desk(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    places: Mutex<Slab<Place>>,
    mail: Mutex<Vec<(Ticket, Answer)>>,
    bell: Notify,
}

#[derive(Debug)]
enum Place {
    /// Somebody waits, or is about to.
    Waiting(Option<Waker>),
    /// The answer is there.
    Answered(Box<Answer>),
    /// Nobody waits any more; the answer is dropped when it comes.
    Left,
}

impl Desk {
    /// A new desk. Spawn [`Desk::run`] on the runtime whose tasks will wait here.
    #[must_use]
    pub fn new() -> Self {
        Self(Arc::default())
    }

    /// Hands out answers until the runtime ends. Dropping it strands whoever waits.
    pub async fn run(self) {
        let mut letters = Vec::new();
        loop {
            self.0.bell.notified().await;
            std::mem::swap(&mut *self.0.mail.lock(), &mut letters);
            for (ticket, answer) in letters.drain(..) {
                self.hand_out(ticket, answer);
            }
        }
    }

    fn hand_out(&self, ticket: Ticket, answer: Answer) {
        let waker = {
            let mut places = self.0.places.lock();
            let Some(place) = places.get_mut(ticket) else {
                return;
            };
            match std::mem::replace(place, Place::Answered(Box::new(answer))) {
                Place::Waiting(waker) => waker,
                Place::Answered(_) | Place::Left => {
                    places.remove(ticket);
                    None
                }
            }
        };
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// Takes a place.
    pub(super) fn take_place(&self) -> Waiting {
        let ticket = self.0.places.lock().insert(Place::Waiting(None));
        Waiting { desk: self.clone(), ticket, is_over: false }
    }

    /// Lays answers on the desk and rings, once.
    pub(super) fn deliver(&self, letters: &mut Vec<(Ticket, Answer)>) {
        self.0.mail.lock().append(letters);
        self.0.bell.notify_one();
    }

    /// How many places are taken.
    #[cfg(test)]
    pub(super) fn places_len(&self) -> usize {
        self.0.places.lock().len()
    }

    /// Whether both are the same desk.
    pub(super) fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Default for Desk {
    fn default() -> Self {
        Self::new()
    }
}

/// Waits for one answer. Dropping it gives the place up; the command itself goes on.
#[derive(Debug)]
pub(super) struct Waiting {
    desk: Desk,
    ticket: Ticket,
    is_over: bool,
}

impl Waiting {
    pub(super) fn ticket(&self) -> Ticket {
        self.ticket
    }

    /// The place is not needed: nothing was sent.
    pub(super) fn cancel(mut self) {
        self.desk.0.places.lock().remove(self.ticket);
        self.is_over = true;
    }
}

impl Future for Waiting {
    type Output = Answer;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Answer> {
        let desk = self.desk.clone();
        let mut places = desk.0.places.lock();
        let place = places.get_mut(self.ticket).expect("a place is kept until its waiter goes");
        match place {
            Place::Waiting(waker) => {
                *waker = Some(context.waker().clone());
                Poll::Pending
            }
            Place::Answered(_) | Place::Left => {
                let place = places.remove(self.ticket);
                self.is_over = true;
                match place {
                    Place::Answered(answer) => Poll::Ready(*answer),
                    Place::Waiting(_) | Place::Left => Poll::Pending,
                }
            }
        }
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        if self.is_over {
            return;
        }
        let mut places = self.desk.0.places.lock();
        match places.get_mut(self.ticket) {
            Some(place @ Place::Waiting(_)) => *place = Place::Left,
            Some(Place::Answered(_)) => drop(places.remove(self.ticket)),
            Some(Place::Left) | None => {}
        }
    }
}
