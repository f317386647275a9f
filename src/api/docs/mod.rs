//! The readable docs: Swagger UI out of the program itself, so that a reader without any network
//! beyond the server has all of it.
//!
//! Every address in the pages is relative: they work behind a proxy that puts a path before them.

use std::sync::{Arc, LazyLock};

use axum::extract::Path;
use axum::response::Response;
use http::header::{
    CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, CONTENT_TYPE, LOCATION,
    REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use http::{HeaderMap, HeaderValue, StatusCode};
use utoipa_swagger_ui::{Config, SwaggerFile};

use super::codes::Code;
use super::language::Language;
use super::problem::Problem;

/// Ours, for its title and its language; the rest is Swagger UI's.
const INDEX: &str = include_str!("index.html");

/// Nothing from anywhere else, and nothing in line but what the pages draw: Swagger UI's icons are
/// `data:` images and some of its elements have styles of their own. A token that is typed in can
/// go to this server alone.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; \
     img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; \
     frame-ancestors 'none'",
);

/// `none` keeps the document from an outside validator.
static CONFIG: LazyLock<Arc<Config<'static>>> = LazyLock::new(|| {
    let config = Config::new(["../openapi.json"])
        .deep_linking(true)
        .display_request_duration(true)
        .filter(true)
        .use_base_layout()
        .validator_url("none");
    Arc::new(config)
});

/// Read the docs
///
/// This document for people, with all that it needs; leads to `/docs/`. Needs no token.
#[utoipa::path(
    get,
    path = "/docs",
    tag = "system",
    security(()),
    responses((status = 308, description = "The docs are there", headers(
        ("Location" = String, description = "`docs/`")
    ))),
)]
pub(super) async fn get_docs() -> Response {
    let mut response = Response::default();
    *response.status_mut() = StatusCode::PERMANENT_REDIRECT;
    response.headers_mut().insert(LOCATION, HeaderValue::from_static("docs/"));
    response
}

/// The page itself.
pub(super) async fn get_index(headers: HeaderMap) -> Response {
    let language = Language::of(&headers);
    // The browser asks for the document in the same language.
    let mut response = Response::new(INDEX.replace("{language}", language.tag()).into());
    let headers = response.headers_mut();
    guard(headers, HeaderValue::from_static("text/html; charset=utf-8"));
    language.tell(headers);
    response
}

/// What the page needs.
pub(super) async fn get_file(Path(file): Path<String>) -> Result<Response, Problem> {
    let found = utoipa_swagger_ui::serve(&file, Arc::clone(&CONFIG)).map_err(|error| {
        tracing::error!(%error, file, "a file of the docs cannot be made");
        Problem::new(Code::Internal)
    })?;
    // The library's own page has another title and other headers to it.
    let SwaggerFile { bytes, content_type, gzpipped, .. } =
        found.filter(|_| file != "index.html").ok_or_else(|| Problem::new(Code::RouteNotFound))?;
    let kind = HeaderValue::try_from(content_type).map_err(|_| Problem::new(Code::Internal))?;
    let mut response = Response::new(bytes.into_owned().into());
    let headers = response.headers_mut();
    guard(headers, kind);
    if gzpipped {
        headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    Ok(response)
}

fn guard(headers: &mut HeaderMap, kind: HeaderValue) {
    headers.insert(CONTENT_TYPE, kind);
    headers.insert(CONTENT_SECURITY_POLICY, POLICY);
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("max-age=3600"));
}
