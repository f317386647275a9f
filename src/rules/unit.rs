//! A unit as text: one JSON object.

use serde::{Deserialize, Serialize};

use super::finding::Flaw;
use super::moment::{parse_moment, write_moment};
use super::text::name;
use super::words::Words;
use crate::domain::catalogue::Module;
use crate::domain::code::{BadCode, UnitCode};
use crate::domain::ids::Timestamp;
use crate::domain::organisation::{Modules, UnitKind, UnitRow};

/// A unit as a text gives it: `{"code":"411502001001","kind":"division","name":"…"}`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UnitText {
    /// What names it: 12 digits, 15 for a grid, 12 and `-R01` for a governance room, likewise `D` for
    /// a department, `B` an office, `S` a stationed body, `T` a task force, `H` a headquarters.
    pub code: String,
    /// `division`, `grid`, `governance_room`, `department`, `office`, `stationed`, `task_force` or
    /// `headquarters`.
    pub kind: String,
    /// In Chinese, 1 to 120 bytes.
    pub name: String,
    /// The code of whom it answers to, where that is not the division that it sits in or at; a
    /// stationed body has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reports_to: Option<String>,
    /// The modules that an office owns, or a department is the counterpart for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub modules: Vec<String>,
    /// RFC 3339; from always when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_from: Option<String>,
    /// RFC 3339, not in the future; for ever when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_until: Option<String>,
    /// The code of who takes over its open work, where it closes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub successor: Option<String>,
}

impl UnitText {
    /// Its fields, in the order in which they are written.
    pub const FIELDS: &'static [&'static str] = &[
        "code",
        "kind",
        "name",
        "reports_to",
        "modules",
        "valid_from",
        "valid_until",
        "successor",
    ];

    /// The row that it says.
    ///
    /// # Errors
    /// Every flaw of it.
    pub fn row(&self) -> Result<UnitRow, Vec<Flaw>> {
        let mut flaws = Vec::new();
        let code = keep(&mut flaws, code("code", &self.code));
        let kind = keep(&mut flaws, named("kind", &self.kind, UnitKind::ALL, UnitKind::name));
        let name = keep(&mut flaws, name("name", &self.name));
        let reports_to = keep(&mut flaws, maybe_code("reports_to", self.reports_to.as_deref()));
        let modules = keep(&mut flaws, modules(&self.modules));
        let successor = keep(&mut flaws, maybe_code("successor", self.successor.as_deref()));
        let valid_from = keep(&mut flaws, moment("valid_from", self.valid_from.as_deref()));
        let valid_until = keep(&mut flaws, moment("valid_until", self.valid_until.as_deref()));
        if let (Some(Some(from)), Some(Some(until))) = (valid_from, valid_until)
            && until <= from
        {
            flaws.push(Flaw::of(
                "valid_until",
                Words::new("does not lie after valid_from", "不晚于 valid_from"),
                Words::new(
                    "give the first moment at which the unit exists no more",
                    "应为单位不再存在的第一刻",
                ),
            ));
        }
        if self.successor.is_some() && self.valid_until.is_none() {
            flaws.push(Flaw::of(
                "successor",
                Words::new("is for a unit that closes", "只用于停用的单位"),
                Words::new(
                    "give valid_until too, or leave it out",
                    "请同时给出 valid_until，或不要给出",
                ),
            ));
        }
        let row = (|| {
            Some(UnitRow {
                code: code?,
                kind: kind?,
                name: name?,
                reports_to: reports_to?,
                modules: modules?,
                valid_from: valid_from?,
                valid_until: valid_until?,
                successor: successor?,
            })
        })();
        let Some(row) = row else {
            return Err(flaws);
        };
        flaws.extend(incoherence(&row));
        if flaws.is_empty() { Ok(row) } else { Err(flaws) }
    }
}

/// What does not fit in a row whose fields are good.
fn incoherence(row: &UnitRow) -> Option<Flaw> {
    if row.is_coherent() {
        return None;
    }
    let UnitRow { code, kind, .. } = row;
    if code.letter() != kind.letter() || !kind.sits_at(code.level()) {
        let message = Words::new(
            format!("'{}' does not fit the code {code}", kind.name()),
            format!("{} 与代码 {code} 不符", kind.name()),
        );
        return Some(Flaw::of("kind", message, form_of(*kind)));
    }
    if row.reports_to == Some(*code) {
        return Some(Flaw::of("reports_to", itself(), Words::new("leave it out", "请不要给出")));
    }
    if row.successor == Some(*code) {
        return Some(Flaw::of(
            "successor",
            itself(),
            Words::new("name another unit", "请指明另一个单位"),
        ));
    }
    if *kind == UnitKind::Stationed && row.reports_to.is_none() {
        let hint = Words::new(
            "a stationed body sits in a township and reports to a department: name it",
            "派驻机构设在乡镇，对部门负责：请指明该部门",
        );
        return Some(Flaw::of("reports_to", Words::new("is missing", "缺少"), hint));
    }
    Some(Flaw::of(
        "modules",
        Words::new(
            format!("'{}' has no modules", kind.name()),
            format!("{} 不设模块", kind.name()),
        ),
        Words::new(
            "only an office owns modules, and a department is the counterpart for some",
            "只有办公室负责模块，部门为其对口单位",
        ),
    ))
}

