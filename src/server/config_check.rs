//! All that is wrong with a `zhida.toml`, each fault with its line. A start ends at the first one;
//! whoever checks a file wants them all.

use serde::Deserialize;
use toml::{Table, Value};

use super::config::Config;
use super::tls;
use crate::rules::{Finding, Words};

const HINT: &Words = &Words::fixed(
    "config/zhida.toml says every key, its default and why",
    "config/zhida.toml 列出全部键、默认值及原因",
);

/// Everything that is wrong with the text, in the order of its lines.
pub(super) fn findings(origin: &str, text: &str) -> Vec<Finding> {
    let table: Table = match toml::from_str(text) {
        Ok(table) => table,
        Err(error) => {
            let before = error.span().map_or(0, |span| span.start).min(text.len());
            let line = text.as_bytes()[..before].split(|byte| *byte == b'\n').count();
            return vec![finding(origin, line, None, error.message())];
        }
    };
    let mut found: Vec<_> = table
        .into_iter()
        .flat_map(|(section, value)| each_alone(&section, value))
        .filter_map(|(section, key, alone)| {
            let error = Config::deserialize(alone).err()?;
            let line = line_of(text, &section, key.as_deref());
            Some(finding(origin, line, key, error.message().trim_end()))
        })
        .collect();
    if found.is_empty()
        && let Ok(config) = toml::from_str::<Config>(text)
    {
        found.extend(config.out_of_bounds().into_iter().map(|(name, message)| {
            let (section, key) = name.split_once('.').unwrap_or((name, ""));
            finding(origin, line_of(text, section, Some(key)), None, &message)
        }));
        found.extend(tls::wrong(&config.tls).into_iter().map(|fault| of_tls(origin, text, fault)));
    }
    found.sort_by_key(|finding| finding.line);
    found
}

/// Each key of a section in a table of its own, so that one fault hides no other.
fn each_alone(section: &str, value: Value) -> Vec<(String, Option<String>, Table)> {
    let alone = |inner: Value| Table::from_iter([(section.to_string(), inner)]);
    if let Value::Table(keys) = value {
        if keys.is_empty() {
            return vec![(section.to_string(), None, alone(Value::Table(keys)))];
        }
        let each = keys.into_iter().map(|(key, value)| {
            let inner = Table::from_iter([(key.clone(), value)]);
            (section.to_string(), Some(key), alone(Value::Table(inner)))
        });
        return each.collect();
    }
    vec![(section.to_string(), None, alone(value))]
}

/// The line of a key in its section, of the section without a key; the first where it is not found.
fn line_of(text: &str, section: &str, key: Option<&str>) -> usize {
    let header = format!("[{section}]");
    let lines = || (1..).zip(text.lines().map(str::trim));
    let Some((start, _)) = lines().find(|(_, line)| line.starts_with(&header)) else {
        let begins = |line: &str| line.starts_with(section);
        return lines().find(|(_, line)| begins(line)).map_or(1, |(number, _)| number);
    };
    let Some(key) = key else {
        return start;
    };
    let is_key =
        |line: &str| line.strip_prefix(key).is_some_and(|rest| rest.trim_start().starts_with('='));
    let within = lines().skip(start).take_while(|(_, line)| !line.starts_with('['));
    let mut found = within.filter(|(_, line)| is_key(line));
    found.next().map_or(start, |(number, _)| number)
}

/// A fault of what `[tls]` names: the files are read, as a start would read them.
fn of_tls(origin: &str, text: &str, fault: tls::Fault) -> Finding {
    let (section, key) = fault.setting.split_once('.').unwrap_or((fault.setting, ""));
    let line = line_of(text, section, Some(key));
    let found = finding(origin, line, Some(key.to_owned()), "");
    Finding { message: fault.message, hint: fault.hint, ..found }
}

fn finding(origin: &str, line: usize, field: Option<String>, message: &str) -> Finding {
    Finding {
        origin: origin.to_string(),
        line: u32::try_from(line).unwrap_or(u32::MAX),
        column: None,
        field,
        message: Words::of_toml(message),
        hint: HINT.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fault_is_found_with_its_line() {
        let text = "[server]\nlisten = 5\nport = 80\n\n[engine]\nbulk_bytes_max = \"many\"\n\n[nonsense]\n";
        let found: Vec<_> =
            findings("a.toml", text).iter().map(|one| (one.line, one.field.clone())).collect();
        let field = |name: &str| Some(name.to_string());
        assert_eq!(
            found,
            [(2, field("listen")), (3, field("port")), (6, field("bulk_bytes_max")), (8, None)]
        );
    }

    #[test]
    fn bounds_and_broken_syntax_have_lines() {
        for (text, line) in
            [("[server]\n\nio_threads = 0\n", 3), ("[server]\nlisten = \n", 2), ("server = 5\n", 1)]
        {
            let found = findings("a.toml", text);
            assert_eq!(found.iter().map(|one| one.line).collect::<Vec<_>>(), [line], "{text}");
        }
    }

    #[test]
    fn the_documented_file_is_good() {
        assert_eq!(findings("zhida.toml", include_str!("../../config/zhida.toml")), []);
    }
}
