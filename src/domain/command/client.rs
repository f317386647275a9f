//! Client systems and what they may do.

use std::sync::Arc;

use crate::domain::client::TokenHash;
use crate::domain::code::UnitCode;
use crate::domain::grant::Scopes;
use crate::domain::ids::Timestamp;

/// See [`Command::AdmitClient`](super::Command::AdmitClient).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AdmitClient {
    /// Unique, 1 to 120 bytes.
    pub name: Arc<str>,
    /// BLAKE3 of its token.
    pub token_hash: TokenHash,
    /// What it may do.
    pub grant: GrantRequest,
}

/// What a client is to be allowed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GrantRequest {
    /// At least one.
    pub scopes: Scopes,
    /// The units whose subtrees exist for it, at most 16; everywhere, where none is named.
    pub within: Vec<UnitCode>,
    /// Commands and reads a minute, 1 to 6,000,000; none: as many as it likes.
    pub quota_per_minute: Option<u32>,
    /// From when its tokens are worth nothing: later than now; none: never.
    pub expires_at: Option<Timestamp>,
}

impl GrantRequest {
    /// These scopes everywhere, without quota or end.
    #[must_use]
    pub const fn of(scopes: Scopes) -> Self {
        Self { scopes, within: Vec::new(), quota_per_minute: None, expires_at: None }
    }

    pub(super) fn bytes(&self) -> usize {
        self.within.len() * size_of::<UnitCode>()
    }
}

/// See [`Command::ChangeClient`](super::Command::ChangeClient).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangeClient {
    /// Its name.
    pub name: Arc<str>,
    /// What it may do, all of it anew.
    pub grant: GrantRequest,
}

/// See [`Command::RotateClient`](super::Command::RotateClient).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RotateClient {
    /// Its name.
    pub name: Arc<str>,
    /// BLAKE3 of its next token.
    pub token_hash: TokenHash,
    /// How long its newest token lives on beside the next one: 0 to 168.
    pub overlap_hours: u32,
}

/// See [`Command::RevokeClient`](super::Command::RevokeClient).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RevokeClient {
    /// Its name.
    pub name: Arc<str>,
}
