//! What is said of a refusal beside its title: the value that was refused, what stands instead, and
//! where to look.

use super::codes::Code;
use crate::domain::case::{Move, Moves, StatusName};
use crate::domain::code::UnitCode;
use crate::domain::rejection::Rejection;
use crate::rules::{Words, write_moment};

/// What is said of a refusal; `value` is what the command named.
pub(super) fn words(rejection: &Rejection, value: Option<&str>) -> Option<Words> {
    let value = value.map(said).or_else(|| unit_of(rejection).map(|unit| said(&unit.to_string())));
    joined(joined(value, carried(rejection)), look(Code::of(rejection)))
}

/// The value, and where to look for a better one.
pub(super) fn about(code: Code, value: &str) -> Option<Words> {
    joined(Some(said(value)), look(code))
}

/// The unit that it is about, where it is about one.
pub(super) const fn unit_of(rejection: &Rejection) -> Option<UnitCode> {
    match *rejection {
        Rejection::UnitIncoherent { unit }
        | Rejection::UnitOrphaned { unit }
        | Rejection::UnitNeedsSuccessor { unit }
        | Rejection::UnitClosesInPast { unit }
        | Rejection::UnitNotClosing { unit }
        | Rejection::UnitUnknown { unit }
        | Rejection::UnitNotOpen { unit }
        | Rejection::UnitCodeTaken { unit }
        | Rejection::UnitTwice { unit }
        | Rejection::UnitInCircle { unit }
        | Rejection::UnitHasSubunits { unit }
        | Rejection::UnitChangedTooOften { unit }
        | Rejection::UnitClosesElsewhere { unit }
        | Rejection::SuccessorNotFound { unit }
        | Rejection::SuccessorUnfit { unit }
        | Rejection::TargetClosed { unit }
        | Rejection::RangeUnknown { unit } => Some(unit),
        Rejection::PrincipalRevoked
        | Rejection::NeedsAdmin
        | Rejection::KeyReused
        | Rejection::CaseNotFound
        | Rejection::RefUnknown
        | Rejection::MoveNotAllowed { .. }
        | Rejection::VersionStale { .. }
        | Rejection::NotTheHolder { .. }
        | Rejection::UnitMissing
        | Rejection::UnitNotFound
        | Rejection::PlaceNotFound
        | Rejection::PlaceTooHigh
        | Rejection::NoHolder
        | Rejection::MatterNotFound
        | Rejection::NotOnTheSpot
        | Rejection::SourceNumberTaken { .. }
        | Rejection::OccurredInFuture
        | Rejection::AtBeforeNow { .. }
        | Rejection::AtNotDriven
        | Rejection::ClientNameTaken
        | Rejection::ClientNotFound
        | Rejection::LastAdmin
        | Rejection::ClientsFull
        | Rejection::ImportNotFound
        | Rejection::ImportsFull
        | Rejection::RowsOutOfBounds
        | Rejection::ImportEmpty
        | Rejection::OrganisationFull
        | Rejection::JournalOpen
        | Rejection::OutOfBounds
        | Rejection::UnitClosed
        | Rejection::OrganisationStale { .. }
        | Rejection::TargetNotFound
        | Rejection::TargetIsHolder
        | Rejection::TargetUnfit { .. }
        | Rejection::NeedsCentre { .. }
        | Rejection::SettlerNotTheHolder
        | Rejection::ScopeMissing { .. }
        | Rejection::TokenExpired
        | Rejection::ExpiresInPast
        | Rejection::ClaimantConfidential
        | Rejection::TokenTaken
        | Rejection::MatterRetired
        | Rejection::MatterTwice
        | Rejection::MatterHasOpenCases { .. }
        | Rejection::CatalogueStale { .. }
        | Rejection::ImportIncomplete
        | Rejection::ImportOfOtherKind => None,
    }
}

fn said(value: &str) -> Words {
    Words::new(value.to_owned(), value.to_owned())
}

