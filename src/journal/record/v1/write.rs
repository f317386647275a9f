//! From the domain to its twins.

use rkyv::Serialize;
use rkyv::api::high::{HighSerializer, to_bytes_in};
use rkyv::rancor::Panic;
use rkyv::ser::allocator::ArenaHandle;

use super::{
    CaseFellDue, CaseReported, CaseRevealed, CaseSent, CasesInherited, CatalogueReplaced,
    CatalogueSize, ClientAdmitted, ClientChanged, ClientRevoked, ClientRotated, ClockAdvanced,
    CodeRange, Deadlines, Entry, Grant, Head, ImportAbandoned, ImportBegun, ImportCommitted,
    InheritedCase, JournalOpened, Limit, MatterRow, MattersStaged, OfCase, OfCaseSaying, Outcome,
    SealedPart, TextStaged, UnitChanged, UnitClosed, UnitClosing, UnitKept, UnitMoved, UnitOpened,
    UnitRow, UnitsRenumbered, UnitsStaged,
};
use crate::domain;
use crate::domain::event::Event;
use crate::domain::ids::CaseId;
use crate::domain::import::{self, ImportKind};
use crate::domain::record::Record;
use crate::journal::record::codes::Coded;

/// How an archive is written: onto the end of a buffer, with a thread's own scratch room.
type Writer<'a> = HighSerializer<Vec<u8>, ArenaHandle<'a>, Panic>;

/// Appends the archive of the record to `out`.
pub(in super::super) fn write(record: &Record, out: &mut Vec<u8>) {
    let outcome = record.outcome.as_ref().map(outcome);
    let head = head(record, outcome.as_ref());
    match &record.event {
        Event::JournalOpened(event) => put(head, opened(event), out),
        Event::ClockAdvanced(event) => put(head, ClockAdvanced { to: event.to.0 }, out),
        Event::ClientAdmitted(event) => {
            let places = places(&event.grant);
            let grant = grant(&event.grant, &places);
            let (name, token_hash) = (&*event.name, event.token_hash);
            let body = ClientAdmitted { principal: event.principal.0, name, token_hash, grant };
            put(head, body, out);
        }
        Event::ClientChanged(event) => {
            let places = places(&event.grant);
            let grant = grant(&event.grant, &places);
            put(head, ClientChanged { principal: event.principal.0, grant }, out);
        }
        Event::ClientRotated(event) => put(head, rotated(event), out),
        Event::ClientRevoked(event) => {
            put(head, ClientRevoked { principal: event.principal.0 }, out);
        }
        Event::ImportBegun(event) => {
            let catalogue = match event.kind {
                ImportKind::Units => None,
                ImportKind::Catalogue(import::CatalogueSize { matters, text_bytes }) => {
                    Some(CatalogueSize { matters, text_bytes })
                }
            };
            let body = ImportBegun { import: event.import.0, origin: &event.origin, catalogue };
            put(head, body, out);
        }
        Event::UnitsStaged(event) => {
            let rows: Vec<_> = event.rows.iter().map(unit).collect();
            put(head, UnitsStaged { import: event.import.0, rows: &rows }, out);
        }
        Event::MattersStaged(event) => {
            let rows: Vec<_> = event.rows.iter().map(matter).collect();
            put(head, MattersStaged { import: event.import.0, rows: &rows }, out);
        }
        Event::TextStaged(event) => {
            put(head, TextStaged { import: event.import.0, text: &event.text }, out);
        }
        Event::ImportCommitted(event) => put(head, committed(event), out),
        Event::ImportAbandoned(event) => {
            put(head, ImportAbandoned { import: event.import.0 }, out);
        }
        Event::CaseReported(event) => put(head, reported(event), out),
        Event::CaseSettled(event) => put(head, saying(event.case, &event.answer), out),
        Event::CaseAcknowledged(event) => put(head, OfCase { case: event.case.0 }, out),
        Event::CaseEscalated(event)
        | Event::CaseHandedDown(event)
        | Event::CaseTransferred(event)
        | Event::CaseReturned(event)
        | Event::CaseReopened(event) => put(head, sent(event), out),
        Event::CaseDeclined(event) | Event::CaseVoided(event) => {
            put(head, saying(event.case, &event.reason), out);
        }
        Event::CaseNoted(event) => put(head, saying(event.case, &event.note), out),
        Event::CasesInherited(event) => {
            let cases: Vec<_> = event.cases.iter().map(inherited).collect();
            let (from, holder) = (event.from.0, event.holder.0);
            put(head, CasesInherited { from, holder, cases: &cases }, out);
        }
        Event::UnitOpened(event) => put(head, UnitOpened { row: unit(&event.row) }, out),
        Event::UnitChanged(event) => {
            put(head, UnitChanged { unit: event.unit.0, row: unit(&event.row) }, out);
        }
        Event::UnitClosed(event) => {
            let successor = event.successor.map_or(0, |successor| successor.0);
            put(head, UnitClosed { unit: event.unit.0, successor, until: event.until.0 }, out);
        }
        Event::UnitClosing(event) => {
            let successor = event.successor.map_or(0, |successor| successor.0);
            put(head, UnitClosing { unit: event.unit.0, successor, until: event.until.0 }, out);
        }
        Event::UnitKept(event) => put(head, UnitKept { unit: event.unit.0 }, out),
        Event::UnitMoved(event) => {
            put(head, UnitMoved { unit: event.unit.0, to: event.to.packed() }, out);
        }
        Event::UnitsRenumbered(event) => put(head, UnitsRenumbered { epoch: event.epoch }, out),
        Event::CaseHandled(event) => put(head, saying(event.case, &event.measures), out),
        Event::CaseClosed(event) => put(head, saying(event.case, &event.answer), out),
        Event::CaseWarned(event) | Event::CaseOverdue(event) => put(head, fell_due(event), out),
        Event::CaseRevealed(event) => put(head, revealed(event), out),
    }
}

