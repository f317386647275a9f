//! What a token may be used for, where, how often and how long.

use std::sync::Arc;

use super::catalogue::named;
use super::code::{CodeRange, UnitCode};
use super::digest::Hasher;
use super::ids::Timestamp;
use super::limits::CLIENT_RANGES_MAX;

named!(
    /// What a token may be used for.
    Scope {
        /// Report cases.
        Intake = "intake",
        /// Move cases on, and see a claimant in plain.
        Act = "act",
        /// Read cases, units, counts and the feed.
        Read = "read",
        /// Issue directives and answer them.
        Directive = "directive",
        /// Administer: clients, imports, configuration, the raw journal. Holds all others.
        Admin = "admin",
    }
);

/// A set of scopes. With `admin` in it, it is the set of all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Scopes(u8);

impl Scopes {
    /// All of them: an administrator's.
    pub const ALL: Self = Self((1 << Scope::ALL.len()) - 1);

    /// The set of these.
    #[must_use]
    pub fn of(scopes: &[Scope]) -> Self {
        let bits = scopes.iter().fold(0, |bits, one| bits | 1 << *one as u8);
        if Self(bits).contains(Scope::Admin) { Self::ALL } else { Self(bits) }
    }

    /// Whether the scope is in it.
    #[must_use]
    pub const fn contains(self, one: Scope) -> bool {
        self.0 & (1 << one as u8) != 0
    }

    /// Whether nothing is in it.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The scopes in it, in order.
    pub fn iter(self) -> impl Iterator<Item = Scope> {
        Scope::ALL.iter().copied().filter(move |one| self.contains(*one))
    }

    /// The last scope of `needed` that is not in it: `admin` before what it holds.
    #[must_use]
    pub fn missing(self, needed: Self) -> Option<Scope> {
        let is_missing = |one: &Scope| needed.contains(*one) && !self.contains(*one);
        Scope::ALL.iter().copied().rev().find(is_missing)
    }

    /// As bits, for whoever keeps it: scope `n` of [`Scope::ALL`] is bit `n`.
    #[must_use]
    pub const fn bits(self) -> u8 {
        self.0
    }

    /// The set of these bits; none where one of them names no scope.
    #[must_use]
    pub fn from_bits(bits: u8) -> Option<Self> {
        let scopes: Vec<_> = Self(bits & Self::ALL.0).iter().collect();
        (bits & !Self::ALL.0 == 0).then(|| Self::of(&scopes))
    }
}

/// The places that exist for a token: ranges in order, of which no two touch, compiled once a token.
/// Cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Places(Arc<[CodeRange]>);

impl Places {
    /// Everywhere.
    #[must_use]
    pub fn everywhere() -> Self {
        Self(Arc::new([CodeRange::ALL]))
    }

    /// A unit and all below it.
    #[must_use]
    pub fn within(unit: UnitCode) -> Self {
        Self(Arc::new([unit.range()]))
    }

    /// The places of these ranges; none where there is no range, one that is none (its last place
    /// before its first), or more than `CLIENT_RANGES_MAX` of them that do not touch.
    #[must_use]
    pub fn of(ranges: impl IntoIterator<Item = CodeRange>) -> Option<Self> {
        let mut ranges: Vec<_> = ranges.into_iter().collect();
        if ranges.iter().any(|range| range.last < range.first) {
            return None;
        }
        ranges.sort_unstable();
        ranges.dedup_by(|next, before| {
            let touches = next.first <= before.last.saturating_add(1);
            if touches {
                before.last = before.last.max(next.last);
            }
            touches
        });
        (1..=CLIENT_RANGES_MAX).contains(&ranges.len()).then(|| Self(ranges.into()))
    }

    /// Whether the unit sits within.
    #[must_use]
    pub fn contains(&self, code: UnitCode) -> bool {
        let at = self.0.partition_point(|range| range.is_before(code));
        self.0.get(at).is_some_and(|range| range.contains(code))
    }

    /// Whether they are everywhere.
    #[must_use]
    pub fn is_everywhere(&self) -> bool {
        *self.0 == [CodeRange::ALL]
    }

    /// The ranges, in order.
    #[must_use]
    pub fn ranges(&self) -> &[CodeRange] {
        &self.0
    }
}

