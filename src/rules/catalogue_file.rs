//! The catalogue as a file: TOML, one `[[matter]]` an entry.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::ops::Range;
use std::sync::Arc;

use serde::Deserialize as _;
use serde_json::Value;
use toml::Spanned;
use toml::de::{DeString, DeTable, DeValue, ValueDeserializer};

use super::encoding::{decode, joined};
use super::entry::{BOOLEAN, Entry, Field, LIMIT, Place, TEXT, did_you_mean, unknown_field};
use super::finding::Finding;
use super::matter::{LimitText, MatterText};
use super::words::Words;
use crate::domain::catalogue::MatterRow;
use crate::domain::limits::MATTERS_MAX;

const ENTRY: &str = "matter";

/// What would be right where an entry has no head.
const HEAD_EACH: &Words =
    &Words::fixed("head each entry with [[matter]]", "每个条目以 [[matter]] 开头");

/// The matters of a TOML text, in its order.
///
/// # Errors
/// Everything that is wrong with it, in the order of its lines.
pub fn parse_catalogue(origin: &str, toml: &[u8]) -> Result<Vec<MatterRow>, Vec<Finding>> {
    let (toml, undecoded) = decode(origin, toml);
    match parse(origin, &toml) {
        Ok(rows) if undecoded.is_empty() => Ok(rows),
        Ok(_) => Err(undecoded),
        Err(found) => Err(joined(undecoded, found)),
    }
}

fn parse(origin: &str, toml: &str) -> Result<Vec<MatterRow>, Vec<Finding>> {
    let lines = Lines::of(toml);
    let (document, errors) = DeTable::parse_recoverable(toml);
    let mut findings: Vec<_> = errors
        .iter()
        .map(|error| {
            let place = lines.place(error.span().unwrap_or_default());
            let hint = Words::fixed("see toml.io for the form of a TOML text", "格式见 toml.io");
            place.found(origin, None, Words::of_toml(error.message()), hint)
        })
        .collect();
    // What a broken text seems to say is not worth a finding.
    if !findings.is_empty() {
        return Err(findings);
    }

    let mut rows = Vec::new();
    let mut lines_of: HashMap<Arc<str>, u32> = HashMap::new();
    for (place, fields) in entries(origin, &lines, document.into_inner(), &mut findings) {
        match row(origin, place, fields) {
            Ok(row) => {
                if let Some(first) = lines_of.get(&row.code) {
                    let message = Words::new(
                        format!("{} stands twice, first in the entry on line {first}", row.code),
                        format!("{} 重复，首次出现在第 {first} 行的条目", row.code),
                    );
                    let hint = Words::fixed(
                        "a code names one matter; keep one of the entries",
                        "一个代码对应一个事项，请只保留一条",
                    );
                    findings.push(place.found(origin, Some("code"), message, hint));
                }
                lines_of.entry(Arc::clone(&row.code)).or_insert(place.line);
                rows.push(row);
            }
            Err(found) => findings.extend(found),
        }
    }
    if rows.len() > MATTERS_MAX {
        let message = Words::new(
            format!("more than {MATTERS_MAX} matters"),
            format!("事项超过 {MATTERS_MAX} 个"),
        );
        let hint = Words::fixed("leave some out", "请减少事项");
        findings.push(Place::TOP.found(origin, None, message, hint));
    }
    // An empty text is rather a mistake than a city that gives up every matter.
    if rows.is_empty() && findings.is_empty() {
        let message = Words::fixed("holds no matter", "没有任何事项");
        findings.push(Place::TOP.found(origin, None, message, HEAD_EACH.clone()));
    }
    findings.sort_by_key(|finding| (finding.line, finding.column));
    if findings.is_empty() { Ok(rows) } else { Err(findings) }
}

