//! Who sees whom, which crate lives where, and no file that nobody reads.

use std::collections::{BTreeMap, BTreeSet};

use crate::assert_none;
use crate::source::{File, local_names, modules, named, read, rust_below};

/// Anywhere in src.
const SRC: &[&str] = &["src/"];

/// Where each dependency may be named. A home in which nobody lives is an error, as is a dependency
/// without a home: whoever adds one says here how far it reaches.
const HOMES: &[(&str, &[&str])] = &[
    // What is spoken.
    ("axum", &["src/api/"]),
    ("base64", &["src/api/read/cursor.rs"]),
    ("bytes", &["src/api/", "src/server/client.rs", "src/server/commands/demo/"]),
    ("futures_util", &["src/api/"]),
    ("http", &["src/api/", "src/server/client.rs", "src/server/commands/demo/"]),
    ("http_body", &["src/api/"]),
    ("http_body_util", &["src/api/", "src/server/client.rs", "src/server/commands/demo/"]),
    ("hyper", &["src/api/", "src/server/client.rs"]),
    ("hyper_util", &["src/api/serve.rs", "src/api/starting.rs", "src/server/client.rs"]),
    ("itoa", &["src/api/commands/results.rs"]),
    ("serde", &["src/api/", "src/rules/", "src/server/"]),
    ("serde_json", &["src/api/", "src/city/", "src/rules/", "src/server/"]),
    ("simdutf8", &["src/api/body/raw.rs"]),
    ("tokio", &["src/api/", "src/engine/", "src/server/"]),
    ("rustls", &["src/api/tls.rs", "src/server/tls/"]),
    ("tokio_rustls", &["src/api/tls.rs", "src/server/tls/"]),
    ("tower", &["src/api/service.rs"]),
    ("utoipa", &["src/api/"]),
    ("utoipa_axum", &["src/api/router.rs"]),
    ("utoipa_swagger_ui", &["src/api/docs/"]),
    // What is kept.
    ("aes_gcm_siv", &["src/journal/vault/seal.rs"]),
    ("blake3", &["src/api/", "src/domain/tests/", "src/journal/"]),
    ("getrandom", &["src/api/", "src/journal/vault/", "src/server/start.rs"]),
    ("redb", &["src/journal/store/backend.rs", "src/journal/store/segment.rs"]),
    ("rkyv", &["src/journal/record/"]),
    ("xxhash_rust", &["src/api/read/cursor.rs", "src/domain/", "src/journal/"]),
    ("foldhash", &["src/domain/"]),
    // How it runs.
    ("crossbeam", &["src/engine/", "src/journal/fold/", "src/journal/store/background.rs"]),
    ("metrics", &["src/engine/metrics.rs", "src/server/telemetry.rs"]),
    ("metrics_exporter_prometheus", &["src/server/telemetry.rs"]),
    ("mimalloc", &["src/main.rs"]),
    ("parking_lot", &["src/api/", "src/engine/", "src/journal/"]),
    ("slab", &["src/engine/desk.rs"]),
    ("socket2", &["src/api/serve.rs"]),
    // How it is put together.
    ("bytesize", &["src/server/config.rs", "src/server/options.rs"]),
    ("clap", &["src/server/"]),
    ("csv", &["src/rules/units_csv.rs"]),
    ("indicatif", &["src/server/commands/"]),
    ("jiff", &["src/rules/moment.rs", "src/server/config.rs"]),
    ("memchr", &["src/api/", "src/journal/vault/tests.rs", "src/server/"]),
    ("percent_encoding", &["src/api/read/unit_list.rs", "src/server/client.rs"]),
    ("rand", &["src/journal/"]),
    ("rand_chacha", &["src/city/"]),
    ("rand_distr", &["src/city/"]),
    (
        "rustix",
        &[
            "src/journal/aside.rs",
            "src/journal/medium/disk.rs",
            "src/server/commands/demo/process.rs",
            "src/server/commands/serve.rs",
        ],
    ),
    ("thiserror", SRC),
    (
        "toml",
        &["src/rules/catalogue_file.rs", "src/server/config.rs", "src/server/config_check.rs"],
    ),
    ("tracing", &["src/api/", "src/engine/", "src/journal/", "src/server/"]),
    ("tracing_subscriber", &["src/server/telemetry.rs"]),
    // How it is proven.
    ("criterion", &["benches/"]),
    ("insta", &["tests/"]),
    ("proptest", &["src/"]),
    ("rcgen", &["tests/"]),
    ("tempfile", &["src/", "tests/"]),
];

/// The law as src/lib.rs draws it: each room, and the rooms that it sees.
fn law() -> BTreeMap<String, BTreeSet<String>> {
    let text = read("src/lib.rs");
    let rows: Vec<(&str, &str)> = text
        .lines()
        .filter_map(|line| line.strip_prefix("//!  "))
        .filter_map(|line| line.split_once(" sees "))
        .map(|(left, seen)| (left.split_whitespace().next().unwrap(), seen))
        .collect();
    let rooms: BTreeSet<String> = rows.iter().map(|(room, _)| (*room).to_owned()).collect();
    let seen = |list: &str| match list {
        "nothing" => BTreeSet::new(),
        "all" => rooms.clone(),
        _ => list.split(", ").map(str::to_owned).collect(),
    };
    rows.iter().map(|(room, list)| ((*room).to_owned(), seen(list))).collect()
}

