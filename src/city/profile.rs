//! What a city's work looks like, in numbers. Each says where it comes from: *source* is published
//! of 信阳市 or measured elsewhere, *assumed* is our choice. Shares are parts per million.

use crate::domain::ids::Timestamp;

/// The hours of a weekday, the hours of a day at the weekend, and the days from Monday on: each
/// relative to its own sum.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Week {
    /// By hour, Monday to Friday.
    pub weekday: [u32; 24],
    /// By hour, Saturday and Sunday.
    pub weekend: [u32; 24],
    /// By day, Monday first.
    pub days: [u32; 7],
}

/// A channel that cases come by: how many, and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Channel {
    /// Of all cases.
    pub share: u32,
    /// When they come.
    pub week: Week,
}

/// How long something takes: lognormal.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Duration {
    /// Half of them are done by then, in hours.
    pub median_hours: f64,
    /// Spread, as the standard deviation of the logarithm.
    pub sigma: f64,
}

/// Every number that the run is made by.
#[derive(Clone, Debug, PartialEq)]
pub struct Profile {
    /// Cases of one city over the span. Source: 64万件 to 2023-09.
    pub cases: u64,
    /// The span's first moment, at an hour. Assumed: 2022-01-01, "since 2022" in the source.
    pub from: Timestamp,
    /// The span's days. Assumed: 638, to the end of 2023-09, the source's last month.
    pub days: u32,
    /// Day to day variation beyond week and chance, as a coefficient of variation. Source: .082 in
    /// New York's 311; assumed .10 here.
    pub day_cv: f64,
    /// Grid workers on patrol. Assumed: 80 %, peaks at 9 to 11 and 15 to 17, Fridays 15 % more
    /// for the weekly quota (source: one case a week), weekends at a third.
    pub patrol: Channel,
    /// Residents by app and word. Assumed: 15 %. Source of the shape: New York's 311.
    pub resident: Channel,
    /// The 12345 hotline. Assumed: 4 %. Source of the peaks: Beijing, 10 to 11 and 14 to 15.
    pub hotline: Channel,
    /// Sensors. Assumed: 1 %, at all hours alike.
    pub sensor: Channel,
    /// Settled in the same call, of all cases; patrol and residents only. Assumed: 85 %; that most
    /// are, is the source's 自处理.
    pub on_the_spot: u32,
    /// Closed in the village, of all cases. Source: 0.7 % of one township, 2023.
    pub closed_in_village: u32,
    /// Closed in the township, of all cases. Source: 0.3 %, and 0.3 % of whistles, which are the
    /// township's as well until there are whistles. The rest is closed in the grid.
    pub closed_in_township: u32,
    /// Of what the village closes, what came up from the grid. Assumed.
    pub village_escalated: u32,
    /// Of what the township closes, what came up from the village. Assumed.
    pub township_escalated_once: u32,
    /// Of what the township closes, what came all the way from the grid. Assumed.
    pub township_escalated_twice: u32,
    /// Of the hotline's cases that the township closes, those that name no more than a village:
    /// its room holds them (兜底). Assumed.
    pub hotline_without_grid: u32,
    /// Of escalations, those before signing. Assumed.
    pub escalated_unsigned: u32,
    /// Of the cases with a life, those that their first holder declines before signing (不予受理).
    /// Assumed: 1 %.
    pub declined: u32,
    /// Of the cases with a life, those that the township's governance room voids as spam. Assumed:
    /// half a percent.
    pub voided: u32,
    /// Of what the grid closes, what came to the wrong grid: it returns it, and the township's
    /// governance room hands it down to the right one. Assumed: 2 %.
    pub returned: u32,
    /// Of what the grid closes, what the first grid transfers to one beside. Assumed: 2 %.
    pub transferred: u32,
    /// Of what the grid closes, what came to the village and is handed down. Assumed: 1.5 %.
    pub handed_down: u32,
    /// Of what is signed for, what its holder puts a note to. Assumed: 5 %.
    pub noted: u32,
    /// Of what closes after a life, what the township's governance room opens again. Source: 返工
    /// is measured everywhere; assumed 1 %.
    pub reopened: u32,
    /// From close to opening again. Assumed.
    pub reopening: Duration,
    /// From dispatch to signing. Assumed; held to half of the holder's whole time.
    pub signing: Duration,
    /// From report to close by the level that closes. Assumed: median and sigma after New York's
    /// types of like work; grid, village, township.
    pub closing: [Duration; 3],
    /// Of the cases with a life, those that nobody ever closes. Assumed: 1 %.
    pub never_closed: u32,
    /// Of patrol's cases, those that a phone without signal sends 1 to 12 hours late. Assumed: 5 %.
    pub late: u32,
    /// Cases that report again what a recent one did. Source: 5 to 20 % in New York; assumed 8 %.
    pub duplicates: u32,
    /// Of patrol's cases, those that name a claimant. Assumed; residents and the hotline always do.
    pub patrol_claimants: u32,
    /// How uneven grids are: the shape of a Gamma. Assumed: 1, which gives a Gini of one half.
    pub grid_shape: f64,
}

