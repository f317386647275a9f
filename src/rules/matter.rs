//! A matter of the catalogue as text: one TOML entry, or one JSON object.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::finding::Flaw;
use super::text::name;
use super::unit::{keep, named};
use super::words::Words;
use crate::domain::calendar::Limit;
use crate::domain::catalogue::{HomeLevel, MatterRow, Module, Severity};
use crate::domain::limits::{LIMIT_HOURS_MAX, MATTER_CODE_BYTES_MAX};

/// A limit as a text gives it: `{ calendar_hours = 24 }`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LimitText {
    /// Hours that run day and night.
    CalendarHours(u64),
    /// Hours of the working calendar: refused until one is loaded.
    WorkingHours(u64),
    /// Days of the working calendar: refused until one is loaded.
    WorkingDays(u64),
}

impl Default for LimitText {
    fn default() -> Self {
        Self::CalendarHours(1)
    }
}

/// A matter as a text gives it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct MatterText {
    /// `PS-001`: 1 to 16 letters, digits and `-`.
    pub code: String,
    /// In Chinese, 1 to 120 bytes.
    pub name: String,
    /// Its class within the module, 1 to 120 bytes.
    pub class: String,
    /// One of the ten modules.
    pub module: String,
    /// `grid`, `village` or `township`.
    pub home: String,
    /// `normal`, `urgent` or `emergency`.
    pub severity: String,
    /// What each holder has.
    pub node_limit: LimitText,
    /// What the whole case has; not shorter than the node's.
    pub total_limit: LimitText,
    /// Whether its holder may report and settle it in one call.
    pub on_the_spot: bool,
    /// Whether it may be shown in public.
    pub public: bool,
    /// Whether its claimant is hidden from the handlers.
    pub confidential: bool,
    /// Whether its clocks start when it happened, and not when it was received.
    pub from_occurrence: bool,
}

impl MatterText {
    /// Its fields, in the order in which they are written.
    pub const FIELDS: &'static [&'static str] = &[
        "code",
        "name",
        "class",
        "module",
        "home",
        "severity",
        "node_limit",
        "total_limit",
        "on_the_spot",
        "public",
        "confidential",
        "from_occurrence",
    ];

    /// The row that it says.
    ///
    /// # Errors
    /// Every flaw of it.
    pub fn row(&self) -> Result<MatterRow, Vec<Flaw>> {
        let mut flaws = Vec::new();
        let code = keep(&mut flaws, code(&self.code));
        let name_row = keep(&mut flaws, name("name", &self.name));
        let class = keep(&mut flaws, name("class", &self.class));
        let module = keep(&mut flaws, named("module", &self.module, Module::ALL, Module::name));
        let home = keep(&mut flaws, named("home", &self.home, HomeLevel::ALL, HomeLevel::name));
        let severity =
            keep(&mut flaws, named("severity", &self.severity, Severity::ALL, Severity::name));
        let node_limit = keep(&mut flaws, limit("node_limit", self.node_limit));
        let total_limit = keep(&mut flaws, limit("total_limit", self.total_limit));
        if let (Some(node), Some(total)) = (node_limit, total_limit)
            && total < node
        {
            flaws.push(Flaw::of(
                "total_limit",
                Words::new("is shorter than node_limit", "短于 node_limit"),
                Words::new(
                    "the whole case has at least what one holder has",
                    "全程时限不得短于节点时限",
                ),
            ));
        }
        let row = (|| {
            Some(MatterRow {
                code: code?,
                name: name_row?,
                class: class?,
                module: module?,
                home: home?,
                severity: severity?,
                node_limit: node_limit?,
                total_limit: total_limit?,
                on_the_spot: self.on_the_spot,
                public: self.public,
                confidential: self.confidential,
                from_occurrence: self.from_occurrence,
            })
        })();
        match row {
            Some(row) if flaws.is_empty() => Ok(row),
            Some(_) | None => Err(flaws),
        }
    }
}

impl From<&MatterRow> for MatterText {
    fn from(row: &MatterRow) -> Self {
        Self {
            code: row.code.to_string(),
            name: row.name.to_string(),
            class: row.class.to_string(),
            module: row.module.name().to_owned(),
            home: row.home.name().to_owned(),
            severity: row.severity.name().to_owned(),
            node_limit: row.node_limit.into(),
            total_limit: row.total_limit.into(),
            on_the_spot: row.on_the_spot,
            public: row.public,
            confidential: row.confidential,
            from_occurrence: row.from_occurrence,
        }
    }
}

impl From<Limit> for LimitText {
    fn from(limit: Limit) -> Self {
        match limit {
            Limit::CalendarHours(hours) => Self::CalendarHours(u64::from(hours)),
        }
    }
}

fn code(text: &str) -> Result<Arc<str>, Flaw> {
    let is_good = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    if text.is_empty() || text.len() > MATTER_CODE_BYTES_MAX || !text.bytes().all(is_good) {
        return Err(Flaw::of(
            "code",
            Words::new(format!("'{text}' is not a matter code"), format!("“{text}”不是事项代码")),
            Words::new(
                format!("1 to {MATTER_CODE_BYTES_MAX} letters, digits and '-', for example PS-001"),
                format!("应为 1 至 {MATTER_CODE_BYTES_MAX} 位字母、数字和“-”，例如 PS-001"),
            ),
        ));
    }
    Ok(Arc::from(text))
}

fn limit(field: &'static str, text: LimitText) -> Result<Limit, Flaw> {
    let LimitText::CalendarHours(hours) = text else {
        return Err(Flaw::of(
            field,
            Words::new(
                "is in working time, and the working calendar is not loaded",
                "以工作时间计，而工作日历尚未载入",
            ),
            Words::new("write it as { calendar_hours = N }", "请写作 { calendar_hours = N }"),
        ));
    };
    match u32::try_from(hours) {
        Ok(hours) if (1..=LIMIT_HOURS_MAX).contains(&hours) => Ok(Limit::CalendarHours(hours)),
        Ok(_) | Err(_) => Err(Flaw::of(
            field,
            Words::new(
                format!("{hours} calendar hours is out of bounds"),
                format!("{hours} 小时超出范围"),
            ),
            Words::new(format!("1 to {LIMIT_HOURS_MAX}"), format!("应为 1 至 {LIMIT_HOURS_MAX}")),
        )),
    }
}
