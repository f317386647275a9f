use super::*;
use crate::domain::case::{Move, Source};
use crate::domain::command::CaseRef;
use crate::domain::ids::{CaseId, Timestamp};

/// What is wrong with a line: pointers and codes, in order.
fn flaws(line: &str) -> Vec<(String, &'static str)> {
    match read_line(line.as_bytes()) {
        Err(BodyFault::Flawed(flaws)) => {
            flaws.iter().map(|flaw| (flaw.pointer.to_string(), flaw.code.name())).collect()
        }
        other => panic!("{line}: {other:?}"),
    }
}

fn check(line: &str, expected: &[(&str, &str)]) {
    let expected: Vec<_> =
        expected.iter().map(|(pointer, code)| ((*pointer).to_owned(), *code)).collect();
    assert_eq!(flaws(line), expected, "{line}");
}

const REPORT: &str = r#"{"command":"report_case","key":"r-1","at":"2026-01-05T08:00:00+08:00","by":"411502001001001","matter":"PS-001","place":"411502001001001","source":"patrol","source_number":"G-1","occurred_at":"2026-01-05T07:59:00+08:00","claimant":{"name":"王小明","phone":"13812345678"},"text":"路灯不亮","settle":{"answer":"已修"}}"#;

#[test]
fn a_whole_report_is_read() {
    let draft = read_line(REPORT.as_bytes()).unwrap();
    assert_eq!(draft.key.as_deref(), Some("r-1"));
    assert_eq!(draft.at, Some(Timestamp(1_767_571_200_000)));
    let Want::Report(report) = draft.want else { panic!("a report") };
    assert_eq!(report.place.to_string(), "411502001001001");
    assert_eq!(report.source, Source::Patrol);
    assert_eq!(report.text, "路灯不亮");
    assert_eq!(report.settle.as_deref(), Some("已修"));
    assert_eq!(report.claimant.unwrap().phone.as_deref(), Some("13812345678"));
}

#[test]
fn plain_texts_are_borrowed() {
    let draft = read_line(REPORT.as_bytes()).unwrap();
    let Want::Report(report) = draft.want else { panic!("a report") };
    assert!(matches!(report.text, Cow::Borrowed(_)));
    assert!(matches!(report.matter, Cow::Borrowed(_)));
    assert!(matches!(report.claimant.unwrap().name, Some(Cow::Borrowed(_))));
}

