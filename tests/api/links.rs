//! The document's links: each is followed, and what it leads to is there.

use serde_json::Value;

use crate::client::Answer;
use crate::matrix::{Ask, Operation, Works, document, driven, operations, told};

/// What a link's expression says of a request and its answer.
fn evaluated(expression: &str, request: &Value, answer: &Answer) -> String {
    if let Some((before, rest)) = expression.split_once('{') {
        let (inner, behind) = rest.split_once('}').unwrap();
        return [before, &evaluated(inner, request, answer), behind].concat();
    }
    if !expression.starts_with('$') {
        return expression.to_owned();
    }
    if let Some(name) = expression.strip_prefix("$response.header.") {
        return answer.header(name).unwrap().to_owned();
    }
    let (of, pointer) = expression.split_once('#').unwrap();
    let body = match of {
        "$request.body" => request.clone(),
        "$response.body" => answer.json(),
        other => panic!("{other} is no part of an expression"),
    };
    let value = body.pointer(pointer).unwrap_or_else(|| panic!("{pointer} is not in {body}"));
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// Does what a link begins at, follows it, and gives what is wrong with where it leads.
fn followed(works: &Works<'_>, from: &Operation, to: &Operation, link: &Value) -> Option<String> {
    let of_another = works.ask(&to.id).unwrap();
    let made = works.ask(&from.id).unwrap();
    let answer = from.send(works.world, &made, Some(&works.world.admin));
    assert_eq!(answer.status, from.good, "{}: {}", from.id, answer.text());
    let (_, text) = made.body.unwrap();
    let request = serde_json::from_str(&text).unwrap_or_default();
    let told_of = |name: &str| {
        let expression = link["parameters"][name].as_str()?;
        Some(evaluated(expression, &request, &answer))
    };
    // All but what is named is as it would be of another thing.
    let (name, _) = to.path.split_once('{').unwrap().1.split_once('}').unwrap();
    let mut ask = Ask { about: told_of(name).unwrap(), ..of_another.clone() };
    if to.id == "change_unit" {
        ask.body = ask.body.map(|(kind, row)| (kind, row.replace(&of_another.about, &ask.about)));
    }
    let mut request = works.world.request(&to.method, &to.filled(&ask));
    if to.needs_seen {
        request = request.header("if-match", told_of("If-Match").as_deref().unwrap_or("*"));
    }
    if let Some((media_type, body)) = ask.body {
        request = request.header("content-type", media_type).body(body);
    }
    let (status, code) = told(&request.send());
    works.tidy();
    // Not all that can be done with a thing can be done with a new one.
    let expected = match to.id.as_str() {
        "handle_case" | "close_case" | "reopen_case" | "hand_down_case" => "move_not_allowed",
        "commit_import" => "import_empty",
        "keep_unit" => "unit_not_closing",
        _ => "",
    };
    (code != expected).then(|| format!("{} to {}: {status} {code}", from.id, to.id))
}

#[test]
fn every_link_of_the_document_leads_to_what_was_made() {
    let world = driven();
    let works = Works::new(&world);
    let document = document(&world);
    let operations = operations(&document);
    let (mut wrong, mut count) = (Vec::new(), 0);
    for from in &operations {
        let operation = &document["paths"][&from.path][from.method.to_lowercase()];
        let answers = operation["responses"].as_object().unwrap().values();
        let links = answers.filter_map(|answer| answer["links"].as_object()).flatten();
        for (name, link) in links {
            let to = operations.iter().find(|one| one.id == link["operationId"]).unwrap();
            assert_eq!(*name, to.id);
            wrong.extend(followed(&works, from, to, link));
            count += 1;
        }
    }
    assert!(count > 40, "{count}");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
