//! The text of `/metrics`: what README's table promises, no more, and with the right figures.

use std::collections::{BTreeMap, BTreeSet};

use crate::ledger::{Sent, Verb};
use crate::world::{GRIDS, Place};

/// The text, as a scraper reads it.
struct Scraped {
    /// By the metric's name, what it is.
    kinds: BTreeMap<String, String>,
    /// By the sample's name with its labels, as they are written.
    samples: BTreeMap<String, String>,
}

impl Scraped {
    fn of(text: &str) -> Self {
        let (mut kinds, mut samples) = (BTreeMap::new(), BTreeMap::new());
        for line in text.lines().filter(|line| !line.is_empty()) {
            if let Some(kind) = line.strip_prefix("# TYPE ") {
                let (name, kind) = kind.split_once(' ').expect("a name and a kind");
                assert_eq!(kinds.insert(name.to_string(), kind.to_string()), None, "{line}");
            } else if !line.starts_with('#') {
                let (name, value) = line.rsplit_once(' ').expect("a name and a value");
                assert!(value.parse::<f64>().is_ok(), "{line}");
                assert_eq!(samples.insert(name.to_string(), value.to_string()), None, "{line}");
            }
        }
        Self { kinds, samples }
    }

    /// A whole figure.
    fn count(&self, sample: &str) -> Option<u64> {
        self.samples.get(sample)?.parse().ok()
    }
}

/// The names in README's table.
fn told() -> BTreeSet<&'static str> {
    let readme = include_str!("../../README.md");
    let section = readme.split("\n## Metrics\n").nth(1).expect("a section");
    let section = section.split("\n## ").next().expect("its text");
    let rows = section.lines().filter_map(|line| line.strip_prefix("| `"));
    rows.filter_map(|row| row.split('`').next()).collect()
}

#[test]
fn the_text_has_every_metric_of_the_table_with_its_kind_and_the_right_figures() {
    let place = Place::with_city();
    let server = place.serve();
    let mut connection = server.connect();
    let first = feed_length(&mut connection) + 1;
    // Three cases, one of them settled; one comes again; one is refused.
    let post = |connection: &mut crate::http::Connection, one: &Sent, status| {
        let (path, body) = one.post();
        let reply = connection.post(&path, &one.key, &body).expect("a reply");
        assert_eq!(reply.status, status, "{}", reply.text());
    };
    let reports = [Verb::Report, Verb::Report, Verb::ReportSettled].into_iter().enumerate();
    let reports: Vec<_> =
        reports.map(|(n, verb)| Sent::report(format!("m-{n}"), verb, GRIDS[n])).collect();
    for one in &reports {
        post(&mut connection, one, 201);
    }
    post(&mut connection, &reports[0], 201);
    let nowhere = Sent::report("m-9".into(), Verb::Report, "999999999999999");
    post(&mut connection, &nowhere, 422);

    let reply = connection.get("/metrics").expect("a reply");
    assert_eq!(reply.status, 200);
    let kind = reply.header("content-type").expect("a type");
    assert!(kind.starts_with("text/plain; version=0.0.4"), "{kind}");
    let text = String::from_utf8(reply.body).expect("UTF-8");
    let scraped = Scraped::of(&text);

    let names: BTreeSet<&str> = scraped.kinds.keys().map(String::as_str).collect();
    assert_eq!(names, told(), "README's table and the text");
    for (name, kind) in &scraped.kinds {
        let expected = match name.rsplit('_').next() {
            Some("total") => "counter",
            Some("seconds") => "histogram",
            _ => panic!("{name} says no unit"),
        };
        assert_eq!(kind, expected, "{name}");
    }
    for sample in scraped.samples.keys() {
        let name = sample.split('{').next().expect("a name");
        let endings = ["", "_bucket", "_sum", "_count"];
        let is_told = |end: &str| name.strip_suffix(end).is_some_and(|n| names.contains(n));
        assert!(endings.iter().any(|end| is_told(end)), "{sample} is of no metric");
    }

    let bytes = value_bytes(&mut connection, first);
    for (sample, expected) in [
        ("zhida_commands_total{outcome=\"accepted\"}", 3),
        ("zhida_commands_total{outcome=\"known\"}", 1),
        ("zhida_commands_total{outcome=\"rejected\"}", 1),
        ("zhida_events_total", 4),
        ("zhida_commits_total", 3),
        ("zhida_journal_bytes_total", bytes),
        ("zhida_decide_seconds_count", 5),
        ("zhida_commit_seconds_count", 3),
        ("zhida_publish_seconds_count", 5),
    ] {
        assert_eq!(scraped.count(sample), Some(expected), "{sample}: {text}");
    }
    for name in ["decide", "commit", "publish"] {
        let sum = &scraped.samples[&format!("zhida_{name}_seconds_sum")];
        assert!(sum.parse::<f64>().is_ok_and(|sum| sum > 0.0), "{name} took no time: {text}");
        let all = scraped.count(&format!("zhida_{name}_seconds_bucket{{le=\"+Inf\"}}"));
        assert_eq!(all, scraped.count(&format!("zhida_{name}_seconds_count")), "{name}");
    }
}

fn feed_length(connection: &mut crate::http::Connection) -> u64 {
    let health = connection.get("/healthz").expect("a reply").ok();
    health["seq"].as_u64().expect("the newest event")
}

/// Bytes of the values from that event on, as the journal holds them.
fn value_bytes(connection: &mut crate::http::Connection, first: u64) -> u64 {
    let raw = connection.get(&format!("/v1/journal/records?from={first}")).expect("a reply");
    assert_eq!(raw.status, 200, "{}", raw.text());
    let (mut rest, mut bytes) = (&raw.body[..], 0);
    while !rest.is_empty() {
        // First seq, length, value.
        let (head, after) = rest.split_at(12);
        let length = u32::from_le_bytes(head[8..].try_into().expect("four bytes"));
        bytes += u64::from(length);
        rest = &after[length as usize..];
    }
    bytes
}
