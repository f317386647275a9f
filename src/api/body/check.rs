//! From fields to a draft: every field that is wrong leaves a flaw, and the checking goes on.

use std::borrow::Cow;
use std::ops::RangeInclusive;
use std::sync::Arc;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::draft::{CaseMove, Claimant, Report, Want};
use super::flaw::{Flaw, FlawCode};
use super::raw::{Raw, RawCase, RawClaimant, RawSeen, RawSettle, Text};
use super::verb::{Reshape, Verb};
use crate::domain::case::{Move, Source};
use crate::domain::code::UnitCode;
use crate::domain::command::{CaseRef, Change, CloseUnit, MergeUnits, MoveUnit, SplitUnit, Target};
use crate::domain::ids::{CaseId, ImportId, Seq, Timestamp};
use crate::domain::import::ImportKind;
use crate::domain::limits::{
    KEY_BYTES_MAX, MATTER_CODE_BYTES_MAX, NAME_BYTES_MAX, SOURCE_NUMBER_BYTES_MAX, STAGED_ROWS_MAX,
    STAGED_TEXT_BYTES_MAX, TEXT_CHARS_MAX, UNITS_MERGED_MAX,
};
use crate::domain::organisation::UnitRow;
use crate::rules::{
    self, BadMoment, UnitText, Words, fault_of_name, fault_of_text, is_blank, parse_moment,
};

/// Longest phone number of a claimant, in bytes.
pub const PHONE_BYTES_MAX: usize = 40;
/// Longest address of a claimant, in bytes of UTF-8.
pub const ADDRESS_BYTES_MAX: usize = 600;

/// What a command acts on, by its address or by its line.
#[derive(Debug, Default)]
pub(super) struct Aim {
    pub(super) target: Option<Target>,
    pub(super) import: Option<ImportId>,
    pub(super) client: Option<Arc<str>>,
    pub(super) unit: Option<UnitCode>,
    pub(super) seen: Option<Seq>,
}

/// Collects what is wrong.
pub(super) struct Checker<'f> {
    pub(super) flaws: &'f mut Vec<Flaw>,
}

