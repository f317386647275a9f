//! Clients and imports.

use serde_json::json;

use crate::world::{Choices, GRID, World, report};

#[test]
fn a_client_acts_until_it_is_revoked() {
    let world = World::new();
    let token = world.admit(r#"{"name":"格 app","scopes":["intake"],"within":["411502001000"]}"#);
    let send =
        || world.request("POST", "/v1/cases").token(&token).json(&report("PS-001", GRID)).send();
    assert_eq!(send().status, 201);
    world.post("/v1/clients/%E6%A0%BC%20app/revoke", "").ok();
    assert_eq!(send().problem(), (401, String::from("token_unknown")));
    let unknown = world.post("/v1/clients/nobody/revoke", "");
    assert_eq!(unknown.problem(), (404, String::from("client_not_found")));
    let last = world.post("/v1/clients/administrator/revoke", "");
    assert_eq!(last.problem(), (409, String::from("last_admin")));
    insta::assert_json_snapshot!("clients", world.get("/v1/clients").ok());
}

#[test]
fn a_token_is_told_once() {
    let world = World::new();
    let send = || {
        let request = world.request("POST", "/v1/clients").header("idempotency-key", "c-1");
        request.json(r#"{"name":"app","scopes":["admin"]}"#).send()
    };
    let first = send();
    let token = first.ok()["token"].as_str().unwrap().to_owned();
    assert_eq!(token.len(), "zhida_".len() + 64);
    let again = send();
    assert_eq!((again.status, again.header("zhida-repeat")), (201, Some("true")));
    assert_eq!((&again.json()["client"], again.json().get("token")), (&json!("app"), None));
    assert_eq!(world.request("GET", "/v1/clients").token(&token).send().status, 200);
    let taken = world.post("/v1/clients", r#"{"name":"app","scopes":["read"]}"#);
    assert_eq!(taken.problem(), (409, String::from("client_name_taken")));
    let values = world.faults.values();
    let hex = token.strip_prefix("zhida_").unwrap();
    let is_kept = |bytes: &[u8]| memchr::memmem::find(bytes, hex.as_bytes()).is_some();
    assert!(!values.iter().any(|(_, bytes)| is_kept(bytes)));
}

#[test]
fn an_import_is_in_force_from_its_commit_on() {
    let world = World::empty(Choices::default());
    let begun = world.post("/v1/imports", r#"{"origin":"units.ndjson"}"#);
    assert_eq!((begun.status, &begun.json()["import"]), (201, &json!(1)));
    let rows = (1..=450)
        .map(|number| {
            format!(
                "{{\"code\":\"411{number:03}000000\",\"kind\":\"division\",\"name\":\"单位\"}}\n"
            )
        })
        .collect::<Vec<_>>()
        .concat();
    let stage = || {
        let request = world.request("POST", "/v1/imports/1/units").header("idempotency-key", "u-1");
        request.header("content-type", "application/x-ndjson").body(rows.clone()).send()
    };
    let staged = stage();
    assert_eq!(staged.status, 200, "{staged:?}");
    assert_eq!(stage().json(), staged.json());
    let text = "信".repeat(20_000);
    let request = world.request("POST", "/v1/imports/1/text").header("content-type", "text/plain");
    assert_eq!(request.body(text).send().status, 200);
    let open = world.get("/v1/imports/1").ok();
    assert_eq!((&open["units"], &open["matters"]), (&json!(450), &json!(0)));
    assert_eq!(world.get("/v1/units/411007000000").problem().0, 404);
    let unguarded = world.post("/v1/imports/1/commit", "");
    assert_eq!(unguarded.problem(), (428, String::from("precondition_required")));
    let commit = |seen: &str| {
        let commit = world.request("POST", "/v1/imports/1/commit").header("if-match", seen);
        commit.send().problem()
    };
    assert_eq!(commit("\"7\""), (412, String::from("organisation_stale")));
    // Without a city above them the counties hang in the air.
    assert_eq!(commit("*"), (409, String::from("unit_orphaned")));
    world.post("/v1/imports/1/abandon", "").ok();
    assert_eq!(world.get("/v1/imports/1").problem(), (404, String::from("import_not_found")));
}

#[test]
fn rows_that_are_wrong_are_told_with_their_line_and_none_is_staged() {
    let world = World::empty(Choices::default());
    world.post("/v1/imports", r#"{"origin":"units.ndjson"}"#).ok();
    let rows = concat!(
        r#"{"code":"411500000000","kind":"division","name":"信阳市"}"#,
        "\n\n",
        r#"{"code":"4115","kind":"town","name":""}"#,
        "\n",
        r#"{"kode":"411500000000"}"#,
    );
    let request = world.request("POST", "/v1/imports/1/units");
    let answer = request.header("content-type", "application/x-ndjson").body(rows).send();
    assert_eq!(answer.problem(), (400, String::from("invalid_body")));
    insta::assert_json_snapshot!("bad_rows", answer.json()["errors"]);
    assert_eq!(world.get("/v1/imports/1").ok()["units"], 0);
}

#[test]
fn units_that_are_no_utf8_or_none_are_told_by_their_lines_and_none_is_staged() {
    let world = World::empty(Choices::default());
    world.post("/v1/imports", r#"{"origin":"units.csv"}"#).ok();
    let good = r#"{"code":"411500000000","kind":"division","name":"信阳市"}"#.as_bytes();
    let rows: [(&str, Vec<u8>, &[&str]); 5] = [
        (
            "text/csv",
            b"code,kind,name\n411500000000,division,\xd0\xc5\n1,town,x\n".to_vec(),
            &["/2/name", "/3/code", "/3/kind"],
        ),
        ("text/csv", b"code;kind;name\n411500000000;division;x\n".to_vec(), &["/1"]),
        (
            "application/x-ndjson",
            [good, b"\n{\"name\":\"\xd0\xc5\"}\nnone\n"].concat(),
            &["/2", "/3"],
        ),
        ("application/x-ndjson", Vec::new(), &["/1"]),
        ("text/csv", b"code,kind,name\n".to_vec(), &["/1"]),
    ];
    for (kind, body, pointers) in rows {
        let request = world.request("POST", "/v1/imports/1/units").header("content-type", kind);
        let answer = request.body(body).send();
        assert_eq!(answer.problem(), (400, String::from("invalid_body")), "{answer:?}");
        let told = answer.json();
        let told: Vec<_> = told["errors"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| one["pointer"].as_str().unwrap())
            .collect();
        assert_eq!(told, pointers, "{kind}");
    }
    let request = world.request("POST", "/v1/imports/1/text").header("content-type", "text/plain");
    let answer = request.body(b"one\ntwo \xff\n".to_vec()).send();
    assert_eq!(answer.problem(), (400, String::from("bad_utf8")));
    assert!(answer.json()["detail"].as_str().unwrap().starts_with("line 2"), "{answer:?}");
    assert_eq!(world.get("/v1/imports/1").ok()["units"], 0);
}

#[test]
fn imports_may_come_as_a_stream() {
    let world = World::empty(Choices::default());
    let body = [
        r#"{"command":"begin_import","origin":"city"}"#,
        r#"{"command":"stage_units","import":1,"rows":[{"code":"411500000000","kind":"division","name":"信阳市"}]}"#,
        r#"{"command":"stage_text","import":1,"text":"as it was written"}"#,
        r#"{"command":"commit_import","import":1}"#,
        r#"{"command":"commit_import","import":1,"seen":"1"}"#,
        r#"{"command":"commit_import","import":1,"seen":7}"#,
        r#"{"command":"commit_import","import":1,"seen":0}"#,
        r#"{"command":"close_unit","unit":"411500000000"}"#,
        r#"{"command":"close_unit","unit":"411500000000","seen":0}"#,
        r#"{"command":"close_unit","unit":"411500000000","seen":"*"}"#,
    ];
    let results = world.stream(&body.join("\n")).lines();
    let wrong = |result: &serde_json::Value| {
        let error = result.get("error")?;
        let code = error["errors"][0]["code"].as_str().or(error["code"].as_str());
        Some((result["line"].as_u64().unwrap(), code.unwrap().to_owned()))
    };
    let wrong: Vec<_> = results.iter().filter_map(wrong).collect();
    let expected = [
        (4, "missing_field"),
        (5, "wrong_type"),
        (6, "organisation_stale"),
        (8, "missing_field"),
        (9, "organisation_stale"),
    ];
    assert_eq!(wrong, expected.map(|(line, code)| (line, code.to_owned())), "{results:?}");
    assert_eq!(results[3]["error"]["errors"][0]["pointer"], "/seen");
    assert_eq!(world.get("/v1/units/411500000000").ok()["name"], "信阳市");
}
