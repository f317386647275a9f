//! Bounds that follow from a field's name, wherever a body or an address has it.

use serde_json::{Map, Value, json};

use crate::api::body::STREAM_VERBS;
use crate::domain::limits::{NAME_BYTES_MAX, SOURCE_NUMBER_BYTES_MAX};

/// What the field of that name may hold, as JSON Schema says it.
fn bounds(field: &str) -> Option<Value> {
    let code = "^[0-9]{12}([0-9]{3}|-[A-Z][0-9]{2})?$";
    Some(match field {
        "by" | "place" | "successor" | "reports_to" => json!({ "pattern": code }),
        "text" | "reason" | "measures" | "answer" | "note" | "purpose" => json!({ "minLength": 1 }),
        "source_number" => {
            json!({ "pattern": "^[ -~]+$", "minLength": 1, "maxLength": SOURCE_NUMBER_BYTES_MAX })
        }
        "source" => json!({
            "enum": crate::domain::case::Source::ALL.iter().map(|one| one.name()).collect::<Vec<_>>(),
        }),
        "move" => json!({
            "enum": crate::domain::case::Sending::ALL.iter().map(|one| one.name()).collect::<Vec<_>>(),
        }),
        // Bounded in bytes; of Chinese characters a third fits.
        "name" | "origin" | "class" => json!({ "minLength": 1, "maxLength": NAME_BYTES_MAX }),
        "If-Match" => json!({ "pattern": "^(\\*|\"[0-9]+\")$" }),
        "command" => json!({
            "enum": STREAM_VERBS.iter().map(|(name, _)| *name).collect::<Vec<_>>(),
        }),
        "limit" => json!({ "minimum": 1, "maximum": 1_000 }),
        "id" => json!({ "minimum": 1 }),
        _ => return None,
    })
}

/// Bounds the parameters of an operation, and every field of its body; no body has other fields.
pub(super) fn add(schemas: &mut Map<String, Value>, operation: &mut Value) {
    let parameters = operation.get_mut("parameters").and_then(Value::as_array_mut);
    for parameter in parameters.into_iter().flatten() {
        let name = parameter["name"].as_str().unwrap_or_default().to_owned();
        bound(&name, &mut parameter["schema"]);
    }
    let content = operation.get("requestBody").and_then(|body| body["content"].as_object());
    for media in content.into_iter().flat_map(Map::values) {
        close(schemas, &media["schema"]);
    }
}

fn bound(name: &str, schema: &mut Value) {
    let bounds = bounds(name);
    if let (Some(Value::Object(bounds)), Some(schema)) = (bounds, schema.as_object_mut()) {
        // A field that may be null may be that too.
        let is_nullable = schema.get("type").is_some_and(Value::is_array);
        for (key, mut value) in bounds {
            if let Some(values) = value.as_array_mut().filter(|_| is_nullable) {
                values.push(Value::Null);
            }
            // That a number is unsigned says less.
            if key == "minimum" {
                schema.insert(key, value);
            } else {
                schema.entry(key).or_insert(value);
            }
        }
    }
}

/// Closes a schema that bodies are read by, and those within it.
fn close(schemas: &mut Map<String, Value>, reference: &Value) {
    let Some(name) = reference["$ref"].as_str().and_then(|path| path.rsplit('/').next()) else {
        return;
    };
    let Some(schema) = schemas.get_mut(name) else { return };
    let is_open =
        schema.get("properties").is_some() && schema.get("additionalProperties").is_none();
    if !is_open {
        return;
    }
    schema["additionalProperties"] = false.into();
    let mut within = Vec::new();
    for (field, value) in schema["properties"].as_object_mut().into_iter().flatten() {
        bound(field, value);
        let parts = ["oneOf", "anyOf"].iter().filter_map(|key| value.get(key)?.as_array());
        within.extend(parts.flatten().cloned());
        within.extend(value.get("items").cloned());
        within.push(value.clone());
    }
    for part in within {
        close(schemas, &part);
    }
}
