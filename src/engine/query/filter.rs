//! Which cases: what is asked for, and the same made ready to be held against many.

use super::Standing;
use crate::domain::case::{Case, Light, Source, StatusName};
use crate::domain::catalogue::{Severity, named};
use crate::domain::code::CodeRange;
use crate::domain::ids::{MatterNumber, Timestamp, UnitNumber};
use crate::domain::organisation::Organisation;

named!(
    /// A mark of a case.
    Flag {
        /// The township's room took it for want of a rule or an open grid.
        Fallback = "fallback",
        /// Reported and settled in one call.
        OnTheSpot = "on_the_spot",
        /// It went up.
        Escalated = "escalated",
        /// It was opened again.
        Reopened = "reopened",
    }
);

impl Flag {
    /// Whether the case has it.
    #[must_use]
    pub const fn is_of(self, case: &Case) -> bool {
        match self {
            Self::Fallback => case.is_fallback,
            Self::OnTheSpot => case.on_the_spot,
            Self::Escalated => case.escalations > 0,
            Self::Reopened => case.reopens > 0,
        }
    }

    pub(super) const fn bit(self) -> u32 {
        1 << self as u32
    }
}

/// Where: an open case is where its holder sits, an ended one where it happened, by the code that
/// the place had then.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Within {
    /// Anywhere.
    #[default]
    Everywhere,
    /// In a range of places: a unit's subtree, or one place alone.
    Range(CodeRange),
    /// Urgent or an emergency, and it happened in that range, whoever holds it, or is held there.
    Watch(CodeRange),
    /// Held by that unit.
    Holder(UnitNumber),
}

/// An interval of time, its first moment within and its end outside.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Span {
    /// The first moment; none: from the beginning.
    pub from: Option<Timestamp>,
    /// The first moment after it; none: without end.
    pub to: Option<Timestamp>,
}

impl Span {
    /// Whether it is all of time.
    #[must_use]
    pub const fn is_whole(self) -> bool {
        self.from.is_none() && self.to.is_none()
    }

    /// Whether the moment lies in it.
    #[must_use]
    pub fn contains(self, at: Timestamp) -> bool {
        self.from.is_none_or(|from| from <= at) && self.to.is_none_or(|to| at < to)
    }
}

/// Which cases are asked for: those that pass every part of it. An empty list lets all pass.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Where.
    pub within: Within,
    /// At one of these.
    pub statuses: Vec<StatusName>,
    /// Of one of these.
    pub severities: Vec<Severity>,
    /// Whose worse clock shows one of these.
    pub lights: Vec<Light>,
    /// From one of these.
    pub sources: Vec<Source>,
    /// Of one of these; none: of any.
    pub matters: Option<Vec<MatterNumber>>,
    /// With all of these.
    pub flags: Vec<Flag>,
    /// When it was received.
    pub reported: Span,
    /// When it ended.
    pub closed: Span,
    /// When its newest event was.
    pub changed: Span,
}

impl Filter {
    /// Whether open cases alone can pass.
    #[must_use]
    pub fn is_open_only(&self) -> bool {
        !self.statuses.is_empty() && self.statuses.iter().all(|status| status.is_open())
    }
}

/// A filter made ready.
pub(in crate::engine) struct Sieve<'o> {
    statuses: u32,
    sources: u32,
    severities: u32,
    lights: u32,
    flags: u32,
    matters: Option<NumberSet>,
    place: Place<'o>,
    is_watch: bool,
    reported: Span,
    closed: Span,
    changed: Span,
}

/// Where, made ready.
enum Place<'o> {
    Everywhere,
    Range {
        range: CodeRange,
        units: Vec<UnitNumber>,
        set: NumberSet,
        organisation: &'o Organisation,
    },
    Holder([UnitNumber; 1]),
}

impl<'o> Sieve<'o> {
    pub(in crate::engine) fn of(filter: &Filter, organisation: &'o Organisation) -> Self {
        let Filter { within, statuses, severities, lights, sources, .. } = filter;
        let one_of = |bits: u32| if bits == 0 { u32::MAX } else { bits };
        let is_watch = matches!(within, Within::Watch(_));
        let grave = Severity::ALL.iter().filter(|one| !is_watch || one.is_grave());
        let grave = grave.fold(0, |bits, one| bits | 1 << *one as u32);
        let numbers =
            |matters: &Vec<MatterNumber>| matters.iter().map(|one| u32::from(one.0)).collect();
        Self {
            statuses: one_of(statuses.iter().fold(0, |bits, one| bits | 1 << *one as u32)),
            sources: one_of(sources.iter().fold(0, |bits, one| bits | 1 << *one as u32)),
            severities: grave
                & one_of(severities.iter().fold(0, |bits, one| bits | 1 << *one as u32)),
            lights: one_of(lights.iter().fold(0, |bits, one| bits | 1 << *one as u32)),
            flags: filter.flags.iter().fold(0, |bits, flag| bits | flag.bit()),
            matters: filter.matters.as_ref().map(numbers),
            place: match within {
                Within::Everywhere => Place::Everywhere,
                Within::Range(range) | Within::Watch(range) => Place::range(*range, organisation),
                Within::Holder(unit) => Place::Holder([*unit]),
            },
            is_watch,
            reported: filter.reported,
            closed: filter.closed,
            changed: filter.changed,
        }
    }

