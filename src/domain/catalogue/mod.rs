//! The catalogue of matters (事项): what can be reported, who is at home in it, and its limits.
//!
//! It is replaced whole. A matter that the next one has not is retired: no case of it can be reported
//! any more, and its number and row stay for those that were.

mod comparison;

use std::collections::BTreeSet;
use std::sync::Arc;

use super::calendar::Limit;
use super::code::Level;
use super::digest::{Digest, Hasher};
use super::hash::NumberMap;
use super::ids::{MatterNumber, Seq};

pub use comparison::{Added, Comparison};

macro_rules! named {
    ($(#[$doc:meta])* $type:ident { $($(#[$variant_doc:meta])* $variant:ident = $name:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $type { $($(#[$variant_doc])* $variant,)+ }

        impl $type {
            /// All of them, in order.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The API's name.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)+ }
            }

            /// The one of that API name.
            #[must_use]
            pub fn from_name(name: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|one| one.name() == name)
            }
        }
    };
}
pub(crate) use named;

/// A set of values of a [`named!`] type: value `n` of `ALL` is bit `n`.
macro_rules! set {
    ($(#[$doc:meta])* $type:ident($vis:vis $bits:ty) of $one:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
        pub struct $type($vis $bits);

        impl $type {
            /// The set of these.
            #[must_use]
            pub fn of(all: &[$one]) -> Self {
                Self(all.iter().fold(0, |bits, one| bits | 1 << *one as u32))
            }

            /// Whether it is in it.
            #[must_use]
            pub const fn contains(self, one: $one) -> bool {
                self.0 & (1 << one as u32) != 0
            }

            /// Whether nothing is in it.
            #[must_use]
            pub const fn is_empty(self) -> bool {
                self.0 == 0
            }

            /// What is in it, in order.
            pub fn iter(self) -> impl Iterator<Item = $one> {
                $one::ALL.iter().copied().filter(move |one| self.contains(*one))
            }
        }
    };
}
pub(crate) use set;

named!(
    /// The township's ten modules (十大模块).
    Module {
        /// 乡村振兴
        RuralRevitalisation = "rural_revitalisation",
        /// 平安建设
        PublicSafety = "public_safety",
        /// 纪检监察
        Discipline = "discipline",
        /// 组织统战
        OrganisationUnitedFront = "organisation_united_front",
        /// 监管执法
        Enforcement = "enforcement",
        /// 经济发展
        Economy = "economy",
        /// 交旅文创
        TransportTourismCulture = "transport_tourism_culture",
        /// 公共服务
        PublicService = "public_service",
        /// 武装工作
        ArmedForces = "armed_forces",
        /// 城乡建设
        Construction = "construction",
    }
);

named!(
    /// How grave a matter is.
    Severity {
        /// 一般
        Normal = "normal",
        /// 紧急: also shown to the watch of every level above.
        Urgent = "urgent",
        /// 突发: an emergency.
        Emergency = "emergency",
    }
);

named!(
    /// The level at which a matter is at home: 微事不出格、小事不出村、大事不出乡.
    HomeLevel {
        /// 微事, settled in the grid.
        Grid = "grid",
        /// 小事, settled in the village.
        Village = "village",
        /// 大事, settled in the township.
        Township = "township",
    }
);

impl Severity {
    /// Whether the watch of every level above shows it.
    #[must_use]
    pub const fn is_grave(self) -> bool {
        match self {
            Self::Normal => false,
            Self::Urgent | Self::Emergency => true,
        }
    }
}

impl HomeLevel {
    /// The same as a level of the line.
    #[must_use]
    pub const fn level(self) -> Level {
        match self {
            Self::Grid => Level::Grid,
            Self::Village => Level::Village,
            Self::Township => Level::Township,
        }
    }
}

/// A matter as the catalogue's text gives it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MatterRow {
    /// `PS-001`: letters, digits and `-`; names the matter in the API.
    pub code: Arc<str>,
    /// In Chinese, as the city calls it.
    pub name: Arc<str>,
    /// Its class within the module, as the city calls it.
    pub class: Arc<str>,
    /// The module that owns it.
    pub module: Module,
    /// Where it is at home.
    pub home: HomeLevel,
    /// How grave it is.
    pub severity: Severity,
    /// What each holder has.
    pub node_limit: Limit,
    /// What the whole case has, from its start to its close.
    pub total_limit: Limit,
    /// Whether its holder may report and settle it in one call.
    pub on_the_spot: bool,
    /// Whether it may be shown in public.
    pub public: bool,
    /// Whether its claimant is hidden from the handlers.
    pub confidential: bool,
    /// Whether its clocks start when it happened, and not when it was received.
    pub from_occurrence: bool,
}

