//! The api from outside: real requests to a real engine, on a port that the system chose.

#![expect(clippy::unwrap_used, reason = "a test says what must be")]

mod admin;
mod authority;
mod bad_input;
mod cases;
mod client;
mod conditions;
mod config;
mod docs;
mod document;
mod driven;
mod imports;
mod languages;
mod lifecycle;
mod links;
mod matrix;
mod newcomer;
mod organisation;
mod queries;
mod reads;
mod refusals;
#[path = "../schema/mod.rs"]
mod schema;
mod strained;
mod streams;
mod tls;
mod tokens;
mod world;
