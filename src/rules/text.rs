//! What texts may hold: names are printed in one line and opened in tables, the texts of a case are
//! read as paragraphs.

use std::sync::Arc;

use super::finding::Flaw;
use super::words::Words;
use crate::domain::limits::NAME_BYTES_MAX;

/// A name within its bounds.
pub(super) fn name(field: &'static str, text: &str) -> Result<Arc<str>, Flaw> {
    if is_blank(text) {
        return Err(Flaw::of(
            field,
            Words::new("is empty", "为空"),
            Words::new(
                format!("give 1 to {NAME_BYTES_MAX} bytes"),
                format!("应为 1 至 {NAME_BYTES_MAX} 字节"),
            ),
        ));
    }
    if text.len() > NAME_BYTES_MAX {
        return Err(Flaw::of(
            field,
            Words::new(format!("has {} bytes", text.len()), format!("有 {} 字节", text.len())),
            Words::new(
                format!(
                    "at most {NAME_BYTES_MAX}, which is {} Chinese characters",
                    NAME_BYTES_MAX / 3
                ),
                format!("最多 {NAME_BYTES_MAX} 字节，即 {} 个汉字", NAME_BYTES_MAX / 3),
            ),
        ));
    }
    match fault_of_name(text) {
        Some((message, hint)) => Err(Flaw::of(field, message, hint)),
        None => Ok(Arc::from(text)),
    }
}

/// What a name holds that no name may, and what would be right: one that cannot be told from another
/// by looking, or that a spreadsheet would run.
#[must_use]
pub fn fault_of_name(text: &str) -> Option<(Words, Words)> {
    let bad = text.chars().find(|letter| letter.is_control() || is_unseen(*letter));
    if let Some(letter) = bad {
        let message = if letter.is_control() {
            Words::fixed("holds a control character", "含有控制字符")
        } else {
            let code = u32::from(letter);
            Words::new(
                format!("holds U+{code:04X}, which is not seen"),
                format!("含有不可见字符 U+{code:04X}"),
            )
        };
        let hint = if letter.is_control() {
            Words::fixed("write it on one line", "请写在一行内")
        } else {
            Words::fixed("write it without that character", "请去掉该字符")
        };
        return Some((message, hint));
    }
    // Whoever opens it may leave out the spaces before.
    let first = text.trim_start().chars().next()?;
    let message = Words::new(format!("begins with '{first}'"), format!("不应以“{first}”开头"));
    let hint = Words::fixed(
        "a spreadsheet takes that for a formula; begin with a letter or a digit",
        "电子表格会将其当作公式；请以文字或数字开头",
    );
    matches!(first, '=' | '+' | '-' | '@').then_some((message, hint))
}

/// What a text of a case holds that it may not: a control character that ends or indents no line.
#[must_use]
pub fn fault_of_text(text: &str) -> Option<Words> {
    // All bytes without a branch: most texts have none that could be one.
    let suspect =
        |byte: u8| u8::from(byte < 0x20) | u8::from(byte == 0x7f) | u8::from(byte == 0xc2);
    if text.bytes().fold(0, |found, byte| found | suspect(byte)) == 0 {
        return None;
    }
    let is_bad = |letter: &char| letter.is_control() && !matches!(letter, '\n' | '\r' | '\t');
    let code = u32::from(text.chars().find(is_bad)?);
    Some(Words::new(
        format!("control character U+{code:04X}; only line ends and tabs may stand in it"),
        format!("含有控制字符 U+{code:04X}，只可含换行和制表符"),
    ))
}

/// Whether nothing of a text is seen.
#[must_use]
pub fn is_blank(text: &str) -> bool {
    let is_seen =
        |letter: char| !letter.is_whitespace() && !letter.is_control() && !is_unseen(letter);
    !text.chars().any(is_seen)
}

/// Whether it has no form of its own, or turns the text around it.
const fn is_unseen(letter: char) -> bool {
    matches!(
        letter,
        '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{2064}'
            | '\u{2066}'..='\u{2069}'
            | '\u{feff}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_seen_whole_and_is_no_formula() {
        let good = ["第一网格", "A-1=B", "3号楼 +1", "Café·“甲”", "𠮷野家", "（东）", "〇", "#1"];
        for text in good {
            assert_eq!(fault_of_name(text), None, "{text:?}");
        }
        let unseen = [
            ('\u{200a}', '\u{200b}', '\u{200f}', '\u{2010}'),
            ('\u{2027}', '\u{2028}', '\u{202e}', '\u{202f}'),
            ('\u{205f}', '\u{2060}', '\u{2064}', '\u{2065}'),
            ('\u{2065}', '\u{2066}', '\u{2069}', '\u{206a}'),
            ('\u{fefe}', '\u{feff}', '\u{feff}', '\u{ff00}'),
            ('\u{7e}', '\u{7f}', '\u{9f}', '\u{a0}'),
            ('村', '\u{0}', '\u{1f}', ' '),
        ];
        for (before, first, last, behind) in unseen {
            for letter in [first, last] {
                assert!(fault_of_name(&format!("东{letter}村")).is_some(), "{letter:?}");
            }
            for letter in [before, behind] {
                assert_eq!(fault_of_name(&format!("东{letter}村")), None, "{letter:?}");
            }
        }
        for text in ["=1+1", "+村", "-1", "@SUM(A1)", " =1", "\u{3000}@", "\t=1", "\r村"] {
            assert!(fault_of_name(text).is_some(), "{text:?}");
        }
    }

    #[test]
    fn a_text_holds_lines_and_tabs_and_no_other_control_character() {
        for text in ["路灯不亮", "一\r\n\t二\n", "3 °C·½ Â", "\u{202e}", "\u{a0}"] {
            assert_eq!(fault_of_text(text), None, "{text:?}");
        }
        for letter in ['\0', '\u{8}', '\u{b}', '\u{c}', '\u{1f}', '\u{7f}', '\u{80}', '\u{9f}'] {
            let found = fault_of_text(&format!("路灯{letter}不亮")).expect("it is found");
            assert!(found.english.contains(&format!("U+{:04X}", u32::from(letter))), "{letter:?}");
        }
    }

    #[test]
    fn a_text_of_which_nothing_is_seen_is_blank() {
        for text in ["", " ", "\u{3000}\n", "\u{200b}", " \u{feff}\u{2060}\t", "\u{202e}\0"] {
            assert!(is_blank(text), "{text:?}");
        }
        for text in ["a", "\u{200b}村", "。"] {
            assert!(!is_blank(text), "{text:?}");
        }
    }
}
