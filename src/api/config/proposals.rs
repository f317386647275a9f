//! Proposals: their text is read, staged, compared with what is in force, and applied.

use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::response::Response;
use bytes::Bytes;
use http::header::{CONTENT_TYPE, ETAG, IF_MATCH, LOCATION};
use http::{HeaderMap, StatusCode, Uri};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::diff::DiffBody;
use super::kept::Kept;
use crate::api::admin::imports::{gone, import_id, not_begun, pieces, submit_piece};
use crate::api::app::App;
use crate::api::body::{Verb, Want};
use crate::api::caller::Caller;
use crate::api::codes::Code;
use crate::api::moment::Moment;
use crate::api::problem::Problem;
use crate::api::read::events::{ActorBody, EventNames};
use crate::api::read::{no_query, query};
use crate::api::reply::{AcceptedBody, ZHIDA_SEQ, ascii, json};
use crate::api::write::{Address, is_media_type, key, post, send_as, whole};
use crate::domain::catalogue::MatterRow;
use crate::domain::grant::Scope;
use crate::domain::ids::{ImportId, Seq};
use crate::domain::import::{CatalogueSize, ImportKind};
use crate::domain::limits::{CATALOGUE_TEXT_BYTES_MAX, NAME_BYTES_MAX, STAGED_ROWS_MAX};
use crate::domain::reply::About;
use crate::engine::Handle;
use crate::rules::{self, Words};

const TOML: &str = "application/toml";
/// What a proposal is called where nobody says.
const ORIGIN: &str = "catalogue.toml";

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct TextQuery {
    origin: Option<String>,
}

/// A catalogue that may follow the one in force.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Proposal)]
pub(in crate::api) struct ProposalBody {
    /// Its number.
    proposal: u32,
    /// Its newest event.
    last_seq: u64,
    /// When it was proposed.
    #[schema(value_type = String, format = DateTime)]
    at: Moment,
    /// Who proposed it.
    by: ActorBody,
    /// Where it comes from.
    origin: String,
    /// Its matters.
    matters: usize,
    /// Whether all of it was staged: less than all cannot be applied.
    complete: bool,
    /// The version of the configuration that it was compared with.
    config_seq: u64,
    /// What it would change.
    diff: DiffBody,
    /// Its text, where one proposal is asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<String>,
}

/// Propose a catalogue
///
/// The whole catalogue as its TOML text, at most 4 MiB. It is read at once: everything that is wrong
/// with it comes back, with line, column, field and hint. What is good is kept, and is in force once it
/// is applied. With an idempotency key of at most 56 bytes the whole may be sent again. For
/// administrators.
#[utoipa::path(
    post,
    path = "/v1/config/proposals",
    tag = "configuration",
    params(
        ("origin" = Option<String>, Query, description = "Where it comes from: a file's name"),
        ("Idempotency-Key" = Option<String>, Header, description = "At most 56 bytes"),
    ),
    request_body(content = String, content_type = TOML),
    responses(
        (status = 201, description = "It is proposed", body = ProposalBody, headers(
            ("Location" = String, description = "The proposal"),
            ("Zhida-Seq" = u64, description = "Its last event"),
        )),
    ),
)]
pub(in crate::api) async fn propose_config(
    State(app): State<App>,
    uri: Uri,
    request: Request,
) -> Result<Response, Problem> {
    let (caller, headers, origin, bytes) = catalogue_text(&app, &uri, request).await?;
    let (rows, text) = parsed(&app, &origin, bytes).await?;
    let (import, last_seq) = stage(&app, &caller, &headers, &origin, &text, &rows).await?;
    let read = move |handle: &Handle| {
        let kept = Kept::read(handle, last_seq)?;
        Ok::<_, Problem>(proposal(handle, import, last_seq, &kept))
    };
    let body = app.handle().blocking_read(read).await??;
    let mut response = json(&body);
    *response.status_mut() = StatusCode::CREATED;
    let headers = response.headers_mut();
    headers.insert(LOCATION, ascii(format!("/v1/config/proposals/{import}")));
    headers.insert(ZHIDA_SEQ, last_seq.0.into());
    Ok(response.map(Into::into))
}

/// What a text would change.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Validated)]
pub(in crate::api) struct ValidatedBody {
    /// Its matters.
    matters: usize,
    /// The version of the configuration that it was compared with.
    config_seq: u64,
    /// What it would change.
    diff: DiffBody,
}

