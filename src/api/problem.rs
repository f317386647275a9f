//! What a client is told when a request is not done: RFC 9457, with a stable code.
//!
//! A problem travels without language or request id; the door renders it last, so that every way
//! out of the server says it in the same form.

use http::header::{ALLOW, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderValue, Response, StatusCode};
use serde::Serialize;
use utoipa::ToSchema;

use super::body::{BodyFault, Flaw, FlawCode};
use super::codes::Code;
use super::language::Language;
use super::moment::{CodeText, Moment};
use super::named::Blame;
use super::quota::RateLimit;
use super::refusal::{self, Carried};
use crate::domain::case::{Move, Moves, StatusName};
use crate::domain::ids::CaseId;
use crate::domain::limits::FINDINGS_MAX;
use crate::domain::rejection::Rejection;
use crate::engine::{ReadError, ReadsFull, SealError, SubmitError};
use crate::rules::{Finding, Words};

/// The media type of problems.
pub const PROBLEM_JSON: &str = "application/problem+json";

/// Why a request is not done.
#[derive(Clone, Debug)]
pub(super) struct Problem(Box<Inner>);

#[derive(Clone, Debug)]
struct Inner {
    code: Code,
    said: Said,
    findings: Vec<Finding>,
    matters: Vec<OpenMatter>,
    rejection: Option<Rejection>,
    allow: Option<HeaderValue>,
    rate_limit: Option<RateLimit>,
}

impl Problem {
    pub(super) fn new(code: Code) -> Self {
        Self(Box::new(Inner {
            code,
            said: Said::default(),
            findings: Vec::new(),
            matters: Vec::new(),
            rejection: None,
            allow: None,
            rate_limit: None,
        }))
    }

    pub(super) fn detailed(code: Code, detail: Words) -> Self {
        let mut problem = Self::new(code);
        problem.0.said.detail = Some(detail);
        problem
    }

    /// The same, with more said of it.
    pub(super) fn with_detail(mut self, detail: Words) -> Self {
        self.0.said.detail = Some(detail);
        self
    }

    /// What is asked for is not there: which, and where to look.
    pub(super) fn naming(code: Code, value: &str) -> Self {
        Self::new(code).saying(Said { detail: refusal::about(code, value), ..Said::default() })
    }

    /// It is not to be had here, and where to look instead.
    pub(super) fn directing(code: Code) -> Self {
        Self::new(code).saying(Said { detail: refusal::look(code), ..Said::default() })
    }

    /// The same, with that said of it.
    pub(super) fn saying(mut self, said: Said) -> Self {
        self.0.said = said;
        self
    }

    pub(super) fn flawed(flaws: Vec<Flaw>) -> Self {
        let mut problem = Self::new(Code::InvalidBody);
        problem.0.said.flaws = flaws;
        problem
    }

    /// A text of the configuration has these faults; the first of them are told.
    pub(super) fn found(mut findings: Vec<Finding>) -> Self {
        findings.truncate(FINDINGS_MAX);
        let mut problem = Self::new(Code::ConfigInvalid);
        problem.0.findings = findings;
        problem
    }

    /// The same, with the matters that it is about.
    pub(super) fn about_matters(mut self, matters: Vec<OpenMatter>) -> Self {
        self.0.matters = matters;
        self
    }

    /// The same, with the methods that the address takes.
    pub(super) fn allowing(mut self, allow: Option<HeaderValue>) -> Self {
        self.0.allow = allow;
        self
    }

    /// Too much was asked in a minute.
    pub(super) fn over_quota(rate_limit: RateLimit) -> Self {
        let seconds = rate_limit.retry_seconds();
        Self::detailed(
            Code::QuotaExceeded,
            Words::new(format!("the next one in {seconds} s"), format!("{seconds} 秒后可再试")),
        )
        .limited(Some(rate_limit))
    }

    /// The same, with how the client stands with its quota.
    pub(super) fn limited(mut self, rate_limit: Option<RateLimit>) -> Self {
        self.0.rate_limit = rate_limit.or(self.0.rate_limit);
        self
    }

    pub(super) fn code(&self) -> Code {
        self.0.code
    }

    /// The parts of it that a stream keeps for a line.
    pub(super) fn into_line(self) -> (Code, Said) {
        (self.0.code, self.0.said)
    }

