//! Units as a file: NDJSON, one unit a line; empty lines are passed over.

use std::collections::HashMap;
use std::fmt;
use std::ops::ControlFlow;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::Value;

use super::encoding::{text_of, wide, without_mark};
use super::entry::{Entry, Field, Place, TEXT, TEXTS};
use super::finding::{Finding, Flaw};
use super::unit::UnitText;
use super::words::Words;
use crate::domain::code::UnitCode;
use crate::domain::limits::{FINDINGS_MAX, UNITS_MAX};
use crate::domain::organisation::UnitRow;

/// The units of a text, in its order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReadUnits {
    /// The units.
    pub rows: Vec<UnitRow>,
    /// The line that each begins on, counted from 1.
    pub lines: Vec<u32>,
}

/// The units of an NDJSON text, in its order.
///
/// # Errors
/// Everything that is wrong with it, in the order of its lines.
pub fn parse_units(origin: &str, ndjson: &[u8]) -> Result<ReadUnits, Vec<Finding>> {
    let ndjson = without_mark(ndjson);
    if let Some(finding) = wide(origin, ndjson) {
        return Err(vec![finding]);
    }
    let mut gathered = Gathered::new(origin);
    for (number, line) in (1..).zip(ndjson.split(|byte| *byte == b'\n')) {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let row = match text_of(origin, number, line) {
            Ok(line) if line.trim().is_empty() => continue,
            Ok(line) => parse_line(origin, number, line),
            Err(found) => Err(found),
        };
        if gathered.put(number, row).is_break() {
            break;
        }
    }
    gathered.finish(&Words::fixed("give one JSON object a line", "每行一个 JSON 对象"))
}

/// The rows of a text as they come, and what is wrong with it, as far as it is told.
pub(super) struct Gathered<'a> {
    origin: &'a str,
    read: ReadUnits,
    findings: Vec<Finding>,
    /// Findings beyond those that are told.
    untold: usize,
    lines_of: HashMap<UnitCode, u32>,
}

impl<'a> Gathered<'a> {
    pub(super) fn new(origin: &'a str) -> Self {
        Self {
            origin,
            read: ReadUnits::default(),
            findings: Vec::new(),
            untold: 0,
            lines_of: HashMap::new(),
        }
    }

    /// Takes what a line came to; breaks off where no more can be taken.
    pub(super) fn put(&mut self, line: u32, row: Result<UnitRow, Vec<Finding>>) -> ControlFlow<()> {
        let row = match row {
            Ok(row) => row,
            Err(found) => {
                for finding in found {
                    self.found(finding);
                }
                return ControlFlow::Continue(());
            }
        };
        let place = Place { line, column: None };
        let first = *self.lines_of.entry(row.code).or_insert(line);
        if first != line {
            let message = Words::new(
                format!("{} stands twice, first on line {first}", row.code),
                format!("{} 重复，首次出现在第 {first} 行", row.code),
            );
            let hint = Words::fixed(
                "a code names one unit; keep one of the lines",
                "一个代码对应一个单位，请只保留一行",
            );
            self.found(place.finding(self.origin, Flaw::of("code", message, hint)));
        }
        if self.read.rows.len() == UNITS_MAX {
            let message = Words::new(
                format!("more than {UNITS_MAX} units"),
                format!("单位超过 {UNITS_MAX} 个"),
            );
            let flaw = Flaw::whole(message, Words::fixed("split the city", "请分市处理"));
            self.found(place.finding(self.origin, flaw));
            return ControlFlow::Break(());
        }
        self.read.rows.push(row);
        self.read.lines.push(line);
        ControlFlow::Continue(())
    }

    pub(super) fn found(&mut self, finding: Finding) {
        if self.findings.len() < FINDINGS_MAX {
            self.findings.push(finding);
        } else {
            self.untold += 1;
        }
    }

