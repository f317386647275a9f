//! The rows of a snapshot, format 0: one kind of row a section.
//!
//! The domain's types know nothing of this. Each is taken apart field by field, so that a field
//! more does not compile until it is kept.

use super::fields::{Fields, Put};
use crate::domain::calendar::Limit;
use crate::domain::case::{Case, Light, Status};
use crate::domain::catalogue::MatterRow;
use crate::domain::client::{Client, OldToken};
use crate::domain::clock::Deadlines;
use crate::domain::code::{CodeRange, UnitCode};
use crate::domain::event::JournalOpened;
use crate::domain::grant::{Grant, Places, Scopes};
use crate::domain::ids::{CaseId, ImportId, MatterNumber, Seq, Timestamp, UnitNumber};
use crate::domain::import::{CatalogueSize, ImportKind, StagedImport};
use crate::domain::organisation::{Modules, OrderedUnit, UnitRow};
use crate::domain::outcome::{KeyHash, Remembered};
use crate::domain::snapshot::StateHead;
use crate::domain::state::NaturalKey;
use crate::journal::record::Coded;

macro_rules! kinds {
    ($($(#[$doc:meta])* $kind:ident = $number:literal,)+) => {
        /// What the rows of a section are.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        #[repr(u8)]
        pub enum Kind { $($(#[$doc])* $kind = $number,)+ }

        impl Kind {
            /// The kind of that number.
            pub(super) const fn from_number(number: u8) -> Option<Self> {
                match number { $($number => Some(Self::$kind),)+ _ => None }
            }
        }
    };
}

kinds!(
    /// The values of a state that are not rows: one row.
    Head = 1,
    /// Units, in the order of their numbers.
    Unit = 2,
    /// Matters, in the order of their numbers.
    Matter = 3,
    /// Clients, in the order of their numbers.
    Client = 4,
    /// Open imports.
    Import = 5,
    /// The units staged in them, in the order they came.
    StagedUnit = 6,
    /// The matters staged in them, in the order they came.
    StagedMatter = 7,
    /// Cases, in the order of their numbers.
    Case = 8,
    /// Natural keys with their cases, by case.
    Number = 9,
    /// Outcomes, oldest first.
    Outcome = 10,
    /// What units were before, by unit, oldest first.
    FormerUnit = 11,
    /// Units in the order of their epoch.
    OrderedUnit = 12,
);

/// `numbers` says how many natural keys there are: they are worth making room for.
pub(super) fn put_head(head: &StateHead, numbers: u64, out: &mut Vec<u8>) {
    let StateHead {
        tail,
        now,
        opened,
        epoch,
        organisation_seq,
        catalogue_seq,
        imports_begun,
        slots_used,
    } = head;
    out.put(tail.0.to_le_bytes());
    put_moment(*now, out);
    out.put_flag(opened.is_some());
    if let Some(JournalOpened { clock_mode, journal_id }) = opened {
        out.push(clock_mode.code());
        out.put(journal_id.to_le_bytes());
    }
    out.put(epoch.to_le_bytes());
    out.put(organisation_seq.0.to_le_bytes());
    out.put(catalogue_seq.0.to_le_bytes());
    out.put(imports_begun.to_le_bytes());
    out.put(slots_used.to_le_bytes());
    out.put(numbers.to_le_bytes());
}

pub(super) fn head(fields: &mut Fields<'_>) -> Option<(StateHead, u64)> {
    let head = StateHead {
        tail: Seq(fields.u64()?),
        now: moment(fields)?,
        opened: fields.maybe(|fields| {
            Some(JournalOpened { clock_mode: coded(fields)?, journal_id: fields.u128()? })
        })?,
        epoch: fields.u32()?,
        organisation_seq: Seq(fields.u64()?),
        catalogue_seq: Seq(fields.u64()?),
        imports_begun: fields.u32()?,
        slots_used: fields.u64()?,
    };
    Some((head, fields.u64()?))
}

/// A unit, and whether it is told to close.
pub(super) fn put_known_unit(row: &UnitRow, is_closing: bool, out: &mut Vec<u8>) {
    put_unit(row, out);
    out.put_flag(is_closing);
}

pub(super) fn known_unit(fields: &mut Fields<'_>) -> Option<(UnitRow, bool)> {
    Some((unit(fields)?, fields.flag()?))
}

pub(super) fn put_unit(row: &UnitRow, out: &mut Vec<u8>) {
    let UnitRow { code, kind, name, reports_to, modules, valid_from, valid_until, successor } = row;
    out.put(code.packed().to_le_bytes());
    out.push(kind.code());
    out.put_text(name);
    put_code(*reports_to, out);
    out.put(modules.0.to_le_bytes());
    put_moment(*valid_from, out);
    put_moment(*valid_until, out);
    put_code(*successor, out);
}

pub(super) fn unit(fields: &mut Fields<'_>) -> Option<UnitRow> {
    Some(UnitRow {
        code: UnitCode::from_packed(fields.u64()?).ok()?,
        kind: coded(fields)?,
        name: fields.text()?.into(),
        reports_to: code(fields)?,
        modules: Modules(fields.u16()?),
        valid_from: moment(fields)?,
        valid_until: moment(fields)?,
        successor: code(fields)?,
    })
}

pub(super) fn put_former_unit(
    unit: UnitNumber,
    until: Timestamp,
    row: &UnitRow,
    out: &mut Vec<u8>,
) {
    out.put(unit.0.to_le_bytes());
    out.put(until.0.to_le_bytes());
    put_unit(row, out);
}

pub(super) fn former_unit(fields: &mut Fields<'_>) -> Option<(UnitNumber, Timestamp, UnitRow)> {
    Some((UnitNumber(fields.u32()?), Timestamp(fields.i64()?), unit(fields)?))
}

pub(super) fn put_ordered_unit(ordered: OrderedUnit, out: &mut Vec<u8>) {
    let OrderedUnit { code, unit } = ordered;
    out.put(code.packed().to_le_bytes());
    out.put(unit.0.to_le_bytes());
}

pub(super) fn ordered_unit(fields: &mut Fields<'_>) -> Option<OrderedUnit> {
    Some(OrderedUnit {
        code: UnitCode::from_packed(fields.u64()?).ok()?,
        unit: UnitNumber(fields.u32()?),
    })
}

/// A matter, and whether it is retired.
pub(super) fn put_known_matter(row: &MatterRow, is_retired: bool, out: &mut Vec<u8>) {
    put_matter(row, out);
    out.put_flag(is_retired);
}

pub(super) fn known_matter(fields: &mut Fields<'_>) -> Option<(MatterRow, bool)> {
    Some((matter(fields)?, fields.flag()?))
}

pub(super) fn put_matter(row: &MatterRow, out: &mut Vec<u8>) {
    let MatterRow {
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
    } = row;
    out.put_text(code);
    out.put_text(name);
    out.put_text(class);
    out.push(module.code());
    out.push(home.code());
    out.push(severity.code());
    put_limit(*node_limit, out);
    put_limit(*total_limit, out);
    out.put_flag(*on_the_spot);
    out.put_flag(*public);
    out.put_flag(*confidential);
    out.put_flag(*from_occurrence);
}

pub(super) fn matter(fields: &mut Fields<'_>) -> Option<MatterRow> {
    Some(MatterRow {
        code: fields.text()?.into(),
        name: fields.text()?.into(),
        class: fields.text()?.into(),
        module: coded(fields)?,
        home: coded(fields)?,
        severity: coded(fields)?,
        node_limit: limit(fields)?,
        total_limit: limit(fields)?,
        on_the_spot: fields.flag()?,
        public: fields.flag()?,
        confidential: fields.flag()?,
        from_occurrence: fields.flag()?,
    })
}

pub(super) fn put_client(client: &Client, out: &mut Vec<u8>) {
    let Client { name, token_hash, old_token, grant, is_revoked, last_seq } = client;
    out.put_text(name);
    out.put(*token_hash);
    out.put_flag(old_token.is_some());
    if let Some(OldToken { hash, ends_at }) = old_token {
        out.put(*hash);
        out.put(ends_at.0.to_le_bytes());
    }
    put_grant(grant, out);
    out.put_flag(*is_revoked);
    out.put(last_seq.0.to_le_bytes());
}

pub(super) fn client(fields: &mut Fields<'_>) -> Option<Client> {
    Some(Client {
        name: fields.text()?.into(),
        token_hash: fields.bytes()?,
        old_token: fields.maybe(|fields| {
            Some(OldToken { hash: fields.bytes()?, ends_at: Timestamp(fields.i64()?) })
        })?,
        grant: grant(fields)?,
        is_revoked: fields.flag()?,
        last_seq: Seq(fields.u64()?),
    })
}

fn put_grant(grant: &Grant, out: &mut Vec<u8>) {
    let Grant { scopes, places, quota_per_minute, expires_at } = grant;
    out.push(scopes.bits());
    let count = u8::try_from(places.ranges().len()).expect("bounded by CLIENT_RANGES_MAX");
    out.push(count);
    for range in places.ranges() {
        out.put(range.first.to_le_bytes());
        out.put(range.last.to_le_bytes());
    }
    // Zero is no quota.
    out.put(quota_per_minute.unwrap_or(0).to_le_bytes());
    put_moment(*expires_at, out);
}

fn grant(fields: &mut Fields<'_>) -> Option<Grant> {
    let scopes = Scopes::from_bits(fields.byte()?)?;
    let ranges = (0..fields.byte()?)
        .map(|_| Some(CodeRange { first: fields.u64()?, last: fields.u64()? }))
        .collect::<Option<Vec<_>>>()?;
    Some(Grant {
        scopes,
        places: Places::of(ranges)?,
        quota_per_minute: Some(fields.u32()?).filter(|quota| *quota != 0),
        expires_at: moment(fields)?,
    })
}

/// An open import without the rows staged in it.
pub(super) fn put_import(id: ImportId, import: &StagedImport, out: &mut Vec<u8>) {
    let StagedImport { kind, units: _, matters: _, text_bytes, last_seq } = import;
    out.put(id.0.to_le_bytes());
    out.put(last_seq.to_le_bytes());
    out.put(text_bytes.to_le_bytes());
    out.put_flag(*kind != ImportKind::Units);
    if let ImportKind::Catalogue(CatalogueSize { matters, text_bytes }) = kind {
        out.put(matters.to_le_bytes());
        out.put(text_bytes.to_le_bytes());
    }
}

pub(super) fn import(fields: &mut Fields<'_>) -> Option<(ImportId, StagedImport)> {
    let id = import_id(fields)?;
    let (last_seq, text_bytes) = (fields.u64()?, fields.u64()?);
    let size = fields.maybe(|fields| {
        Some(CatalogueSize { matters: fields.u32()?, text_bytes: fields.u32()? })
    })?;
    let kind = size.map_or(ImportKind::Units, ImportKind::Catalogue);
    Some((id, StagedImport { kind, text_bytes, last_seq, ..StagedImport::default() }))
}

/// What stands before a row staged in an import.
pub(super) fn put_import_id(id: ImportId, out: &mut Vec<u8>) {
    out.put(id.0.to_le_bytes());
}

pub(super) fn import_id(fields: &mut Fields<'_>) -> Option<ImportId> {
    fields.u32().map(ImportId)
}

pub(super) fn put_case(case: &Case, out: &mut Vec<u8>) {
    let Case {
        status,
        reported_at,
        deadlines,
        first_seq,
        last_seq,
        changed_at,
        version,
        place,
        sender,
        matter,
        severity,
        source,
        node_light,
        total_light,
        escalations,
        reopens,
        is_fallback,
        on_the_spot,
    } = case;
    let (status, holder, at) = match *status {
        Status::Dispatched { holder } => (1, holder, Timestamp::EPOCH),
        Status::Acknowledged { holder, at } => (2, holder, at),
        Status::Handled { holder, at } => (3, holder, at),
        Status::Closed { by, at } => (4, by, at),
        Status::Declined { by, at } => (5, by, at),
        Status::Voided { by, at } => (6, by, at),
    };
    out.push(status);
    out.put(holder.0.to_le_bytes());
    out.put(at.0.to_le_bytes());
    out.put(reported_at.0.to_le_bytes());
    put_deadlines(deadlines, out);
    out.put(first_seq.0.to_le_bytes());
    out.put(last_seq.0.to_le_bytes());
    out.put(changed_at.0.to_le_bytes());
    out.put(version.to_le_bytes());
    out.put(place.0.to_le_bytes());
    out.put(sender.number().to_le_bytes());
    out.put(matter.0.to_le_bytes());
    out.push(severity.code());
    out.push(source.code());
    out.push(light_code(*node_light));
    out.push(light_code(*total_light));
    out.push(*escalations);
    out.push(*reopens);
    out.put_flag(*is_fallback);
    out.put_flag(*on_the_spot);
}

pub(super) fn case(fields: &mut Fields<'_>) -> Option<Case> {
    let status = fields.byte()?;
    let holder = UnitNumber(fields.u32()?);
    let at = Timestamp(fields.i64()?);
    let status = match status {
        1 => Status::Dispatched { holder },
        2 => Status::Acknowledged { holder, at },
        3 => Status::Handled { holder, at },
        4 => Status::Closed { by: holder, at },
        5 => Status::Declined { by: holder, at },
        6 => Status::Voided { by: holder, at },
        _ => return None,
    };
    Some(Case {
        status,
        reported_at: Timestamp(fields.i64()?),
        deadlines: deadlines(fields)?,
        first_seq: Seq(fields.u64()?),
        last_seq: Seq(fields.u64()?),
        changed_at: Timestamp(fields.i64()?),
        version: fields.u32()?,
        place: UnitNumber(fields.u32()?),
        sender: Some(UnitNumber(fields.u32()?)).filter(|sender| sender.0 != 0).into(),
        matter: MatterNumber(fields.u16()?),
        severity: coded(fields)?,
        source: coded(fields)?,
        node_light: light(fields)?,
        total_light: light(fields)?,
        escalations: fields.byte()?,
        reopens: fields.byte()?,
        is_fallback: fields.flag()?,
        on_the_spot: fields.flag()?,
    })
}

pub(super) fn put_number(key: NaturalKey, case: CaseId, out: &mut Vec<u8>) {
    out.put(key.to_le_bytes());
    out.put(case.0.to_le_bytes());
}

pub(super) fn number(fields: &mut Fields<'_>) -> Option<(NaturalKey, CaseId)> {
    Some((fields.u128()?, CaseId(fields.u32()?)))
}

pub(super) fn put_outcome(at: Timestamp, key: KeyHash, outcome: &Remembered, out: &mut Vec<u8>) {
    let Remembered { body_hash, first_seq, events, case, version } = outcome;
    out.put(at.0.to_le_bytes());
    out.put(key.to_le_bytes());
    out.put(body_hash.to_le_bytes());
    out.put(first_seq.0.to_le_bytes());
    out.put(events.to_le_bytes());
    // Zero names no case.
    out.put(case.map_or(0, |case| case.0).to_le_bytes());
    out.put(version.to_le_bytes());
}

pub(super) fn outcome(fields: &mut Fields<'_>) -> Option<(Timestamp, KeyHash, Remembered)> {
    let at = Timestamp(fields.i64()?);
    let key = fields.u128()?;
    let remembered = Remembered {
        body_hash: fields.u128()?,
        first_seq: Seq(fields.u64()?),
        events: fields.u16()?,
        case: Some(CaseId(fields.u32()?)).filter(|case| case.0 != 0),
        version: fields.u32()?,
    };
    Some((at, key, remembered))
}

fn put_moment(at: Option<Timestamp>, out: &mut Vec<u8>) {
    out.put_flag(at.is_some());
    if let Some(at) = at {
        out.put(at.0.to_le_bytes());
    }
}

#[expect(clippy::option_option, reason = "the outer one says whether it could be read")]
fn moment(fields: &mut Fields<'_>) -> Option<Option<Timestamp>> {
    fields.maybe(|fields| fields.i64().map(Timestamp))
}

fn put_code(code: Option<UnitCode>, out: &mut Vec<u8>) {
    // Zero is no code.
    out.put(code.map_or(0, UnitCode::packed).to_le_bytes());
}

#[expect(clippy::option_option, reason = "the outer one says whether it could be read")]
fn code(fields: &mut Fields<'_>) -> Option<Option<UnitCode>> {
    match fields.u64()? {
        0 => Some(None),
        packed => UnitCode::from_packed(packed).ok().map(Some),
    }
}

fn put_limit(limit: Limit, out: &mut Vec<u8>) {
    match limit {
        Limit::CalendarHours(hours) => {
            out.push(1);
            out.put(hours.to_le_bytes());
        }
    }
}

fn limit(fields: &mut Fields<'_>) -> Option<Limit> {
    match fields.byte()? {
        1 => fields.u32().map(Limit::CalendarHours),
        _ => None,
    }
}

fn put_deadlines(deadlines: &Deadlines, out: &mut Vec<u8>) {
    let Deadlines { node_started_at, node_warning_at, node_due_at, total_warning_at, total_due_at } =
        deadlines;
    for at in [node_started_at, node_warning_at, node_due_at, total_warning_at, total_due_at] {
        out.put(at.0.to_le_bytes());
    }
}

fn deadlines(fields: &mut Fields<'_>) -> Option<Deadlines> {
    Some(Deadlines {
        node_started_at: Timestamp(fields.i64()?),
        node_warning_at: Timestamp(fields.i64()?),
        node_due_at: Timestamp(fields.i64()?),
        total_warning_at: Timestamp(fields.i64()?),
        total_due_at: Timestamp(fields.i64()?),
    })
}

const fn light_code(light: Light) -> u8 {
    match light {
        Light::Green => 1,
        Light::Yellow => 2,
        Light::Red => 3,
    }
}

fn light(fields: &mut Fields<'_>) -> Option<Light> {
    match fields.byte()? {
        1 => Some(Light::Green),
        2 => Some(Light::Yellow),
        3 => Some(Light::Red),
        _ => None,
    }
}

fn coded<T: Coded>(fields: &mut Fields<'_>) -> Option<T> {
    T::from_code(fields.byte()?)
}