/// Check a catalogue
///
/// As proposing does, and keeps nothing. For administrators.
#[utoipa::path(
    post,
    path = "/v1/config/validate",
    tag = "configuration",
    params(("origin" = Option<String>, Query, description = "Where it comes from: a file's name")),
    request_body(content = String, content_type = TOML),
    responses(
        (status = 200, description = "It is good", body = ValidatedBody),
    ),
)]
pub(in crate::api) async fn validate_config(
    State(app): State<App>,
    uri: Uri,
    request: Request,
) -> Result<Response, Problem> {
    let (_, _, origin, bytes) = catalogue_text(&app, &uri, request).await?;
    let (rows, _) = parsed(&app, &origin, bytes).await?;
    let read = move |handle: &Handle| {
        let catalogue = handle.view().catalogue();
        ValidatedBody {
            matters: rows.len(),
            config_seq: catalogue.version().0,
            diff: DiffBody::of(handle.view(), &catalogue, &rows),
        }
    };
    let body = app.handle().blocking_read(read).await?;
    Ok(json(&body).map(Into::into))
}

/// Show a proposal
///
/// Its text, and what it would change of the configuration as it is in force now. For administrators.
#[utoipa::path(
    get,
    path = "/v1/config/proposals/{id}",
    tag = "configuration",
    params(("id" = u32, Path, description = "The proposal")),
    responses(
        (status = 200, description = "It is open", body = ProposalBody),
    ),
)]
pub(in crate::api) async fn get_proposal(
    State(app): State<App>,
    Path(id): Path<String>,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, Problem> {
    Caller::with(&app, &headers, Scope::Admin)?;
    no_query(&uri)?;
    let import = import_id(&id)?;
    let last_seq = open_proposal(&app, import)?.ok_or_else(|| gone(&app, import))?;
    let read = move |handle: &Handle| {
        let kept = Kept::read(handle, last_seq)?;
        let body = proposal(handle, import, last_seq, &kept);
        Ok::<_, Problem>(ProposalBody { text: Some(kept.text), ..body })
    };
    let body = app.handle().blocking_read(read).await??;
    Ok(json(&body).map(Into::into))
}

/// Apply a proposal
///
/// It is in force, whole, from here on. A matter that it has not is retired: no case of it can be
/// reported any more. It is refused where such a matter has open cases. `If-Match` is required: the
/// version of the configuration. For administrators.
#[utoipa::path(
    post,
    path = "/v1/config/proposals/{id}/apply",
    tag = "configuration",
    params(
        ("id" = u32, Path, description = "The proposal"),
        ("If-Match" = String, Header, description = "The configuration's ETag, from `GET /v1/config`; or `*`"),
    ),
    responses(
        (status = 200, description = "It is in force", body = AcceptedBody, headers(
            ("ETag" = String, description = "The configuration's version"),
            ("Zhida-Seq" = u64, description = "The same"),
        )),
    ),
)]
pub(in crate::api) async fn apply_proposal(
    State(app): State<App>,
    Path(id): Path<String>,
    request: Request,
) -> Result<Response, Problem> {
    let (http::request::Parts { headers, .. }, body) = request.into_parts();
    let caller = Caller::with(&app, &headers, Scope::Admin)?;
    let import = import_id(&id)?;
    // One that is gone may have been applied under the same key: the rules know.
    let last_seq = open_proposal(&app, import)?;
    if !headers.contains_key(IF_MATCH) {
        let detail = Words::new(
            "If-Match: the configuration's ETag, from GET /v1/config; or *",
            "If-Match 应为配置的 ETag（见 /v1/config），或 *",
        );
        return Err(Problem::detailed(Code::PreconditionRequired, detail));
    }
    let address = Address { import: Some(import), ..Address::of(Verb::CommitImport) };
    let applied = post(app.clone(), caller, headers, body, address).await;
    match (applied, last_seq) {
        (Ok(mut response), _) => {
            let version = response.headers().get(ZHIDA_SEQ).and_then(|seq| seq.to_str().ok());
            let etag = ascii(format!("\"{}\"", version.unwrap_or_default()));
            response.headers_mut().insert(ETAG, etag);
            Ok(response.map(Body::from))
        }
        (Err(refused), Some(last_seq)) if refused.code() == Code::MatterHasOpenCases => {
            let read = move |handle: &Handle| {
                let kept = Kept::read(handle, last_seq)?;
                let catalogue = handle.view().catalogue();
                let diff = DiffBody::of(handle.view(), &catalogue, &kept.rows);
                Ok::<_, Problem>(diff.retired_with_open_cases())
            };
            Err(refused.about_matters(app.handle().blocking_read(read).await??))
        }
        (Err(refused), _) if refused.code() == Code::ImportNotFound => Err(gone(&app, import)),
        (Err(refused), _) => Err(refused),
    }
}

