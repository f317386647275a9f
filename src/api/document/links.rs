//! What an answer can be followed by: its number, or its name, goes into the next address.

use serde_json::{Value, json};

/// The operation that makes a thing, its status, where its answer names it, the things' address, and
/// what the address calls it.
const MAKERS: &[(&str, &str, &str, &str, &str)] = &[
    ("report_case", "201", "$response.body#/case", "/v1/cases/{id}", "id"),
    ("begin_import", "201", "$response.body#/import", "/v1/imports/{id}", "id"),
    ("admit_client", "201", "$response.body#/client", "/v1/clients/{name}", "name"),
];

/// Links each maker's answer to every operation on what it made.
pub(super) fn add(document: &mut Value) {
    for (maker, status, pointer, address, name) in MAKERS {
        let followers: Vec<String> = document["paths"]
            .as_object()
            .into_iter()
            .flatten()
            .filter(|(path, _)| path.starts_with(address))
            .flat_map(|(_, item)| item.as_object().into_iter().flatten())
            .filter_map(|(_, operation)| operation["operationId"].as_str().map(str::to_owned))
            .collect();
        let paths = document["paths"].as_object_mut().into_iter().flatten();
        let operations = paths.flat_map(|(_, item)| item.as_object_mut().into_iter().flatten());
        for (_, operation) in operations.filter(|(_, one)| one["operationId"] == *maker) {
            for follower in &followers {
                operation["responses"][*status]["links"][follower] =
                    json!({ "operationId": follower, "parameters": { *name: pointer } });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::document::{document, operations};

    #[test]
    fn every_maker_is_followed_by_something() {
        let document = document();
        for (maker, status, ..) in MAKERS {
            let (.., made) =
                operations(&document).find(|(.., one)| one["operationId"] == *maker).unwrap();
            let links = made["responses"][*status]["links"].as_object().unwrap();
            assert!(!links.is_empty(), "{maker}");
        }
    }
}