/// The matters as a TOML text: what [`parse_catalogue`] reads.
#[must_use]
pub fn write_catalogue(rows: &[MatterRow]) -> String {
    let mut toml = String::new();
    for row in rows {
        let text = MatterText::from(row);
        let quoted = |text: &str| toml::Value::from(text).to_string();
        let entry = write!(
            toml,
            "[[{ENTRY}]]\n\
             code = {}\nname = {}\nclass = {}\nmodule = {}\nhome = {}\nseverity = {}\n\
             node_limit = {}\ntotal_limit = {}\n\
             on_the_spot = {}\npublic = {}\nconfidential = {}\nfrom_occurrence = {}\n\n",
            quoted(&text.code),
            quoted(&text.name),
            quoted(&text.class),
            quoted(&text.module),
            quoted(&text.home),
            quoted(&text.severity),
            limit(text.node_limit),
            limit(text.total_limit),
            text.on_the_spot,
            text.public,
            text.confidential,
            text.from_occurrence,
        );
        entry.expect("a string takes every text");
    }
    toml
}

fn limit(text: LimitText) -> String {
    match text {
        LimitText::CalendarHours(hours) => format!("{{ calendar_hours = {hours} }}"),
        LimitText::WorkingHours(hours) => format!("{{ working_hours = {hours} }}"),
        LimitText::WorkingDays(days) => format!("{{ working_days = {days} }}"),
    }
}

fn row(origin: &str, place: Place, fields: Vec<Field>) -> Result<MatterRow, Vec<Finding>> {
    let mut entry = Entry::new(origin, place, fields, MatterText::FIELDS);
    let text = MatterText {
        code: entry.take("code", TEXT),
        name: entry.take("name", TEXT),
        class: entry.take("class", TEXT),
        module: entry.take("module", TEXT),
        home: entry.take("home", TEXT),
        severity: entry.take("severity", TEXT),
        node_limit: entry.take("node_limit", LIMIT),
        total_limit: entry.take("total_limit", LIMIT),
        on_the_spot: entry.take("on_the_spot", BOOLEAN),
        public: entry.take("public", BOOLEAN),
        confidential: entry.take("confidential", BOOLEAN),
        from_occurrence: entry.take("from_occurrence", BOOLEAN),
    };
    entry.finish(text.row())
}

/// The entries with their fields; what else stands at the top is found.
fn entries(
    origin: &str,
    lines: &Lines<'_>,
    document: DeTable<'_>,
    findings: &mut Vec<Finding>,
) -> Vec<(Place, Vec<Field>)> {
    let mut entries = Vec::new();
    for (name, value) in document {
        let place = lines.place(name.span());
        if name.get_ref() != ENTRY {
            let hint = did_you_mean(name.get_ref(), &[ENTRY]).unwrap_or(Words::fixed(
                "the file holds [[matter]] entries only",
                "文件只含 [[matter]] 条目",
            ));
            findings.push(place.found(origin, None, unknown_field(name.get_ref()), hint));
            continue;
        }
        let DeValue::Array(array) = value.into_inner() else {
            let message = Words::fixed("'matter' is not a list of entries", "matter 不是条目列表");
            findings.push(place.found(origin, None, message, HEAD_EACH.clone()));
            continue;
        };
        for item in array {
            let place = Place { column: None, ..lines.place(item.span()) };
            let DeValue::Table(table) = item.into_inner() else {
                let message = Words::fixed("is not an entry", "不是条目");
                findings.push(place.found(origin, None, message, HEAD_EACH.clone()));
                continue;
            };
            entries.push((place, table.into_iter().map(|pair| field(lines, pair)).collect()));
        }
    }
    entries
}

fn field(lines: &Lines<'_>, (name, value): (Spanned<DeString<'_>>, Spanned<DeValue<'_>>)) -> Field {
    let place = lines.place(name.span());
    let value = Value::deserialize(ValueDeserializer::from(value)).unwrap_or(Value::Null);
    Field { name: name.into_inner().into_owned(), value, place }
}

/// Where lines begin, to turn spans into places.
struct Lines<'a> {
    text: &'a str,
    starts: Vec<usize>,
}

impl<'a> Lines<'a> {
    fn of(text: &'a str) -> Self {
        let starts = text.match_indices('\n').map(|(at, _)| at + 1);
        Self { text, starts: std::iter::once(0).chain(starts).collect() }
    }

