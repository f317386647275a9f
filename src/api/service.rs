//! The door: every request comes in here and every answer leaves here.
//!
//! ```text
//!             ┌─ POST /v1/cases, POST /v1/cases/{id}/{move} ──▶ write ──┐
//!  request ───┤                                                         ├──▶ Zhida-Clock, problems
//!             └─ all others ──▶ router ──▶ handlers ────────────────────┘    rendered ──▶ answer
//! ```

use std::convert::Infallible;
use std::future::{Future, ready};
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::Either;
use http::header::{ALLOW, AUTHORIZATION};
use http::{HeaderMap, Method, Request, Response};
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use tower::Service as _;

use super::app::App;
use super::caller::Caller;
use super::codes::Code;
use super::commands;
use super::language::Language;
use super::lifecycle::Going;
use super::problem::Problem;
use super::quota::RateLimit;
use super::reply::{ZHIDA_CLOCK, ZHIDA_MIN_SEQ};
use super::write::{self, Address};
use crate::domain::ids::Seq;
use crate::rules::Words;

/// What one I/O thread serves its connections with. Cheap to clone.
#[derive(Clone)]
pub struct ApiService {
    app: App,
    router: axum::Router,
}

impl ApiService {
    pub(super) fn new(app: App, router: axum::Router) -> Self {
        Self { app, router }
    }

    /// Answers one request. Dropping the future gives up the waiting; a command that was submitted
    /// goes on.
    pub fn answer<B>(self, request: Request<B>) -> impl Future<Output = Response<ReplyBody>> + Send
    where
        B: Body<Data = Bytes> + Send + 'static,
        B::Error: Into<axum::BoxError> + Send,
    {
        let language = Language::of(request.headers());
        let app = self.app.clone();
        let going = Going::of(app.options().going, request.method(), request.uri().path());
        // The request goes into the one future that needs it, and lies in no other.
        let answering = match Address::hot(request.method(), request.uri().path()) {
            Some(address) => Either::Left(hot(self.app, request, address)),
            None => Either::Right(Box::pin(self.routed(request))),
        };
        AssertUnwindSafe(answering).catch_unwind().map(move |answer| {
            let answer = answer.unwrap_or_else(|_| Err(Problem::new(Code::Internal)));
            let mut response = finished(&app, language, answer);
            if let Some(going) = going {
                going.tell(response.headers_mut());
            }
            response
        })
    }

    async fn routed<B>(self, request: Request<B>) -> Result<Response<ReplyBody>, Problem>
    where
        B: Body<Data = Bytes> + Send + 'static,
        B::Error: Into<axum::BoxError>,
    {
        if request.uri().path().starts_with("/v1/") {
            // Whom the server does not know is told nothing of an address, nor what is wrong with it.
            Caller::of(&self.app, request.headers())?;
        }
        let rate_limit = self.count(&request)?;
        limited(self.handled(request).await, rate_limit)
    }

    /// Counts the request against its token's quota. Not a stream, which counts its lines; not what
    /// needs no token; and not what no client sends, or one that may not: its handler says so.
    fn count<B>(&self, request: &Request<B>) -> Result<Option<RateLimit>, Problem> {
        let headers = request.headers();
        let path = request.uri().path();
        let is_counted = path.starts_with("/v1/") && path != commands::PATH;
        if !is_counted || !headers.contains_key(AUTHORIZATION) {
            return Ok(None);
        }
        let caller = Caller::of(&self.app, headers).ok();
        caller.map_or(Ok(None), |caller| caller.count(&self.app))
    }

    async fn handled<B>(mut self, request: Request<B>) -> Result<Response<ReplyBody>, Problem>
    where
        B: Body<Data = Bytes> + Send + 'static,
        B::Error: Into<axum::BoxError>,
    {
        if request.method() == Method::GET {
            self.wait_for_min_seq(request.headers()).await?;
        }
        let mut response = match self.router.call(request.map(axum::body::Body::new)).await {
            Ok(response) => response,
            Err(never) => match never {},
        };
        if let Some(problem) = response.extensions_mut().remove::<Problem>() {
            // The router knows what else the address takes.
            return Err(problem.allowing(response.headers_mut().remove(ALLOW)));
        }
        // A path that is no text is refused before any handler sees it.
        if response.status().is_client_error() {
            return Err(Problem::new(Code::InvalidPath));
        }
        Ok(response.map(ReplyBody::Streamed))
    }

