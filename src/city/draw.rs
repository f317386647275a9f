//! Chance: streams of one seed. What is emitted is drawn as integers.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// What a stream is for. Each is independent of how much the others draw.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stream {
    Units = 1,
    Names = 2,
    GridWeights = 3,
    Arrivals = 4,
    Lives = 5,
    Reports = 6,
}

/// The stream of that purpose.
pub(super) fn stream(seed: u64, purpose: Stream) -> ChaCha8Rng {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    rng.set_stream(purpose as u64);
    rng
}

/// One of the numbers below `bound`, all alike.
pub(super) fn below(rng: &mut impl Rng, bound: u64) -> u64 {
    scaled(rng.next_u64(), bound)
}

/// Whether a thing of that probability happens.
pub(super) fn happens(rng: &mut impl Rng, parts_per_million: u32) -> bool {
    below(rng, 1_000_000) < u64::from(parts_per_million)
}

/// A cheap stream for one text: which words it takes matters to nobody.
pub(super) struct Words(u64);

impl Words {
    /// The words of one step of one case.
    pub(super) fn of(seed: u64, case: u64, step: u64) -> Self {
        Self(
            seed ^ case.wrapping_mul(0x9e37_79b9_7f4a_7c15)
                ^ step.wrapping_mul(0xd1b5_4a32_d192_ed03),
        )
    }

    /// The next number, by splitmix64.
    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// One of the numbers below `bound`.
    pub(super) fn below(&mut self, bound: u64) -> u64 {
        scaled(self.next(), bound)
    }

    /// One of these.
    pub(super) fn pick<'a, T: ?Sized>(&mut self, of: &[&'a T]) -> &'a T {
        of[index(self.below(of.len() as u64))]
    }
}

/// A number that was drawn below the length of something in memory.
pub(super) fn index(drawn: u64) -> usize {
    usize::try_from(drawn).expect("below a length in memory")
}

fn scaled(random: u64, bound: u64) -> u64 {
    ((u128::from(random) * u128::from(bound)) >> 64) as u64
}
