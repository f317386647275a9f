//! What the engine counts. All its names are here; the table in the README is checked against
//! them.

use super::answer::Timing;
use super::stage::Tally;
use crate::journal::Turn;

/// Every metric of the engine with its unit and meaning, in the order of the README's table.
pub const ALL: &[(&str, &str)] = &[
    (COMMANDS, "commands decided, by outcome: accepted, known, rejected"),
    (EVENTS, "events made durable"),
    (COMMITS, "turns made durable, one sync each"),
    (JOURNAL_BYTES, "bytes of the values made durable"),
    (DECIDE_SECONDS, "time to decide a turn"),
    (COMMIT_SECONDS, "time to make a turn durable"),
    (PUBLISH_SECONDS, "time to publish a turn"),
];

const COMMANDS: &str = "zhida_commands_total";
const EVENTS: &str = "zhida_events_total";
const COMMITS: &str = "zhida_commits_total";
const JOURNAL_BYTES: &str = "zhida_journal_bytes_total";
const DECIDE_SECONDS: &str = "zhida_decide_seconds";
const COMMIT_SECONDS: &str = "zhida_commit_seconds";
const PUBLISH_SECONDS: &str = "zhida_publish_seconds";

pub(super) fn turn_done(turn: &Turn, tally: Tally, timing: Timing) {
    for (outcome, count) in
        [("accepted", tally.accepted), ("known", tally.known), ("rejected", tally.rejected)]
    {
        if count > 0 {
            metrics::counter!(COMMANDS, "outcome" => outcome).increment(count);
        }
    }
    metrics::histogram!(DECIDE_SECONDS).record(seconds(timing.decide_us));
    metrics::histogram!(PUBLISH_SECONDS).record(seconds(timing.publish_us));
    if turn.is_empty() {
        return;
    }
    metrics::histogram!(COMMIT_SECONDS).record(seconds(timing.commit_us));
    metrics::counter!(COMMITS).increment(1);
    metrics::counter!(EVENTS).increment(turn.events());
    metrics::counter!(JOURNAL_BYTES).increment(turn.bytes() as u64);
}

fn seconds(us: u32) -> f64 {
    f64::from(us) / 1e6
}
