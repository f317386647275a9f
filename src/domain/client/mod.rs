//! Client systems (app back ends, the hotline, departments), their tokens and what they may do. The
//! tokens' hashes live in the journal; the tokens nowhere.
//!
//! ```text
//!  admit ──▶ token 1 ── rotate ──▶ token 2 ── rotate ──▶ token 3
//!                       token 1 ends at …     token 2 ends at …; token 1 at once
//! ```
//!
//! One verb a file: its `decide` beside its event's `evolve`.

mod admit;
mod change;
mod revoke;
mod rotate;

use std::collections::HashMap;
use std::sync::Arc;

use super::code::{CodeRange, UnitCode};
use super::command::GrantRequest;
use super::digest::{Digest, Hasher};
use super::grant::{Grant, Places, Scope};
use super::ids::{PrincipalId, Seq, Timestamp};
use super::rejection::Rejection;
use super::state::State;

pub(super) use admit::{decide as decide_admit, evolve as evolve_admitted};
pub(super) use change::{decide as decide_change, evolve as evolve_changed};
pub(super) use revoke::{decide as decide_revoke, evolve as evolve_revoked};
pub(super) use rotate::{decide as decide_rotate, evolve as evolve_rotated};

/// BLAKE3 of a token.
pub type TokenHash = [u8; 32];

/// A client system.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Client {
    /// As its owners call it.
    pub name: Arc<str>,
    /// BLAKE3 of its newest token.
    pub token_hash: TokenHash,
    /// The token before that one, from the first rotation on.
    pub old_token: Option<OldToken>,
    /// What it may do.
    pub grant: Grant,
    /// Whether its tokens have ended.
    pub is_revoked: bool,
    /// Its newest event in the journal.
    pub last_seq: Seq,
}

/// A token that another one follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OldToken {
    /// BLAKE3 of it.
    pub hash: TokenHash,
    /// From when it is worth nothing.
    pub ends_at: Timestamp,
}

impl Client {
    /// Whether the token of that hash, one of the client's, is worth nothing any more at `now`.
    #[must_use]
    pub fn has_ended(&self, token_hash: &TokenHash, now: Timestamp) -> bool {
        let old = self.old_token.filter(|old| old.hash == *token_hash);
        self.grant.is_expired(now) || old.is_some_and(|old| old.ends_at <= now)
    }

    /// Whether it administers without end, as one client at least must.
    fn is_lasting_admin(&self) -> bool {
        !self.is_revoked && is_lasting_admin(&self.grant)
    }
}

fn is_lasting_admin(grant: &Grant) -> bool {
    grant.is_admin() && grant.places.is_everywhere() && grant.expires_at.is_none()
}

/// All clients, dense from 1.
#[derive(Clone, Debug, Default)]
pub struct Clients {
    rows: Vec<Client>,
    by_token: HashMap<TokenHash, PrincipalId>,
    by_name: HashMap<Arc<str>, PrincipalId>,
    digest: Digest,
}

impl Clients {
    /// The client of that number.
    #[must_use]
    pub fn get(&self, principal: PrincipalId) -> Option<&Client> {
        self.rows.get((principal.0 as usize).checked_sub(1)?)
    }

    /// The client that holds the token of that hash, unless it was revoked. Whether the token has
    /// ended is for [`Client::has_ended`] to say.
    #[must_use]
    pub fn by_token(&self, token_hash: &TokenHash) -> Option<(PrincipalId, &Client)> {
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
        let principal = self.next();
        for hash in hashes(&client) {
            self.by_token.insert(hash, principal);
        }
        self.by_name.insert(Arc::clone(&client.name), principal);
        self.digest.add(hash_of(principal, &client));
        self.rows.push(client);
    }

    /// Changes a client and all that follows from it: chain, tokens, digest.
    fn change(&mut self, principal: PrincipalId, seq: Seq, change: impl FnOnce(&mut Client)) {
        let Some(client) =
            (principal.0 as usize).checked_sub(1).and_then(|index| self.rows.get_mut(index))
        else {
            return;
        };
        self.digest.subtract(hash_of(principal, client));
        for hash in hashes(client) {
            self.by_token.remove(&hash);
        }
        change(client);
        client.last_seq = seq;
        for hash in hashes(client) {
            self.by_token.insert(hash, principal);
        }
        self.digest.add(hash_of(principal, client));
    }

    /// The sum of its rows' hashes.
    #[must_use]
    pub fn digest(&self) -> Digest {
        self.digest
    }

    fn next(&self) -> PrincipalId {
        PrincipalId(u32::try_from(self.rows.len() + 1).expect("bounded by CLIENTS_MAX"))
    }

    /// A client that is not revoked.
    fn active(&self, name: &str) -> Result<(PrincipalId, &Client), Rejection> {
        self.by_name(name).filter(|(_, client)| !client.is_revoked).ok_or(Rejection::ClientNotFound)
    }

    /// Refuses what would leave nobody to administer.
    fn spare(&self, client: &Client) -> Result<(), Rejection> {
        let admins = self.rows.iter().filter(|one| one.is_lasting_admin()).count();
        if client.is_lasting_admin() && admins == 1 {
            return Err(Rejection::LastAdmin);
        }
        Ok(())
    }
}

/// The hashes of a client's tokens.
fn hashes(client: &Client) -> impl Iterator<Item = TokenHash> + use<> {
    [Some(client.token_hash), client.old_token.map(|old| old.hash)].into_iter().flatten()
}

fn hash_of(principal: PrincipalId, client: &Client) -> u128 {
    let hasher = Hasher::new("client")
        .number(u64::from(principal.0))
        .text(&client.name)
        .bytes(&client.token_hash)
        .bytes(client.old_token.as_ref().map_or(&[], |old| &old.hash))
        .number(client.old_token.map_or(0, |old| old.ends_at.0.cast_unsigned()))
        .number(u64::from(client.is_revoked))
        .number(client.last_seq.0);
    client.grant.hash_onto(hasher).finish()
}

/// The grant that is asked for.
fn granted(state: &State, now: Timestamp, request: &GrantRequest) -> Result<Grant, Rejection> {
    if request.scopes.contains(Scope::Admin) && !request.within.is_empty() {
        return Err(Rejection::AdminWithin);
    }
    let within = request.within.iter().map(|code| range_of(state, *code));
    let within: Vec<CodeRange> = within.collect::<Result<_, _>>()?;
    if request.expires_at.is_some_and(|expires_at| expires_at <= now) {
        return Err(Rejection::ExpiresInPast);
    }
    let places = match &*within {
        [] => Places::everywhere(),
        ranges => Places::of(ranges.iter().copied()).ok_or(Rejection::OutOfBounds)?,
    };
    let &GrantRequest { scopes, within: _, quota_per_minute, expires_at } = request;
    Ok(Grant { scopes, places, quota_per_minute, expires_at })
}

/// The places of a division or a grid. What sits beside the line has none of its own: its code would
/// stand for all of its division.
fn range_of(state: &State, code: UnitCode) -> Result<CodeRange, Rejection> {
    let known = state.organisation().known(code).filter(|(_, row)| row.code.letter().is_none());
    known.map(|(_, row)| row.code.range()).ok_or(Rejection::RangeUnknown { unit: code })
}
