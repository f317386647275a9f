//! TLS below HTTP: who is let in, who is told off, and that nobody keeps a place.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use http_body_util::{BodyExt, Empty};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::crypto::ring::default_provider;
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use zhida::api::{ApiOptions, Tls};
use zhida::rules::Words;

use crate::authority::{Authority, Certified, FAR, Secured, client};
use crate::world::{Choices, World};

const LONG: Duration = Duration::from_mins(10);
const SHORT: Duration = Duration::from_millis(100);

/// What a listener greets with: that certificate, and whom it asks for one.
fn listener(certified: &Certified, asked: Option<&Authority>) -> ServerConfig {
    let builder = ServerConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap();
    let builder = match asked {
        None => builder.with_no_client_auth(),
        Some(authority) => {
            let mut roots = RootCertStore::empty();
            roots.add(authority.certificate().clone()).unwrap();
            let provider = Arc::new(default_provider());
            let asking = WebPkiClientVerifier::builder_with_provider(roots.into(), provider);
            builder.with_client_cert_verifier(asking.build().unwrap())
        }
    };
    let chain = vec![certified.certificate.clone()];
    let mut config = builder.with_single_cert(chain, certified.key()).unwrap();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    config
}

/// A server that speaks TLS, with `options`; and who certified it.
fn secured(handshake_wait_max: Duration, options: ApiOptions) -> (World, Authority, Arc<Tls>) {
    let authority = Authority::new();
    let config = listener(&authority.certify(FAR), None);
    let tls = Arc::new(Tls::new(config, handshake_wait_max));
    let api = ApiOptions { tls: Some(Arc::clone(&tls)), ..options };
    (World::empty(Choices { api, ..Choices::default() }), authority, tls)
}

/// One connection at a time.
fn lone() -> ApiOptions {
    ApiOptions { connections_max: 1, ..ApiOptions::default() }
}

/// What comes until the server ends the connection.
fn rest(stream: &mut TcpStream) -> Vec<u8> {
    stream.set_read_timeout(Some(Duration::from_mins(1))).unwrap();
    let mut read = Vec::new();
    if let Err(error) = stream.read_to_end(&mut read) {
        assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset, "it is kept open");
    }
    read
}

/// The status of a request over HTTP/2.
async fn over_http2(address: SocketAddr, config: Arc<rustls::ClientConfig>) -> u16 {
    let stream = tokio::net::TcpStream::connect(address).await.unwrap();
    let connector = tokio_rustls::TlsConnector::from(config);
    let stream = connector.connect(address.ip().into(), stream).await.unwrap();
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
    let io = TokioIo::new(stream);
    let shaken = hyper::client::conn::http2::handshake(TokioExecutor::new(), io).await;
    let (mut sender, connection) = shaken.unwrap();
    tokio::spawn(connection);
    let request = http::Request::get(format!("https://{address}/healthz"));
    let answer = sender.send_request(request.body(Empty::<bytes::Bytes>::new()).unwrap()).await;
    let (head, body) = answer.unwrap().into_parts();
    assert!(!body.collect().await.unwrap().to_bytes().is_empty());
    head.status.as_u16()
}

