//! A command as it was read and found good: borrowed from the body, not yet sealed.

use std::borrow::Cow;
use std::sync::Arc;

use crate::domain::case::{ClaimantFields, Move, Source};
use crate::domain::catalogue::MatterRow;
use crate::domain::code::UnitCode;
use crate::domain::command::{CaseRef, Change, GrantRequest, Target};
use crate::domain::ids::{ImportId, Seq, Timestamp};
use crate::domain::import::ImportKind;
use crate::domain::organisation::UnitRow;

/// A command that can be sealed and submitted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Draft<'a> {
    /// The idempotency key.
    pub key: Option<Cow<'a, str>>,
    /// The time that it brings, on a driven clock.
    pub at: Option<Timestamp>,
    /// The unit acted for.
    pub by: Option<UnitCode>,
    /// What is wanted.
    pub want: Want<'a>,
}

/// What is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Want<'a> {
    /// Report a case.
    Report(Report<'a>),
    /// Make a move on a case.
    Move(CaseMove<'a>),
    /// Change the organisation, if it was not changed since it was seen.
    Organisation(Option<Seq>, Change),
    /// Move a driven clock on.
    AdvanceClock(Timestamp),
    /// Let a client of that name act; its token is made later.
    AdmitClient(Arc<str>, GrantRequest),
    /// Let it do other things than before.
    ChangeClient(Arc<str>, GrantRequest),
    /// Give it its next token, made later; hours for which the one before lives on.
    RotateClient(Arc<str>, u32),
    /// Let it act no more.
    RevokeClient(Arc<str>),
    /// Show in plain who claims.
    Reveal(Target, Reveal),
    /// Begin an import of units, or of a whole catalogue.
    BeginImport(Arc<str>, ImportKind),
    /// Stage units.
    StageUnits(ImportId, Vec<UnitRow>),
    /// Stage matters.
    StageMatters(ImportId, Vec<MatterRow>),
    /// Stage a part of the text.
    StageText(ImportId, Arc<str>),
    /// Put an import into force, if the organisation was not changed since it was seen.
    CommitImport(ImportId, Option<Seq>),
    /// Forget an import.
    AbandonImport(ImportId),
}

/// A move on a case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CaseMove<'a> {
    /// Which move.
    pub what: Move,
    /// On which case.
    pub target: Target,
    /// To whom, where it sends the case.
    pub to: Option<UnitCode>,
    /// What is said with it, where the move has a text.
    pub text: Option<Cow<'a, str>>,
}

/// A report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report<'a> {
    /// The matter's code.
    pub matter: Cow<'a, str>,
    /// Where.
    pub place: UnitCode,
    /// Where it came from.
    pub source: Source,
    /// The number that the source gave it.
    pub source_number: Option<Cow<'a, str>>,
    /// When it happened.
    pub occurred_at: Option<Timestamp>,
    /// Who claims.
    pub claimant: Option<Claimant<'a>>,
    /// What is the matter.
    pub text: Cow<'a, str>,
    /// The answer, where it was settled on the spot.
    pub settle: Option<Cow<'a, str>>,
}

/// Who claims. Sealed as one JSON object.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Claimant<'a> {
    /// As they call themselves.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<Cow<'a, str>>,
    /// Where to call them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phone: Option<Cow<'a, str>>,
    /// Where they live.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<Cow<'a, str>>,
}

/// What of a claimant is to be shown in plain, and what for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reveal {
    /// At least one.
    pub fields: ClaimantFields,
    /// In words without anything personal.
    pub purpose: Arc<str>,
    /// The number of the paper that asks for it.
    pub ticket: Option<Arc<str>>,
}

