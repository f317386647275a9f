//! From the archived twins to the domain. Takes any bytes and never panics.

#![expect(clippy::unnecessary_wraps, reason = "every body is read by a function of one shape")]

use rkyv::api::high::HighValidator;
use rkyv::bytecheck::CheckBytes;
use rkyv::option::ArchivedOption;
use rkyv::primitive::ArchivedI64;
use rkyv::rancor::Error;
use rkyv::{Archive, Archived, Portable};

use super::{
    CaseFellDue, CaseReported, CaseRevealed, CaseSent, CasesInherited, ClientAdmitted,
    ClientChanged, ClientRevoked, ClientRotated, ClockAdvanced, CodeRange, Deadlines, Entry, Grant,
    Head, ImportAbandoned, ImportBegun, ImportCommitted, JournalOpened, Limit, MatterRow,
    MattersStaged, OfCase, OfCaseSaying, Outcome, SealedPart, TextStaged, UnitChanged, UnitClosed,
    UnitClosing, UnitKept, UnitMoved, UnitOpened, UnitRow, UnitsRenumbered, UnitsStaged,
};
use crate::domain;
use crate::domain::case::ClaimantFields;
use crate::domain::code::UnitCode;
use crate::domain::event::Event;
use crate::domain::grant::{Places, Scopes};
use crate::domain::ids::{
    CaseId, ImportId, MatterNumber, PrincipalId, SeatNumber, Seq, SlotNumber, Timestamp, UnitNumber,
};
use crate::domain::import::ImportKind;
use crate::domain::record::{Actor, Mark, Record};
use crate::journal::record::codes::Coded;
use crate::journal::record::{BadRecord, Tag};

/// Reads what follows the tag.
pub(in super::super) fn read(seq: Seq, tag: Tag, bytes: &[u8]) -> Result<Record, BadRecord> {
    let archive = Bytes { seq, tag, archived: bytes };
    match tag {
        Tag::JournalOpened => archive.record::<JournalOpened>(opened),
        Tag::ClockAdvanced => archive.record::<ClockAdvanced>(advanced),
        Tag::ClientAdmitted => archive.record::<ClientAdmitted>(admitted),
        Tag::ClientRevoked => archive.record::<ClientRevoked>(revoked),
        Tag::ClientChanged => archive.record::<ClientChanged>(changed),
        Tag::ClientRotated => archive.record::<ClientRotated>(rotated),
        Tag::ImportBegun => archive.record::<ImportBegun>(begun),
        Tag::UnitsStaged => archive.record::<UnitsStaged>(units_staged),
        Tag::MattersStaged => archive.record::<MattersStaged>(matters_staged),
        Tag::TextStaged => archive.record::<TextStaged>(text_staged),
        Tag::ImportCommitted => archive.record::<ImportCommitted>(import_committed),
        Tag::ImportAbandoned => archive.record::<ImportAbandoned>(import_abandoned),
        Tag::CaseReported => archive.record::<CaseReported>(reported),
        Tag::CaseSettled => archive.record::<OfCaseSaying>(settled),
        Tag::CaseAcknowledged => archive.record::<OfCase>(acknowledged),
        Tag::CaseEscalated => archive.record::<CaseSent>(escalated),
        Tag::CaseHandled => archive.record::<OfCaseSaying>(handled),
        Tag::CaseClosed => archive.record::<OfCaseSaying>(closed),
        Tag::CaseWarned => archive.record::<CaseFellDue>(warned),
        Tag::CaseOverdue => archive.record::<CaseFellDue>(overdue),
        Tag::CaseHandedDown => archive.record::<CaseSent>(handed_down),
        Tag::CaseTransferred => archive.record::<CaseSent>(transferred),
        Tag::CaseReturned => archive.record::<CaseSent>(returned),
        Tag::CaseDeclined => archive.record::<OfCaseSaying>(declined),
        Tag::CaseVoided => archive.record::<OfCaseSaying>(voided),
        Tag::CaseReopened => archive.record::<CaseSent>(reopened),
        Tag::CaseNoted => archive.record::<OfCaseSaying>(noted),
        Tag::CasesInherited => archive.record::<CasesInherited>(inherited),
        Tag::UnitOpened => archive.record::<UnitOpened>(unit_opened),
        Tag::UnitChanged => archive.record::<UnitChanged>(unit_changed),
        Tag::UnitClosed => archive.record::<UnitClosed>(unit_closed),
        Tag::UnitClosing => archive.record::<UnitClosing>(unit_closing),
        Tag::UnitKept => archive.record::<UnitKept>(unit_kept),
        Tag::UnitMoved => archive.record::<UnitMoved>(unit_moved),
        Tag::UnitsRenumbered => archive.record::<UnitsRenumbered>(renumbered),
        Tag::CaseRevealed => archive.record::<CaseRevealed>(revealed),
    }
}

