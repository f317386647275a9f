//! The units of a city, from a seed, at any scale.
//!
//! At scale 1 the counts are those of 信阳市. Below it the tree is thinner but whole: at least one
//! county, township, village and grid. Above it there are more cities beside 信阳市, each of full
//! size but the last, in province 99, which no real place has; so a village never grows beyond
//! what its code can number, and each township stays the size that its room is made for.

use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, Gamma};

use super::apportion::apportion;
use super::bodies;
use super::draw::{Stream, below, stream};
use super::names::{self, COUNTIES, County, NAMED_COMMUNITIES, TownshipKind};
use crate::domain::catalogue::MatterRow;
use crate::domain::code::{Level, UnitCode};
use crate::domain::organisation::{Modules, UnitKind, UnitRow};

/// Townships and streets of the city (source).
pub(super) const TOWNSHIPS: u64 = 209;
/// Villages and communities of the city (source: about).
pub(super) const VILLAGES: u64 = 3_350;
/// Grids of the city (source).
pub(super) const GRIDS: u64 = 18_100;

/// A city made from a seed.
#[derive(Clone, Debug)]
pub struct City {
    pub(super) seed: u64,
    scale: f64,
    units: Vec<UnitRow>,
    /// Where the grids are among the units.
    pub(super) grids: Vec<u32>,
    pub(super) matters: Vec<MatterRow>,
}

impl City {
    /// The smallest scale: a thousandth of the city.
    pub const SCALE_MIN: f64 = 0.001;
    /// The largest scale: a hundred cities.
    pub const SCALE_MAX: f64 = 100.0;

    /// Makes the city of that seed. Scale 1 is 信阳市.
    ///
    /// # Panics
    /// When the scale is outside `SCALE_MIN` to `SCALE_MAX`.
    #[must_use]
    pub fn build(seed: u64, scale: f64) -> Self {
        assert!((Self::SCALE_MIN..=Self::SCALE_MAX).contains(&scale), "the scale is in its bounds");
        let matters =
            crate::rules::parse_catalogue("catalogue.toml", super::CATALOGUE_TOML.as_bytes())
                .expect("the embedded catalogue is without findings, as a test proves");
        let mut builder = Builder {
            weights: stream(seed, Stream::Units),
            first_name: below(&mut stream(seed, Stream::Names), 576),
            units: Vec::new(),
        };
        let mut left = scale;
        for ordinal in 0.. {
            builder.city(ordinal, left.min(1.0));
            left -= 1.0;
            if left < Self::SCALE_MIN {
                break;
            }
        }
        let mut units = builder.units;
        units.sort_by_key(|unit| unit.code);
        let grids = (0..).zip(&units).filter(|(_, unit)| unit.kind == UnitKind::Grid);
        let grids = grids.map(|(at, _)| at).collect();
        Self { seed, scale, units, grids, matters }
    }

    /// All units, in the order of their codes.
    #[must_use]
    pub fn units(&self) -> &[UnitRow] {
        &self.units
    }

    /// The matters of its catalogue.
    #[must_use]
    pub fn matters(&self) -> &[MatterRow] {
        &self.matters
    }

    /// The seed that it was made from.
    #[must_use]
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// How many cities it is worth.
    #[must_use]
    pub fn scale(&self) -> f64 {
        self.scale
    }
}

/// So many of `full` at that scale.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "small and positive")]
#[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
pub(super) fn scaled(full: u64, scale: f64) -> u64 {
    (full as f64 * scale).round() as u64
}

struct Builder {
    weights: ChaCha8Rng,
    first_name: u64,
    units: Vec<UnitRow>,
}

/// A township before its villages are known.
struct Township {
    code: u64,
    name: String,
    kind: TownshipKind,
}

/// A village before its grids are known.
struct Village {
    code: u64,
    name: String,
    weight: u64,
    grids_min: u64,
}