impl Draft<'_> {
    /// Whether only the one ordered source of a driven clock may bring it.
    #[must_use]
    pub const fn moves_the_clock(&self) -> bool {
        self.at.is_some() || matches!(self.want, Want::AdvanceClock(_))
    }

    /// Writes the command's canonical form behind what is in `out`: equal commands have equal
    /// forms, whichever way they came. Key and `at` do not count: a known key gets its answer
    /// whatever its time.
    ///
    /// ```text
    ///  verb u8 │ by u64 │ the verb's fields in order: numbers as u64, texts as length+1 u32 and bytes
    /// ```
    pub fn write_canonical(&self, out: &mut Vec<u8>) {
        let mut form = Form(out);
        form.0.push(self.want.verb_number());
        form.number(self.by.map_or(0, UnitCode::packed));
        match &self.want {
            Want::Report(report) => form.report(report),
            Want::Move(CaseMove { what: _, target, to, text }) => {
                form.target(target);
                form.text(text.as_deref());
                form.code(*to);
            }
            Want::Organisation(seen, change) => {
                form.seen(*seen);
                form.change(change);
            }
            Want::AdvanceClock(to) => form.number(to.0.cast_unsigned()),
            Want::AdmitClient(name, grant) | Want::ChangeClient(name, grant) => {
                form.text(Some(name));
                form.grant(grant);
            }
            Want::RotateClient(name, overlap_hours) => {
                form.text(Some(name));
                form.number(u64::from(*overlap_hours));
            }
            Want::Reveal(target, reveal) => {
                form.target(target);
                form.0.push(reveal.fields.bits());
                form.text(Some(&reveal.purpose));
                form.text(reveal.ticket.as_deref());
            }
            Want::RevokeClient(text) => form.text(Some(text)),
            Want::BeginImport(origin, kind) => {
                form.text(Some(origin));
                if let ImportKind::Catalogue(size) = kind {
                    form.number(u64::from(size.matters));
                    form.number(u64::from(size.text_bytes));
                }
            }
            Want::StageUnits(import, rows) => {
                form.number(u64::from(import.0));
                for row in rows {
                    form.unit(row);
                }
            }
            Want::StageMatters(import, rows) => {
                form.number(u64::from(import.0));
                for row in rows {
                    form.matter(row);
                }
            }
            Want::StageText(import, text) => {
                form.number(u64::from(import.0));
                form.text(Some(text));
            }
            Want::CommitImport(import, seen) => {
                form.number(u64::from(import.0));
                form.seen(*seen);
            }
            Want::AbandonImport(import) => form.number(u64::from(import.0)),
        }
    }
}

impl Want<'_> {
    /// Marks of known keys outlive a release, so a number never changes its meaning.
    const fn verb_number(&self) -> u8 {
        match self {
            Self::Report(_) => 1,
            Self::Move(moved) => match moved.what {
                Move::Acknowledge => 2,
                Move::Escalate => 3,
                Move::Handle => 4,
                Move::Close => 5,
                Move::HandDown => 15,
                Move::Transfer => 16,
                Move::Return => 17,
                Move::Decline => 18,
                Move::Reopen => 19,
                Move::Void => 20,
                Move::Note => 21,
            },
            Self::Organisation(_, change) => match change {
                Change::Open(_) => 22,
                Change::Amend(_) => 23,
                Change::Close(_) => 24,
                Change::Keep(_) => 28,
                Change::Split(_) => 25,
                Change::Merge(_) => 26,
                Change::Move(_) => 27,
            },
            Self::AdvanceClock(_) => 6,
            Self::AdmitClient(..) => 7,
            Self::RevokeClient(_) => 8,
            Self::BeginImport(..) => 9,
            Self::StageUnits(..) => 10,
            Self::StageMatters(..) => 11,
            Self::StageText(..) => 12,
            Self::CommitImport(..) => 13,
            Self::AbandonImport(_) => 14,
            Self::ChangeClient(..) => 60,
            Self::RotateClient(..) => 61,
            Self::Reveal(..) => 62,
        }
    }
}

struct Form<'o>(&'o mut Vec<u8>);

