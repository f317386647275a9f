//! Who claims, shown in plain: once, after the event that says so is durable.
//!
//! What would be shown is opened before: where there is nothing, nothing is decided, and the case's
//! history does not say that somebody saw what nobody could see.

use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::response::Response;
use http::{HeaderMap, StatusCode};
use serde::Serialize;
use utoipa::ToSchema;

use super::app::App;
use super::body::{Reveal, Verb, Want, read_post};
use super::caller::Caller;
use super::codes::Code;
use super::problem::Problem;
use super::read::parts::{self, ClaimantBody};
use super::reply::{AcceptedBody, wants_timing, written};
use super::schema;
use super::write::{Address, addressed, case_of_path, key, read_body, submit};
use crate::domain::case::{Case, ClaimantFields};
use crate::domain::ids::CaseId;
use crate::engine::Handle;

/// What was revealed.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Revealed)]
pub(super) struct RevealedBody {
    #[serde(flatten)]
    accepted: AcceptedBody,
    /// Of the fields that were asked for, those that the case has, in plain.
    #[serde(skip_serializing_if = "Option::is_none")]
    claimant: Option<ClaimantBody>,
    /// Why the claimant is not there: `repeat`, as the answer repeats an earlier one, and each
    /// showing is an event of its own. Reveal again under another key.
    #[serde(skip_serializing_if = "Option::is_none")]
    withheld: Option<&'static str>,
}

/// Reveal who claims
///
/// In plain, this once. For the scope `act`, of a case inside the token's places (where it happened, or
/// who holds it); `by` may be left out. Client, unit, time, fields, purpose and ticket are kept as
/// `case.revealed` in the case's history, for everybody who may read it. Each showing is an event of its
/// own, so a repeat under the same key says `withheld` and shows nothing. Where the case has nothing of
/// what was asked for, or its key was erased, it is refused and makes no event. A confidential matter's
/// claimant is for administrators.
#[utoipa::path(
    post,
    path = "/v1/cases/{id}/reveal",
    tag = "cases",
    params(
        ("id" = u32, Path, description = "The case's number"),
        ("Idempotency-Key" = Option<String>, Header, description = "A repeat is answered with `withheld` in the place of the claimant"),
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
    let plain = match seen(&app, &caller, id) {
        Some(case) => Some(to_show(&app, &caller, &headers, case, fields).await?),
        // It does not exist for the caller, or is confidential: the rules refuse it.
        None => None,
    };
    let done = submit(&app, &caller, draft, None).await?;
    let body = RevealedBody {
        accepted: AcceptedBody::of(app.handle().view(), &done.reply),
        claimant: plain.flatten().filter(|_| !done.is_repeat),
        withheld: done.is_repeat.then_some("repeat"),
    };
    Ok(written(&body, &done, StatusCode::OK, wants_timing(&headers)).map(Body::from))
}

/// The case, where its claimant may be shown to the caller.
fn seen(app: &App, caller: &Caller, id: CaseId) -> Option<Case> {
    let view = app.handle().view();
    let case = view.case(id).filter(|case| caller.sees_case(&view.organisation(), case))?;
    let catalogue = view.catalogue();
    let is_confidential = catalogue.matter(case.matter).is_none_or(|matter| matter.confidential);
    (!is_confidential || caller.grant.is_admin()).then_some(case)
}

/// What there is to show. A repeat of what was shown before is answered even if nothing is left.
///
/// # Errors
/// When there is nothing.
async fn to_show(
    app: &App,
    caller: &Caller,
    headers: &HeaderMap,
    case: Case,
    fields: ClaimantFields,
) -> Result<Option<ClaimantBody>, Problem> {
    let read = move |handle: &Handle| parts::claimant(handle, &handle.record(case.first_seq)?);
    let claimant = app.handle().blocking_read(read).await??;
    let plain = claimant.and_then(|claimant| claimant.only(fields));
    if plain.is_some() {
        return Ok(plain);
    }
    if let Some(key) = key(headers)?
        && app.handle().outcome(&app.desk, caller.principal, key).await?.is_some()
    {
        return Ok(None);
    }
    Err(Problem::new(Code::NothingToReveal))
}
