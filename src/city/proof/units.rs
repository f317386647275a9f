//! What the units of a city must be.

use std::collections::{BTreeMap, BTreeSet};

use crate::city::City;
use crate::domain::code::Level;
use crate::domain::limits::{NAME_BYTES_MAX, UNITS_MAX};
use crate::domain::organisation::UnitKind;
use crate::rules::{parse_units, write_units};

fn counts(city: &City) -> [usize; 6] {
    let count = |level: Level, kind: UnitKind| {
        city.units().iter().filter(|unit| unit.level() == level && unit.kind == kind).count()
    };
    [
        count(Level::City, UnitKind::Division),
        count(Level::County, UnitKind::Division),
        count(Level::Township, UnitKind::Division),
        count(Level::Village, UnitKind::Division),
        count(Level::Grid, UnitKind::Grid),
        count(Level::Township, UnitKind::GovernanceRoom),
    ]
}

#[test]
fn the_counts_at_scale_one_are_the_citys() {
    for seed in [1, 2, 20_231_201] {
        assert_eq!(counts(&City::build(seed, 1.0)), [1, 11, 209, 3_350, 18_100, 209], "{seed}");
    }
}

#[test]
fn the_tree_is_whole_at_any_scale() {
    for scale in [0.001, 0.003, 0.01, 0.1, 0.5, 1.0, 1.25] {
        let city = City::build(7, scale);
        let codes: BTreeSet<_> = city.units().iter().map(|unit| unit.code).collect();
        assert_eq!(codes.len(), city.units().len(), "codes are unique at {scale}");
        assert!(city.units().is_sorted_by_key(|unit| unit.code));
        for unit in city.units() {
            assert!(unit.is_coherent(), "{unit:?}");
            assert!(!unit.name.is_empty() && unit.name.len() <= NAME_BYTES_MAX);
            for level in Level::ALL {
                if let Some(above) = unit.code.ancestor(level) {
                    assert!(codes.contains(&above), "{:?} hangs on {above}", unit.code);
                }
            }
        }
        assert!(counts(&city).iter().all(|count| *count > 0), "{:?}", counts(&city));
    }
}

#[test]
fn a_small_city_and_a_large_one_have_their_share_of_units() {
    assert_eq!(counts(&City::build(1, 0.001)), [1, 1, 1, 3, 18, 1]);
    assert_eq!(counts(&City::build(1, 0.01)), [1, 1, 2, 34, 181, 2]);
    assert_eq!(counts(&City::build(1, 2.0)), [2, 22, 418, 6_700, 36_200, 418]);
    let of_one = City::build(1, 1.0).units().len();
    const { assert!(City::SCALE_MAX <= 100.0, "no demo is larger than what is looked at here") };
    assert!(100 * of_one <= UNITS_MAX, "a hundred cities of {of_one} units are one organisation");
}

#[test]
#[should_panic(expected = "the scale is in its bounds")]
fn a_scale_out_of_bounds_is_a_mistake() {
    drop(City::build(1, f64::NAN));
}

#[test]
fn the_places_of_the_source_exist_by_name() {
    let city = City::build(3, 1.0);
    let place = |name: &str| {
        let named: Vec<_> =
            city.units().iter().filter(|unit| &*unit.name == name).map(|unit| unit.code).collect();
        assert_eq!(named.len(), 1, "{name}");
        named[0].to_string()
    };
    assert_eq!(place("信阳市"), "411500000000");
    assert_eq!(place("羊山新区"), "411571000000");
    for (name, start) in [
        ("苏河镇", "4115231"),
        ("十三里桥乡", "4115022"),
        ("邢集镇", "4115031"),
        ("五里店街道办事处", "4115030"),
        ("龙湖街道", "4115280"),
        ("前进街道", "4115710"),
    ] {
        assert!(place(name).starts_with(start), "{name} is {}", place(name));
    }
    assert_eq!(place("望淮桥社区"), format!("{}001", &place("龙湖街道")[..9]));
    assert_eq!(place("新都社区"), format!("{}001", &place("前进街道")[..9]));
    assert_eq!(place("新都社区第二网格"), format!("{}002", place("新都社区")));
}

#[test]
fn codes_keep_to_the_blocks_of_their_kind() {
    for unit in City::build(4, 1.0).units() {
        let digits = unit.code.place() / 1_000;
        let (township, village) = (digits / 1_000 % 1_000, digits % 1_000);
        let is_in = match (unit.kind, unit.level()) {
            (UnitKind::Division, Level::Township) => match &*unit.name {
                name if name.ends_with('镇') => (100..200).contains(&township),
                name if name.ends_with('乡') => (200..400).contains(&township),
                _ => (1..100).contains(&township),
            },
            (UnitKind::Division, Level::Village) => {
                let block = if unit.name.ends_with("社区") { 1..200 } else { 200..400 };
                block.contains(&village)
            }
            _ => true,
        };
        assert!(is_in, "{unit:?}");
    }
}

#[test]
fn grids_are_spread_over_villages_as_in_a_city() {
    let city = City::build(5, 1.0);
    let mut sizes = BTreeMap::new();
    for unit in city.units().iter().filter(|unit| unit.kind == UnitKind::Grid) {
        *sizes.entry(unit.code.ancestor(Level::Village)).or_insert(0) += 1;
    }
    let mut sizes: Vec<u32> = sizes.into_values().collect();
    sizes.sort_unstable();
    let [small, middle, large] = [10, 50, 90].map(|percent| sizes[sizes.len() * percent / 100]);
    assert!(small >= 1 && (3..=6).contains(&middle) && (8..=14).contains(&large));
    assert!(*sizes.last().unwrap() < 60);
}

#[test]
fn the_same_seed_makes_the_same_city_and_another_another() {
    let text = |seed| write_units(City::build(seed, 0.1).units());
    assert_eq!(text(1), text(1));
    assert_ne!(text(1), text(2));
}

#[test]
fn units_print_and_read_as_the_same_rows() {
    let city = City::build(1, 0.01);
    assert_eq!(
        parse_units("written", write_units(city.units()).as_bytes())
            .map(|read| read.rows)
            .as_deref(),
        Ok(city.units())
    );
}
