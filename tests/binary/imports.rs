//! `zhida import`: files of both kinds, everything that is wrong with them, and what the server
//! says of their units; over HTTP to a running server and with --dir on a stopped one.

use std::path::PathBuf;

use serde_json::Value;

use crate::ledger::{Sent, Verb};
use crate::world::{Ended, GRIDS, Place, Server, catalogue, command, ended, units};

const GRID_4: &str = "411502001001004";

fn written(place: &Place, name: &str, text: &str) -> String {
    let path: PathBuf = place.path(name);
    std::fs::write(&path, text).expect("written");
    path.to_str().expect("UTF-8").to_owned()
}

/// The import of such files, each fault's line without the directory in front of its file.
fn told(place: &Place, files: &[&str]) -> Vec<String> {
    let arguments: Vec<&str> = [&["import"], files].concat();
    let said = place.zhida(&arguments).refused(3);
    let directory = format!("{}/", place.dir.path().display());
    let mut lines: Vec<String> = said.lines().map(|line| line.replace(&directory, "")).collect();
    let last = lines.pop().expect("how many there are");
    assert_eq!(last, format!("zhida: {} faults; nothing was changed", lines.len()));
    lines
}

#[test]
fn every_bad_line_of_either_kind_of_file_is_told_with_its_number_and_a_hint() {
    let place = Place::with_city();
    let before = place.zhida(&["verify"]).ok();
    let good = written(&place, "good.ndjson", &units());
    let bad_rows = concat!(
        "{\"code\":\"411500000000\",\"kind\":\"division\",\"name\":\"信阳市\"}\n",
        "{\"code\":\"4115\",\"kind\":\"town\",\"name\":\"\"}\n",
        "\n",
        "not json\n",
        "{\"code\":\"411500000000\",\"kind\":\"division\",\"name\":\"又\"}\n",
        "{\"code\":\"411502000000\",\"kind\":\"division\",\"name\":\"区\",\"modules\":[\"x\"],\"nmae\":1}\n",
    );
    let rows = written(&place, "bad.ndjson", bad_rows);
    // A quoted field goes over two lines; the rows behind it keep their numbers.
    let bad_table = "\u{feff}code,kind,name\r\n411500000000,division,\"信,阳\r\n市\"\r\n\
                     411502000000,division\r\n411503000000,town,\r\n";
    let table = written(&place, "bad.csv", bad_table);
    let header = written(&place, "header.CSV", "code,kimd,code\n");
    let codes = "is not a unit code: 12 digits (division), 15 (grid), or 12 digits, '-', a letter \
                 and 2 digits; hint: for example 411502001001, 411502001001007 or 411502001000-R01";
    let kinds = "'town' is not one of its values; hint: one of division, grid, governance_room, \
                 department, office, stationed, task_force, headquarters";
    let of_rows = [
        format!("bad.ndjson:2:2: code: '4115' {codes}"),
        format!("bad.ndjson:2:16: kind: {kinds}"),
        "bad.ndjson:2:30: name: is empty; hint: give 1 to 120 bytes".into(),
        "bad.ndjson:4:2: expected ident; hint: a line is one JSON object, whole".into(),
        "bad.ndjson:5: code: 411500000000 stands twice, first on line 1; hint: a code names one \
         unit; keep one of the lines"
            .into(),
    ];
    let of_table = [
        "bad.csv:2: name: holds a control character; hint: write it on one line".into(),
        "bad.csv:4: has 2 fields, the header 3; hint: put a field that holds a comma or a quote in \
         double quotes"
            .into(),
        format!("bad.csv:5: kind: {kinds}"),
        "bad.csv:5: name: is empty; hint: give 1 to 120 bytes".into(),
    ];
    let of_header = [
        "header.CSV:1: unknown field 'kimd'; hint: did you mean 'kind'?".to_owned(),
        "header.CSV:1: code: stands twice in the header; hint: keep one of the columns".into(),
    ];
    // All files are read before anything is said; what the last line of the rows says is told by
    // its field.
    let found = told(&place, &[&good, &rows, &table, &header]);
    let (first, rest) = found.split_at(of_rows.len());
    assert_eq!(first, of_rows);
    let (of_last, rest): (Vec<_>, Vec<_>) =
        rest.iter().partition(|line| line.starts_with("bad.ndjson:6:"));
    for what in ["modules: 'x' is not one of its values; hint: ", "unknown field 'nmae'; hint: "] {
        assert!(of_last.iter().any(|line| line.contains(what)), "{what}: {of_last:?}");
    }
    assert_eq!(rest, of_table.iter().chain(&of_header).collect::<Vec<_>>());

    // A file that cannot be read is no finding; and nobody was asked for anything.
    let missing = place.path("missing.ndjson");
    let path = missing.to_str().expect("UTF-8");
    let said = place.zhida(&["import", &good, path]).refused(1);
    assert!(said.contains(&format!("read {path}: ")), "{said}");
    let said = place.zhida(&["import"]).refused(2);
    assert!(said.contains("<FILES>"), "{said}");
    assert_eq!(place.zhida(&["verify"]).ok(), before);
}

