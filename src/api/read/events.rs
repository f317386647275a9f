//! Events as they are told: in the feed, and in a case's history.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::response::Response;
use http::{HeaderMap, HeaderValue, Uri};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::event_data::EventData;
use super::parts::CaseText;
use super::{page_limit, query};
use crate::api::app::App;
use crate::api::caller::Caller;
use crate::api::codes::Code;
use crate::api::moment::{CodeText, Moment};
use crate::api::problem::Problem;
use crate::api::reply::{self, ZHIDA_SEQ};
use crate::domain::catalogue::Catalogue;
use crate::domain::client::Clients;
use crate::domain::event::{Event, UnitMoved};
use crate::domain::grant::Scope;
use crate::domain::ids::{CaseId, MatterNumber, PrincipalId, Seq, Timestamp, UnitNumber};
use crate::domain::organisation::Organisation;
use crate::domain::record::Record;
use crate::domain::state;
use crate::engine::{Handle, ReadError, ReadsFull, View};
use crate::rules::Words;

/// A fact.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Event)]
pub(in crate::api) struct EventBody {
    /// Its place in the journal.
    seq: u64,
    /// When it was decided.
    #[schema(value_type = String, format = DateTime)]
    at: Moment,
    /// What happened: `case.reported`, …
    #[serde(rename = "type")]
    kind: &'static str,
    /// The case that it happened to.
    #[serde(skip_serializing_if = "Option::is_none")]
    case: Option<u32>,
    /// The unit that it concerns: who got the case, else who acted. Units have the codes here, and
    /// in `by` and `data`, that they had when it was decided.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    unit: Option<CodeText>,
    /// Who did it.
    by: ActorBody,
    /// What the event says besides, by its type.
    data: EventData,
    /// Its texts; where they were asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    texts: Option<Vec<CaseText>>,
}

/// Who did something.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Actor)]
pub(in crate::api) struct ActorBody {
    /// The client system; `zhida` for what falls due by the clock.
    client: String,
    /// The unit that it acted for.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    unit: Option<CodeText>,
}

impl ActorBody {
    pub(in crate::api) fn of(names: &EventNames, record: &Record) -> Self {
        Self {
            client: names.client(record.actor.principal),
            unit: record.actor.unit.and_then(|unit| names.unit(unit, record)),
        }
    }
}

/// What turns an event's inner numbers into codes and names.
#[derive(Clone, Debug)]
pub struct EventNames {
    organisation: Arc<Organisation>,
    catalogue: Arc<Catalogue>,
    clients: Arc<Clients>,
}

impl EventNames {
    /// The names that a state knows.
    #[must_use]
    pub fn of_state(state: &state::State) -> Self {
        Self {
            organisation: Arc::clone(state.organisation()),
            catalogue: Arc::clone(state.catalogue()),
            clients: Arc::clone(state.clients()),
        }
    }

    /// The event as the feed tells it, as one line of JSON.
    ///
    /// # Panics
    /// Never: an event has a JSON form.
    #[must_use]
    pub fn line(&self, record: &Record) -> String {
        let body = EventBody::of(self, record, &|_| true);
        serde_json::to_string(&body).expect("an event has a JSON form")
    }

    pub(in crate::api) fn of(view: &View) -> Self {
        Self {
            organisation: view.organisation(),
            catalogue: view.catalogue(),
            clients: view.clients(),
        }
    }

    /// The code that the unit had when the event was decided, so that what is told of the past stays.
    ///
    /// A unit's codes change by the millisecond: of an event in that of a move the unit has the code
    /// that it moved to, whichever of the two came first. Of several moves in one it has the last's.
    pub(super) fn unit(&self, unit: UnitNumber, record: &Record) -> Option<CodeText> {
        // Since the newest change every unit has the code that it has now.
        let code = if record.seq > self.organisation.last_seq() {
            self.organisation.code(unit)
        } else {
            self.organisation.code_at(unit, record.at)
        };
        code.map(CodeText)
    }

    /// The code that the unit left when it moved.
    pub(super) fn left(&self, moved: &UnitMoved, at: Timestamp) -> Option<CodeText> {
        self.organisation.code_left(moved.unit, moved.to, at).map(CodeText)
    }

    pub(super) fn matter(&self, matter: MatterNumber) -> Option<&str> {
        self.catalogue.matter(matter).map(|matter| &*matter.code)
    }

    pub(super) fn client(&self, principal: PrincipalId) -> String {
        if principal == PrincipalId::SYSTEM {
            return String::from("zhida");
        }
        self.clients.get(principal).map(|client| client.name.to_string()).unwrap_or_default()
    }
}

impl EventBody {
    /// As it is told to whom `shows` says which cases exist.
    pub(super) fn of(names: &EventNames, record: &Record, shows: &dyn Fn(CaseId) -> bool) -> Self {
        let concerned = concerned(&record.event).or(record.actor.unit);
        Self {
            seq: record.seq.0,
            at: Moment(record.at),
            kind: record.event.name(),
            case: record.event.case().map(|case| case.0),
            unit: concerned.and_then(|unit| names.unit(unit, record)),
            by: ActorBody::of(names, record),
            data: EventData::of(names, record, shows),
            texts: None,
        }
    }

    pub(super) fn with_texts(self, texts: Vec<CaseText>) -> Self {
        Self { texts: Some(texts), ..self }
    }
}

