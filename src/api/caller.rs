//! Who asks: the client system behind a bearer token, and what exists for it.

use http::HeaderMap;
use http::header::AUTHORIZATION;

use super::codes::Code;
use super::problem::Problem;
use crate::domain::case::Case;
use crate::domain::code::{CodeRange, UnitCode};
use crate::domain::event::Grant;
use crate::domain::ids::PrincipalId;
use crate::domain::organisation::Organisation;
use crate::engine::View;

/// Whoever asks.
#[derive(Clone, Debug)]
pub(super) struct Caller {
    pub(super) principal: PrincipalId,
    pub(super) grant: Grant,
}

impl Caller {
    /// The owner of the request's token.
    pub(super) fn of(view: &View, headers: &HeaderMap) -> Result<Self, Problem> {
        let Some(value) = headers.get(AUTHORIZATION) else {
            return Err(Problem::new(Code::TokenMissing));
        };
        let token = bearer(value.as_bytes()).ok_or_else(|| Problem::new(Code::TokenMissing))?;
        let clients = view.clients();
        let Some((principal, client)) = clients.by_token(&token_hash(token)) else {
            return Err(Problem::new(Code::TokenUnknown));
        };
        Ok(Self { principal, grant: client.grant.clone() })
    }

    /// The same, where only administration may go on.
    pub(super) fn admin(view: &View, headers: &HeaderMap) -> Result<Self, Problem> {
        let caller = Self::of(view, headers)?;
        if !caller.grant.is_admin {
            return Err(Problem::new(Code::NeedsAdmin));
        }
        Ok(caller)
    }

    /// Whether a unit exists for it.
    pub(super) fn sees_unit(&self, code: UnitCode) -> bool {
        self.grant.range.contains(code)
    }

    /// Whether a case exists for it: by where it happened, or by who holds it.
    pub(super) fn sees_case(&self, organisation: &Organisation, case: &Case) -> bool {
        let sees = |code: Option<UnitCode>| code.is_some_and(|code| self.sees_unit(code));
        let holder = || case.status.holder().and_then(|unit| organisation.code(unit));
        sees(case.place_code(organisation)) || sees(holder())
    }

    /// Whether everything exists for it.
    pub(super) fn sees_all(&self) -> bool {
        self.grant.is_admin || self.grant.range == CodeRange::ALL
    }
}

/// What is kept of a token: BLAKE3 of it.
#[must_use]
pub fn token_hash(token: &str) -> [u8; 32] {
    *blake3::hash(token.as_bytes()).as_bytes()
}

/// A new token and what is kept of it: 256 random bits behind a prefix that secret scanners can
/// know.
///
/// # Errors
/// When the system has no randomness to give.
pub fn new_token() -> Result<(String, [u8; 32]), getrandom::Error> {
    let mut random = [0; 32];
    getrandom::fill(&mut random)?;
    let token = format!("zhida_{}", blake3::Hash::from_bytes(random).to_hex());
    let hash = token_hash(&token);
    Ok((token, hash))
}

fn bearer(value: &[u8]) -> Option<&str> {
    let (scheme, token) = value.split_at_checked(7)?;
    let token = std::str::from_utf8(token.trim_ascii()).ok()?;
    (scheme.eq_ignore_ascii_case(b"bearer ") && !token.is_empty()).then_some(token)
}
