//! The run: cases as they come, and the moves that follow them, merged by time.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::iter::Peekable;

use rand_chacha::ChaCha8Rng;

use super::arrivals::{Arrival, Arrivals};
use super::build::City;
use super::choice::{Matters, Places};
use super::draw::{Stream, below, happens, stream};
use super::ground::Ground;
use super::holders::{self, Held, Holders, Made};
use super::life::{self, Life, Planned};
use super::profile::Profile;
use super::reshape::SetUp;
use super::step::{CaseMove, CaseName, Deed, Report, Step};
use crate::domain::calendar::Calendar;
use crate::domain::case::{Move, Source};
use crate::domain::catalogue::{HomeLevel, MatterRow};
use crate::domain::code::Level;
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
            ground: Ground::new(self),
            set_up: SetUp::default(),
            holders: Holders::default(),
            city: self,
            due: BinaryHeap::new(),
            tally: Tally::default(),
            end: profile.end(),
            now: profile.from,
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
    /// Cases that stand closed by a grid, those settled on the spot among them.
    pub closed_in_grid: u64,
    /// Cases that stand closed by a village.
    pub closed_in_village: u64,
    /// Cases that stand closed by a township or its room.
    pub closed_in_township: u64,
    /// Signings.
    pub acknowledged: u64,
    /// Escalations.
    pub escalated: u64,
    /// Handlings.
    pub handled: u64,
    /// Closings; a case that was opened again has two.
    pub closed: u64,
    /// Returns.
    pub returned: u64,
    /// Hand-downs.
    pub handed_down: u64,
    /// Transfers.
    pub transferred: u64,
    /// Cases declined.
    pub declined: u64,
    /// Cases voided.
    pub voided: u64,
    /// Cases opened again.
    pub reopened: u64,
    /// Notes.
    pub noted: u64,
    /// Changes of the organisation.
    pub changes: u64,
    /// Grids opened by them.
    pub grids_opened: u64,
    /// Grids closed by them.
    pub grids_closed: u64,
    /// Task forces set up by them.
    pub task_forces_opened: u64,
    /// Task forces that have ended, when they were told to.
    pub task_forces_closed: u64,
    /// Headquarters set up by them.
    pub headquarters_opened: u64,
    /// Open cases that went to the successor of their holder with them.
    pub inherited: u64,
}

impl Tally {
    /// Cases reported that have not ended.
    #[must_use]
    pub const fn open(&self) -> u64 {
        let closed = self.closed_in_grid + self.closed_in_village + self.closed_in_township;
        self.cases - closed - self.declined - self.voided
    }