/// Who gets the case.
fn concerned(event: &Event) -> Option<UnitNumber> {
    if let Event::CaseReported(event) = event {
        return Some(event.holder);
    }
    if let Event::CasesInherited(event) = event {
        return Some(event.holder);
    }
    event.sent().map(|event| event.holder)
}

/// A page of the feed.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Events)]
pub(in crate::api) struct EventsBody {
    /// In order. Those of cases that do not exist for the token are left out.
    events: Vec<EventBody>,
    /// The event to go on after, left out ones included.
    last_seq: u64,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct EventsQuery {
    after: Option<u64>,
    limit: Option<usize>,
    wait: Option<u64>,
}

/// Pull the feed
///
/// Published events after `after`, oldest first. With `wait` the answer waits for the first of them
/// that exists for the token, that many seconds at most. Go on with `after=last_seq`; begin with the
/// `as_of_seq` of a list, or the `seq` of `GET /healthz`, for what comes from then on. An empty page is
/// not the end, since events of what does not exist for the token are left out: the end is where
/// `last_seq` grows no more. `after` beyond the end of the journal is refused: it is a position in
/// another one.
#[utoipa::path(
    get,
    path = "/v1/events",
    tag = "events",
    params(
        ("after" = Option<u64>, Query, description = "The event to go on after; from the first without it"),
        ("limit" = Option<u32>, Query, description = "Events of a page: 100, at most 1000"),
        ("wait" = Option<u32>, Query, description = "Seconds to wait for an event; longer than the server allows (30 by default) counts as that"),
    ),
    responses(
        (status = 200, description = "A page, perhaps empty", body = EventsBody, headers(("Zhida-Seq" = u64, description = "The event to go on after"))),
    ),
)]
pub(in crate::api) async fn get_events(
    State(app): State<App>,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, Problem> {
    let caller = Caller::with(&app, &headers, Scope::Read)?;
    let asked: EventsQuery = query(&uri)?;
    let limit = page_limit(asked.limit, app.options().page_max)?;
    let after = Seq(asked.after.unwrap_or(0));
    let end = app.handle().view().published();
    if after > end {
        // A position in another journal would wait for ever, or miss what comes until then.
        let detail = Words::new(
            format!("after: the journal ends at {}", end.0),
            format!("after 超出日志末尾（{}）", end.0),
        );
        return Err(Problem::detailed(Code::InvalidQuery, detail));
    }
    let patience = Duration::from_secs(asked.wait.unwrap_or(0)).min(app.options().wait_max);
    let body = awaited(&app, &caller, after, limit, patience).await?;
    let mut response = reply::json(&body);
    response.headers_mut().insert(ZHIDA_SEQ, HeaderValue::from(body.last_seq));
    Ok(response.map(Into::into))
}

/// The first page with an event for the caller, or once the patience is over an empty one: as far as
/// was looked. Each look goes on where the one before ended.
async fn awaited(
    app: &App,
    caller: &Caller,
    after: Seq,
    limit: usize,
    patience: Duration,
) -> Result<EventsBody, Problem> {
    let (handle, options) = (app.handle(), app.options());
    let mut stopping = app.api.stopping.subscribe();
    // A server that stops keeps nobody waiting.
    let is_over = tokio::time::timeout(patience, stopping.wait_for(|is_stopping| *is_stopping));
    let mut is_over = std::pin::pin!(is_over);
    let mut page = EventsBody { events: Vec::new(), last_seq: after.0 };
    let mut look = Look { after, limit, records_max: limit };
    loop {
        let has_more = tokio::select! {
            biased;
            has_more = handle.view().wait_for(look.after.next(), patience) => has_more,
            _ = &mut is_over => false,
        };
        if !has_more {
            return Ok(page);
        }
        let asker = caller.clone();
        let is_first = look.after == after;
        match handle.blocking_read(move |handle| look.page(handle, &asker)).await {
            Ok(looked) => page = looked?,
            // Whoever waits already looks again.
            Err(ReadsFull) if !is_first => {}
            Err(full) => return Err(full.into()),
        }
        if !page.events.is_empty() || patience.is_zero() {
            return Ok(page);
        }
        look = Look { after: Seq(page.last_seq), limit, records_max: options.page_max };
        tokio::select! {
            biased;
            _ = &mut is_over => return Ok(page),
            () = tokio::time::sleep(options.look_pause) => {}
        }
    }
}

/// What of the feed is looked at together.
#[derive(Clone, Copy, Debug)]
struct Look {
    after: Seq,
    /// Events that are told.
    limit: usize,
    /// Events that are looked at.
    records_max: usize,
}

impl Look {
    fn page(self, handle: &Handle, caller: &Caller) -> Result<EventsBody, ReadError> {
        let Self { after, limit, records_max } = self;
        let records = handle.records(after.next(), handle.view().published(), records_max)?;
        let names = EventNames::of(handle.view());
        // Administration is for administrators; what happens to cases, for whom one of them exists.
        let is_admin = caller.grant.is_admin();
        let shows = |case| {
            let seen = |case| caller.sees_case(&names.organisation, &case);
            is_admin || handle.case(case).is_some_and(seen)
        };
        let mut page = EventsBody { events: Vec::new(), last_seq: after.0 };
        for record in &records {
            if page.events.len() == limit {
                break;
            }
            page.last_seq = record.seq.0;
            if is_admin || record.event.cases().any(shows) {
                page.events.push(EventBody::of(&names, record, &shows));
            }
        }
        Ok(page)
    }
}
