//! The language that a command's reader wants, as the environment says it.

use std::ffi::OsString;

use crate::api::language::Language;
use crate::rules::Words;

/// The reader's.
pub(super) fn wanted() -> Language {
    of(|name| std::env::var_os(name))
}

/// Says on stderr how a command went, in the reader's.
pub(super) fn say(words: &Words) {
    eprintln!("{}", wanted().pick(words));
}

/// The language that the first that is set of `ZHIDA_LANG`, `LC_ALL`, `LC_MESSAGES` and `LANG` asks
/// for.
fn of(variable: impl Fn(&str) -> Option<OsString>) -> Language {
    let asked = ["ZHIDA_LANG", "LC_ALL", "LC_MESSAGES", "LANG"]
        .into_iter()
        .filter_map(variable)
        .find(|value| !value.is_empty());
    let is_chinese = asked.is_some_and(|value| value.to_string_lossy().starts_with("zh"));
    if is_chinese { Language::Chinese } else { Language::English }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_variable_that_is_set_decides() {
        let rows: &[(&[(&str, &str)], Language)] = &[
            (&[], Language::English),
            (&[("LANG", "zh_CN.UTF-8")], Language::Chinese),
            (&[("LC_ALL", "C"), ("LANG", "zh_CN.UTF-8")], Language::English),
            (&[("LC_ALL", ""), ("LC_MESSAGES", "zh_CN")], Language::Chinese),
            (&[("ZHIDA_LANG", "zh"), ("LC_ALL", "en_US.UTF-8")], Language::Chinese),
            (&[("ZHIDA_LANG", "en"), ("LANG", "zh_CN.UTF-8")], Language::English),
        ];
        for (set, expected) in rows {
            let variable = |name: &str| {
                set.iter().find(|(one, _)| *one == name).map(|(_, value)| OsString::from(value))
            };
            assert_eq!(of(variable), *expected, "{set:?}");
        }
    }
}
