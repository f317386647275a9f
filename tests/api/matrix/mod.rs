//! Who may do what: every operation of the document, and every command of a stream, asked by every
//! kind of principal.
//!
//! ```text
//!  works.rs   what each operation needs to work ─┐
//!  rows.rs    what it asks of whoever comes ─────┼─▶ answer = what is expected, status and code
//!  kinds.rs   who comes ─────────────────────────┘
//! ```
//!
//! A request is good for everybody: the one that others were refused is the one that works.

mod kinds;
mod rows;
mod works;

use serde_json::{Value, json};
use zhida::engine::Clock;

use crate::client::Answer;
use crate::world::{Choices, World};
use kinds::{Kind, kinds};
use rows::{Needs, needs};
pub(crate) use works::{Ask, Works};

const NDJSON: &str = "application/x-ndjson";

/// The status of an answer, or of the one line of a stream; the code where it is a refusal.
pub(crate) type Told = (u16, String);

/// What the document says of an operation.
pub(crate) struct Operation {
    pub(crate) id: String,
    pub(crate) method: String,
    pub(crate) path: String,
    /// The status where all goes well.
    pub(crate) good: u16,
    /// Whether it must be said what was seen.
    pub(crate) needs_seen: bool,
    /// The scope that it is said to need.
    pub(crate) scope: Option<String>,
}

pub(crate) fn document(world: &World) -> Value {
    world.request("GET", "/openapi.json").without_token().send().ok()
}

pub(crate) fn operations(document: &Value) -> Vec<Operation> {
    let mut operations = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let statuses = operation["responses"].as_object().unwrap().keys();
            let mut good = statuses.filter(|status| status.starts_with(['2', '3']));
            operations.push(Operation {
                id: operation["operationId"].as_str().unwrap().to_owned(),
                method: method.to_uppercase(),
                path: path.clone(),
                good: good.next().unwrap().parse().unwrap(),
                needs_seen: names_if_match(operation).is_some_and(|is_required| is_required),
                scope: operation["security"][0]["token"][0].as_str().map(str::to_owned),
            });
        }
    }
    operations
}

/// Whether `If-Match` is required; none where it is not read.
fn names_if_match(operation: &Value) -> Option<bool> {
    let mut parameters = operation["parameters"].as_array().into_iter().flatten();
    let parameter = parameters.find(|one| one["name"] == "If-Match")?;
    Some(parameter["required"] == true)
}

/// A world whose clock only the test moves.
pub(crate) fn driven() -> World {
    World::with(Choices { clock: Clock::Driven, ..Choices::default() })
}

/// Moves the clock on.
fn advance(world: &World, to: &str) {
    world.post("/v1/clock/advance", &json!({ "to": to }).to_string()).ok();
}

impl Operation {
    /// The path of that request.
    pub(crate) fn filled(&self, ask: &Ask) -> String {
        let Some((before, rest)) = self.path.split_once('{') else {
            return [&self.path, ask.query].concat();
        };
        let (_, behind) = rest.split_once('}').unwrap();
        [before, &ask.about, behind, ask.query].concat()
    }

    pub(crate) fn send(&self, world: &World, ask: &Ask, token: Option<&str>) -> Answer {
        let mut request = world.request(&self.method, &self.filled(ask)).without_token();
        if self.needs_seen {
            request = request.header("if-match", "*");
        }
        if let Some(token) = token {
            request = request.token(token);
        }
        if let Some((media_type, body)) = &ask.body {
            request = request.header("content-type", media_type).body(body.clone());
        }
        request.send()
    }

    /// The same as a line of a stream.
    fn line(&self, ask: &Ask) -> String {
        let mut line = match &ask.body {
            None => json!({}),
            Some((NDJSON, rows)) => {
                let rows = rows.lines().map(|row| serde_json::from_str(row).unwrap());
                json!({ "rows": rows.collect::<Vec<Value>>() })
            }
            Some(("text/plain", text)) => json!({ "text": text }),
            Some((_, body)) => serde_json::from_str(body).unwrap(),
        };
        line["command"] = self.id.as_str().into();
        if self.needs_seen {
            line["seen"] = "*".into();
        }
        let number = || ask.about.parse::<u64>().unwrap().into();
        match self.path.split('/').nth(2) {
            Some("cases") if self.path.contains('{') => line["case"] = number(),
            Some("imports") if self.path.contains('{') => line["import"] = number(),
            Some("units") if self.path.contains('{') => line["unit"] = ask.about.as_str().into(),
            _ => {}
        }
        line.to_string()
    }
}

