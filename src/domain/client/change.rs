//! Changing what a client system may do; its tokens stay.

use super::{Clients, granted, is_lasting_admin};
use crate::domain::command::ChangeClient;
use crate::domain::event::{ClientChanged, Event};
use crate::domain::ids::Timestamp;
use crate::domain::record::Record;
use crate::domain::rejection::Rejection;
use crate::domain::state::State;

/// Decides what changing a client does.
pub(in crate::domain) fn decide(
    state: &State,
    now: Timestamp,
    command: &ChangeClient,
) -> Result<Vec<Event>, Rejection> {
    let clients = state.clients();
    let (principal, client) = clients.active(&command.name)?;
    let grant = granted(state, now, &command.grant)?;
    if !is_lasting_admin(&grant) {
        clients.spare(client)?;
    }
    Ok(vec![Event::ClientChanged(ClientChanged { principal, grant })])
}

pub(in crate::domain) fn evolve(clients: &mut Clients, record: &Record, event: &ClientChanged) {
    clients.change(event.principal, record.seq, |client| client.grant = event.grant.clone());
}
