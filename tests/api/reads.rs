//! The feed, the raw journal, the catalogue, and how the server is.

use serde_json::json;
use zhida::api::{ApiOptions, Readiness};
use zhida::journal::Value;

use zhida::rules::Words;

use crate::world::{Choices, ELSEWHERE, GRID, VILLAGE, World};

#[test]
fn the_feed_gives_every_event_once_and_in_order() {
    let world = World::new();
    world.report("PS-001");
    let mut after = 0;
    let mut kinds = Vec::new();
    loop {
        let page = world.get(&format!("/v1/events?after={after}&limit=2"));
        let body = page.ok();
        let events = body["events"].as_array().unwrap().clone();
        if events.is_empty() {
            break;
        }
        for event in events {
            after += 1;
            assert_eq!(event["seq"], after);
            kinds.push(event["type"].as_str().unwrap().to_owned());
        }
        assert_eq!(body["last_seq"], after);
        assert_eq!(page.header("zhida-seq").unwrap(), after.to_string());
    }
    let expected = [
        "journal.opened",
        "client.admitted",
        "import.begun",
        "import.units_staged",
        "import.committed",
        "units.renumbered",
        "import.begun",
        "import.text_staged",
        "import.matters_staged",
        "import.committed",
        "case.reported",
    ];
    assert_eq!(kinds, expected);
    assert_eq!(world.handle.view().published().0, after);
}

#[test]
fn the_feed_waits_for_the_next_event() {
    let world = World::new();
    let after = world.handle.view().published().0;
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| world.get(&format!("/v1/events?after={after}&wait=60")).ok());
        world.report("PS-001");
        let page = waiting.join().unwrap();
        assert_eq!(page["events"][0]["type"], "case.reported");
        assert_eq!(page["events"][0]["unit"], GRID);
        assert_eq!(page["events"][0]["by"]["client"], "administrator");
    });
    let end = after + 1;
    let none = world.get(&format!("/v1/events?after={end}&wait=0")).ok();
    assert_eq!(none, json!({ "events": [], "last_seq": end }));
    // A position in another journal is refused, and told where this one ends.
    let beyond = world.get(&format!("/v1/events?after={}&wait=60", end + 1));
    assert_eq!(beyond.problem(), (400, String::from("invalid_query")));
    assert_eq!(beyond.json()["detail"], format!("after: the journal ends at {end}"));
}

/// The token of a client that sees the first village alone, and may ask five times a minute.
fn bounded(world: &World) -> String {
    world.admit(&format!(
        r#"{{"name":"village","scopes":["read"],"within":["{VILLAGE}"],"quota_per_minute":5}}"#
    ))
}

#[test]
fn whoever_waits_for_an_event_waits_past_what_does_not_exist_for_it() {
    let world = World::new();
    let token = bounded(&world);
    let after = world.handle.view().published().0;
    for _ in 0..3 {
        world.report_at("PS-001", ELSEWHERE);
    }
    world.report("PS-001");
    let first = |wait: u32| {
        let path = format!("/v1/events?after={after}&limit=1&wait={wait}");
        world.request("GET", &path).token(&token).send()
    };
    // A page of one holds nothing for it; whoever does not wait goes on by itself.
    assert_eq!(first(0).ok(), json!({ "events": [], "last_seq": after + 1 }));
    let waited = first(60);
    assert_eq!(waited.header("ratelimit-remaining"), Some("3"), "however often was looked");
    let body = waited.ok();
    assert_eq!((&body["events"][0]["unit"], &body["last_seq"]), (&json!(GRID), &json!(after + 4)));

    // It waits for what is to come, too.
    let after = after + 4;
    world.report_at("PS-001", ELSEWHERE);
    let path = format!("/v1/events?after={after}&wait=60");
    let mut waiting = world.request("GET", &path).token(&token).open();
    // The head was taken in once a later request was answered on the same thread.
    world.report_at("PS-001", ELSEWHERE);
    world.get("/v1/matters").ok();
    world.report("PS-001");
    let told = waiting.read_until("last_seq");
    assert!(told.contains(&format!("\"last_seq\":{}", after + 3)), "{told}");
}

#[test]
fn whoever_waited_in_vain_is_told_how_far_was_looked() {
    let api = ApiOptions {
        wait_max: std::time::Duration::from_millis(200),
        look_pause: std::time::Duration::from_millis(1),
        ..ApiOptions::default()
    };
    let world = World::with(Choices { api, ..Choices::default() });
    let token = bounded(&world);
    let after = world.handle.view().published().0;
    for _ in 0..3 {
        world.report_at("PS-001", ELSEWHERE);
    }
    let path = format!("/v1/events?after={after}&limit=1&wait=60");
    let none = world.request("GET", &path).token(&token).send();
    assert_eq!(none.header("zhida-seq").unwrap(), (after + 3).to_string());
    assert_eq!(none.ok(), json!({ "events": [], "last_seq": after + 3 }));
}

#[test]
fn a_read_sees_what_it_says_it_must_have_seen() {
    let api = ApiOptions {
        min_seq_patience: std::time::Duration::from_millis(20),
        ..ApiOptions::default()
    };
    let world = World::with(Choices { api, ..Choices::default() });
    world.report("PS-001");
    let newest = world.handle.view().published().0;
    let read = |seq: u64| {
        world.request("GET", "/v1/cases/1").header("zhida-min-seq", &seq.to_string()).send()
    };
    assert_eq!(read(newest).status, 200);
    let ahead = read(newest + 1);
    assert_eq!(ahead.problem(), (503, String::from("seq_not_reached")));
    assert_eq!(ahead.header("retry-after"), Some("1"));
}

