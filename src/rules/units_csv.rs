//! Units as CSV: a header row names the fields, one unit a row, `modules` joined by `;`. An empty
//! field is one that is not given.

use csv::{ReaderBuilder, StringRecord};

use super::entry::{Place, did_you_mean, unknown_field};
use super::finding::{Finding, Flaw};
use super::unit::UnitText;
use super::units_file::{Gathered, ReadUnits, without_mark};
use super::words::Words;
use crate::domain::limits::FINDINGS_MAX;
use crate::domain::organisation::UnitRow;

/// The header row that every CSV of units is written with.
#[must_use]
pub fn units_csv_header() -> String {
    UnitText::FIELDS.join(",") + "\r\n"
}

/// The units as CSV rows, without the header: what [`parse_units_csv`] reads.
#[must_use]
pub fn write_units_csv<'r>(rows: impl IntoIterator<Item = &'r UnitRow>) -> String {
    let mut writer =
        csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(vec![]);
    for text in rows.into_iter().map(UnitText::from) {
        let field = |text: Option<String>| text.unwrap_or_default();
        let fields = [
            text.code,
            text.kind,
            text.name,
            field(text.reports_to),
            text.modules.join(";"),
            field(text.valid_from),
            field(text.valid_until),
            field(text.successor),
        ];
        writer.write_record(fields).expect("memory takes what is written to it");
    }
    let bytes = writer.into_inner().expect("memory takes what is written to it");
    String::from_utf8(bytes).expect("made of texts")
}

/// The units of a CSV text, in its order.
///
/// # Errors
/// Everything that is wrong with it, in the order of its lines, as far as it is told.
pub fn parse_units_csv(origin: &str, csv: &str) -> Result<ReadUnits, Vec<Finding>> {
    let text = without_mark(csv);
    let mut reader = ReaderBuilder::new().flexible(true).from_reader(text.as_bytes());
    let header = Place { line: 1, column: None };
    let columns = match reader.headers() {
        Ok(names) => columns(origin, header, names)?,
        Err(error) => return Err(vec![header.finding(origin, broken(&error))]),
    };
    let mut gathered = Gathered::new(origin);
    for record in reader.records() {
        let (place, row) = match record {
            Ok(record) => {
                let place = place(text, record.position());
                (place, row(origin, place, &columns, &record))
            }
            Err(error) => {
                let place = place(text, error.position());
                (place, Err(vec![place.finding(origin, broken(&error))]))
            }
        };
        if gathered.put(place.line, row).is_break() {
            break;
        }
    }
    gathered.finish()
}

/// Where a record begins: its reader stands before the ends of lines that it passes over.
fn place(text: &str, position: Option<&csv::Position>) -> Place {
    let Some(position) = position else {
        return Place::TOP;
    };
    let at = usize::try_from(position.byte()).unwrap_or(usize::MAX);
    let rest = text.as_bytes().get(at..).unwrap_or_default();
    let ends = rest.iter().take_while(|byte| matches!(byte, b'\r' | b'\n'));
    let passed = ends.filter(|byte| **byte == b'\n').count() as u64;
    let line = u32::try_from(position.line() + passed).unwrap_or(u32::MAX);
    Place { line, column: None }
}

/// Which field each column is.
fn columns(
    origin: &str,
    place: Place,
    names: &StringRecord,
) -> Result<Vec<&'static str>, Vec<Finding>> {
    let mut columns: Vec<&'static str> = Vec::new();
    let mut findings = Vec::new();
    for name in names {
        let known = UnitText::FIELDS.iter().copied().find(|field| *field == name.trim());
        let flaw = match known {
            Some(field) if !columns.contains(&field) => {
                columns.push(field);
                continue;
            }
            Some(field) => Flaw::of(
                field,
                Words::fixed("stands twice in the header", "在表头中重复"),
                Words::fixed("keep one of the columns", "请只保留一列"),
            ),
            None => {
                let hint = did_you_mean(name, UnitText::FIELDS);
                Flaw::whole(unknown_field(name), hint.unwrap_or_else(the_columns))
            }
        };
        findings.push(place.finding(origin, flaw));
    }
    for needed in ["code", "kind", "name"] {
        if findings.is_empty() && !columns.contains(&needed) {
            let flaw = Flaw::of(
                needed,
                Words::fixed("has no column", "缺少该列"),
                Words::fixed("the first row names the columns", "首行为各列的名称"),
            );
            findings.push(place.finding(origin, flaw));
        }
    }
    findings.truncate(FINDINGS_MAX);
    if findings.is_empty() { Ok(columns) } else { Err(findings) }
}

fn the_columns() -> Words {
    Words::new(
        format!("the columns are {}", UnitText::FIELDS.join(", ")),
        format!("可用的列：{}", UnitText::FIELDS.join("、")),
    )
}

