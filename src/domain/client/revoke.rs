//! Revoking a client system: its tokens end at once.

use super::Clients;
use crate::domain::command::RevokeClient;
use crate::domain::event::{ClientRevoked, Event};
use crate::domain::record::Record;
use crate::domain::rejection::Rejection;
use crate::domain::state::State;

/// Decides what revoking a client does.
pub(in crate::domain) fn decide(
    state: &State,
    command: &RevokeClient,
) -> Result<Vec<Event>, Rejection> {
    let clients = state.clients();
    let (principal, client) = clients.active(&command.name)?;
    clients.spare(client)?;
    Ok(vec![Event::ClientRevoked(ClientRevoked { principal })])
}

pub(in crate::domain) fn evolve(clients: &mut Clients, record: &Record, event: &ClientRevoked) {
    clients.change(event.principal, record.seq, |client| client.is_revoked = true);
}
