//! Who claims, shown in plain: once, after the event that says so is durable.

use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::response::Response;
use http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;

use super::app::App;
use super::body::{Reveal, Verb, Want, read_post};
use super::caller::Caller;
use super::problem::Problem;
use super::read::parts::{self, ClaimantBody};
use super::reply::{AcceptedBody, wants_timing, written};
use super::schema;
use super::write::{Address, addressed, case_of_path, read_body, submit};
use crate::domain::case::ClaimantFields;
use crate::domain::ids::CaseId;
use crate::engine::Handle;

/// What was revealed.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Revealed)]
pub(super) struct RevealedBody {
    #[serde(flatten)]
    accepted: AcceptedBody,
    /// The fields that were asked for, in plain; none where the case has no claimant, its key was
    /// erased, or the answer repeats an earlier one.
    #[serde(skip_serializing_if = "Option::is_none")]
    claimant: Option<ClaimantBody>,
}

/// Reveal who claims
///
/// In plain, this once. For the scope `act`, of a case inside the token's places (where it happened, or
/// who holds it); `by` may be left out. Client, unit, time, fields, purpose and ticket are kept as
/// `case.revealed` in the case's history, for everybody who may read it. A confidential matter's
/// claimant is for administrators.
#[utoipa::path(
    post,
    path = "/v1/cases/{id}/reveal",
    tag = "cases",
    params(
        ("id" = u32, Path, description = "The case's number"),
        ("Idempotency-Key" = Option<String>, Header, description = "A repeat is answered without the claimant"),
        ("If-Match" = Option<String>, Header, description = "The version that the case was seen at: 412 when it has another"),
    ),
    request_body = schema::RevealCase,
    responses(
        (status = 200, description = "Revealed", body = RevealedBody, headers(
            ("ETag" = String, description = "The case's version"),
            ("Zhida-Seq" = u64, description = "The command's event"),
        )),
    ),
)]
pub(super) async fn reveal_case(
    State(app): State<App>,
    Path(id): Path<String>,
    request: Request,
) -> Result<Response, Problem> {
    let (http::request::Parts { headers, .. }, body) = request.into_parts();
    let verb = Verb::RevealCase;
    let caller = Caller::with(&app, &headers, verb.scope())?;
    let id = case_of_path(&id)?;
    let bytes = read_body(&app, &headers, body).await?;
    let address = Address { case: Some(id), ..Address::of(verb) };
    let draft = read_post(verb, addressed(&headers, address)?, &bytes)?;
    let Want::Reveal(_, Reveal { fields, .. }) = draft.want else {
        unreachable!("the verb is read as nothing else");
    };
    let done = submit(&app, &caller, draft, None).await?;
    let claimant = if done.is_repeat {
        None
    } else {
        app.handle().blocking_read(move |handle: &Handle| plain(handle, id, fields)).await??
    };
    let accepted = AcceptedBody::of(app.handle().view(), &done.reply);
    let body = RevealedBody { accepted, claimant };
    Ok(written(&body, &done, StatusCode::OK, wants_timing(&headers)).map(Body::from))
}

fn plain(
    handle: &Handle,
    id: CaseId,
    fields: ClaimantFields,
) -> Result<Option<ClaimantBody>, Problem> {
    let Some(case) = handle.case(id) else {
        return Ok(None);
    };
    let reports = handle.records(case.first_seq, case.first_seq, 1)?;
    let claimant = reports.first().map(|report| parts::claimant(handle, report)).transpose()?;
    Ok(claimant.flatten().map(|claimant| claimant.only(fields)))
}
