//! Giving a client system its next token. The one before lives on for a while, so that nothing
//! stands still while the new one is put in place; the one before that ends at once.

use super::{Clients, OldToken};
use crate::domain::command::RotateClient;
use crate::domain::event::{ClientRotated, Event};
use crate::domain::ids::Timestamp;
use crate::domain::limits::OVERLAP_HOURS_MAX;
use crate::domain::record::Record;
use crate::domain::rejection::Rejection;
use crate::domain::state::State;

/// Milliseconds of an hour.
const HOUR_MS: i64 = 3_600_000;

/// Decides what giving a client its next token does.
pub(in crate::domain) fn decide(
    state: &State,
    now: Timestamp,
    command: &RotateClient,
) -> Result<Vec<Event>, Rejection> {
    let clients = state.clients();
    let (principal, _) = clients.active(&command.name)?;
    if clients.by_token.contains_key(&command.token_hash) {
        return Err(Rejection::TokenTaken);
    }
    if command.overlap_hours > OVERLAP_HOURS_MAX {
        return Err(Rejection::OutOfBounds);
    }
    Ok(vec![Event::ClientRotated(ClientRotated {
        principal,
        token_hash: command.token_hash,
        old_ends_at: now.plus_ms(i64::from(command.overlap_hours) * HOUR_MS),
    })])
}

pub(in crate::domain) fn evolve(clients: &mut Clients, record: &Record, event: &ClientRotated) {
    clients.change(event.principal, record.seq, |client| {
        client.old_token = Some(OldToken { hash: client.token_hash, ends_at: event.old_ends_at });
        client.token_hash = event.token_hash;
    });
}