/// What an answer says.
pub(crate) fn told(answer: &Answer) -> Told {
    let refusal = match answer.header("content-type") {
        Some("application/problem+json") => answer.json(),
        Some(NDJSON) => {
            let line = answer.text().lines().next().unwrap_or_default();
            serde_json::from_str::<Value>(line).unwrap()["error"].take()
        }
        _ => Value::Null,
    };
    match refusal["code"].as_str() {
        Some(code) => (refusal["status"].as_u64().unwrap().try_into().unwrap(), code.to_owned()),
        None => (answer.status, String::new()),
    }
}

/// Asks the same as every kind: who is told what, where it is not what is expected.
fn asked_by_all(
    works: &Works<'_>,
    kinds: &[Kind],
    operation: &Operation,
    send: impl Fn(&Ask, Option<&str>) -> Answer,
    good: u16,
) -> Vec<String> {
    let id = &operation.id;
    let Some(needs) = needs(id) else {
        return vec![format!("{id} has no row: what does it ask?")];
    };
    let mut ready: Option<Ask> = None;
    let mut wrong = Vec::new();
    for kind in kinds {
        let Some(ask) = ready.take().or_else(|| works.ask(id)) else {
            return vec![format!("{id} has no request that works")];
        };
        let token = kind.token(works.world);
        if id == "get_outcome" && kind.is_admitted() {
            works.remember(&ask.about, token.as_deref().unwrap());
        }
        let answer = send(&ask, token.as_deref());
        let (told, expected) = (told(&answer), kind.expected(needs, good));
        if told != expected {
            wrong.push(format!("{id} by {}: {told:?}, not {expected:?}", kind.name));
        }
        let is_done = told.1.is_empty();
        let is_of_places = is_done && !matches!(needs, Needs::Nothing);
        if is_of_places && kind.is_elsewhere() && answer.text().contains("411502001") {
            wrong.push(format!("{id} tells {} of here: {}", kind.name, answer.text()));
        }
        ready = (!is_done).then_some(ask);
    }
    works.tidy();
    wrong
}