impl Form<'_> {
    fn number(&mut self, number: u64) {
        self.0.extend_from_slice(&number.to_le_bytes());
    }

    fn text(&mut self, text: Option<&str>) {
        let length = text.map_or(0, |text| u32::try_from(text.len() + 1).unwrap_or(u32::MAX));
        self.0.extend_from_slice(&length.to_le_bytes());
        self.0.extend_from_slice(text.unwrap_or_default().as_bytes());
    }

    fn moment(&mut self, moment: Option<Timestamp>) {
        self.0.push(u8::from(moment.is_some()));
        self.number(moment.map_or(0, |moment| moment.0.cast_unsigned()));
    }

    fn report(&mut self, report: &Report<'_>) {
        self.text(Some(&report.matter));
        self.number(report.place.packed());
        self.0.push(report.source as u8);
        self.text(report.source_number.as_deref());
        self.moment(report.occurred_at);
        let claimant = report.claimant.as_ref();
        self.text(claimant.and_then(|claimant| claimant.name.as_deref()));
        self.text(claimant.and_then(|claimant| claimant.phone.as_deref()));
        self.text(claimant.and_then(|claimant| claimant.address.as_deref()));
        self.text(Some(&report.text));
        self.text(report.settle.as_deref());
    }

    fn grant(&mut self, grant: &GrantRequest) {
        self.0.push(grant.scopes.bits());
        self.number(grant.within.len() as u64);
        for code in &grant.within {
            self.number(code.packed());
        }
        self.number(grant.quota_per_minute.map_or(0, u64::from));
        self.moment(grant.expires_at);
    }

    fn target(&mut self, target: &Target) {
        // Not the version: who comes again has read the case anew, and wants the same.
        self.case(&target.case);
    }

    fn case(&mut self, case: &CaseRef) {
        match case {
            CaseRef::Id(id) => {
                self.0.push(1);
                self.number(u64::from(id.0));
            }
            CaseRef::Key(key) => {
                self.0.push(2);
                self.text(Some(key));
            }
            CaseRef::Number(source, number) => {
                self.0.extend_from_slice(&[3, *source as u8]);
                self.text(Some(number));
            }
        }
    }

    fn unit(&mut self, row: &UnitRow) {
        self.number(row.code.packed());
        self.0.push(row.kind as u8);
        self.text(Some(&row.name));
        self.code(row.reports_to);
        self.number(u64::from(row.modules.0));
        self.moment(row.valid_from);
        self.moment(row.valid_until);
        self.code(row.successor);
    }

    fn code(&mut self, code: Option<UnitCode>) {
        self.number(code.map_or(0, UnitCode::packed));
    }

    fn seen(&mut self, seen: Option<Seq>) {
        self.number(seen.map_or(0, |seen| seen.0 + 1));
    }

    fn change(&mut self, change: &Change) {
        match change {
            Change::Open(row) | Change::Amend(row) => self.unit(row),
            Change::Close(close) => {
                self.code(Some(close.unit));
                self.code(close.successor);
                if close.until.is_some() {
                    self.moment(close.until);
                }
            }
            Change::Keep(unit) => self.code(Some(*unit)),
            Change::Split(split) => {
                self.code(Some(split.unit));
                self.code(Some(split.successor));
                split.into.iter().for_each(|row| self.unit(row));
            }
            Change::Merge(merge) => {
                self.code(Some(merge.into));
                merge.units.iter().for_each(|unit| self.code(Some(*unit)));
            }
            Change::Move(moved) => {
                self.code(Some(moved.unit));
                self.code(Some(moved.to));
            }
        }
    }

    fn matter(&mut self, row: &MatterRow) {
        let crate::domain::calendar::Limit::CalendarHours(node) = row.node_limit;
        let crate::domain::calendar::Limit::CalendarHours(total) = row.total_limit;
        for text in [&row.code, &row.name, &row.class] {
            self.text(Some(text));
        }
        self.0.extend_from_slice(&[row.module as u8, row.home as u8, row.severity as u8]);
        self.number(u64::from(node) << 32 | u64::from(total));
        for flag in [row.on_the_spot, row.public, row.confidential, row.from_occurrence] {
            self.0.push(u8::from(flag));
        }
    }
}