#[test]
fn files_that_are_no_utf8_or_no_commas_or_empty_are_told_by_their_lines_in_both_languages() {
    let place = Place::with_city();
    let before = place.zhida(&["verify"]).ok();
    // 村 as a spreadsheet in China writes it.
    let rows: [(&str, &[u8], &str, &str); 6] = [
        (
            "gbk.csv",
            b"code,kind,name\r\n411502001009,division,\xb4\xe5\r\n",
            "gbk.csv:2: name: is not UTF-8; hint: save the file as UTF-8; Excel: CSV UTF-8",
            "gbk.csv:2: name: 不是 UTF-8 编码; 提示：请将文件另存为 UTF-8；Excel 请选“CSV UTF-8”",
        ),
        (
            "gbk.ndjson",
            b"{\"code\":1}\n\"\xb4\xe5\"\n",
            "gbk.ndjson:2:2: is not UTF-8; hint: save the file as UTF-8; Excel: CSV UTF-8",
            "gbk.ndjson:2:2: 不是 UTF-8 编码; 提示：请将文件另存为 UTF-8；Excel 请选“CSV UTF-8”",
        ),
        (
            "points.csv",
            b"code;kind;name\n",
            "points.csv:1: the columns are separated by ';'; hint: the separator must be a comma; \
             Excel: CSV UTF-8 (comma delimited)",
            "points.csv:1: 各列以“;”分隔; 提示：分隔符应为英文逗号；Excel 请选“CSV UTF-8（逗号分隔）”",
        ),
        (
            "empty.csv",
            b"",
            "empty.csv:1: no unit in it; hint: the first row names the columns, each one behind it \
             is a unit",
            "empty.csv:1: 没有任何单位; 提示：首行为各列的名称，其后每行一个单位",
        ),
        (
            "catalogue-gbk.toml",
            b"[[matter]]\nname = \"\xb4\xe5\"\n",
            "catalogue-gbk.toml:2:9: is not UTF-8; hint: save the file as UTF-8; Excel: CSV UTF-8",
            "catalogue-gbk.toml:2:9: 不是 UTF-8 编码; 提示：请将文件另存为 UTF-8；Excel 请选“CSV UTF-8”",
        ),
        (
            "gbk.toml",
            b"# \xb4\xe5\n[server]\nport = 80\n",
            "gbk.toml:1:3: is not UTF-8; hint: save the file as UTF-8; Excel: CSV UTF-8",
            "gbk.toml:1:3: 不是 UTF-8 编码; 提示：请将文件另存为 UTF-8；Excel 请选“CSV UTF-8”",
        ),
    ];
    let files = rows.map(|(name, bytes, ..)| {
        std::fs::write(place.path(name), bytes).expect("written");
        place.path(name).to_str().expect("UTF-8").to_owned()
    });
    for language in ["en", "zh"] {
        let mut check =
            command(["config", "check"].into_iter().chain(files.iter().map(|file| &**file)));
        check.env("ZHIDA_LANG", language);
        let said = ended(check).refused(3);
        for (_, _, english, chinese) in rows {
            let line = if language == "en" { english } else { chinese };
            assert!(said.lines().any(|one| one.ends_with(line)), "{line}: {said}");
        }
        // The faults of the other lines are told as well, and how many there are.
        let told = said.lines().count() - 1;
        assert!(said.contains("gbk.ndjson:1:2: code") && said.contains("gbk.toml:3"), "{said}");
        let last = match language {
            "en" => format!("zhida: {told} faults; nothing was changed"),
            _ => format!("zhida: {told} 处错误；未作任何更改"),
        };
        assert_eq!(said.lines().last(), Some(&*last));
    }
    for file in &files[..4] {
        place.zhida(&["import", file]).refused(3);
    }
    assert_eq!(place.zhida(&["verify"]).ok(), before);
}

