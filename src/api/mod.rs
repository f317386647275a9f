//! Why this room exists: how Zhida is spoken to. HTTP and JSON come in, what the casework means by
//! them goes to the engine, and what became of it is told, with every way of going wrong in one
//! form.
//!
//! ```text
//!  connection ─▶ service ─┬─ hot path ─▶ write ─▶ body ─▶ sealed submission ─▶ engine's handle
//!   (serve)       (door)  │                                                        │
//!                         └─ router ──┬▶ actions, admin ─▶ write ──────────────────┤
//!                                     ├▶ commands: streams, batch by batch ────────┤
//!                                     └▶ read: the view, and the journal up to it ◀┘
//! ```
//!
//! It does not know the rules (they are the domain's), how anything becomes durable, or how the
//! server is put together. Handlers never wait for room in a lane: full is an answer. Nothing
//! personal is logged, and nothing personal reaches the engine unsealed.

mod actions;
mod admin;
mod app;
pub mod body;
mod caller;
pub mod codes;
mod commands;
mod config;
mod docs;
mod document;
pub mod language;
mod lifecycle;
mod me;
mod moment;
mod named;
mod options;
mod problem;
mod prompt;
mod quota;
mod read;
mod refusal;
mod reply;
mod reveal;
mod router;
mod schema;
mod serve;
mod service;
mod starting;
mod system;
mod tls;
mod write;

pub use app::Api;
pub use caller::{new_token, token_hash};
pub use document::openapi;
pub use lifecycle::{DAYS_MIN, GOING, Going};
pub use options::{ApiOptions, BuildInfo, MetricsText, Readiness, ReadyCheck, TextBounds};
pub use problem::PROBLEM_JSON;
pub use read::events::EventNames;
pub use reply::{
    IDEMPOTENCY_KEY, SERVER_TIMING, ZHIDA_CLOCK, ZHIDA_MIN_SEQ, ZHIDA_REPEAT, ZHIDA_SEQ,
};
pub use serve::{serve, serve_connection, service};
pub use service::{ApiService, ReplyBody};
pub use starting::{StartProgress, serve_starting};
pub use tls::Tls;
