//! Which scope each operation needs: said where tools look for it, and in words.

use serde_json::{Value, json};

use super::{Shape, methods, problems};
use crate::api::language::Language;
use crate::domain::grant::Scope;

/// The scope that a token must have for the operation; none where any token will do.
fn needed(operation: &str, shape: &Shape) -> Option<Scope> {
    if shape.is_for_admins {
        return Some(Scope::Admin);
    }
    if problems::WITHOUT_SCOPE.contains(&operation) {
        return None;
    }
    Some(match (shape.is_write, operation) {
        (false, _) => Scope::Read,
        (true, "report_case") => Scope::Intake,
        (true, _) => Scope::Act,
    })
}

/// Names the scope among the operation's own demands.
pub(super) fn demand(operation: &str, shape: &Shape, value: &mut Value) {
    if shape.needs_token
        && let Some(scope) = needed(operation, shape)
    {
        value["security"] = json!([{ "token": [scope.name()] }]);
    }
}

/// Says so at the end of what the operations say.
pub(super) fn tell(document: &mut Value, language: Language) {
    let paths = document["paths"].as_object_mut().into_iter().flatten();
    for (_, operation) in paths.flat_map(|(_, item)| methods(item)) {
        let Some(scope) = operation["security"][0]["token"][0].as_str() else {
            continue;
        };
        let told = match language {
            Language::English => format!("Needs the scope `{scope}`."),
            Language::Chinese => format!("需要 `{scope}` 权限。"),
        };
        let before = operation["description"].as_str().unwrap_or_default();
        let gap = if before.is_empty() { "" } else { "\n\n" };
        operation["description"] = format!("{before}{gap}{told}").into();
    }
}
