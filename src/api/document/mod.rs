//! The OpenAPI document: what utoipa reads off the handlers, and what follows for all of them.
//!
//! ```text
//!  handlers ─▶ utoipa ─▶ paths, good answers ─┐
//!  problems.rs ─▶ every status, every code ───┤
//!  examples.json ─▶ bodies and answers ───────┼─▶ /openapi.json
//!  codes.rs, samples.rs ─▶ a problem of each ─┤
//!  scopes.rs ─▶ which scope each needs ───────┤
//!  chinese.rs, chinese.json ─▶ in Chinese ────┘
//! ```
//!
//! A handler says how it goes well. How it can go wrong stands in one table, and what it looks like
//! in one file of examples; a new operation without them fails a test.

mod about;
mod bounds;
mod chinese;
mod events;
mod examples;
mod lines;
mod links;
mod order;
mod problems;
mod samples;
mod scopes;
mod sentences;

use bytes::Bytes;
use serde_json::{Value, json};

use super::codes::Code;
use super::language::Language;
use super::lifecycle::{GOING, Going};
use super::problem::PROBLEM_JSON;
use super::router::routes;

/// What of an operation decides how it can go wrong.
struct Shape {
    needs_token: bool,
    is_for_admins: bool,
    is_write: bool,
    has_path: bool,
    /// The media type of its body.
    body: Option<String>,
}

/// The OpenAPI 3.1 document of all addresses, as JSON, in English.
#[must_use]
pub fn openapi() -> String {
    let mut document = with_going(document(), GOING);
    scopes::tell(&mut document, Language::English);
    order::text(&document)
}

/// The document in each language, with these operations deprecated.
pub(super) fn openapi_with(going: &[Going]) -> Told {
    let mut english = with_going(document(), going);
    let mut chinese = english.clone();
    chinese::tell(&mut chinese);
    scopes::tell(&mut english, Language::English);
    scopes::tell(&mut chinese, Language::Chinese);
    Told { english: order::text(&english).into(), chinese: order::text(&chinese).into() }
}

/// The document's text by language.
pub(super) struct Told {
    english: Bytes,
    chinese: Bytes,
}

impl Told {
    pub(super) fn text(&self, language: Language) -> Bytes {
        match language {
            Language::English => self.english.clone(),
            Language::Chinese => self.chinese.clone(),
        }
    }
}

fn with_going(mut document: Value, going: &[Going]) -> Value {
    for one in going {
        let operation = &mut document["paths"][one.path][one.method.to_lowercase()];
        assert!(operation.is_object(), "{} {} is no operation", one.method, one.path);
        operation["deprecated"] = true.into();
    }
    document
}

/// The same before it is text.
pub(super) fn document() -> Value {
    let mut document = serde_json::to_value(routes().into_openapi()).expect("it has a JSON form");
    document["info"] = about::info(Language::English);
    document["tags"] = about::tags(Language::English);
    let components = &mut document["components"];
    components["securitySchemes"] = json!({ "token": {
        "type": "http",
        "scheme": "bearer",
        "description": "A client's token",
    }});
    for name in ["Problem", "Told"] {
        list_codes(&mut components["schemas"][name]);
    }
    components["examples"] = problem_examples(Language::English);
    document["security"] = json!([{ "token": [] }]);
    let mut schemas = document["components"]["schemas"].take();
    let read = schemas.as_object_mut().expect("it has schemas");
    events::add(read);
    let paths = document["paths"].as_object_mut().expect("it has paths");
    for (method, operation) in paths.values_mut().flat_map(methods) {
        complete(method == "post", operation);
        bounds::add(read, operation);
    }
    document["components"]["schemas"] = schemas;
    links::add(&mut document);
    lines::tell(&mut document);
    document
}

/// Every operation: method, path, what it is.
#[cfg(test)]
pub(super) fn operations(document: &Value) -> impl Iterator<Item = (&str, &str, &Value)> {
    let paths = document["paths"].as_object().into_iter().flatten();
    paths.flat_map(|(path, item)| {
        let methods = item.as_object().into_iter().flatten();
        methods.map(move |(method, operation)| (method.as_str(), path.as_str(), operation))
    })
}

fn methods(item: &mut Value) -> impl Iterator<Item = (&String, &mut Value)> {
    item.as_object_mut().into_iter().flatten()
}

/// Says what follows from what the operation is.
fn complete(is_write: bool, operation: &mut Value) {
    let shape = shape(is_write, operation);
    let name = operation["operationId"].as_str().unwrap_or_default().to_owned();
    add_headers(&name, &shape, operation);
    if shape.needs_token && shape.is_write && name != "post_commands" {
        add_repeat(operation);
    }
    for code in problems::of(&name, &shape).unwrap_or_default() {
        add_problem(&mut operation["responses"], code);
    }
    examples::add(&name, operation);
    scopes::demand(&name, &shape, operation);
}

fn shape(is_write: bool, operation: &Value) -> Shape {
    let has = |place: &str| {
        let parameters = operation["parameters"].as_array();
        parameters.is_some_and(|all| all.iter().any(|one| one["in"] == place))
    };
    let body = operation["requestBody"]["content"].as_object();
    Shape {
        // Where an operation says nothing of security, the document's own rule holds.
        needs_token: operation["security"] != json!([{}]),
        is_for_admins: ["administration", "organisation", "configuration"].iter().any(|tag| {
            // How it stands may be read by whoever reads.
            operation["tags"][0] == *tag && operation["operationId"] != "get_organisation"
        }),
        is_write,
        has_path: has("path"),
        body: body.and_then(|content| content.keys().next().cloned()),
    }
}