#[test]
fn who_is_not_known_does_not_wait() {
    // Longer than the client waits for any answer.
    let api = ApiOptions {
        min_seq_patience: std::time::Duration::from_hours(1),
        ..ApiOptions::default()
    };
    let world = World::with(Choices { api, ..Choices::default() });
    let far = || world.request("GET", "/v1/cases/1").header("zhida-min-seq", "1000000");
    let unknown = far().token("no such token").send();
    assert_eq!(unknown.problem(), (401, String::from("token_unknown")));
    assert_eq!(far().without_token().send().problem(), (401, String::from("token_missing")));
}

#[test]
fn the_raw_journal_is_framed_and_whole() {
    let world = World::new();
    world.report("PS-001");
    let mut from = 1;
    let mut values = Vec::new();
    loop {
        let answer = world.get(&format!("/v1/journal/records?from={from}&limit_bytes=1"));
        assert_eq!(answer.status, 200);
        let last = answer.header("zhida-seq").unwrap().to_owned();
        if answer.body.is_empty() {
            assert_eq!(last, "0");
            break;
        }
        let (head, bytes) = answer.body.split_at(12);
        let first = u64::from_le_bytes(head[..8].try_into().unwrap());
        let length = u32::from_le_bytes(head[8..].try_into().unwrap());
        assert_eq!((first.to_string(), length as usize), (last, bytes.len()));
        let value = Value::parse(bytes).unwrap();
        from = value.records().last().unwrap().unwrap().seq.0 + 1;
        values.push(bytes.to_vec());
    }
    let kept: Vec<_> = world.faults.values().iter().map(|(_, bytes)| bytes.to_vec()).collect();
    assert_eq!(values, kept);
    let whole = world.get("/v1/journal/records");
    let bytes: usize = kept.iter().map(|value| value.len() + 12).sum();
    assert_eq!(whole.body.len(), bytes);
}

#[test]
fn cases_are_counted() {
    let world = World::new();
    world.report("PS-001");
    world.report("PS-002");
    let case = world.report("PS-001");
    world
        .post(&format!("/v1/cases/{case}/escalate"), &format!(r#"{{"by":"{GRID}","reason":"大"}}"#))
        .ok();
    let body = format!(
        r#"{{"by":"{GRID}","matter":"PS-001","place":"{GRID}","source":"patrol","text":"积水","settle":{{"answer":"好"}}}}"#
    );
    assert_eq!(world.post("/v1/cases", &body).status, 201);
    insta::assert_json_snapshot!("counts", world.get("/v1/counts").ok());
}

#[test]
fn the_catalogue_is_shown_as_it_was_written() {
    let world = World::new();
    let matters = world.get("/v1/matters").ok();
    assert_eq!(matters["matters"].as_array().unwrap().len(), 3);
    assert_eq!(matters["matters"][0]["node_limit"], json!({ "calendar_hours": 10 }));
}

#[test]
fn health_readiness_and_metrics_need_no_token() {
    let api = ApiOptions {
        metrics: std::sync::Arc::new(|| String::from("zhida_commands_total 7\n")),
        ready: std::sync::Arc::new(|| {
            Readiness::NotReady(Words::new("3 of 9 segments", "第 3 段，共 9 段"))
        }),
        ..ApiOptions::default()
    };
    let world = World::with(Choices { api, ..Choices::default() });
    let get = |path: &str| world.request("GET", path).without_token().send();
    let health = get("/healthz").ok();
    assert_eq!((&health["status"], &health["clock"]), (&json!("ok"), &json!("manual")));
    let ready = get("/readyz");
    assert_eq!((ready.status, ready.json()["detail"].clone()), (503, json!("3 of 9 segments")));
    let metrics = get("/metrics");
    assert!(metrics.header("content-type").unwrap().starts_with("text/plain; version=0.0.4"));
    assert_eq!(metrics.text(), "zhida_commands_total 7\n");
    world.handle.status().degrade(String::from("the fold stopped"));
    let health = get("/healthz").ok();
    assert_eq!(
        (&health["status"], &health["degraded"]),
        (&json!("degraded"), &json!("the fold stopped"))
    );
}

#[test]
fn the_build_tells_its_bounds() {
    let world = World::new();
    let build = world.get("/v1/build").ok();
    assert_eq!(build["limits"]["bulk_body_bytes_max"], 16 * 1_024 * 1_024);
    assert_eq!(build["clock"], "manual");
    assert_eq!(world.request("GET", "/v1/build").without_token().send().problem().0, 401);
}

#[test]
fn http_2_is_spoken_too() {
    use http_body_util::{BodyExt, Full};
    use hyper_util::rt::{TokioExecutor, TokioIo};

    let world = World::new();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (status, body) = runtime.block_on(async {
        let stream = tokio::net::TcpStream::connect(world.address).await.unwrap();
        let (mut sender, connection) =
            hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream))
                .await
                .unwrap();
        let connection = tokio::spawn(connection);
        let request = http::Request::post(format!("http://{}/v1/cases", world.address))
            .header("authorization", format!("Bearer {}", world.admin))
            .header("content-type", "application/json")
            .body(Full::new(bytes::Bytes::from(crate::world::report("PS-001", GRID))))
            .unwrap();
        let response = sender.send_request(request).await.unwrap();
        let status = response.status();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        drop(sender);
        connection.await.unwrap().unwrap();
        (status, body)
    });
    assert_eq!(status, 201, "{body:?}");
}
