//! The run: cases as they come, and the moves that follow them, merged by time.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::iter::Peekable;

use rand_chacha::ChaCha8Rng;

use super::arrivals::{Arrival, Arrivals};
use super::bodies::office_of;
use super::build::City;
use super::choice::{Matters, Places};
use super::draw::{Stream, below, happens, stream};
use super::life::{self, Life, Planned};
use super::profile::Profile;
use super::step::{CaseName, Deed, Report, Step};
use crate::domain::calendar::Calendar;
use crate::domain::case::{Move, Source};
use crate::domain::catalogue::{HomeLevel, MatterRow, Module};
use crate::domain::code::{Level, UnitCode};
use crate::domain::ids::Timestamp;

impl City {
    /// The run of so many cases by that profile, in order of time. It ends by moving the clock on
    /// until every case that is still open is overdue.
    #[must_use]
    pub fn run(&self, profile: &Profile, cases: u64) -> Run<'_> {
        Run {
            arrivals: Arrivals::new(self.seed, profile, cases).peekable(),
            lives: stream(self.seed, Stream::Lives),
            places: Places::new(self, profile),
            matters: HomeLevel::ALL.iter().map(|home| Matters::new(self, *home)).collect(),
            city: self,
            due: BinaryHeap::new(),
            tally: Tally::default(),
            end: profile.end(),
            has_ended: false,
            profile: profile.clone(),
        }
    }

    /// So many reports without times, claimants or anything to follow: for measuring.
    #[must_use]
    pub fn reports_only(&self, count: u64) -> Reports<'_> {
        let profile = Profile::default();
        Reports {
            places: Places::new(self, &profile),
            matters: Matters::new(self, HomeLevel::Grid),
            rng: stream(self.seed, Stream::Reports),
            seed: self.seed,
            made: 0,
            count,
        }
    }
}

/// What the steps given so far come to, if every one is accepted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Lines.
    pub commands: u64,
    /// Events, without those of timers.
    pub events: u64,
    /// Cases reported.
    pub cases: u64,
    /// Of these, settled in the same call.
    pub on_the_spot: u64,
    /// Of these, sent late by a phone without signal.
    pub late: u64,
    /// Of these, reporting again what a recent one did.
    pub duplicates: u64,
    /// Of these, held by a township's room because no grid was named.
    pub fallbacks: u64,
    /// Cases closed by a grid, those settled on the spot among them.
    pub closed_in_grid: u64,
    /// Cases closed by a village.
    pub closed_in_village: u64,
    /// Cases closed by a township or its room.
    pub closed_in_township: u64,
    /// Signings.
    pub acknowledged: u64,
    /// Escalations.
    pub escalated: u64,
    /// Handlings.
    pub handled: u64,
}

impl Tally {
    /// Cases reported and not closed.
    #[must_use]
    pub const fn open(&self) -> u64 {
        self.cases - self.closed_in_grid - self.closed_in_village - self.closed_in_township
    }

    fn count(&mut self, step: &Step<'_>) {
        self.commands += 1;
        self.events += 1;
        match &step.deed {
            Deed::Report(report) => {
                self.cases += 1;
                self.late += u64::from(report.occurred_at.is_some());
                self.duplicates += u64::from(report.is_duplicate);
                self.fallbacks += u64::from(report.place.level() > report.matter.home.level());
                self.on_the_spot += u64::from(report.settles);
                self.closed_in_grid += u64::from(report.settles);
                self.events += u64::from(report.settles);
            }
            Deed::Move { what: Move::Acknowledge, .. } => self.acknowledged += 1,
            Deed::Move { what: Move::Escalate, .. } => self.escalated += 1,
            Deed::Move { what: Move::Handle, .. } => self.handled += 1,
            Deed::Move { what: Move::Close, by, .. } => match by.level() {
                Level::Grid => self.closed_in_grid += 1,
                Level::Village => self.closed_in_village += 1,
                Level::Township | Level::County | Level::City => self.closed_in_township += 1,
            },
            Deed::Move {
                what:
                    Move::HandDown
                    | Move::Transfer
                    | Move::Return
                    | Move::Decline
                    | Move::Reopen
                    | Move::Void
                    | Move::Note,
                ..
            }
            | Deed::AdvanceClock => {}
        }
    }
}

/// The steps of a run.
pub struct Run<'a> {
    city: &'a City,
    profile: Profile,
    arrivals: Peekable<Arrivals>,
    lives: ChaCha8Rng,
    places: Places<'a>,
    /// By home.
    matters: Vec<Matters<'a>>,
    /// Moves to come, the next first.
    due: BinaryHeap<Reverse<Due>>,
    tally: Tally,
    /// The newest time: of the span's end, or of a step after it.
    end: Timestamp,
    has_ended: bool,
}

/// Who holds a case by level.
#[derive(Clone, Copy)]
struct Line {
    place: UnitCode,
    module: Module,
    is_without_grid: bool,
}

impl Line {
    fn holder(self, level: Level) -> UnitCode {
        let division = self.place.ancestor(level).expect("nobody below the place holds a case");
        if self.is_without_grid {
            return UnitCode::of_body(division, b'R', 1).expect("a township seats bodies");
        }
        if level == Level::Township { office_of(division, self.module) } else { division }
    }
}

/// A move to come. Ordered by time, then case, then its place in the case's life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Due {
    at: Timestamp,
    case: CaseName,
    ordinal: u8,
    what: Move,
    by: UnitCode,
}

