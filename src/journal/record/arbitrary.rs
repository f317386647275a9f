//! Records of any kind for tests: what the types allow, not what the rules do.

use std::sync::Arc;

use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

use super::Tag;
use crate::domain::calendar::Limit;
use crate::domain::case::{ClaimantFields, ClockName, Source};
use crate::domain::catalogue::{HomeLevel, MatterRow, Module, Severity};
use crate::domain::clock::Deadlines;
use crate::domain::code::{CodeRange, UnitCode};
use crate::domain::event::{
    CaseAcknowledged, CaseClosed, CaseEnded, CaseFellDue, CaseHandled, CaseNoted, CaseReported,
    CaseRevealed, CaseSent, CaseSettled, CasesInherited, CatalogueReplaced, ClientAdmitted,
    ClientChanged, ClientRevoked, ClientRotated, ClockAdvanced, ClockMode, Event, ImportAbandoned,
    ImportBegun, ImportCommitted, JournalOpened, MattersStaged, SealedPart, TextStaged,
    UnitChanged, UnitClosed, UnitClosing, UnitKept, UnitMoved, UnitOpened, UnitsRenumbered,
    UnitsStaged,
};
use crate::domain::grant::{Grant, Places, Scope, Scopes};
use crate::domain::ids::{
    CaseId, ImportId, MatterNumber, PrincipalId, SeatNumber, Seq, SlotNumber, Timestamp, UnitNumber,
};
use crate::domain::import::{CatalogueSize, ImportKind};
use crate::domain::limits::CLIENT_RANGES_MAX;
use crate::domain::organisation::{Modules, UnitKind, UnitRow};
use crate::domain::record::{Actor, Mark, Outcome, Record};

/// A record of any kind, anywhere.
pub(crate) fn record() -> impl Strategy<Value = Record> {
    let place = (1_u64.., moment(), option::of(1_u64..));
    (place, actor(), option::of(outcome()), any_event()).prop_map(
        |((seq, at, previous), actor, outcome, event)| Record {
            seq: Seq(seq),
            at,
            actor,
            previous: previous.map(Seq),
            outcome,
            event,
        },
    )
}

/// Records that follow each other from `first` on.
pub(crate) fn run(first: Seq, events_max: usize) -> impl Strategy<Value = Vec<Record>> {
    prop::collection::vec(record(), 1..=events_max).prop_map(move |mut records| {
        for (record, seq) in records.iter_mut().zip(first.0..) {
            record.seq = Seq(seq);
        }
        records
    })
}

/// The first record of a journal, with nothing around that event.
pub(crate) fn bare(event: Event) -> Record {
    Record {
        seq: Seq::FIRST,
        at: Timestamp(1_700_000_000_000),
        actor: Actor::SYSTEM,
        previous: None,
        outcome: None,
        event,
    }
}

/// An event of any kind.
pub(crate) fn any_event() -> impl Strategy<Value = Event> {
    select(Tag::ALL).prop_flat_map(event)
}

