//! What is answered before there is an engine: that the server lives, and how far its start is.

use std::convert::Infallible;
use std::future::Future;
use std::sync::Arc;

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpListener;

use super::codes::Code;
use super::language::Language;
use super::problem::Problem;
use super::reply::JSON;
use super::system::ReadyBody;

/// Says how far the start is.
pub type Progress = Arc<dyn Fn() -> String + Send + Sync>;

/// Answers on `listener` until `stop`: `/healthz` 200, `/readyz` 503 with the progress, anything
/// else 503. Dropping the future breaks its connections off; the listener lives on.
pub async fn serve_starting(
    listener: &TcpListener,
    progress: Progress,
    stop: impl Future<Output = ()>,
) {
    let mut connections = tokio::task::JoinSet::new();
    let mut stop = std::pin::pin!(stop);
    loop {
        let accepted = tokio::select! {
            biased;
            () = &mut stop => return,
            accepted = listener.accept() => accepted,
        };
        let Ok((stream, _)) = accepted else {
            continue;
        };
        let progress = Arc::clone(&progress);
        connections.spawn(async move {
            let service = service_fn(move |request: Request<Incoming>| {
                let response = answer(&request, &progress);
                async move { Ok::<_, Infallible>(response) }
            });
            // One answer a connection: the next one goes to the server once it has started.
            let connection = http1::Builder::new()
                .timer(TokioTimer::new())
                .keep_alive(false)
                .serve_connection(TokioIo::new(stream), service);
            if let Err(error) = connection.await {
                tracing::debug!(%error, "a connection broke off");
            }
        });
    }
}

fn answer(request: &Request<Incoming>, progress: &Progress) -> Response<Full<Bytes>> {
    let (status, body) = match request.uri().path() {
        "/healthz" => (StatusCode::OK, serde_json::json!({ "status": "starting" }).to_string()),
        "/readyz" => {
            let body = ReadyBody { ready: false, detail: Some(progress()) };
            let body = serde_json::to_string(&body).expect("texts have a JSON form");
            (StatusCode::SERVICE_UNAVAILABLE, body)
        }
        _ => {
            let problem = Problem::new(Code::Starting);
            let response = problem.response(Language::of(request.headers()), None);
            return response.map(|body| Full::new(body.into()));
        }
    };
    let mut response = Response::new(Full::new(body.into()));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, JSON);
    response
}
