//! A body as it came: its fields, borrowed from its bytes, not yet understood.
//!
//! The quick way reads the whole object at once and fails at the first fault. Only then is it read
//! again, field by field, so that everything that is wrong with it is found.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, Error as _, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::flaw::{Flaw, FlawCode, escaped};
use crate::rules::Words;

/// A text, borrowed where nothing in it is escaped.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(super) struct Text<'a>(#[serde(borrow)] pub(super) Cow<'a, str>);

macro_rules! fields {
    ($($name:ident: $type:ty,)+) => {
        /// Every field that some command has.
        #[derive(Debug, Default, Deserialize)]
        #[serde(deny_unknown_fields, bound(deserialize = "'de: 'a"))]
        pub(super) struct Raw<'a> { $(pub(super) $name: Option<$type>,)+ }

        impl<'a> Raw<'a> {
            /// The names of the fields that are there.
            pub(super) fn present(&self) -> impl Iterator<Item = &'static str> {
                [$(self.$name.is_some().then_some(stringify!($name)),)+].into_iter().flatten()
            }

            fn set(&mut self, name: &str, value: &'a RawValue, flaws: &mut Vec<Flaw>) {
                match name {
                    $(stringify!($name) if self.$name.is_some() => {
                        flaws.push(Flaw::new(concat!("/", stringify!($name)), FlawCode::DuplicateField));
                    })+
                    $(stringify!($name) => {
                        self.$name = lenient(value, concat!("/", stringify!($name)), flaws);
                    })+
                    _ => flaws.push(Flaw::new(format!("/{}", escaped(name)), FlawCode::UnknownField)),
                }
            }
        }
    };
}

fields! {
    command: Text<'a>,
    key: Text<'a>,
    at: Text<'a>,
    by: Text<'a>,
    case: RawCase<'a>,
    version: u32,
    matter: Text<'a>,
    place: Text<'a>,
    source: Text<'a>,
    source_number: Text<'a>,
    occurred_at: Text<'a>,
    claimant: RawClaimant<'a>,
    text: Text<'a>,
    settle: RawSettle<'a>,
    reason: Text<'a>,
    measures: Text<'a>,
    answer: Text<'a>,
    to: Text<'a>,
    origin: Text<'a>,
    import: u32,
    rows: Vec<&'a RawValue>,
    row: &'a RawValue,
    note: Text<'a>,
    unit: Text<'a>,
    units: Vec<Text<'a>>,
    successor: Text<'a>,
    seen: RawSeen,
    valid_until: Text<'a>,
    name: Text<'a>,
    scopes: Vec<Text<'a>>,
    within: Vec<Text<'a>>,
    quota_per_minute: u32,
    expires_at: Text<'a>,
    overlap_hours: u32,
    fields: Vec<Text<'a>>,
    purpose: Text<'a>,
    ticket: Text<'a>,
}

/// How a body names a case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum RawCase<'a> {
    Id(u64),
    Named { key: Option<Text<'a>>, source: Option<Text<'a>>, number: Option<Text<'a>> },
}

/// The version that something was seen at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RawSeen {
    /// `"*"`: whatever it has.
    Any,
    Version(u64),
}

/// Who claims.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawClaimant<'a> {
    #[serde(borrow)]
    pub(super) name: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) phone: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) address: Option<Text<'a>>,
}

/// How it was settled on the spot.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawSettle<'a> {
    #[serde(borrow)]
    pub(super) answer: Option<Text<'a>>,
}

/// Why a body is no JSON object at all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum NoObject {
    /// The bytes are no text.
    BadUtf8,
    /// The text is no object: the parser's words.
    Malformed(Words),
}

impl<'a> Raw<'a> {
    /// Reads a body; what is wrong with single fields goes to `flaws`, and they are left out.
    pub(super) fn read(bytes: &'a [u8], flaws: &mut Vec<Flaw>) -> Result<Self, NoObject> {
        // All texts at once: reading them one by one costs a tenth of the whole.
        let text = simdutf8::basic::from_utf8(bytes).map_err(|_| NoObject::BadUtf8)?;
        match serde_json::from_str(text) {
            Ok(raw) => Ok(raw),
            Err(first) => Self::read_by_field(text, &first, flaws),
        }
    }

    #[cold]
    fn read_by_field(
        text: &'a str,
        first: &serde_json::Error,
        flaws: &mut Vec<Flaw>,
    ) -> Result<Self, NoObject> {
        let Pairs(pairs) = serde_json::from_str(text)
            .map_err(|error| NoObject::Malformed(Words::of_parser(&error)))?;
        let mut raw = Self::default();
        for (name, value) in pairs {
            raw.set(&name.0, value, flaws);
        }
        if flaws.is_empty() {
            return Err(NoObject::Malformed(Words::of_parser(first)));
        }
        Ok(raw)
    }
}

