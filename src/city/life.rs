//! The life of one case, planned when it comes: where it is at home, how far up it goes, and when
//! each of its holders does what.
//!
//! ```text
//!  reported ── signing ──▶ acknowledged ───────▶ escalated (one level up) ──▶ … 40 % of the time
//!                          acknowledged ─ 90 % ─▶ handled ─▶ closed             the last holder
//! ```

use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, LogNormal};

use super::draw::{below, happens};
use super::profile::{Duration, Profile};
use crate::domain::case::{Move, Source};
use crate::domain::catalogue::HomeLevel;
use crate::domain::code::Level;

const HOUR_MS: f64 = 3_600_000.0;
const MINUTE_MS: i64 = 60_000;
/// The longest life: half a year. A lognormal has no end of its own.
const LIFE_MS_MAX: i64 = 180 * 24 * 60 * MINUTE_MS;
/// The longest signing: a week.
const SIGNING_MS_MAX: i64 = 7 * 24 * 60 * MINUTE_MS;

/// What becomes of a case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Life {
    /// Reported and settled in one call.
    OnTheSpot,
    /// Dispatched, and moved on by its holders.
    Moved {
        /// Of what home its matter is.
        home: HomeLevel,
        /// It names no more than a village, though its matter is the grid's.
        is_without_grid: bool,
        /// In order.
        moves: Vec<Planned>,
    },
}

/// A move that will come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Planned {
    /// After the report, in milliseconds.
    pub(super) after_ms: i64,
    pub(super) what: Move,
    /// The level of who makes it.
    pub(super) by: Level,
}

/// Plans the life of a case from that source.
pub(super) fn plan(rng: &mut ChaCha8Rng, profile: &Profile, source: Source) -> Life {
    if is_on_the_spot(rng, profile, source) {
        return Life::OnTheSpot;
    }
    let closer = closing_level(rng, profile);
    let is_without_grid = closer == HomeLevel::Township
        && source == Source::Hotline
        && happens(rng, profile.hotline_without_grid);
    if is_without_grid {
        let moves = moves(rng, profile, &[Level::Township]);
        return Life::Moved { home: HomeLevel::Grid, is_without_grid, moves };
    }
    let home = home_level(rng, profile, closer);
    let holders: Vec<_> = [Level::Grid, Level::Village, Level::Township]
        .into_iter()
        .filter(|level| home.level() <= *level && *level <= closer.level())
        .collect();
    let moves = moves(rng, profile, &holders);
    Life::Moved { home, is_without_grid, moves }
}

fn is_on_the_spot(rng: &mut ChaCha8Rng, profile: &Profile, source: Source) -> bool {
    let may = profile.patrol.share + profile.resident.share;
    match source {
        // The share is of all cases: those that may be must make up for those that may not.
        Source::Patrol | Source::Resident => {
            below(rng, u64::from(may)) < u64::from(profile.on_the_spot)
        }
        Source::Hotline | Source::Department | Source::Sensor => false,
    }
}

/// Where a case with a life closes: the shares are of all cases.
fn closing_level(rng: &mut ChaCha8Rng, profile: &Profile) -> HomeLevel {
    let lives = 1_000_000 - u64::from(profile.on_the_spot);
    let village = u64::from(profile.closed_in_village);
    match below(rng, lives) {
        drawn if drawn < village => HomeLevel::Village,
        drawn if drawn < village + u64::from(profile.closed_in_township) => HomeLevel::Township,
        _ => HomeLevel::Grid,
    }
}

fn home_level(rng: &mut ChaCha8Rng, profile: &Profile, closer: HomeLevel) -> HomeLevel {
    let drawn = below(rng, 1_000_000);
    let once = u64::from(profile.township_escalated_once);
    match closer {
        HomeLevel::Grid => HomeLevel::Grid,
        HomeLevel::Village if drawn < u64::from(profile.village_escalated) => HomeLevel::Grid,
        HomeLevel::Village => HomeLevel::Village,
        HomeLevel::Township if drawn < once => HomeLevel::Village,
        HomeLevel::Township if drawn < once + u64::from(profile.township_escalated_twice) => {
            HomeLevel::Grid
        }
        HomeLevel::Township => HomeLevel::Township,
    }
}