    /// The units, or what is wrong; `form` says how to give one where there is none.
    pub(super) fn finish(mut self, form: &Words) -> Result<ReadUnits, Vec<Finding>> {
        if self.findings.is_empty() && !self.read.rows.is_empty() {
            return Ok(self.read);
        }
        if self.findings.is_empty() {
            let flaw = Flaw::whole(Words::fixed("no unit in it", "没有任何单位"), form.clone());
            self.found(Place::TOP.finding(self.origin, flaw));
        }
        if self.untold > 0 {
            let untold = self.untold;
            let message = Words::new(
                format!("{untold} more findings are not told"),
                format!("另有 {untold} 处问题未列出"),
            );
            let flaw = Flaw::whole(message, Words::fixed("mend these first", "请先改正以上各处"));
            let line = self.findings.last().map_or(0, |finding| finding.line);
            self.findings.push(Place { line, column: None }.finding(self.origin, flaw));
        }
        Err(self.findings)
    }
}

/// The units as an NDJSON text: what [`parse_units`] reads.
#[must_use]
pub fn write_units<'r>(rows: impl IntoIterator<Item = &'r UnitRow>) -> String {
    let mut ndjson = String::new();
    for row in rows.into_iter().map(UnitText::from) {
        ndjson.push_str(&serde_json::to_string(&row).expect("texts have a JSON form"));
        ndjson.push('\n');
    }
    ndjson
}

fn parse_line(origin: &str, number: u32, line: &str) -> Result<UnitRow, Vec<Finding>> {
    // A good line, the most of them, is read without noting where its fields stand.
    if let Ok(text) = serde_json::from_str::<UnitText>(line)
        && let Ok(row) = text.row()
    {
        return Ok(row);
    }
    let place = Place { line: number, column: None };
    let Pairs(pairs) = serde_json::from_str(line).map_err(|error| {
        let before = line.as_bytes().get(..error.column().saturating_sub(1)).unwrap_or_default();
        let column = Some(column_after(&String::from_utf8_lossy(before)));
        let hint = Words::fixed("a line is one JSON object, whole", "每行为一个完整的 JSON 对象");
        let place = Place { line: number, column };
        vec![place.found(origin, None, Words::of_value(&error), hint)]
    })?;
    let mut searched = 0;
    let fields = pairs.into_iter().map(|(name, value)| {
        let found = find_key(line, searched, &name);
        searched = found.map_or(searched, |at| at + 1);
        let column = found.map(|at| column_after(&line[..at]));
        Field { name, value, place: Place { line: number, column } }
    });
    let mut entry = Entry::new(origin, place, fields.collect(), UnitText::FIELDS);
    let text = UnitText {
        code: entry.take("code", TEXT),
        kind: entry.take("kind", TEXT),
        name: entry.take("name", TEXT),
        reports_to: entry.take_optional("reports_to", TEXT),
        modules: entry.take_optional("modules", TEXTS).unwrap_or_default(),
        valid_from: entry.take_optional("valid_from", TEXT),
        valid_until: entry.take_optional("valid_until", TEXT),
        successor: entry.take_optional("successor", TEXT),
    };
    entry.finish(text.row())
}

/// Where the key stands, from `start` on: its quotes, with a colon behind them.
fn find_key(line: &str, start: usize, name: &str) -> Option<usize> {
    let quoted = serde_json::to_string(name).ok()?;
    line.get(start..)?.match_indices(&quoted).map(|(at, _)| start + at).find(|at| {
        line.get(at + quoted.len()..).is_some_and(|rest| rest.trim_start().starts_with(':'))
    })
}

/// The column, in characters from 1, of what stands behind `before`.
fn column_after(before: &str) -> u32 {
    u32::try_from(before.chars().count() + 1).unwrap_or(u32::MAX)
}

/// A JSON object as its pairs in order, so that a key that comes twice is seen.
struct Pairs(Vec<(String, Value)>);

impl<'de> Deserialize<'de> for Pairs {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(PairsVisitor)
    }
}

