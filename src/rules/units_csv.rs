//! Units as CSV: a header row names the fields, one unit a row, `modules` joined by `;`. An empty
//! field is one that is not given.

use csv::{ByteRecord, ReaderBuilder, StringRecord};

use super::encoding::{not_utf8, wide, without_mark};
use super::entry::{Place, did_you_mean, unknown_field};
use super::finding::{Finding, Flaw};
use super::unit::UnitText;
use super::units_file::{Gathered, ReadUnits};
use super::words::Words;
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
pub fn parse_units_csv(origin: &str, csv: &[u8]) -> Result<ReadUnits, Vec<Finding>> {
    let csv = without_mark(csv);
    if let Some(finding) = wide(origin, csv) {
        return Err(vec![finding]);
    }
    let mut reader = ReaderBuilder::new().flexible(true).from_reader(csv);
    let mut gathered = Gathered::new(origin);
    let header = Place { line: 1, column: None };
    let names = match reader.byte_headers() {
        Ok(names) => texts(origin, header, names.clone(), &[]),
        Err(error) => Err(vec![header.finding(origin, broken(&error))]),
    };
    let columns = names.and_then(|names| columns(origin, header, &names));
    // Without its columns a row means nothing, but it may still be no text.
    let columns = columns.map_err(|found| found.into_iter().for_each(|one| gathered.found(one)));
    for record in reader.byte_records() {
        let (place, row) = match record {
            Ok(record) => {
                let place = place(csv, record.position());
                (place, read(origin, place, columns.as_deref().ok(), record))
            }
            Err(error) => {
                let place = place(csv, error.position());
                (place, Some(Err(vec![place.finding(origin, broken(&error))])))
            }
        };
        if row.is_some_and(|row| gathered.put(place.line, row).is_break()) {
            break;
        }
    }
    gathered.finish(&Words::fixed(
        "the first row names the columns, each one behind it is a unit",
        "首行为各列的名称，其后每行一个单位",
    ))
}