/// The bytes behind a tag.
#[derive(Clone, Copy)]
struct Bytes<'b> {
    seq: Seq,
    tag: Tag,
    archived: &'b [u8],
}

/// A number that stands for nothing.
struct Unknown {
    of: &'static str,
    number: u64,
}

type Found = Result<Event, Unknown>;

impl Bytes<'_> {
    /// Checks that the bytes are an archived entry with that body, and reads both.
    fn record<B>(self, event: impl FnOnce(&Archived<B>) -> Found) -> Result<Record, BadRecord>
    where
        B: Archive + 'static,
        Archived<Entry<'static, B>>: Portable + for<'a> CheckBytes<HighValidator<'a, Error>>,
    {
        let Self { seq, tag, archived } = self;
        let entry = rkyv::access::<Archived<Entry<'static, B>>, Error>(archived)
            .map_err(|error| BadRecord::Malformed { seq, tag, what: error.to_string() })?;
        let event = event(&entry.body)
            .map_err(|Unknown { of, number }| BadRecord::UnknownCode { seq, of, number })?;
        Ok(around(seq, &entry.head, event))
    }
}

/// Puts the event where it belongs.
fn around(seq: Seq, head: &Archived<Head<'static>>, event: Event) -> Record {
    let some = |number: u32| (number != 0).then_some(number);
    let previous = head.previous.to_native();
    Record {
        seq,
        at: Timestamp(head.at.to_native()),
        actor: Actor {
            principal: PrincipalId(head.principal.to_native()),
            unit: some(head.unit.to_native()).map(UnitNumber),
            seat: some(head.seat.to_native()).map(SeatNumber),
            acting_for: some(head.acting_for.to_native()).map(PrincipalId),
        },
        previous: (previous != 0).then_some(Seq(previous)),
        outcome: head.outcome.as_ref().map(|boxed| outcome(boxed)),
        event,
    }
}

fn outcome(outcome: &Archived<Outcome<'static>>) -> domain::record::Outcome {
    domain::record::Outcome {
        mark: Mark { key: (*outcome.key).into(), body_hash: outcome.body_hash.to_native() },
        events: outcome.events.to_native(),
    }
}

fn coded<T: Coded>(code: u8) -> Result<T, Unknown> {
    T::from_code(code).ok_or(Unknown { of: T::WHAT, number: u64::from(code) })
}

fn moment(at: &ArchivedOption<ArchivedI64>) -> Option<Timestamp> {
    at.as_ref().map(|at| Timestamp(at.to_native()))
}

fn part(part: &Archived<SealedPart<'static>>) -> domain::event::SealedPart {
    domain::event::SealedPart {
        slot: SlotNumber(part.slot.to_native()),
        ciphertext: (*part.ciphertext).into(),
    }
}

fn deadlines(deadlines: &Archived<Deadlines>) -> domain::clock::Deadlines {
    domain::clock::Deadlines {
        node_started_at: Timestamp(deadlines.node_started.to_native()),
        node_warning_at: Timestamp(deadlines.node_warning.to_native()),
        node_due_at: Timestamp(deadlines.node_due.to_native()),
        total_warning_at: Timestamp(deadlines.total_warning.to_native()),
        total_due_at: Timestamp(deadlines.total_due.to_native()),
    }
}

fn opened(body: &Archived<JournalOpened>) -> Found {
    Ok(Event::JournalOpened(domain::event::JournalOpened {
        clock_mode: coded(body.clock_mode)?,
        journal_id: body.journal_id.to_native(),
    }))
}

fn advanced(body: &Archived<ClockAdvanced>) -> Found {
    let to = Timestamp(body.to.to_native());
    Ok(Event::ClockAdvanced(domain::event::ClockAdvanced { to }))
}