struct PairsVisitor;

impl<'de> Visitor<'de> for PairsVisitor {
    type Value = Pairs;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Pairs, A::Error> {
        let mut pairs = Vec::new();
        while let Some(pair) = map.next_entry()? {
            pairs.push(pair);
        }
        Ok(Pairs(pairs))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(ndjson: &str, expected: &[&str]) {
        let findings =
            parse_units("units.ndjson", ndjson.as_bytes()).expect_err("something is wrong");
        let found: Vec<_> = findings.iter().map(ToString::to_string).collect();
        assert_eq!(found, expected);
    }

    const GOOD: &str = concat!(
        r#"{"code":"411500000000","kind":"division","name":"信阳市"}"#,
        "\n",
        r#"{"code":"411502001000-R01","kind":"governance_room","name":"社会治理室","#,
        r#""valid_from":"2022-01-01T00:00:00.000+08:00"}"#,
        "\n",
    );

    #[test]
    fn good_lines_become_rows_and_print_as_they_were_read() {
        let ReadUnits { rows, lines } = parse_units("units.ndjson", GOOD.as_bytes()).unwrap();
        assert_eq!(lines, [1, 2]);
        assert_eq!(rows.len(), 2);
        assert_eq!(&*rows[0].name, "信阳市");
        assert_eq!(rows[1].valid_from.map(|at| at.0), Some(1_640_966_400_000));
        assert_eq!(write_units(&rows), GOOD);
    }

    #[test]
    fn empty_lines_are_passed_over() {
        let spaced = GOOD.replace('\n', "\r\n\n");
        let spaced = parse_units("x", spaced.as_bytes()).unwrap();
        assert_eq!(spaced.rows, parse_units("x", GOOD.as_bytes()).unwrap().rows);
        assert_eq!(spaced.lines, [1, 3]);
    }

    #[test]
    fn a_byte_order_mark_is_passed_over() {
        assert_eq!(
            parse_units("x", format!("\u{feff}{GOOD}").as_bytes()),
            parse_units("x", GOOD.as_bytes())
        );
    }

    #[test]
    fn a_line_that_is_no_utf8_is_found_beside_the_faults_of_the_others() {
        // 村 in GBK, then a lone byte that begins a character.
        let bytes = [
            &b"{\"code\":\"411502001001\",\"kind\":\"division\",\"name\":\"\xb4\xe5\"}\n"[..],
            b"{\"code\":\"4115\",\"kind\":\"division\",\"name\":\"x\"}\r\n",
            "村\u{fffd}".as_bytes(),
            b"\xe6\n\n",
            GOOD.as_bytes(),
        ];
        let findings = parse_units("u", &bytes.concat()).unwrap_err();
        let found: Vec<_> = findings.iter().map(ToString::to_string).collect();
        let hint = "is not UTF-8; hint: save the file as UTF-8; Excel: CSV UTF-8";
        assert_eq!(found[0], format!("u:1:50: {hint}"));
        assert!(found[1].starts_with("u:2:2: code: '4115' is not a unit code"), "{}", found[1]);
        assert_eq!(found[2..], [format!("u:3:3: {hint}")]);
        // As some editors write what they call Unicode: no line of it can be read.
        for wide in [&b"\xff\xfe{\0\n\0}\0"[..], b"\xfe\xff\0{\0\n\0}"] {
            let findings = parse_units("u", wide).unwrap_err();
            let found: Vec<_> = findings.iter().map(ToString::to_string).collect();
            assert_eq!(found, [format!("u:1: {hint}")]);
        }
    }

    #[test]
    fn a_text_without_a_unit_is_a_fault() {
        for empty in ["", "\n\r\n \n", "\u{feff}"] {
            check(empty, &["units.ndjson:1: no unit in it; hint: give one JSON object a line"]);
        }
    }

    #[test]
    fn every_fault_of_every_line_is_found_at_once() {
        check(
            concat!(
                r#"{"code":"4115","kind":"villag","nmae":"某村"}"#,
                "\n\n",
                r#"{"code":7,"kind":"grid","name":" ","valid_until":"soon"}"#,
            ),
            &[
                "units.ndjson:1: name: is missing; hint: it is a text in quotes",
                "units.ndjson:1:2: code: '4115' is not a unit code: 12 digits (division), 15 \
                 (grid), or 12 digits, '-', a letter and 2 digits; hint: for example \
                 411502001001, 411502001001007 or 411502001000-R01",
                "units.ndjson:1:16: kind: 'villag' is not one of its values; hint: one of \
                 division, grid, governance_room, department, office, stationed, task_force, \
                 headquarters",
                "units.ndjson:1:32: unknown field 'nmae'; hint: did you mean 'name'?",
                "units.ndjson:3:2: code: invalid type: integer `7`, expected a string; hint: it \
                 is a text in quotes",
                "units.ndjson:3:25: name: is empty; hint: give 1 to 120 bytes",
                "units.ndjson:3:36: valid_until: 'soon' is not a time; hint: RFC 3339 with an \
                 offset, for example 2022-03-01T08:00:00+08:00",
            ],
        );
    }

    #[test]
    fn a_code_that_comes_twice_names_both_lines() {
        let line = r#"{"code":"411500000000","kind":"division","name":"信阳市"}"#;
        check(
            &format!("{line}\n\n{line}\n{line}\n"),
            &[
                "units.ndjson:3: code: 411500000000 stands twice, first on line 1; hint: a code \
                 names one unit; keep one of the lines",
                "units.ndjson:4: code: 411500000000 stands twice, first on line 1; hint: a code \
                 names one unit; keep one of the lines",
            ],
        );
    }

    #[test]
    fn a_line_that_is_no_object_is_found_with_its_column() {
        check(
            "[1]\n{\"code\":\"\u{4fe1}\" x}\n{\"code\":\"411500000000\"",
            &[
                "units.ndjson:1:1: invalid type: sequence, expected a JSON object; hint: a line \
                 is one JSON object, whole",
                "units.ndjson:2:13: expected `,` or `}`; hint: a line is one JSON object, whole",
                "units.ndjson:3:22: EOF while parsing an object; hint: a line is one JSON \
                 object, whole",
            ],
        );
    }

    #[test]
    fn a_row_must_hold_together() {
        check(
            concat!(
                r#"{"code":"411502001001","kind":"grid","name":"甲"}"#,
                "\n",
                r#"{"code":"411502001001007","kind":"governance_room","name":"乙"}"#,
                "\n",
                r#"{"code":"411502001001007","kind":"grid","name":"丙","#,
                r#""valid_from":"2023-01-01T00:00:00Z","valid_until":"2022-01-01T00:00:00Z"}"#,
                "\n",
                r#"{"code":"411502001002","code":"411502001002","kind":"division","name":"丁\n"}"#,
            ),
            &[
                "units.ndjson:1:24: kind: 'grid' does not fit the code 411502001001; hint: a \
                 grid has 15 digits, the last three not 000",
                "units.ndjson:2:27: kind: 'governance_room' does not fit the code \
                 411502001001007; hint: a governance room has 12 digits, '-R' and 2 digits",
                "units.ndjson:3:88: valid_until: does not lie after valid_from; hint: give the \
                 first moment at which the unit exists no more",
                "units.ndjson:4:24: field 'code' stands twice; hint: keep one of them",
                "units.ndjson:4:64: name: holds a control character; hint: write it on one line",
            ],
        );
    }

    #[test]
    fn a_name_has_a_bound() {
        let name = "村".repeat(41);
        check(
            &format!(r#"{{"code":"411502001001","kind":"division","name":"{name}"}}"#),
            &["units.ndjson:1:42: name: has 123 bytes; hint: at most 120, which is 40 Chinese \
               characters"],
        );
    }
}
