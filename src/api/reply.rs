//! What a client is told of an accepted command.

use bytes::Bytes;
use http::header::{CONTENT_TYPE, ETAG, HeaderName, LOCATION};
use http::{HeaderMap, HeaderValue, Response, StatusCode};
use serde::Serialize;
use utoipa::ToSchema;

use super::moment::{CodeText, Moment};
use crate::domain::case::StatusName;
use crate::domain::reply::{About, Reply};
use crate::engine::Accepted;
use crate::engine::Timing;
use crate::engine::View;

/// The last event of a write; the last event given by the feed.
pub const ZHIDA_SEQ: HeaderName = HeaderName::from_static("zhida-seq");
/// What a read must have seen.
pub const ZHIDA_MIN_SEQ: HeaderName = HeaderName::from_static("zhida-min-seq");
/// What the clock may do.
pub const ZHIDA_CLOCK: HeaderName = HeaderName::from_static("zhida-clock");
/// On the reply to a command that was accepted before, under the same key.
pub const ZHIDA_REPEAT: HeaderName = HeaderName::from_static("zhida-repeat");
/// Asked by a request that has the same header.
pub const SERVER_TIMING: HeaderName = HeaderName::from_static("server-timing");
/// What makes a command known again.
pub const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// The media type of answers.
pub(super) const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// An accepted command.
#[derive(Debug, Default, Serialize, ToSchema)]
#[schema(as = Accepted)]
pub(super) struct AcceptedBody {
    /// Its last event.
    pub(super) seq: u64,
    /// The case that it was about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) case: Option<u32>,
    /// The case's version after it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) version: Option<u32>,
    /// What the case was at after it; not told of a note.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) status: Option<&'static str>,
    /// Who got the case, where the command routed it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub(super) holder: Option<CodeText>,
    /// When the holder's clock turns red, where the command set it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub(super) node_due_at: Option<Moment>,
    /// When the whole case's clock turns red, where the command set it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub(super) total_due_at: Option<Moment>,
    /// The import that it was about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) import: Option<u32>,
    /// The version that the organisation has after it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) organisation_seq: Option<u64>,
    /// The client that it was about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) client: Option<String>,
    /// The new client's token: told once, kept nowhere.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) token: Option<String>,
}

impl AcceptedBody {
    pub(super) fn of(view: &View, reply: &Reply) -> Self {
        let mut body = Self { seq: reply.seq.0, ..Self::default() };
        match &reply.about {
            About::Case(case) => {
                let holder = case.holder.and_then(|holder| view.organisation().code(holder));
                body.case = Some(case.case.0);
                body.version = Some(case.version);
                body.status = case.status.map(StatusName::name);
                body.holder = holder.map(CodeText);
                body.node_due_at = case.deadlines.map(|deadlines| Moment(deadlines.node_due_at));
                body.total_due_at = case.deadlines.map(|deadlines| Moment(deadlines.total_due_at));
            }
            About::Import(import) => body.import = Some(import.0),
            About::Client(principal) => {
                let clients = view.clients();
                body.client = clients.get(*principal).map(|client| client.name.to_string());
            }
            About::Organisation => body.organisation_seq = Some(reply.seq.0),
            About::Journal => {}
        }
        body
    }
}

/// Whether a request asks where the time went.
pub(super) fn wants_timing(headers: &HeaderMap) -> bool {
    headers.contains_key(&SERVER_TIMING)
}

/// The answer to an accepted command.
pub(super) fn accepted(
    view: &View,
    accepted: &Accepted,
    status: StatusCode,
    wants_timing: bool,
) -> Response<Bytes> {
    written(&AcceptedBody::of(view, &accepted.reply), accepted, status, wants_timing)
}

/// The same, once its body is made.
pub(super) fn written<T: Serialize>(
    body: &T,
    accepted: &Accepted,
    status: StatusCode,
    wants_timing: bool,
) -> Response<Bytes> {
    let json = serde_json::to_vec(body).expect("numbers and texts have a JSON form");
    let mut response = Response::new(Bytes::from(json));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, JSON);
    headers.insert(ZHIDA_SEQ, HeaderValue::from(accepted.reply.seq.0));
    if let About::Case(case) = &accepted.reply.about {
        headers.insert(ETAG, etag(case.version));
        if status == StatusCode::CREATED {
            let location = format!("/v1/cases/{}", case.case);
            headers.insert(LOCATION, ascii(location));
        }
    }
    if let About::Organisation = &accepted.reply.about {
        headers.insert(ETAG, ascii(format!("\"{}\"", accepted.reply.seq)));
    }
    if accepted.is_repeat {
        headers.insert(ZHIDA_REPEAT, HeaderValue::from_static("true"));
    }
    if wants_timing {
        headers.insert(SERVER_TIMING, server_timing(&accepted.timing));
    }
    response
}

/// A case's version as an entity tag.
pub(super) fn etag(version: u32) -> HeaderValue {
    ascii(format!("\"{version}\""))
}

/// A header of ASCII that we wrote ourselves.
pub(super) fn ascii(text: String) -> HeaderValue {
    HeaderValue::try_from(text).expect("visible ASCII")
}

/// Milliseconds by where they went.
fn server_timing(timing: &Timing) -> HeaderValue {
    let ms = |us: u32| f64::from(us) / 1_000.0;
    ascii(format!(
        "queue;dur={:.3}, decide;dur={:.3}, commit;dur={:.3}, publish;dur={:.3}",
        ms(timing.queue_us),
        ms(timing.decide_us),
        ms(timing.commit_us),
        ms(timing.publish_us),
    ))
}

/// An answer to a question.
pub(super) fn json<T: Serialize>(body: &T) -> Response<Bytes> {
    let json = serde_json::to_vec(body).expect("our answers have a JSON form");
    let mut response = Response::new(Bytes::from(json));
    response.headers_mut().insert(CONTENT_TYPE, JSON);
    response
}
