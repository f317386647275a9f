//! Admitting a client system: it may act from now on.

use std::sync::Arc;

use super::{Client, Clients, granted};
use crate::domain::command::AdmitClient;
use crate::domain::event::{ClientAdmitted, Event};
use crate::domain::ids::Timestamp;
use crate::domain::limits::CLIENTS_MAX;
use crate::domain::record::Record;
use crate::domain::rejection::Rejection;
use crate::domain::state::State;

/// Decides what admitting a client does.
pub(in crate::domain) fn decide(
    state: &State,
    now: Timestamp,
    command: &AdmitClient,
) -> Result<Vec<Event>, Rejection> {
    let clients = state.clients();
    if clients.by_name.contains_key(&command.name) {
        return Err(Rejection::ClientNameTaken);
    }
    if clients.by_token.contains_key(&command.token_hash) {
        return Err(Rejection::TokenTaken);
    }
    if clients.rows.len() >= CLIENTS_MAX {
        return Err(Rejection::ClientsFull);
    }
    Ok(vec![Event::ClientAdmitted(ClientAdmitted {
        principal: clients.next(),
        name: Arc::clone(&command.name),
        token_hash: command.token_hash,
        grant: granted(state, now, &command.grant)?,
    })])
}

pub(in crate::domain) fn evolve(clients: &mut Clients, record: &Record, event: &ClientAdmitted) {
    clients.push(Client {
        name: Arc::clone(&event.name),
        token_hash: event.token_hash,
        old_token: None,
        grant: event.grant.clone(),
        is_revoked: false,
        last_seq: record.seq,
    });
}
