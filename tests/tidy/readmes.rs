//! README.md and README.zh-CN.md say the same: the same blocks, tables, figures and links.

use crate::source::read;

/// Fenced blocks, whole.
fn blocks(text: &str) -> Vec<&str> {
    text.split("```").skip(1).step_by(2).collect()
}

/// What lies outside of them.
fn prose(text: &str) -> String {
    text.split("```").step_by(2).collect()
}

/// Whatever is the same in any language: words in ticks, and figures.
fn marks(line: &str) -> Vec<String> {
    let ticked = line.split('`').skip(1).step_by(2).map(str::to_owned);
    let plain: String = line.split('`').step_by(2).collect::<Vec<_>>().join(" ");
    let figures = plain.split(|letter: char| !letter.is_ascii_digit() && !".,".contains(letter));
    let figures = figures.map(|figure| figure.trim_matches(['.', ',']).to_owned());
    let mut marks: Vec<String> = ticked.chain(figures).filter(|mark| !mark.is_empty()).collect();
    marks.sort();
    marks
}

fn rows(text: &str) -> Vec<(String, Vec<String>)> {
    let prose = prose(text);
    let rows = prose.lines().filter(|line| line.starts_with('|'));
    rows.map(|row| (row.to_owned(), marks(row))).collect()
}

#[test]
fn both_readmes_have_the_same_blocks() {
    let (english, chinese) = (read("README.md"), read("README.zh-CN.md"));
    let (english, chinese) = (blocks(&english), blocks(&chinese));
    for (one, other) in english.iter().zip(&chinese) {
        assert_eq!(one, other, "a block differs");
    }
    assert_eq!(english.len(), chinese.len(), "one has more blocks");
}

#[test]
fn both_readmes_have_the_same_tables_and_figures() {
    let (english, chinese) = (rows(&read("README.md")), rows(&read("README.zh-CN.md")));
    for ((english, ours), (chinese, theirs)) in english.iter().zip(&chinese) {
        assert_eq!(ours, theirs, "\n{english}\n{chinese}");
    }
    assert_eq!(english.len(), chinese.len(), "one has more rows");
}

#[test]
fn both_readmes_have_the_same_sections_and_links() {
    let count =
        |text: &str, mark: &str| prose(text).lines().filter(|line| line.starts_with(mark)).count();
    let links = |text: &str| {
        let mut links: Vec<String> = text
            .split("](")
            .skip(1)
            .filter_map(|rest| rest.split(')').next())
            // Each leads to the other, and to its own sections.
            .filter(|link| !link.starts_with("README") && !link.starts_with('#'))
            .map(str::to_owned)
            .collect();
        links.sort();
        links
    };
    let (english, chinese) = (read("README.md"), read("README.zh-CN.md"));
    for mark in ["# ", "## ", "### ", "- "] {
        assert_eq!(count(&english, mark), count(&chinese, mark), "{mark}");
    }
    assert_eq!(links(&english), links(&chinese));
}