#[test]
fn files_of_both_kinds_come_into_force_together_and_are_exported_alike() {
    let place = Place::empty();
    let server = place.serve();
    // The divisions above as rows, what is in the village as a table, as a spreadsheet writes it.
    let (above, below): (Vec<_>, Vec<_>) = {
        let lines = units();
        let lines: Vec<Value> =
            lines.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
        lines.into_iter().partition(|row| row["kind"] != "grid")
    };
    let rows: Vec<String> = above.iter().map(Value::to_string).collect();
    let table = below.iter().fold("\u{feff}name,kind,code\r\n".to_owned(), |table, row| {
        let code = row["code"].as_str().expect("a code");
        table + &format!("\"网格, \"\"{code}\"\"\",grid,{code}\r\n")
    });
    let files =
        [written(&place, "a.ndjson", &(rows.join("\n") + "\n")), written(&place, "b.csv", &table)];
    let imported = server.zhida(&["import", &files[0], &files[1]]);
    assert_eq!((imported.code(), &*imported.stdout), (0, ""), "{imported:?}");
    assert_eq!(imported.stderr, "8 units are in force.\n");

    let mut connection = server.connect();
    let export = |format: &str, connection: &mut crate::http::Connection| {
        let reply = connection.get(&format!("/v1/units/export?format={format}"));
        let reply = reply.expect("a reply");
        assert_eq!(reply.status, 200, "{}", reply.text());
        String::from_utf8(reply.body).expect("UTF-8")
    };
    let first = export("csv", &mut connection);
    assert!(first.contains("\"网格, \"\"411502001001002\"\"\""), "{first}");
    // What was exported is what was imported: it comes in again, either way, and changes nothing.
    let again = [
        written(&place, "again.csv", &first),
        written(&place, "again.ndjson", &export("ndjson", &mut connection)),
    ];
    for file in &again {
        server.zhida(&["import", file]).ok();
        assert_eq!(export("csv", &mut connection), first);
    }
}

#[test]
fn whoever_reads_chinese_is_told_in_chinese_what_is_wrong_with_a_file_and_with_its_rows() {
    let place = Place::with_city();
    let said = |name: &str, text: &str| {
        let file = written(&place, name, text);
        let data = place.data();
        let dir = data.to_str().expect("UTF-8");
        let mut import = command(["import", &file, "--dir", dir]);
        import.env("ZHIDA_LANG", "zh");
        ended(import).stderr
    };
    let of_the_file = said("bad.csv", "code,kind,name\n1,grid,x\n");
    assert!(of_the_file.contains("bad.csv:2") && of_the_file.contains("提示："), "{of_the_file}");
    assert!(!of_the_file.contains("hint"), "{of_the_file}");
    let orphan = "code,kind,name\n411509001001001,grid,x\n";
    let of_the_row = said("orphan.csv", orphan);
    assert!(of_the_row.contains("orphan.csv:2: 411509001001001: "), "{of_the_row}");
    assert!(of_the_row.contains("提示：") && of_the_row.contains("上级"), "{of_the_row}");
    assert!(of_the_row.ends_with("zhida: 服务器拒绝了 1 行；未作任何更改\n"), "{of_the_row}");

    // What the server refuses, and what else can go wrong.
    let zhida = |arguments: &[&str]| {
        let data = place.data();
        let arguments = arguments.iter().copied().map(std::ffi::OsStr::new);
        let mut command = command(arguments.chain(["--dir".as_ref(), data.as_os_str()]));
        command.env("ZHIDA_LANG", "zh");
        ended(command)
    };
    let said = zhida(&["token", "revoke", "nobody"]).refused(5);
    assert!(said.starts_with("zhida: 服务器拒绝：404 "), "{said}");
    let said = zhida(&["import", "/nonexistent.csv"]).refused(1);
    assert!(said.starts_with("zhida: 读取 /nonexistent.csv: "), "{said}");
    let mut unreachable = command(["token", "list", "--url", "nowhere"]);
    unreachable.env("ZHIDA_LANG", "zh").env("ZHIDA_TOKEN_FILE", place.path("none"));
    let said = ended(unreachable).refused(1);
    assert!(said.contains("\n  提示：") && !said.contains("hint"), "{said}");
    let negative = said_of(&place, "[vault]\nstep_slots = -1\n");
    assert!(negative.contains("应为非负整数，实际为整数 -1"), "{negative}");
}

/// What is said in Chinese of a configuration.
fn said_of(place: &Place, toml: &str) -> String {
    let file = written(place, "some.toml", toml);
    let mut check = command(["config", "check", &file]);
    check.env("ZHIDA_LANG", "zh");
    ended(check).refused(3)
}

/// What the command says of an import that the server refuses, without the last line.
fn refused_rows(ended: Ended) -> Vec<String> {
    let said = ended.refused(5);
    let mut lines: Vec<String> = said.lines().map(str::to_owned).collect();
    let last = lines.pop().expect("how it ended");
    assert_eq!(
        last,
        format!("zhida: the server refused {} rows; nothing was changed", lines.len())
    );
    lines.sort();
    lines
}