/// A value read alone: none, and its flaws, where it is not of its type.
fn lenient<'a, T: Lenient<'a>>(
    value: &'a RawValue,
    pointer: &'static str,
    flaws: &mut Vec<Flaw>,
) -> Option<T> {
    match serde_json::from_str::<Option<T>>(value.get()) {
        Ok(read) => read,
        Err(error) => {
            let before = flaws.len();
            T::find_within(value, pointer, flaws);
            if flaws.len() == before {
                flaws.push(wrong_type(pointer, &error));
            }
            None
        }
    }
}

fn wrong_type(pointer: impl Into<Cow<'static, str>>, error: &serde_json::Error) -> Flaw {
    Flaw::new(pointer, FlawCode::WrongType).noted(Words::of_value(error))
}

/// A value whose own fields may be the wrong ones.
trait Lenient<'a>: Deserialize<'a> {
    /// The fields that it may have, all of them texts.
    const FIELDS: &'static [&'static str] = &[];

    /// Finds what is wrong within an object.
    fn find_within(value: &'a RawValue, pointer: &'static str, flaws: &mut Vec<Flaw>) {
        if Self::FIELDS.is_empty() {
            return;
        }
        let Ok(Pairs(pairs)) = serde_json::from_str::<Pairs<'_>>(value.get()) else {
            return;
        };
        for (at, (name, value)) in pairs.iter().enumerate() {
            let place = format!("{pointer}/{}", escaped(&name.0));
            if !Self::FIELDS.contains(&name.0.as_ref()) {
                flaws.push(Flaw::new(place, FlawCode::UnknownField));
            } else if pairs[..at].iter().any(|(earlier, _)| earlier == name) {
                flaws.push(Flaw::new(place, FlawCode::DuplicateField));
            } else if let Err(error) = serde_json::from_str::<Option<Text<'_>>>(value.get()) {
                flaws.push(wrong_type(place, &error));
            }
        }
    }
}

impl<'a> Lenient<'a> for Text<'a> {}
impl Lenient<'_> for u32 {}
impl Lenient<'_> for bool {}
impl Lenient<'_> for RawSeen {}
impl<'a> Lenient<'a> for &'a RawValue {}
impl<'a> Lenient<'a> for Vec<&'a RawValue> {}
impl<'a> Lenient<'a> for Vec<Text<'a>> {}

impl<'a> Lenient<'a> for RawClaimant<'a> {
    const FIELDS: &'static [&'static str] = &["name", "phone", "address"];
}

impl<'a> Lenient<'a> for RawSettle<'a> {
    const FIELDS: &'static [&'static str] = &["answer"];
}

impl<'a> Lenient<'a> for RawCase<'a> {
    const FIELDS: &'static [&'static str] = &["key", "source", "number"];
}

impl<'de: 'a, 'a> Deserialize<'de> for RawCase<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(RawCaseVisitor(std::marker::PhantomData))
    }
}

struct RawCaseVisitor<'a>(std::marker::PhantomData<&'a ()>);

impl<'de: 'a, 'a> Visitor<'de> for RawCaseVisitor<'a> {
    type Value = RawCase<'a>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a case number, or an object with key, or with source and number")
    }

    fn visit_u64<E>(self, id: u64) -> Result<RawCase<'a>, E> {
        Ok(RawCase::Id(id))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<RawCase<'a>, A::Error> {
        let (mut key, mut source, mut number) = (None, None, None);
        while let Some(field) = map.next_key::<Text<'_>>()? {
            let slot = match field.0.as_ref() {
                "key" => &mut key,
                "source" => &mut source,
                "number" => &mut number,
                _ => return Err(A::Error::custom("unknown field")),
            };
            if slot.is_some() {
                return Err(A::Error::custom("duplicate field"));
            }
            *slot = map.next_value::<Option<Text<'a>>>()?;
        }
        Ok(RawCase::Named { key, source, number })
    }
}

impl<'de> Deserialize<'de> for RawSeen {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(RawSeenVisitor)
    }
}

struct RawSeenVisitor;

impl Visitor<'_> for RawSeenVisitor {
    type Value = RawSeen;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a version, or \"*\"")
    }

    fn visit_u64<E>(self, version: u64) -> Result<RawSeen, E> {
        Ok(RawSeen::Version(version))
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<RawSeen, E> {
        if text == "*" {
            return Ok(RawSeen::Any);
        }
        Err(E::invalid_value(serde::de::Unexpected::Str(text), &self))
    }
}

/// An object's pairs in order, a name that comes twice included.
struct Pairs<'a>(Vec<(Text<'a>, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for Pairs<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(PairsVisitor(std::marker::PhantomData))
    }
}

struct PairsVisitor<'a>(std::marker::PhantomData<&'a ()>);

impl<'de: 'a, 'a> Visitor<'de> for PairsVisitor<'a> {
    type Value = Pairs<'a>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Pairs<'a>, A::Error> {
        let mut pairs = Vec::new();
        while let Some(pair) = map.next_entry()? {
            pairs.push(pair);
        }
        Ok(Pairs(pairs))
    }
}
