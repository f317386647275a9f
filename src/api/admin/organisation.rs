//! Changes of the organisation: a unit opens, changes, closes, is kept, split, merged or moved.

use axum::extract::{Path, Request, State};
use axum::response::Response;

use crate::api::actions::run;
use crate::api::app::App;
use crate::api::body::{Reshape, Verb};
use crate::api::problem::Problem;
use crate::api::read::unit_code;
use crate::api::reply::AcceptedBody;
use crate::api::schema;
use crate::api::write::Address;

/// Open a unit
///
/// From now on, or from its `valid_from` on. For administrators.
#[utoipa::path(
    post,
    path = "/v1/units",
    tag = "organisation",
    params(
        ("If-Match" = String, Header, description = "The version that the organisation was seen at, or `*`"),
    ),
    request_body = schema::UnitChange,
    responses(
        (status = 201, description = "It exists", body = AcceptedBody, headers(
            ("ETag" = String, description = "The organisation's version"),
            ("Zhida-Seq" = u64, description = "The command's last event"),
        )),
    ),
)]
pub(in crate::api) async fn open_unit(
    State(app): State<App>,
    request: Request,
) -> Result<Response, Problem> {
    run(&app, request, Address::of(Verb::Organisation(Reshape::Open))).await
}

macro_rules! unit_action {
    ($(#[doc = $doc:literal])* $name:ident, $path:literal, $body:path, $what:expr) => {
        $(#[doc = $doc])*
        #[utoipa::path(
            post,
            path = $path,
            tag = "organisation",
            params(
                ("code" = String, Path, description = "The unit's code"),
                ("If-Match" = String, Header, description = "The version that the organisation was seen at, or `*`"),
            ),
            request_body = $body,
            responses(
                (status = 200, description = "Done", body = AcceptedBody, headers(
                    ("ETag" = String, description = "The organisation's version"),
                    ("Zhida-Seq" = u64, description = "The command's last event"),
                )),
            ),
        )]
        pub(in crate::api) async fn $name(
            State(app): State<App>,
            Path(code): Path<String>,
            request: Request,
        ) -> Result<Response, Problem> {
            let unit = Some(unit_code(&code)?);
            run(&app, request, Address { unit, ..Address::of(Verb::Organisation($what)) }).await
        }
    };
}

unit_action!(
    /// Change a unit
    ///
    /// Its name, whom it reports to, its modules, from when it exists: the row whole. For
    /// administrators.
    change_unit, "/v1/units/{code}/change", schema::UnitChange, Reshape::Amend
);
unit_action!(
    /// Close a unit
    ///
    /// At once, or at `valid_until`: until then it works on, and takes over from nobody. Whoever takes
    /// over holds its open cases from then on, as they stand. Said again, the later word holds. For
    /// administrators.
    close_unit, "/v1/units/{code}/close", schema::CloseUnit, Reshape::Close
);
/// Keep a unit
///
/// It was told to close later, and is not to. For administrators.
#[utoipa::path(
    post,
    path = "/v1/units/{code}/keep",
    tag = "organisation",
    params(
        ("code" = String, Path, description = "The unit's code"),
        ("If-Match" = String, Header, description = "The version that the organisation was seen at, or `*`"),
    ),
    responses(
        (status = 200, description = "Done", body = AcceptedBody, headers(
            ("ETag" = String, description = "The organisation's version"),
            ("Zhida-Seq" = u64, description = "The command's last event"),
        )),
    ),
)]
pub(in crate::api) async fn keep_unit(
    State(app): State<App>,
    Path(code): Path<String>,
    request: Request,
) -> Result<Response, Problem> {
    let unit = Some(unit_code(&code)?);
    run(&app, request, Address { unit, ..Address::of(Verb::Organisation(Reshape::Keep)) }).await
}

unit_action!(
    /// Split a unit
    ///
    /// Its parts open, it closes, and one of them, or another unit, holds its open cases. For
    /// administrators.
    split_unit, "/v1/units/{code}/split", schema::SplitUnit, Reshape::Split
);
unit_action!(
    /// Merge units into this one
    ///
    /// They close, and this one holds their open cases. For administrators.
    merge_units, "/v1/units/{code}/merge", schema::MergeUnits, Reshape::Merge
);
unit_action!(
    /// Move a unit
    ///
    /// It, and all that sits in it, gets other codes; its number, its history and its open cases stay
    /// with it, and its old code names it still. For administrators.
    move_unit, "/v1/units/{code}/move", schema::MoveUnit, Reshape::Move
);