fn joined(said: Option<Words>, look: Option<Words>) -> Option<Words> {
    match (said, look) {
        (Some(said), Some(look)) => Some(said.and(&look)),
        (said, look) => said.or(look),
    }
}

/// What a refusal carries beside a unit.
fn carried(rejection: &Rejection) -> Option<Words> {
    Some(match *rejection {
        Rejection::VersionStale { version, .. } => {
            Words::new(format!("it has version {version}"), format!("现为第 {version} 版"))
        }
        Rejection::OrganisationStale { seq } | Rejection::CatalogueStale { seq } => {
            Words::new(format!("it has version {seq}"), format!("现为第 {seq} 版"))
        }
        Rejection::MoveNotAllowed { status, moves, .. }
        | Rejection::NotTheHolder { status, moves, .. }
        | Rejection::NeedsCentre { status, moves, .. } => standing(status, moves),
        Rejection::SourceNumberTaken { case } => {
            Words::new(format!("case {case} has it"), format!("案件 {case} 已用此编号"))
        }
        Rejection::AtBeforeNow { now } => {
            let now = write_moment(now)?;
            Words::new(format!("the clock says {now}"), format!("当前时钟为 {now}"))
        }
        Rejection::ScopeMissing { scope } => said(scope.name()),
        Rejection::MatterHasOpenCases { matters, cases } => Words::new(
            format!("{cases} open cases of {matters} matters"),
            format!("{matters} 个事项共有 {cases} 件未结案件"),
        ),
        Rejection::PrincipalRevoked
        | Rejection::NeedsAdmin
        | Rejection::KeyReused
        | Rejection::CaseNotFound
        | Rejection::RefUnknown
        | Rejection::UnitMissing
        | Rejection::UnitNotFound
        | Rejection::UnitClosed
        | Rejection::PlaceNotFound
        | Rejection::PlaceTooHigh
        | Rejection::NoHolder
        | Rejection::MatterNotFound
        | Rejection::MatterRetired
        | Rejection::MatterTwice
        | Rejection::NotOnTheSpot
        | Rejection::OccurredInFuture
        | Rejection::AtNotDriven
        | Rejection::ClientNameTaken
        | Rejection::ClientNotFound
        | Rejection::LastAdmin
        | Rejection::ClientsFull
        | Rejection::ImportNotFound
        | Rejection::ImportsFull
        | Rejection::ImportEmpty
        | Rejection::ImportIncomplete
        | Rejection::ImportOfOtherKind
        | Rejection::RowsOutOfBounds
        | Rejection::OrganisationFull
        | Rejection::JournalOpen
        | Rejection::OutOfBounds
        | Rejection::TargetNotFound
        | Rejection::TargetIsHolder
        | Rejection::TargetUnfit { .. }
        | Rejection::SettlerNotTheHolder
        | Rejection::TokenExpired
        | Rejection::ExpiresInPast
        | Rejection::ClaimantConfidential
        | Rejection::TokenTaken
        | Rejection::UnitIncoherent { .. }
        | Rejection::UnitOrphaned { .. }
        | Rejection::UnitNeedsSuccessor { .. }
        | Rejection::UnitUnknown { .. }
        | Rejection::UnitNotOpen { .. }
        | Rejection::UnitCodeTaken { .. }
        | Rejection::UnitTwice { .. }
        | Rejection::UnitInCircle { .. }
        | Rejection::UnitHasSubunits { .. }
        | Rejection::UnitChangedTooOften { .. }
        | Rejection::UnitClosesElsewhere { .. }
        | Rejection::SuccessorNotFound { .. }
        | Rejection::SuccessorUnfit { .. }
        | Rejection::TargetClosed { .. }
        | Rejection::RangeUnknown { .. }
        | Rejection::UnitClosesInPast { .. }
        | Rejection::UnitNotClosing { .. } => return None,
    })
}

