//! What is answered before the engine runs: that the server lives, and how far its start is.

use std::convert::Infallible;
use std::sync::Arc;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderValue, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use serde_json::json;
use tokio::net::TcpListener;

use super::codes::Code;
use super::language::Language;
use super::problem::Problem;
use super::reply::JSON;
use super::tls::Tls;
use crate::rules::Words;

/// Says how far the start is, for people.
pub type StartProgress = Arc<dyn Fn() -> Words + Send + Sync>;

/// Seconds after which a client may try again.
const TRY_AGAIN_S: &str = "1";

/// Answers on `listener` until `stop`: `/healthz` with 200, `/readyz` and everything else with 503
/// and how far the start is. Then takes no more connections and drops those that are open.
pub async fn serve_starting(
    listener: TcpListener,
    progress: StartProgress,
    tls: Option<Arc<Tls>>,
    stop: impl Future<Output = ()>,
) {
    let mut connections = tokio::task::JoinSet::new();
    let mut stop = std::pin::pin!(stop);
    loop {
        let accepted = tokio::select! {
            biased;
            () = &mut stop => break,
            accepted = listener.accept() => accepted,
        };
        let Ok((stream, _)) = accepted else {
            continue;
        };
        let progress = Arc::clone(&progress);
        let service = service_fn(move |request: Request<Incoming>| {
            let response =
                answer(request.uri().path(), Language::of(request.headers()), &progress());
            async move { Ok::<_, Infallible>(response) }
        });
        let tls = tls.clone();
        connections.spawn(async move {
            let builder = Builder::new(TokioExecutor::new());
            let served = match tls {
                None => builder.serve_connection(TokioIo::new(stream), service).await,
                Some(tls) => match tls.greet(stream).await {
                    Ok(stream) => builder.serve_connection(TokioIo::new(stream), service).await,
                    Err(error) => Err(error),
                },
            };
            if let Err(error) = served {
                tracing::debug!(error, "a connection broke off");
            }
        });
    }
}

fn answer(path: &str, language: Language, progress: &Words) -> Response<Full<Bytes>> {
    let (status, body) = match path {
        "/healthz" => (StatusCode::OK, json!({ "status": "starting" })),
        "/readyz" => {
            let detail = language.pick(progress);
            (StatusCode::SERVICE_UNAVAILABLE, json!({ "ready": false, "detail": detail }))
        }
        _ => {
            let problem = Problem::detailed(Code::Starting, progress.clone());
            return problem.response(language, None).map(Full::from);
        }
    };
    let mut response = Response::new(Full::from(body.to_string()));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, JSON);
    if status == StatusCode::SERVICE_UNAVAILABLE {
        headers.insert(RETRY_AFTER, HeaderValue::from_static(TRY_AGAIN_S));
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_starting_server_lives_and_is_not_ready() {
        let far = Words::new("event 5 of 10", "第 5 个事实，共 10 个");
        assert_eq!(answer("/healthz", Language::English, &far).status(), StatusCode::OK);
        for path in ["/readyz", "/v1/cases", "/metrics"] {
            let answer = answer(path, Language::English, &far);
            assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE, "{path}");
            assert_eq!(answer.headers()[RETRY_AFTER], TRY_AGAIN_S);
        }
    }
}