/// The newest event of a proposal; none where no import of that number is open.
fn open_proposal(app: &App, import: ImportId) -> Result<Option<Seq>, Problem> {
    match app.handle().view().import(import) {
        Some(summary) if summary.kind == ImportKind::Units => {
            let detail = Words::new("it is an import of units", "该导入是单位导入");
            Err(Problem::detailed(Code::ImportNotFound, detail))
        }
        summary => Ok(summary.map(|summary| summary.last_seq)),
    }
}

fn proposal(handle: &Handle, import: ImportId, last_seq: Seq, kept: &Kept) -> ProposalBody {
    let catalogue = handle.view().catalogue();
    ProposalBody {
        proposal: import.0,
        last_seq: last_seq.0,
        at: Moment(kept.begun.at),
        by: ActorBody::of(&EventNames::of(handle.view()), &kept.begun),
        origin: kept.origin.to_string(),
        matters: kept.rows.len(),
        complete: kept.is_complete(),
        config_seq: catalogue.version().0,
        diff: DiffBody::of(handle.view(), &catalogue, &kept.rows),
        text: None,
    }
}

/// Who asks, and the text that came.
async fn catalogue_text(
    app: &App,
    uri: &Uri,
    request: Request,
) -> Result<(Caller, HeaderMap, String, Bytes), Problem> {
    let (parts, body) = request.into_parts();
    let caller = Caller::with(app, &parts.headers, Scope::Admin)?;
    let asked: TextQuery = query(uri)?;
    let origin = asked.origin.unwrap_or_else(|| ORIGIN.to_owned());
    if rules::is_blank(&origin) || origin.len() > NAME_BYTES_MAX {
        let detail = Words::new(
            format!("origin: 1 to {NAME_BYTES_MAX} bytes"),
            format!("origin 应为 1 至 {NAME_BYTES_MAX} 字节"),
        );
        return Err(Problem::detailed(Code::InvalidQuery, detail));
    }
    if let Some((message, hint)) = rules::fault_of_name(&origin) {
        let Words { english, chinese } = message.and(&hint);
        let detail = Words::new(format!("origin: {english}"), format!("origin：{chinese}"));
        return Err(Problem::detailed(Code::InvalidQuery, detail));
    }
    if let Some(kind) = parts.headers.get(CONTENT_TYPE)
        && !is_media_type(kind.as_bytes(), &[TOML])
    {
        return Err(send_as(TOML));
    }
    let options = app.options();
    let bytes_max = CATALOGUE_TEXT_BYTES_MAX.min(options.bulk_body_bytes_max);
    let patience = options.bulk_body_read_timeout;
    let bytes = whole(body, &parts.headers, bytes_max, patience).await?;
    Ok((caller, parts.headers, origin, bytes))
}

/// The rows of a text, which comes back, or everything that is wrong with it.
async fn parsed(
    app: &App,
    origin: &str,
    bytes: Bytes,
) -> Result<(Vec<MatterRow>, String), Problem> {
    let origin = origin.to_owned();
    // A full catalogue takes a while: off the I/O thread.
    let read = move |_: &Handle| {
        let rows = rules::parse_catalogue(&origin, &bytes).map_err(Problem::found)?;
        let text = String::from_utf8(bytes.into()).expect("what was read from it is text");
        Ok::<_, Problem>((rows, text))
    };
    app.handle().blocking_read(read).await?
}

/// Stages all of a proposal, and gives its number and newest event. What is refused midway is
/// abandoned.
async fn stage(
    app: &App,
    caller: &Caller,
    headers: &HeaderMap,
    origin: &str,
    text: &str,
    rows: &[MatterRow],
) -> Result<(ImportId, Seq), Problem> {
    let key = key(headers)?;
    let count = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
    let size = CatalogueSize { matters: count(rows.len()), text_bytes: count(text.len()) };
    let begin = Want::BeginImport(origin.into(), ImportKind::Catalogue(size));
    let begun = submit_piece(app, caller, key, 1, begin).await;
    let begun = begun.map_err(|refused| not_begun(app, refused))?.reply;
    let About::Import(import) = begun.about else {
        return Err(Problem::new(Code::Internal));
    };
    let texts = pieces(text).into_iter();
    let texts = texts.map(|piece| Want::StageText(import, piece.into()));
    let rows = rows.chunks(STAGED_ROWS_MAX).map(|rows| Want::StageMatters(import, rows.to_vec()));
    let mut last_seq = begun.seq;
    for (piece, want) in (2..).zip(texts.chain(rows)) {
        match submit_piece(app, caller, key, piece, want).await {
            Ok(staged) => last_seq = staged.reply.seq,
            Err(refused) => {
                // Where this fails too it stands open, and incomplete: it cannot be applied.
                let abandon = Want::AbandonImport(import);
                drop(submit_piece(app, caller, None, 0, abandon).await);
                return Err(refused);
            }
        }
    }
    Ok((import, last_seq))
}