fn row(
    origin: &str,
    place: Place,
    columns: &[&'static str],
    record: &StringRecord,
) -> Result<UnitRow, Vec<Finding>> {
    if record.len() != columns.len() {
        let (fields, columns) = (record.len(), columns.len());
        let message = Words::new(
            format!("has {fields} fields, the header {columns}"),
            format!("有 {fields} 个字段，表头有 {columns} 个"),
        );
        let hint = Words::fixed(
            "put a field that holds a comma or a quote in double quotes",
            "含逗号或引号的字段请用双引号括起来",
        );
        return Err(vec![place.finding(origin, Flaw::whole(message, hint))]);
    }
    let given = |name: &str| {
        let at = columns.iter().position(|column| *column == name)?;
        record.get(at).map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned)
    };
    let modules = given("modules").unwrap_or_default();
    let modules = modules.split(';').map(str::trim).filter(|one| !one.is_empty());
    let text = UnitText {
        code: given("code").unwrap_or_default(),
        kind: given("kind").unwrap_or_default(),
        name: given("name").unwrap_or_default(),
        reports_to: given("reports_to"),
        modules: modules.map(str::to_owned).collect(),
        valid_from: given("valid_from"),
        valid_until: given("valid_until"),
        successor: given("successor"),
    };
    text.row().map_err(|flaws| {
        flaws.into_iter().map(|flaw| place.finding(origin, flaw)).collect::<Vec<_>>()
    })
}

fn broken(error: &csv::Error) -> Flaw {
    let hint = Words::fixed(
        "it is CSV in UTF-8, with commas and double quotes",
        "应为 UTF-8 编码的 CSV，以逗号分隔，用双引号括起",
    );
    Flaw::whole(Words::new(error.to_string(), "无法解析该行"), hint)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "code,kind,name,reports_to,modules,valid_from,valid_until,successor\r\n\
        411500000000,division,信阳市,,,,,\r\n\
        411502001000-B01,office,\"平安, 监管\",,public_safety;enforcement,,,\r\n\
        411502001000-R01,governance_room,室,,,2022-01-01T00:00:00.000+08:00,,\r\n";

    fn check(csv: &str, expected: &[&str]) {
        let findings = parse_units_csv("units.csv", csv).expect_err("something is wrong");
        let found: Vec<_> = findings.iter().map(ToString::to_string).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn good_rows_print_as_they_were_read_with_a_mark_before_them_or_not() {
        let read = parse_units_csv("units.csv", GOOD).unwrap();
        let rows = &read.rows;
        assert_eq!(&*rows[1].name, "平安, 监管");
        assert_eq!(rows[1].modules.iter().count(), 2);
        assert_eq!(units_csv_header() + &write_units_csv(rows), GOOD);
        assert_eq!(parse_units_csv("units.csv", &format!("\u{feff}{GOOD}")), Ok(read));
    }

    #[test]
    fn columns_may_stand_in_any_order_and_be_left_out() {
        let read = parse_units_csv("u", "name,code,kind\n信阳市,411500000000,division\n").unwrap();
        assert_eq!(&*read.rows[0].name, "信阳市");
    }

    #[test]
    fn every_fault_of_every_row_is_found_at_once() {
        check(
            "code,kind,name\n4115,division,市\n411500000000,division,市\n\n\
             411500000000,division,又\n411502000000,division\n411503000000,town,\n",
            &[
                "units.csv:2: code: '4115' is not a unit code: 12 digits (division), 15 (grid), or \
                 12 digits, '-', a letter and 2 digits; hint: for example 411502001001, \
                 411502001001007 or 411502001000-R01",
                "units.csv:5: code: 411500000000 stands twice, first on line 3; hint: a code names \
                 one unit; keep one of the lines",
                "units.csv:6: has 2 fields, the header 3; hint: put a field that holds a comma or \
                 a quote in double quotes",
                "units.csv:7: kind: 'town' is not one of its values; hint: one of division, grid, \
                 governance_room, department, office, stationed, task_force, headquarters",
                "units.csv:7: name: is empty; hint: give 1 to 120 bytes",
            ],
        );
    }

    #[test]
    fn lines_are_counted_however_they_end() {
        let found = ["units.csv:4: kind: 'town' is not one of its values; hint: one of division, \
                      grid, governance_room, department, office, stationed, task_force, headquarters"];
        for end in ["\n", "\r\n"] {
            let rows = ["code,kind,name", "411500000000,division,市", "", "411502000000,town,区"];
            check(&rows.join(end), &found);
        }
        check(
            "code,kind,name\n411500000000,division,\"一\n市\"\n411502000000,town,区",
            &["units.csv:2: name: holds a control character; hint: write it on one line", found[0]],
        );
    }

    #[test]
    fn a_header_names_known_columns_once_and_the_needed_ones() {
        check(
            "code,kode,code,kind\n",
            &[
                "units.csv:1: unknown field 'kode'; hint: did you mean 'code'?",
                "units.csv:1: code: stands twice in the header; hint: keep one of the columns",
            ],
        );
        check(
            "code,kind\n411500000000,division\n",
            &["units.csv:1: name: has no column; hint: the first row names the columns"],
        );
    }

    #[test]
    fn more_findings_than_are_told_are_counted() {
        let rows = "4115,division,市\n".repeat(FINDINGS_MAX + 7);
        let findings = parse_units_csv("u", &format!("code,kind,name\n{rows}")).unwrap_err();
        assert_eq!(findings.len(), FINDINGS_MAX + 1);
        assert_eq!(findings[FINDINGS_MAX].message.english, "7 more findings are not told");
    }
}