fn admitted(body: &Archived<ClientAdmitted<'static>>) -> Found {
    Ok(Event::ClientAdmitted(domain::event::ClientAdmitted {
        principal: PrincipalId(body.principal.to_native()),
        name: (*body.name).into(),
        token_hash: body.token_hash,
        grant: grant(&body.grant)?,
    }))
}

fn revoked(body: &Archived<ClientRevoked>) -> Found {
    let principal = PrincipalId(body.principal.to_native());
    Ok(Event::ClientRevoked(domain::event::ClientRevoked { principal }))
}

fn changed(body: &Archived<ClientChanged<'static>>) -> Found {
    Ok(Event::ClientChanged(domain::event::ClientChanged {
        principal: PrincipalId(body.principal.to_native()),
        grant: grant(&body.grant)?,
    }))
}

fn rotated(body: &Archived<ClientRotated>) -> Found {
    Ok(Event::ClientRotated(domain::event::ClientRotated {
        principal: PrincipalId(body.principal.to_native()),
        token_hash: body.token_hash,
        old_ends_at: Timestamp(body.old_ends_at.to_native()),
    }))
}

fn grant(grant: &Archived<Grant<'static>>) -> Result<domain::grant::Grant, Unknown> {
    let unknown = |of, number| Unknown { of, number };
    let ranges = grant.places.iter().map(|range: &Archived<CodeRange>| domain::code::CodeRange {
        first: range.first.to_native(),
        last: range.last.to_native(),
    });
    let count = grant.places.len() as u64;
    let quota = grant.quota_per_minute.to_native();
    Ok(domain::grant::Grant {
        scopes: Scopes::from_bits(grant.scopes)
            .ok_or_else(|| unknown("set of scopes", u64::from(grant.scopes)))?,
        places: Places::of(ranges).ok_or_else(|| unknown("set of ranges", count))?,
        quota_per_minute: (quota != 0).then_some(quota),
        expires_at: moment(&grant.expires_at),
    })
}

fn begun(body: &Archived<ImportBegun<'static>>) -> Found {
    Ok(Event::ImportBegun(domain::event::ImportBegun {
        import: ImportId(body.import.to_native()),
        origin: (*body.origin).into(),
        kind: body.catalogue.as_ref().map_or(ImportKind::Units, |size| {
            ImportKind::Catalogue(domain::import::CatalogueSize {
                matters: size.matters.to_native(),
                text_bytes: size.text_bytes.to_native(),
            })
        }),
    }))
}

fn units_staged(body: &Archived<UnitsStaged<'static>>) -> Found {
    Ok(Event::UnitsStaged(domain::event::UnitsStaged {
        import: ImportId(body.import.to_native()),
        rows: body.rows.iter().map(unit).collect::<Result<_, _>>()?,
    }))
}

fn unit(row: &Archived<UnitRow<'static>>) -> Result<domain::organisation::UnitRow, Unknown> {
    Ok(domain::organisation::UnitRow {
        code: unit_code(row.code.to_native())?,
        kind: coded(row.kind)?,
        name: (*row.name).into(),
        reports_to: maybe_code(row.reports_to.to_native())?,
        modules: domain::organisation::Modules(row.modules.to_native()),
        valid_from: moment(&row.valid_from),
        valid_until: moment(&row.valid_until),
        successor: maybe_code(row.successor.to_native())?,
    })
}

fn unit_code(code: u64) -> Result<UnitCode, Unknown> {
    UnitCode::from_packed(code).map_err(|_| Unknown { of: "unit code", number: code })
}

fn maybe_code(code: u64) -> Result<Option<UnitCode>, Unknown> {
    (code != 0).then(|| unit_code(code)).transpose()
}

fn unit_opened(body: &Archived<UnitOpened<'static>>) -> Found {
    Ok(Event::UnitOpened(domain::event::UnitOpened { row: unit(&body.row)? }))
}

fn unit_changed(body: &Archived<UnitChanged<'static>>) -> Found {
    Ok(Event::UnitChanged(domain::event::UnitChanged {
        unit: UnitNumber(body.unit.to_native()),
        row: unit(&body.row)?,
    }))
}

