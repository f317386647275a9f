//! Client systems (app back ends, the hotline, departments) and what they may do. Their tokens'
//! hashes live in the journal; the tokens nowhere.

use std::collections::HashMap;
use std::sync::Arc;

use super::command::{AdmitClient, RevokeClient};
use super::digest::{Digest, Hasher};
use super::event::{ClientAdmitted, ClientRevoked, Event, Grant};
use super::ids::{PrincipalId, Seq};
use super::limits::CLIENTS_MAX;
use super::record::Record;
use super::rejection::Rejection;
use super::state::State;

/// A client system.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Client {
    /// As its owners call it.
    pub name: Arc<str>,
    /// BLAKE3 of its token.
    pub token_hash: [u8; 32],
    /// What it may do.
    pub grant: Grant,
    /// Whether its token has ended.
    pub is_revoked: bool,
    /// Its newest event in the journal.
    pub last_seq: Seq,
}

/// All clients, dense from 1.
#[derive(Clone, Debug, Default)]
pub struct Clients {
    rows: Vec<Client>,
    by_token: HashMap<[u8; 32], PrincipalId>,
    by_name: HashMap<Arc<str>, PrincipalId>,
    digest: Digest,
}

impl Clients {
    /// The client of that number.
    #[must_use]
    pub fn get(&self, principal: PrincipalId) -> Option<&Client> {
        self.rows.get((principal.0 as usize).checked_sub(1)?)
    }

    /// The client that holds the token of that hash, unless it was revoked.
    #[must_use]
    pub fn by_token(&self, token_hash: &[u8; 32]) -> Option<(PrincipalId, &Client)> {
        let principal = *self.by_token.get(token_hash)?;
        let client = self.get(principal)?;
        (!client.is_revoked).then_some((principal, client))
    }

    /// The client of that name.
    #[must_use]
    pub fn by_name(&self, name: &str) -> Option<(PrincipalId, &Client)> {
        let principal = *self.by_name.get(name)?;
        Some((principal, self.get(principal)?))
    }

    /// All clients with their numbers, in order.
    pub fn iter(&self) -> impl Iterator<Item = (PrincipalId, &Client)> {
        self.rows.iter().zip(1..).map(|(client, number)| (PrincipalId(number), client))
    }

    /// Puts the next client in: what its event, or a snapshot, says of it.
    pub fn push(&mut self, client: Client) {
        let principal =
            PrincipalId(u32::try_from(self.rows.len() + 1).expect("bounded by CLIENTS_MAX"));
        self.by_token.insert(client.token_hash, principal);
        self.by_name.insert(Arc::clone(&client.name), principal);
        self.digest.add(hash_of(principal, &client));
        self.rows.push(client);
    }

    fn revoke(&mut self, principal: PrincipalId, seq: Seq) {
        let Some(client) =
            (principal.0 as usize).checked_sub(1).and_then(|index| self.rows.get_mut(index))
        else {
            return;
        };
        let before = hash_of(principal, client);
        client.is_revoked = true;
        client.last_seq = seq;
        self.digest.replace(before, hash_of(principal, client));
    }

    /// The sum of its rows' hashes.
    #[must_use]
    pub fn digest(&self) -> Digest {
        self.digest
    }
}

fn hash_of(principal: PrincipalId, client: &Client) -> u128 {
    Hasher::new("client")
        .number(u64::from(principal.0))
        .text(&client.name)
        .bytes(&client.token_hash)
        .number(u64::from(client.grant.is_admin) << 1 | u64::from(client.is_revoked))
        .number(client.grant.range.first)
        .number(client.grant.range.last)
        .number(client.last_seq.0)
        .finish()
}

/// Decides what admitting a client does.
pub(super) fn decide_admit(state: &State, command: &AdmitClient) -> Result<Vec<Event>, Rejection> {
    let clients = state.clients();
    if clients.by_name.contains_key(&command.name)
        || clients.by_token.contains_key(&command.token_hash)
    {
        return Err(Rejection::ClientNameTaken);
    }
    if clients.rows.len() >= CLIENTS_MAX {
        return Err(Rejection::ClientsFull);
    }
    let principal =
        PrincipalId(u32::try_from(clients.rows.len() + 1).expect("bounded by CLIENTS_MAX"));
    Ok(vec![Event::ClientAdmitted(ClientAdmitted {
        principal,
        name: Arc::clone(&command.name),
        token_hash: command.token_hash,
        grant: command.grant.clone(),
    })])
}

/// Decides what revoking a client does.
pub(super) fn decide_revoke(
    state: &State,
    command: &RevokeClient,
) -> Result<Vec<Event>, Rejection> {
    let Some((principal, client)) =
        state.clients().by_name(&command.name).filter(|(_, client)| !client.is_revoked)
    else {
        return Err(Rejection::ClientNotFound);
    };
    let admins =
        state.clients().rows.iter().filter(|one| one.grant.is_admin && !one.is_revoked).count();
    if client.grant.is_admin && admins == 1 {
        return Err(Rejection::LastAdmin);
    }
    Ok(vec![Event::ClientRevoked(ClientRevoked { principal })])
}

pub(super) fn evolve_admitted(clients: &mut Clients, record: &Record, event: &ClientAdmitted) {
    clients.push(Client {
        name: Arc::clone(&event.name),
        token_hash: event.token_hash,
        grant: event.grant.clone(),
        is_revoked: false,
        last_seq: record.seq,
    });
}

pub(super) fn evolve_revoked(clients: &mut Clients, record: &Record, event: &ClientRevoked) {
    clients.revoke(event.principal, record.seq);
}
