//! For every operation a request that works, and the world that it needs for that: a case that allows
//! the move, an import with rows, a client that nobody will miss.

use std::cell::Cell;

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::world::{ELSEWHERE, GRID, MATTERS, ROOM, VILLAGE, World, catalogue, report};

const JSON: &str = "application/json";
const NDJSON: &str = "application/x-ndjson";
const TOML: &str = "application/toml";

/// A request that works, for whoever may send it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ask {
    /// What stands in the braces of the path.
    pub(crate) about: String,
    pub(crate) query: &'static str,
    /// Media type and text of its body.
    pub(crate) body: Option<(&'static str, String)>,
}

impl Ask {
    fn about(about: &impl ToString) -> Self {
        Self { about: about.to_string(), ..Self::default() }
    }

    fn sending(self, body: &Value) -> Self {
        Self { body: Some((JSON, body.to_string())), ..self }
    }

    fn text(self, media_type: &'static str, text: impl Into<String>) -> Self {
        Self { body: Some((media_type, text.into())), ..self }
    }
}

/// Prepares requests, as the administrator.
pub(crate) struct Works<'w> {
    pub(crate) world: &'w World,
    made: Cell<u32>,
}

impl<'w> Works<'w> {
    pub(crate) fn new(world: &'w World) -> Self {
        Self { world, made: Cell::new(100) }
    }

