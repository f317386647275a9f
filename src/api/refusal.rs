//! What is said of a refusal beside its title: the value that was refused, what stands instead, and
//! where to look.

use super::codes::Code;
use super::problem::Standing;
use crate::domain::case::{Move, Moves, StatusName};
use crate::domain::code::UnitCode;
use crate::domain::grant::Scope;
use crate::domain::ids::{CaseId, Seq, Timestamp};
use crate::domain::rejection::Rejection;
use crate::rules::{Words, write_moment};

/// What is said of a refusal; `value` is what the command named.
pub(super) fn words(rejection: &Rejection, value: Option<&str>) -> Option<Words> {
    let carried = Carried::by(rejection);
    let value = match (value, &carried) {
        (Some(value), _) => Some(said(value)),
        (None, Carried::Unit(unit)) => Some(said(&unit.to_string())),
        (None, _) => None,
    };
    joined(joined(value, carried.words()), look(Code::of(rejection)))
}

/// The value, and where to look for a better one.
pub(super) fn about(code: Code, value: &str) -> Option<Words> {
    joined(Some(said(value)), look(code))
}

/// What a refusal carries beside its code: the one place that takes every refusal apart.
pub(super) enum Carried {
    Nothing,
    /// The unit that it is about.
    Unit(UnitCode),
    /// The unit that would hold the case.
    Holder(UnitCode),
    /// The case that it is about.
    Case(CaseId),
    /// The case that has the source's number.
    Namesake(Option<CaseId>),
    /// The case, and the version that it has.
    Version(CaseId, u32),
    /// The case, and what may be done with it instead.
    Standing(Standing),
    /// The version that the organisation has.
    Organisation(Seq),
    /// The version that the catalogue has.
    Catalogue(Seq),
    /// What the clock says.
    Now(Timestamp),
    /// The scope that is missing.
    Scope(Scope),
    /// How many matters have open cases, and how many cases these are. Which they are is told by whoever
    /// has the rows.
    OpenCases {
        matters: u32,
        cases: u32,
    },
}

impl Carried {
    pub(super) const fn by(rejection: &Rejection) -> Self {
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
            | Rejection::RangeUnknown { unit } => Self::Unit(unit),
            Rejection::TargetUnfit { case } => Self::Case(case),
            Rejection::SourceNumberTaken { case } => Self::Namesake(case),
            Rejection::VersionStale { case, version } => Self::Version(case, version),
            Rejection::MoveNotAllowed { case, status, moves }
            | Rejection::NotTheHolder { case, status, moves }
            | Rejection::NeedsCentre { case, status, moves } => {
                Self::Standing(Standing { case, status, moves })
            }
            Rejection::OrganisationStale { seq } => Self::Organisation(seq),
            Rejection::CatalogueStale { seq } => Self::Catalogue(seq),
            Rejection::AtBeforeNow { now } | Rejection::OccurredInFuture { now } => Self::Now(now),
            Rejection::SettlerNotTheHolder { holder } => Self::Holder(holder),
            Rejection::ScopeMissing { scope } => Self::Scope(scope),
            Rejection::MatterHasOpenCases { matters, cases } => Self::OpenCases { matters, cases },
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
            | Rejection::AtNotDriven
            | Rejection::ClientNameTaken
            | Rejection::ClientNotFound
            | Rejection::LastAdmin
            | Rejection::ClientsFull
            | Rejection::ImportNotFound
            | Rejection::ImportsFull
            | Rejection::ImportEmpty
            | Rejection::ImportIncomplete
            | Rejection::TooMuchAtOnce
            | Rejection::AdminWithin
            | Rejection::ImportOfOtherKind
            | Rejection::RowsOutOfBounds
            | Rejection::OrganisationFull
            | Rejection::JournalOpen
            | Rejection::OutOfBounds
            | Rejection::TargetNotFound
            | Rejection::TargetIsHolder
            | Rejection::TokenExpired
            | Rejection::ExpiresInPast
            | Rejection::ClaimantConfidential
            | Rejection::TokenTaken => Self::Nothing,
        }
    }

    /// It in words; a unit goes by the name that the command gave it.
    fn words(&self) -> Option<Words> {
        Some(match *self {
            Self::Version(_, version) => {
                Words::new(format!("it has version {version}"), format!("现为第 {version} 版"))
            }
            Self::Organisation(seq) | Self::Catalogue(seq) => {
                Words::new(format!("it has version {seq}"), format!("现为第 {seq} 版"))
            }
            Self::Standing(Standing { status, moves, .. }) => standing(status, moves),
            Self::Namesake(case) => {
                let case = case?;
                Words::new(format!("case {case} has it"), format!("案件 {case} 已用此编号"))
            }
            Self::Now(now) => {
                let now = write_moment(now)?;
                Words::new(format!("the clock says {now}"), format!("当前时钟为 {now}"))
            }
            Self::Holder(unit) => {
                Words::new(format!("{unit} would hold it"), format!("将由 {unit} 受理"))
            }
            Self::Scope(scope) => said(scope.name()),
            Self::OpenCases { matters, cases } => Words::new(
                format!("{cases} open cases of {matters} matters"),
                format!("{matters} 个事项共有 {cases} 件未结案件"),
            ),
            Self::Nothing | Self::Unit(_) | Self::Case(_) => return None,
        })
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
        &[Code::UnitMissing, Code::TargetIsHolder],
        Words::fixed(
            "GET /v1/cases/{id} names the holder and its moves",
            "责任单位和可用操作见 GET /v1/cases/{id}",
        ),
    ),
    (
        &[Code::NotTheHolder],
        Words::fixed(
            "the holder moves a case on, whoever ended it opens it again, or a governance room above: \
             GET /v1/cases/{id} names them, with by= what a unit may do",
            "由责任单位办理；重办限结束案件的单位或上级社会治理室。见 GET /v1/cases/{id}，带 by= 可查某单位的可用操作",
        ),
    ),
    (
        &[Code::SettlerNotTheHolder],
        Words::fixed(
            "report it without settle, or by that unit",
            "请不带 settle 上报，或以该单位办结",
        ),
    ),
    (
        &[Code::KeyReused],
        Words::fixed(
            "another body, or another address, came under it: GET /v1/outcomes/{key} tells what became of that",
            "此前的请求体或地址与本次不同，其结果见 GET /v1/outcomes/{key}",
        ),
    ),
    (
        &[Code::TooMuchAtOnce],
        Words::fixed(
            "close fewer units at a time: each that holds cases takes an event",
            "请减少一次停用的单位：每个持有案件的单位产生一条变更",
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