/// An event of that kind.
pub(crate) fn event(tag: Tag) -> BoxedStrategy<Event> {
    match tag {
        Tag::JournalOpened => opened().boxed(),
        Tag::ClockAdvanced => {
            moment().prop_map(|to| Event::ClockAdvanced(ClockAdvanced { to })).boxed()
        }
        Tag::ClientAdmitted => admitted().boxed(),
        Tag::ClientChanged => changed().boxed(),
        Tag::ClientRotated => rotated().boxed(),
        Tag::ClientRevoked => any::<u32>()
            .prop_map(PrincipalId)
            .prop_map(|principal| Event::ClientRevoked(ClientRevoked { principal }))
            .boxed(),
        Tag::ImportBegun => (import(), text(120), import_kind())
            .prop_map(|(import, origin, kind)| {
                Event::ImportBegun(ImportBegun { import, origin, kind })
            })
            .boxed(),
        Tag::UnitsStaged => (import(), prop::collection::vec(unit_row(), 0..8))
            .prop_map(|(import, rows)| Event::UnitsStaged(UnitsStaged { import, rows }))
            .boxed(),
        Tag::MattersStaged => (import(), prop::collection::vec(matter_row(), 0..8))
            .prop_map(|(import, rows)| Event::MattersStaged(MattersStaged { import, rows }))
            .boxed(),
        Tag::TextStaged => (import(), text(2_000))
            .prop_map(|(import, text)| Event::TextStaged(TextStaged { import, text }))
            .boxed(),
        Tag::ImportCommitted => (import(), replaced())
            .prop_map(|(import, catalogue)| {
                Event::ImportCommitted(ImportCommitted { import, catalogue })
            })
            .boxed(),
        Tag::ImportAbandoned => {
            import().prop_map(|import| Event::ImportAbandoned(ImportAbandoned { import })).boxed()
        }
        Tag::CaseReported => reported().boxed(),
        Tag::CaseSettled => (case(), part())
            .prop_map(|(case, answer)| Event::CaseSettled(CaseSettled { case, answer }))
            .boxed(),
        Tag::CaseAcknowledged => {
            case().prop_map(|case| Event::CaseAcknowledged(CaseAcknowledged { case })).boxed()
        }
        Tag::CaseEscalated => sent().prop_map(Event::CaseEscalated).boxed(),
        Tag::CaseHandedDown => sent().prop_map(Event::CaseHandedDown).boxed(),
        Tag::CaseTransferred => sent().prop_map(Event::CaseTransferred).boxed(),
        Tag::CaseReturned => sent().prop_map(Event::CaseReturned).boxed(),
        Tag::CaseReopened => sent().prop_map(Event::CaseReopened).boxed(),
        Tag::CaseDeclined => ended().prop_map(Event::CaseDeclined).boxed(),
        Tag::CaseVoided => ended().prop_map(Event::CaseVoided).boxed(),
        Tag::CaseNoted => (case(), part())
            .prop_map(|(case, note)| Event::CaseNoted(CaseNoted { case, note }))
            .boxed(),
        Tag::CasesInherited => inherited().boxed(),
        Tag::UnitOpened => unit_row().prop_map(|row| Event::UnitOpened(UnitOpened { row })).boxed(),
        Tag::UnitChanged => (unit(), unit_row())
            .prop_map(|(unit, row)| Event::UnitChanged(UnitChanged { unit, row }))
            .boxed(),
        Tag::UnitClosed => closing()
            .prop_map(|(unit, successor, until)| {
                Event::UnitClosed(UnitClosed { unit, successor, until })
            })
            .boxed(),
        Tag::UnitClosing => closing()
            .prop_map(|(unit, successor, until)| {
                Event::UnitClosing(UnitClosing { unit, successor, until })
            })
            .boxed(),
        Tag::UnitKept => unit().prop_map(|unit| Event::UnitKept(UnitKept { unit })).boxed(),
        Tag::UnitMoved => (unit(), unit_code())
            .prop_map(|(unit, to)| Event::UnitMoved(UnitMoved { unit, to }))
            .boxed(),
        Tag::UnitsRenumbered => {
            any::<u32>().prop_map(|epoch| Event::UnitsRenumbered(UnitsRenumbered { epoch })).boxed()
        }
        Tag::CaseHandled => (case(), part())
            .prop_map(|(case, measures)| Event::CaseHandled(CaseHandled { case, measures }))
            .boxed(),
        Tag::CaseClosed => (case(), part())
            .prop_map(|(case, answer)| Event::CaseClosed(CaseClosed { case, answer }))
            .boxed(),
        Tag::CaseWarned => fell_due().prop_map(Event::CaseWarned).boxed(),
        Tag::CaseOverdue => fell_due().prop_map(Event::CaseOverdue).boxed(),
        Tag::CaseRevealed => revealed().boxed(),
    }
}

fn actor() -> impl Strategy<Value = Actor> {
    let number = || option::of(1_u32..);
    (any::<u32>(), number(), number(), number()).prop_map(|(principal, unit, seat, acting_for)| {
        Actor {
            principal: PrincipalId(principal),
            unit: unit.map(UnitNumber),
            seat: seat.map(SeatNumber),
            acting_for: acting_for.map(PrincipalId),
        }
    })
}

fn outcome() -> impl Strategy<Value = Outcome> {
    ("[ -~]{1,64}", any::<u128>(), any::<u16>()).prop_map(|(key, body_hash, events)| Outcome {
        mark: Mark { key: key.into(), body_hash },
        events,
    })
}