impl Builder {
    fn city(&mut self, ordinal: u64, scale: f64) {
        let (code, name) = match ordinal {
            0 => (4115, "信阳市".to_owned()),
            _ => (9900 + ordinal, format!("虚拟{ordinal:02}市")),
        };
        let city = self.division(code * 100_000_000, &name);
        self.room(city, &name, bodies::CENTRE);
        self.departments(city, &name);

        let counties = usize::try_from(scaled(COUNTIES.len() as u64, scale).max(1))
            .expect("as many as there are");
        let counties = &COUNTIES[..counties];
        let townships = scaled(TOWNSHIPS, scale).max(counties.len() as u64);
        let sizes: Vec<_> = counties.iter().map(|county| county.townships).collect();
        let sizes =
            if scale < 1.0 { apportion(townships, &sizes, &vec![1; sizes.len()]) } else { sizes };
        let mut all = Vec::new();
        for (county, size) in counties.iter().zip(sizes) {
            let county_code = code * 100 + county.serial;
            let seat = self.division(county_code * 1_000_000, county.name);
            self.room(seat, county.name, bodies::CENTRE);
            self.departments(seat, county.name);
            all.extend(self.townships(county_code, county, size));
        }

        let villages = scaled(VILLAGES, scale).max(all.len() as u64);
        let villages = self.villages(&all, villages);
        let grids = villages.iter().map(|village| village.grids_min).sum();
        self.grids(&villages, scaled(GRIDS, scale).max(grids));
    }

    /// The county's townships with their rooms.
    fn townships(&mut self, county_code: u64, county: &County, size: u64) -> Vec<Township> {
        let named = county.named.iter().take(super::draw::index(size)).copied();
        let mut kinds: Vec<(TownshipKind, Option<&str>)> =
            named.map(|(kind, name)| (kind, Some(name))).collect();
        for ordinal in kinds.len() as u64..size {
            // 3 and 10 share no factor: ten in a row have all ten places.
            let kind = match ordinal * 3 % 10 {
                place if place < county.streets_in_ten => TownshipKind::Street,
                place if place < county.streets_in_ten + county.towns_in_ten => TownshipKind::Town,
                _ => TownshipKind::Rural,
            };
            kinds.push((kind, None));
        }
        kinds.sort_by_key(|(kind, _)| *kind);

        let mut townships = Vec::new();
        let mut serial = 0;
        let mut before = None;
        for (kind, name) in kinds {
            serial = if before == Some(kind) { serial + 1 } else { kind.first_serial() };
            before = Some(kind);
            let name = name.map_or_else(|| self.township_name(kind), str::to_owned);
            let code = county_code * 1_000 + serial;
            let seat = self.division(code * 1_000, &name);
            self.room(seat, &name, bodies::ROOM);
            self.offices(seat, &name);
            townships.push(Township { code, name, kind });
        }
        townships
    }

    fn township_name(&mut self, kind: TownshipKind) -> String {
        self.first_name += 1;
        names::township(self.first_name, kind)
    }

    fn villages(&mut self, townships: &[Township], total: u64) -> Vec<Village> {
        // Assumed: townships differ in size by a CV of 0.3.
        let shape = Gamma::new(11.0, 1.0).expect("both are positive");
        let weights: Vec<_> = townships.iter().map(|_| self.weight(shape)).collect();
        let sizes = apportion(total, &weights, &vec![1; weights.len()]);
        let mut villages = Vec::new();
        for (township, size) in townships.iter().zip(sizes) {
            let first_name = below(&mut self.weights, 800);
            // Assumed: streets are all communities, a town has one in six, a 乡 one in twelve.
            let communities = match township.kind {
                TownshipKind::Street => size,
                TownshipKind::Town => size.div_ceil(6),
                TownshipKind::Rural => size.div_ceil(12),
            };
            for ordinal in 0..size {
                let is_community = ordinal < communities;
                let serial = if is_community { 1 + ordinal } else { 200 + ordinal - communities };
                let named = NAMED_COMMUNITIES
                    .iter()
                    .find(|(street, ..)| ordinal == 0 && township.name == *street);
                villages.push(Village {
                    code: township.code * 1_000 + serial,
                    name: match named {
                        Some((_, name, _)) => (*name).to_owned(),
                        None => names::village(first_name + ordinal, is_community),
                    },
                    weight: self.village_weight(is_community),
                    grids_min: named.map_or(1, |(_, _, grids)| *grids),
                });
            }
        }
        for village in &villages {
            let seat = self.division(village.code, &village.name);
            self.room(seat, &village.name, bodies::STATION);
        }
        villages
    }