/// What a case is at, and what the unit acted for may do with it.
fn standing(status: StatusName, moves: Moves) -> Words {
    let names: Vec<_> = moves.iter().map(Move::name).collect();
    let status = status.name();
    if names.is_empty() {
        return Words::new(
            format!("the case is {status}; this unit may do nothing with it"),
            format!("案件状态为 {status}，该单位现无可用操作"),
        );
    }
    Words::new(
        format!("the case is {status}; this unit may: {}", names.join(", ")),
        format!("案件状态为 {status}，该单位可用操作：{}", names.join("、")),
    )
}

/// Where to look for what would be right.
pub(super) fn look(code: Code) -> Option<Words> {
    LOOK.iter().find(|(codes, ..)| codes.contains(&code)).map(|(_, words)| words.clone())
}

const LOOK: &[(&[Code], Words)] = &[
    (
        &[Code::MatterNotFound, Code::MatterRetired, Code::NotOnTheSpot],
        Words::fixed("GET /v1/matters lists the matters", "事项目录见 GET /v1/matters"),
    ),
    (
        &[Code::PlaceNotFound, Code::PlaceTooHigh],
        Words::fixed(
            "GET /v1/units?kind=grid finds places, also by name or within a unit",
            "可用 GET /v1/units?kind=grid 查地点，按 name 或 within 缩小",
        ),
    ),
    (
        &[
            Code::UnitUnknown,
            Code::UnitNotKnown,
            Code::UnitNotFound,
            Code::UnitNotOpen,
            Code::UnitClosed,
            Code::TargetNotFound,
            Code::TargetClosed,
            Code::SuccessorNotFound,
            Code::SuccessorUnfit,
            Code::RangeUnknown,
            Code::NoHolder,
        ],
        Words::fixed(
            "GET /v1/units?open=true finds units, by name, kind or within a unit",
            "可用 GET /v1/units?open=true 查单位，按 name、kind 或 within 缩小",
        ),
    ),
    (
        &[Code::TargetUnfit],
        Words::fixed(
            "GET /v1/cases/{id}/targets lists where it may go: hand_down below its holder, transfer in its township",
            "可去之处见 GET /v1/cases/{id}/targets：交办限下级，转办限同一乡镇",
        ),
    ),
    (
        &[Code::NotTheHolder, Code::UnitMissing, Code::SettlerNotTheHolder, Code::TargetIsHolder],
        Words::fixed(
            "GET /v1/cases/{id} names the holder and its moves",
            "责任单位和可用操作见 GET /v1/cases/{id}",
        ),
    ),
    (
        &[Code::CaseNotFound, Code::RefUnknown],
        Words::fixed("GET /v1/cases lists the cases", "案件列表见 GET /v1/cases"),
    ),
    (
        &[Code::OutcomeUnknown],
        Words::fixed(
            "what was refused is not remembered; what was accepted is for 24 hours, or 1,000,000 newer ones",
            "被拒绝的请求不保留记录；已受理的保留 24 小时，或至其后又受理 100 万条",
        ),
    ),
    (
        &[Code::ClientNotFound, Code::ClientNameTaken],
        Words::fixed("GET /v1/clients lists them", "客户端列表见 GET /v1/clients"),
    ),
    (
        &[Code::ScopeTooSmall],
        Words::fixed(
            "GET /v1/units/{code}/counts counts what lies below one of your units",
            "可用 GET /v1/units/{code}/counts 统计本令牌范围内的单位",
        ),
    ),
    (
        &[Code::OrganisationStale],
        Words::fixed("GET /v1/organisation tells the ETag", "ETag 见 GET /v1/organisation"),
    ),
    (&[Code::ConfigStale], Words::fixed("GET /v1/config tells the ETag", "ETag 见 GET /v1/config")),
    (
        &[Code::ScopeMissing, Code::NeedsAdmin],
        Words::fixed("GET /v1/me tells what this token may do", "本令牌的权限见 GET /v1/me"),
    ),
];
