//! When cases come, and by which channel: hour by hour over the span, so that memory does not grow
//! with the number of cases.
//!
//! Each hour weighs the sum of its channels' weights times its day's factor. The cases are dealt
//! to the hours one by one (binomial, given what is left), so that they come to exactly the number
//! wanted and vary from hour to hour as chance has it.

use rand_chacha::ChaCha8Rng;
use rand_distr::{Binomial, Distribution, Gamma};

use super::draw::{Stream, below, stream};
use super::profile::{Channel, Profile};
use crate::domain::case::Source;
use crate::domain::ids::Timestamp;

const HOUR_MS: i64 = 3_600_000;
const HOURS_A_WEEK: u16 = 168;
const CHINA_MS: i64 = 8 * HOUR_MS;
const SOURCES: [Source; 4] = [Source::Patrol, Source::Resident, Source::Hotline, Source::Sensor];

/// A case comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Arrival {
    pub(super) at: Timestamp,
    pub(super) source: Source,
}

/// All cases in the order in which they come.
pub(super) struct Arrivals {
    rng: ChaCha8Rng,
    from: Timestamp,
    /// Each channel's weight in each hour of a week, Monday first.
    week: Vec<[f64; 4]>,
    /// What all hours from this one on weigh, and zero behind the last.
    rest: Vec<f64>,
    hour: usize,
    left: u64,
    /// This hour's cases, the last first.
    batch: Vec<Arrival>,
}

impl Arrivals {
    pub(super) fn new(seed: u64, profile: &Profile, cases: u64) -> Self {
        let mut rng = stream(seed, Stream::Arrivals);
        let week = week(&profile.channels());
        let shape = 1.0 / (profile.day_cv * profile.day_cv);
        let factor = Gamma::new(shape, 1.0 / shape).expect("both are positive");
        let mut weights = Vec::new();
        for day in 0..i64::from(profile.days) {
            let factor = factor.sample(&mut rng);
            for hour in 0..24 {
                let at = profile.from.plus_ms((24 * day + hour) * HOUR_MS);
                weights.push(factor * week[hour_of_week(at)].iter().sum::<f64>());
            }
        }
        let mut rest = vec![0.0; weights.len() + 1];
        for at in (0..weights.len()).rev() {
            rest[at] = rest[at + 1] + weights[at];
        }
        Self { rng, from: profile.from, week, rest, hour: 0, left: cases, batch: Vec::new() }
    }

    /// Deals the next hour its cases.
    fn next_hour(&mut self) {
        let (all, after) = (self.rest[self.hour], self.rest[self.hour + 1]);
        let share = ((all - after) / all).clamp(0.0, 1.0);
        let share = if after > 0.0 { share } else { 1.0 };
        let count = Binomial::new(self.left, share).expect("a probability").sample(&mut self.rng);
        let start = self.from.plus_ms(i64::try_from(self.hour).expect("few") * HOUR_MS);
        let mut moments: Vec<u64> =
            (0..count).map(|_| below(&mut self.rng, HOUR_MS.cast_unsigned())).collect();
        moments.sort_unstable_by_key(|moment| std::cmp::Reverse(*moment));
        let weights = self.week[hour_of_week(start)];
        for moment in moments {
            let at = start.plus_ms(moment.cast_signed());
            let source = pick(&mut self.rng, &weights);
            self.batch.push(Arrival { at, source });
        }
        self.left -= count;
        self.hour += 1;
    }
}

impl Iterator for Arrivals {
    type Item = Arrival;

    fn next(&mut self) -> Option<Arrival> {
        while self.batch.is_empty() && self.left > 0 {
            self.next_hour();
        }
        self.batch.pop()
    }
}

/// The hour of the week in China, Monday's first is 0.
fn hour_of_week(at: Timestamp) -> usize {
    // 1970-01-01 was a Thursday.
    let hours = (at.0 + CHINA_MS).div_euclid(HOUR_MS) + 3 * 24;
    usize::try_from(hours.rem_euclid(i64::from(HOURS_A_WEEK))).expect("within a week")
}

fn week(channels: &[Channel; 4]) -> Vec<[f64; 4]> {
    let weight = |channel: &Channel, at: usize| {
        let (day, hour) = (at / 24, at % 24);
        let hours = if day < 5 { &channel.week.weekday } else { &channel.week.weekend };
        f64::from(hours[hour]) / f64::from(hours.iter().sum::<u32>())
            * f64::from(channel.week.days[day])
    };
    let sums = channels.map(|channel| {
        (0..usize::from(HOURS_A_WEEK)).map(|at| weight(&channel, at)).sum::<f64>()
            / f64::from(channel.share)
    });
    let at_hour = |at| std::array::from_fn(|one| weight(&channels[one], at) / sums[one]);
    (0..usize::from(HOURS_A_WEEK)).map(at_hour).collect()
}

/// One of the sources by weight.
fn pick(rng: &mut ChaCha8Rng, weights: &[f64; 4]) -> Source {
    const STEPS: u32 = 1 << 30;
    let drawn = u32::try_from(below(rng, u64::from(STEPS))).expect("below 2^30");
    let mut left = f64::from(drawn) / f64::from(STEPS) * weights.iter().sum::<f64>();
    for (source, weight) in SOURCES.into_iter().zip(weights) {
        left -= weight;
        if left < 0.0 {
            return source;
        }
    }
    Source::Patrol
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exactly_so_many_cases_come_in_order_and_within_the_span() {
        let profile = Profile::default();
        for cases in [0, 1, 1_000, 64_000] {
            let arrivals: Vec<_> = Arrivals::new(9, &profile, cases).collect();
            assert_eq!(arrivals.len() as u64, cases);
            assert!(arrivals.is_sorted_by_key(|arrival| arrival.at));
            let span = profile.from..profile.end();
            assert!(arrivals.iter().all(|one| span.contains(&one.at)));
        }
    }

    #[test]
    fn the_sources_have_their_shares() {
        let arrivals: Vec<_> = Arrivals::new(9, &Profile::default(), 100_000).collect();
        let shares = SOURCES
            .map(|source| arrivals.iter().filter(|arrival| arrival.source == source).count());
        for (share, wanted) in shares.into_iter().zip([80_000, 15_000, 4_000, 1_000_usize]) {
            assert!(share.abs_diff(wanted) < wanted / 10, "{shares:?}");
        }
    }

    #[test]
    fn patrol_peaks_in_the_working_day() {
        let mut hours = [0_u32; 24];
        let mut days = [0_u32; 7];
        for arrival in Arrivals::new(9, &Profile::default(), 100_000) {
            let hour = hour_of_week(arrival.at);
            hours[hour % 24] += 1;
            days[hour / 24] += 1;
        }
        assert!(
            hours[10] > 2 * hours[12] && hours[15] > 2 * hours[12] && hours[3] * 10 < hours[10]
        );
        assert!(days[4] > days[0] && days[6] * 2 < days[0], "{days:?}");
    }
}
