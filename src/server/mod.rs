//! How it is put together: configuration, telemetry, start and stop order, the commands. The one
//! room that sees all the others.

pub mod client;
pub mod commands;
pub mod config;
mod config_check;
pub mod exit;
mod io;
mod kept;
mod language;
mod options;
mod start;
mod target;
mod telemetry;
mod tls;
mod values;
