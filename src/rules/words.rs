//! What is said to people, in both languages: whoever knows the reader picks one.

use std::borrow::Cow;

use serde_json::error::Category;

/// A sentence, or a part of one, in both languages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Words {
    /// In English.
    pub english: Cow<'static, str>,
    /// 中文
    pub chinese: Cow<'static, str>,
}

impl Words {
    /// The same said twice.
    pub fn new(
        english: impl Into<Cow<'static, str>>,
        chinese: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self { english: english.into(), chinese: chinese.into() }
    }

    /// The same where both stand in the code.
    #[must_use]
    pub const fn fixed(english: &'static str, chinese: &'static str) -> Self {
        Self { english: Cow::Borrowed(english), chinese: Cow::Borrowed(chinese) }
    }

    /// That a value is one of these.
    #[must_use]
    pub fn one_of(names: &[&str]) -> Self {
        Self::new(format!("one of {}", names.join(", ")), format!("可用值为 {}", names.join("、")))
    }

    /// This, and then that.
    #[must_use]
    pub fn and(&self, then: &Self) -> Self {
        Self::new(
            format!("{}; {}", self.english, then.english),
            format!("{}；{}", self.chinese, then.chinese),
        )
    }

    /// Why a text is not the JSON that it should be, and where.
    #[must_use]
    pub fn of_parser(error: &serde_json::Error) -> Self {
        let (line, column) = (error.line(), error.column());
        let (english, chinese) = match error.classify() {
            Category::Data => {
                ("a JSON object is wanted: fields in braces", "须为 JSON 对象：花括号中的若干字段")
            }
            Category::Eof => ("it ends before the object does", "内容不完整，对象尚未结束"),
            Category::Syntax | Category::Io => {
                ("it is no JSON from here on", "自此处起不是合法的 JSON")
            }
        };
        Self::new(
            format!("line {line}, column {column}: {english}"),
            format!("第 {line} 行第 {column} 列：{chinese}"),
        )
    }

    /// Why a value is not what it should be.
    #[must_use]
    pub fn of_value(error: &serde_json::Error) -> Self {
        let english = error.to_string();
        let english = without_place(&english);
        Self::new(english.to_owned(), chinese_of(english))
    }

    /// Why a text is not the TOML that it should be, by the words of its reader.
    #[must_use]
    pub fn of_toml(english: &str) -> Self {
        let known = [
            ("duplicate key", "键重复"),
            ("basic string", "引号中的文本不完整"),
            ("literal string", "引号中的文本不完整"),
            ("unquoted string", "文本缺少引号"),
            ("missing value", "缺少值"),
            ("array", "数组不完整"),
            ("table", "表头无效"),
        ];
        let found = known.iter().find(|(part, _)| english.contains(part));
        let chinese = found.map_or_else(|| chinese_of(english), |(_, what)| (*what).to_owned());
        Self::new(english.to_owned(), chinese)
    }

    /// Why a query is not what it should be, by the words of its reader: `name: what is wrong`.
    #[must_use]
    pub fn of_query(told: &str) -> Self {
        let is_name =
            |name: &str| name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
        let named = told.split_once(": ").filter(|(name, _)| is_name(name));
        let (name, told) = named.unwrap_or(("", told));
        let mut quoted = told.split('`').skip(1).step_by(2);
        if told.starts_with("unknown field ") {
            let name = quoted.next().unwrap_or_default();
            let known: Vec<&str> = quoted.collect();
            return if known.is_empty() {
                Self::new(
                    format!("no parameter {name}: there are none here"),
                    format!("没有参数 {name}，此处不带参数"),
                )
            } else {
                Self::new(
                    format!("no parameter {name}; there are: {}", known.join(", ")),
                    format!("没有参数 {name}，可用：{}", known.join("、")),
                )
            };
        }
        if told.starts_with("duplicate field ") {
            let name = quoted.next().unwrap_or_default();
            return Self::new(format!("{name}: given twice"), format!("参数 {name} 重复"));
        }
        if told.starts_with("unknown variant ") {
            let known: Vec<&str> = quoted.skip(1).collect();
            return Self::new(
                format!("{name}: one of {}", known.join(", ")),
                format!("{name} 可用的值：{}", known.join("、")),
            );
        }
        if told.contains("`true` or `false`") {
            return Self::new(
                format!("{name}: true or false"),
                format!("{name} 应为 true 或 false"),
            );
        }
        if ["digit", "integer", "number"].iter().any(|word| told.contains(word)) {
            let least = u8::from(name == "limit");
            return Self::new(
                format!("{name}: a whole number, {least} or more"),
                format!("{name} 应为不小于 {least} 的整数"),
            );
        }
        Self::new(format!("{name}: not a value that it takes"), format!("参数 {name} 的值无效"))
    }

    /// Bytes that it keeps, roughly.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.english.len() + self.chinese.len()
    }
}

fn without_place(words: &str) -> &str {
    words.split(" at line ").next().unwrap_or_default()
}

/// What is known in one language alone: a name, a number, the words of the system.
impl From<String> for Words {
    fn from(words: String) -> Self {
        Self::new(words.clone(), words)
    }
}

