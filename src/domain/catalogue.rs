//! The catalogue of matters (事项): what can be reported, who is at home in it, and its limits.

use std::sync::Arc;

use super::calendar::Limit;
use super::code::Level;
use super::digest::{Digest, Hasher};
use super::hash::NumberMap;
use super::ids::MatterNumber;

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

/// The matters in force, by number and by code.
#[derive(Clone, Debug, Default)]
pub struct Catalogue {
    rows: Vec<MatterRow>,
    by_code: NumberMap<Arc<str>, MatterNumber>,
    digest: Digest,
}

impl Catalogue {
    /// The matter of that number. Every number in an event is one of the catalogue's.
    #[must_use]
    pub fn matter(&self, number: MatterNumber) -> Option<&MatterRow> {
        self.rows.get(usize::from(number.0).checked_sub(1)?)
    }

    /// The matter of that code.
    #[must_use]
    pub fn find(&self, code: &str) -> Option<(MatterNumber, &MatterRow)> {
        let number = *self.by_code.get(code)?;
        Some((number, self.matter(number)?))
    }

    /// All matters, in the order of their numbers.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &MatterRow> {
        self.rows.iter()
    }

    /// How many matters there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Puts a matter in: a known code keeps its number, a new one gets the next.
    pub fn put(&mut self, row: MatterRow) {
        let hash = hash_of(&row);
        if let Some(number) = self.by_code.get(&row.code) {
            let slot = &mut self.rows[usize::from(number.0) - 1];
            self.digest.replace(hash_of(slot), hash);
            *slot = row;
            return;
        }
        let count = u16::try_from(self.rows.len()).expect("bounded by MATTERS_MAX");
        self.by_code.insert(Arc::clone(&row.code), MatterNumber(count + 1));
        self.digest.add(hash);
        self.rows.push(row);
    }

    /// The sum of its rows' hashes.
    #[must_use]
    pub fn digest(&self) -> Digest {
        self.digest
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