fn itself() -> Words {
    Words::new("is the unit itself", "就是该单位自己")
}

impl From<&UnitRow> for UnitText {
    fn from(row: &UnitRow) -> Self {
        Self {
            code: row.code.to_string(),
            kind: row.kind.name().to_owned(),
            name: row.name.to_string(),
            reports_to: row.reports_to.map(|code| code.to_string()),
            modules: row.modules.iter().map(|module| module.name().to_owned()).collect(),
            valid_from: row.valid_from.and_then(write_moment),
            valid_until: row.valid_until.and_then(write_moment),
            successor: row.successor.map(|code| code.to_string()),
        }
    }
}

fn code_hint() -> Words {
    Words::new(
        "for example 411502001001, 411502001001007 or 411502001000-R01",
        "例如 411502001001、411502001001007 或 411502001000-R01",
    )
}

fn code(field: &'static str, text: &str) -> Result<UnitCode, Flaw> {
    text.parse().map_err(|bad: BadCode| {
        let message = Words::new(format!("'{text}' is {bad}"), format!("“{text}”不是单位代码"));
        Flaw::of(field, message, code_hint())
    })
}

fn maybe_code(field: &'static str, text: Option<&str>) -> Result<Option<UnitCode>, Flaw> {
    text.map(|text| code(field, text)).transpose()
}

fn modules(texts: &[String]) -> Result<Modules, Flaw> {
    let modules = texts.iter().map(|text| named("modules", text, Module::ALL, Module::name));
    let modules: Vec<_> = modules.collect::<Result<_, _>>()?;
    Ok(Modules::of(&modules))
}

fn form_of(kind: UnitKind) -> Words {
    match kind {
        UnitKind::Division => Words::new("a division has 12 digits", "区划代码为 12 位数字"),
        UnitKind::Grid => Words::new(
            "a grid has 15 digits, the last three not 000",
            "网格代码为 15 位数字，末三位不为 000",
        ),
        UnitKind::GovernanceRoom => Words::new(
            "a governance room has 12 digits, '-R' and 2 digits",
            "社会治理中心的代码为 12 位数字、“-R”和两位数字",
        ),
        UnitKind::Department => Words::new(
            "a department has the 12 digits of its county or city, '-D' and 2 digits",
            "部门的代码为所在市、县的 12 位数字、“-D”和两位数字",
        ),
        UnitKind::Office => Words::new(
            "an office has the 12 digits of its township, '-B' and 2 digits",
            "办公室的代码为所在乡镇的 12 位数字、“-B”和两位数字",
        ),
        UnitKind::Stationed => Words::new(
            "a stationed body has the 12 digits of its township, '-S' and 2 digits",
            "派驻机构的代码为所在乡镇的 12 位数字、“-S”和两位数字",
        ),
        UnitKind::TaskForce => Words::new(
            "a task force has 12 digits, '-T' and 2 digits",
            "专班的代码为 12 位数字、“-T”和两位数字",
        ),
        UnitKind::Headquarters => Words::new(
            "a headquarters has 12 digits, '-H' and 2 digits",
            "指挥部的代码为 12 位数字、“-H”和两位数字",
        ),
    }
}

/// The value of a good field, or none and its flaw with the others.
pub(super) fn keep<T>(flaws: &mut Vec<Flaw>, field: Result<T, Flaw>) -> Option<T> {
    match field {
        Ok(value) => Some(value),
        Err(flaw) => {
            flaws.push(flaw);
            None
        }
    }
}

/// The one of that API name.
pub(super) fn named<T: Copy>(
    field: &'static str,
    text: &str,
    all: &[T],
    name: fn(T) -> &'static str,
) -> Result<T, Flaw> {
    if let Some(one) = all.iter().copied().find(|one| name(*one) == text) {
        return Ok(one);
    }
    let names: Vec<_> = all.iter().map(|one| name(*one)).collect();
    Err(Flaw::of(
        field,
        Words::new(format!("'{text}' is not one of its values"), format!("“{text}”不是允许的值")),
        super::entry::did_you_mean(text, &names).unwrap_or_else(|| Words::one_of(&names)),
    ))
}

fn moment(field: &'static str, text: Option<&str>) -> Result<Option<Timestamp>, Flaw> {
    let Some(text) = text else {
        return Ok(None);
    };
    match parse_moment(text) {
        Ok(moment) => Ok(Some(moment)),
        Err(bad) => Err(Flaw::of(field, bad.message(text), bad.hint().clone())),
    }
}
