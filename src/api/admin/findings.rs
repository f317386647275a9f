//! All that keeps an import from coming into force: what its commit is refused for, whole.

use axum::extract::{Path, State};
use axum::response::Response;
use http::{HeaderMap, Uri};
use serde::Serialize;
use utoipa::ToSchema;

use super::imports::{gone, import_id};
use crate::api::app::App;
use crate::api::caller::Caller;
use crate::api::codes::Code;
use crate::api::language::Language;
use crate::api::moment::CodeText;
use crate::api::problem::Problem;
use crate::api::read::no_query;
use crate::api::reply::json;
use crate::domain::grant::Scope;
use crate::domain::organisation::UnitFinding;
use crate::rules::Words;

/// What a commit is refused for, and what would be right.
const HINTS: &[(Code, Words)] = &[
    (Code::UnitTwice, Words::fixed("keep one of its rows", "请只保留其中一行")),
    (
        Code::UnitCodeTaken,
        Words::fixed(
            "a unit that moved had the code: give this one another, or the code that the unit has now",
            "该代码曾属于已迁移的单位：请改用新代码，或该单位现在的代码",
        ),
    ),
    (
        Code::UnitChangedTooOften,
        Words::fixed(
            "leave it as it is, or open another unit in its place",
            "请保持不变，或另设单位代替",
        ),
    ),
    (
        Code::UnitOrphaned,
        Words::fixed(
            "stage the division that it sits in and whom it reports to, both open, or correct its code or reports_to",
            "请同时暂存其所在区划和上级单位（均未停用），或更正其代码或 reports_to",
        ),
    ),
    (
        Code::UnitInCircle,
        Words::fixed(
            "correct reports_to of one of the units in the circle",
            "请更正环路中某一单位的 reports_to",
        ),
    ),
    (
        Code::UnitHasSubunits,
        Words::fixed(
            "close the units below it in the same import, or let them report to another",
            "请在同一次导入中停用其下级单位，或使其改由其他单位管理",
        ),
    ),
    (
        Code::UnitNeedsSuccessor,
        Words::fixed(
            "name in `successor` the unit that takes over its open cases",
            "请在 successor 中指明接收其未结案件的单位",
        ),
    ),
    (
        Code::SuccessorNotFound,
        Words::fixed(
            "stage the successor too, or correct its code",
            "请同时暂存接收单位，或更正其代码",
        ),
    ),
    (
        Code::SuccessorUnfit,
        Words::fixed(
            "name a unit that is open now, of a township at the highest",
            "请指明现已启用、级别不高于乡镇的单位",
        ),
    ),
];

/// Whether the code is of what keeps a unit from coming into force.
pub(super) fn is_finding(code: Code) -> bool {
    HINTS.iter().any(|(known, _)| *known == code)
}

/// What is wrong with an import.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ImportFindings)]
pub(in crate::api) struct FindingsBody {
    /// The import.
    import: u32,
    /// At most 1,000; none where its units hold together.
    findings: Vec<FindingBody>,
    /// How many more there are.
    untold: u32,
}

/// Why a staged unit cannot come into force.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ImportFinding)]
struct FindingBody {
    /// Its row, counted from 1 in the order staged.
    row: u32,
    /// Its code.
    #[schema(value_type = String)]
    unit: CodeText,
    /// The code of the problem that a commit has with it.
    code: &'static str,
    /// One sentence, in the reader's language.
    title: &'static str,
    /// What would be right, in the reader's language.
    hint: String,
}

impl FindingBody {
    fn of(finding: &UnitFinding, language: Language) -> Self {
        let code = Code::of(&finding.rejection);
        let hint = HINTS.iter().find(|(known, _)| *known == code);
        Self {
            row: finding.row,
            unit: CodeText(finding.unit),
            code: code.name(),
            title: code.title(language),
            hint: hint.map_or_else(String::new, |(_, words)| language.pick(words).to_owned()),
        }
    }
}

/// Show what is wrong with an import
///
/// All that keeps its units from coming into force now: what a commit is refused for first, and
/// everything else. For administrators.
#[utoipa::path(
    get,
    path = "/v1/imports/{id}/findings",
    tag = "administration",
    params(("id" = u32, Path, description = "The import")),
    responses(
        (status = 200, description = "All that is wrong", body = FindingsBody),
    ),
)]
pub(in crate::api) async fn get_findings(
    State(app): State<App>,
    Path(id): Path<String>,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, Problem> {
    Caller::with(&app, &headers, Scope::Admin)?;
    no_query(&uri)?;
    let import = import_id(&id)?;
    let found = app.handle().findings(&app.desk, import).await?;
    let found = found.ok_or_else(|| gone(&app, import))?;
    let language = Language::of(&headers);
    let findings = found.findings.iter().map(|finding| FindingBody::of(finding, language));
    let body =
        FindingsBody { import: import.0, findings: findings.collect(), untold: found.untold };
    Ok(json(&body).map(Into::into))
}