/// The unit of a record: none where nobody knows its columns and it is text.
fn read(
    origin: &str,
    place: Place,
    columns: Option<&[&'static str]>,
    record: ByteRecord,
) -> Option<Result<UnitRow, Vec<Finding>>> {
    match (texts(origin, place, record, columns.unwrap_or_default()), columns) {
        (Ok(record), Some(columns)) => Some(row(origin, place, columns, &record)),
        (Ok(_), None) => None,
        (Err(found), _) => Some(Err(found)),
    }
}

/// The fields as texts, or which is none and on which line: a field in quotes may go over several.
fn texts(
    origin: &str,
    place: Place,
    record: ByteRecord,
    columns: &[&'static str],
) -> Result<StringRecord, Vec<Finding>> {
    StringRecord::from_byte_record(record).map_err(|error| {
        let bad = error.utf8_error().clone();
        let record = error.into_byte_record();
        let ends = |bytes: &[u8]| bytes.split(|byte| *byte == b'\n').count() - 1;
        let before: usize = record.iter().take(bad.field()).map(ends).sum();
        let good = record.get(bad.field()).and_then(|field| field.get(..bad.valid_up_to()));
        let passed = before + good.map_or(0, ends);
        let line = place.line.saturating_add(u32::try_from(passed).unwrap_or(u32::MAX));
        let place = Place { line, ..place };
        vec![place.finding(origin, not_utf8(columns.get(bad.field()).copied()))]
    })
}

/// Where a record begins: its reader stands before the ends of lines that it passes over.
fn place(csv: &[u8], position: Option<&csv::Position>) -> Place {
    let Some(position) = position else {
        return Place::TOP;
    };
    let at = usize::try_from(position.byte()).unwrap_or(usize::MAX);
    let rest = csv.get(at..).unwrap_or_default();
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
    // A table without its header is empty: that is told of the whole.
    if names.is_empty() {
        return Err(Vec::new());
    }
    if let Some(flaw) = names.iter().find_map(other_separator) {
        return Err(vec![place.finding(origin, flaw)]);
    }
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
    if findings.is_empty() { Ok(columns) } else { Err(findings) }
}

/// That the names are parted by something else than commas.
fn other_separator(names: &str) -> Option<Flaw> {
    const OTHERS: [(char, &str, &str); 4] = [
        (';', "';'", "“;”"),
        ('\t', "tabs", "制表符"),
        ('，', "'，'", "“，”"),
        ('|', "'|'", "“|”"),
    ];
    let is_column = |name: &str| UnitText::FIELDS.contains(&name.trim().trim_matches('"'));
    let parts = |mark: char| names.contains(mark) && names.split(mark).any(is_column);
    let (_, english, chinese) = OTHERS.iter().find(|(mark, ..)| parts(*mark))?;
    let message = Words::new(
        format!("the columns are separated by {english}"),
        format!("各列以{chinese}分隔"),
    );
    let hint = Words::fixed(
        "the separator must be a comma; Excel: CSV UTF-8 (comma delimited)",
        "分隔符应为英文逗号；Excel 请选“CSV UTF-8（逗号分隔）”",
    );
    Some(Flaw::whole(message, hint))
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
    use crate::domain::limits::FINDINGS_MAX;

    const GOOD: &str = "code,kind,name,reports_to,modules,valid_from,valid_until,successor\r\n\
        411500000000,division,信阳市,,,,,\r\n\
        411502001000-B01,office,\"平安, 监管\",,public_safety;enforcement,,,\r\n\
        411502001000-R01,governance_room,室,,,2022-01-01T00:00:00.000+08:00,,\r\n";

    fn check(csv: &str, expected: &[&str]) {
        let findings =
            parse_units_csv("units.csv", csv.as_bytes()).expect_err("something is wrong");
        let found: Vec<_> = findings.iter().map(ToString::to_string).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn good_rows_print_as_they_were_read_with_a_mark_before_them_or_not() {
        let read = parse_units_csv("units.csv", GOOD.as_bytes()).unwrap();
        let rows = &read.rows;
        assert_eq!(&*rows[1].name, "平安, 监管");
        assert_eq!(rows[1].modules.iter().count(), 2);
        assert_eq!(units_csv_header() + &write_units_csv(rows), GOOD);
        assert_eq!(parse_units_csv("units.csv", format!("\u{feff}{GOOD}").as_bytes()), Ok(read));
    }

    #[test]
    fn columns_may_stand_in_any_order_and_be_left_out() {
        let read =
            parse_units_csv("u", "name,code,kind\n信阳市,411500000000,division\n".as_bytes())
                .unwrap();
        assert_eq!(&*read.rows[0].name, "信阳市");
    }

    #[test]
    fn a_row_that_is_no_utf8_is_found_on_its_line_beside_the_faults_of_the_others() {
        let rows = [
            &b"code,kind,name\r\n"[..],
            b"411502001001,division,\xb4\xe5\r\n",
            b"411502001002,town,x\r\n",
            // The bad byte stands on the second line of its field.
            b"411502001003,division,\"x\r\n\xb4\xe5\"\r\n",
            b"\xff,division,x\r\n",
            b"411502001004,division,\r\n",
        ];
        let told = |bytes: &[u8]| -> Vec<String> {
            let findings = parse_units_csv("u", bytes).unwrap_err();
            findings.iter().map(ToString::to_string).collect()
        };
        let found = told(&rows.concat());
        let hint = "is not UTF-8; hint: save the file as UTF-8; Excel: CSV UTF-8";
        assert_eq!(found[0], format!("u:2: name: {hint}"));
        assert!(found[1].starts_with("u:3: kind: 'town'"), "{}", found[1]);
        assert_eq!(found[2], format!("u:5: name: {hint}"));
        assert_eq!(found[3], format!("u:6: code: {hint}"));
        assert_eq!(found[4..], ["u:7: name: is empty; hint: give 1 to 120 bytes"]);
        // A header as a spreadsheet in China writes it: what is behind it is no text either.
        let header = [b"\xb4\xfa\xc2\xeb,kind,name\n", rows[1], rows[2]].concat();
        assert_eq!(told(&header), [format!("u:1: {hint}"), format!("u:2: {hint}")]);
        assert_eq!(told(b"\xff\xfec\0o\0"), [format!("u:1: {hint}")]);
    }

    #[test]
    fn columns_that_no_comma_separates_are_told_so() {
        let rows = [(';', "';'"), ('\t', "tabs"), ('，', "'，'"), ('|', "'|'")];
        for (mark, name) in rows {
            let csv = "code,kind,name\n411500000000,division,市\n".replace(',', &mark.to_string());
            let expected = format!(
                "units.csv:1: the columns are separated by {name}; hint: the separator must be a \
                 comma; Excel: CSV UTF-8 (comma delimited)"
            );
            check(&csv, &[&expected]);
        }
    }

    #[test]
    fn a_table_without_a_unit_is_a_fault() {
        let expected = "units.csv:1: no unit in it; hint: the first row names the columns, each one \
                        behind it is a unit";
        for empty in ["", "\u{feff}", "\r\n", "code,kind,name\r\n", "code,kind,name\n\n"] {
            check(empty, &[expected]);
        }
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
        let findings =
            parse_units_csv("u", format!("code,kind,name\n{rows}").as_bytes()).unwrap_err();
        assert_eq!(findings.len(), FINDINGS_MAX + 1);
        assert_eq!(findings[FINDINGS_MAX].message.english, "7 more findings are not told");
    }
}