#[test]
fn what_cannot_come_into_force_is_told_row_by_row_and_keeps_nobody_from_importing() {
    let place = Place::with_city();
    let mut server = place.serve();
    let (path, body) = Sent::report("open".into(), Verb::Report, GRIDS[0]).post();
    server.connect().post(&path, "open", &body).expect("a reply").ok();
    let closed = "\"valid_until\":\"2026-01-05T08:00:00+08:00\"";
    let grid = |code: &str, more: &str| {
        format!("{{\"code\":\"{code}\",\"kind\":\"grid\",\"name\":\"网格\"{more}}}\n")
    };
    // Each is told with the line of its own file: one closes a unit that holds a case, one has nothing above it.
    let first = grid(GRID_4, "") + &grid(GRIDS[0], &format!(",{closed}"));
    let files = [
        written(&place, "first.ndjson", &first),
        written(&place, "second.csv", "code,kind,name\n411502001009001,grid,网格\n"),
    ];
    let expected = [
        (format!("{}:2: {}: ", files[0], GRIDS[0]), "; unit_needs_successor"),
        (format!("{}:2: 411502001009001: ", files[1]), "; unit_orphaned"),
    ];
    let is_told = |said: Vec<String>| {
        assert_eq!(said.len(), expected.len(), "{said:?}");
        for (line, (start, code)) in said.iter().zip(&expected) {
            let is_so = line.starts_with(start) && line.ends_with(code);
            assert!(is_so && line.contains("; hint: "), "{line}");
        }
    };
    // More often than imports may be open at a time.
    let organisation =
        |server: &Server| server.connect().get("/v1/organisation").expect("a reply").ok();
    let before = organisation(&server);
    assert_eq!(before["units"], 8);
    for _ in 0..9 {
        is_told(refused_rows(server.zhida(&["import", &files[0], &files[1]])));
    }
    assert_eq!(organisation(&server), before);
    server.term();
    for _ in 0..9 {
        is_told(refused_rows(place.zhida(&["import", &files[0], &files[1]])));
    }

    // The same unit in two files is found by whoever sees both.
    let twice = written(&place, "twice.ndjson", &grid(GRID_4, ""));
    let said = place.zhida(&["import", &twice, &twice]).refused(5);
    assert!(said.contains(&format!("{GRID_4} stands twice")), "{said}");

    // With a successor, and the village that was missing, all of it comes into force.
    let heir = format!(",{closed},\"successor\":\"{GRID_4}\"");
    let mended = grid(GRID_4, "") + &grid(GRIDS[0], &heir);
    let village = "code,kind,name\n411502001009001,grid,网格\n411502001009,division,村\n";
    let files = [written(&place, "first.ndjson", &mended), written(&place, "second.csv", village)];
    let imported = place.zhida(&["import", &files[0], &files[1]]);
    assert_eq!((imported.code(), &*imported.stderr), (0, "4 units are in force.\n"));
    let server = place.serve();
    let case = server.connect().get("/v1/cases/1").expect("a reply").ok();
    assert_eq!(case["holder"], GRID_4);
    // A catalogue is no file of units.
    let said = server.zhida(&["import", catalogue().to_str().expect("UTF-8")]).refused(3);
    assert!(said.contains("catalogue.toml:1"), "{said}");
}

#[test]
fn the_findings_of_an_import_are_told_in_both_languages() {
    let place = Place::with_city();
    let server = place.serve();
    let mut connection = server.connect();
    let import = connection.post("/v1/imports", "begin", "{\"origin\":\"bad.ndjson\"}");
    let import = import.expect("a reply").ok()["import"].clone();
    let row = "{\"code\":\"411502001009001\",\"kind\":\"grid\",\"name\":\"网格\"}\n";
    let path = format!("/v1/imports/{import}/units");
    let lines = [("Content-Type", "application/x-ndjson")];
    connection.send("POST", &path, &lines, row.as_bytes()).expect("sent");
    connection.reply().expect("a reply").ok();
    let mut said = |language: &str| {
        let path = format!("/v1/imports/{import}/findings");
        connection.send("GET", &path, &[("Accept-Language", language)], b"").expect("sent");
        let told = connection.reply().expect("a reply").ok();
        let [title, hint] = ["title", "hint"].map(|field| told["findings"][0][field].to_string());
        title + &hint
    };
    let (english, chinese) = (said("en"), said("zh"));
    assert!(english.is_ascii() && english.contains("not known"), "{english}");
    assert!(chinese.contains("上级") && !chinese.is_ascii(), "{chinese}");
}