#[test]
fn both_protocols_are_spoken_and_the_client_says_which() {
    let (world, authority, _) = secured(LONG, ApiOptions::default());
    for (offered, spoken) in [
        (&["http/1.1"][..], Some("http/1.1")),
        (&["http/1.1", "acme"], Some("http/1.1")),
        (&[], None),
    ] {
        let mut connection = Secured::open(world.address, &client(&authority, None, offered));
        assert_eq!(connection.health().unwrap(), 200, "{offered:?}");
        assert_eq!(connection.health().unwrap(), 200, "{offered:?}");
        assert_eq!(connection.0.conn.alpn_protocol(), spoken.map(str::as_bytes));
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let config = client(&authority, None, &["h2", "http/1.1"]);
    assert_eq!(runtime.block_on(over_http2(world.address, config)), 200);
    let mut other = Secured::open(world.address, &client(&authority, None, &["acme"]));
    assert!(other.health().unwrap_err().to_string().contains("NoApplicationProtocol"));
}

#[test]
fn whoever_speaks_without_tls_is_told_so_or_let_go() {
    let (world, authority, _) = secured(LONG, lone());
    let long = format!("POST /v1/cases HTTP/1.1\r\nhost: zhida\r\n\r\n{}", "x".repeat(20_000));
    let told = ["GET / HTTP/1.1\r\nhost: zhida\r\n\r\n", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", &long];
    for sent in told {
        let mut stream = TcpStream::connect(world.address).unwrap();
        stream.write_all(sent.as_bytes()).unwrap();
        // The answer is there as soon as one has seen enough, and survives what was not read.
        let mut read = vec![0; 4_096];
        let mut answer = String::new();
        while let count @ 1.. = stream.read(&mut read).unwrap() {
            answer.push_str(std::str::from_utf8(&read[..count]).unwrap());
        }
        assert!(answer.starts_with("HTTP/1.1 400 Bad Request\r\n"), "{answer}");
        assert!(answer.contains("write https://") && answer.contains("请用 https://"), "{answer}");
    }
    let garbage: [&[u8]; 5] =
        [b"\0\0\0\0", b"\xff\xfe", b"get / http/1.1\r\n\r\n", b"\x16\x03\x01\xff\xff", &[22; 64]];
    for sent in garbage {
        let mut stream = TcpStream::connect(world.address).unwrap();
        stream.write_all(sent).unwrap();
        // It may be refused already.
        stream.shutdown(std::net::Shutdown::Write).ok();
        // An alert of TLS at most.
        assert!(rest(&mut stream).len() < 16, "{sent:?}");
    }
    // The one place is free again after each.
    let mut connection = Secured::open(world.address, &client(&authority, None, &[]));
    assert_eq!(connection.health().unwrap(), 200);
}

#[test]
fn whoever_keeps_silent_loses_the_place() {
    let hello = {
        let config = client(&Authority::new(), None, &[]);
        let name = "localhost".try_into().unwrap();
        let mut connection = rustls::ClientConnection::new(config, name).unwrap();
        let mut hello = Vec::new();
        connection.write_tls(&mut hello).unwrap();
        hello
    };
    let (world, authority, _) = secured(SHORT, lone());
    // Nothing, a part of a first message, a whole one without what follows, a word of HTTP and no end.
    for sent in [&b""[..], &hello[..9], &hello, b"GET "] {
        let mut silent = TcpStream::connect(world.address).unwrap();
        silent.write_all(sent).unwrap();
        let mut next = Secured::open(world.address, &client(&authority, None, &[]));
        assert_eq!(next.health().unwrap(), 200, "{} bytes", sent.len());
        rest(&mut silent);
    }
}

#[test]
fn whoever_keeps_silent_behind_the_handshake_loses_the_place() {
    let options = ApiOptions { header_read_timeout: SHORT, ..lone() };
    let (world, authority, _) = secured(LONG, options);
    for protocols in [&["h2"][..], &["http/1.1"], &[]] {
        let config = client(&authority, None, protocols);
        let mut silent = Secured::open(world.address, &config);
        silent.0.conn.complete_io(&mut silent.0.sock).unwrap();
        let mut next = Secured::open(world.address, &client(&authority, None, &[]));
        assert_eq!(next.health().unwrap(), 200, "{protocols:?}");
        // Half of what HTTP/2 begins with is no more than nothing.
        drop(next);
        let mut half = Secured::open(world.address, &config);
        half.0.write_all(b"PRI * HT").unwrap();
        let mut next = Secured::open(world.address, &client(&authority, None, &[]));
        assert_eq!(next.health().unwrap(), 200, "{protocols:?}");
    }
}

#[test]
fn whoever_begins_to_speak_and_stops_loses_the_place_without_tls_too() {
    let options = ApiOptions { header_read_timeout: SHORT, ..lone() };
    let world = World::with(Choices { api: options, ..Choices::default() });
    for sent in [&b""[..], b"P", b"PRI * HTTP/2.0", b"GET "] {
        let mut silent = TcpStream::connect(world.address).unwrap();
        silent.write_all(sent).unwrap();
        assert_eq!(world.get("/healthz").status, 200, "{sent:?}");
        rest(&mut silent);
    }
}

#[test]
fn handshakes_that_do_not_come_hold_nobody_up() {
    let options = ApiOptions { drain_wait_max: LONG, ..ApiOptions::default() };
    let (mut world, authority, _) = secured(LONG, options);
    let silent: Vec<_> = (0..100).map(|_| TcpStream::connect(world.address).unwrap()).collect();
    let config = client(&authority, None, &[]);
    let mut connection = Secured::open(world.address, &config);
    assert_eq!(connection.health().unwrap(), 200);
    // Nor do they, or an idle connection, hold up a stop.
    world.stop();
    let mut left = Vec::new();
    connection.0.read_to_end(&mut left).expect("closed as TLS closes, not torn");
    assert_eq!(left, b"");
    for mut stream in silent {
        assert_eq!(rest(&mut stream), b"");
    }
    assert!(TcpStream::connect(world.address).is_err());
}

#[test]
fn a_stop_lets_an_open_request_end() {
    let (mut world, authority, _) = secured(LONG, ApiOptions::default());
    let config = client(&authority, None, &["http/1.1"]);
    let mut waiting = Secured::open(world.address, &config);
    let head = format!(
        "GET /v1/events?after={}&wait=60 HTTP/1.1\r\nhost: zhida\r\nauthorization: Bearer {}\r\n\r\n",
        world.handle.view().published().0,
        world.admin
    );
    waiting.0.write_all(head.as_bytes()).unwrap();
    // The head was taken in once a later request was answered on the same thread.
    assert_eq!(Secured::open(world.address, &config).health().unwrap(), 200);
    world.stop();
    let mut answer = String::new();
    waiting.0.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 ") && answer.contains(r#"{"events":[],"#), "{answer}");
}

#[test]
fn a_client_trusts_its_own_authority_alone() {
    let (world, authority, _) = secured(LONG, lone());
    let mut deceived = Secured::open(world.address, &client(&Authority::new(), None, &[]));
    let refused = deceived.health().unwrap_err().to_string();
    assert!(refused.contains("UnknownIssuer"), "{refused}");
    drop(deceived);
    let mut connection = Secured::open(world.address, &client(&authority, None, &[]));
    assert_eq!(connection.health().unwrap(), 200);
}

#[test]
fn where_a_certificate_is_asked_for_nobody_comes_in_without() {
    let (servers, clients) = (Authority::new(), Authority::new());
    let config = listener(&servers.certify(FAR), Some(&clients));
    let tls = Some(Arc::new(Tls::new(config, LONG)));
    let api = ApiOptions { tls, ..lone() };
    let world = World::empty(Choices { api, ..Choices::default() });
    let rows = [
        (None, Err("CertificateRequired")),
        (Some(Authority::new().certify(FAR)), Err("")),
        // One of the right authority, for the server: it is no client's by being signed there.
        (Some(servers.certify(FAR)), Err("")),
        (Some(clients.certify(2_020)), Err("CertificateExpired")),
        (Some(clients.certify(FAR)), Ok(200)),
    ];
    for (shown, expected) in rows {
        let config = client(&servers, shown.as_ref(), &["http/1.1"]);
        let mut connection = Secured::open(world.address, &config);
        let told = connection.health().map_err(|error| error.to_string());
        match expected {
            Ok(status) => assert_eq!(told, Ok(status)),
            Err(part) => assert!(told.as_ref().is_err_and(|told| told.contains(part)), "{told:?}"),
        }
    }
}

#[test]
fn another_certificate_is_for_whoever_comes_after_it() {
    let (world, before, tls) = secured(LONG, ApiOptions::default());
    let config = client(&before, None, &["http/1.1"]);
    let mut open = Secured::open(world.address, &config);
    assert_eq!(open.health().unwrap(), 200);
    let after = Authority::new();
    let certified = after.certify(FAR);
    tls.replace(listener(&certified, None));
    assert_eq!(open.health().unwrap(), 200);
    // With a session of before, too, one is greeted anew.
    let refused = Secured::open(world.address, &config).health().unwrap_err().to_string();
    assert!(refused.contains("UnknownIssuer"), "{refused}");
    let mut next = Secured::open(world.address, &client(&after, None, &["http/1.1"]));
    assert_eq!(next.health().unwrap(), 200);
    assert_eq!(next.shown(), Some(&certified.certificate));
}

#[test]
fn a_server_that_starts_speaks_tls_already() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let socket = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
    let address = socket.local_addr().unwrap();
    let authority = Authority::new();
    let tls = Arc::new(Tls::new(listener(&authority.certify(FAR), None), LONG));
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let server = std::thread::spawn(move || {
        let progress = Arc::new(|| Words::new("on its way", "启动中"));
        let stop = async {
            stopped.await.ok();
        };
        runtime.block_on(zhida::api::serve_starting(socket, progress, Some(tls), stop));
    });
    let mut connection = Secured::open(address, &client(&authority, None, &["http/1.1"]));
    assert_eq!(connection.health().unwrap(), 200);
    stop.send(()).unwrap();
    server.join().unwrap();
}