    async fn wait_for_min_seq(&self, headers: &HeaderMap) -> Result<(), Problem> {
        let Some(value) = headers.get(&ZHIDA_MIN_SEQ) else {
            return Ok(());
        };
        // Only whom the server knows may keep a request waiting.
        Caller::of(&self.app, headers)?;
        let Some(seq) = value.to_str().ok().and_then(|seq| seq.parse().ok()) else {
            let detail = Words::new("Zhida-Min-Seq: a seq", "Zhida-Min-Seq 应为一个序号");
            return Err(Problem::detailed(Code::InvalidHeader, detail));
        };
        let patience = self.app.options().min_seq_patience;
        if self.app.handle().view().wait_for(Seq(seq), patience).await {
            return Ok(());
        }
        Err(Problem::new(Code::SeqNotReached))
    }
}

/// Answers a request to a hot address.
fn hot<B>(
    app: App,
    request: Request<B>,
    address: Address,
) -> impl Future<Output = Result<Response<ReplyBody>, Problem>> + Send
where
    B: Body<Data = Bytes> + Send,
    B::Error: Send,
{
    let (http::request::Parts { headers, .. }, body) = request.into_parts();
    let admitted = Caller::with(&app, &headers, address.verb.scope())
        .and_then(|caller| Ok((caller.count(&app)?, caller)));
    match admitted {
        Err(problem) => Either::Left(ready(Err(problem))),
        Ok((rate_limit, caller)) => {
            let posted = write::post(app, caller, headers, body, address);
            Either::Right(posted.map(move |response| {
                let response = response.map(|it| it.map(|body| ReplyBody::Whole(Some(body))));
                limited(response, rate_limit)
            }))
        }
    }
}

/// The same, with how its client stands with its quota.
fn limited(
    answer: Result<Response<ReplyBody>, Problem>,
    rate_limit: Option<RateLimit>,
) -> Result<Response<ReplyBody>, Problem> {
    match answer {
        Ok(mut response) => {
            if let Some(rate_limit) = rate_limit {
                rate_limit.tell(response.headers_mut());
            }
            Ok(response)
        }
        Err(problem) => Err(problem.limited(rate_limit)),
    }
}

/// What goes out: a problem is rendered.
fn finished(
    app: &App,
    language: Language,
    answer: Result<Response<ReplyBody>, Problem>,
) -> Response<ReplyBody> {
    let mut response = answer.unwrap_or_else(|problem| {
        let request_id = app.api.request_id();
        if problem.code().status() >= 500 {
            let code = problem.code().name();
            tracing::debug!(request_id, code, "a request was not done");
        }
        let response = problem.response(language, Some(request_id));
        response.map(|body| ReplyBody::Whole(Some(body.into())))
    });
    response.headers_mut().insert(ZHIDA_CLOCK, app.api.clock_header.clone());
    response
}

impl hyper::service::Service<Request<Incoming>> for ApiService {
    type Response = Response<ReplyBody>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn call(&self, request: Request<Incoming>) -> Self::Future {
        Box::pin(self.clone().answer(request).map(Ok))
    }
}

/// An answer's body: there already, or coming.
#[derive(Debug)]
pub enum ReplyBody {
    /// All of it.
    Whole(Option<Bytes>),
    /// As it comes.
    Streamed(axum::body::Body),
}

impl Body for ReplyBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        match self.get_mut() {
            Self::Whole(bytes) => {
                Poll::Ready(bytes.take().filter(|bytes| !bytes.is_empty()).map(Frame::data).map(Ok))
            }
            Self::Streamed(body) => Pin::new(body).poll_frame(context),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Whole(bytes) => bytes.as_ref().is_none_or(Bytes::is_empty),
            Self::Streamed(body) => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(bytes) => {
                SizeHint::with_exact(bytes.as_ref().map_or(0, |bytes| bytes.len() as u64))
            }
            Self::Streamed(body) => body.size_hint(),
        }
    }
}
