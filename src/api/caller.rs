//! Who asks: the client system behind a bearer token, and what exists for it.

use http::HeaderMap;
use http::header::AUTHORIZATION;

use super::app::App;
use super::codes::Code;
use super::problem::Problem;
use super::quota::RateLimit;
use crate::domain::case::Case;
use crate::domain::code::UnitCode;
use crate::domain::grant::{Grant, Scope};
use crate::domain::ids::PrincipalId;
use crate::domain::organisation::Organisation;
use crate::domain::rejection::Rejection;

/// Whoever asks.
#[derive(Clone, Debug)]
pub(super) struct Caller {
    pub(super) principal: PrincipalId,
    pub(super) grant: Grant,
}

impl Caller {
    /// The owner of the request's token.
    pub(super) fn of(app: &App, headers: &HeaderMap) -> Result<Self, Problem> {
        let Some(value) = headers.get(AUTHORIZATION) else {
            return Err(Problem::new(Code::TokenMissing));
        };
        let token = bearer(value.as_bytes()).ok_or_else(|| Problem::new(Code::TokenMissing))?;
        let token_hash = token_hash(token);
        let clients = app.handle().view().clients();
        let Some((principal, client)) = clients.by_token(&token_hash) else {
            return Err(Problem::new(Code::TokenUnknown));
        };
        let now = app.handle().now();
        if client.has_ended(&token_hash, now) {
            return Err(Problem::new(Code::TokenExpired));
        }
        app.api.usage.note(principal, now);
        Ok(Self { principal, grant: client.grant.clone() })
    }

    /// The same, where its token must have that scope.
    pub(super) fn with(app: &App, headers: &HeaderMap, scope: Scope) -> Result<Self, Problem> {
        let caller = Self::of(app, headers)?;
        if !caller.grant.scopes.contains(scope) {
            return Err(Rejection::without(scope).into());
        }
        Ok(caller)
    }

    /// Counts one command or read against its quota: what is left, where it has one.
    pub(super) fn count(&self, app: &App) -> Result<Option<RateLimit>, Problem> {
        let Some(quota) = self.grant.quota_per_minute else {
            return Ok(None);
        };
        app.api.usage.take(self.principal, quota).map(Some).map_err(Problem::over_quota)
    }

    /// Whether a unit exists for it.
    pub(super) fn sees_unit(&self, code: UnitCode) -> bool {
        self.grant.places.contains(code)
    }

    /// Whether a case exists for it: by where it happened, or by who holds it.
    pub(super) fn sees_case(&self, organisation: &Organisation, case: &Case) -> bool {
        let sees = |code: Option<UnitCode>| code.is_some_and(|code| self.sees_unit(code));
        let holder = || case.status.holder().and_then(|unit| organisation.code(unit));
        sees(case.place_code(organisation)) || sees(holder())
    }

    /// Whether everything exists for it.
    pub(super) fn sees_all(&self) -> bool {
        self.grant.is_admin() || self.grant.places.is_everywhere()
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