    /// A request that works; none for an operation that is not known here.
    pub(crate) fn ask(&self, operation: &str) -> Option<Ask> {
        let of_case = operation.ends_with("_case") && operation != "report_case";
        Some(match operation {
            "get_health" | "get_ready" | "get_metrics" | "get_openapi" | "get_docs" | "get_me"
            | "get_build" | "get_matters" | "get_events" | "get_organisation" | "list_cases"
            | "find_units" | "export_units" | "get_counts" | "list_clients" | "list_imports"
            | "get_config" | "get_config_history" | "list_proposals" | "get_records" => {
                Ask::default()
            }
            "get_outcome" => Ask::about(&format!("k-{}", self.next())),
            "report_case" => Ask::default().text(JSON, report("PS-001", GRID)),
            "post_commands" => {
                let report = report("PS-001", GRID);
                Ask::default().text(NDJSON, report.replacen('{', r#"{"command":"report_case","#, 1))
            }
            "get_timeline" => Ask::about(&self.world.report("PS-001")),
            "get_targets" => {
                Ask { query: "?move=transfer", ..Ask::about(&self.world.report("PS-001")) }
            }
            "advance_clock" => Ask::default().sending(&json!({ "to": self.hours_on(0) })),
            _ if of_case => return self.on_case(operation),
            _ if operation.contains("client") => return self.on_client(operation),
            _ if operation.contains("proposal") || operation.ends_with("_config") => {
                return self.on_configuration(operation);
            }
            _ if operation.ends_with("_import")
                || operation.starts_with("stage_")
                || operation == "get_findings" =>
            {
                return self.on_import(operation);
            }
            _ => return self.on_unit(operation),
        })
    }

    /// A case that allows what is asked.
    fn on_case(&self, operation: &str) -> Option<Ask> {
        let matter = if operation == "hand_down_case" { "PS-002" } else { "PS-001" };
        let case = self.world.report(matter);
        let before = |verb: &str, body: &Value| {
            self.world.post(&format!("/v1/cases/{case}/{verb}"), &body.to_string()).ok();
        };
        let reasoned = |by: &str| json!({ "by": by, "reason": "好" });
        let body = match operation {
            "get_case" => return Some(Ask::about(&case)),
            "acknowledge_case" => json!({ "by": GRID }),
            "escalate_case" | "return_case" | "decline_case" => reasoned(GRID),
            "handle_case" => {
                before("acknowledge", &json!({ "by": GRID }));
                json!({ "by": GRID, "measures": "好" })
            }
            "close_case" => {
                before("acknowledge", &json!({ "by": GRID }));
                before("handle", &json!({ "by": GRID, "measures": "好" }));
                json!({ "by": GRID, "answer": "好" })
            }
            "reopen_case" => {
                before("decline", &reasoned(GRID));
                reasoned(GRID)
            }
            "void_case" => reasoned(ROOM),
            "hand_down_case" => json!({ "by": VILLAGE, "to": GRID, "reason": "好" }),
            "transfer_case" => json!({ "by": GRID, "to": "411502001001002", "reason": "好" }),
            "note_case" => json!({ "by": GRID, "note": "好" }),
            "reveal_case" => json!({ "fields": ["name"], "purpose": "回访" }),
            _ => return None,
        };
        Some(Ask::about(&case).sending(&body))
    }

    fn on_client(&self, operation: &str) -> Option<Ask> {
        let name = format!("app-{}", self.next());
        let grant = json!({ "name": name, "scopes": ["read"] });
        if operation == "admit_client" {
            return Some(Ask::default().sending(&grant));
        }
        self.world.post("/v1/clients", &grant.to_string()).ok();
        let ask = Ask::about(&name);
        Some(match operation {
            "get_client" | "revoke_client" => ask,
            "change_client" => ask.sending(&json!({ "scopes": ["act"] })),
            "rotate_client" => ask.sending(&json!({})),
            _ => return None,
        })
    }

    fn on_import(&self, operation: &str) -> Option<Ask> {
        let origin = json!({ "origin": "x" });
        if operation == "begin_import" {
            return Some(Ask::default().sending(&origin));
        }
        let begun = self.world.post("/v1/imports", &origin.to_string()).ok();
        let ask = Ask::about(&begun["import"]);
        let rows = format!("{}\n", self.unit());
        Some(match operation {
            "get_import" | "get_findings" | "abandon_import" => ask,
            "stage_units" => ask.text(NDJSON, rows),
            "stage_text" => ask.text("text/plain", "x"),
            "commit_import" => {
                let path = format!("/v1/imports/{}/units", ask.about);
                let staging = self.world.request("POST", &path).header("content-type", NDJSON);
                staging.body(rows).send().ok();
                ask
            }
            _ => return None,
        })
    }

    fn on_configuration(&self, operation: &str) -> Option<Ask> {
        let text = catalogue(MATTERS);
        if operation == "propose_config" || operation == "validate_config" {
            return Some(Ask::default().text(TOML, text));
        }
        let proposal = self.world.propose(&text).ok()["proposal"].clone();
        matches!(operation, "get_proposal" | "apply_proposal").then(|| Ask::about(&proposal))
    }

    fn on_unit(&self, operation: &str) -> Option<Ask> {
        let row = self.unit();
        let code = row["code"].as_str().unwrap().to_owned();
        let of_new = |body: &Value| {
            self.change("/v1/units", &json!({ "row": row }));
            Ask::about(&code).sending(body)
        };
        Some(match operation {
            "get_unit" | "get_children" | "get_ancestors" | "get_modules" | "get_inbox"
            | "get_queue" | "get_watch" | "get_unit_counts" => Ask::about(&GRID),
            "open_unit" => Ask::default().sending(&json!({ "row": row })),
            "change_unit" => {
                of_new(&json!({ "row": { "code": code, "kind": "grid", "name": "新名" } }))
            }
            "close_unit" => of_new(&json!({ "successor": GRID })),
            "keep_unit" => {
                let ask = of_new(&json!({}));
                let later = json!({ "successor": GRID, "valid_until": self.hours_on(24) });
                self.change(&format!("/v1/units/{code}/close"), &later);
                ask
            }
            "split_unit" => {
                let parts = [self.unit(), self.unit()];
                of_new(&json!({ "rows": parts, "successor": parts[0]["code"] }))
            }
            "merge_units" => Ask { about: GRID.to_owned(), ..of_new(&json!({ "units": [code] })) },
            "move_unit" => of_new(&json!({ "to": self.unit()["code"] })),
            _ => return None,
        })
    }

    /// Lets a principal do what it may under a key.
    pub(crate) fn remember(&self, key: &str, token: &str) {
        let case = self.world.report("PS-001");
        let note = json!({ "by": GRID, "note": "好" }).to_string();
        for (path, body) in [
            (String::from("/v1/cases"), report("PS-001", GRID)),
            (String::from("/v1/cases"), report("PS-001", ELSEWHERE)),
            (format!("/v1/cases/{case}/note"), note),
        ] {
            let request = self.world.request("POST", &path).token(token);
            request.header("idempotency-key", key).json(&body).send();
        }
    }

    /// Ends every open import: only so many may be.
    pub(crate) fn tidy(&self) {
        for open in self.world.get("/v1/imports").ok()["imports"].as_array().unwrap() {
            self.world.post(&format!("/v1/imports/{}/abandon", open["import"]), "").ok();
        }
    }

    /// That much later than now.
    pub(crate) fn hours_on(&self, hours: i64) -> String {
        let now = self.world.handle.now().0 + hours * 3_600_000;
        Timestamp::from_millisecond(now).unwrap().to_string()
    }

    /// The row of a grid that is not there yet.
    fn unit(&self) -> Value {
        json!({ "code": format!("411502001001{}", self.next()), "kind": "grid", "name": "网格" })
    }

    fn change(&self, path: &str, body: &Value) {
        let request = self.world.request("POST", path).header("if-match", "*");
        request.json(&body.to_string()).send().ok();
    }

    fn next(&self) -> u32 {
        self.made.set(self.made.get() + 1);
        self.made.get()
    }
}
