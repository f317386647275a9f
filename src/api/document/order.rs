//! The document as text: its operations in the order in which a reader is to meet them, where JSON
//! has none.

use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::{Map, Value};

use super::problems::TABLE;

/// The document's text.
pub(super) fn text(document: &Value) -> String {
    serde_json::to_string(&Document(document)).expect("it has a JSON form")
}

struct Document<'d>(&'d Value);

impl Serialize for Document<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for (name, value) in self.0.as_object().into_iter().flatten() {
            match value.as_object().filter(|_| name == "paths") {
                Some(paths) => map.serialize_entry(name, &Paths(paths))?,
                None => map.serialize_entry(name, value)?,
            }
        }
        map.end()
    }
}

struct Paths<'d>(&'d Map<String, Value>);

impl Serialize for Paths<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut paths: Vec<_> = self.0.iter().collect();
        paths.sort_by_key(|(_, item)| place(item));
        serializer.collect_map(paths)
    }
}

/// Where the first of a path's operations comes.
fn place(item: &Value) -> Option<usize> {
    let operations = item.as_object().into_iter().flatten().map(|(_, operation)| operation);
    let name = |operation: &Value| operation["operationId"].as_str().map(str::to_owned);
    let names = operations.filter_map(name);
    names.filter_map(|name| TABLE.iter().position(|(known, _)| *known == name)).min()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::document::document;

    #[test]
    fn a_case_is_reported_before_it_is_closed() {
        let document = document();
        let text = text(&document);
        let at = |path: &str| text.find(&format!("\"{path}\":{{")).expect("it is there");
        let order = ["/v1/cases", "/v1/cases/{id}/acknowledge", "/v1/cases/{id}/close"].map(at);
        assert!(order.is_sorted(), "{order:?}");
        assert_eq!(serde_json::from_str::<Value>(&text).expect("it is JSON"), document);
    }
}