#[test]
fn a_case_is_named_in_three_ways() {
    let rows = [
        ("17", CaseRef::Id(CaseId(17))),
        (r#"{"key":"r-1"}"#, CaseRef::Key("r-1".into())),
        (r#"{"source":"patrol","number":"G-1"}"#, CaseRef::Number(Source::Patrol, "G-1".into())),
    ];
    for (case, expected) in rows {
        let line = format!(
            r#"{{"command":"close_case","by":"411502001001","case":{case},"version":3,"answer":"好"}}"#
        );
        let draft = read_line(line.as_bytes()).unwrap();
        let Want::Move(CaseMove { what: Move::Close, target, to: None, text }) = draft.want else {
            panic!("a close")
        };
        assert_eq!((target.case, target.version), (expected, Some(3)));
        assert_eq!(text.as_deref(), Some("好"));
    }
}

#[test]
fn everything_that_is_wrong_is_found() {
    check(
        r#"{"command":"report_case","matter":"","place":"4115","source":"moon","text":" ","occurred_at":"soon","key":"","bogus/~":1,"reason":"x"}"#,
        &[
            ("/bogus~1~0", "unknown_field"),
            ("/reason", "unknown_field"),
            ("/key", "bad_key"),
            ("/matter", "empty"),
            ("/place", "bad_code"),
            ("/source", "bad_value"),
            ("/occurred_at", "bad_time"),
            ("/text", "empty"),
        ],
    );
}

#[test]
fn single_faults_point_to_their_field() {
    let rows: &[(&str, &[(&str, &str)])] = &[
        (r"{}", &[("/command", "missing_field")]),
        (r#"{"command":"dance"}"#, &[("/command", "unknown_command")]),
        (r#"{"command":"admit_client","name":"x"}"#, &[("/command", "unknown_command")]),
        (
            r#"{"command":"acknowledge_case","by":7,"case":"17"}"#,
            &[("/by", "wrong_type"), ("/case", "wrong_type")],
        ),
        (
            r#"{"command":"acknowledge_case"}"#,
            &[("/by", "missing_field"), ("/case", "missing_field")],
        ),
        (
            r#"{"command":"acknowledge_case","by":"411502001001001","case":0}"#,
            &[("/case", "bad_number")],
        ),
        (
            r#"{"command":"acknowledge_case","by":"411502001001001","case":4294967296}"#,
            &[("/case", "bad_number")],
        ),
        (
            r#"{"command":"acknowledge_case","by":"411502001001001","case":{"key":"a","number":"b"}}"#,
            &[("/case", "bad_value")],
        ),
        (
            r#"{"command":"acknowledge_case","by":"411502001001001","case":{"kee":"a"}}"#,
            &[("/case/kee", "unknown_field")],
        ),
        (
            r#"{"command":"acknowledge_case","by":"411502001001001","case":1,"case":2}"#,
            &[("/case", "duplicate_field")],
        ),
        (
            r#"{"command":"acknowledge_case","by":"411502001001001","case":1,"version":-1}"#,
            &[("/version", "wrong_type")],
        ),
        (r#"{"command":"advance_clock","to":"2026-01-05T08:00:00"}"#, &[("/to", "bad_time")]),
        (
            r#"{"command":"close_case","by":"411502001001001","case":1}"#,
            &[("/answer", "missing_field")],
        ),
        (
            r#"{"command":"commit_import"}"#,
            &[("/seen", "missing_field"), ("/import", "missing_field")],
        ),
        (r#"{"command":"stage_units","import":1,"rows":[]}"#, &[("/rows", "bad_number")]),
        (
            r#"{"command":"stage_units","import":1,"rows":[{"code":"411500000000","kind":"grid","name":"市"},{"code":"4","kind":"division","name":"x"}]}"#,
            &[("/rows/0/kind", "bad_row"), ("/rows/1/code", "bad_row")],
        ),
    ];
    for (line, expected) in rows {
        check(line, expected);
    }
}

#[test]
fn faults_within_an_object_point_into_it() {
    let line = r#"{"command":"report_case","matter":"PS-001","place":"411502001001001","source":"patrol","text":"x","by":"411502001001","claimant":{"name":7,"fax":"1"},"settle":{"answer":""}}"#;
    check(
        line,
        &[
            ("/claimant/name", "wrong_type"),
            ("/claimant/fax", "unknown_field"),
            ("/settle/answer", "empty"),
        ],
    );
}

#[test]
fn a_text_is_bounded_in_characters() {
    let line = |count: usize| {
        let text = "字".repeat(count);
        format!(
            r#"{{"command":"handle_case","by":"411502001001001","case":1,"measures":"{text}"}}"#
        )
    };
    assert!(read_line(line(4_000).as_bytes()).is_ok());
    check(&line(4_001), &[("/measures", "too_long")]);
}

#[test]
fn what_is_no_object_is_told_from_what_is_no_text() {
    for line in ["", "[]", "7", "{", r#"{"command":"#, r#"{"command":"report_case"} x"#] {
        assert!(matches!(read_line(line.as_bytes()), Err(BodyFault::Malformed(_))), "{line}");
    }
    let broken = b"{\"command\":\"report_case\",\"text\":\"\xff\"}";
    assert_eq!(read_line(broken), Err(BodyFault::BadUtf8));
}

fn canonical(draft: &Draft<'_>) -> Vec<u8> {
    let mut form = Vec::new();
    draft.write_canonical(&mut form);
    form
}

#[test]
fn a_line_and_a_post_of_the_same_command_are_marked_alike() {
    let line = read_line(REPORT.as_bytes()).unwrap();
    let body = r#"{ "text":"\u8def灯不亮", "place":"411502001001001", "matter":"PS-001", "source":"patrol",
        "settle":{"answer":"已修"}, "claimant":{"phone":"13812345678","name":"王小明"},
        "source_number":"G-1", "by":"411502001001001", "occurred_at":"2026-01-04T23:59:00Z" }"#;
    let addressed = Addressed { key: Some("r-1".into()), ..Addressed::default() };
    let post = read_post(Verb::ReportCase, addressed, body.as_bytes()).unwrap();
    assert_eq!(canonical(&line), canonical(&post));

    let line = br#"{"command":"close_case","case":3,"version":2,"by":"411502001001","answer":"a"}"#;
    let target = Some(Target { case: CaseRef::Id(CaseId(3)), version: Some(2) });
    let addressed = Addressed { target, ..Addressed::default() };
    let body = br#"{"by":"411502001001","answer":"a"}"#;
    let post = read_post(Verb::Case(Move::Close), addressed, body).unwrap();
    assert_eq!(canonical(&read_line(line).unwrap()), canonical(&post));
}

#[test]
fn any_other_content_is_another_command() {
    let line = |matter: &str, number: &str, text: &str, extra: &str| {
        format!(
            r#"{{"command":"report_case","matter":"{matter}","place":"411502001001001","source":"patrol","source_number":"{number}","text":"{text}"{extra}}}"#
        )
    };
    let lines = [
        line("A", "B", "C", ""),
        line("AB", "B", "C", ""),
        line("A", "BC", "C", ""),
        line("A", "B", "CD", ""),
        line("A", "B", "C", r#","by":"411502001001","settle":{"answer":"C"}"#),
        line("A", "B", "C", r#","claimant":{"name":"C"}"#),
        line("A", "B", "C", r#","claimant":{"phone":"C"}"#),
        line("A", "B", "C", r#","by":"411502001001""#),
        line("A", "B", "C", r#","occurred_at":"2026-01-05T08:00:00Z""#),
    ];
    let forms: Vec<_> =
        lines.iter().map(|line| canonical(&read_line(line.as_bytes()).unwrap())).collect();
    for (at, form) in forms.iter().enumerate() {
        assert!(!forms[..at].contains(form), "{}", lines[at]);
    }
}

/// A field, and a line in which that text stands there.
type Line<'l> = (&'static str, &'l dyn Fn(&str) -> String);

#[test]
fn a_text_of_a_case_holds_lines_and_tabs_and_no_other_control_character() {
    let of = |verb: &str, field: &str, text: &str| {
        let text = serde_json::to_string(text).unwrap();
        let to = if verb == "transfer_case" { r#""to":"411502001001","# } else { "" };
        format!(r#"{{"command":"{verb}","by":"411502001001001","case":1,{to}"{field}":{text}}}"#)
    };
    let report = |field: &str, text: &str| {
        let text = serde_json::to_string(text).unwrap();
        REPORT.replace(
            match field {
                "/text" => r#""路灯不亮""#,
                "/settle/answer" => r#""已修""#,
                "/claimant/name" => r#""王小明""#,
                _ => panic!("{field}"),
            },
            &text,
        )
    };
    let lines: [Line<'_>; 8] = [
        ("/text", &|text| report("/text", text)),
        ("/settle/answer", &|text| report("/settle/answer", text)),
        ("/claimant/name", &|text| report("/claimant/name", text)),
        ("/reason", &|text| of("return_case", "reason", text)),
        ("/reason", &|text| of("transfer_case", "reason", text)),
        ("/measures", &|text| of("handle_case", "measures", text)),
        ("/answer", &|text| of("close_case", "answer", text)),
        ("/note", &|text| of("note_case", "note", text)),
    ];
    for (pointer, line) in lines {
        for good in ["一\r\n\t二\n", "3 °C\u{202e}"] {
            assert!(read_line(line(good).as_bytes()).is_ok(), "{pointer} {good:?}");
        }
        for bad in ["一\0二", "\u{1b}[31m", "一\u{7f}", "一\u{85}"] {
            check(&line(bad), &[(pointer, "bad_text")]);
        }
        for blank in ["", " \n", "\u{200b}\u{feff}", "\u{3000}\u{2060}"] {
            check(&line(blank), &[(pointer, "empty")]);
        }
    }
}

#[test]
fn a_name_is_seen_whole_and_is_no_formula_whatever_it_names() {
    let flawed = |verb, body: String| match read_post(verb, Addressed::default(), body.as_bytes()) {
        Ok(_) => Vec::new(),
        Err(BodyFault::Flawed(flaws)) => flaws,
        Err(other) => panic!("{body}: {other:?}"),
    };
    let rows = [
        ("东\u{202e}村", "bad_text", "holds U+202E, which is not seen"),
        ("\u{feff}东村", "bad_text", "holds U+FEFF, which is not seen"),
        ("东\n村", "bad_text", "holds a control character"),
        ("=HYPERLINK(A1)", "bad_text", "begins with '='"),
        ("\u{200b}", "empty", ""),
    ];
    for (name, code, words) in rows {
        let name = serde_json::to_string(name).unwrap();
        let named = [
            flawed(Verb::AdmitClient, format!(r#"{{"name":{name},"scopes":["read"]}}"#)),
            flawed(Verb::BeginImport, format!(r#"{{"origin":{name}}}"#)),
        ];
        for flaws in named {
            let found: Vec<_> = flaws.iter().map(|flaw| flaw.code.name()).collect();
            assert_eq!(found, [code], "{name}");
            let note = flaws[0].note.as_ref();
            assert!(
                note.map_or(words.is_empty(), |note| note.english.starts_with(words)),
                "{name}"
            );
        }
        let row = format!(r#"{{"code":"411500000000","kind":"division","name":{name}}}"#);
        check(
            &format!(r#"{{"command":"stage_units","import":1,"rows":[{row}]}}"#),
            &[("/rows/0/name", "bad_row")],
        );
        check(
            &format!(r#"{{"command":"open_unit","seen":"*","row":{row}}}"#),
            &[("/row/name", "bad_row")],
        );
    }
}

#[test]
fn a_time_that_no_clock_reaches_is_told_apart_from_what_is_no_time() {
    let rows = [
        ("9999-12-31T23:59:59Z", Some("out of range")),
        ("2026-01-05T08:00:00+0800", None),
        ("2026-01-05T08:00:00,5+08:00", None),
    ];
    for (text, note) in rows {
        let line = format!(r#"{{"command":"advance_clock","to":"{text}"}}"#);
        let Err(BodyFault::Flawed(flaws)) = read_line(line.as_bytes()) else { panic!("{text}") };
        assert_eq!((flaws[0].code, flaws.len()), (FlawCode::BadTime, 1), "{text}");
        let told = flaws[0].note.as_ref().map(|words| &*words.english);
        assert_eq!(
            told.is_some_and(|told| told.contains("out of range")),
            note.is_some(),
            "{text}"
        );
    }
}
