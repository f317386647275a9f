//! Every kind of principal.

use std::cell::Cell;

use super::rows::Needs;
use super::works::Works;
use super::{Told, advance};
use crate::world::World;

/// Every scope but `admin`.
const ALL_BUT_ADMIN: &[&str] = &["intake", "act", "read", "directive"];

/// A kind of principal.
pub(super) struct Kind {
    pub(super) name: &'static str,
    token: Token,
    /// What it is told whatever it wants.
    refusal: Option<(u16, &'static str)>,
    scopes: &'static [&'static str],
    places: Places,
}

enum Token {
    None,
    Kept(String),
    /// A new one each time, whose quota is used up.
    Spent(Cell<u32>),
}

/// What exists for it: all, where everything happens, or where nothing does.
#[derive(Clone, Copy, PartialEq)]
enum Places {
    Everywhere,
    Here,
    Elsewhere,
}

impl Kind {
    fn refused(name: &'static str, token: Token, status: u16, code: &'static str) -> Self {
        let refusal = Some((status, code));
        Self { name, token, refusal, scopes: &["admin"], places: Places::Everywhere }
    }

    fn with(name: &'static str, token: String, scopes: &'static [&'static str]) -> Self {
        let (token, places) = (Token::Kept(token), Places::Everywhere);
        Self { name, token, refusal: None, scopes, places }
    }

    /// Its token, as it comes with it now.
    pub(super) fn token(&self, world: &World) -> Option<String> {
        match &self.token {
            Token::None => None,
            Token::Kept(token) => Some(token.clone()),
            Token::Spent(count) => {
                count.set(count.get() + 1);
                let name = format!("{} {}", self.name, count.get());
                let token = world.admit(&format!(
                    r#"{{"name":"{name}","scopes":["admin"],"quota_per_minute":1}}"#
                ));
                world.request("GET", "/v1/me").token(&token).send().ok();
                Some(token)
            }
        }
    }

    /// Whether what it asks for is outside all that exists for it.
    pub(super) fn is_elsewhere(&self) -> bool {
        self.places == Places::Elsewhere
    }

    pub(super) fn is_admitted(&self) -> bool {
        self.refusal.is_none()
    }

    pub(super) fn has(&self, scope: &str) -> bool {
        self.scopes.iter().any(|one| *one == scope || *one == "admin")
    }

    /// What it is told: `good`, or how it is refused.
    pub(super) fn expected(&self, needs: Needs, good: u16) -> Told {
        let refused = match needs {
            Needs::Nothing => None,
            _ if self.refusal.is_some() => self.refusal,
            Needs::Scope(scope) | Needs::Place(scope, ..) | Needs::City(scope)
                if !self.has(scope) =>
            {
                let code = if scope == "admin" { "needs_admin" } else { "scope_missing" };
                Some((403, code))
            }
            Needs::Place(_, status, code) if self.is_elsewhere() => Some((status, code)),
            Needs::City(_) if self.places != Places::Everywhere => Some((403, "scope_too_small")),
            Needs::Writer(status, code) if !self.has("intake") && !self.has("act") => {
                Some((status, code))
            }
            Needs::Token
            | Needs::Writer(..)
            | Needs::Scope(_)
            | Needs::Place(..)
            | Needs::City(_) => None,
        };
        refused.map_or((good, String::new()), |(status, code)| (status, code.to_owned()))
    }
}

/// All of them. An hour passes meanwhile.
pub(super) fn kinds(works: &Works<'_>) -> Vec<Kind> {
    let world = works.world;
    let admit = |name: &str, rest: &str| world.admit(&format!(r#"{{"name":"{name}",{rest}}}"#));
    let of = |name: &str| admit(name, &format!(r#""scopes":["{name}"]"#));
    let of_all = |name: &str, place: &str| {
        admit(
            name,
            &format!(r#""scopes":["intake","act","read","directive"],"within":["{place}"]"#),
        )
    };
    let rotate = |name: &str, hours: u32| {
        let body = format!(r#"{{"overlap_hours":{hours}}}"#);
        world.post(&format!("/v1/clients/{name}/rotate"), &body).ok();
    };
    let admin = r#""scopes":["admin"]"#;
    let revoked = admit("revoked", admin);
    world.post("/v1/clients/revoked/revoke", "").ok();
    let ends_at = works.hours_on(1);
    let expired = admit("expired", &format!(r#"{admin},"expires_at":"{ends_at}""#));
    let (outdated, rotated) = (admit("outdated", admin), admit("rotated", admin));
    rotate("outdated", 1);
    rotate("rotated", 24);
    advance(world, &ends_at);
    vec![
        Kind::refused("nobody", Token::None, 401, "token_missing"),
        Kind::refused("unknown", Token::Kept(String::from("zhida_x")), 401, "token_unknown"),
        Kind::refused("revoked", Token::Kept(revoked), 401, "token_unknown"),
        Kind::refused("expired", Token::Kept(expired), 401, "token_expired"),
        Kind::refused("outdated", Token::Kept(outdated), 401, "token_expired"),
        Kind::refused("overdrawn", Token::Spent(Cell::new(0)), 429, "quota_exceeded"),
        Kind::with("intake", of("intake"), &["intake"]),
        Kind::with("act", of("act"), &["act"]),
        Kind::with("read", of("read"), &["read"]),
        Kind::with("directive", of("directive"), &["directive"]),
        Kind {
            places: Places::Here,
            ..Kind::with("here", of_all("here", "411502001000"), ALL_BUT_ADMIN)
        },
        Kind {
            places: Places::Elsewhere,
            ..Kind::with("elsewhere", of_all("elsewhere", "411502002000"), ALL_BUT_ADMIN)
        },
        // Its token of before, while it lives on.
        Kind::with("rotated", rotated, &["admin"]),
        Kind::with("admin", of("admin"), &["admin"]),
    ]
}
