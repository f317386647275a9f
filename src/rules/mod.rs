//! Why this room exists: people keep the organisation and the catalogue as text, the casework
//! wants typed rows. Text goes in and rows come out, or every fault of the text at once, each with
//! its file and line; rows go in and the same text comes out.
//!
//! ```text
//!  units.ndjson ────┐  lines, spans    ┌─▶ UnitText   ──▶ UnitRow
//!                   ├─▶ Entry ─────────┤        │ check
//!  catalogue.toml ──┘  (its fields)    └─▶ MatterText ──▶ MatterRow
//!                          │                    │
//!                          └── Finding ◀── Flaw ┘   file:line: message; hint: …
//! ```
//!
//! Units come as CSV too, read by rows (`units_csv.rs`).
//!
//! It does not know what is in force: whether a unit's parent exists, or holds cases, is decided
//! where the state is. It sees the domain only, opens no file and has no clock.

mod catalogue_file;
mod encoding;
mod entry;
mod finding;
mod matter;
mod moment;
mod text;
mod unit;
mod units_csv;
mod units_file;
mod words;

pub use catalogue_file::{parse_catalogue, write_catalogue};
pub use encoding::{decode, joined};
pub use finding::{Finding, Flaw};
pub use matter::{LimitText, MatterText};
pub use moment::{BadMoment, parse_moment, write_http_date, write_moment};
pub use text::{fault_of_name, fault_of_text, is_blank};
pub use unit::UnitText;
pub use units_csv::{parse_units_csv, units_csv_header, write_units_csv};
pub use units_file::{ReadUnits, parse_units, write_units};
pub use words::Words;
