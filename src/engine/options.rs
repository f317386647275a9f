//! The engine's bounds, each with its unit and its default.

use std::time::Duration;

/// How the engine runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EngineOptions {
    /// Commands waiting in the interactive lane; one more gets 503.
    pub interactive_commands_max: usize,
    /// Their bytes; one more gets 503.
    pub interactive_bytes_max: usize,
    /// Commands waiting in the bulk lane; then the socket is not read further.
    pub bulk_commands_max: usize,
    /// Their bytes; then the socket is not read further.
    pub bulk_bytes_max: usize,
    /// Bulk commands that one turn takes while nobody waits in the interactive lane.
    pub turn_bulk_commands_max: usize,
    /// Bulk commands that one turn takes while interactive commands keep coming; a batch is not cut.
    pub turn_bulk_commands_shared: usize,
    /// Bytes of commands at which a turn stops gathering; the last of them is not cut.
    pub turn_bytes_max: usize,
    /// Timers that fire in one turn: of cases that no command of it touches, on a system clock; of
    /// all, on a driven one, which goes on in the next turn.
    pub timers_per_turn_max: usize,
    /// Reads of the journal under way, waiting for a thread included; one more gets 503.
    pub journal_reads_max: usize,
    /// How long the engine waits before it tries again to make a turn durable.
    pub append_retry_after: Duration,
    /// How often the journal is tended, whether there is work or not.
    pub tend_every: Duration,
    /// How far a system clock may lie behind the journal's newest event at a start.
    pub clock_behind_max: Duration,
}

impl Default for EngineOptions {
    fn default() -> Self {
        Self {
            interactive_commands_max: 65_536,
            interactive_bytes_max: 64 * 1_024 * 1_024,
            bulk_commands_max: 16_384,
            bulk_bytes_max: 16 * 1_024 * 1_024,
            turn_bulk_commands_max: 8_192,
            turn_bulk_commands_shared: 32,
            turn_bytes_max: 8 * 1_024 * 1_024,
            timers_per_turn_max: 1_024,
            journal_reads_max: 1_024,
            append_retry_after: Duration::from_millis(250),
            tend_every: Duration::from_secs(1),
            clock_behind_max: Duration::from_secs(5),
        }
    }
}