fn opened() -> impl Strategy<Value = Event> {
    let modes = [ClockMode::System, ClockMode::Manual, ClockMode::Driven];
    (select(modes.to_vec()), any::<u128>()).prop_map(|(clock_mode, journal_id)| {
        Event::JournalOpened(JournalOpened { clock_mode, journal_id })
    })
}

fn admitted() -> impl Strategy<Value = Event> {
    (any::<u32>(), text(120), any::<[u8; 32]>(), grant()).prop_map(
        |(principal, name, token_hash, grant)| {
            let principal = PrincipalId(principal);
            Event::ClientAdmitted(ClientAdmitted { principal, name, token_hash, grant })
        },
    )
}

fn changed() -> impl Strategy<Value = Event> {
    (any::<u32>(), grant()).prop_map(|(principal, grant)| {
        Event::ClientChanged(ClientChanged { principal: PrincipalId(principal), grant })
    })
}

fn rotated() -> impl Strategy<Value = Event> {
    (any::<u32>(), any::<[u8; 32]>(), moment()).prop_map(|(principal, token_hash, old_ends_at)| {
        let principal = PrincipalId(principal);
        Event::ClientRotated(ClientRotated { principal, token_hash, old_ends_at })
    })
}

fn grant() -> impl Strategy<Value = Grant> {
    let scopes = prop::collection::vec(select(Scope::ALL), 0..5);
    let ranges = prop::collection::vec(any::<(u64, u64)>(), 1..=CLIENT_RANGES_MAX);
    (scopes, ranges, option::of(1_u32..), option::of(moment())).prop_map(
        |(scopes, ranges, quota_per_minute, expires_at)| {
            let ranges =
                ranges.iter().map(|(a, b)| CodeRange { first: *a.min(b), last: *a.max(b) });
            Grant {
                scopes: Scopes::of(&scopes),
                places: Places::of(ranges).expect("few ranges, each of them one"),
                quota_per_minute,
                expires_at,
            }
        },
    )
}

fn revealed() -> impl Strategy<Value = Event> {
    let fields = (0_u8..8).prop_map(|bits| ClaimantFields::from_bits(bits).expect("three fields"));
    (case(), fields, text(120), option::of(text(64))).prop_map(|(case, fields, purpose, ticket)| {
        Event::CaseRevealed(CaseRevealed { case, fields, purpose, ticket })
    })
}

fn reported() -> impl Strategy<Value = Event> {
    let where_to = (case(), any::<u16>(), unit(), unit(), any::<bool>());
    let from = (select(Source::ALL), option::of(text(64)), option::of(moment()));
    let what = (select(Severity::ALL), deadlines(), option::of(part()), part());
    (where_to, from, what).prop_map(|(where_to, from, what)| {
        let (case, matter, place, holder, is_fallback) = where_to;
        let (source, source_number, occurred_at) = from;
        let (severity, deadlines, claimant, text) = what;
        Event::CaseReported(CaseReported {
            case,
            matter: MatterNumber(matter),
            severity,
            place,
            holder,
            is_fallback,
            source,
            source_number,
            occurred_at,
            deadlines,
            claimant,
            text,
        })
    })
}

fn sent() -> impl Strategy<Value = CaseSent> {
    (case(), unit(), deadlines(), part()).prop_map(|(case, holder, deadlines, reason)| CaseSent {
        case,
        holder,
        deadlines,
        reason,
    })
}

fn ended() -> impl Strategy<Value = CaseEnded> {
    (case(), part()).prop_map(|(case, reason)| CaseEnded { case, reason })
}

fn inherited() -> impl Strategy<Value = Event> {
    let pair = (case(), any::<u64>().prop_map(Seq));
    (unit(), unit(), prop::collection::vec(pair, 0..20)).prop_map(|(from, holder, cases)| {
        Event::CasesInherited(CasesInherited { from, holder, cases })
    })
}

fn fell_due() -> impl Strategy<Value = CaseFellDue> {
    (case(), select(ClockName::ALL), moment()).prop_map(|(case, clock, due_at)| CaseFellDue {
        case,
        clock,
        due_at,
    })
}

