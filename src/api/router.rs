//! Which address does what.

use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::admin::{clients, findings, imports, open_imports, organisation};
use super::app::App;
use super::codes::Code;
use super::config::{self, open_proposals, proposals};
use super::problem::{Problem, ProblemBody};
use super::read::{
    cases, events, export, lists, records, tallies, targets, timeline, unit, unit_list, units,
};
use super::{actions, commands, docs, me, reveal, system};

/// Every address. `Problem` is in no handler's answers, but in all of the document's.
#[derive(OpenApi)]
#[openapi(components(schemas(ProblemBody)))]
struct Document;

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::with_openapi(Document::openapi())
        .routes(routes!(actions::report_case))
        .routes(routes!(actions::acknowledge_case))
        .routes(routes!(actions::escalate_case))
        .routes(routes!(actions::handle_case))
        .routes(routes!(actions::close_case))
        .routes(routes!(actions::hand_down_case))
        .routes(routes!(actions::transfer_case))
        .routes(routes!(actions::return_case))
        .routes(routes!(actions::decline_case))
        .routes(routes!(actions::reopen_case))
        .routes(routes!(actions::void_case))
        .routes(routes!(actions::note_case))
        .routes(routes!(reveal::reveal_case))
        .routes(routes!(lists::list_cases))
        .routes(routes!(cases::get_case))
        .routes(routes!(timeline::get_timeline))
        .routes(routes!(targets::get_targets))
        .routes(routes!(export::export_units))
        .routes(routes!(unit::get_unit))
        .routes(routes!(unit::get_children))
        .routes(routes!(unit::get_ancestors))
        .routes(routes!(unit::get_modules))
        .routes(routes!(units::get_inbox))
        .routes(routes!(lists::get_queue))
        .routes(routes!(lists::get_watch))
        .routes(routes!(tallies::get_unit_counts))
        .routes(routes!(units::get_matters))
        .routes(routes!(units::get_counts))
        .routes(routes!(commands::post_commands))
        .routes(routes!(records::get_outcome))
        .routes(routes!(events::get_events))
        .routes(routes!(records::get_records))
        .routes(routes!(clients::admit_client, clients::list_clients))
        .routes(routes!(clients::get_client))
        .routes(routes!(clients::change_client))
        .routes(routes!(clients::rotate_client))
        .routes(routes!(clients::revoke_client))
        .routes(routes!(imports::begin_import, open_imports::list_imports))
        .routes(routes!(open_imports::get_import))
        .routes(routes!(findings::get_findings))
        .routes(routes!(imports::stage_units))
        .routes(routes!(imports::stage_text))
        .routes(routes!(imports::commit_import))
        .routes(routes!(imports::abandon_import))
        .routes(routes!(config::get_config))
        .routes(routes!(config::get_config_history))
        .routes(routes!(proposals::propose_config, open_proposals::list_proposals))
        .routes(routes!(proposals::get_proposal))
        .routes(routes!(proposals::apply_proposal))
        .routes(routes!(proposals::validate_config))
        .routes(routes!(units::get_organisation))
        .routes(routes!(organisation::open_unit, unit_list::find_units))
        .routes(routes!(organisation::change_unit))
        .routes(routes!(organisation::close_unit))
        .routes(routes!(organisation::keep_unit))
        .routes(routes!(organisation::split_unit))
        .routes(routes!(organisation::merge_units))
        .routes(routes!(organisation::move_unit))
        .routes(routes!(actions::advance_clock))
        .routes(routes!(me::get_me))
        .routes(routes!(system::get_build))
        .routes(routes!(system::get_health))
        .routes(routes!(system::get_ready))
        .routes(routes!(system::get_metrics))
        .routes(routes!(system::get_openapi))
        .routes(routes!(docs::get_docs))
}

/// The router of one I/O thread.
pub(super) fn router(app: App) -> axum::Router {
    let (router, _) = routes().split_for_parts();
    router
        .route("/docs/", axum::routing::get(docs::get_index))
        .route("/docs/{file}", axum::routing::get(docs::get_file))
        .fallback(async || Problem::new(Code::RouteNotFound))
        .method_not_allowed_fallback(async || Problem::new(Code::MethodNotAllowed))
        .with_state(app)
}
