//! Every page beside a naive filter over all rows, and what is seen of a view that moves.

use std::collections::BTreeSet;

use proptest::prelude::*;
use proptest::sample::{select, subsequence};

use super::rig::*;
use crate::domain::case::{Case, Light, Sender, Source, Status, StatusName};
use crate::domain::catalogue::Severity;
use crate::domain::clock::Deadlines;
use crate::domain::code::{CodeRange, UnitCode};
use crate::domain::command::{Change, ChangeOrganisation, Command, MoveUnit};
use crate::domain::ids::{CaseId, MatterNumber, Seq, Timestamp, UnitNumber};
use crate::domain::organisation::Organisation;
use crate::domain::snapshot::StateBuilder;
use crate::domain::state::State;
use crate::domain::tests::world::*;
use crate::engine::query::{After, Filter, Flag, Page, Query, Sort, Span, Within};
use crate::engine::view::View;

/// Units of the small city, and one that came later.
const UNITS: u32 = 15;
/// In the second township, out of organisation order.
const LATE: &str = "411502002202";
/// Where the second grid goes in the middle of the time.
const GRID_2_MOVED: &str = "411502002201002";
/// Cases in a view of three chunks.
const MANY: usize = 9_000;
/// Moments that a case may happen at: few, so that they meet.
const MOMENTS: i64 = 24;

/// The small city with these cases, as of that seq.
fn state(base: &State, cases: &[Case], tail: Seq) -> State {
    let mut head = base.head();
    head.tail = tail;
    let mut builder = StateBuilder::new(head);
    let organisation = base.organisation();
    for (unit, row) in organisation.iter() {
        builder.unit(row.clone(), false);
        for (until, row) in organisation.former(unit) {
            builder.former_unit(unit, *until, row.clone());
        }
    }
    organisation.order().iter().for_each(|ordered| builder.ordered_unit(*ordered));
    base.catalogue().iter().for_each(|row| builder.matter(row.clone(), false));
    for case in cases {
        builder.case(*case);
    }
    builder.finish()
}

fn small_city() -> State {
    let mut world = World::new();
    world.import(vec![unit(LATE)]).expect("a village more");
    world.now = moment(MOMENTS / 2);
    let change = Change::Move(MoveUnit { unit: code(GRID_2), to: code(GRID_2_MOVED) });
    let change = ChangeOrganisation { seen: None, change };
    world.system(Command::ChangeOrganisation(Box::new(change))).expect("a free code");
    assert_eq!(world.state.organisation().len(), UNITS as usize);
    world.state
}

fn moment(hour: i64) -> Timestamp {
    START.plus_ms(hour * HOUR)
}

fn any_moment() -> impl Strategy<Value = Timestamp> {
    (0..MOMENTS).prop_map(moment)
}

fn any_status() -> impl Strategy<Value = Status> {
    let parts = (select(StatusName::ALL), 1..=UNITS, any_moment());
    parts.prop_map(|(name, unit, at)| {
        let unit = UnitNumber(unit);
        match name {
            StatusName::Dispatched => Status::Dispatched { holder: unit },
            StatusName::Acknowledged => Status::Acknowledged { holder: unit, at },
            StatusName::Handled => Status::Handled { holder: unit, at },
            StatusName::Closed => Status::Closed { by: unit, at },
            StatusName::Declined => Status::Declined { by: unit, at },
            StatusName::Voided => Status::Voided { by: unit, at },
        }
    })
}

fn any_case() -> impl Strategy<Value = Case> {
    let facets = (
        select(Severity::ALL),
        select(Source::ALL),
        (select(Light::ALL), select(Light::ALL)),
        1..=4_u16,
        1..=UNITS,
        (0..2_u8, 0..2_u8, any::<bool>(), any::<bool>()),
    );
    let times = (any_moment(), any_moment(), any_moment());
    (any_status(), facets, times).prop_map(|(status, facets, (node_due_at, total_due_at, at))| {
        let (severity, source, (node_light, total_light), matter, place, marks) = facets;
        let ended_at = status.ended().map_or(at, |(_, at)| at);
        Case {
            status,
            reported_at: START,
            deadlines: Deadlines {
                node_started_at: START,
                node_warning_at: node_due_at,
                node_due_at,
                total_warning_at: total_due_at,
                total_due_at,
            },
            first_seq: Seq(1),
            last_seq: Seq(1),
            changed_at: at.max(ended_at),
            version: 1,
            place: UnitNumber(place),
            sender: Sender::NOBODY,
            matter: MatterNumber(matter),
            severity,
            source,
            node_light,
            total_light,
            escalations: marks.0,
            reopens: marks.1,
            is_fallback: marks.2,
            on_the_spot: marks.3,
        }
    })
}

