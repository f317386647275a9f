//! Client systems and their tokens.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::response::Response;
use http::{HeaderMap, Uri};
use serde::Serialize;
use utoipa::ToSchema;

use crate::api::app::App;
use crate::api::body::{Addressed, Verb, read_post};
use crate::api::caller::{Caller, new_token};
use crate::api::codes::Code;
use crate::api::moment::Moment;
use crate::api::problem::Problem;
use crate::api::read::no_query;
use crate::api::reply::{AcceptedBody, json, wants_timing, written};
use crate::api::schema;
use crate::api::write::{Address, addressed, read_body, status_of, submit};
use crate::domain::client::{Client, OldToken};
use crate::domain::code::CodeRange;
use crate::domain::grant::{Grant, Scope};
use crate::domain::ids::PrincipalId;

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
    ),
)]
pub(in crate::api) async fn admit_client(
    State(app): State<App>,
    request: Request,
) -> Result<Response, Problem> {
    post(&app, request, Verb::AdmitClient, None).await
}

/// What a client may do.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Grant)]
pub(in crate::api) struct GrantBody {
    /// `intake`, `act`, `read`, `directive`, `admin`.
    scopes: Vec<&'static str>,
    /// The places that exist for it; none: everywhere.
    #[serde(skip_serializing_if = "Option::is_none")]
    places: Option<Vec<PlacesBody>>,
    /// Commands and reads a minute; none: as many as it likes.
    #[serde(skip_serializing_if = "Option::is_none")]
    quota_per_minute: Option<u32>,
    /// From when its tokens are worth nothing; none: never.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    expires_at: Option<Moment>,
}

/// A range of places.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Places)]
pub(in crate::api) struct PlacesBody {
    /// The first of them, as 15 digits.
    first: String,
    /// The last of them.
    last: String,
}

impl GrantBody {
    pub(in crate::api) fn of(grant: &Grant) -> Self {
        let place = |range: &CodeRange| PlacesBody {
            first: format!("{:015}", range.first),
            last: format!("{:015}", range.last),
        };
        let places = &grant.places;
        Self {
            scopes: grant.scopes.iter().map(Scope::name).collect(),
            places: (!places.is_everywhere()).then(|| places.ranges().iter().map(place).collect()),
            quota_per_minute: grant.quota_per_minute,
            expires_at: grant.expires_at.map(Moment),
        }
    }
}

/// A client system.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Client)]
pub(in crate::api) struct ClientBody {
    /// As its owners call it.
    name: String,
    #[serde(flatten)]
    grant: GrantBody,
    /// Whether its tokens have ended.
    revoked: bool,
    /// When the token before its newest one ends, or ended, where one followed it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    old_token_ends_at: Option<Moment>,
    /// When it came last, to the second; none where it did not since the server started.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    last_used_at: Option<Moment>,
}

impl ClientBody {
    fn of(app: &App, principal: PrincipalId, client: &Client) -> Self {
        let old_token_ends_at = client.old_token.map(|OldToken { ends_at, .. }| Moment(ends_at));
        Self {
            name: client.name.to_string(),
            grant: GrantBody::of(&client.grant),
            revoked: client.is_revoked,
            old_token_ends_at,
            last_used_at: app.api.usage.last_used_at(principal).map(Moment),
        }
    }
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
    ),
)]
pub(in crate::api) async fn list_clients(
    State(app): State<App>,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, Problem> {
    Caller::with(&app, &headers, Scope::Admin)?;
    no_query(&uri)?;
    let clients = app.handle().view().clients();
    let rows = clients.iter().map(|(principal, client)| ClientBody::of(&app, principal, client));
    Ok(json(&ClientsBody { clients: rows.collect() }).map(Into::into))
}

/// Show a client
///
/// For administrators.
#[utoipa::path(
    get,
    path = "/v1/clients/{name}",
    tag = "administration",
    params(("name" = String, Path, description = "The client's name")),
    responses(
        (status = 200, description = "The client", body = ClientBody),
    ),
)]
pub(in crate::api) async fn get_client(
    State(app): State<App>,
    Path(name): Path<String>,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, Problem> {
    Caller::with(&app, &headers, Scope::Admin)?;
    no_query(&uri)?;
    let clients = app.handle().view().clients();
    let found = clients.by_name(&name).ok_or_else(|| Problem::naming(Code::ClientNotFound, &name));
    found.map(|(principal, client)| json(&ClientBody::of(&app, principal, client)).map(Into::into))
}

macro_rules! client_action {
    ($(#[doc = $doc:literal])* $name:ident, $path:literal, ($($body:path)?), $verb:expr) => {
        $(#[doc = $doc])*
        #[utoipa::path(
            post,
            path = $path,
            tag = "administration",
            params(
                ("name" = String, Path, description = "The client's name"),
            ),
            $(request_body = $body,)?
            responses(
                (status = 200, description = "Done", body = AcceptedBody),
            ),
        )]
        pub(in crate::api) async fn $name(
            State(app): State<App>,
            Path(name): Path<String>,
            request: Request,
        ) -> Result<Response, Problem> {
            post(&app, request, $verb, Some(name.into())).await
        }
    };
}

client_action!(
    /// Change what a client may do
    ///
    /// All of it anew; its tokens stay. For administrators; one that does not expire stays.
    change_client, "/v1/clients/{name}/change", (schema::ChangeClient), Verb::ChangeClient
);
client_action!(
    /// Give a client its next token
    ///
    /// The answer holds it, this once. The newest token before it lives on for `overlap_hours`; one
    /// before that ends at once. For administrators.
    rotate_client, "/v1/clients/{name}/rotate", (schema::RotateClient), Verb::RotateClient
);
client_action!(
    /// Revoke a client
    ///
    /// Its tokens end at once. For administrators; one that does not expire stays.
    revoke_client, "/v1/clients/{name}/revoke", (), Verb::RevokeClient
);

/// Does what the request wants of a client, and tells its new token, this once.
async fn post(
    app: &App,
    request: Request,
    verb: Verb,
    client: Option<Arc<str>>,
) -> Result<Response, Problem> {
    let (http::request::Parts { headers, .. }, body) = request.into_parts();
    let caller = Caller::with(app, &headers, verb.scope())?;
    let bytes = read_body(app, &headers, body).await?;
    let addressed = Addressed { client, ..addressed(&headers, Address::of(verb))? };
    let draft = read_post(verb, addressed, &bytes)?;
    let (token, token_hash) = new_token().map_err(|error| {
        tracing::error!(%error, "no randomness for a token");
        Problem::new(Code::Internal)
    })?;
    let has_token = matches!(verb, Verb::AdmitClient | Verb::RotateClient);
    let done = submit(app, &caller, draft, has_token.then_some(token_hash)).await?;
    let mut body = AcceptedBody::of(app.handle().view(), &done.reply);
    // A repeat is answered from the journal, which has no token.
    body.token = (has_token && !done.is_repeat).then_some(token);
    let wants_timing = wants_timing(&headers);
    Ok(written(&body, &done, status_of(verb), wants_timing).map(Body::from))
}