#[test]
fn the_map_of_rooms_is_whole_and_leads_down() {
    let law = law();
    let declared: BTreeSet<String> = modules(&read("src/lib.rs")).into_iter().collect();
    assert_eq!(law.keys().cloned().collect::<BTreeSet<_>>(), declared, "the map has every room");
    let order: Vec<String> = read("src/lib.rs")
        .lines()
        .filter_map(|line| line.strip_prefix("//!  "))
        .filter(|line| line.contains(" sees "))
        .map(|line| line.split_whitespace().next().unwrap().to_owned())
        .collect();
    for (at, room) in order.iter().enumerate() {
        for seen in law[room].iter().filter(|seen| *seen != room) {
            assert!(order[..at].contains(seen), "{room} sees {seen}, which is not above it");
        }
    }
}

#[test]
fn rooms_look_down_only() {
    let law = law();
    let mut wrong = Vec::new();
    for file in rust_below("src/") {
        let Some((room, inside)) = file.path["src/".len()..].split_once('/') else {
            continue; // lib.rs and main.rs are outside the rooms.
        };
        // How often `super` leads out of the room: src/engine/lanes.rs is two below the crate.
        let depth = inside.split('/').filter(|part| *part != "mod.rs").count() + 1;
        for one in named(&file.code()) {
            let supers = one.segments.iter().take_while(|part| *part == "super").count();
            let target = match one.segments[0].as_str() {
                "crate" => one.segments.get(1),
                "super" if supers >= depth => one.segments.get(supers),
                _ => None,
            };
            if let Some(target) = target
                && target != room
                && !law[room].contains(target)
            {
                wrong.push(format!("{}:{}: {}", file.path, one.line, one.segments.join("::")));
            }
        }
    }
    assert_none(&wrong, "rooms look down only, by the map in src/lib.rs");
}

#[test]
fn crates_stay_in_their_homes() {
    let mut wrong = Vec::new();
    let mut lived_in = BTreeSet::new();
    for file in everywhere() {
        let code = file.code();
        let paths = named(&code);
        let local = local_names(&code, &paths);
        for one in paths.iter().filter(|one| one.segments.len() > 1 || one.is_used) {
            let first = one.segments[0].as_str();
            let Some((name, homes)) = HOMES.iter().find(|(name, _)| *name == first) else {
                continue;
            };
            if local.contains(first) {
                continue;
            }
            match homes.iter().find(|home| file.path.starts_with(*home)) {
                Some(home) => drop(lived_in.insert((*name, *home))),
                None if file.path.starts_with("src/") => {
                    wrong.push(format!("{}:{}: {first}", file.path, one.line));
                }
                None => {} // Tests, benches and examples may name any dependency.
            }
        }
    }
    for (name, homes) in HOMES {
        let empty = homes.iter().filter(|home| !lived_in.contains(&(*name, **home)));
        wrong.extend(empty.map(|home| format!("{name} is not named in {home}")));
    }
    assert_none(&wrong, "a crate is named in its homes only, and in each of them");
}

#[test]
fn every_dependency_has_a_home() {
    let manifest: toml::Table = read("Cargo.toml").parse().unwrap();
    let mut dependencies = BTreeSet::new();
    for table in ["dependencies", "dev-dependencies"] {
        let names = manifest[table].as_table().unwrap().keys();
        dependencies.extend(names.map(|name| name.replace('-', "_")));
    }
    let homes: BTreeSet<String> = HOMES.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(dependencies, homes);
}

#[test]
fn no_file_is_dead() {
    let files: BTreeMap<String, File> =
        everywhere().into_iter().map(|file| (file.path.clone(), file)).collect();
    let is_root = |path: &str| {
        let parts: Vec<&str> = path.split('/').collect();
        match parts.as_slice() {
            ["src", file] => ["lib.rs", "main.rs"].contains(file),
            [_, _] | ["build.rs"] => true,
            [top, _, "main.rs"] => *top != "src",
            _ => false,
        }
    };
    let mut waiting: Vec<String> = files.keys().filter(|path| is_root(path)).cloned().collect();
    let mut reached: BTreeSet<String> = waiting.iter().cloned().collect();
    while let Some(path) = waiting.pop() {
        let below = if is_root(&path) || path.ends_with("/mod.rs") {
            path.rsplit_once('/').map_or(String::new(), |(directory, _)| directory.to_owned())
        } else {
            path.trim_end_matches(".rs").to_owned()
        };
        for module in modules(&files[&path].code()) {
            for child in [format!("{below}/{module}.rs"), format!("{below}/{module}/mod.rs")] {
                if files.contains_key(&child) && reached.insert(child.clone()) {
                    waiting.push(child);
                }
            }
        }
    }
    let dead: Vec<String> = files.into_keys().filter(|path| !reached.contains(path)).collect();
    assert_none(&dead, "every file is some file's module");
}

fn everywhere() -> Vec<File> {
    ["src/", "tests/", "benches/", "examples/", "build.rs"]
        .into_iter()
        .flat_map(rust_below)
        .collect()
}
