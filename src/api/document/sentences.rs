//! What the document says of parameters, bodies, answers, headers, schemas and their properties, in
//! Chinese. A sentence has the same words wherever it stands.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde_json::Value;

/// Chinese by English, in the order of the English.
static SENTENCES: LazyLock<BTreeMap<String, String>> =
    LazyLock::new(|| serde_json::from_str(DICTIONARY).expect("a test reads the file"));

const DICTIONARY: &str = include_str!("chinese.json");

/// What of an object is written for people.
const TEXTS: &[&str] = &["description", "summary", "title"];

/// What is data, and not of the document's own words.
const DATA: &[&str] = &["example", "examples"];

/// Gives every sentence that is known its Chinese words.
pub(super) fn tell(document: &mut Value) {
    visit(&mut String::new(), document, &mut |_, text| {
        if let Some(chinese) = in_chinese(text) {
            *text = chinese;
        }
    });
}

fn in_chinese(english: &str) -> Option<String> {
    list(english).or_else(|| SENTENCES.get(&on_one_line(english)).cloned())
}

/// A comment of several lines is one sentence all the same.
fn on_one_line(english: &str) -> String {
    english.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A list of code words: only what stands between them is another in Chinese.
fn list(english: &str) -> Option<String> {
    let mut chinese = String::new();
    for (index, piece) in english.split('`').enumerate() {
        match (index % 2 == 0, piece.trim()) {
            (true, "") => {}
            (true, ",") => chinese.push('、'),
            (true, "or") => chinese.push_str(" 或 "),
            (true, ".") => chinese.push('。'),
            (true, _) => return None,
            (false, word) => chinese.extend(["`", word, "`"]),
        }
    }
    Some(chinese)
}

/// Shows each text that is written for people, with its place.
fn visit(place: &mut String, value: &mut Value, see: &mut dyn FnMut(&str, &mut String)) {
    let end = place.len();
    match value {
        Value::Object(fields) => {
            // A property may be called as what says something elsewhere.
            let are_properties = place.ends_with("/properties");
            for (name, value) in fields {
                if !are_properties && DATA.contains(&name.as_str()) {
                    continue;
                }
                place.extend(["/", name]);
                if let Value::String(text) = value
                    && TEXTS.contains(&name.as_str())
                {
                    see(place, text);
                } else {
                    visit(place, value, see);
                }
                place.truncate(end);
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter_mut().enumerate() {
                place.extend(["/", &index.to_string()]);
                visit(place, item, see);
                place.truncate(end);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::api::document::{chinese, document, methods};

    fn in_both() -> (Value, Value) {
        let english = document();
        let mut told = english.clone();
        chinese::tell(&mut told);
        (english, told)
    }

    /// Place and text of all that is written for people.
    fn texts(document: &Value) -> Vec<(String, String)> {
        let mut texts = Vec::new();
        visit(&mut String::new(), &mut document.clone(), &mut |place, text| {
            texts.push((place.to_owned(), text.clone()));
        });
        texts
    }

    /// A full stop of theirs alone is none of their words.
    fn is_chinese(text: &str) -> bool {
        text.chars().any(|letter| ('\u{4e00}'..='\u{9fff}').contains(&letter))
    }

    /// The title of an event's shape is the event's name.
    fn is_name(text: &str) -> bool {
        text.contains('.') && text.chars().all(|one| one.is_ascii_lowercase() || "._".contains(one))
    }

    /// Outside of code words.
    fn has_letters(text: &str) -> bool {
        text.split('`').step_by(2).any(|piece| piece.chars().any(char::is_alphabetic))
    }

    fn code_words(text: &str) -> BTreeSet<&str> {
        text.split('`').skip(1).step_by(2).collect()
    }

    fn numbers(text: &str) -> BTreeSet<&str> {
        let pieces = text.split(|one: char| !one.is_ascii_digit() && !",.".contains(one));
        pieces.map(|piece| piece.trim_matches([',', '.'])).filter(|one| !one.is_empty()).collect()
    }

    #[test]
    fn every_sentence_has_its_chinese_words() {
        let (_, told) = in_both();
        let missing: BTreeMap<String, String> = texts(&told)
            .into_iter()
            .filter(|(_, text)| has_letters(text) && !is_chinese(text) && !is_name(text))
            .map(|(place, text)| (on_one_line(&text), place))
            .collect();
        let lines: Vec<String> =
            missing.iter().map(|(text, place)| format!("{text:?}\n    at {place}")).collect();
        assert!(
            missing.is_empty(),
            "no Chinese words; add a line `\"English\": \"中文\"` for each to \
             src/api/document/chinese.json, in the order of the English:\n{}",
            lines.join("\n")
        );
    }

    #[test]
    fn every_entry_is_used() {
        let used: BTreeSet<String> =
            texts(&document()).iter().map(|(_, text)| on_one_line(text)).collect();
        let stale: Vec<&String> =
            SENTENCES.keys().filter(|english| !used.contains(*english)).collect();
        assert!(stale.is_empty(), "the document says these no more: {stale:#?}");
    }

    #[test]
    fn no_entry_is_needless() {
        let needless: Vec<&String> =
            SENTENCES.keys().filter(|english| list(english).is_some()).collect();
        assert!(needless.is_empty(), "a list of code words needs no entry: {needless:#?}");
    }

    #[test]
    fn chinese_words_say_what_the_english_do() {
        let mut wrong = Vec::new();
        for (english, chinese) in &*SENTENCES {
            let mut fault = |what: String| wrong.push(format!("{english:?}: {what}: {chinese:?}"));
            if !is_chinese(chinese) {
                fault(String::from("not Chinese"));
            }
            let words = code_words(english);
            if words != code_words(chinese) {
                fault(format!("other code words than {words:?}"));
            }
            let lost: Vec<&str> = numbers(english).difference(&numbers(chinese)).copied().collect();
            if !lost.is_empty() {
                fault(format!("lacks {lost:?}"));
            }
            if english.ends_with('.') != chinese.ends_with('。') {
                fault(String::from("only one of both ends with a full stop"));
            }
        }
        assert!(wrong.is_empty(), "src/api/document/chinese.json:\n{}", wrong.join("\n"));
    }

    #[test]
    fn the_entries_are_in_order() {
        let ordered = serde_json::to_string_pretty(&*SENTENCES).unwrap();
        for (line, (has, should)) in DICTIONARY.lines().zip(ordered.lines()).enumerate() {
            assert_eq!(has, should, "chinese.json:{}: each once, in order", line + 1);
        }
        assert_eq!(DICTIONARY.trim_end(), ordered);
    }

    #[test]
    fn a_list_of_code_words_keeps_them() {
        assert_eq!(list("`a`, `b` or\n`c`.").as_deref(), Some("`a`、`b` 或 `c`。"));
        assert_eq!(list("`a`: what it is"), None);
        assert_eq!(list("Done"), None);
    }

    #[test]
    fn both_documents_are_the_same_but_for_their_words() {
        let (mut english, mut told) = in_both();
        for document in [&mut english, &mut told] {
            let paths = document["paths"].as_object_mut().unwrap();
            for (_, operation) in paths.values_mut().flat_map(methods) {
                // Some say all in their summary, in English.
                operation["description"] = "".into();
            }
            visit(&mut String::new(), document, &mut |_, text| text.clear());
            let problems = document["components"]["examples"].as_object_mut().unwrap();
            for problem in problems.values_mut() {
                // Each is told in the reader's language.
                assert!(problem["summary"].take().is_string());
                assert!(problem["value"].take().is_object());
            }
        }
        let texts = serde_json::to_string_pretty(&english).unwrap();
        let told = serde_json::to_string_pretty(&told).unwrap();
        for (line, (english, told)) in texts.lines().zip(told.lines()).enumerate() {
            assert_eq!(english, told, "line {}", line + 1);
        }
        assert_eq!(texts, told);
    }

    /// No reader of English is told anything in Chinese, but what the document is called and the
    /// table of all problems.
    #[test]
    fn the_english_document_is_english() {
        for (place, text) in texts(&document()) {
            assert!(place.starts_with("/info/") || !is_chinese(&text), "{place}: {text}");
        }
    }
}
