//! What an event says besides depends on its type: the document tells each with its own fields.

use serde_json::{Map, Value, json};

use crate::api::read::event_data::described;

/// Makes the event's schema one of as many as there are types.
pub(super) fn add(schemas: &mut Map<String, Value>) {
    // All shapes in one place, without their types: what follows says more.
    schemas.remove("EventData");
    let Some(event) = schemas.get_mut("Event") else {
        return;
    };
    let types = described();
    let names: Vec<&str> = types.iter().map(|(name, _)| *name).collect();
    event["properties"]["type"]["enum"] = names.into();
    event["properties"]["data"] = json!({
        "type": "object",
        "description": "What the event says besides, by its type.",
    });
    let of_type = |(name, data): &(&str, String)| {
        json!({
            "title": name,
            "type": "object",
            "properties": {
                "type": { "type": "string", "enum": [name] },
                "data": { "$ref": format!("#/components/schemas/{data}") },
            },
            "required": ["type", "data"],
        })
    };
    event["oneOf"] = types.iter().map(of_type).collect();
}
