//! Who asks: what the token that asks may do, for whoever was given one.

use axum::extract::State;
use axum::response::Response;
use http::{HeaderMap, Uri};
use serde::Serialize;
use utoipa::ToSchema;

use super::admin::clients::GrantBody;
use super::app::App;
use super::caller::Caller;
use super::codes::Code;
use super::problem::Problem;
use super::read::no_query;
use super::reply::json;

/// The client that asks.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Me)]
pub(super) struct MeBody {
    /// As its owners call it.
    name: String,
    /// Its number among the clients.
    principal: u32,
    #[serde(flatten)]
    grant: GrantBody,
}

/// Show who asks
///
/// The client of the token, and what it may do where and until when. For any token.
#[utoipa::path(
    get,
    path = "/v1/me",
    tag = "system",
    responses(
        (status = 200, description = "The client", body = MeBody),
    ),
)]
pub(super) async fn get_me(
    State(app): State<App>,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, Problem> {
    let caller = Caller::of(&app, &headers)?;
    no_query(&uri)?;
    let clients = app.handle().view().clients();
    let client = clients.get(caller.principal).ok_or_else(|| Problem::new(Code::TokenUnknown))?;
    let body = MeBody {
        name: client.name.to_string(),
        principal: caller.principal.0,
        grant: GrantBody::of(&caller.grant),
    };
    Ok(json(&body).map(Into::into))
}
