//! Zhida (直达, "straight through"): the dispatch core of a city's grid governance.
//!
//! The rooms in reading order; each sees only those named:
//!
//! ```text
//!  domain    what the city's casework is; pure               sees nothing
//!  journal   what is kept: chain, segments, vault, snapshots sees domain
//!  engine    who runs it: one writer, many readers           sees domain, journal
//!  rules     configuration text ↔ domain rows                sees domain
//!  api       how it is spoken to: HTTP, JSON, OpenAPI        sees domain, rules, engine
//!  city      a city made from a seed, and its work           sees domain, rules
//!  server    how it is put together: the commands            sees all
//! ```
//!
//! The data's way: a request is parsed, authenticated and sealed (`api`), waits in a lane, is
//! decided and folded (`engine`, `domain`), made durable (`journal`), published, answered.
//!
//! The laws, each proven by tests: the state is the fold of events; `decide` is pure; nothing
//! leaves before its commit; an acknowledged command survives; a failed append has one outcome;
//! `seq` has no gaps and the journal is a hash chain; an accepted outcome is remembered;
//! everything is bounded. ARCHITECTURE.md says where each is kept.

// Test code that unit tests and those outside share names the crate as those outside do.
#[cfg(test)]
extern crate self as zhida;

pub mod api;
pub mod city;
pub mod domain;
pub mod engine;
pub mod journal;
pub mod rules;
pub mod server;
