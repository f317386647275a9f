//! What bodies and answers look like: real matters of Xinyang's catalogue, places that exist.

use std::sync::LazyLock;

use serde_json::Value;

/// By operation: `request`, and the answer by status; of each what one media type has of its own, as
/// `200 text/csv`. Streams are text.
static EXAMPLES: LazyLock<Value> = LazyLock::new(|| {
    serde_json::from_str(include_str!("examples.json")).expect("a test reads the file")
});

/// Gives an operation's body and answers their examples.
pub(super) fn add(name: &str, operation: &mut Value) {
    let examples = &EXAMPLES[name];
    for (place, example) in examples.as_object().into_iter().flatten() {
        let (place, of_kind) = match place.split_once(' ') {
            Some((place, kind)) => (place, Some(kind)),
            None => (place.as_str(), None),
        };
        let holder = match place {
            "request" => operation.get_mut("requestBody"),
            status => operation["responses"].get_mut(status),
        };
        let content = holder.and_then(|holder| holder["content"].as_object_mut());
        for (_, media) in content
            .into_iter()
            .flatten()
            .filter(|(kind, _)| of_kind.is_none_or(|of_kind| of_kind == kind.as_str()))
        {
            media["example"] = example.clone();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::document::{document, operations};

    /// Answers that are no JSON of ours.
    const WITHOUT: &[&str] = &["get_records", "get_openapi"];

    #[test]
    fn every_body_and_every_good_answer_has_an_example_that_fits() {
        let document = document();
        let mut missing = Vec::new();
        for (.., operation) in operations(&document) {
            let name = operation["operationId"].as_str().unwrap();
            let answers = operation["responses"].as_object().unwrap().iter();
            let good = answers.filter(|(status, _)| status.starts_with('2'));
            let holders = good.map(|(_, answer)| answer).chain([&operation["requestBody"]]);
            for media in holders.filter_map(|one| one["content"].as_object()).flatten() {
                let (kind, media) = media;
                let example = &media["example"];
                if example.is_null() && !WITHOUT.contains(&name) {
                    missing.push(format!("{name}: {kind}"));
                }
                if kind == "application/json" && !WITHOUT.contains(&name) {
                    fits(&document, &media["schema"], example, name);
                }
                if kind == "application/x-ndjson" {
                    for line in example.as_str().unwrap_or_default().lines() {
                        let line = serde_json::from_str(line).unwrap();
                        fits(&document, &media["schema"], &line, name);
                    }
                }
            }
        }
        assert!(missing.is_empty(), "document/examples.json lacks: {missing:#?}");
        for name in EXAMPLES.as_object().unwrap().keys() {
            let is_used = operations(&document).any(|(.., one)| one["operationId"] == *name);
            assert!(is_used, "{name} is no operation");
        }
    }

    /// Whether an example has the schema's properties and no others, as deep as it goes.
    fn fits(document: &Value, schema: &Value, example: &Value, at: &str) {
        if let Some(reference) = schema["$ref"].as_str() {
            let schema = document.pointer(reference.trim_start_matches('#'));
            return fits(document, schema.unwrap_or(&Value::Null), example, at);
        }
        if let Some(items) = example.as_array() {
            return items.iter().for_each(|item| fits(document, &schema["items"], item, at));
        }
        let Some(fields) = example.as_object() else { return };
        let parts = parts_of(document, schema);
        if parts.iter().all(|part| part["properties"].is_null()) {
            return;
        }
        for (field, value) in fields {
            let known = parts.iter().find_map(|part| part["properties"].get(field));
            let known = known.unwrap_or_else(|| panic!("{at}: {field} is no property"));
            fits(document, known, value, &format!("{at}.{field}"));
        }
        for needed in parts.iter().filter_map(|part| part["required"].as_array()).flatten() {
            let needed = needed.as_str().unwrap_or_default();
            assert!(fields.contains_key(needed), "{at}: {needed} is missing");
        }
    }

    /// The schemas that it is made of, as deep as they are put together.
    fn parts_of(document: &Value, schema: &Value) -> Vec<Value> {
        if let Some(reference) = schema["$ref"].as_str() {
            let schema = document.pointer(reference.trim_start_matches('#'));
            return schema.map_or_else(Vec::new, |schema| parts_of(document, schema));
        }
        let Some(parts) = schema["allOf"].as_array() else { return vec![schema.clone()] };
        parts.iter().flat_map(|part| parts_of(document, part)).collect()
    }
}
