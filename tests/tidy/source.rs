//! The repository's text files, and what Rust files name.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Directories that no commit holds.
const NOT_OURS: &[&str] = &[".git", "target", "zhida-data", "zhida-demo"];
/// Endings of the files that people write.
const WRITTEN: &[&str] = &["rs", "md", "toml", "snap", "hex", "ndjson"];

/// A text file of the repository.
pub(crate) struct File {
    /// From the root, with `/`.
    pub(crate) path: String,
    pub(crate) text: String,
}

/// A path as code names it, `crate::domain::ids`, and its line.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Named {
    pub(crate) line: usize,
    pub(crate) segments: Vec<String>,
    /// It stands in a `use`, which brings its last segment into the file.
    pub(crate) is_used: bool,
}

pub(crate) fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

pub(crate) fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("read {path}: {error}"))
}

/// Every file that people write, in the order of their paths.
pub(crate) fn written() -> Vec<File> {
    let mut files = Vec::new();
    gather(&root(), "", &mut files);
    files.sort_by(|a, b| a.path.cmp(&b.path));
    assert!(files.len() > 100, "only {} files found", files.len());
    files
}

/// The Rust files below a directory.
pub(crate) fn rust_below(directory: &str) -> Vec<File> {
    let is_below = |file: &File| file.path.starts_with(directory) && is_rust(&file.path);
    written().into_iter().filter(is_below).collect()
}

/// Whether the path is a Rust file's.
pub(crate) fn is_rust(path: &str) -> bool {
    has_extension(path, "rs")
}

/// Whether the path ends with that extension.
pub(crate) fn has_extension(path: &str, wanted: &str) -> bool {
    Path::new(path).extension().is_some_and(|extension| extension == wanted)
}

fn gather(directory: &Path, prefix: &str, files: &mut Vec<File>) {
    for entry in fs::read_dir(directory).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        let path = format!("{prefix}{name}");
        if entry.file_type().unwrap().is_dir() {
            if !NOT_OURS.contains(&name.as_str()) {
                gather(&entry.path(), &format!("{path}/"), files);
            }
            continue;
        }
        let is_written = name.rsplit_once('.').is_some_and(|(_, end)| WRITTEN.contains(&end));
        if is_written || path.starts_with(".ci/") {
            let text = fs::read_to_string(entry.path()).unwrap();
            files.push(File { path, text });
        }
    }
}

impl File {
    /// The text with comments, strings and characters blanked, line for line.
    pub(crate) fn code(&self) -> String {
        blanked(&self.text)
    }
}

/// Rust text in which comments and the insides of literals are spaces; line ends stay.
fn blanked(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    while at < chars.len() {
        let length = comment(&chars[at..])
            .or_else(|| raw_string(&chars, at))
            .or_else(|| quoted(&chars[at..]))
            .unwrap_or(0);
        if length == 0 {
            out.push(chars[at]);
            at += 1;
            continue;
        }
        let end = (at + length).min(chars.len());
        out.extend(chars[at..end].iter().map(|c| if *c == '\n' { '\n' } else { ' ' }));
        at = end;
    }
    out
}

fn comment(rest: &[char]) -> Option<usize> {
    match rest {
        ['/', '/', ..] => Some(rest.iter().position(|c| *c == '\n').unwrap_or(rest.len())),
        ['/', '*', ..] => {
            let end = rest.windows(2).position(|pair| pair == ['*', '/']);
            Some(end.map_or(rest.len(), |end| end + 2))
        }
        _ => None,
    }
}

fn raw_string(chars: &[char], at: usize) -> Option<usize> {
    let is_word = at > 0 && is_word(chars[at - 1]) && chars[at - 1] != 'b';
    if chars[at] != 'r' || is_word {
        return None;
    }
    let hashes = chars[at + 1..].iter().take_while(|c| **c == '#').count();
    if chars.get(at + 1 + hashes) != Some(&'"') {
        return None;
    }
    let body = &chars[at + 2 + hashes..];
    let is_end = |window: &[char]| window[0] == '"' && window[1..].iter().all(|c| *c == '#');
    let end = body.windows(1 + hashes).position(is_end)?;
    Some(2 + hashes + end + 1 + hashes)
}