impl Checker<'_> {
    /// Finds the fields that are there and are not among the allowed ones.
    pub(super) fn only(&mut self, raw: &Raw<'_>, allowed: &[&[&'static str]]) {
        for name in raw.present() {
            if !allowed.iter().any(|names| names.contains(&name)) {
                self.flaw(Flaw::new(format!("/{name}"), FlawCode::UnknownField));
            }
        }
    }

    /// What is wanted, by its own fields; none when they do not say it.
    pub(super) fn want<'a>(&mut self, verb: Verb, mut raw: Raw<'a>, aim: Aim) -> Option<Want<'a>> {
        let Aim { target, import, client, unit, seen } = aim;
        Some(match verb {
            Verb::ReportCase => Want::Report(self.report(raw)?),
            Verb::Case(what) => {
                let to = match what {
                    Move::HandDown | Move::Transfer => {
                        let to = self.required(raw.to, "/to");
                        Some(to.and_then(|to| self.code(&to, "/to")))
                    }
                    Move::Acknowledge
                    | Move::Escalate
                    | Move::Handle
                    | Move::Close
                    | Move::Return
                    | Move::Decline
                    | Move::Reopen
                    | Move::Void
                    | Move::Note => None,
                };
                let text = match what {
                    Move::Acknowledge => None,
                    Move::Escalate
                    | Move::HandDown
                    | Move::Transfer
                    | Move::Return
                    | Move::Decline
                    | Move::Reopen
                    | Move::Void => Some(self.note(raw.reason, "/reason")?),
                    Move::Handle => Some(self.note(raw.measures, "/measures")?),
                    Move::Close => Some(self.note(raw.answer, "/answer")?),
                    Move::Note => Some(self.note(raw.note, "/note")?),
                };
                let to = match to {
                    Some(to) => Some(to?),
                    None => None,
                };
                Want::Move(CaseMove { what, target: target?, to, text })
            }
            Verb::Organisation(what) => Want::Organisation(seen, self.change(what, unit, raw)?),
            Verb::AdvanceClock => {
                let to = self.required(raw.to, "/to")?;
                Want::AdvanceClock(self.moment(Some(to), "/to")?)
            }
            Verb::AdmitClient => {
                let name = self.name(raw.name.take(), "/name");
                let grant = self.grant(raw);
                Want::AdmitClient(name?, grant?)
            }
            Verb::ChangeClient => Want::ChangeClient(client?, self.grant(raw)?),
            Verb::RotateClient => Want::RotateClient(client?, self.overlap(raw.overlap_hours)?),
            Verb::RevokeClient => Want::RevokeClient(client?),
            Verb::RevealCase => Want::Reveal(target?, self.reveal(raw)?),
            Verb::BeginImport => {
                Want::BeginImport(self.name(raw.origin, "/origin")?, ImportKind::Units)
            }
            Verb::StageUnits => Want::StageUnits(import?, self.rows(raw.rows, unit_row)?),
            Verb::StageText => {
                let text = self.required(raw.text, "/text")?;
                if text.is_empty() || text.len() > STAGED_TEXT_BYTES_MAX {
                    self.bytes_flaw("/text", &text, STAGED_TEXT_BYTES_MAX);
                    return None;
                }
                Want::StageText(import?, Arc::from(text))
            }
            Verb::CommitImport => Want::CommitImport(import?, seen),
            Verb::AbandonImport => Want::AbandonImport(import?),
        })
    }

    fn change(&mut self, what: Reshape, unit: Option<UnitCode>, raw: Raw<'_>) -> Option<Change> {
        let successor = raw.successor.map(|code| self.code(&code.0, "/successor"));
        Some(match what {
            Reshape::Open => Change::Open(self.unit_row(raw.row)?),
            Reshape::Amend => {
                let row = self.unit_row(raw.row)?;
                if row.code != unit? {
                    let note = Words::new(
                        "the code is the unit's own; move_unit gives it another",
                        "代码须为该单位自己的；改代码请用 move_unit",
                    );
                    self.flaw(Flaw::new("/row/code", FlawCode::BadValue).noted(note));
                    return None;
                }
                Change::Amend(row)
            }
            Reshape::Close => {
                let says_when = raw.valid_until.is_some();
                let until = self.moment(raw.valid_until.map(|text| text.0), "/valid_until");
                if says_when {
                    until?;
                }
                let successor = match successor {
                    Some(successor) => Some(successor?),
                    None => None,
                };
                Change::Close(CloseUnit { unit: unit?, successor, until })
            }
            Reshape::Keep => Change::Keep(unit?),
            Reshape::Split => {
                let into = self.counted(raw.rows, "/rows", 2..=UNITS_MERGED_MAX, unit_row);
                if successor.is_none() {
                    self.missing("/successor");
                }
                Change::Split(SplitUnit { unit: unit?, into: into?, successor: successor?? })
            }
            Reshape::Merge => {
                let Some(units) = raw.units else {
                    self.missing("/units");
                    return None;
                };
                if !(1..=UNITS_MERGED_MAX).contains(&units.len()) {
                    let note = Words::new(
                        format!("1 to {UNITS_MERGED_MAX} units"),
                        format!("1 至 {UNITS_MERGED_MAX} 个单位"),
                    );
                    self.flaw(Flaw::new("/units", FlawCode::BadNumber).noted(note));
                    return None;
                }
                let units: Vec<_> = units.iter().map(|code| self.code(&code.0, "/units")).collect();
                let units = units.into_iter().collect::<Option<Vec<_>>>()?;
                Change::Merge(MergeUnits { units, into: unit? })
            }
            Reshape::Move => {
                let to = self.required(raw.to, "/to")?;
                Change::Move(MoveUnit { unit: unit?, to: self.code(&to, "/to")? })
            }
        })
    }

    fn unit_row(&mut self, row: Option<&RawValue>) -> Option<UnitRow> {
        let Some(row) = row else {
            self.missing("/row");
            return None;
        };
        match unit_row(row.get()) {
            Ok(row) => Some(row),
            Err(found) => {
                self.row_faults("/row", found);
                None
            }
        }
    }

    fn report<'a>(&mut self, raw: Raw<'a>) -> Option<Report<'a>> {
        let matter = self.required(raw.matter, "/matter");
        let matter =
            matter.and_then(|matter| self.bounded(matter, "/matter", MATTER_CODE_BYTES_MAX));
        let place = self.required(raw.place, "/place");
        let place = place.and_then(|place| self.code(&place, "/place"));
        let source = self.required(raw.source, "/source");
        let source = source.and_then(|source| self.source(&source, "/source"));
        let source_number = raw.source_number.map(|number| number.0);
        let source_number = source_number
            .and_then(|number| self.ascii(number, "/source_number", SOURCE_NUMBER_BYTES_MAX));
        let occurred_at = self.moment(raw.occurred_at.map(|text| text.0), "/occurred_at");
        let claimant = raw.claimant.and_then(|claimant| self.claimant(claimant));
        let text = self.note(raw.text, "/text");
        let settle =
            raw.settle.and_then(|RawSettle { answer }| self.note(answer, "/settle/answer"));
        Some(Report {
            matter: matter?,
            place: place?,
            source: source?,
            source_number,
            occurred_at,
            claimant,
            text: text?,
            settle,
        })
    }

    fn claimant<'a>(&mut self, raw: RawClaimant<'a>) -> Option<Claimant<'a>> {
        let RawClaimant { name, phone, address } = raw;
        if name.is_none() && phone.is_none() && address.is_none() {
            self.flaw(Flaw::new("/claimant", FlawCode::Empty));
            return None;
        }
        let mut part = |text: Option<Text<'a>>, pointer, max| {
            text.and_then(|text| self.bounded(text.0, pointer, max))
        };
        Some(Claimant {
            name: part(name, "/claimant/name", NAME_BYTES_MAX),
            phone: part(phone, "/claimant/phone", PHONE_BYTES_MAX),
            address: part(address, "/claimant/address", ADDRESS_BYTES_MAX),
        })
    }

    /// The case that a line names.
    pub(super) fn target(
        &mut self,
        case: Option<RawCase<'_>>,
        version: Option<u32>,
    ) -> Option<Target> {
        let Some(case) = case else {
            self.missing("/case");
            return None;
        };
        let case = match case {
            RawCase::Id(id) => match u32::try_from(id) {
                Ok(id) if id > 0 => CaseRef::Id(CaseId(id)),
                Ok(_) | Err(_) => {
                    self.flaw(Flaw::new("/case", FlawCode::BadNumber));
                    return None;
                }
            },
            RawCase::Named { key: Some(key), source: None, number: None } => {
                CaseRef::Key(self.ascii(key.0, "/case/key", KEY_BYTES_MAX)?.into())
            }
            RawCase::Named { key: None, source: Some(source), number: Some(number) } => {
                let source = self.source(&source.0, "/case/source");
                let number = self.ascii(number.0, "/case/number", SOURCE_NUMBER_BYTES_MAX);
                CaseRef::Number(source?, number?.into())
            }
            RawCase::Named { .. } => {
                let note = Words::new(
                    "a case number, {\"key\"}, or {\"source\", \"number\"}",
                    "案件号、{\"key\"}，或 {\"source\", \"number\"}",
                );
                self.flaw(Flaw::new("/case", FlawCode::BadValue).noted(note));
                return None;
            }
        };
        Some(Target { case, version })
    }

    /// The import that a line names.
    pub(super) fn import(&mut self, import: Option<u32>) -> Option<ImportId> {
        if import.is_none() {
            self.missing("/import");
        }
        import.map(ImportId)
    }

    /// The version that a line was decided upon: nobody changes what he has not seen unless he says
    /// so.
    pub(super) fn seen(&mut self, seen: Option<RawSeen>) -> Option<Seq> {
        match seen {
            Some(RawSeen::Version(version)) => Some(Seq(version)),
            Some(RawSeen::Any) => None,
            None => {
                let note = Words::fixed(
                    "the version that was seen: seq of GET /v1/organisation, for a proposal of GET /v1/config; or \"*\"",
                    "应为所依据的版本：GET /v1/organisation 的 seq，提案则为 GET /v1/config 的 seq；或 \"*\"",
                );
                self.flaw(Flaw::new("/seen", FlawCode::MissingField).noted(note));
                None
            }
        }
    }

    /// The unit that a line names.
    pub(super) fn unit(&mut self, unit: Option<Text<'_>>) -> Option<UnitCode> {
        let unit = self.required(unit, "/unit")?;
        self.code(&unit, "/unit")
    }

    /// The unit acted for: whoever moves a case, or settles one on the spot, acts for one.
    pub(super) fn by(&mut self, verb: Verb, raw: &mut Raw<'_>) -> Option<UnitCode> {
        let by = raw.by.take();
        if by.is_none() && (matches!(verb, Verb::Case(_)) || raw.settle.is_some()) {
            self.missing("/by");
        }
        by.and_then(|by| self.code(&by.0, "/by"))
    }

    /// An idempotency key.
    pub(super) fn key<'a>(&mut self, key: Option<Text<'a>>) -> Option<Cow<'a, str>> {
        key.and_then(|key| self.ascii(key.0, "/key", KEY_BYTES_MAX))
    }

    /// A moment, where there is one.
    pub(super) fn moment(
        &mut self,
        text: Option<Cow<'_, str>>,
        pointer: &'static str,
    ) -> Option<Timestamp> {
        let text = text?;
        let bad = match parse_moment(&text) {
            Ok(moment) => return Some(moment),
            Err(BadMoment::NoTime) => Flaw::new(pointer, FlawCode::BadTime),
            Err(bad @ BadMoment::OutOfRange) => {
                Flaw::new(pointer, FlawCode::BadTime).noted(bad.words(&text))
            }
        };
        self.flaw(bad);
        None
    }

    pub(super) fn flaw(&mut self, flaw: Flaw) {
        self.flaws.push(flaw);
    }

    /// A field that is not there, unless it was found wrong and left out.
    pub(super) fn missing(&mut self, pointer: &'static str) {
        let is_told = self.flaws.iter().any(|flaw| flaw.pointer.starts_with(pointer));
        if !is_told {
            self.flaw(Flaw::new(pointer, FlawCode::MissingField));
        }
    }

    pub(super) fn required<'a>(
        &mut self,
        text: Option<Text<'a>>,
        pointer: &'static str,
    ) -> Option<Cow<'a, str>> {
        if text.is_none() {
            self.missing(pointer);
        }
        text.map(|text| text.0)
    }

    /// A text of the casework: 1 to 4,000 characters.
    fn note<'a>(&mut self, text: Option<Text<'a>>, pointer: &'static str) -> Option<Cow<'a, str>> {
        let text = self.required(text, pointer)?;
        if is_blank(&text) {
            self.flaw(Flaw::new(pointer, FlawCode::Empty));
            return None;
        }
        // No text has more characters than bytes: most need no counting.
        if text.len() > TEXT_CHARS_MAX && text.chars().count() > TEXT_CHARS_MAX {
            let note = Words::new(
                format!("at most {TEXT_CHARS_MAX} characters"),
                format!("最多 {TEXT_CHARS_MAX} 个字符"),
            );
            self.flaw(Flaw::new(pointer, FlawCode::TooLong).noted(note));
            return None;
        }
        self.printed(text, pointer)
    }

    /// A text without control characters but those that part its lines.
    fn printed<'a>(&mut self, text: Cow<'a, str>, pointer: &'static str) -> Option<Cow<'a, str>> {
        if let Some(note) = fault_of_text(&text) {
            self.flaw(Flaw::new(pointer, FlawCode::BadText).noted(note));
            return None;
        }
        Some(text)
    }

    fn name(&mut self, text: Option<Text<'_>>, pointer: &'static str) -> Option<Arc<str>> {
        let text = self.required(text, pointer)?;
        if !self.fits(&text, pointer, NAME_BYTES_MAX) {
            return None;
        }
        if let Some((message, hint)) = fault_of_name(&text) {
            self.flaw(Flaw::new(pointer, FlawCode::BadText).noted(message.and(&hint)));
            return None;
        }
        Some(Arc::from(text))
    }

    pub(super) fn bounded<'a>(
        &mut self,
        text: Cow<'a, str>,
        pointer: &'static str,
        bytes_max: usize,
    ) -> Option<Cow<'a, str>> {
        if self.fits(&text, pointer, bytes_max) { self.printed(text, pointer) } else { None }
    }

    fn fits(&mut self, text: &str, pointer: &'static str, bytes_max: usize) -> bool {
        let fits = !is_blank(text) && text.len() <= bytes_max;
        if !fits {
            self.bytes_flaw(pointer, text, bytes_max);
        }
        fits
    }

    fn bytes_flaw(&mut self, pointer: &'static str, text: &str, bytes_max: usize) {
        if text.len() > bytes_max {
            let note =
                Words::new(format!("at most {bytes_max} bytes"), format!("最多 {bytes_max} 字节"));
            self.flaw(Flaw::new(pointer, FlawCode::TooLong).noted(note));
        } else {
            self.flaw(Flaw::new(pointer, FlawCode::Empty));
        }
    }

    pub(super) fn ascii<'a>(
        &mut self,
        text: Cow<'a, str>,
        pointer: &'static str,
        bytes_max: usize,
    ) -> Option<Cow<'a, str>> {
        if is_printable(text.as_bytes(), bytes_max) {
            return Some(text);
        }
        let note = Words::new(format!("1 to {bytes_max} bytes"), format!("1 至 {bytes_max} 字节"));
        self.flaw(Flaw::new(pointer, FlawCode::BadKey).noted(note));
        None
    }

    pub(super) fn code(
        &mut self,
        text: &str,
        pointer: impl Into<Cow<'static, str>>,
    ) -> Option<UnitCode> {
        let code = text.parse().ok();
        if code.is_none() {
            let note = Words::new(
                "12 digits, 15 for a grid, or 12 digits, '-', a letter and 2 digits",
                "12 位数字；网格 15 位；其他单位为 12 位数字、“-”、一个字母和两位数字",
            );
            self.flaw(Flaw::new(pointer, FlawCode::BadCode).noted(note));
        }
        code
    }

    fn source(&mut self, text: &str, pointer: &'static str) -> Option<Source> {
        let source = Source::from_name(text);
        if source.is_none() {
            let names: Vec<_> = Source::ALL.iter().map(|source| source.name()).collect();
            self.flaw(Flaw::new(pointer, FlawCode::BadValue).noted(Words::one_of(&names)));
        }
        source
    }

    fn rows<T>(
        &mut self,
        rows: Option<Vec<&RawValue>>,
        row_of: fn(&str) -> Result<T, RowFaults>,
    ) -> Option<Vec<T>> {
        self.counted(rows, "/rows", 1..=STAGED_ROWS_MAX, row_of)
    }

    fn counted<T>(
        &mut self,
        rows: Option<Vec<&RawValue>>,
        pointer: &'static str,
        count: RangeInclusive<usize>,
        row_of: fn(&str) -> Result<T, RowFaults>,
    ) -> Option<Vec<T>> {
        let Some(rows) = rows else {
            self.missing(pointer);
            return None;
        };
        if !count.contains(&rows.len()) {
            let (least, most) = (count.start(), count.end());
            let note =
                Words::new(format!("{least} to {most} rows"), format!("{least} 至 {most} 行"));
            self.flaw(Flaw::new(pointer, FlawCode::BadNumber).noted(note));
            return None;
        }
        let mut good = Vec::with_capacity(rows.len());
        for (index, row) in rows.iter().enumerate() {
            match row_of(row.get()) {
                Ok(row) => good.push(row),
                Err(found) => self.row_faults(&format!("{pointer}/{index}"), found),
            }
        }
        (good.len() == rows.len()).then_some(good)
    }

    fn row_faults(&mut self, pointer: &str, found: RowFaults) {
        for (field, words) in found {
            let field = field.map(|field| format!("/{field}")).unwrap_or_default();
            self.flaw(Flaw::new(format!("{pointer}{field}"), FlawCode::BadRow).noted(words));
        }
    }
}

/// What is wrong with a row: the field, where it is one, and the words.
type RowFaults = Vec<(Option<&'static str>, Words)>;

/// Whether it is a key: 1 to `bytes_max` bytes of printable ASCII.
pub(in crate::api) fn is_printable(bytes: &[u8], bytes_max: usize) -> bool {
    let is_good = |byte: &u8| (0x20..0x7f).contains(byte);
    !bytes.is_empty() && bytes.len() <= bytes_max && bytes.iter().all(is_good)
}

fn unit_row(json: &str) -> Result<UnitRow, RowFaults> {
    row_of::<UnitText>(json)?.row().map_err(told)
}

fn row_of<'a, T: Deserialize<'a>>(json: &'a str) -> Result<T, RowFaults> {
    serde_json::from_str(json).map_err(|error| vec![(None, Words::of_parser(&error))])
}

fn told(flaws: Vec<rules::Flaw>) -> RowFaults {
    flaws.into_iter().map(|flaw| (flaw.field, flaw.words())).collect()
}