/// All matters that ever were in force, by number and by code, and which still are.
#[derive(Clone, Debug, Default)]
pub struct Catalogue {
    matters: Vec<Matter>,
    by_code: NumberMap<Arc<str>, MatterNumber>,
    version: Seq,
    digest: Digest,
}

/// A matter in its place.
#[derive(Clone, Debug)]
struct Matter {
    row: MatterRow,
    /// The catalogue in force has it not.
    is_retired: bool,
}

impl Matter {
    fn hash(&self) -> u128 {
        let hasher = Hasher::new("known matter").wide(hash_of(&self.row));
        hasher.number(u64::from(self.is_retired)).finish()
    }
}

impl Catalogue {
    /// The matter of that number. Every number in an event is one of the catalogue's.
    #[must_use]
    pub fn matter(&self, number: MatterNumber) -> Option<&MatterRow> {
        self.known(number).map(|matter| &matter.row)
    }

    /// The matter of that code, retired or not.
    #[must_use]
    pub fn find(&self, code: &str) -> Option<(MatterNumber, &MatterRow)> {
        let number = *self.by_code.get(code)?;
        Some((number, self.matter(number)?))
    }

    /// Whether the catalogue in force has it not.
    #[must_use]
    pub fn is_retired(&self, number: MatterNumber) -> bool {
        self.known(number).is_some_and(|matter| matter.is_retired)
    }

    /// All matters, retired ones included, in the order of their numbers.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &MatterRow> {
        self.matters.iter().map(|matter| &matter.row)
    }

    /// The same with their numbers.
    pub fn numbered(&self) -> impl Iterator<Item = (MatterNumber, &MatterRow)> {
        (1..).map(MatterNumber).zip(self.iter())
    }

    /// How many matters there are, retired ones included.
    #[must_use]
    pub fn len(&self) -> usize {
        self.matters.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.matters.is_empty()
    }

    /// How many are in force.
    #[must_use]
    pub fn in_force(&self) -> usize {
        self.matters.iter().filter(|matter| !matter.is_retired).count()
    }

    /// The event that brought the catalogue into force; zero before the first.
    #[must_use]
    pub fn version(&self) -> Seq {
        self.version
    }

    /// Replaces the whole: a known code keeps its number, a new one gets the next, and what is not
    /// among the rows is retired.
    pub(super) fn replace(&mut self, rows: Vec<MatterRow>, version: Seq) {
        let codes: BTreeSet<_> = rows.iter().map(|row| Arc::clone(&row.code)).collect();
        for place in 0..self.matters.len() {
            let is_retired = !codes.contains(&self.matters[place].row.code);
            self.change(place, |matter| matter.is_retired = is_retired);
        }
        for row in rows {
            match self.by_code.get(&row.code) {
                Some(number) => self.change(usize::from(number.0) - 1, |matter| matter.row = row),
                None => self.restore(row, false),
            }
        }
        self.version = version;
    }

    /// Puts in the matter of the next number.
    pub(super) fn restore(&mut self, row: MatterRow, is_retired: bool) {
        let count = u16::try_from(self.matters.len()).expect("bounded by MATTERS_MAX");
        self.by_code.insert(Arc::clone(&row.code), MatterNumber(count + 1));
        let matter = Matter { row, is_retired };
        self.digest.add(matter.hash());
        self.matters.push(matter);
    }

    /// Says which event brought it into force.
    pub(super) fn restore_version(&mut self, version: Seq) {
        self.version = version;
    }

    /// The sum of its rows' hashes, and its version.
    #[must_use]
    pub fn digest(&self) -> Digest {
        let mut digest = self.digest;
        digest.add(Hasher::new("catalogue").number(self.version.0).finish());
        digest
    }

    fn known(&self, number: MatterNumber) -> Option<&Matter> {
        self.matters.get(usize::from(number.0).checked_sub(1)?)
    }

    fn change(&mut self, place: usize, change: impl FnOnce(&mut Matter)) {
        let matter = &mut self.matters[place];
        let before = matter.hash();
        change(matter);
        self.digest.replace(before, matter.hash());
    }
}

/// The hash of a row: its share of a digest.
pub(super) fn hash_of(row: &MatterRow) -> u128 {
    let Limit::CalendarHours(node) = row.node_limit;
    let Limit::CalendarHours(total) = row.total_limit;
    let flags = [row.on_the_spot, row.public, row.confidential, row.from_occurrence];
    Hasher::new("matter")
        .text(&row.code)
        .text(&row.name)
        .text(&row.class)
        .number(row.module as u64)
        .number(row.home as u64)
        .number(row.severity as u64)
        .number(u64::from(node))
        .number(u64::from(total))
        .number(flags.iter().fold(0, |bits, flag| bits << 1 | u64::from(*flag)))
        .finish()
}
