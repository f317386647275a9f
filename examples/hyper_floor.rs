//! The hyper floor: what hyper alone does with the same requests and answers, the same build
//! profile and allocator, on this machine, now. Zhida's figures are ratios to it.
//!
//! ```text
//!  POST /v1/cases      body read whole, an answer of the same size and the same headers
//!  POST /v1/commands   body read as it comes, one result line of the same size for each line
//! ```
//!
//! Usage: `hyper_floor PORT THREADS`: a current-thread runtime for each thread, each with a
//! listener of its own on the same port.

use std::convert::Infallible;
use std::error::Error;
use std::io::Write as _;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{HeaderValue, Response, header};
use http_body::{Body, Frame};
use http_body_util::{BodyExt as _, Full};
use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpSocket;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// As long as the answer to a report.
const ANSWER: &[u8] = br#"{"seq":1234567,"case":1234567,"version":1,"status":"dispatched","holder":"411502001001001","node_due_at":"2026-01-05T08:00:00.000+08:00","total_due_at":"2026-01-05T08:00:00.000+08:00"}"#;
/// Bytes that are read of a connection at once, as in Zhida.
const READ_BUFFER_BYTES_MAX: usize = 256 * 1_024;

type Failure = Box<dyn Error + Send + Sync>;

fn main() -> Result<(), Failure> {
    let mut arguments = std::env::args().skip(1);
    let usage = "usage: hyper_floor PORT THREADS";
    let port: u16 = arguments.next().ok_or(usage)?.parse()?;
    let threads: usize = arguments.next().ok_or(usage)?.parse()?;
    let threads: Vec<_> = (0..threads)
        .map(|_| std::thread::spawn(move || run(SocketAddr::from(([127, 0, 0, 1], port)))))
        .collect();
    for thread in threads {
        thread.join().map_err(|_| "a thread panicked")??;
    }
    Ok(())
}

fn run(address: SocketAddr) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let socket = TcpSocket::new_v4()?;
        socket.set_reuseaddr(true)?;
        socket.set_reuseport(true)?;
        socket.bind(address)?;
        let listener = socket.listen(4_096)?;
        loop {
            let (stream, _) = listener.accept().await?;
            stream.set_nodelay(true)?;
            tokio::spawn(async move {
                let connection = http1::Builder::new()
                    .max_buf_size(READ_BUFFER_BYTES_MAX)
                    .writev(false)
                    .serve_connection(TokioIo::new(stream), service_fn(answer));
                // Who goes away in the middle is no news.
                drop(connection.await);
            });
        }
    })
}

async fn answer(request: Request<Incoming>) -> Result<Response<Answer>, hyper::Error> {
    let is_stream = request.uri().path() == "/v1/commands";
    let body = request.into_body();
    if is_stream {
        let lines = Lines { body, lines: 0 };
        return Ok(with_headers(Response::new(Answer::Lines(lines)), "application/x-ndjson"));
    }
    body.collect().await?;
    let mut response = Response::new(Answer::Whole(Full::new(Bytes::from_static(ANSWER))));
    *response.status_mut() = http::StatusCode::CREATED;
    let headers = response.headers_mut();
    headers.insert("zhida-seq", HeaderValue::from(1_234_567_u64));
    headers.insert(header::ETAG, HeaderValue::from_static("\"1\""));
    headers.insert(header::LOCATION, HeaderValue::from_static("/v1/cases/1234567"));
    Ok(with_headers(response, "application/json"))
}

fn with_headers(mut response: Response<Answer>, kind: &'static str) -> Response<Answer> {
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert("zhida-clock", HeaderValue::from_static("system"));
    response
}

/// An answer's body.
enum Answer {
    Whole(Full<Bytes>),
    Lines(Lines),
}

/// One result for each line of a body, as it comes.
struct Lines {
    body: Incoming,
    lines: u64,
}

impl Body for Answer {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        match self.get_mut() {
            Self::Whole(body) => {
                let frame = Pin::new(body).poll_frame(context);
                frame.map_err(|never: Infallible| match never {})
            }
            Self::Lines(lines) => lines.poll(context),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Whole(body) => body.is_end_stream(),
            Self::Lines(_) => false,
        }
    }

    fn size_hint(&self) -> http_body::SizeHint {
        match self {
            Self::Whole(body) => body.size_hint(),
            Self::Lines(_) => http_body::SizeHint::default(),
        }
    }
}

impl Lines {
    fn poll(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        loop {
            let frame = match Pin::new(&mut self.body).poll_frame(context) {
                Poll::Ready(Some(Ok(frame))) => frame,
                Poll::Ready(Some(Err(error))) => return Poll::Ready(Some(Err(error))),
                Poll::Ready(None) => return Poll::Ready(None),
                Poll::Pending => return Poll::Pending,
            };
            let data = frame.data_ref().map_or(&[][..], |data| data);
            let mut results = Vec::new();
            for _ in memchr::memchr_iter(b'\n', data) {
                self.lines += 1;
                let line = self.lines;
                writeln!(results, r#"{{"line":{line},"seq":1234567,"case":1234567,"version":1}}"#)
                    .expect("a Vec takes every write");
            }
            if !results.is_empty() {
                return Poll::Ready(Some(Ok(Frame::data(results.into()))));
            }
        }
    }
}
