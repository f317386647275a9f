//! Whether an answer is what the OpenAPI document says: as much of JSON Schema as it uses.

use serde_json::{Map, Value};

/// Says where a value is not of the schema.
pub(crate) fn check(document: &Value, schema: &Value, value: &Value) -> Result<(), String> {
    check_at(document, schema, value, "", &[])
}

/// `beside` are the properties that a schema around this one has.
fn check_at(
    document: &Value,
    schema: &Value,
    value: &Value,
    at: &str,
    beside: &[&Map<String, Value>],
) -> Result<(), String> {
    if let Some(reference) = schema["$ref"].as_str() {
        let named = document.pointer(reference.trim_start_matches('#'));
        let named = named.ok_or_else(|| format!("{reference} leads nowhere"))?;
        return check_at(document, named, value, at, beside);
    }
    if let Some(one_of) = schema["oneOf"].as_array() {
        let mut around = beside.to_vec();
        around.extend(schema["properties"].as_object());
        let results: Vec<_> =
            one_of.iter().map(|one| check_at(document, one, value, at, &around)).collect();
        let fits = results.iter().filter(|result| result.is_ok()).count();
        if fits != 1 {
            return Err(format!("{at}: is {fits} of {results:?}"));
        }
    }
    let properties = properties(document, schema);
    for name in required(document, schema) {
        if value.get(&name).is_none() {
            return Err(format!("{at}/{name} is missing"));
        }
    }
    check_type(schema, value, at)?;
    if let Some(values) = schema["enum"].as_array()
        && !values.contains(value)
    {
        return Err(format!("{at}: {value} is none of {values:?}"));
    }
    let is_closed = !properties.is_empty() || schema["type"] == "object" && beside.is_empty();
    for (name, field) in value.as_object().into_iter().flatten().filter(|_| is_closed) {
        match properties.get(name) {
            Some(schema) => check_at(document, schema, field, &format!("{at}/{name}"), &[])?,
            // Any object will do where nothing is said of its fields.
            None if properties.is_empty() && schema.get("properties").is_none() => {}
            None if beside.iter().any(|around| around.contains_key(name)) => {}
            None => return Err(format!("{at}/{name} is not described")),
        }
    }
    let items = value.as_array().into_iter().flatten().enumerate();
    for (index, item) in items.filter(|_| schema.get("items").is_some()) {
        check_at(document, &schema["items"], item, &format!("{at}/{index}"), &[])?;
    }
    Ok(())
}

fn check_type(schema: &Value, value: &Value, at: &str) -> Result<(), String> {
    let of = |name: &str| match name {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "integer" => value.is_i64() || value.is_u64(),
        "boolean" => value.is_boolean(),
        "null" => value.is_null(),
        other => panic!("{at}: no type {other} is known here"),
    };
    let fits = match &schema["type"] {
        Value::String(name) => of(name),
        Value::Array(names) => names.iter().filter_map(Value::as_str).any(of),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => true,
    };
    if fits { Ok(()) } else { Err(format!("{at}: {value} is no {}", schema["type"])) }
}

/// Its own properties, and those of all that it is put together from.
fn properties(document: &Value, schema: &Value) -> Map<String, Value> {
    let mut all = schema["properties"].as_object().cloned().unwrap_or_default();
    for part in parts(document, schema) {
        all.extend(properties(document, part));
    }
    all
}

fn required(document: &Value, schema: &Value) -> Vec<String> {
    let own = schema["required"].as_array().into_iter().flatten();
    let mut all: Vec<_> = own.filter_map(|name| Some(name.as_str()?.to_owned())).collect();
    for part in parts(document, schema) {
        all.extend(required(document, part));
    }
    all
}

fn parts<'d>(document: &'d Value, schema: &'d Value) -> impl Iterator<Item = &'d Value> {
    schema["allOf"].as_array().into_iter().flatten().map(|part| match part["$ref"].as_str() {
        Some(reference) => {
            document.pointer(reference.trim_start_matches('#')).expect("it leads somewhere")
        }
        None => part,
    })
}
