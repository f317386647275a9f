//! What an answer can be followed by: its number, or its name, goes into the next address.

use serde_json::{Value, json};

/// An operation whose answer leads on.
struct Maker {
    /// What makes a thing.
    operation: &'static str,
    /// Where the thing is named.
    named: &'static str,
    /// The things' address, and what it calls them.
    address: (&'static str, &'static str),
    /// Where the version is told that whatever follows may name as seen.
    seen: Option<&'static str>,
}

const MAKERS: &[Maker] = &[
    Maker {
        operation: "report_case",
        named: "$response.body#/case",
        address: ("/v1/cases/{id}", "id"),
        seen: None,
    },
    Maker {
        operation: "begin_import",
        named: "$response.body#/import",
        address: ("/v1/imports/{id}", "id"),
        seen: None,
    },
    Maker {
        operation: "propose_config",
        named: "$response.body#/proposal",
        address: ("/v1/config/proposals/{id}", "id"),
        seen: Some("\"{$response.body#/config_seq}\""),
    },
    Maker {
        operation: "admit_client",
        named: "$response.body#/client",
        address: ("/v1/clients/{name}", "name"),
        seen: None,
    },
    Maker {
        operation: "open_unit",
        named: "$request.body#/row/code",
        address: ("/v1/units/{code}", "code"),
        seen: Some("$response.header.ETag"),
    },
];

/// Links each maker's answer to every operation on what it made.
pub(super) fn add(document: &mut Value) {
    for maker in MAKERS {
        let links = followers(document, maker);
        let paths = document["paths"].as_object_mut().into_iter().flatten();
        let operations = paths.flat_map(|(_, item)| item.as_object_mut().into_iter().flatten());
        for (_, operation) in operations.filter(|(_, one)| one["operationId"] == maker.operation) {
            operation["responses"]["201"]["links"] = links.clone();
        }
    }
}

/// A link to each operation on what is made.
fn followers(document: &Value, maker: &Maker) -> Value {
    let (address, name) = maker.address;
    let paths = document["paths"].as_object().into_iter().flatten();
    let on_it = paths.filter(|(path, _)| path.starts_with(address));
    let operations = on_it.flat_map(|(_, item)| item.as_object().into_iter().flatten());
    let link = |(_, operation): (&String, &Value)| {
        let id = operation["operationId"].as_str()?;
        let mut parameters = json!({ name: maker.named });
        let known = operation["parameters"].as_array().into_iter().flatten();
        if let Some(seen) = maker.seen
            && known.into_iter().any(|one| one["name"] == "If-Match")
        {
            parameters["If-Match"] = seen.into();
        }
        Some((id.to_owned(), json!({ "operationId": id, "parameters": parameters })))
    };
    operations.filter_map(link).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::document::{document, operations};

    #[test]
    fn every_maker_is_followed_by_all_that_can_be_done_with_what_it_made() {
        let document = document();
        for maker in MAKERS {
            let (address, name) = maker.address;
            let (.., made) = operations(&document)
                .find(|(.., one)| one["operationId"] == maker.operation)
                .unwrap();
            let links = made["responses"]["201"]["links"].as_object().unwrap();
            let on_it = operations(&document).filter(|(_, path, _)| path.starts_with(address));
            let on_it: Vec<_> =
                on_it.map(|(.., one)| one["operationId"].as_str().unwrap()).collect();
            assert!(!on_it.is_empty(), "{address}");
            for operation in on_it {
                let named = &links[operation]["parameters"][name];
                assert_eq!(*named, maker.named, "{} to {operation}", maker.operation);
            }
        }
    }

    /// What is made under `/v1` by a POST answers 201: each such operation leads on.
    #[test]
    fn whatever_makes_a_thing_leads_on() {
        let document = document();
        for (method, path, operation) in operations(&document) {
            let made = &operation["responses"]["201"];
            assert!(made.is_null() || made["links"].is_object(), "{method} {path}");
        }
    }
}
