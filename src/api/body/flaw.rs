//! What is wrong with a field, and where.

use std::borrow::Cow;

use crate::api::language::Language;
use crate::rules::Words;

macro_rules! flaws {
    ($($variant:ident = $name:literal, $english:literal, $chinese:literal;)+) => {
        /// In what way a field is wrong.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[expect(missing_docs, reason = "the table gives each its sentence")]
        pub enum FlawCode { $($variant,)+ }

        impl FlawCode {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// What clients tell it by.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)+ }
            }

            /// One sentence for a reader.
            #[must_use]
            pub const fn sentence(self, language: Language) -> &'static str {
                match (self, language) {
                    $((Self::$variant, Language::English) => $english,
                    (Self::$variant, Language::Chinese) => $chinese,)+
                }
            }
        }
    };
}

flaws! {
    UnknownField = "unknown_field", "not a field of this command", "此命令没有该字段";
    DuplicateField = "duplicate_field", "the field stands twice", "字段重复";
    MissingField = "missing_field", "the field is missing", "缺少该字段";
    WrongType = "wrong_type", "the value has the wrong type", "值的类型错误";
    UnknownCommand = "unknown_command", "no such command", "没有这个命令";
    BadValue = "bad_value", "not one of the field's values", "不是该字段的允许值";
    BadCode = "bad_code", "not a unit code", "不是有效的单位代码";
    BadTime = "bad_time", "not an RFC 3339 time with an offset", "不是带时区的 RFC 3339 时间";
    BadKey = "bad_key", "not printable ASCII of the right length", "不是长度合适的可打印 ASCII";
    BadNumber = "bad_number", "the number is out of bounds", "数值超出范围";
    Empty = "empty", "the value is empty", "值为空";
    TooLong = "too_long", "the value is too long", "值过长";
    BadText = "bad_text", "the text holds what it may not", "文本含有不允许的内容";
    BadEntry = "bad_entry", "the entry is not valid", "该条目无效";
    BadRow = "bad_row", "the row is not valid", "该行数据无效";
}

/// One thing that is wrong with a body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flaw {
    /// JSON pointer (RFC 6901) to the field.
    pub pointer: Cow<'static, str>,
    /// In what way.
    pub code: FlawCode,
    /// More: bounds, allowed values, the parser's words.
    pub note: Option<Words>,
}

impl Flaw {
    /// A flaw of the field at `pointer`.
    #[must_use]
    pub fn new(pointer: impl Into<Cow<'static, str>>, code: FlawCode) -> Self {
        Self { pointer: pointer.into(), code, note: None }
    }

    /// The same with a note.
    #[must_use]
    pub fn noted(self, note: Words) -> Self {
        Self { note: Some(note), ..self }
    }

    /// The sentence and the note.
    #[must_use]
    pub fn detail(&self, language: Language) -> Cow<'static, str> {
        let sentence = self.code.sentence(language);
        match &self.note {
            None => Cow::Borrowed(sentence),
            Some(note) => Cow::Owned([sentence, language.colon(), language.pick(note)].concat()),
        }
    }

    /// Bytes that it keeps, roughly.
    #[must_use]
    pub fn bytes(&self) -> usize {
        size_of::<Self>() + self.pointer.len() + self.note.as_ref().map_or(0, Words::bytes)
    }
}

/// A part of a JSON pointer, escaped.
#[must_use]
pub(super) fn escaped(part: &str) -> String {
    part.replace('~', "~0").replace('/', "~1")
}