/// Headers that every read, or every write, may bring.
fn add_headers(name: &str, shape: &Shape, operation: &mut Value) {
    let headers: Vec<(&str, &str, Value)> = match (shape.needs_token, shape.is_write) {
        (true, true) if name != "post_commands" => vec![
            (
                "Idempotency-Key",
                "The same key with the same body at the same address gets the same answer",
                json!({ "type": "string", "minLength": 1, "maxLength": 64, "pattern": "^[!-~]+$" }),
            ),
            (
                "Server-Timing",
                "Any value: the answer tells where the time went",
                json!({ "type": "string" }),
            ),
        ],
        (true, false) => vec![(
            "Zhida-Min-Seq",
            "Wait until the view has this event",
            json!({ "type": "integer", "format": "int64", "minimum": 0 }),
        )],
        (true | false, true) | (false, false) => Vec::new(),
    };
    let mut parameters = operation["parameters"].as_array().cloned().unwrap_or_default();
    for (header, description, schema) in headers {
        if parameters.iter().any(|known| known["name"] == *header) {
            continue;
        }
        parameters.push(json!({
            "name": header,
            "in": "header",
            "required": false,
            "description": description,
            "schema": schema,
        }));
    }
    if !parameters.is_empty() {
        operation["parameters"] = parameters.into();
    }
}

/// Says that a good answer may be one of before.
fn add_repeat(operation: &mut Value) {
    let responses = operation["responses"].as_object_mut().into_iter().flatten();
    for (_, response) in responses.filter(|(status, _)| status.starts_with('2')) {
        response["headers"]["Zhida-Repeat"] = json!({
            "description": "`true`: the key came before with the same body; this is the answer of \
                that time, and nothing was done anew. Not there otherwise",
            "schema": { "type": "string", "enum": ["true"] },
        });
    }
}

/// Adds a code to the answers of its status.
fn add_problem(responses: &mut Value, code: Code) {
    let response = &mut responses[code.status().to_string()];
    if response.is_null() {
        *response = json!({
            "description": "",
            "content": { PROBLEM_JSON: {
                "schema": { "$ref": "#/components/schemas/Problem" },
                "examples": {},
            }},
        });
        if code.retry_after_seconds().is_some() {
            response["headers"] = json!({ "Retry-After": {
                "description": "Seconds after which trying again makes sense",
                "schema": { "type": "integer" },
            }});
        }
    }
    let name = code.name();
    let told = response["description"].as_str().unwrap_or_default();
    let told = if told.is_empty() { format!("`{name}`") } else { format!("{told}, `{name}`") };
    response["description"] = told.into();
    response["content"][PROBLEM_JSON]["examples"][name] =
        json!({ "$ref": format!("#/components/examples/{name}") });
}

/// What a problem of each code looks like to a reader of that language.
fn problem_examples(language: Language) -> Value {
    let example = |code: &Code| {
        let request_id = Some(String::from("9a0a9c5b-0"));
        let response = samples::problem(*code).response(language, request_id);
        let value: Value = serde_json::from_slice(response.body()).unwrap_or_default();
        (code.name().to_owned(), json!({ "summary": code.title(language), "value": value }))
    };
    Code::ALL.iter().map(example).collect()
}

/// Gives the property `code` its values, wherever the schema has it.
fn list_codes(schema: &mut Value) {
    let codes: Vec<&str> = Code::ALL.iter().map(|code| code.name()).collect();
    let parts = match schema.get_mut("allOf") {
        Some(parts) => parts.as_array_mut().into_iter().flatten().collect(),
        None => vec![schema],
    };
    for part in parts {
        if let Some(code) = part.pointer_mut("/properties/code").and_then(Value::as_object_mut) {
            code.insert(String::from("enum"), codes.clone().into());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_handler_says_only_how_it_goes_well() {
        let raw = serde_json::to_value(routes().into_openapi()).unwrap();
        for (method, path, operation) in operations(&raw) {
            for status in operation["responses"].as_object().unwrap().keys() {
                let is_good = status.starts_with(['2', '3']) || path == "/readyz";
                assert!(is_good, "{method} {path}: {status} belongs into document/problems.rs");
            }
        }
    }

    #[test]
    fn nothing_of_it_is_null_but_in_examples() {
        fn look(at: &str, value: &Value) {
            match value {
                Value::Null => panic!("{at} is null"),
                Value::Object(fields) => {
                    let fields = fields.iter().filter(|(name, _)| !name.starts_with("example"));
                    fields.for_each(|(name, value)| look(&format!("{at}/{name}"), value));
                }
                // A field that may be null says so among its values.
                Value::Array(items) => {
                    items.iter().filter(|item| !item.is_null()).for_each(|item| look(at, item));
                }
                Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
            }
        }
        look("", &document());
    }

    #[test]
    fn every_operation_says_how_it_can_go_wrong() {
        let document = document();
        for (method, path, operation) in operations(&document) {
            let name = operation["operationId"].as_str().unwrap();
            let shape = shape(method == "post", operation);
            let codes = problems::of(name, &shape);
            let codes =
                codes.unwrap_or_else(|| panic!("{name} has no row in document/problems.rs"));
            for code in codes {
                let status = code.status().to_string();
                let listed = &operation["responses"][&status]["content"][PROBLEM_JSON]["examples"];
                assert!(listed[code.name()].is_object(), "{method} {path}: {}", code.name());
            }
            assert!(operation["responses"]["default"].is_null(), "{method} {path}");
        }
    }
}