/// So many of these, again and again, in the order received; none ended or changed before that.
fn in_order(some: &[Case], count: usize) -> Vec<Case> {
    let cases = some.iter().cycle().take(count).zip(0..);
    let few = |number: usize| i64::try_from(number).expect("a few thousand");
    let received = |at: usize| moment(few(at) * MOMENTS / few(count));
    let in_order = cases.map(|(case, at)| {
        let mut case = *case;
        case.reported_at = received(at);
        case.changed_at = case.changed_at.max(case.reported_at);
        if let Status::Closed { at, .. } | Status::Declined { at, .. } | Status::Voided { at, .. } =
            &mut case.status
        {
            *at = (*at).max(case.reported_at);
        }
        case
    });
    in_order.collect()
}

fn any_span() -> impl Strategy<Value = Span> {
    let end = || proptest::option::weighted(0.3, any_moment());
    (end(), end()).prop_map(|(from, to)| Span { from, to })
}

fn some<T: Copy + std::fmt::Debug + 'static>(all: &'static [T]) -> impl Strategy<Value = Vec<T>> {
    prop_oneof![2 => Just(Vec::new()), 1 => subsequence(all, 1..=all.len())]
}

/// Whatever may be asked for by its place.
const PLACES: &[&str] = &[CITY, COUNTY, TOWNSHIP, ROOM, VILLAGE, GRID, TOWNSHIP_2, VILLAGE_3, LATE];

fn any_within() -> impl Strategy<Value = Within> {
    prop_oneof![
        2 => Just(Within::Everywhere),
        3 => select(PLACES).prop_map(|text| Within::Range(code(text).range())),
        1 => select(PLACES).prop_map(|text| Within::Range(seat(code(text)))),
        1 => select(PLACES).prop_map(|text| Within::Watch(code(text).range())),
        1 => (1..=UNITS).prop_map(|unit| Within::Holder(UnitNumber(unit))),
    ]
}

fn seat(code: UnitCode) -> CodeRange {
    CodeRange { first: code.place(), last: code.place() }
}

fn any_filter() -> impl Strategy<Value = Filter> {
    let statuses = prop_oneof![
        some(StatusName::ALL),
        Just(StatusName::OPEN.to_vec()),
        Just(vec![StatusName::Closed])
    ];
    let matters = subsequence(vec![1, 2, 3, 4_u16], 0..=4)
        .prop_map(|all| all.into_iter().map(MatterNumber).collect());
    let facets = (
        statuses,
        some(Severity::ALL),
        some(Light::ALL),
        some(Source::ALL),
        proptest::option::weighted(0.3, matters),
        prop_oneof![3 => Just(Vec::new()), 1 => subsequence(Flag::ALL, 1..=2)],
    );
    (any_within(), facets, any_span(), any_span(), any_span()).prop_map(
        |(
            within,
            (statuses, severities, lights, sources, matters, flags),
            reported,
            closed,
            changed,
        )| {
            Filter {
                within,
                statuses,
                severities,
                lights,
                sources,
                matters,
                flags,
                reported,
                closed,
                changed,
            }
        },
    )
}

/// Whether the case is asked for, told from its row alone.
fn passes(filter: &Filter, organisation: &Organisation, case: &Case) -> bool {
    let is_one_of = |list: &[_], one| list.is_empty() || list.contains(&one);
    let is_at = match case.status.holder() {
        Some(holder) => organisation.code(holder),
        None => organisation.code_at(case.place, case.reported_at),
    };
    let is_there = match filter.within {
        Within::Everywhere => true,
        Within::Range(range) => range.contains(is_at.expect("a unit")),
        Within::Watch(range) => {
            let places = [is_at, organisation.code(case.place)];
            case.severity != Severity::Normal
                && places.into_iter().any(|place| range.contains(place.expect("a unit")))
        }
        Within::Holder(unit) => case.status.holder() == Some(unit),
    };
    let light = case.node_light.max(case.total_light);
    let has = |flag: &Flag| match flag {
        Flag::Fallback => case.is_fallback,
        Flag::OnTheSpot => case.on_the_spot,
        Flag::Escalated => case.escalations > 0,
        Flag::Reopened => case.reopens > 0,
    };
    let ended_at = case.status.ended().map(|(_, at)| at);
    is_there
        && is_one_of(&filter.statuses, case.status.name())
        && (filter.severities.is_empty() || filter.severities.contains(&case.severity))
        && (filter.lights.is_empty() || filter.lights.contains(&light))
        && (filter.sources.is_empty() || filter.sources.contains(&case.source))
        && filter.matters.as_ref().is_none_or(|matters| matters.contains(&case.matter))
        && filter.flags.iter().all(has)
        && filter.reported.contains(case.reported_at)
        && filter.changed.contains(case.changed_at)
        && (filter.closed == Span::default()
            || ended_at.is_some_and(|at| filter.closed.contains(at)))
}