/// What a client may do.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Grant {
    /// What its tokens may be used for.
    pub scopes: Scopes,
    /// The places whose units it acts for and whose cases exist for it.
    pub places: Places,
    /// Commands and reads a minute; none: as many as it likes.
    pub quota_per_minute: Option<u32>,
    /// From when its tokens are worth nothing; none: never.
    pub expires_at: Option<Timestamp>,
}

impl Grant {
    /// An administrator's, without end.
    #[must_use]
    pub fn admin() -> Self {
        Self {
            scopes: Scopes::ALL,
            places: Places::everywhere(),
            quota_per_minute: None,
            expires_at: None,
        }
    }

    /// Whether it administers.
    #[must_use]
    pub const fn is_admin(&self) -> bool {
        self.scopes.contains(Scope::Admin)
    }

    /// Whether it is over at `now`.
    #[must_use]
    pub fn is_expired(&self, now: Timestamp) -> bool {
        self.expires_at.is_some_and(|expires_at| expires_at <= now)
    }

    pub(super) fn hash_onto(&self, hasher: Hasher) -> Hasher {
        let hasher = hasher
            .number(u64::from(self.scopes.bits()))
            .number(self.quota_per_minute.map_or(0, u64::from))
            .number(u64::from(self.expires_at.is_some()))
            .number(self.expires_at.map_or(0, |at| at.0.cast_unsigned()))
            .number(self.places.ranges().len() as u64);
        let ranges = self.places.ranges().iter();
        ranges.fold(hasher, |hasher, range| hasher.number(range.first).number(range.last))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(first: u64, last: u64) -> CodeRange {
        CodeRange { first, last }
    }

    #[test]
    fn an_administrator_has_every_scope() {
        let admin = Scopes::of(&[Scope::Admin]);
        assert!(Scope::ALL.iter().all(|one| admin.contains(*one)));
        assert_eq!(admin, Scopes::ALL);
        assert_eq!(Scopes::from_bits(1 << Scope::Admin as u8), Some(Scopes::ALL));
        assert_eq!(Scopes::from_bits(1 << Scope::ALL.len()), None);
        let some = Scopes::of(&[Scope::Read, Scope::Intake]);
        assert_eq!(Scopes::from_bits(some.bits()), Some(some));
        assert_eq!(some.missing(Scopes::of(&[Scope::Intake, Scope::Act])), Some(Scope::Act));
        assert_eq!(Scopes::ALL.missing(some), None);
        assert_eq!(some.missing(admin), Some(Scope::Admin));
    }

    #[test]
    fn ranges_are_put_in_order_and_together() {
        let rows = [
            (vec![(5, 9), (1, 3)], vec![(1, 3), (5, 9)]),
            (vec![(1, 3), (4, 9)], vec![(1, 9)]),
            (vec![(1, 9), (2, 3), (20, 30)], vec![(1, 9), (20, 30)]),
            (vec![(7, 7), (7, 7)], vec![(7, 7)]),
        ];
        for (given, expected) in rows {
            let places = Places::of(given.iter().map(|(first, last)| range(*first, *last)));
            let expected: Vec<_> =
                expected.iter().map(|(first, last)| range(*first, *last)).collect();
            assert_eq!(places.expect("good ranges").ranges(), expected, "{given:?}");
        }
    }

    #[test]
    fn what_is_no_range_is_refused() {
        assert_eq!(Places::of([]), None);
        assert_eq!(Places::of([range(1, 2), range(9, 8)]), None);
        let apart = |count: u64| (0..count).map(|at| range(at * 10, at * 10));
        assert!(Places::of(apart(CLIENT_RANGES_MAX as u64)).is_some());
        assert_eq!(Places::of(apart(CLIENT_RANGES_MAX as u64 + 1)), None);
    }

    #[test]
    fn a_place_is_found_in_any_range() {
        let code = |text: &str| text.parse::<UnitCode>().expect("a good code");
        let (first, second) = (code("411502001000"), code("411503002001"));
        let places = Places::of([second.range(), first.range()]).expect("two ranges");
        for within in ["411502001000", "411502001001001", "411502001000-R01", "411503002001002"] {
            assert!(places.contains(code(within)), "{within}");
        }
        for beyond in ["411500000000", "411502000000", "411502002000", "411503002000"] {
            assert!(!places.contains(code(beyond)), "{beyond}");
        }
        assert!(Places::everywhere().contains(first) && Places::everywhere().is_everywhere());
    }
}
