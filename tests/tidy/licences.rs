//! What may come into the build by its licence, as far as that shows without `cargo deny`.

use std::process::Command;

use serde_json::Value;

use crate::assert_none;
use crate::source::{read, root};

/// A licence expression, read from the left.
struct Expression<'e> {
    words: Vec<&'e str>,
    at: usize,
}

impl<'e> Expression<'e> {
    /// As Cargo.toml has it: `MIT/Apache-2.0` is the old way to write OR.
    fn read(text: &'e str) -> Self {
        let apart = |part: &'e str| part.split_inclusive(['(', ')', '/']).flat_map(ends);
        Self { words: text.split_whitespace().flat_map(apart).collect(), at: 0 }
    }

    fn is_allowed(&mut self, allowed: &[&str]) -> bool {
        let mut is_allowed = self.all_of(allowed);
        while matches!(self.words.get(self.at), Some(&("OR" | "/"))) {
            self.at += 1;
            is_allowed |= self.all_of(allowed);
        }
        is_allowed
    }

    fn all_of(&mut self, allowed: &[&str]) -> bool {
        let mut is_allowed = self.one(allowed);
        while self.words.get(self.at) == Some(&"AND") {
            self.at += 1;
            is_allowed &= self.one(allowed);
        }
        is_allowed
    }

    fn one(&mut self, allowed: &[&str]) -> bool {
        let name = self.words.get(self.at).copied().unwrap_or_default();
        self.at += 1;
        if name == "(" {
            let is_allowed = self.is_allowed(allowed);
            self.at += 1;
            return is_allowed;
        }
        if self.words.get(self.at) == Some(&"WITH") {
            let exception = self.words.get(self.at + 1).copied().unwrap_or_default();
            self.at += 2;
            return allowed.contains(&format!("{name} WITH {exception}").as_str());
        }
        allowed.contains(&name)
    }
}

/// A piece that may end with a sign, as the name and the sign.
fn ends(piece: &str) -> impl Iterator<Item = &str> {
    let name = piece.trim_end_matches(['(', ')', '/']);
    [name, &piece[name.len()..]].into_iter().filter(|word| !word.is_empty())
}

#[test]
fn an_expression_is_read_as_it_is_meant() {
    let allowed = ["MIT", "Zlib", "Apache-2.0 WITH LLVM-exception"];
    for (text, is_allowed) in [
        ("MIT", true),
        ("GPL-3.0", false),
        ("", false),
        ("GPL-3.0 OR MIT", true),
        ("GPL-3.0/MIT", true),
        ("GPL-3.0 / Zlib", true),
        ("MIT AND GPL-3.0", false),
        ("MIT AND Zlib", true),
        ("(MIT OR GPL-3.0) AND Zlib", true),
        ("(GPL-3.0 OR LGPL-2.1) AND MIT", false),
        ("GPL-3.0 AND MIT OR Zlib", true),
        ("Apache-2.0", false),
        ("Apache-2.0 WITH LLVM-exception OR GPL-3.0", true),
        ("MIT WITH LLVM-exception", false),
    ] {
        assert_eq!(Expression::read(text).is_allowed(&allowed), is_allowed, "{text}");
    }
}

#[test]
fn every_licence_in_the_build_is_allowed_and_every_allowed_one_is_in_use() {
    let deny: toml::Table = read("deny.toml").parse().unwrap();
    let strings = |table: &str, key: &str| -> Vec<String> {
        let values = deny[table][key].as_array().unwrap().iter();
        values.map(|value| value.as_str().unwrap().to_owned()).collect()
    };
    let allowed = strings("licenses", "allow");
    let allowed: Vec<&str> = allowed.iter().map(String::as_str).collect();
    let targets = strings("graph", "targets");
    let here = targets.iter().find(|target| target.starts_with(std::env::consts::ARCH)).unwrap();

    let metadata = Command::new(env!("CARGO"))
        .args(["metadata", "--offline", "--format-version", "1", "--filter-platform", here])
        .current_dir(root())
        .output()
        .unwrap();
    assert!(metadata.status.success(), "{}", String::from_utf8_lossy(&metadata.stderr));
    let metadata: Value = serde_json::from_slice(&metadata.stdout).unwrap();
    let packages = metadata["packages"].as_array().unwrap();
    assert!(packages.len() > 100, "only {} packages found", packages.len());

    let licence = |package: &Value| package["license"].as_str().unwrap_or_default().to_owned();
    let wrong: Vec<String> = packages
        .iter()
        .filter(|package| !Expression::read(&licence(package)).is_allowed(&allowed))
        .map(|package| format!("{}: {}", package["name"], package["license"]))
        .chain(
            allowed
                .iter()
                .filter(|name| !packages.iter().any(|package| licence(package).contains(*name)))
                .map(|name| format!("{name} is allowed and nobody has it")),
        )
        .collect();
    assert_none(&wrong, "licences are those of deny.toml");
}