fn unit_closed(body: &Archived<UnitClosed>) -> Found {
    let successor = body.successor.to_native();
    Ok(Event::UnitClosed(domain::event::UnitClosed {
        unit: UnitNumber(body.unit.to_native()),
        successor: (successor != 0).then_some(UnitNumber(successor)),
        until: Timestamp(body.until.to_native()),
    }))
}

fn unit_closing(body: &Archived<UnitClosing>) -> Found {
    let successor = body.successor.to_native();
    Ok(Event::UnitClosing(domain::event::UnitClosing {
        unit: UnitNumber(body.unit.to_native()),
        successor: (successor != 0).then_some(UnitNumber(successor)),
        until: Timestamp(body.until.to_native()),
    }))
}

fn unit_kept(body: &Archived<UnitKept>) -> Found {
    Ok(Event::UnitKept(domain::event::UnitKept { unit: UnitNumber(body.unit.to_native()) }))
}

fn unit_moved(body: &Archived<UnitMoved>) -> Found {
    Ok(Event::UnitMoved(domain::event::UnitMoved {
        unit: UnitNumber(body.unit.to_native()),
        to: unit_code(body.to.to_native())?,
    }))
}

fn renumbered(body: &Archived<UnitsRenumbered>) -> Found {
    let epoch = body.epoch.to_native();
    Ok(Event::UnitsRenumbered(domain::event::UnitsRenumbered { epoch }))
}

fn matters_staged(body: &Archived<MattersStaged<'static>>) -> Found {
    Ok(Event::MattersStaged(domain::event::MattersStaged {
        import: ImportId(body.import.to_native()),
        rows: body.rows.iter().map(matter).collect::<Result<_, _>>()?,
    }))
}

fn matter(row: &Archived<MatterRow<'static>>) -> Result<domain::catalogue::MatterRow, Unknown> {
    Ok(domain::catalogue::MatterRow {
        code: (*row.code).into(),
        name: (*row.name).into(),
        class: (*row.class).into(),
        module: coded(row.module)?,
        home: coded(row.home)?,
        severity: coded(row.severity)?,
        node_limit: limit(&row.node_limit)?,
        total_limit: limit(&row.total_limit)?,
        on_the_spot: row.on_the_spot,
        public: row.public,
        confidential: row.confidential,
        from_occurrence: row.from_occurrence,
    })
}

fn limit(limit: &Archived<Limit>) -> Result<domain::calendar::Limit, Unknown> {
    match limit.unit {
        1 => Ok(domain::calendar::Limit::CalendarHours(limit.amount.to_native())),
        other => Err(Unknown { of: "unit of a limit", number: u64::from(other) }),
    }
}

fn text_staged(body: &Archived<TextStaged<'static>>) -> Found {
    Ok(Event::TextStaged(domain::event::TextStaged {
        import: ImportId(body.import.to_native()),
        text: (*body.text).into(),
    }))
}

fn import_committed(body: &Archived<ImportCommitted>) -> Found {
    let catalogue = body.catalogue.as_ref().map(|replaced| {
        let previous = Seq(replaced.previous.to_native());
        domain::event::CatalogueReplaced {
            previous: (previous != Seq::ZERO).then_some(previous),
            added: replaced.added.to_native(),
            changed: replaced.changed.to_native(),
            retired: replaced.retired.to_native(),
        }
    });
    let import = ImportId(body.import.to_native());
    Ok(Event::ImportCommitted(domain::event::ImportCommitted { import, catalogue }))
}

fn import_abandoned(body: &Archived<ImportAbandoned>) -> Found {
    let import = ImportId(body.import.to_native());
    Ok(Event::ImportAbandoned(domain::event::ImportAbandoned { import }))
}

fn reported(body: &Archived<CaseReported<'static>>) -> Found {
    Ok(Event::CaseReported(domain::event::CaseReported {
        case: CaseId(body.case.to_native()),
        matter: MatterNumber(body.matter.to_native()),
        severity: coded(body.severity)?,
        place: UnitNumber(body.place.to_native()),
        holder: UnitNumber(body.holder.to_native()),
        is_fallback: body.is_fallback,
        source: coded(body.source)?,
        source_number: body.source_number.as_ref().map(|number| (**number).into()),
        occurred_at: moment(&body.occurred_at),
        deadlines: deadlines(&body.deadlines),
        claimant: body.claimant.as_ref().map(part),
        text: part(&body.text),
    }))
}