    fn place(&self, span: Range<usize>) -> Place {
        let line = self.starts.partition_point(|start| *start <= span.start);
        let start = self.starts[line - 1];
        let before = self.text.get(start..span.start).unwrap_or_default();
        let number = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
        Place { line: number(line), column: Some(number(before.chars().count() + 1)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"[[matter]]
code = "PS-001"
name = "邻里纠纷"
class = "矛盾纠纷"
module = "public_safety"
home = "grid"
severity = "normal"
node_limit = { calendar_hours = 24 }
total_limit = { calendar_hours = 72 }
on_the_spot = true
public = false
confidential = false
from_occurrence = false

"#;

    fn check(toml: &str, expected: &[&str]) {
        let findings =
            parse_catalogue("catalogue.toml", toml.as_bytes()).expect_err("something is wrong");
        let found: Vec<_> = findings.iter().map(ToString::to_string).collect();
        assert_eq!(found, expected);
    }

    /// The good entry with one of its lines changed.
    fn check_changed(from: &str, to: &str, expected: &[&str]) {
        assert!(GOOD.contains(from), "{from} is in the good entry");
        check(&GOOD.replace(from, to), expected);
    }

    #[test]
    fn a_good_entry_becomes_a_row_and_prints_as_it_was_read() {
        let rows = parse_catalogue("catalogue.toml", GOOD.as_bytes()).unwrap();
        assert_eq!(&*rows[0].name, "邻里纠纷");
        assert!(rows[0].on_the_spot && !rows[0].public);
        assert_eq!(write_catalogue(&rows), GOOD);
    }

    #[test]
    fn a_byte_order_mark_is_passed_over() {
        assert_eq!(
            parse_catalogue("x", format!("\u{feff}{GOOD}").as_bytes()),
            parse_catalogue("x", GOOD.as_bytes())
        );
    }

    #[test]
    fn a_line_that_is_no_utf8_is_found_beside_the_faults_of_the_others() {
        let bad = GOOD.replace("\"grid\"", "\"county\"").into_bytes();
        // 纠 in GBK, and one whose second byte is a backslash.
        let name = "name = \"邻里纠纷\"".as_bytes();
        let at = bad.windows(name.len()).position(|part| part == name).expect("it is there");
        let bytes = [&bad[..at], b"name = \"\xbe\xc0\x81\\\"", &bad[at + name.len()..]].concat();
        let findings = parse_catalogue("c", &bytes).expect_err("something is wrong");
        let found: Vec<_> = findings.iter().map(ToString::to_string).collect();
        assert_eq!(found[0], "c:3:9: is not UTF-8; hint: save the file as UTF-8; Excel: CSV UTF-8");
        let good_form = [&GOOD.as_bytes()[..at], b"name = \"\xbe\xc0\"", &bad[at + name.len()..]];
        let findings = parse_catalogue("c", &good_form.concat()).expect_err("something is wrong");
        assert_eq!(
            findings.iter().map(|one| (one.line, one.field.as_deref())).collect::<Vec<_>>(),
            [(3, None), (6, Some("home"))]
        );
    }

    #[test]
    fn every_fault_of_an_entry_is_found_at_once() {
        check(
            r#"
[[matter]]
code = "PS 001"
name = ""
clas = "矛盾纠纷"
module = "public_safty"
home = "county"
severity = 3
node_limit = { calendar_hours = 0 }
total_limit = { working_days = 5 }
on_the_spot = "yes"
public = false
confidential = false
"#,
            &[
                "catalogue.toml:2: class: is missing; hint: it is a text in quotes",
                "catalogue.toml:2: from_occurrence: is missing; hint: it is true or false",
                "catalogue.toml:3:1: code: 'PS 001' is not a matter code; hint: 1 to 16 letters, \
                 digits and '-', for example PS-001",
                "catalogue.toml:4:1: name: is empty; hint: give 1 to 120 bytes",
                "catalogue.toml:5:1: unknown field 'clas'; hint: did you mean 'class'?",
                "catalogue.toml:6:1: module: 'public_safty' is not one of its values; hint: did \
                 you mean 'public_safety'?",
                "catalogue.toml:7:1: home: 'county' is not one of its values; hint: one of grid, \
                 village, township",
                "catalogue.toml:8:1: severity: invalid type: integer `3`, expected a string; \
                 hint: it is a text in quotes",
                "catalogue.toml:9:1: node_limit: 0 calendar hours is out of bounds; hint: 1 to \
                 87600",
                "catalogue.toml:10:1: total_limit: is in working time, and the working calendar \
                 is not loaded; hint: write it as { calendar_hours = N }",
                "catalogue.toml:11:1: on_the_spot: invalid type: string \"yes\", expected a \
                 boolean; hint: it is true or false",
            ],
        );
    }

    #[test]
    fn a_limit_has_a_form_and_bounds() {
        let total = "total_limit = { calendar_hours = 72 }";
        check_changed(
            total,
            "total_limit = 72",
            &["catalogue.toml:9:1: total_limit: invalid type: integer `72`, expected string or \
               map; hint: it is a limit such as { calendar_hours = 24 }"],
        );
        check_changed(
            total,
            "total_limit = { hours = 72 }",
            &["catalogue.toml:9:1: total_limit: unknown variant `hours`, expected one of \
               `calendar_hours`, `working_hours`, `working_days`; hint: it is a limit such as { \
               calendar_hours = 24 }"],
        );
        check_changed(
            total,
            "total_limit = { calendar_hours = -1 }",
            &["catalogue.toml:9:1: total_limit: invalid value: integer `-1`, expected u64; hint: \
               it is a limit such as { calendar_hours = 24 }"],
        );
        check_changed(
            total,
            "total_limit = { calendar_hours = 87601 }",
            &["catalogue.toml:9:1: total_limit: 87601 calendar hours is out of bounds; hint: 1 \
               to 87600"],
        );
        check_changed(
            total,
            "total_limit = { calendar_hours = 12 }",
            &["catalogue.toml:9:1: total_limit: is shorter than node_limit; hint: the whole case \
               has at least what one holder has"],
        );
    }

    #[test]
    fn a_code_that_comes_twice_names_both_lines() {
        check(
            &format!("{GOOD}{GOOD}"),
            &["catalogue.toml:15: code: PS-001 stands twice, first in the entry on line 1; hint: \
               a code names one matter; keep one of the entries"],
        );
    }

    #[test]
    fn what_is_no_entry_is_found() {
        check(
            "title = \"x\"\n[[mater]]\ncode = \"PS-001\"\n",
            &[
                "catalogue.toml:1:1: unknown field 'title'; hint: the file holds [[matter]] \
                 entries only",
                "catalogue.toml:2:3: unknown field 'mater'; hint: did you mean 'matter'?",
            ],
        );
        check(
            "matter = 3\n",
            &["catalogue.toml:1:1: 'matter' is not a list of entries; hint: head each entry with \
               [[matter]]"],
        );
        check(
            "matter = [3]\n",
            &["catalogue.toml:1: is not an entry; hint: head each entry with [[matter]]"],
        );
    }

    #[test]
    fn a_text_without_a_matter_is_no_catalogue() {
        for empty in ["", "# nothing yet\n"] {
            check(
                empty,
                &["catalogue.toml:1: holds no matter; hint: head each entry with [[matter]]"],
            );
        }
    }

    #[test]
    fn a_text_that_is_no_toml_is_found_with_its_place() {
        check(
            "[[matter]]\ncode = \"PS-001\nname = \"邻里\"\n",
            &["catalogue.toml:2:15: invalid basic string, expected `\"`; hint: see toml.io for \
               the form of a TOML text"],
        );
        check(
            "[[matter]]\ncode = \"A\"\ncode = \"B\"\n",
            &["catalogue.toml:3:1: duplicate key; hint: see toml.io for the form of a TOML text"],
        );
    }
}