#[test]
fn every_operation_is_open_to_whom_it_is_for_and_to_nobody_else() {
    let world = driven();
    let works = Works::new(&world);
    let kinds = kinds(&works);
    let operations = operations(&document(&world));
    assert!(operations.len() > 60, "{}", operations.len());
    for one in operations.iter().filter(|one| one.id != "post_commands") {
        let asked = match needs(&one.id) {
            Some(Needs::Scope(scope) | Needs::Place(scope, ..) | Needs::City(scope)) => Some(scope),
            Some(Needs::Nothing | Needs::Token | Needs::Writer(..)) | None => None,
        };
        assert_eq!(one.scope.as_deref(), asked, "{}", one.id);
    }
    let of_one = |one: &Operation| {
        let send = |ask: &Ask, token: Option<&str>| one.send(&world, ask, token);
        asked_by_all(&works, &kinds, one, send, one.good)
    };
    let wrong: Vec<_> = operations.iter().flat_map(of_one).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_line_of_a_stream_asks_what_its_address_asks() {
    let world = driven();
    let works = Works::new(&world);
    let kinds = kinds(&works);
    let document = document(&world);
    let operations = operations(&document);
    let stream = operations.iter().find(|one| one.id == "post_commands").unwrap();
    let commands = &document["components"]["schemas"]["CommandLine"]["properties"]["command"];
    let commands = commands["enum"].as_array().unwrap();
    assert!(commands.len() > 20, "{commands:?}");
    let of_one = |command: &Value| {
        let Some(one) = operations.iter().find(|one| one.id == *command) else {
            return vec![format!("{command} is no operation's id")];
        };
        let send = |ask: &Ask, token: Option<&str>| {
            let lines = Some((NDJSON, one.line(ask)));
            stream.send(&world, &Ask { body: lines, ..Ask::default() }, token)
        };
        asked_by_all(&works, &kinds, one, send, stream.good)
    };
    let wrong: Vec<_> = commands.iter().flat_map(of_one).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_confidential_matters_claimant_is_told_to_administrators_alone() {
    let world = driven();
    let works = Works::new(&world);
    let kinds = kinds(&works);
    let reveal = r#"{"fields":["name","phone"],"purpose":"回访"}"#;
    for (matter, is_confidential) in [("PS-001", false), ("PS-003", true)] {
        let case = world.report(matter);
        for kind in kinds.iter().filter(|kind| kind.is_admitted()) {
            let token = kind.token(&world).unwrap();
            let get = |path: &str| world.request("GET", path).token(&token).send();
            let is_known = |needed: &str| {
                let may_know = !is_confidential || kind.has("admin");
                kind.has(needed) && !kind.is_elsewhere() && may_know
            };
            let at = format!("{} of {matter}", kind.name);

            let shown = get(&format!("/v1/cases/{case}?include=text"));
            let masked = shown.json()["claimant"]["name"].as_str().map(str::to_owned);
            let expected = is_known("read").then(|| String::from("王**"));
            assert_eq!(masked, expected, "{at}: {}", shown.text());

            let path = format!("/v1/cases/{case}/reveal");
            let revealed = world.request("POST", &path).token(&token).json(reveal).send();
            let plain = revealed.json()["claimant"]["name"].as_str().map(str::to_owned);
            let expected = is_known("act").then(|| String::from("王小明"));
            assert_eq!(plain, expected, "{at}: {}", revealed.text());
            if is_confidential && kind.has("act") && !kind.has("admin") && !kind.is_elsewhere() {
                assert_eq!(told(&revealed), (403, String::from("claimant_confidential")), "{at}");
            }

            // Whatever else is told of the case has nobody in it.
            for path in [
                format!("/v1/cases/{case}"),
                format!("/v1/cases/{case}/timeline?include=text"),
                format!("/v1/cases?ids={case}&include=text"),
                String::from("/v1/cases?include=text"),
                format!("/v1/units/{}/inbox", crate::world::GRID),
                format!("/v1/units/{}/queue", crate::world::GRID),
                String::from("/v1/events?limit=1000"),
            ] {
                let text = get(&path).text().to_owned();
                assert!(!text.contains('王') && !text.contains("1381"), "{at}: {path}: {text}");
            }
        }
    }
}

#[test]
fn if_match_is_named_where_it_is_read_and_nowhere_else() {
    let world = driven();
    let works = Works::new(&world);
    let document = document(&world);
    let mut wrong = Vec::new();
    for one in operations(&document).iter().filter(|one| one.method == "POST") {
        let operation = &document["paths"][&one.path]["post"];
        let ask = works.ask(&one.id).unwrap();
        let send = |seen: Option<&str>| {
            let mut request = world.request(&one.method, &one.filled(&ask));
            if let Some(seen) = seen {
                request = request.header("if-match", seen);
            }
            if let Some((media_type, body)) = &ask.body {
                request = request.header("content-type", media_type).body(body.clone());
            }
            told(&request.send())
        };
        let is_required = send(None) == (428, String::from("precondition_required"));
        let is_read = send(Some("nonsense")) == (400, String::from("invalid_header"));
        let read = is_read.then_some(is_required);
        if names_if_match(operation) != read {
            wrong.push(format!("{}: {read:?}", one.id));
        }
        works.tidy();
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_read_refuses_a_parameter_that_it_has_not() {
    let world = World::new();
    let works = Works::new(&world);
    let mut accepting = Vec::new();
    for operation in operations(&document(&world)) {
        if operation.method != "GET" || !operation.path.starts_with("/v1/") {
            continue;
        }
        let ask = Ask { query: "?nonsense=1", ..works.ask(&operation.id).unwrap() };
        let answer = world.get(&operation.filled(&ask));
        if answer.status != 400 || answer.problem().1 != "invalid_query" {
            accepting.push(format!("{}: {}", operation.id, answer.status));
        }
        works.tidy();
    }
    assert!(accepting.is_empty(), "{}", accepting.join("\n"));
}