    /// The whole answer.
    pub(super) fn response(
        &self,
        language: Language,
        request_id: Option<String>,
    ) -> Response<Vec<u8>> {
        let Inner { code, said, findings, matters, rejection, allow, rate_limit } = &*self.0;
        let mut told = Told::new(*code, said, rejection.as_ref(), language);
        told.errors.extend(findings.iter().map(|finding| FieldError::of(finding, language)));
        told.matters.clone_from(matters);
        let body =
            ProblemBody { kind: format!("urn:zhida:problem:{}", code.name()), told, request_id };
        let body = serde_json::to_vec(&body).expect("texts have a JSON form");
        let mut response = Response::new(body);
        *response.status_mut() =
            StatusCode::from_u16(code.status()).expect("the table holds HTTP statuses");
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(PROBLEM_JSON));
        language.tell(headers);
        if let Some(seconds) = code.retry_after_seconds() {
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        if let Some(rate_limit) = rate_limit {
            rate_limit.tell(headers);
            if *code == Code::QuotaExceeded {
                headers.insert(RETRY_AFTER, HeaderValue::from(rate_limit.retry_seconds()));
            }
        }
        if let Some(allow) = allow {
            headers.insert(ALLOW, allow.clone());
        }
        if code.status() == 401 {
            let challenge = if *code == Code::TokenMissing {
                "Bearer realm=\"zhida\""
            } else {
                "Bearer realm=\"zhida\", error=\"invalid_token\""
            };
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
        }
        response
    }
}

impl From<Rejection> for Problem {
    fn from(rejection: Rejection) -> Self {
        let mut problem = Self::new(Code::of(&rejection));
        problem.0.rejection = Some(rejection);
        problem
    }
}

impl From<BodyFault> for Problem {
    fn from(fault: BodyFault) -> Self {
        match fault {
            BodyFault::BadUtf8 => Self::new(Code::BadUtf8),
            BodyFault::Malformed(words) => Self::detailed(Code::MalformedJson, words),
            BodyFault::Flawed(flaws) => Self::flawed(flaws),
        }
    }
}

impl From<SubmitError> for Problem {
    fn from(error: SubmitError) -> Self {
        match error {
            SubmitError::Rejected(rejection) => rejection.into(),
            SubmitError::Overloaded => Self::new(Code::Overloaded),
            SubmitError::DiskFull => Self::new(Code::DiskFull),
            SubmitError::NotDurable => Self::new(Code::NotDurable),
            SubmitError::Stopping => Self::new(Code::Stopping),
            SubmitError::Read(error) => error.into(),
        }
    }
}

impl From<ReadError> for Problem {
    fn from(error: ReadError) -> Self {
        tracing::error!(%error, "the journal cannot be read");
        Self::new(Code::JournalUnreadable)
    }
}

impl From<ReadsFull> for Problem {
    fn from(_: ReadsFull) -> Self {
        Self::new(Code::Overloaded)
    }
}

impl From<SealError> for Problem {
    fn from(error: SealError) -> Self {
        if let SealError::NoneLeft { .. } = error {
            return Self::new(Code::VaultEmpty);
        }
        tracing::error!(%error, "the vault does not do its work");
        Self::new(Code::Internal)
    }
}

impl axum::response::IntoResponse for Problem {
    /// The door renders it: only there are language and request id known.
    fn into_response(self) -> axum::response::Response {
        let mut response = axum::response::Response::default();
        *response.status_mut() =
            StatusCode::from_u16(self.0.code.status()).expect("the table holds HTTP statuses");
        response.extensions_mut().insert(self);
        response
    }
}

/// What is said of a problem beside its code; a stream keeps it of a bad line.
#[derive(Clone, Debug, Default)]
pub(super) struct Said {
    pub(super) detail: Option<Words>,
    /// What is wrong with the body.
    pub(super) flaws: Vec<Flaw>,
    /// The field that the rules refuse.
    pub(super) blame: Option<Blame>,
    /// What may be done instead.
    pub(super) standing: Option<Standing>,
}

/// What a case is at, and what may be done with it now.
#[derive(Clone, Copy, Debug)]
pub(super) struct Standing {
    pub(super) case: CaseId,
    pub(super) status: StatusName,
    /// By the unit acted for, or where none was, by whoever answers for the case.
    pub(super) moves: Moves,
}

impl Said {
    /// Bytes that it keeps, roughly.
    pub(super) fn bytes(&self) -> usize {
        let detail = self.detail.as_ref().map_or(0, Words::bytes);
        let blame = self.blame.as_ref().map_or(0, Blame::bytes);
        size_of::<Self>() + detail + blame + self.flaws.iter().map(Flaw::bytes).sum::<usize>()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.detail.is_none()
            && self.flaws.is_empty()
            && self.blame.is_none()
            && self.standing.is_none()
    }
}

/// A problem (RFC 9457). Tell problems apart by `code`.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Problem)]
pub(super) struct ProblemBody {
    /// `urn:zhida:problem:` and the code.
    #[serde(rename = "type")]
    pub(super) kind: String,
    #[serde(flatten)]
    pub(super) told: Told,
    /// Names this answer in the server's log.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) request_id: Option<String>,
}

/// What is told of a request, or of a line, that was not done.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Told)]
pub(super) struct Told {
    /// The stable code.
    pub(super) code: &'static str,
    /// The HTTP status.
    pub(super) status: u16,
    /// One sentence, in the reader's language.
    pub(super) title: &'static str,
    /// More of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) detail: Option<String>,
    /// Every field that is wrong.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) errors: Vec<FieldError>,
    /// The case that it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) case: Option<u32>,
    /// What that case is at.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) case_status: Option<&'static str>,
    /// The scope that is missing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) scope: Option<&'static str>,
    /// What may be done now: by the unit acted for, or where none was, by whoever answers for the case.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) moves: Option<Vec<&'static str>>,
    /// The version that it has.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) version: Option<u32>,
    /// What the clock says.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub(super) now: Option<Moment>,
    /// The unit that it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub(super) unit: Option<CodeText>,
    /// The version that the organisation has.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) organisation_seq: Option<u64>,
    /// The version that the configuration has.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) config_seq: Option<u64>,
    /// The matters that have open cases.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) matters: Vec<OpenMatter>,
}