const NEW_YORK: Week = Week {
    weekday: [
        267, 168, 115, 89, 102, 132, 218, 390, 555, 649, 645, 651, 596, 576, 574, 577, 535, 505,
        468, 445, 450, 472, 466, 355,
    ],
    weekend: [
        539, 385, 244, 181, 145, 135, 178, 261, 361, 469, 499, 495, 497, 494, 489, 473, 450, 479,
        463, 470, 519, 566, 627, 582,
    ],
    days: [1_038, 1_022, 1_039, 1_021, 1_050, 943, 886],
};

const PATROL_HOURS: [u32; 24] =
    [2, 1, 1, 1, 2, 6, 20, 45, 75, 120, 125, 85, 40, 35, 75, 115, 110, 70, 40, 25, 15, 8, 5, 3];

const PATROL: Week = Week {
    weekday: PATROL_HOURS,
    weekend: PATROL_HOURS,
    days: [1_000, 1_000, 1_000, 1_000, 1_150, 350, 330],
};

const HOTLINE_HOURS: [u32; 24] =
    [8, 6, 4, 3, 3, 5, 12, 30, 70, 95, 120, 85, 50, 60, 110, 85, 70, 55, 40, 35, 30, 25, 18, 12];

const HOTLINE: Week = Week {
    weekday: HOTLINE_HOURS,
    weekend: HOTLINE_HOURS,
    days: [1_100, 1_050, 1_020, 1_000, 1_000, 700, 650],
};

const FLAT: Week = Week { weekday: [1; 24], weekend: [1; 24], days: [1; 7] };

impl Default for Profile {
    fn default() -> Self {
        Self {
            cases: 640_000,
            from: Timestamp(1_640_966_400_000), // 2022-01-01T00:00:00+08:00
            days: 638,
            day_cv: 0.10,
            patrol: Channel { share: 800_000, week: PATROL },
            resident: Channel { share: 150_000, week: NEW_YORK },
            hotline: Channel { share: 40_000, week: HOTLINE },
            sensor: Channel { share: 10_000, week: FLAT },
            on_the_spot: 850_000,
            closed_in_village: 7_000,
            closed_in_township: 6_000,
            village_escalated: 400_000,
            township_escalated_once: 300_000,
            township_escalated_twice: 200_000,
            hotline_without_grid: 500_000,
            escalated_unsigned: 300_000,
            declined: 10_000,
            voided: 5_000,
            returned: 20_000,
            transferred: 20_000,
            handed_down: 15_000,
            noted: 50_000,
            reopened: 10_000,
            reopening: Duration { median_hours: 48.0, sigma: 0.8 },
            signing: Duration { median_hours: 25.0 / 60.0, sigma: 1.2 },
            closing: [
                Duration { median_hours: 4.0, sigma: 1.3 },
                Duration { median_hours: 20.0, sigma: 1.0 },
                Duration { median_hours: 45.0, sigma: 0.9 },
            ],
            never_closed: 10_000,
            late: 50_000,
            duplicates: 80_000,
            patrol_claimants: 300_000,
            grid_shape: 1.0,
        }
    }
}

impl Profile {
    /// The cases of so many cities.
    #[must_use]
    pub fn cases_at(&self, scale: f64) -> u64 {
        super::build::scaled(self.cases, scale)
    }

    /// The span's end: the first moment behind it.
    #[must_use]
    pub const fn end(&self) -> Timestamp {
        self.from.plus_ms(self.days as i64 * 86_400_000)
    }

    /// The channels, in the order of [`Source`](crate::domain::case::Source) without departments.
    pub(super) const fn channels(&self) -> [Channel; 4] {
        [self.patrol, self.resident, self.hotline, self.sensor]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_channels_come_to_all_cases() {
        let profile = Profile::default();
        assert_eq!(profile.channels().iter().map(|channel| channel.share).sum::<u32>(), 1_000_000);
    }

    #[test]
    fn the_span_ends_with_the_sources_last_month() {
        let profile = Profile::default();
        let text = crate::rules::write_moment(profile.end());
        assert_eq!(text.as_deref(), Some("2023-10-01T00:00:00.000+08:00"));
    }
}
