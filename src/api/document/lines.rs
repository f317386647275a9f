//! What comes as lines: the body is a text, and each of its lines is a JSON object. The version of
//! OpenAPI that this is has no word for that; the next one has `itemSchema`.

use serde_json::{Value, json};

use super::methods;
use crate::api::commands::NDJSON;

/// Says of every body of lines that it is a text, and what its lines are.
pub(super) fn tell(document: &mut Value) {
    let paths = document["paths"].as_object_mut().into_iter().flatten();
    for (_, operation) in paths.flat_map(|(_, item)| methods(item)) {
        let Some(body) = operation.pointer_mut("/requestBody/content") else {
            continue;
        };
        let Some(lines) = body.get_mut(NDJSON) else {
            continue;
        };
        let item = lines["schema"].take();
        lines["schema"] = json!({ "type": "string", "x-itemSchema": item });
    }
}