    /// How often that move was made, by itself.
    #[must_use]
    pub const fn moved(&self, what: Move) -> u64 {
        match what {
            Move::Acknowledge => self.acknowledged,
            Move::Escalate => self.escalated,
            Move::Handle => self.handled,
            Move::Close => self.closed,
            Move::HandDown => self.handed_down,
            Move::Transfer => self.transferred,
            Move::Return => self.returned,
            Move::Decline => self.declined,
            Move::Reopen => self.reopened,
            Move::Void => self.voided,
            Move::Note => self.noted,
        }
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
            Deed::Move(one) => self.count_move(one),
            Deed::AdvanceClock => {}
        }
    }

    fn count_move(&mut self, one: &CaseMove) {
        let count = match one.what {
            Move::Acknowledge => &mut self.acknowledged,
            Move::Escalate => &mut self.escalated,
            Move::Handle => &mut self.handled,
            Move::Close => &mut self.closed,
            Move::HandDown => &mut self.handed_down,
            Move::Transfer => &mut self.transferred,
            Move::Return => &mut self.returned,
            Move::Decline => &mut self.declined,
            Move::Reopen => &mut self.reopened,
            Move::Void => &mut self.voided,
            Move::Note => &mut self.noted,
        };
        *count += 1;
        let stand_closed = match one.holder.level() {
            Level::Grid => &mut self.closed_in_grid,
            Level::Village => &mut self.closed_in_village,
            Level::Township | Level::County | Level::City => &mut self.closed_in_township,
        };
        if one.what == Move::Close {
            *stand_closed += 1;
        } else if one.what == Move::Reopen {
            *stand_closed -= 1;
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
    pub(super) holders: Holders,
    pub(super) ground: Ground<'a>,
    pub(super) set_up: SetUp,
    pub(super) tally: Tally,
    /// The newest time: of the span's end, or of a step after it.
    end: Timestamp,
    /// The time of the newest step.
    pub(super) now: Timestamp,
    has_ended: bool,
}

/// A move to come. Ordered by time, then case, then its place in the case's life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Due {
    at: Timestamp,
    case: CaseName,
    ordinal: u8,
    what: Move,
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

        let place = self.ground.place(grid.code, case.number);
        let mut report = Report {
            case,
            by: match source {
                Source::Patrol | Source::Resident => Some(place),
                Source::Hotline | Source::Department | Source::Sensor => None,
            },
            matter,
            place,
            place_name: &grid.name,
            is_numbered: !settles,
            occurred_at: self.occurred_at(at, source),
            has_claimant: self.has_claimant(source),
            is_duplicate: again.is_some(),
            settles,
        };
        if let Life::Moved { moves, is_without_grid, .. } = life {
            if is_without_grid {
                let village = self.places.village_of(place);
                (report.place, report.place_name) = (village.code, &village.name);
            }
            self.begin(at, &report, &moves);
        }
        Deed::Report(report)
    }

    /// Gives the case to its first holder, and puts its moves among the others to come.
    fn begin(&mut self, at: Timestamp, report: &Report<'_>, moves: &[Planned]) {
        let (case, module, place) = (report.case, report.matter.module, report.place);
        let home = report.matter.home.level();
        let unit = match place.ancestor(home) {
            None => holders::centre(place),
            Some(_) if home == Level::Township => holders::office(place, module),
            Some(unit) => unit,
        };
        let left = moves.len();
        self.holders.put(case.number, Held { unit, place, module, is_open: true, left });
        for (ordinal, planned) in (0..).zip(moves) {
            let at = at.plus_ms(planned.after_ms);
            self.due.push(Reverse(Due { at, case, ordinal, what: planned.what }));
        }
    }

    /// Makes the move, unless there is nobody whom the case could go to.
    fn make(&mut self, due: Due) -> Option<Deed<'a>> {
        let Due { case, ordinal, what, .. } = due;
        let made = self.holders.make(case.number, what, &self.ground)?;
        let Made { by, holder, to } = made;
        Some(Deed::Move(CaseMove { case, ordinal, what, by, holder, to }))
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
        loop {
            let next_due = self.due.peek().map(|Reverse(due)| due.at);
            let next_arrival = self.arrivals.peek().map(|arrival| arrival.at);
            let is_due = match (next_due, next_arrival) {
                (Some(due), Some(arrival)) => due <= arrival,
                (due, _) => due.is_some(),
            };
            let (at, deed) = if is_due {
                let Reverse(due) = self.due.pop()?;
                let Some(deed) = self.make(due) else {
                    continue;
                };
                (due.at, deed)
            } else if let Some(arrival) = self.arrivals.next() {
                (arrival.at, self.report(arrival))
            } else {
                self.advance()?
            };
            self.end = self.end.max(at);
            self.now = at;
            self.tally.task_forces_closed += self.set_up.ended(at);
            let step = Step { at, deed };
            self.tally.count(&step);
            return Some(step);
        }
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
        let matter = self.matters.pick(&mut self.rng);
        let grid = self.places.pick(&mut self.rng);
        Some(Report {
            case: CaseName { seed: self.seed, number: self.made, source: Source::Patrol },
            by: None,
            matter,
            place: grid.code,
            place_name: &grid.name,
            is_numbered: false,
            occurred_at: None,
            has_claimant: false,
            is_duplicate: false,
            settles: false,
        })
    }
}
