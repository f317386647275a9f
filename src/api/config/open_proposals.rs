//! The proposals that are open.

use axum::extract::State;
use axum::response::Response;
use http::{HeaderMap, Uri};
use serde::Serialize;
use utoipa::ToSchema;

use super::kept::Kept;
use crate::api::app::App;
use crate::api::caller::Caller;
use crate::api::moment::Moment;
use crate::api::problem::Problem;
use crate::api::read::events::{ActorBody, EventNames};
use crate::api::read::no_query;
use crate::api::reply::json;
use crate::domain::catalogue::Catalogue;
use crate::domain::grant::Scope;
use crate::domain::ids::{ImportId, Seq};
use crate::domain::import::ImportKind;
use crate::engine::Handle;

/// An open proposal, in a list.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ProposalRow)]
struct ProposalRow {
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
    /// Matters that are not in force.
    added: usize,
    /// Matters that would be another.
    changed: usize,
    /// Matters that would be in force no more.
    retired: usize,
}

/// All open proposals.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Proposals)]
pub(in crate::api) struct ProposalsBody {
    /// In the order they were made: at most 8.
    proposals: Vec<ProposalRow>,
    /// The version of the configuration that they were compared with.
    config_seq: u64,
}

impl ProposalRow {
    /// The one whose newest event is that. May wait for the disk.
    fn read(
        handle: &Handle,
        catalogue: &Catalogue,
        proposal: ImportId,
        last_seq: Seq,
    ) -> Result<Self, Problem> {
        let kept = Kept::read(handle, last_seq)?;
        let comparison = catalogue.compared_with(&kept.rows);
        Ok(Self {
            proposal: proposal.0,
            last_seq: last_seq.0,
            at: Moment(kept.begun.at),
            by: ActorBody::of(&EventNames::of(handle.view()), &kept.begun),
            origin: kept.origin.to_string(),
            matters: kept.rows.len(),
            complete: kept.is_complete(),
            added: comparison.added.len(),
            changed: comparison.changed.len(),
            retired: comparison.retired.len(),
        })
    }
}

/// List the open proposals
///
/// All of them, with how much each would change of the configuration in force: at most 8 are open at
/// once, imports of units included. For administrators.
#[utoipa::path(
    get,
    path = "/v1/config/proposals",
    tag = "configuration",
    responses(
        (status = 200, description = "All that are open", body = ProposalsBody),
    ),
)]
pub(in crate::api) async fn list_proposals(
    State(app): State<App>,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, Problem> {
    Caller::with(&app, &headers, Scope::Admin)?;
    no_query(&uri)?;
    let read = |handle: &Handle| {
        let catalogue = handle.view().catalogue();
        let open = handle.view().open_imports().into_iter();
        let proposals = open.filter(|(_, open)| open.kind != ImportKind::Units);
        let told = proposals
            .map(|(proposal, open)| ProposalRow::read(handle, &catalogue, proposal, open.last_seq));
        let proposals = told.collect::<Result<Vec<_>, Problem>>()?;
        Ok::<_, Problem>(ProposalsBody { proposals, config_seq: catalogue.version().0 })
    };
    let body = app.handle().blocking_read(read).await??;
    Ok(json(&body).map(Into::into))
}
