//! The imports that are open: those of units, and proposals.

use axum::extract::{Path, State};
use axum::response::Response;
use http::{HeaderMap, Uri};
use serde::Serialize;
use utoipa::ToSchema;

use super::imports::{gone, import_id};
use crate::api::app::App;
use crate::api::caller::Caller;
use crate::api::codes::Code;
use crate::api::moment::Moment;
use crate::api::problem::Problem;
use crate::api::read::events::{ActorBody, EventNames};
use crate::api::read::no_query;
use crate::api::reply::json;
use crate::domain::event::Event;
use crate::domain::grant::Scope;
use crate::domain::ids::ImportId;
use crate::domain::import::ImportKind;
use crate::engine::{Handle, ImportSummary};

/// An open import.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Import)]
pub(in crate::api) struct ImportBody {
    /// Its number.
    import: u32,
    /// What it will bring: `units`, or a `catalogue`, which is a proposal.
    kind: &'static str,
    /// When it was begun.
    #[schema(value_type = String, format = DateTime)]
    at: Moment,
    /// Who began it.
    by: ActorBody,
    /// Where its rows come from.
    origin: String,
    /// Units staged.
    units: usize,
    /// Matters staged.
    matters: usize,
    /// Its newest event.
    last_seq: u64,
}

impl ImportBody {
    /// The import of that number. May wait for the disk.
    fn read(handle: &Handle, import: ImportId, summary: ImportSummary) -> Result<Self, Problem> {
        let begun = handle.import_begun(summary.last_seq)?;
        let Event::ImportBegun(event) = &begun.event else {
            return Err(Problem::new(Code::Internal));
        };
        Ok(Self {
            import: import.0,
            kind: match summary.kind {
                ImportKind::Units => "units",
                ImportKind::Catalogue(_) => "catalogue",
            },
            at: Moment(begun.at),
            by: ActorBody::of(&EventNames::of(handle.view()), &begun),
            origin: event.origin.to_string(),
            units: summary.units,
            matters: summary.matters,
            last_seq: summary.last_seq.0,
        })
    }
}

/// All open imports.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Imports)]
pub(in crate::api) struct ImportsBody {
    /// In the order they were begun: at most 8.
    imports: Vec<ImportBody>,
}

/// List the open imports
///
/// All of them, proposals included: at most 8 are open at once. For administrators.
#[utoipa::path(
    get,
    path = "/v1/imports",
    tag = "administration",
    responses(
        (status = 200, description = "All that are open", body = ImportsBody),
    ),
)]
pub(in crate::api) async fn list_imports(
    State(app): State<App>,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, Problem> {
    Caller::with(&app, &headers, Scope::Admin)?;
    no_query(&uri)?;
    let open = app.handle().view().open_imports();
    let read = move |handle: &Handle| {
        let told = open.into_iter().map(|(import, open)| ImportBody::read(handle, import, open));
        told.collect::<Result<Vec<_>, _>>()
    };
    let imports = app.handle().blocking_read(read).await??;
    Ok(json(&ImportsBody { imports }).map(Into::into))
}

/// Show an open import
///
/// For administrators.
#[utoipa::path(
    get,
    path = "/v1/imports/{id}",
    tag = "administration",
    params(("id" = u32, Path, description = "The import")),
    responses(
        (status = 200, description = "It is open", body = ImportBody),
    ),
)]
pub(in crate::api) async fn get_import(
    State(app): State<App>,
    Path(id): Path<String>,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, Problem> {
    Caller::with(&app, &headers, Scope::Admin)?;
    no_query(&uri)?;
    let import = import_id(&id)?;
    let open = app.handle().view().import(import).ok_or_else(|| gone(&app, import))?;
    let read = move |handle: &Handle| ImportBody::read(handle, import, open);
    let body = app.handle().blocking_read(read).await??;
    Ok(json(&body).map(Into::into))
}