impl From<&str> for Words {
    fn from(words: &str) -> Self {
        Self::from(words.to_owned())
    }
}

impl From<&String> for Words {
    fn from(words: &String) -> Self {
        Self::from(words.clone())
    }
}

/// What serde's words mean, as far as they are known; what a Chinese reader can do about the others
/// follows from the place.
fn chinese_of(words: &str) -> String {
    let named = |start: &str| words.strip_prefix(start)?.split('`').next();
    if let Some(name) = named("missing field `") {
        return format!("缺少字段 {name}");
    }
    if let Some(name) = named("duplicate field `") {
        return format!("字段 {name} 重复");
    }
    for (start, what) in [("unknown field `", "没有字段"), ("unknown variant `", "没有这个值")]
    {
        if let Some(name) = named(start) {
            let known: Vec<&str> = words.split('`').skip(3).step_by(2).collect();
            let known = if known.is_empty() { "无".to_owned() } else { known.join("、") };
            return format!("{what} {name}，可用值为 {known}");
        }
    }
    let mismatch = words.strip_prefix("invalid type: ").or(words.strip_prefix("invalid value: "));
    if let Some((found, wanted)) = mismatch.and_then(|words| words.rsplit_once(", expected ")) {
        // `integer `-1``: the value, where it is told.
        let value = found.split('`').nth(1).map_or(String::new(), |value| format!(" {value}"));
        let found = found_in_chinese(found).to_owned() + &value;
        return match wanted_in_chinese(wanted) {
            Some(wanted) => format!("应为{wanted}，实际为{found}"),
            None => format!("不应为{found}"),
        };
    }
    let known = [
        ("EOF", "内容不完整"),
        ("trailing characters", "结尾有多余内容"),
        ("recursion limit", "嵌套过深"),
        ("control character", "含有控制字符"),
        ("invalid escape", "转义无效"),
        ("number out of range", "数值超出范围"),
    ];
    let found = known.iter().find(|(part, _)| words.contains(part));
    found.map_or("无法解析", |(_, what)| what).to_owned()
}

fn wanted_in_chinese(wanted: &str) -> Option<&'static str> {
    let known = [
        ("a string", "文本"),
        ("a boolean", "布尔值"),
        ("a sequence", "数组"),
        ("a JSON object", " JSON 对象"),
        ("a map", "对象"),
        ("struct ", "对象"),
        ("u8", "非负整数"),
        ("u32", "非负整数"),
        ("u64", "非负整数"),
        ("usize", "非负整数"),
        ("a case number", "案件号，或含 key 的对象，或含 source 和 number 的对象"),
    ];
    known.iter().find(|(start, _)| wanted.starts_with(start)).map(|(_, what)| *what)
}

fn found_in_chinese(found: &str) -> &'static str {
    let known = [
        ("string", "文本"),
        ("integer", "整数"),
        ("floating point", "小数"),
        ("number", "数值"),
        ("boolean", "布尔值"),
        ("null", "空值"),
        ("sequence", "数组"),
        ("map", "对象"),
    ];
    known
        .iter()
        .find(|(start, _)| found.starts_with(start))
        .map_or("其他类型", |(_, what)| what)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_parser_says_is_said_in_chinese() {
        #[derive(Debug, serde::Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Row {
            #[serde(rename = "code")]
            _code: String,
        }
        let rows = [
            (r#"{"code":7}"#, "应为文本，实际为整数 7"),
            (r#"{"code":-1.5}"#, "应为文本，实际为小数 -1.5"),
            (r#"{"code":true}"#, "应为文本，实际为布尔值 true"),
            (r#"{"kode":"7"}"#, "没有字段 kode，可用值为 code"),
            ("{}", "缺少字段 code"),
            (r#"{"code":"1","code":"2"}"#, "字段 code 重复"),
            ("[", "内容不完整"),
            (r#"{"code":"1"} x"#, "结尾有多余内容"),
            ("nonsense", "无法解析"),
            ("7", "应为对象，实际为整数 7"),
        ];
        for (json, chinese) in rows {
            let error = serde_json::from_str::<Row>(json).unwrap_err();
            assert_eq!(Words::of_value(&error).chinese, chinese, "{json}: {error}");
        }
        let negative = serde_json::from_str::<u32>("-1").unwrap_err();
        assert_eq!(Words::of_value(&negative).chinese, "应为非负整数，实际为整数 -1");
        let queries = [
            ("limit: invalid digit found in string", "limit 应为不小于 1 的整数"),
            ("after: number too large to fit in target type", "after 应为不小于 0 的整数"),
            ("open: provided string was not `true` or `false`", "open 应为 true 或 false"),
            ("include: unknown variant `texts`, expected `text`", "include 可用的值：text"),
            (
                "page: unknown field `page`, expected `after` or `limit`",
                "没有参数 page，可用：after、limit",
            ),
            ("page: unknown field `page`, there are no fields", "没有参数 page，此处不带参数"),
            ("duplicate field `limit`", "参数 limit 重复"),
        ];
        for (told, chinese) in queries {
            assert_eq!(Words::of_query(told).chinese, chinese, "{told}");
        }
    }
}
