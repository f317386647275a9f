//! Which address does what, and the OpenAPI document that follows from it.

use utoipa::OpenApi;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{RefOr, Schema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::admin::{clients, imports, organisation};
use super::app::App;
use super::codes::Code;
use super::language::Language;
use super::problem::Problem;
use super::read::{cases, events, records, units};
use super::{actions, commands, docs, reveal, system};

/// How the document introduces itself.
const ABOUT: &str = "\
Zhida (直达), the dispatch core of a city's grid governance.

Units are named by code: 12 digits for a division, 15 for a grid, 12 digits with a letter and two \
digits for any other. Times are RFC 3339 with an offset. An answered command is durable. Every \
answer carries `Zhida-Clock`; every answer to a write `Zhida-Seq`, which a read may ask for as \
`Zhida-Min-Seq`. `Accept-Language: zh` tells problems in Chinese.

Problems (RFC 9457), told apart by `code`:

| code | status | |
|---|---|---|
";

#[derive(OpenApi)]
#[openapi(tags(
    (name = "cases", description = "Report cases and move them"),
    (name = "commands", description = "Streams of commands, and what became of them"),
    (name = "units", description = "Who there is, what they hold, how all stands"),
    (name = "organisation", description = "Change who there is"),
    (name = "events", description = "The feed"),
    (name = "administration", description = "Clients, imports, clock, raw journal"),
    (name = "system", description = "Health, metrics, build"),
))]
struct Document;

fn routes() -> OpenApiRouter<App> {
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
        .routes(routes!(cases::get_case))
        .routes(routes!(cases::get_timeline))
        .routes(routes!(units::get_unit))
        .routes(routes!(units::get_inbox))
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
        .routes(routes!(imports::begin_import))
        .routes(routes!(imports::get_import))
        .routes(routes!(imports::stage_units))
        .routes(routes!(imports::stage_matters))
        .routes(routes!(imports::stage_text))
        .routes(routes!(imports::commit_import))
        .routes(routes!(imports::abandon_import))
        .routes(routes!(units::get_organisation))
        .routes(routes!(organisation::open_unit))
        .routes(routes!(organisation::change_unit))
        .routes(routes!(organisation::close_unit))
        .routes(routes!(organisation::split_unit))
        .routes(routes!(organisation::merge_units))
        .routes(routes!(organisation::move_unit))
        .routes(routes!(actions::advance_clock))
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

/// The OpenAPI 3.1 document of all addresses, as JSON.
#[must_use]
pub fn openapi() -> String {
    let mut document = routes().into_openapi();
    document.info.title = String::from("Zhida");
    document.info.version = String::from(env!("CARGO_PKG_VERSION"));
    document.info.description = Some(Code::ALL.iter().fold(String::from(ABOUT), |about, code| {
        let (name, status) = (code.name(), code.status());
        let title = code.title(Language::English);
        format!("{about}| `{name}` | {status} | {title} |\n")
    }));
    let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer);
    let bearer = SecurityScheme::Http(bearer.description(Some("A client's token")).build());
    if let Some(components) = &mut document.components {
        components.add_security_scheme("token", bearer);
        for name in ["Problem", "Told"] {
            if let Some(RefOr::T(schema)) = components.schemas.get_mut(name) {
                list_codes(schema);
            }
        }
    }
    document.security = Some(vec![SecurityRequirement::new::<_, [&str; 0], _>("token", [])]);
    document.to_json().expect("the document has a JSON form")
}

/// Gives the property `code` its values, wherever the schema has it.
fn list_codes(schema: &mut Schema) {
    if let Schema::Object(object) = schema
        && let Some(RefOr::T(Schema::Object(code))) = object.properties.get_mut("code")
    {
        code.enum_values = Some(Code::ALL.iter().map(|code| code.name().into()).collect());
    }
}
