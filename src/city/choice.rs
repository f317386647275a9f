//! What a case is of and where: matters by how common they are, grids by how much happens in them.

use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, Gamma};

use super::build::City;
use super::draw::{Stream, below, index, stream};
use super::profile::Profile;
use crate::domain::catalogue::{HomeLevel, MatterRow};
use crate::domain::code::{Level, UnitCode};
use crate::domain::organisation::UnitRow;

/// How many recent reports a duplicate chooses from.
const RECENT: usize = 64;

/// Grids by how much happens in them.
pub(super) struct Places<'a> {
    city: &'a City,
    /// What all grids up to this one weigh.
    sums: Vec<u64>,
}

impl<'a> Places<'a> {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "some millions")]
    pub(super) fn new(city: &'a City, profile: &Profile) -> Self {
        let mut rng = stream(city.seed, Stream::GridWeights);
        let shape = Gamma::new(profile.grid_shape, 1.0).expect("both are positive");
        let mut sum = 0;
        let weigh = |_: &u32| {
            sum += 1 + (shape.sample(&mut rng) * 1_000_000.0) as u64;
            sum
        };
        Self { city, sums: city.grids.iter().map(weigh).collect() }
    }

    pub(super) fn pick(&self, rng: &mut ChaCha8Rng) -> &'a UnitRow {
        let drawn = below(rng, *self.sums.last().expect("a city has a grid"));
        let at = self.sums.partition_point(|sum| *sum <= drawn);
        &self.city.units()[self.city.grids[at] as usize]
    }

    pub(super) fn village_of(&self, grid: UnitCode) -> &'a UnitRow {
        let code = grid.ancestor(Level::Village).expect("a grid lies in a village");
        let units = self.city.units();
        &units[units.binary_search_by_key(&code, |unit| unit.code).expect("every parent exists")]
    }
}

/// The matters of one home, and the newest reports of them.
pub(super) struct Matters<'a> {
    all: Vec<&'a MatterRow>,
    on_the_spot: Vec<&'a MatterRow>,
    recent: Vec<(&'a MatterRow, &'a UnitRow)>,
}

impl<'a> Matters<'a> {
    pub(super) fn new(city: &'a City, home: HomeLevel) -> Self {
        let all: Vec<_> = city.matters.iter().filter(|matter| matter.home == home).collect();
        let on_the_spot = all.iter().copied().filter(|matter| matter.on_the_spot).collect();
        Self { all, on_the_spot, recent: Vec::with_capacity(RECENT) }
    }

    pub(super) fn pick(&self, rng: &mut ChaCha8Rng) -> &'a MatterRow {
        pick(&self.all, rng)
    }

    pub(super) fn pick_on_the_spot(&self, rng: &mut ChaCha8Rng) -> &'a MatterRow {
        pick(&self.on_the_spot, rng)
    }

    /// One of the newest reports, none before the first.
    pub(super) fn recent(&self, rng: &mut ChaCha8Rng) -> Option<(&'a MatterRow, &'a UnitRow)> {
        let drawn = below(rng, RECENT as u64);
        self.recent.get(index(drawn)).copied()
    }

    pub(super) fn remember(&mut self, ordinal: u64, report: (&'a MatterRow, &'a UnitRow)) {
        if self.recent.len() < RECENT {
            self.recent.push(report);
        } else {
            self.recent[index(ordinal % RECENT as u64)] = report;
        }
    }
}

/// Assumed: everyday matters come three times as often as rare ones, in the catalogue's order
/// within their home.
fn pick<'a>(matters: &[&'a MatterRow], rng: &mut ChaCha8Rng) -> &'a MatterRow {
    let count = matters.len() as u64;
    let (one, other) = (below(rng, count), below(rng, count));
    matters[index(one.min(other))]
}
