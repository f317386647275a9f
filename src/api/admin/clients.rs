//! Client systems and their tokens.

use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::response::Response;
use http::{HeaderMap, StatusCode};
use serde::Serialize;
use utoipa::ToSchema;

use crate::api::actions::run;
use crate::api::app::App;
use crate::api::body::{Draft, Verb, Want};
use crate::api::caller::Caller;
use crate::api::problem::{Problem, ProblemBody};
use crate::api::reply::{AcceptedBody, accepted, json, wants_timing};
use crate::api::schema;
use crate::api::write::{Address, key, submission};
use crate::domain::code::CodeRange;

/// Admit a client
///
/// The answer holds its token, this once: only its hash is kept. For administrators.
#[utoipa::path(
    post,
    path = "/v1/clients",
    tag = "administration",
    params(("Idempotency-Key" = Option<String>, Header, description = "A repeat is answered without the token")),
    request_body = schema::NewClient,
    responses(
        (status = 201, description = "It may act", body = AcceptedBody),
        (status = 403, description = "needs_admin", body = ProblemBody),
        (status = 409, description = "client_name_taken, clients_full", body = ProblemBody),
        (status = "default", description = "Any other problem", body = ProblemBody),
    ),
)]
pub(in crate::api) async fn admit_client(
    State(app): State<App>,
    request: Request,
) -> Result<Response, Problem> {
    run(&app, request, Address::of(Verb::AdmitClient)).await
}

/// A client system.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Client)]
pub(in crate::api) struct ClientBody {
    /// As its owners call it.
    name: String,
    /// Whether it administers.
    admin: bool,
    /// The first place that exists for it, as 15 digits; none: everywhere.
    #[serde(skip_serializing_if = "Option::is_none")]
    first_place: Option<String>,
    /// The last place that exists for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    last_place: Option<String>,
    /// Whether its token has ended.
    revoked: bool,
}

/// All clients.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Clients)]
pub(in crate::api) struct ClientsBody {
    /// In the order they were admitted.
    clients: Vec<ClientBody>,
}

/// List the clients
///
/// For administrators.
#[utoipa::path(
    get,
    path = "/v1/clients",
    tag = "administration",
    responses(
        (status = 200, description = "All of them", body = ClientsBody),
        (status = 403, description = "needs_admin", body = ProblemBody),
        (status = "default", description = "Any other problem", body = ProblemBody),
    ),
)]
pub(in crate::api) async fn list_clients(
    State(app): State<App>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let view = app.handle().view();
    Caller::admin(view, &headers)?;
    let clients = view.clients();
    let rows = clients.iter().map(|(_, client)| {
        let range = client.grant.range;
        let place = |place: u64| (range != CodeRange::ALL).then(|| format!("{place:015}"));
        ClientBody {
            name: client.name.to_string(),
            admin: client.grant.is_admin,
            first_place: place(range.first),
            last_place: place(range.last),
            revoked: client.is_revoked,
        }
    });
    Ok(json(&ClientsBody { clients: rows.collect() }).map(Into::into))
}

/// Revoke a client
///
/// Its token ends at once. For administrators; the last administrator stays.
#[utoipa::path(
    post,
    path = "/v1/clients/{name}/revoke",
    tag = "administration",
    params(("name" = String, Path, description = "The client's name")),
    responses(
        (status = 200, description = "It may act no more", body = AcceptedBody),
        (status = 404, description = "client_not_found", body = ProblemBody),
        (status = 409, description = "last_admin", body = ProblemBody),
        (status = "default", description = "Any other problem", body = ProblemBody),
    ),
)]
pub(in crate::api) async fn revoke_client(
    State(app): State<App>,
    Path(name): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let view = app.handle().view();
    let caller = Caller::of(view, &headers)?;
    let key = key(&headers)?.map(Into::into);
    let draft = Draft { key, at: None, by: None, want: Want::RevokeClient(name.into()) };
    let submission = submission(&app, &caller, draft, None)?;
    let done = app.handle().submit(&app.desk, submission).await?;
    Ok(accepted(view, &done, StatusCode::OK, wants_timing(&headers)).map(Body::from))
}
