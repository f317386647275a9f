//! `If-Match`: whoever changes the organisation, or brings something into force, says which version that
//! was decided upon. Every operation of the document that asks for it has a row here.

use serde_json::{Value, json};

use crate::client::Answer;
use crate::world::{GRID, MATTERS, World, catalogue};

const GRID_2: &str = "411502001001002";

/// A request that is good in all but what it says it has seen.
struct Asked {
    path: String,
    body: String,
    /// Whose `ETag` is asked for, and what a stale one is told.
    of: &'static str,
    stale: &'static str,
}

/// What each operation is asked; none where it has no row. What it needs is made first.
fn asked(world: &World, operation: &str) -> Option<Asked> {
    let row = |code: &str| json!({ "code": code, "kind": "grid", "name": "网格" });
    let (path, body) = match operation {
        "POST /v1/units" => {
            (String::from("/v1/units"), json!({ "row": row("411502001001003") }).to_string())
        }
        "POST /v1/imports/{id}/commit" => {
            let begun = world.post("/v1/imports", r#"{"origin":"units.ndjson"}"#).ok();
            let path = format!("/v1/imports/{}", begun["import"]);
            let staging = world.request("POST", &format!("{path}/units"));
            let staging = staging.header("content-type", "application/x-ndjson");
            staging.body(format!("{}\n", row("411502001001003"))).send().ok();
            (format!("{path}/commit"), String::new())
        }
        "POST /v1/config/proposals/{id}/apply" => {
            let proposed = world.propose(&catalogue(MATTERS));
            let path = format!("/v1/config/proposals/{}/apply", proposed.ok()["proposal"]);
            let (body, of, stale) = (String::new(), "/v1/config", "config_stale");
            return Some(Asked { path, body, of, stale });
        }
        _ => {
            let verb = operation.strip_prefix("POST /v1/units/{code}/")?;
            let rows = [row("411502001001003"), row("411502001001004")];
            let body = match verb {
                "change" => json!({ "row": row(GRID) }).to_string(),
                "close" => json!({ "successor": GRID_2 }).to_string(),
                "keep" => {
                    let later = "2026-01-06T08:00:00+08:00";
                    let close = json!({ "successor": GRID_2, "valid_until": later });
                    let path = format!("/v1/units/{GRID}/close");
                    let told = world.request("POST", &path).header("if-match", "*");
                    told.json(&close.to_string()).send().ok();
                    String::new()
                }
                "split" => json!({ "rows": rows, "successor": "411502001001003" }).to_string(),
                "merge" => json!({ "units": [GRID_2] }).to_string(),
                "move" => json!({ "to": "411502001001003" }).to_string(),
                _ => return None,
            };
            (format!("/v1/units/{GRID}/{verb}"), body)
        }
    };
    Some(Asked { path, body, of: "/v1/organisation", stale: "organisation_stale" })
}

impl Asked {
    /// Asks for it, with or without something that was seen.
    fn ask(&self, world: &World, seen: Option<&str>) -> Answer {
        let mut request = world.request("POST", &self.path);
        if let Some(seen) = seen {
            request = request.header("if-match", seen);
        }
        if self.body.is_empty() { request.send() } else { request.json(&self.body).send() }
    }

    /// The version that it is about.
    fn version(&self, world: &World) -> String {
        world.get(self.of).header("etag").unwrap().to_owned()
    }
}

/// The operations that must say what they have seen, by the document.
fn operations() -> Vec<String> {
    let document: Value = serde_json::from_str(&zhida::api::openapi()).unwrap();
    let mut operations = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let parameters = operation["parameters"].as_array().into_iter().flatten();
            let asks = |one: &Value| one["name"] == "If-Match" && one["required"] == true;
            if parameters.into_iter().any(asks) {
                operations.push(format!("{} {path}", method.to_uppercase()));
            }
        }
    }
    operations
}

/// Others change the organisation and the configuration.
fn change_both(world: &World) {
    let row = json!({ "row": { "code": "411502002001009", "kind": "grid", "name": "网格" } });
    let open = world.request("POST", "/v1/units").header("if-match", "*");
    open.json(&row.to_string()).send().ok();
    world.put_into_force(&catalogue(&MATTERS[..2]));
}

#[test]
fn what_must_say_what_it_has_seen_is_refused_without_it_and_upon_an_older_version() {
    let operations = operations();
    assert_eq!(operations.len(), 9, "{operations:?}");
    for operation in &operations {
        let world = World::new();
        let older = ["/v1/organisation", "/v1/config"].map(|of| (of, world.get(of)));
        change_both(&world);
        let asked = asked(&world, operation).unwrap_or_else(|| panic!("{operation} has no row"));
        let (_, older) = older.iter().find(|(of, _)| *of == asked.of).unwrap();
        let older = older.header("etag").unwrap();
        let version = asked.version(&world);
        assert_ne!(older, version, "{operation}");
        for (seen, told) in [
            (None, (428, "precondition_required")),
            (Some(older), (412, asked.stale)),
            (Some("\"999999\""), (412, asked.stale)),
            (Some("soon"), (400, "invalid_header")),
        ] {
            let (status, code) = asked.ask(&world, seen).problem();
            assert_eq!((status, code.as_str()), told, "{operation} with {seen:?}");
        }
        assert_eq!(asked.version(&world), version, "{operation}: a refusal changed something");
        let done = asked.ask(&world, Some(&version));
        assert!((200..300).contains(&done.status), "{operation}: {}", done.text());
        assert_ne!(asked.version(&world), version, "{operation}");

        // Whoever does not mind what is there says so.
        let world = World::new();
        let asked = self::asked(&world, operation).unwrap();
        let version = asked.version(&world);
        let done = asked.ask(&world, Some("*"));
        assert!((200..300).contains(&done.status), "{operation} with *: {}", done.text());
        assert_ne!(asked.version(&world), version, "{operation}");
    }
}

#[test]
fn a_line_that_changes_the_organisation_says_what_it_has_seen() {
    let row = r#""row":{"code":"411502001001003","kind":"grid","name":"网格"}"#;
    let unit = format!(r#""unit":"{GRID}""#);
    for fields in [
        format!(r#""command":"open_unit",{row}"#),
        format!(r#""command":"close_unit",{unit},"successor":"{GRID_2}""#),
        format!(r#""command":"merge_units",{unit},"units":["{GRID_2}"]"#),
        format!(r#""command":"move_unit",{unit},"to":"411502001001003""#),
    ] {
        let world = World::new();
        let version = world.get("/v1/organisation").ok()["seq"].clone();
        let line = |seen: &str| world.stream(&format!("{{{fields}{seen}}}\n")).lines().remove(0);
        let told = line("");
        assert_eq!(told["error"]["errors"][0]["pointer"], "/seen", "{fields}: {told}");
        assert_eq!(line(",\"seen\":1")["error"]["code"], "organisation_stale", "{fields}");
        let done = line(&format!(",\"seen\":{version}"));
        assert!(done["seq"].is_u64(), "{fields}: {done}");
    }
}