/// A string or a character; a lifetime is neither.
fn quoted(rest: &[char]) -> Option<usize> {
    match rest {
        ['"', ..] => {
            let mut at = 1;
            while at < rest.len() && rest[at] != '"' {
                at += if rest[at] == '\\' { 2 } else { 1 };
            }
            Some(at + 1)
        }
        ['\'', '\\', _, ..] => rest[3..].iter().position(|c| *c == '\'').map(|end| end + 4),
        ['\'', _, '\'', ..] => Some(3),
        _ => None,
    }
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// Every path that blanked code names, those inside the braces of a `use` written out.
pub(crate) fn named(code: &str) -> Vec<Named> {
    let chars: Vec<char> = code.chars().collect();
    let mut found = Vec::new();
    let (mut at, mut line) = (0, 1);
    while at < chars.len() {
        let is_start = is_word(chars[at])
            && (at == 0
                || !is_word(chars[at - 1]) && chars[at - 1] != '.' && chars[at - 1] != '\'');
        if !is_start {
            line += usize::from(chars[at] == '\n');
            at += 1;
            continue;
        }
        let (segments, length) = path(&chars[at..]);
        if segments == ["use"] {
            let end = chars[at..].iter().position(|c| *c == ';').unwrap_or(chars.len() - at);
            let tree: String = chars[at + 3..at + end].iter().collect();
            let first_line = line;
            line += tree.matches('\n').count();
            let add = |segments| Named { line: first_line, segments, is_used: true };
            found.extend(branches(&tree).into_iter().map(add));
            at += end;
            continue;
        }
        found.push(Named { line, segments, is_used: false });
        at += length;
    }
    found
}

/// The path that begins here, and how many characters it takes.
fn path(rest: &[char]) -> (Vec<String>, usize) {
    let mut segments = vec![String::new()];
    let mut at = 0;
    while at < rest.len() {
        if is_word(rest[at]) {
            segments.last_mut().unwrap().push(rest[at]);
            at += 1;
        } else if rest[at..].starts_with(&[':', ':'])
            && rest.get(at + 2).is_some_and(|c| is_word(*c))
        {
            segments.push(String::new());
            at += 2;
        } else {
            break;
        }
    }
    (segments, at)
}

/// The branches of a use tree: `a::{b, c::{d as e}}` is `a::b` and `a::c::e`.
fn branches(tree: &str) -> Vec<Vec<String>> {
    let tree = tree.trim();
    let Some((stem, rest)) = tree.split_once('{') else {
        let (path, alias) = tree.split_once(" as ").unwrap_or((tree, ""));
        let mut segments: Vec<String> = path.split("::").map(|part| part.trim().into()).collect();
        if !alias.is_empty() {
            segments.pop();
            segments.push(alias.trim().into());
        }
        return vec![segments];
    };
    let stem: Vec<String> =
        stem.trim_end_matches("::").split("::").map(|part| part.trim().into()).collect();
    let inner = &rest[..rest.rfind('}').unwrap_or(rest.len())];
    let parts = split_at_depth_0(inner).into_iter().filter(|part| !part.trim().is_empty());
    parts.flat_map(branches).map(|branch| [stem.clone(), branch].concat()).collect()
}

fn split_at_depth_0(list: &str) -> Vec<&str> {
    let (mut depth, mut from, mut parts) = (0, 0, Vec::new());
    for (at, c) in list.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                parts.push(&list[from..at]);
                from = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&list[from..]);
    parts
}

/// The names that the file itself brings in from this crate: a path that begins with one of them
/// is no crate's.
pub(crate) fn local_names(code: &str, named: &[Named]) -> BTreeSet<String> {
    let ours = |one: &&Named| {
        one.is_used && ["crate", "self", "super"].contains(&one.segments[0].as_str())
    };
    let used = named.iter().filter(ours).filter_map(|one| one.segments.last().cloned());
    used.chain(modules(code)).collect()
}

/// The modules that blanked code declares in other files.
pub(crate) fn modules(code: &str) -> Vec<String> {
    let declared = |line: &str| {
        let name = line.trim().strip_suffix(';')?.rsplit_once("mod ").map(|(_, name)| name)?;
        name.chars().all(is_word).then(|| name.to_owned())
    };
    code.lines().filter_map(declared).collect()
}

#[test]
fn comments_and_literals_are_blanked() {
    let text = "a(\"x::y\", 'b', '\\'', r#\"z\"q\"#); // c::d\n/* e */ f::<'g>(b\"h\")";
    let code = blanked(text);
    assert_eq!(code.split_whitespace().collect::<String>(), "a(,,,);f::<'g>(b)");
    assert_eq!(code.chars().count(), text.chars().count());
}

#[test]
fn use_trees_are_written_out() {
    let paths = |code: &str| -> Vec<String> {
        named(code).iter().map(|one| format!("{} {}", one.line, one.segments.join("::"))).collect()
    };
    assert_eq!(
        paths("use crate::{a::{B, c as d},\n e};\nx.y(z::w)"),
        ["1 crate::a::B", "1 crate::a::d", "1 crate::e", "3 x", "3 z::w"]
    );
}