impl<'a> Run<'a> {
    /// What the steps given so far come to; the whole run once it has ended.
    #[must_use]
    pub fn tally(&self) -> Tally {
        self.tally
    }

    fn report(&mut self, arrival: Arrival) -> Deed<'a> {
        let Arrival { at, source } = arrival;
        let case = CaseName { seed: self.city.seed, number: self.tally.cases + 1, source };
        let life = life::plan(&mut self.lives, &self.profile, source);
        let (home, settles) = match &life {
            Life::OnTheSpot => (HomeLevel::Grid, true),
            Life::Moved { home, .. } => (*home, false),
        };
        let wants_again = happens(&mut self.lives, self.profile.duplicates);
        let matters = &mut self.matters[home as usize];
        let again = matters
            .recent(&mut self.lives)
            .filter(|(matter, _)| wants_again && (matter.on_the_spot || !settles));
        let (matter, grid) = again.unwrap_or_else(|| {
            let matter = if settles {
                matters.pick_on_the_spot(&mut self.lives)
            } else {
                matters.pick(&mut self.lives)
            };
            (matter, self.places.pick(&mut self.lives))
        });
        matters.remember(self.tally.cases, (matter, grid));

        let mut place = grid;
        if let Life::Moved { moves, is_without_grid, .. } = &life {
            if *is_without_grid {
                place = self.places.village_of(grid);
            }
            let (module, is_without_grid) = (matter.module, *is_without_grid);
            self.plan(at, case, Line { place: place.code, module, is_without_grid }, moves);
        }
        Deed::Report(Report {
            case,
            by: match source {
                Source::Patrol | Source::Resident => Some(grid.code),
                Source::Hotline | Source::Department | Source::Sensor => None,
            },
            matter,
            place,
            is_numbered: !settles,
            occurred_at: self.occurred_at(at, source),
            has_claimant: self.has_claimant(source),
            is_duplicate: again.is_some(),
            settles,
        })
    }

    /// Puts the moves to come among the others.
    fn plan(&mut self, at: Timestamp, case: CaseName, line: Line, moves: &[Planned]) {
        for (ordinal, planned) in (0..).zip(moves) {
            let by = line.holder(planned.by);
            let at = at.plus_ms(planned.after_ms);
            self.due.push(Reverse(Due { at, case, ordinal, what: planned.what, by }));
        }
    }

    fn occurred_at(&mut self, at: Timestamp, source: Source) -> Option<Timestamp> {
        const HOUR_MS: u64 = 3_600_000;
        let is_late = source == Source::Patrol && happens(&mut self.lives, self.profile.late);
        let late_ms = HOUR_MS + below(&mut self.lives, 11 * HOUR_MS);
        is_late.then(|| at.plus_ms(-late_ms.cast_signed()))
    }

    fn has_claimant(&mut self, source: Source) -> bool {
        match source {
            Source::Patrol => happens(&mut self.lives, self.profile.patrol_claimants),
            Source::Resident | Source::Hotline => true,
            Source::Department | Source::Sensor => false,
        }
    }

    /// The last step: far enough on that nothing open is left undue.
    fn advance(&mut self) -> Option<(Timestamp, Deed<'a>)> {
        if self.has_ended {
            return None;
        }
        self.has_ended = true;
        let due_at = |matter: &MatterRow| {
            let by_total = Calendar.due_at(self.end, matter.total_limit);
            by_total.max(Calendar.due_at(self.end, matter.node_limit))
        };
        let to = self.city.matters.iter().map(due_at).max().unwrap_or(self.end);
        Some((to, Deed::AdvanceClock))
    }
}

impl<'a> Iterator for Run<'a> {
    type Item = Step<'a>;

    fn next(&mut self) -> Option<Step<'a>> {
        let next_due = self.due.peek().map(|Reverse(due)| due.at);
        let next_arrival = self.arrivals.peek().map(|arrival| arrival.at);
        let is_due = match (next_due, next_arrival) {
            (Some(due), Some(arrival)) => due <= arrival,
            (due, _) => due.is_some(),
        };
        let (at, deed) = if is_due {
            let Reverse(due) = self.due.pop()?;
            let Due { at, case, ordinal, what, by } = due;
            (at, Deed::Move { case, ordinal, what, by })
        } else if let Some(arrival) = self.arrivals.next() {
            (arrival.at, self.report(arrival))
        } else {
            self.advance()?
        };
        self.end = self.end.max(at);
        let step = Step { at, deed };
        self.tally.count(&step);
        Some(step)
    }
}

/// Reports without times. See [`City::reports_only`].
pub struct Reports<'a> {
    places: Places<'a>,
    matters: Matters<'a>,
    rng: ChaCha8Rng,
    seed: u64,
    made: u64,
    count: u64,
}

impl<'a> Iterator for Reports<'a> {
    type Item = Report<'a>;

    fn next(&mut self) -> Option<Report<'a>> {
        if self.made == self.count {
            return None;
        }
        self.made += 1;
        Some(Report {
            case: CaseName { seed: self.seed, number: self.made, source: Source::Patrol },
            by: None,
            matter: self.matters.pick(&mut self.rng),
            place: self.places.pick(&mut self.rng),
            is_numbered: false,
            occurred_at: None,
            has_claimant: false,
            is_duplicate: false,
            settles: false,
        })
    }
}