/// The moves of these holders, from the first to the one that closes.
fn moves(rng: &mut ChaCha8Rng, profile: &Profile, holders: &[Level]) -> Vec<Planned> {
    let closer = *holders.last().expect("a case has a holder");
    let whole = hours(rng, profile.closing[closer as usize], LIFE_MS_MAX);
    let escalations = i64::try_from(holders.len() - 1).expect("two at most");
    let before_closer = if escalations == 0 { 0 } else { whole * 2 / 5 / escalations };
    let mut moves = Vec::with_capacity(7);
    let mut start = 0;
    for holder in &holders[..holders.len() - 1] {
        let end = start + before_closer;
        if !happens(rng, profile.escalated_unsigned) {
            let signed = signing(rng, profile, end - start);
            moves.push(Planned { after_ms: start + signed, what: Move::Acknowledge, by: *holder });
        }
        moves.push(Planned { after_ms: end, what: Move::Escalate, by: *holder });
        start = end;
    }
    let signed = start + signing(rng, profile, whole - start);
    let handled = signed + (whole - signed) * 9 / 10;
    moves.push(Planned { after_ms: signed, what: Move::Acknowledge, by: closer });
    moves.push(Planned { after_ms: handled, what: Move::Handle, by: closer });
    moves.push(Planned { after_ms: whole, what: Move::Close, by: closer });
    if happens(rng, profile.never_closed) {
        let kept = below(rng, moves.len() as u64);
        moves.truncate(super::draw::index(kept));
    }
    moves
}

fn signing(rng: &mut ChaCha8Rng, profile: &Profile, whole: i64) -> i64 {
    hours(rng, profile.signing, SIGNING_MS_MAX).min(whole / 2)
}

/// A duration in whole milliseconds, from one minute to the most.
#[expect(clippy::cast_possible_truncation, reason = "held to the most, and a cast saturates")]
fn hours(rng: &mut ChaCha8Rng, duration: Duration, most_ms: i64) -> i64 {
    let shape =
        LogNormal::new(duration.median_hours.ln(), duration.sigma).expect("sigma is finite");
    ((shape.sample(rng) * HOUR_MS) as i64).clamp(MINUTE_MS, most_ms)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::city::draw::{Stream, stream};

    fn lives(count: u32, source: Source) -> Vec<Life> {
        let mut rng = stream(11, Stream::Lives);
        let profile = Profile::default();
        (0..count).map(|_| plan(&mut rng, &profile, source)).collect()
    }

    #[test]
    fn moves_follow_each_other_and_the_levels_rise() {
        for life in lives(20_000, Source::Hotline) {
            let Life::Moved { home, is_without_grid, moves } = life else {
                panic!("the hotline's cases have a life");
            };
            assert!(moves.is_sorted_by_key(|planned| planned.after_ms));
            assert!(moves.is_sorted_by_key(|planned| planned.by));
            let first = if is_without_grid { Level::Township } else { home.level() };
            assert!(moves.first().is_none_or(|planned| planned.by == first));
            let escalations = moves.iter().filter(|planned| planned.what == Move::Escalate).count();
            let closes = moves.iter().filter(|planned| planned.what == Move::Close);
            assert!(closes.clone().count() <= 1);
            for close in closes {
                assert_eq!(close.by as usize, first as usize + escalations);
            }
        }
    }

    #[test]
    fn one_life_in_a_hundred_never_ends() {
        let open = lives(50_000, Source::Sensor).into_iter().filter(|life| match life {
            Life::OnTheSpot => false,
            Life::Moved { moves, .. } => moves.last().is_none_or(|last| last.what != Move::Close),
        });
        let open = open.count();
        assert!((400..600).contains(&open), "{open} of 50,000");
    }

    #[test]
    fn half_of_the_grids_lives_end_by_the_median() {
        let mut ends: Vec<_> = lives(20_000, Source::Sensor)
            .into_iter()
            .filter_map(|life| match life {
                Life::OnTheSpot => None,
                Life::Moved { moves, .. } => {
                    moves.last().filter(|last| last.by == Level::Grid).map(|last| last.after_ms)
                }
            })
            .collect();
        ends.sort_unstable();
        let median = ends[ends.len() / 2];
        assert!((3 * 60 * MINUTE_MS..5 * 60 * MINUTE_MS).contains(&median), "{median} ms");
    }
}
