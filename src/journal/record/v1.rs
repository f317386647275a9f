//! The archived twins of the domain's events, format 0 (frozen as 1 later).
//!
//! A twin borrows what it writes, so that writing copies nothing twice, and is read in place from
//! its archived form. Fields are numbers, byte strings and texts only; what is one of a few is kept
//! by its code. Texts and bytes lie before the root, which points at them (4 B and a length of 4 B).
//! Nothing is aligned and nothing is padded.
//!
//! The layout is the order of the fields here. Changing any of it is another format.

mod read;
mod write;

use rkyv::with::{InlineAsBox, Map};
use rkyv::{Archive, Serialize};

pub(super) use read::read;
pub(super) use write::write;

/// What is archived under every tag.
#[derive(Archive, Serialize)]
struct Entry<'a, B> {
    head: Head<'a>,
    body: B,
}

/// Everything around the fact: 37 B.
#[derive(Archive, Serialize)]
struct Head<'a> {
    at: i64,
    principal: u32,
    /// 0: none.
    unit: u32,
    /// 0: none.
    seat: u32,
    /// 0: none.
    acting_for: u32,
    /// 0: none.
    previous: u64,
    #[rkyv(with = Map<InlineAsBox>)]
    outcome: Option<&'a Outcome<'a>>,
}

#[derive(Archive, Serialize)]
struct Outcome<'a> {
    #[rkyv(with = InlineAsBox)]
    key: &'a str,
    body_hash: u128,
    events: u16,
}

#[derive(Archive, Serialize)]
struct SealedPart<'a> {
    slot: u64,
    #[rkyv(with = InlineAsBox)]
    ciphertext: &'a [u8],
}

/// Moments all.
#[derive(Archive, Serialize)]
struct Deadlines {
    node_started: i64,
    node_warning: i64,
    node_due: i64,
    total_warning: i64,
    total_due: i64,
}

#[derive(Archive, Serialize)]
struct JournalOpened {
    clock_mode: u8,
    journal_id: u128,
}

#[derive(Archive, Serialize)]
struct ClockAdvanced {
    to: i64,
}

#[derive(Archive, Serialize)]
struct ClientAdmitted<'a> {
    principal: u32,
    #[rkyv(with = InlineAsBox)]
    name: &'a str,
    token_hash: [u8; 32],
    grant: Grant<'a>,
}

#[derive(Archive, Serialize)]
struct Grant<'a> {
    /// As `Scopes::bits` has them.
    scopes: u8,
    #[rkyv(with = InlineAsBox)]
    places: &'a [CodeRange],
    /// 0: none.
    quota_per_minute: u32,
    expires_at: Option<i64>,
}

#[derive(Archive, Serialize)]
struct CodeRange {
    first: u64,
    last: u64,
}

#[derive(Archive, Serialize)]
struct ClientChanged<'a> {
    principal: u32,
    grant: Grant<'a>,
}

#[derive(Archive, Serialize)]
struct ClientRotated {
    principal: u32,
    token_hash: [u8; 32],
    old_ends_at: i64,
}

#[derive(Archive, Serialize)]
struct ClientRevoked {
    principal: u32,
}

#[derive(Archive, Serialize)]
struct ImportBegun<'a> {
    import: u32,
    #[rkyv(with = InlineAsBox)]
    origin: &'a str,
    /// Where it brings a catalogue.
    catalogue: Option<CatalogueSize>,
}

#[derive(Archive, Serialize)]
struct CatalogueSize {
    matters: u32,
    text_bytes: u32,
}

#[derive(Archive, Serialize)]
struct UnitsStaged<'a> {
    import: u32,
    #[rkyv(with = InlineAsBox)]
    rows: &'a [UnitRow<'a>],
}

#[derive(Archive, Serialize)]
struct UnitRow<'a> {
    /// As `UnitCode::packed` has it.
    code: u64,
    kind: u8,
    #[rkyv(with = InlineAsBox)]
    name: &'a str,
    /// As `UnitCode::packed` has it; 0: none.
    reports_to: u64,
    modules: u16,
    valid_from: Option<i64>,
    valid_until: Option<i64>,
    /// 0: none.
    successor: u64,
}

#[derive(Archive, Serialize)]
struct UnitOpened<'a> {
    row: UnitRow<'a>,
}

