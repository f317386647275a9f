//! What filters and orders look at, of one case, in 16 bytes: open cases are kept in their
//! holders' inboxes as this.
//!
//! ```text
//!  urgency  63    60 59                              0     facets  31       16 15  12 11 10 9 8 7  4 3   0
//!          ┌────────┬─────────────────────────────────┐           ┌───────────┬──────┬─────┬───┬────┬─────┐
//!          │8 − rank│ due at, ms; all ones: none runs │           │  matter   │flags │light│sev│src │state│
//!          └────────┴─────────────────────────────────┘           └───────────┴──────┴─────┴───┴────┴─────┘
//! ```
//!
//! A smaller urgency is more urgent: graver first, then the worse light, then the earlier due time.

use super::filter::Flag;
use crate::domain::case::{Case, Light, Source, StatusName};
use crate::domain::catalogue::Severity;
use crate::domain::ids::{CaseId, MatterNumber, Timestamp};

/// See the module.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::engine) struct Standing {
    urgency: u64,
    pub(in crate::engine) case: CaseId,
    facets: u32,
}

const _: () = assert!(size_of::<Standing>() == 16, "an inbox holds 16 bytes a case");

const DUE_BITS: u32 = 60;
const DUE_NONE: u64 = (1 << DUE_BITS) - 1;
const LIGHTS: u64 = Light::ALL.len() as u64;
const RANK_LAST: u64 = Severity::ALL.len() as u64 * LIGHTS - 1;
const _: () = assert!(RANK_LAST < 1 << (64 - DUE_BITS), "a rank has four bits");

const SOURCE_BIT: u32 = 4;
const SEVERITY_BIT: u32 = 8;
const LIGHT_BIT: u32 = 10;
const FLAGS_BIT: u32 = 12;
const MATTER_BIT: u32 = 16;
const _: () = assert!(
    StatusName::ALL.len() <= 16
        && Source::ALL.len() <= 16
        && Severity::ALL.len() <= 4
        && LIGHTS <= 4
        && Flag::ALL.len() <= 4,
    "each facet fits its bits"
);

impl Standing {
    /// How that case stands.
    pub(in crate::engine) fn of(id: CaseId, case: &Case) -> Self {
        let light = case.worse_light();
        let rank = case.severity as u64 * LIGHTS + light as u64;
        let due = case.due_at().map_or(DUE_NONE, |at| at.0.max(0).cast_unsigned().min(DUE_NONE));
        let flags = Flag::ALL.iter().filter(|flag| flag.is_of(case));
        let facets = case.status.name() as u32
            | (case.source as u32) << SOURCE_BIT
            | (case.severity as u32) << SEVERITY_BIT
            | (light as u32) << LIGHT_BIT
            | flags.fold(0, |bits, flag| bits | flag.bit()) << FLAGS_BIT
            | u32::from(case.matter.0) << MATTER_BIT;
        Self { urgency: (RANK_LAST - rank) << DUE_BITS | due, case: id, facets }
    }

    /// The smaller, the more urgent.
    pub(super) const fn urgency(&self) -> u64 {
        self.urgency
    }

    /// The first due time of its clocks that run; the last moment of all where none does.
    pub(super) const fn due(&self) -> Timestamp {
        Timestamp((self.urgency & DUE_NONE).cast_signed())
    }

    /// The place of its status among all.
    pub(in crate::engine) const fn status(&self) -> usize {
        (self.facets & 0xf) as usize
    }

    /// The place of its source among all.
    pub(super) const fn source(&self) -> u32 {
        self.facets >> SOURCE_BIT & 0xf
    }

    /// The place of its severity among all.
    pub(super) const fn severity(&self) -> u32 {
        self.facets >> SEVERITY_BIT & 0x3
    }

    /// The place of its worse light among all.
    pub(in crate::engine) const fn light(&self) -> usize {
        (self.facets >> LIGHT_BIT & 0x3) as usize
    }

    /// Its flags, a bit each.
    pub(super) const fn flags(&self) -> u32 {
        self.facets >> FLAGS_BIT & 0xf
    }

    /// Its matter.
    pub(in crate::engine) const fn matter(&self) -> MatterNumber {
        MatterNumber((self.facets >> MATTER_BIT) as u16)
    }
}