    /// Assumed: grids of a village by Gamma of shape 2.5, a community with 1.8 times as many.
    fn village_weight(&mut self, is_community: bool) -> u64 {
        let weight = self.weight(Gamma::new(2.5, 1.0).expect("both are positive"));
        if is_community { weight * 9 / 5 } else { weight }
    }

    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "some thousands")]
    fn weight(&mut self, shape: Gamma<f64>) -> u64 {
        1 + (shape.sample(&mut self.weights) * 1_000.0) as u64
    }

    fn grids(&mut self, villages: &[Village], total: u64) {
        let weights: Vec<_> = villages.iter().map(|village| village.weight).collect();
        let minima: Vec<_> = villages.iter().map(|village| village.grids_min).collect();
        let sizes = apportion(total, &weights, &minima);
        for (village, size) in villages.iter().zip(sizes) {
            assert!(size <= 999, "a village's code numbers 999 grids");
            for serial in 1..=size {
                let code = UnitCode::of_place(village.code * 1_000 + serial).expect("15 digits");
                let name = format!("{}{}", village.name, names::grid_ending(serial));
                self.put(code, UnitKind::Grid, &name);
            }
        }
    }

    /// Puts a division in, by its 12 digits.
    fn division(&mut self, digits: u64, name: &str) -> UnitCode {
        let code = UnitCode::of_place(digits * 1_000).expect("12 digits");
        self.put(code, UnitKind::Division, name);
        code
    }

    fn room(&mut self, seat: UnitCode, seat_name: &str, name: &str) {
        self.body(seat, UnitKind::GovernanceRoom, 1, &format!("{seat_name}{name}"));
    }

    /// The departments of a city or county.
    fn departments(&mut self, seat: UnitCode, seat_name: &str) {
        for department in &bodies::DEPARTMENTS {
            let name = format!("{seat_name}{}", department.name);
            let row = self.body(seat, UnitKind::Department, department.serial, &name);
            row.modules = Modules::of(department.modules);
        }
    }

    /// The sub-units of a township, and what the county stations in it.
    fn offices(&mut self, seat: UnitCode, seat_name: &str) {
        for office in &bodies::OFFICES {
            let name = format!("{seat_name}{}", office.name);
            let row = self.body(seat, UnitKind::Office, office.serial, &name);
            row.modules = Modules::of(office.modules);
        }
        let county = seat.ancestor(Level::County).expect("a township lies in a county");
        for (serial, name, department) in
            [(1, "派出所", bodies::POLICE), (2, "司法所", bodies::JUSTICE)]
        {
            let row = self.body(seat, UnitKind::Stationed, serial, &format!("{seat_name}{name}"));
            row.reports_to = UnitCode::of_body(county, b'D', department).ok();
        }
    }

    /// Puts in what sits at a division.
    fn body(&mut self, seat: UnitCode, kind: UnitKind, serial: u8, name: &str) -> &mut UnitRow {
        let letter = kind.letter().and_then(|letter| u8::try_from(letter).ok());
        let letter = letter.expect("what sits at a division has a letter");
        let code = UnitCode::of_body(seat, letter, serial).expect("a division seats bodies");
        self.put(code, kind, name)
    }

    fn put(&mut self, code: UnitCode, kind: UnitKind, name: &str) -> &mut UnitRow {
        self.units.push(UnitRow::new(code, kind, name));
        self.units.last_mut().expect("one was just put in")
    }
}
