//! The life of one case, planned when it comes: where it is at home, how far up it goes, and what
//! happens to it when. Who does it follows from who holds it then.
//!
//! ```text
//!  reported ─┬─ wrong grid ───▶ returned ▶ handed down ─┐
//!            ├─ other grid ───▶ transferred ────────────┤
//!            ├─ the grid can ─▶ handed down ────────────┤
//!            ├─ (signed) ─────▶ escalated, once or twice ┤ 40 % of the time
//!            │                                          ▼
//!            │         signed ▶ (note) ▶ 90 % ▶ handled ▶ closed ▶ (opened again ▶ …)
//!            └─ unsigned ─────▶ declined, or voided
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
}

/// How a case comes to the grid that closes it, where it does not come there at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Detour {
    /// The first grid returns it, and the township's governance room hands it down.
    Returned,
    /// The first grid transfers it to one beside.
    Transferred,
    /// Its matter is the village's, which hands it down.
    HandedDown,
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
        let moves = moves(rng, profile, &[], Level::Township);
        return Life::Moved { home: HomeLevel::Grid, is_without_grid, moves };
    }
    let (home, sendings) = match (closer, detour(rng, profile)) {
        (HomeLevel::Grid, Some(Detour::HandedDown)) => (HomeLevel::Village, vec![Move::HandDown]),
        (HomeLevel::Grid, Some(Detour::Transferred)) => (HomeLevel::Grid, vec![Move::Transfer]),
        (HomeLevel::Grid, Some(Detour::Returned)) => {
            (HomeLevel::Grid, vec![Move::Return, Move::HandDown])
        }
        (HomeLevel::Grid | HomeLevel::Village | HomeLevel::Township, _) => {
            let home = home_level(rng, profile, closer);
            (home, vec![Move::Escalate; closer as usize - home as usize])
        }
    };
    let moves = moves(rng, profile, &sendings, closer.level());
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

fn detour(rng: &mut ChaCha8Rng, profile: &Profile) -> Option<Detour> {
    let drawn = below(rng, 1_000_000);
    let returned = u64::from(profile.returned);
    let transferred = returned + u64::from(profile.transferred);
    let handed_down = transferred + u64::from(profile.handed_down);
    match drawn {
        drawn if drawn < returned => Some(Detour::Returned),
        drawn if drawn < transferred => Some(Detour::Transferred),
        drawn if drawn < handed_down => Some(Detour::HandedDown),
        _ => None,
    }
}

/// The moves of a case that is sent on so often before it comes to whoever closes it.
fn moves(
    rng: &mut ChaCha8Rng,
    profile: &Profile,
    sendings: &[Move],
    closer: Level,
) -> Vec<Planned> {
    let whole = hours(rng, profile.closing[closer as usize], LIFE_MS_MAX);
    if let Some(end) = unsigned_end(rng, profile) {
        return vec![Planned { after_ms: signing(rng, profile, whole), what: end }];
    }
    let count = i64::try_from(sendings.len()).expect("two at most");
    let before_next = if count == 0 { 0 } else { whole * 2 / 5 / count };
    let mut moves = Vec::with_capacity(12);
    let mut start = 0;
    for sending in sendings {
        let end = start + before_next;
        if *sending == Move::Escalate && !happens(rng, profile.escalated_unsigned) {
            let signed = signing(rng, profile, end - start);
            moves.push(Planned { after_ms: start + signed, what: Move::Acknowledge });
        }
        moves.push(Planned { after_ms: end, what: *sending });
        start = end;
    }
    work_on(rng, profile, &mut moves, start, whole);
    if happens(rng, profile.never_closed) {
        let kept = below(rng, moves.len() as u64);
        moves.truncate(super::draw::index(kept));
    } else if happens(rng, profile.reopened) {
        let again = whole + hours(rng, profile.reopening, LIFE_MS_MAX);
        moves.push(Planned { after_ms: again, what: Move::Reopen });
        let whole = again + hours(rng, profile.closing[closer as usize], LIFE_MS_MAX);
        work_on(rng, profile, &mut moves, again, whole);
    }
    moves
}

/// How a case ends before anyone signs for it, if it does.
fn unsigned_end(rng: &mut ChaCha8Rng, profile: &Profile) -> Option<Move> {
    let drawn = below(rng, 1_000_000);
    let declined = u64::from(profile.declined);
    match drawn {
        drawn if drawn < declined => Some(Move::Decline),
        drawn if drawn < declined + u64::from(profile.voided) => Some(Move::Void),
        _ => None,
    }
}

/// Whoever closes it signs, perhaps puts a note to it, handles and closes.
fn work_on(
    rng: &mut ChaCha8Rng,
    profile: &Profile,
    moves: &mut Vec<Planned>,
    start: i64,
    end: i64,
) {
    let signed = start + signing(rng, profile, end - start);
    let handled = signed + (end - signed) * 9 / 10;
    moves.push(Planned { after_ms: signed, what: Move::Acknowledge });
    if happens(rng, profile.noted) {
        moves.push(Planned { after_ms: i64::midpoint(signed, handled), what: Move::Note });
    }
    moves.push(Planned { after_ms: handled, what: Move::Handle });
    moves.push(Planned { after_ms: end, what: Move::Close });
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
    fn moves_follow_each_other_and_a_case_ends_once_or_is_opened_again() {
        for life in lives(20_000, Source::Hotline) {
            let Life::Moved { home, moves, .. } = life else {
                panic!("the hotline's cases have a life");
            };
            assert!(moves.is_sorted_by_key(|planned| planned.after_ms));
            let count = |what: Move| moves.iter().filter(|planned| planned.what == what).count();
            let ends = count(Move::Close) + count(Move::Decline) + count(Move::Void);
            assert!(ends <= 1 + count(Move::Reopen) && count(Move::Reopen) <= 1);
            assert!(home as usize + count(Move::Escalate) <= HomeLevel::Township as usize);
            if home == HomeLevel::Township {
                assert_eq!(count(Move::HandDown), 0, "what the township closes stays there");
            }
        }
    }

    #[test]
    fn one_life_in_a_hundred_never_ends() {
        let open = lives(50_000, Source::Sensor).into_iter().filter(|life| match life {
            Life::OnTheSpot => false,
            Life::Moved { moves, .. } => moves
                .last()
                .is_none_or(|last| ![Move::Close, Move::Decline, Move::Void].contains(&last.what)),
        });
        let open = open.count();
        assert!((400..600).contains(&open), "{open} of 50,000");
    }

    #[test]
    fn half_of_the_grids_lives_end_by_the_median() {
        let mut ends: Vec<_> = lives(20_000, Source::Sensor)
            .into_iter()
            .filter_map(|life| match life {
                Life::Moved { home: HomeLevel::Grid, is_without_grid: false, moves } => {
                    let is_here = |planned: &Planned| planned.what != Move::Escalate;
                    let stays = moves.iter().all(is_here);
                    moves.iter().find(|planned| stays && planned.what == Move::Close).copied()
                }
                Life::OnTheSpot | Life::Moved { .. } => None,
            })
            .map(|planned| planned.after_ms)
            .collect();
        ends.sort_unstable();
        let median = ends[ends.len() / 2];
        assert!((3 * 60 * MINUTE_MS..5 * 60 * MINUTE_MS).contains(&median), "{median} ms");
    }
}
