//! The load of streams: bodies of lines over a few connections, every answer read and counted.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use bytes::Bytes;
use http_body_util::BodyExt as _;
use zhida::engine::clock::stopwatch;
use zhida::server::client::{Client, whole};

use crate::Failure;
use crate::bodies::{Bodies, FIRST_SEED};
use crate::child::told;

/// Where to, and over how many connections.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    pub url: String,
    pub token: String,
    pub connections: usize,
}

/// Sends all bodies once; the seconds from the first byte to the last answer.
pub(crate) fn send_all(target: &Target, bodies: &Arc<Bodies>) -> Result<f64, Failure> {
    let next = Arc::new(AtomicUsize::new(0));
    let count = bodies.len();
    let bodies = Arc::clone(bodies);
    send(target, move || {
        let number = next.fetch_add(1, Ordering::Relaxed);
        (number < count).then(|| bodies.get(number))
    })
}

/// Sends all bodies once, with keys of that seed; the seconds.
pub(crate) fn send_renewed(
    target: &Target,
    bodies: &Arc<Bodies>,
    seed: u64,
) -> Result<f64, Failure> {
    let next = AtomicUsize::new(0);
    let bodies = Arc::clone(bodies);
    send(target, move || {
        let number = next.fetch_add(1, Ordering::Relaxed);
        (number < bodies.len()).then(|| bodies.renewed(number, seed))
    })
}

/// Sends bodies with ever new keys until told to stop; the seconds.
pub(crate) fn send_until(
    target: &Target,
    bodies: &Arc<Bodies>,
    stop: &Arc<AtomicBool>,
) -> Result<f64, Failure> {
    let next = AtomicUsize::new(0);
    let (bodies, stop) = (Arc::clone(bodies), Arc::clone(stop));
    send(target, move || {
        let number = next.fetch_add(1, Ordering::Relaxed);
        let seed = FIRST_SEED + 1 + (number / bodies.len()) as u64;
        (!stop.load(Ordering::Acquire)).then(|| bodies.renewed(number, seed))
    })
}

/// Sends the first body once, with keys of that seed.
pub(crate) fn send_some(target: &Target, bodies: &Arc<Bodies>, seed: u64) -> Result<f64, Failure> {
    let is_sent = AtomicBool::new(false);
    let bodies = Arc::clone(bodies);
    send(target, move || (!is_sent.swap(true, Ordering::AcqRel)).then(|| bodies.renewed(0, seed)))
}

fn send(
    target: &Target,
    next: impl Fn() -> Option<(Bytes, u64)> + Send + Sync + 'static,
) -> Result<f64, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let mut clients = Vec::new();
        for _ in 0..target.connections {
            clients.push(Client::connect(&target.url, &target.token).await.map_err(told)?);
        }
        let next = Arc::new(next);
        let began = stopwatch();
        let tasks: Vec<_> = clients
            .into_iter()
            .map(|mut client| {
                let next = Arc::clone(&next);
                tokio::spawn(async move {
                    while let Some((body, lines)) = next() {
                        send_one(&mut client, body, lines).await?;
                    }
                    Ok::<(), Failure>(())
                })
            })
            .collect();
        for task in tasks {
            task.await??;
        }
        Ok(began.elapsed().as_secs_f64())
    })
}

/// Sends one body and reads its answers: one accepted a line, or it fails.
async fn send_one(client: &mut Client, body: Bytes, lines: u64) -> Result<(), Failure> {
    let response = client
        .send(
            "POST",
            "/v1/commands",
            &[(http::header::CONTENT_TYPE, "application/x-ndjson")],
            whole(body),
        )
        .await
        .map_err(told)?;
    let status = response.status();
    let mut body = response.into_body();
    let (mut answers, mut first_refusal) = (0, None);
    while let Some(frame) = body.frame().await {
        let frame = frame?;
        let Some(data) = frame.data_ref() else {
            continue;
        };
        answers += memchr::memchr_iter(b'\n', data).count() as u64;
        if first_refusal.is_none() && memchr::memmem::find(data, b"\"error\"").is_some() {
            first_refusal = Some(data.clone());
        }
    }
    if status.is_success() && first_refusal.is_none() && answers == lines {
        return Ok(());
    }
    let refusal = first_refusal.unwrap_or_default();
    let refusal = String::from_utf8_lossy(&refusal[..refusal.len().min(400)]).into_owned();
    Err(format!("status {status}, {answers} answers to {lines} lines {refusal}").into())
}