fn put<'a, B>(head: Head<'a>, body: B, out: &mut Vec<u8>)
where
    Entry<'a, B>: for<'w> Serialize<Writer<'w>>,
{
    let written = to_bytes_in::<_, Panic>(&Entry { head, body }, std::mem::take(out));
    let Ok(bytes) = written;
    *out = bytes;
}

fn head<'a>(record: &Record, outcome: Option<&'a Outcome<'a>>) -> Head<'a> {
    let actor = record.actor;
    debug_assert!(actor.acting_for != Some(domain::ids::PrincipalId::SYSTEM), "0 means nobody");
    Head {
        at: record.at.0,
        principal: actor.principal.0,
        unit: actor.unit.map_or(0, |unit| unit.0),
        seat: actor.seat.map_or(0, |seat| seat.0),
        acting_for: actor.acting_for.map_or(0, |principal| principal.0),
        previous: record.previous.map_or(0, |seq| seq.0),
        outcome,
    }
}

fn outcome(outcome: &domain::record::Outcome) -> Outcome<'_> {
    Outcome { key: &outcome.mark.key, body_hash: outcome.mark.body_hash, events: outcome.events }
}

fn opened(event: &domain::event::JournalOpened) -> JournalOpened {
    JournalOpened { clock_mode: event.clock_mode.code(), journal_id: event.journal_id }
}

fn places(grant: &domain::grant::Grant) -> Vec<CodeRange> {
    let ranges = grant.places.ranges().iter();
    ranges.map(|range| CodeRange { first: range.first, last: range.last }).collect()
}

fn grant<'a>(grant: &domain::grant::Grant, places: &'a [CodeRange]) -> Grant<'a> {
    Grant {
        scopes: grant.scopes.bits(),
        places,
        quota_per_minute: grant.quota_per_minute.unwrap_or(0),
        expires_at: grant.expires_at.map(|at| at.0),
    }
}