/// Where it comes in an order, told from its row alone.
fn comes(sort: Sort, id: CaseId, case: &Case) -> (i64, i64, i64, i64) {
    let d = &case.deadlines;
    let due = match case.status.name() {
        StatusName::Dispatched | StatusName::Acknowledged => d.node_due_at.min(d.total_due_at).0,
        StatusName::Handled => d.total_due_at.0,
        StatusName::Closed | StatusName::Declined | StatusName::Voided => i64::MAX,
    };
    let light = case.node_light.max(case.total_light);
    let number = i64::from(id.0);
    match sort {
        Sort::Urgency => (-(case.severity as i64), -(light as i64), due, number),
        Sort::Due => (due, number, 0, 0),
        Sort::Time => (number, 0, 0, 0),
        Sort::Newest => (-number, 0, 0, 0),
    }
}

/// Everything that is asked for, in order.
pub(super) fn naive(
    state: &State,
    filter: &Filter,
    sort: Sort,
    sees: &dyn Fn(&Case) -> bool,
) -> Vec<CaseId> {
    let all = state.cases().iter();
    let mut found: Vec<_> = all
        .filter(|(_, case)| passes(filter, state.organisation(), case) && sees(case))
        .map(|(id, case)| (comes(sort, id, case), id))
        .collect();
    found.sort_unstable();
    found.into_iter().map(|(_, id)| id).collect()
}

/// Reads page by page to the end; `between` may move the view before each next one.
fn read_all(view: &View, mut query: Query<'_>, mut between: impl FnMut(&Page)) -> Vec<CaseId> {
    let mut found = Vec::new();
    let mut begun_seq = None;
    loop {
        let page = view.list(&query);
        assert!(page.cases.len() <= query.limit);
        assert!(
            page.next.is_none() || page.cases.len() == query.limit,
            "a page before others is full"
        );
        found.extend(page.cases.iter().map(|(id, _)| *id));
        between(&page);
        let begun_seq = *begun_seq.get_or_insert(page.as_of);
        let Some(key) = page.next else { return found };
        query.after = Some(After { key, begun_seq });
    }
}

/// A caller to whom one township alone exists.
fn sees_township(organisation: &Organisation) -> impl Fn(&Case) -> bool {
    let range = code(TOWNSHIP).range();
    let is_in = move |unit: UnitNumber, organisation: &Organisation| {
        organisation.code(unit).is_some_and(|code| range.contains(code))
    };
    let organisation = organisation.clone();
    move |case| {
        is_in(case.place, &organisation)
            || case.status.holder().is_some_and(|holder| is_in(holder, &organisation))
    }
}