#[derive(Archive, Serialize)]
struct UnitChanged<'a> {
    unit: u32,
    row: UnitRow<'a>,
}

#[derive(Archive, Serialize)]
struct UnitClosed {
    unit: u32,
    /// 0: none.
    successor: u32,
    until: i64,
}

#[derive(Archive, Serialize)]
struct UnitClosing {
    unit: u32,
    /// 0: none.
    successor: u32,
    until: i64,
}

#[derive(Archive, Serialize)]
struct UnitKept {
    unit: u32,
}

#[derive(Archive, Serialize)]
struct UnitMoved {
    unit: u32,
    to: u64,
}

#[derive(Archive, Serialize)]
struct UnitsRenumbered {
    epoch: u32,
}

#[derive(Archive, Serialize)]
struct MattersStaged<'a> {
    import: u32,
    #[rkyv(with = InlineAsBox)]
    rows: &'a [MatterRow<'a>],
}

#[derive(Archive, Serialize)]
struct MatterRow<'a> {
    #[rkyv(with = InlineAsBox)]
    code: &'a str,
    #[rkyv(with = InlineAsBox)]
    name: &'a str,
    #[rkyv(with = InlineAsBox)]
    class: &'a str,
    module: u8,
    home: u8,
    severity: u8,
    node_limit: Limit,
    total_limit: Limit,
    on_the_spot: bool,
    public: bool,
    confidential: bool,
    from_occurrence: bool,
}

#[derive(Archive, Serialize)]
struct Limit {
    /// 1: calendar hours.
    unit: u8,
    amount: u32,
}

#[derive(Archive, Serialize)]
struct TextStaged<'a> {
    import: u32,
    #[rkyv(with = InlineAsBox)]
    text: &'a str,
}

#[derive(Archive, Serialize)]
struct ImportCommitted {
    import: u32,
    catalogue: Option<CatalogueReplaced>,
}

#[derive(Archive, Serialize)]
struct CatalogueReplaced {
    /// 0: none.
    previous: u64,
    added: u32,
    changed: u32,
    retired: u32,
}

#[derive(Archive, Serialize)]
struct ImportAbandoned {
    import: u32,
}

#[derive(Archive, Serialize)]
struct CaseReported<'a> {
    case: u32,
    matter: u16,
    severity: u8,
    place: u32,
    holder: u32,
    is_fallback: bool,
    source: u8,
    #[rkyv(with = Map<InlineAsBox>)]
    source_number: Option<&'a str>,
    occurred_at: Option<i64>,
    deadlines: Deadlines,
    claimant: Option<SealedPart<'a>>,
    text: SealedPart<'a>,
}

/// The body of `CaseAcknowledged`.
#[derive(Archive, Serialize)]
struct OfCase {
    case: u32,
}

/// The body of `CaseSettled`, `CaseHandled`, `CaseClosed`, `CaseDeclined`, `CaseVoided` and
/// `CaseNoted`: the case, and what was said.
#[derive(Archive, Serialize)]
struct OfCaseSaying<'a> {
    case: u32,
    part: SealedPart<'a>,
}

/// The body of `CaseEscalated`, `CaseHandedDown`, `CaseTransferred`, `CaseReturned` and
/// `CaseReopened`.
#[derive(Archive, Serialize)]
struct CaseSent<'a> {
    case: u32,
    holder: u32,
    deadlines: Deadlines,
    reason: SealedPart<'a>,
}

/// The body of `CaseWarned` and `CaseOverdue`.
#[derive(Archive, Serialize)]
struct CaseFellDue {
    case: u32,
    clock: u8,
    due_at: i64,
}

#[derive(Archive, Serialize)]
struct CasesInherited<'a> {
    from: u32,
    holder: u32,
    #[rkyv(with = InlineAsBox)]
    cases: &'a [InheritedCase],
}

/// 12 B.
#[derive(Archive, Serialize)]
struct InheritedCase {
    case: u32,
    previous: u64,
}

#[derive(Archive, Serialize)]
struct CaseRevealed<'a> {
    case: u32,
    /// As `ClaimantFields::bits` has them.
    fields: u8,
    #[rkyv(with = InlineAsBox)]
    purpose: &'a str,
    #[rkyv(with = Map<InlineAsBox>)]
    ticket: Option<&'a str>,
}