fn rotated(event: &domain::event::ClientRotated) -> ClientRotated {
    ClientRotated {
        principal: event.principal.0,
        token_hash: event.token_hash,
        old_ends_at: event.old_ends_at.0,
    }
}

fn committed(event: &domain::event::ImportCommitted) -> ImportCommitted {
    ImportCommitted {
        import: event.import.0,
        catalogue: event.catalogue.map(|replaced| CatalogueReplaced {
            previous: replaced.previous.map_or(0, |previous| previous.0),
            added: replaced.added,
            changed: replaced.changed,
            retired: replaced.retired,
        }),
    }
}

fn unit(row: &domain::organisation::UnitRow) -> UnitRow<'_> {
    UnitRow {
        code: row.code.packed(),
        kind: row.kind.code(),
        name: &row.name,
        reports_to: code(row.reports_to),
        modules: row.modules.0,
        valid_from: row.valid_from.map(|at| at.0),
        valid_until: row.valid_until.map(|at| at.0),
        successor: code(row.successor),
    }
}

fn code(code: Option<domain::code::UnitCode>) -> u64 {
    code.map_or(0, domain::code::UnitCode::packed)
}

fn matter(row: &domain::catalogue::MatterRow) -> MatterRow<'_> {
    MatterRow {
        code: &row.code,
        name: &row.name,
        class: &row.class,
        module: row.module.code(),
        home: row.home.code(),
        severity: row.severity.code(),
        node_limit: limit(row.node_limit),
        total_limit: limit(row.total_limit),
        on_the_spot: row.on_the_spot,
        public: row.public,
        confidential: row.confidential,
        from_occurrence: row.from_occurrence,
    }
}

const fn limit(limit: domain::calendar::Limit) -> Limit {
    match limit {
        domain::calendar::Limit::CalendarHours(hours) => Limit { unit: 1, amount: hours },
    }
}

fn reported(event: &domain::event::CaseReported) -> CaseReported<'_> {
    CaseReported {
        case: event.case.0,
        matter: event.matter.0,
        severity: event.severity.code(),
        place: event.place.0,
        holder: event.holder.0,
        is_fallback: event.is_fallback,
        source: event.source.code(),
        source_number: event.source_number.as_deref(),
        occurred_at: event.occurred_at.map(|at| at.0),
        deadlines: deadlines(&event.deadlines),
        claimant: event.claimant.as_ref().map(part),
        text: part(&event.text),
    }
}

fn inherited((case, previous): &(CaseId, domain::ids::Seq)) -> InheritedCase {
    InheritedCase { case: case.0, previous: previous.0 }
}

fn sent(event: &domain::event::CaseSent) -> CaseSent<'_> {
    CaseSent {
        case: event.case.0,
        holder: event.holder.0,
        deadlines: deadlines(&event.deadlines),
        reason: part(&event.reason),
    }
}

fn saying(case: CaseId, said: &domain::event::SealedPart) -> OfCaseSaying<'_> {
    OfCaseSaying { case: case.0, part: part(said) }
}

fn fell_due(event: &domain::event::CaseFellDue) -> CaseFellDue {
    CaseFellDue { case: event.case.0, clock: event.clock.code(), due_at: event.due_at.0 }
}

fn revealed(event: &domain::event::CaseRevealed) -> CaseRevealed<'_> {
    CaseRevealed {
        case: event.case.0,
        fields: event.fields.bits(),
        purpose: &event.purpose,
        ticket: event.ticket.as_deref(),
    }
}

fn part(part: &domain::event::SealedPart) -> SealedPart<'_> {
    SealedPart { slot: part.slot.0, ciphertext: &part.ciphertext }
}

const fn deadlines(deadlines: &domain::clock::Deadlines) -> Deadlines {
    Deadlines {
        node_started: deadlines.node_started_at.0,
        node_warning: deadlines.node_warning_at.0,
        node_due: deadlines.node_due_at.0,
        total_warning: deadlines.total_warning_at.0,
        total_due: deadlines.total_due_at.0,
    }
}