fn check_counts(view: &View, state: &State) {
    let organisation = state.organisation();
    for (unit, row) in organisation.iter() {
        let counts = view.counts(unit);
        assert_eq!(counts.as_of, view.published());
        // A body counts what it holds itself.
        let holds = |holder: UnitNumber| match row.code.letter() {
            Some(_) => holder == unit,
            None => row.code.range().contains(organisation.code(holder).expect("a unit")),
        };
        for (status, light) in
            StatusName::ALL.iter().flat_map(|status| Light::ALL.iter().map(move |l| (*status, *l)))
        {
            let is_one = |case: &Case| {
                case.status.holder().is_some_and(holds)
                    && case.status.name() == status
                    && case.node_light.max(case.total_light) == light
            };
            let expected = state.cases().iter().filter(|(_, case)| is_one(case)).count();
            assert_eq!(counts.unit.of(status, light) as usize, expected, "{} {status:?}", row.code);
        }
        let own = state.cases().iter().filter(|(_, case)| case.status.holder() == Some(unit));
        let below: u32 = counts.below.iter().map(|(_, counts)| counts.total()).sum();
        assert_eq!(counts.unit.total(), below + u32::try_from(own.count()).expect("few"));
        for (below, counts) in counts.below {
            assert_eq!(counts, view.counts(below).unit);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 384, ..ProptestConfig::default() })]

    #[test]
    fn page_by_page_is_the_naive_list(
        cases in prop::collection::vec(any_case(), 1..60),
        filter in any_filter(),
        sort in select(Sort::ALL),
        limit in 1..12_usize,
        is_narrow in any::<bool>(),
    ) {
        let base = small_city();
        let state = state(&base, &in_order(&cases, cases.len()), Seq(50));
        let view = View::of(&state);
        let sees = sees_township(state.organisation());
        let sees_all = |_: &Case| true;
        let sees: Option<&dyn Fn(&Case) -> bool> = is_narrow.then_some(&sees);
        let expected = naive(&state, &filter, sort, sees.unwrap_or(&sees_all));
        let query = Query { filter: &filter, sort, after: None, limit, sees };
        let found = read_all(&view, query, |page| {
            assert!(!page.has_moved && page.as_of == Seq(50));
        });
        prop_assert_eq!(found, expected);
        check_counts(&view, &state);
    }

    #[test]
    fn what_is_watched_is_what_happened_below_and_what_is_held_below_each_once(
        cases in prop::collection::vec(any_case(), 1..60),
        below in select(PLACES),
        statuses in select(vec![Vec::new(), StatusName::OPEN.to_vec()]),
        sort in select(Sort::ALL),
        limit in 1..70_usize,
    ) {
        let state = state(&small_city(), &in_order(&cases, cases.len()), Seq(50));
        let within = Within::Watch(code(below).range());
        let filter = Filter { within, statuses, ..Filter::default() };
        let query = Query { filter: &filter, sort, after: None, limit, sees: None };
        let expected = naive(&state, &filter, sort, &|_| true);
        prop_assert_eq!(read_all(&View::of(&state), query, |_| ()), expected);
    }

    #[test]
    fn a_view_that_moves_between_pages_shows_no_case_twice(
        cases in prop::collection::vec(any_case(), 20..60),
        moves in prop::collection::vec(prop::collection::btree_map(0..60_usize, any_case(), 1..8), 1..6),
        mut filter in any_filter(),
        sort in select(Sort::ALL),
        limit in 1..8_usize,
    ) {
        // Most cases are to be there on every page.
        filter.severities.clear();
        filter.lights.clear();
        let base = small_city();
        let mut cases = in_order(&cases, cases.len());
        let mut now = state(&base, &cases, Seq(50));
        let view = View::of(&now);
        let begun = naive(&now, &filter, sort, &|_| true);
        let mut changed = BTreeSet::new();
        let mut moves = moves.into_iter().zip(51..);
        let query = Query { filter: &filter, sort, after: None, limit, sees: None };
        let found = read_all(&view, query, |page| {
            assert_eq!(page.as_of, now.tail());
            for (id, case) in &page.cases {
                assert_eq!(Some(case), now.cases().get(*id), "all of one turn");
                assert!(passes(&filter, now.organisation(), case));
            }
            let Some((turn, seq)) = moves.next() else { return };
            let count = cases.len();
            let turn = turn.into_iter().filter(|(at, _)| *at < count);
            let touched: Vec<_> = turn
                .map(|(at, mut case)| {
                    // What it is and where it happened stays.
                    let before = &cases[at];
                    (case.reported_at, case.place) = (before.reported_at, before.place);
                    case.severity = before.severity;
                    case.changed_at = case.changed_at.max(moment(MOMENTS));
                    case.last_seq = Seq(seq);
                    cases[at] = case;
                    CaseId(u32::try_from(at + 1).expect("few"))
                })
                .collect();
            changed.extend(touched.iter().copied());
            now = state(&base, &cases, Seq(seq));
            view.publish(&now, touched);
            check_counts(&view, &now);
        });
        let once: BTreeSet<_> = found.iter().copied().collect();
        prop_assert_eq!(once.len(), found.len(), "no case twice: {:?}", found);
        let still = |ids: &[CaseId]| -> Vec<_> {
            ids.iter().copied().filter(|id| !changed.contains(id)).collect()
        };
        prop_assert_eq!(still(&found), still(&begun), "what did not change is there, in its place");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn many_cases_are_passed_over_by_the_chunk_and_none_is_missed(
        cases in prop::collection::vec(any_case(), 1..40),
        filter in any_filter(),
        sort in select(Sort::ALL),
    ) {
        let base = small_city();
        let state = state(&base, &in_order(&cases, MANY), Seq(50));
        let view = View::of(&state);
        let expected = naive(&state, &filter, sort, &|_| true);
        let query = Query { filter: &filter, sort, after: None, limit: 700, sees: None };
        prop_assert_eq!(read_all(&view, query, |_| ()), expected);
    }
}

#[test]
fn counts_are_kept_up_turn_by_turn_as_a_start_makes_them() {
    let mut rig = Rig::new();
    for (matter, place) in [(MICRO, GRID), (SMALL, GRID), (MAJOR, GRID), (MICRO, GRID_CLOSED)] {
        rig.reported(matter, place);
    }
    let escalate = rig.verb("escalate", CaseId(1), GRID);
    rig.accept(escalate);
    for name in ["acknowledge", "handle", "close"] {
        let verb = rig.verb(name, CaseId(2), VILLAGE);
        rig.accept(verb);
    }
    let before = rig.published();
    rig.at(START.plus_ms(9 * HOUR));
    rig.wait_for(Seq(before.0 + 3));
    check_counts(rig.handle.view(), &rig.fold());
    let county = rig.unit(COUNTY);
    let before = rig.handle.view().counts(county);
    assert_eq!((before.unit.total(), before.below.len()), (3, 2));
    rig.restart();
    assert_eq!(rig.handle.view().counts(county), before);
}