    /// The units that it is about; none: all.
    pub(in crate::engine) fn units(&self) -> Option<&[UnitNumber]> {
        match &self.place {
            Place::Everywhere => None,
            Place::Range { units, .. } => Some(units),
            Place::Holder(unit) => Some(unit),
        }
    }

    /// Whether a case that stands so may pass; its row may yet be refused.
    pub(in crate::engine) fn admits(&self, standing: &Standing) -> bool {
        self.statuses >> standing.status() & 1 == 1
            && self.sources >> standing.source() & 1 == 1
            && self.severities >> standing.severity() & 1 == 1
            && self.lights >> standing.light() & 1 == 1
            && standing.flags() & self.flags == self.flags
            && self.matters.as_ref().is_none_or(|all| all.contains(standing.matter().0.into()))
    }

    /// Whether a case may be refused by its row.
    pub(in crate::engine) fn needs_row(&self) -> bool {
        [self.reported, self.closed, self.changed].iter().any(|span| !span.is_whole())
    }

    /// Whether the row passes what its standing does not tell.
    pub(in crate::engine) fn admits_row(&self, case: &Case) -> bool {
        let is_in_closed = || match case.status.ended() {
            Some((_, at)) => self.closed.contains(at),
            None => self.closed.is_whole(),
        };
        self.reported.contains(case.reported_at)
            && self.changed.contains(case.changed_at)
            && is_in_closed()
    }

    /// Whether what happened where those units are is asked for, whoever holds it.
    pub(in crate::engine) const fn is_watch(&self) -> bool {
        self.is_watch
    }

    /// Whether it happened at one of the units that it is about.
    pub(in crate::engine) fn happened_within(&self, case: &Case) -> bool {
        match &self.place {
            Place::Everywhere => true,
            Place::Holder([unit]) => case.place == *unit,
            Place::Range { set, .. } => set.contains(case.place.0),
        }
    }

    /// Whether the case is where it is to be.
    pub(in crate::engine) fn admits_place(&self, case: &Case) -> bool {
        let holder = case.status.holder();
        match &self.place {
            Place::Range { .. } if self.is_watch && self.happened_within(case) => true,
            Place::Everywhere => true,
            Place::Holder([unit]) => holder == Some(*unit),
            Place::Range { range, set, organisation, .. } => match holder {
                Some(holder) => set.contains(holder.0),
                None if organisation.former(case.place).is_empty() => set.contains(case.place.0),
                None => case.place_code(organisation).is_some_and(|code| range.contains(code)),
            },
        }
    }

    /// Whether any case last changed by `changed_at` can pass.
    pub(in crate::engine) fn reaches(&self, changed_at: Timestamp) -> bool {
        // Whatever ended did so no later than it last changed.
        let from = self.closed.from.max(self.changed.from);
        from.is_none_or(|from| from <= changed_at)
    }

    /// When a case that passes was received, at the latest and widest.
    pub(in crate::engine) fn reported(&self) -> Span {
        // Nothing ends or changes before it was received.
        let ends = [self.reported.to, self.closed.to, self.changed.to];
        Span { from: self.reported.from, to: ends.into_iter().flatten().min() }
    }
}

impl<'o> Place<'o> {
    fn range(range: CodeRange, organisation: &'o Organisation) -> Self {
        let units: Vec<_> = organisation.within(range).units().collect();
        let set = units.iter().map(|unit| unit.0).collect();
        Self::Range { range, units, set, organisation }
    }
}

/// Numbers, a bit each.
struct NumberSet(Vec<u64>);

impl NumberSet {
    fn contains(&self, number: u32) -> bool {
        let word = self.0.get(number as usize / 64);
        word.is_some_and(|word| word >> (number % 64) & 1 == 1)
    }
}

impl FromIterator<u32> for NumberSet {
    fn from_iter<I: IntoIterator<Item = u32>>(numbers: I) -> Self {
        let mut words = Vec::new();
        for number in numbers {
            let word = number as usize / 64;
            if words.len() <= word {
                words.resize(word + 1, 0);
            }
            words[word] |= 1 << (number % 64);
        }
        Self(words)
    }
}
