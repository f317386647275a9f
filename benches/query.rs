//! What readers ask of 640,000 cases: an inbox, a county by urgency, 90 days of ended cases, the counts
//! of the city's children. Once with 3 % of them open, as a city has them, and once with all open,
//! as a load of reports alone leaves them.

mod city;

use criterion::{Criterion, criterion_group, criterion_main};
use zhida::domain::case::StatusName;
use zhida::domain::code::Level;
use zhida::domain::ids::{CaseId, Timestamp, UnitNumber};
use zhida::engine::View;
use zhida::engine::query::{Filter, Flag, Query, Sort, Span, Within};

use city::{Work, sized};

const DAY_MS: i64 = 24 * 3_600_000;
/// Days over which the cases came: those of the city's profile.
const SPAN_DAYS: i64 = 638;
/// One case of so many is left open.
const OPEN_ONE_OF: u32 = 33;

/// A view of so many cases, `ended` of which are closed, and the state's last moment.
fn view(is_ended: impl Fn(u32) -> bool) -> (View, Timestamp) {
    let mut work = Work::new();
    let cases = u32::try_from(sized(640_000, 200)).expect("fewer than 2^32");
    let first = work.now;
    for number in 1..=cases {
        work.now = first.plus_ms(SPAN_DAYS * DAY_MS / i64::from(cases) * i64::from(number));
        let report = work.report();
        work.apply(&report);
        if is_ended(number) {
            for step in [Work::acknowledge, Work::handle, Work::close] {
                let submission = step(&mut work, CaseId(number));
                work.apply(&submission);
            }
        }
    }
    (View::of(&work.state), work.now)
}

/// The unit of that level that holds most.
fn unit(view: &View, level: Level) -> UnitNumber {
    let organisation = view.organisation();
    let units = organisation.iter().filter(|(_, row)| row.level() == level);
    let units = units.map(|(unit, _)| (view.counts(unit).unit.total(), unit));
    units.max().expect("a city has every level").1
}

fn of_open(criterion: &mut Criterion, name: &str, view: &View) {
    let open = Filter { statuses: StatusName::OPEN.to_vec(), ..Filter::default() };
    let mut group = criterion.benchmark_group(name);
    let grid = unit(view, Level::Grid);
    group.bench_function("inbox of a grid, 100", |bencher| {
        bencher.iter(|| std::hint::black_box(view.inbox(grid, None, 100)));
    });
    let county = unit(view, Level::County);
    let range = view.organisation().code(county).expect("a unit").range();
    let filter = Filter { within: Within::Range(range), ..open.clone() };
    for sort in Sort::ALL {
        let query = Query { filter: &filter, sort: *sort, after: None, limit: 100, sees: None };
        group.bench_function(format!("county by {}, 100", sort.name()), |bencher| {
            bencher.iter(|| std::hint::black_box(view.list(&query)));
        });
    }
    let query = Query { filter: &open, sort: Sort::Urgency, after: None, limit: 100, sees: None };
    group.bench_function("city by urgency, 100", |bencher| {
        bencher.iter(|| std::hint::black_box(view.list(&query)));
    });
    let city = unit(view, Level::City);
    group.bench_function("counts of the city's children", |bencher| {
        bencher.iter(|| std::hint::black_box(view.counts(city)));
    });
    group.finish();
}

fn of_ended(criterion: &mut Criterion, view: &View, now: Timestamp) {
    let county = unit(view, Level::County);
    let range = view.organisation().code(county).expect("a unit").range();
    let filter = Filter {
        within: Within::Range(range),
        statuses: vec![StatusName::Closed],
        reported: Span { from: Some(now.plus_ms(-90 * DAY_MS)), to: None },
        ..Filter::default()
    };
    // Nothing is escalated: every case of the 90 days is looked at.
    let none = Filter { flags: vec![Flag::Escalated], ..filter.clone() };
    let mut group = criterion.benchmark_group("ended in 90 days");
    for (name, filter, sort) in [
        ("newest of a county, 100", &filter, Sort::Newest),
        ("a county by urgency, 100", &filter, Sort::Urgency),
        ("none of a county", &none, Sort::Newest),
    ] {
        let query = Query { filter, sort, after: None, limit: 100, sees: None };
        group.bench_function(name, |bencher| {
            bencher.iter(|| std::hint::black_box(view.list(&query)));
        });
    }
    group.finish();
}

fn mostly_ended(criterion: &mut Criterion) {
    let (view, now) = view(|number| !number.is_multiple_of(OPEN_ONE_OF));
    of_open(criterion, "3 % open", &view);
    of_ended(criterion, &view, now);
}

fn all_open(criterion: &mut Criterion) {
    let (view, _) = view(|_| false);
    of_open(criterion, "all open", &view);
}

criterion_group!(benches, mostly_ended, all_open);
criterion_main!(benches);