/// A matter that has open cases.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(super) struct OpenMatter {
    /// What names it.
    pub(super) code: String,
    /// As the city calls it.
    pub(super) name: String,
    /// How many.
    pub(super) open_cases: u32,
}

/// A field that is wrong.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct FieldError {
    /// JSON pointer to it.
    pub(super) pointer: String,
    /// In what way.
    pub(super) code: &'static str,
    /// One sentence.
    pub(super) detail: String,
    /// The line that it stands on, in a text of several.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) line: Option<u32>,
    /// Its column there, in characters from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) column: Option<u32>,
    /// The field of the entry that stands there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) field: Option<String>,
    /// What would be right.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) hint: Option<String>,
}

impl FieldError {
    fn of_flaw(flaw: &Flaw, language: Language) -> Self {
        Self::new(
            flaw.pointer.clone().into_owned(),
            flaw.code.name(),
            flaw.detail(language).into_owned(),
        )
    }

    /// A field that the rules refuse: in the problem's own words, of that value.
    fn of_blame(code: Code, blame: &Blame, language: Language) -> Self {
        let title = code.title(language);
        let detail = match &blame.note {
            None => title.to_owned(),
            Some(note) => [title, language.colon(), language.pick(note)].concat(),
        };
        Self::new(blame.pointer.clone().into_owned(), code.name(), detail)
    }

    fn new(pointer: String, code: &'static str, detail: String) -> Self {
        Self { pointer, code, detail, line: None, column: None, field: None, hint: None }
    }

    /// A fault of a text, which has lines and no pointers of its own: `/line/field`.
    fn of(finding: &Finding, language: Language) -> Self {
        let field = finding.field.as_ref().map(|field| format!("/{field}")).unwrap_or_default();
        let pointer = format!("/{}{field}", finding.line);
        let detail = language.pick(&finding.message).to_owned();
        Self {
            line: Some(finding.line),
            column: finding.column,
            field: finding.field.clone(),
            hint: Some(language.pick(&finding.hint).to_owned()),
            ..Self::new(pointer, FlawCode::BadEntry.name(), detail)
        }
    }
}

impl Told {
    pub(super) fn new(
        code: Code,
        said: &Said,
        rejection: Option<&Rejection>,
        language: Language,
    ) -> Self {
        let Said { detail, flaws, blame, standing } = said;
        let flaws = flaws.iter().map(|flaw| FieldError::of_flaw(flaw, language));
        let blamed = blame.iter().map(|blame| FieldError::of_blame(code, blame, language));
        // Of a refusal that nothing was said of, what it carries.
        let carried = rejection.filter(|_| said.is_empty());
        let carried = carried.and_then(|rejection| refusal::words(rejection, None));
        let detail = detail.as_ref().or(carried.as_ref());
        let mut told = Self {
            code: code.name(),
            status: code.status(),
            title: code.title(language),
            detail: detail.map(|words| language.pick(words).to_owned()),
            errors: flaws.chain(blamed).collect(),
            case: None,
            case_status: None,
            scope: None,
            moves: None,
            version: None,
            now: None,
            unit: None,
            organisation_seq: None,
            config_seq: None,
            matters: Vec::new(),
        };
        if let Some(rejection) = rejection {
            told.carry(rejection);
        }
        if let Some(standing) = standing {
            told.stand(*standing);
        }
        told
    }

    fn stand(&mut self, Standing { case, status, moves }: Standing) {
        self.case = Some(case.0);
        self.case_status = Some(status.name());
        self.moves = Some(moves.iter().map(Move::name).collect());
    }

    /// What a refusal carries beside its code.
    fn carry(&mut self, rejection: &Rejection) {
        match Carried::by(rejection) {
            Carried::Unit(unit) | Carried::Holder(unit) => self.unit = Some(CodeText(unit)),
            Carried::Standing(standing) => self.stand(standing),
            Carried::Version(case, version) => {
                self.case = Some(case.0);
                self.version = Some(version);
            }
            Carried::Case(case) => self.case = Some(case.0),
            Carried::Namesake(case) => self.case = case.map(|case| case.0),
            Carried::Organisation(seq) => self.organisation_seq = Some(seq.0),
            Carried::Catalogue(seq) => self.config_seq = Some(seq.0),
            Carried::Now(now) => self.now = Some(Moment(now)),
            Carried::Scope(scope) => self.scope = Some(scope.name()),
            Carried::Nothing | Carried::OpenCases { .. } => {}
        }
    }
}
