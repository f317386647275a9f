//! The load of single POSTs: keep-alive connections, each sending its next request once the answer
//! to the last is there. Bytes are made ahead; an answer is looked at no further than its length.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use zhida::engine::clock::stopwatch;

use crate::Failure;

const KEY_DIGITS: usize = 12;

/// Requests made ahead, and the numbers of their keys.
pub(crate) struct Requests {
    ready: Vec<Vec<u8>>,
    next_key: AtomicU64,
    key_at: usize,
}

/// What a run of them came to.
#[derive(Debug, Default)]
pub(crate) struct Posted {
    /// Answers 201.
    pub created: u64,
    /// Answers 503.
    pub overloaded: u64,
    /// All others.
    pub other: u64,
    pub seconds: f64,
    /// Of each answer, where they were asked for.
    pub latencies: Vec<Latency>,
}

/// How long an answer took, and where the server says the time went.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Latency {
    pub us: f64,
    /// Queue, decide, commit, publish.
    pub steps_us: [f64; STEPS.len()],
}

/// The steps that `Server-Timing` names.
pub(crate) const STEPS: [&str; 4] = ["queue", "decide", "commit", "publish"];

/// How a run goes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Run {
    pub connections: usize,
    pub until: Until,
    pub wants_latencies: bool,
}

/// When a run ends.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Until {
    Passed(Duration),
    /// So many answers 201, over all connections.
    Created(u64),
}

impl Requests {
    pub(crate) fn new(bodies: &[Vec<u8>], token: &str) -> Arc<Self> {
        Self::with(bodies, token, "")
    }

    /// The same, each asking where its time went.
    pub(crate) fn timed(bodies: &[Vec<u8>], token: &str) -> Arc<Self> {
        Self::with(bodies, token, "server-timing: wanted\r\n")
    }

    fn with(bodies: &[Vec<u8>], token: &str, timing: &str) -> Arc<Self> {
        let head = format!(
            "POST /v1/cases HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer {token}\r\n\
             content-type: application/json\r\n{timing}idempotency-key: p-"
        );
        let key_at = head.len();
        let of_body = |body: &Vec<u8>| {
            let rest = format!("{:0KEY_DIGITS$}\r\ncontent-length: {}\r\n\r\n", 0, body.len());
            [head.as_bytes(), rest.as_bytes(), body].concat()
        };
        let ready = bodies.iter().map(of_body).collect();
        Arc::new(Self { ready, next_key: AtomicU64::new(1), key_at })
    }

    /// The next request, in a buffer that is used again.
    fn write_next(&self, out: &mut Vec<u8>) {
        let number = self.next_key.fetch_add(1, Ordering::Relaxed);
        let index = usize::try_from(number).expect("64 bits") % self.ready.len();
        out.clear();
        out.extend_from_slice(&self.ready[index]);
        let mut rest = number;
        for digit in out[self.key_at..self.key_at + KEY_DIGITS].iter_mut().rev() {
            *digit = b'0' + u8::try_from(rest % 10).expect("a digit");
            rest /= 10;
        }
    }
}

/// Runs the load on a thread of its own with a runtime of its own.
pub(crate) fn run(port: u16, requests: &Arc<Requests>, run: Run) -> Result<Posted, Failure> {
    let requests = Arc::clone(requests);
    let thread = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(run_all(port, requests, run))
    });
    thread.join().map_err(|_| "the load panicked")?
}

async fn run_all(port: u16, requests: Arc<Requests>, run: Run) -> Result<Posted, Failure> {
    let mut connections = Vec::with_capacity(run.connections);
    for _ in 0..run.connections {
        let stream = TcpStream::connect(("127.0.0.1", port)).await?;
        stream.set_nodelay(true)?;
        connections.push(stream);
    }
    let created = Arc::new(AtomicU64::new(0));
    let began = stopwatch();
    let tasks: Vec<_> = connections
        .into_iter()
        .map(|stream| {
            let (requests, created) = (Arc::clone(&requests), Arc::clone(&created));
            tokio::spawn(one(stream, requests, created, began, run))
        })
        .collect();
    let mut posted = Posted::default();
    for task in tasks {
        let one = task.await??;
        posted.created += one.created;
        posted.overloaded += one.overloaded;
        posted.other += one.other;
        posted.latencies.extend(one.latencies);
    }
    posted.seconds = began.elapsed().as_secs_f64();
    Ok(posted)
}

async fn one(
    mut stream: TcpStream,
    requests: Arc<Requests>,
    created: Arc<AtomicU64>,
    began: Instant,
    run: Run,
) -> Result<Posted, Failure> {
    let mut posted = Posted::default();
    let (mut request, mut answer) = (Vec::new(), Vec::with_capacity(4_096));
    loop {
        let sent_at = stopwatch();
        let is_over = match run.until {
            Until::Passed(time) => sent_at.duration_since(began) >= time,
            Until::Created(count) => created.load(Ordering::Relaxed) >= count,
        };
        if is_over {
            return Ok(posted);
        }
        requests.write_next(&mut request);
        stream.write_all(&request).await?;
        match read_answer(&mut stream, &mut answer).await? {
            201 => {
                posted.created += 1;
                created.fetch_add(1, Ordering::Relaxed);
            }
            503 => posted.overloaded += 1,
            _ => posted.other += 1,
        }
        if run.wants_latencies {
            let us = sent_at.elapsed().as_secs_f64() * 1e6;
            posted
                .latencies
                .push(Latency { us, steps_us: STEPS.map(|step| step_us(&answer, step)) });
        }
    }
}

/// Reads one whole answer, and gives its status.
async fn read_answer(stream: &mut TcpStream, answer: &mut Vec<u8>) -> Result<u16, Failure> {
    answer.clear();
    loop {
        if stream.read_buf(answer).await? == 0 {
            return Err("the server closed the connection".into());
        }
        let Some(head) = memchr::memmem::find(answer, b"\r\n\r\n") else {
            continue;
        };
        let length = content_length(&answer[..head]).ok_or("an answer without a length")?;
        if answer.len() >= head + 4 + length {
            let status = answer.get(9..12).and_then(|code| std::str::from_utf8(code).ok());
            return Ok(status.and_then(|code| code.parse().ok()).ok_or("no status")?);
        }
    }
}

/// What `Server-Timing` says of a step: `queue;dur=0.012`, in milliseconds.
fn step_us(answer: &[u8], step: &str) -> f64 {
    let ms = || {
        let name = format!("{step};dur=");
        let rest = &answer[memchr::memmem::find(answer, name.as_bytes())? + name.len()..];
        let ends = rest.iter().position(|byte| !(byte.is_ascii_digit() || *byte == b'.'))?;
        std::str::from_utf8(&rest[..ends]).ok()?.parse::<f64>().ok()
    };
    ms().unwrap_or_default() * 1e3
}

fn content_length(head: &[u8]) -> Option<usize> {
    let name = b"content-length: ";
    let begins = memchr::memmem::find(head, name)? + name.len();
    let rest = &head[begins..];
    let ends = memchr::memchr(b'\r', rest).unwrap_or(rest.len());
    std::str::from_utf8(&rest[..ends]).ok()?.parse().ok()
}
