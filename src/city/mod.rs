//! Why this room exists: the demo, the load tests, the benches and the simulator all need a city
//! of real shape and a run of work in it. Both are made here from a seed: same seed, same bytes.
//!
//! ```text
//!  seed, scale ──▶ City::build ──▶ units: city ─ counties ─ townships ─ villages ─ grids
//!                       │
//!  Profile, cases ──▶ City::run ──▶ Step, Step, Step, …   never back in time
//!                       │  arrivals (hour by hour) ┐
//!                       ├─ follow-ups (a heap)  ───┴─▶ one NDJSON line each, and a Tally
//!                       └─ who holds what now, on which grids ◀── Run::reshape: a grid changes
//! ```
//!
//! It knows no server: it writes lines and counts what they should come to. It does not ask the
//! rules either, but follows them: home level on the line of the place, up to the township. Every
//! person, phone and text in it is made up. It sees the domain and the rules.

mod apportion;
mod arrivals;
mod bodies;
mod build;
mod choice;
mod draw;
mod ground;
mod holders;
mod life;
mod names;
mod profile;
#[cfg(test)]
mod proof;
mod reshape;
mod run;
mod step;
mod text;

pub use build::City;
pub use profile::Profile;
pub use reshape::Reshaping;
pub use run::{Reports, Run, Tally};
pub use step::{CaseMove, CaseName, Deed, Report, Step};

/// The catalogue of 信阳市: the matters that the run's cases are of.
pub const CATALOGUE_TOML: &str = include_str!("../../config/xinyang/catalogue.toml");
