//! Every bound of the casework, with its unit, and the relations between them.

/// Longest code of a unit: 12 digits, `-`, a letter, 2 digits.
pub const CODE_BYTES_MAX: usize = 16;
/// Longest code of a matter, in bytes.
pub const MATTER_CODE_BYTES_MAX: usize = 16;
/// Longest name of a unit, a matter or a client, in bytes of UTF-8.
pub const NAME_BYTES_MAX: usize = 120;
/// Longest idempotency key, in bytes of printable ASCII.
pub const KEY_BYTES_MAX: usize = 64;
/// Longest number that a source system gives a case, in bytes of printable ASCII.
pub const SOURCE_NUMBER_BYTES_MAX: usize = 64;
/// Longest free text of a case, a note, an answer or a reason, in characters.
pub const TEXT_CHARS_MAX: usize = 4_000;
/// Longest sealed part, in bytes: the text at 4 bytes a character, JSON around it, the seal.
pub const SEALED_BYTES_MAX: usize = 4 * TEXT_CHARS_MAX + 1_024;
/// Rows of a staged import in one event.
pub const STAGED_ROWS_MAX: usize = 200;
/// Text of a configuration file in one event, in bytes.
pub const STAGED_TEXT_BYTES_MAX: usize = 32_768;
/// Units of one organisation.
pub const UNITS_MAX: usize = 3_000_000;
/// Units outside the organisation order of their epoch: more begin another one.
pub const UNITS_TAIL_MAX: usize = 4_096;
/// Units above a unit, up to the root.
pub const ANCESTORS_MAX: usize = 16;
/// How often one unit may change.
pub const UNIT_CHANGES_MAX: usize = 1_000;
/// Units that one is split into, or that are merged into one.
pub const UNITS_MERGED_MAX: usize = 50;
/// Units that are told to close at a later moment: all may close in one turn.
pub const UNITS_CLOSING_MAX: usize = 4_000;
/// Units that move with the one that they sit in.
pub const UNITS_MOVED_MAX: usize = 20_000;
/// Cases that one event tells of.
pub const EVENT_CASES_MAX: usize = 4_000;
/// Matters of one catalogue.
pub const MATTERS_MAX: usize = 10_000;
/// Findings of one text, or of one import, that are told.
pub const FINDINGS_MAX: usize = 1_000;
/// Text of one catalogue, in bytes: 4 MiB, for a full one with comments.
pub const CATALOGUE_TEXT_BYTES_MAX: usize = 4 << 20;
/// Imports begun and not yet committed, proposals among them.
pub const IMPORTS_OPEN_MAX: usize = 8;
/// Clients admitted, revoked ones included.
pub const CLIENTS_MAX: usize = 10_000;
/// Ranges of places that exist for a client, those that touch taken as one.
pub const CLIENT_RANGES_MAX: usize = 16;
/// Largest quota of a client, in commands and reads a minute: 100,000 a second.
pub const QUOTA_PER_MINUTE_MAX: u32 = 6_000_000;
/// How long a token may live on beside the one that follows it, in hours: a week.
pub const OVERLAP_HOURS_MAX: u32 = 168;
/// Longest purpose of a reveal, in bytes of UTF-8.
pub const PURPOSE_BYTES_MAX: usize = 120;
/// Longest number of the paper that a reveal refers to, in bytes of printable ASCII.
pub const TICKET_BYTES_MAX: usize = 64;
/// Longest limit of a clock, in calendar hours: ten years.
pub const LIMIT_HOURS_MAX: u32 = 87_600;
/// Accepted outcomes remembered at most: the newest ones.
pub const OUTCOMES_MAX: usize = 1_000_000;
/// How long an accepted outcome is remembered, in milliseconds: 24 hours.
pub const OUTCOME_AGE_MS_MAX: i64 = 24 * 3_600_000;
/// Events that one command may make: an import that closes a whole city's units moves the cases of
/// each by an event. An outcome counts them in 16 bits.
pub const COMMAND_EVENTS_MAX: usize = 60_000;
/// How far ahead of the clock a case may be said to have happened, in milliseconds: 5 minutes.
pub const OCCURRED_AHEAD_MS_MAX: i64 = 300_000;
/// Largest event in the journal, in bytes: a value's room without its envelope and offset.
pub const EVENT_BYTES_MAX: usize = 65_000;

const _: () = assert!(
    2 * SEALED_BYTES_MAX + 1_024 < EVENT_BYTES_MAX,
    "a report with two sealed parts is one event"
);
const _: () = assert!(COMMAND_EVENTS_MAX <= u16::MAX as usize, "an outcome counts them");
const _: () =
    assert!(STAGED_TEXT_BYTES_MAX + 1_024 < EVENT_BYTES_MAX, "a part of a text is one event");
const _: () = assert!(
    STAGED_ROWS_MAX * (NAME_BYTES_MAX + 160) < EVENT_BYTES_MAX,
    "a chunk of rows is one event"
);
const _: () =
    assert!(EVENT_CASES_MAX * 12 + 1_024 < EVENT_BYTES_MAX, "what changes holders is one event");