fn settled(body: &Archived<OfCaseSaying<'static>>) -> Found {
    let case = CaseId(body.case.to_native());
    Ok(Event::CaseSettled(domain::event::CaseSettled { case, answer: part(&body.part) }))
}

fn acknowledged(body: &Archived<OfCase>) -> Found {
    let case = CaseId(body.case.to_native());
    Ok(Event::CaseAcknowledged(domain::event::CaseAcknowledged { case }))
}

fn sent(body: &Archived<CaseSent<'static>>) -> domain::event::CaseSent {
    domain::event::CaseSent {
        case: CaseId(body.case.to_native()),
        holder: UnitNumber(body.holder.to_native()),
        deadlines: deadlines(&body.deadlines),
        reason: part(&body.reason),
    }
}

fn escalated(body: &Archived<CaseSent<'static>>) -> Found {
    Ok(Event::CaseEscalated(sent(body)))
}

fn handed_down(body: &Archived<CaseSent<'static>>) -> Found {
    Ok(Event::CaseHandedDown(sent(body)))
}

fn transferred(body: &Archived<CaseSent<'static>>) -> Found {
    Ok(Event::CaseTransferred(sent(body)))
}

fn returned(body: &Archived<CaseSent<'static>>) -> Found {
    Ok(Event::CaseReturned(sent(body)))
}

fn reopened(body: &Archived<CaseSent<'static>>) -> Found {
    Ok(Event::CaseReopened(sent(body)))
}

fn ended(body: &Archived<OfCaseSaying<'static>>) -> domain::event::CaseEnded {
    domain::event::CaseEnded { case: CaseId(body.case.to_native()), reason: part(&body.part) }
}

fn declined(body: &Archived<OfCaseSaying<'static>>) -> Found {
    Ok(Event::CaseDeclined(ended(body)))
}

fn voided(body: &Archived<OfCaseSaying<'static>>) -> Found {
    Ok(Event::CaseVoided(ended(body)))
}

fn noted(body: &Archived<OfCaseSaying<'static>>) -> Found {
    let case = CaseId(body.case.to_native());
    Ok(Event::CaseNoted(domain::event::CaseNoted { case, note: part(&body.part) }))
}

fn inherited(body: &Archived<CasesInherited<'static>>) -> Found {
    let cases = body.cases.iter();
    Ok(Event::CasesInherited(domain::event::CasesInherited {
        from: UnitNumber(body.from.to_native()),
        holder: UnitNumber(body.holder.to_native()),
        cases: cases
            .map(|one| (CaseId(one.case.to_native()), Seq(one.previous.to_native())))
            .collect(),
    }))
}

fn handled(body: &Archived<OfCaseSaying<'static>>) -> Found {
    let case = CaseId(body.case.to_native());
    Ok(Event::CaseHandled(domain::event::CaseHandled { case, measures: part(&body.part) }))
}

fn closed(body: &Archived<OfCaseSaying<'static>>) -> Found {
    let case = CaseId(body.case.to_native());
    Ok(Event::CaseClosed(domain::event::CaseClosed { case, answer: part(&body.part) }))
}

fn warned(body: &Archived<CaseFellDue>) -> Found {
    Ok(Event::CaseWarned(fell_due(body)?))
}

fn overdue(body: &Archived<CaseFellDue>) -> Found {
    Ok(Event::CaseOverdue(fell_due(body)?))
}

fn revealed(body: &Archived<CaseRevealed<'static>>) -> Found {
    let fields = ClaimantFields::from_bits(body.fields)
        .ok_or(Unknown { of: "set of fields", number: u64::from(body.fields) })?;
    Ok(Event::CaseRevealed(domain::event::CaseRevealed {
        case: CaseId(body.case.to_native()),
        fields,
        purpose: (*body.purpose).into(),
        ticket: body.ticket.as_ref().map(|ticket| (**ticket).into()),
    }))
}

fn fell_due(body: &Archived<CaseFellDue>) -> Result<domain::event::CaseFellDue, Unknown> {
    Ok(domain::event::CaseFellDue {
        case: CaseId(body.case.to_native()),
        clock: coded(body.clock)?,
        due_at: Timestamp(body.due_at.to_native()),
    })
}
