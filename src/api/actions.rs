//! The addresses of the casework: one command each.

use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::response::Response;

use super::app::App;
use super::body::Verb;
use super::caller::Caller;
use super::problem::Problem;
use super::reply::AcceptedBody;
use super::schema;
use super::write::{Address, case_of_path, post};
use crate::domain::case::Move;

/// Report a case
///
/// It is routed by the matter's home level and its place, and durable before the answer leaves. A matter
/// at home in the grid or the village goes to that unit on the line of the place, one at home in the
/// township to the office that owns its module there. Where there is no such open unit (the place
/// lies above the home level, say) the township's governance room takes it, or, without one, the
/// township itself; where that township is closed, whoever stands in for the place or the township; else
/// it is `no_holder`. `place` is a township or below. With `settle` the holder settles it in the same
/// call: then `by` is required, and the scope `act` beside `intake`.
#[utoipa::path(
    post,
    path = "/v1/cases",
    tag = "cases",
    request_body = schema::ReportCase,
    responses(
        (status = 201, description = "It is a case", body = AcceptedBody, headers(
            ("Location" = String, description = "The case"),
            ("ETag" = String, description = "Its version"),
            ("Zhida-Seq" = u64, description = "The command's last event"),
        )),
    ),
)]
pub(super) async fn report_case(
    State(app): State<App>,
    request: Request,
) -> Result<Response, Problem> {
    run(&app, request, Address::of(Verb::ReportCase)).await
}

macro_rules! case_action {
    ($(#[doc = $doc:literal])* $name:ident, $path:literal, $body:path, $move:expr) => {
        $(#[doc = $doc])*
        #[utoipa::path(
            post,
            path = $path,
            tag = "cases",
            params(
                ("id" = u32, Path, description = "The case's number"),
                ("If-Match" = Option<String>, Header, description = "The version that the case was seen at: 412 when it has another"),
            ),
            request_body = $body,
            responses(
                (status = 200, description = "Done", body = AcceptedBody, headers(
                    ("ETag" = String, description = "The case's version"),
                    ("Zhida-Seq" = u64, description = "The command's last event"),
                )),
            ),
        )]
        pub(super) async fn $name(
            State(app): State<App>,
            Path(id): Path<String>,
            request: Request,
        ) -> Result<Response, Problem> {
            let case = case_of_path(&id)?;
            let address = Address { case: Some(case), ..Address::of(Verb::Case($move)) };
            run(&app, request, address).await
        }
    };
}

case_action!(
    /// Sign for a case
    ///
    /// Its holder takes it in hand.
    acknowledge_case, "/v1/cases/{id}/acknowledge", schema::AcknowledgeCase, Move::Acknowledge
);
case_action!(
    /// Send a case one level up
    ///
    /// With a reason, as far as the township. The node clock starts again.
    escalate_case, "/v1/cases/{id}/escalate", schema::ReasonedMove, Move::Escalate
);
case_action!(
    /// Say that a case is dealt with
    handle_case, "/v1/cases/{id}/handle", schema::HandleCase, Move::Handle
);
case_action!(
    /// Close a case
    ///
    /// With the answer that the claimant gets.
    close_case, "/v1/cases/{id}/close", schema::CloseCase, Move::Close
);

case_action!(
    /// Hand a case down
    ///
    /// To a unit below its holder, with a reason. The node clock starts again.
    hand_down_case, "/v1/cases/{id}/hand_down", schema::SendCase, Move::HandDown
);
case_action!(
    /// Transfer a case
    ///
    /// To a unit beside its holder, in the same township, with a reason. The node clock starts again.
    transfer_case, "/v1/cases/{id}/transfer", schema::SendCase, Move::Transfer
);
case_action!(
    /// Return a case
    ///
    /// Before signing, to whoever sent it; to the township's governance room where routing did.
    return_case, "/v1/cases/{id}/return", schema::ReasonedMove, Move::Return
);
case_action!(
    /// Decline a case
    ///
    /// Before signing: it ends, with a reason.
    decline_case, "/v1/cases/{id}/decline", schema::ReasonedMove, Move::Decline
);
case_action!(
    /// Open a case again
    ///
    /// A closed or declined one, by whoever ended it or a governance room above; both clocks start
    /// anew.
    reopen_case, "/v1/cases/{id}/reopen", schema::ReasonedMove, Move::Reopen
);
case_action!(
    /// Void a case
    ///
    /// By a governance room above, of a township or higher: for obvious spam.
    void_case, "/v1/cases/{id}/void", schema::ReasonedMove, Move::Void
);
case_action!(
    /// Put a note to a case
    ///
    /// By its holder, whoever ended it, or a unit at or above where it happened or lies.
    note_case, "/v1/cases/{id}/note", schema::NoteCase, Move::Note
);

/// Move a driven clock on
///
/// Everything that falls due by then fires first.
#[utoipa::path(
    post,
    path = "/v1/clock/advance",
    tag = "administration",
    request_body = schema::AdvanceClock,
    responses(
        (status = 200, description = "It says so now", body = AcceptedBody),
    ),
)]
pub(super) async fn advance_clock(
    State(app): State<App>,
    request: Request,
) -> Result<Response, Problem> {
    run(&app, request, Address::of(Verb::AdvanceClock)).await
}

/// Does what the request wants.
pub(super) async fn run(
    app: &App,
    request: Request,
    address: Address,
) -> Result<Response, Problem> {
    let (http::request::Parts { headers, .. }, body) = request.into_parts();
    let caller = Caller::with(app, &headers, address.verb.scope())?;
    let response = post(app.clone(), caller, headers, body, address).await?;
    Ok(response.map(Body::from))
}