fn unit_row() -> impl Strategy<Value = UnitRow> {
    let since = (option::of(moment()), option::of(moment()));
    let others = (option::of(unit_code()), any::<u16>(), option::of(unit_code()));
    (unit_code(), select(UnitKind::ALL), text(120), since, others).prop_map(
        |(code, kind, name, (valid_from, valid_until), (reports_to, modules, successor))| UnitRow {
            code,
            kind,
            name,
            reports_to,
            modules: Modules(modules),
            valid_from,
            valid_until,
            successor,
        },
    )
}

fn unit_code() -> impl Strategy<Value = UnitCode> {
    (100_000_000_000_u64..1_000_000_000_000, 0_u64..1_000, option::of((b'A'..=b'Z', 0_u8..100)))
        .prop_map(|(division, grid, body)| {
            let division = division * 1_000;
            let code = match body {
                None => UnitCode::of_place(division + grid),
                Some((letter, serial)) => UnitCode::of_place(division)
                    .and_then(|seat| UnitCode::of_body(seat, letter, serial)),
            };
            code.expect("twelve digits that do not begin with 0 are a division")
        })
}

fn matter_row() -> impl Strategy<Value = MatterRow> {
    let limit = || any::<u32>().prop_map(Limit::CalendarHours);
    let named = (text(16), text(120), text(120));
    let kept = (select(Module::ALL), select(HomeLevel::ALL), select(Severity::ALL));
    (named, kept, limit(), limit(), any::<[bool; 4]>()).prop_map(
        |((code, name, class), (module, home, severity), node_limit, total_limit, flags)| {
            let [on_the_spot, public, confidential, from_occurrence] = flags;
            MatterRow {
                code,
                name,
                class,
                module,
                home,
                severity,
                node_limit,
                total_limit,
                on_the_spot,
                public,
                confidential,
                from_occurrence,
            }
        },
    )
}

fn part() -> impl Strategy<Value = SealedPart> {
    (any::<u64>(), prop::collection::vec(any::<u8>(), 0..600)).prop_map(|(slot, ciphertext)| {
        SealedPart { slot: SlotNumber(slot), ciphertext: ciphertext.into() }
    })
}

fn deadlines() -> impl Strategy<Value = Deadlines> {
    any::<[i64; 5]>().prop_map(|at| {
        let [node_started_at, node_warning_at, node_due_at, total_warning_at, total_due_at] =
            at.map(Timestamp);
        Deadlines { node_started_at, node_warning_at, node_due_at, total_warning_at, total_due_at }
    })
}

fn text(chars_max: usize) -> impl Strategy<Value = Arc<str>> {
    prop::collection::vec(any::<char>(), 0..=chars_max / 4)
        .prop_map(|chars| chars.into_iter().collect::<String>().into())
}

fn moment() -> impl Strategy<Value = Timestamp> {
    any::<i64>().prop_map(Timestamp)
}

fn case() -> impl Strategy<Value = CaseId> {
    any::<u32>().prop_map(CaseId)
}

fn unit() -> impl Strategy<Value = UnitNumber> {
    any::<u32>().prop_map(UnitNumber)
}

/// Which unit closes, who takes over, and when.
fn closing() -> impl Strategy<Value = (UnitNumber, Option<UnitNumber>, Timestamp)> {
    let successor = option::of((1_u32..).prop_map(UnitNumber));
    (unit(), successor, any::<i64>().prop_map(Timestamp))
}

fn import_kind() -> impl Strategy<Value = ImportKind> {
    prop::option::of(any::<(u32, u32)>()).prop_map(|size| match size {
        None => ImportKind::Units,
        Some((matters, text_bytes)) => ImportKind::Catalogue(CatalogueSize { matters, text_bytes }),
    })
}

fn replaced() -> impl Strategy<Value = Option<CatalogueReplaced>> {
    let previous = prop::option::of((1..=u64::MAX).prop_map(Seq));
    let replaced = (previous, any::<(u32, u32, u32)>());
    prop::option::of(replaced.prop_map(|(previous, (added, changed, retired))| CatalogueReplaced {
        previous,
        added,
        changed,
        retired,
    }))
}

fn import() -> impl Strategy<Value = ImportId> {
    any::<u32>().prop_map(ImportId)
}
