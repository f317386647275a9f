//! TLS as its operator meets it: files that are good, bad and replaced, and the commands over https.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rustix::process::Signal;

use crate::authority::{Authority, Certified, FAR, Secured, client};
use crate::world::{Ended, Place, SMALL, Server, command, ended};

/// `[tls]` with certificate and key.
const BOTH: &str = "certificate = \"{}/certificate.pem\"\nkey = \"{}/key.pem\"\n";
/// With authorities of clients as well.
const MUTUAL: &str = "certificate = \"{}/certificate.pem\"\nkey = \"{}/key.pem\"\nclient_authorities = \"{}/clients.pem\"\n";

/// A place whose configuration has a `[tls]`, in which `{}` is the place's directory.
fn place(tls: &str) -> Place {
    let place = Place::with_city();
    configure(&place, tls);
    place
}

fn configure(place: &Place, tls: &str) {
    let tls = tls.replace("{}", place.dir.path().to_str().unwrap());
    std::fs::write(place.path("zhida.toml"), format!("{SMALL}[tls]\n{tls}")).unwrap();
}

fn write(place: &Place, name: &str, text: impl AsRef<[u8]>) -> PathBuf {
    let path = place.path(name);
    std::fs::write(&path, text).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
    path
}

/// As a PEM file has it.
fn pem(label: &str, der: &[u8]) -> String {
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", STANDARD.encode(der))
}

/// Puts certificate and key where the configuration names them.
fn keep(place: &Place, certified: &Certified) {
    write(place, "certificate.pem", pem("CERTIFICATE", &certified.certificate));
    write(place, "key.pem", pem("PRIVATE KEY", &certified.key));
}

/// Tells the server to read its files again, and waits until its log has a line with that word.
fn read_again(server: &Server, told: &str) {
    let count = || server.log().matches(told).count();
    let before = count();
    server.signal(Signal::HUP);
    while count() == before {
        std::thread::yield_now();
    }
}

#[test]
fn sighup_puts_other_files_in_force_and_bad_ones_never() {
    let place = place(BOTH);
    let first = Authority::new();
    let certified = first.certify(FAR);
    keep(&place, &certified);
    let mut server = place.serve();
    let trusting = client(&first, None, &["http/1.1"]);
    let mut open = Secured::open(server.address, &trusting);
    assert_eq!(open.health().unwrap(), 200);

    let next = Authority::new();
    let bad: [&dyn Fn(); 4] = [
        &|| drop(write(&place, "certificate.pem", "no certificate")),
        &|| drop(write(&place, "key.pem", pem("PRIVATE KEY", &next.certify(FAR).key))),
        &|| std::fs::remove_file(place.path("key.pem")).unwrap(),
        &|| keep(&place, &next.certify(2_020)),
    ];
    for spoil in bad {
        keep(&place, &certified);
        spoil();
        read_again(&server, "the certificate of before stays in force");
        let mut connection = Secured::open(server.address, &trusting);
        assert_eq!(connection.health().unwrap(), 200);
        assert_eq!(connection.shown(), Some(&certified.certificate));
    }

    let renewed = next.certify(FAR);
    keep(&place, &renewed);
    read_again(&server, "were read again");
    let mut connection = Secured::open(server.address, &client(&next, None, &["http/1.1"]));
    assert_eq!(connection.health().unwrap(), 200);
    assert_eq!(connection.shown(), Some(&renewed.certificate));
    assert_eq!(open.health().unwrap(), 200);
    server.term();
}

#[test]
fn authorities_are_read_again_with_the_certificate() {
    let place = place(MUTUAL);
    let (servers, before, after) = (Authority::new(), Authority::new(), Authority::new());
    keep(&place, &servers.certify(FAR));
    write(&place, "clients.pem", pem("CERTIFICATE", before.certificate()));
    let server = place.serve();
    let health = |shown: &Certified| {
        Secured::open(server.address, &client(&servers, Some(shown), &["http/1.1"])).health().ok()
    };
    let (old, new) = (before.certify(FAR), after.certify(FAR));
    assert_eq!((health(&old), health(&new)), (Some(200), None));
    let both = [&before, &after].map(|one| pem("CERTIFICATE", one.certificate())).concat();
    write(&place, "clients.pem", both);
    read_again(&server, "were read again");
    assert_eq!((health(&old), health(&new)), (Some(200), Some(200)));
    write(&place, "clients.pem", pem("CERTIFICATE", after.certificate()));
    read_again(&server, "were read again");
    assert_eq!((health(&old), health(&new)), (None, Some(200)));
}

#[test]
fn whoever_knocks_wrongly_fills_no_log() {
    let place = place(BOTH);
    let authority = Authority::new();
    keep(&place, &authority.certify(FAR));
    let server = place.serve();
    let before = server.log();
    let deceived = client(&Authority::new(), None, &[]);
    for sent in [&b"GET / HTTP/1.1\r\n\r\n"[..], b"\0\x01", b"\x16\x03\x01\0\x05nonse"].repeat(50) {
        let mut stream = TcpStream::connect(server.address).unwrap();
        stream.write_all(sent).unwrap();
        stream.shutdown(std::net::Shutdown::Write).ok();
        stream.read_to_end(&mut Vec::new()).ok();
        assert!(Secured::open(server.address, &deceived).health().is_err());
    }
    let mut connection = Secured::open(server.address, &client(&authority, None, &[]));
    assert_eq!(connection.health().unwrap(), 200);
    assert_eq!(server.log(), before);
}

#[test]
fn a_key_in_the_form_of_others_is_read_and_both_protocols_are_offered() {
    let place = place(BOTH);
    let authority = Authority::new();
    let certified = authority.certify(FAR);
    // SEC1 is what PKCS#8 holds, from its version on.
    let start = memchr::memmem::find(&certified.key, &[0x02, 0x01, 0x01, 0x04]).unwrap() - 2;
    let sec1 = pem("EC PRIVATE KEY", &certified.key[start..]);
    keep(&place, &certified);
    write(&place, "key.pem", format!("key of a test\n{sec1}"));
    let chain = [&certified.certificate, authority.certificate()];
    write(&place, "certificate.pem", chain.map(|one| pem("CERTIFICATE", one)).concat());
    let server = place.serve();
    for protocol in ["h2", "http/1.1"] {
        let config = client(&authority, None, &["acme", protocol]);
        let mut connection = Secured::open(server.address, &config);
        connection.0.conn.complete_io(&mut connection.0.sock).unwrap();
        assert_eq!(connection.0.conn.alpn_protocol(), Some(protocol.as_bytes()));
    }
    assert!(
        server.log().contains("valid_until=\"4000-01-01T08:00:00.000+08:00\""),
        "{}",
        server.log()
    );
}

#[test]
fn a_certificate_out_of_its_time_is_served_with_a_warning() {
    let place = place(BOTH);
    keep(&place, &Authority::new().certify(2_020));
    let server = place.serve();
    let log = server.log();
    assert!(log.contains("WARN") && log.contains("it expired at 2020-01-01T08:00:00"), "{log}");
    let check = check(&place, "zh").refused(3);
    assert!(check.contains("zhida.toml:9: certificate: 证书已于 2020-01-01T08:00"), "{check}");
}

fn check(place: &Place, language: &str) -> Ended {
    let file = place.path("zhida.toml");
    let mut check = command(["config", "check", file.to_str().unwrap()]);
    check.env("ZHIDA_LANG", language);
    ended(check)
}

/// `[tls]`, a file and what it holds, line and key of the fault, in English, in Chinese.
type Row<'r> = (&'r str, &'r str, &'r str, &'r str, &'r str, &'r str);

#[test]
fn bad_settings_and_files_are_refused_with_what_to_do() {
    let only = |name: &str| format!("{name} = \"{{}}/{name}.pem\"\n");
    let (certificate, key, clients) =
        (only("certificate"), only("key"), only("client_authorities"));
    let other = Authority::new();
    let unreadable = pem("CERTIFICATE", b"no certificate");
    let cut = pem("CERTIFICATE", &[7; 99]).replace("-----END CERTIFICATE-----", "");
    let (key_text, huge) = (pem("PRIVATE KEY", &other.certify(FAR).key), " ".repeat(1 << 21));
    let sealed = pem("ENCRYPTED PRIVATE KEY", &[7; 99]);
    let rows: &[Row<'_>] = &[
        (&certificate, "", "", "9: certificate", "it has no key", "缺少对应的 key"),
        (&key, "", "", "9: key", "it has no certificate", "缺少对应的 certificate"),
        (&clients, "", "", "9: client_authorities", "nobody is asked for one", "不会要求客户端"),
        (
            BOTH,
            "certificate.pem",
            "-",
            "9: certificate",
            "cannot be read: No such file",
            "无法读取",
        ),
        (BOTH, "certificate.pem", "", "9: certificate", "holds no certificate", "不含证书"),
        (BOTH, "certificate.pem", &key_text, "9: certificate", "holds no certificate", "不含证书"),
        (BOTH, "certificate.pem", &unreadable, "9: certificate", "certificate 1", "第 1 个证书"),
        (BOTH, "certificate.pem", &cut, "9: certificate", "it is cut off", "内容不完整"),
        (BOTH, "certificate.pem", &huge, "9: certificate", "longer than 1 MiB", "超过 1 MiB"),
        (BOTH, "key.pem", "-", "10: key", "cannot be read: No such file", "无法读取"),
        (BOTH, "key.pem", &unreadable, "10: key", "holds no private key", "不含私钥"),
        (BOTH, "key.pem", &sealed, "10: key", "holds an encrypted key", "中的密钥已加密"),
        (BOTH, "key.pem", &pem("PRIVATE KEY", b"no key"), "10: key", "cannot be used", "无法使用"),
        (BOTH, "key.pem", &key_text, "10: key", "is not the key of the first", "不匹配"),
        (
            BOTH,
            "key.pem",
            "644",
            "10: key",
            "by everybody (mode 644)",
            "任何人都可访问（权限 644）",
        ),
        (MUTUAL, "clients.pem", "-", "11: client_authorities", "cannot be read", "无法读取"),
        (MUTUAL, "clients.pem", "", "11: client_authorities", "holds no certificate", "不含证书"),
        (MUTUAL, "clients.pem", &unreadable, "11: client_authorities", "certificate 1", "已损坏"),
        (
            "version_min = \"1.1\"\n",
            "",
            "",
            "9: version_min",
            "unknown variant `1.1`",
            "没有这个值 1.1",
        ),
        ("handshake_wait_max = \"0s\"\n", "", "", "9", "outside 1 to 300", "zhida.toml:9"),
        (
            "ciphers = \"all\"\n",
            "",
            "",
            "9: ciphers",
            "unknown field `ciphers`",
            "没有字段 ciphers",
        ),
    ];
    for (tls, file, text, at, english, chinese) in rows {
        let place = place(tls);
        keep(&place, &other.certify(FAR));
        write(&place, "clients.pem", pem("CERTIFICATE", other.certificate()));
        match *text {
            _ if file.is_empty() => {}
            "-" => std::fs::remove_file(place.path(file)).unwrap(),
            "644" => {
                let everybody = std::fs::Permissions::from_mode(0o644);
                std::fs::set_permissions(place.path(file), everybody).unwrap();
            }
            text => drop(write(&place, file, text)),
        }
        let Err(ended) = place.try_serve() else { panic!("it starts: {english}") };
        let told = ended.refused(2);
        assert!(told.contains(english) && !told.contains(" serving "), "{english}: {told}");
        let told = check(&place, "en").refused(3);
        assert!(told.contains(&format!("zhida.toml:{at}: ")), "{at}: {told}");
        assert!(told.contains(english) && told.contains("hint: "), "{english}: {told}");
        let told = check(&place, "zh").refused(3);
        assert!(told.contains(chinese) && told.contains("提示："), "{chinese}: {told}");
    }
    // All at once.
    let place = place(MUTUAL);
    let Err(ended) = place.try_serve() else { panic!("it starts without its files") };
    assert_eq!(ended.refused(2).matches("cannot be read").count(), 3);
    assert_eq!(check(&place, "en").refused(3).matches("cannot be read").count(), 3);
}

/// Runs a command against the server at that URL.
fn speak(server: &Server, url: &str, words: &[&str]) -> Ended {
    let token = server.token_file();
    let target = ["--url", url, "--token-file", token.to_str().unwrap()];
    ended(command(words.iter().chain(&target)))
}

#[test]
fn every_command_speaks_https_to_whom_it_trusts() {
    let place = place(MUTUAL);
    let (servers, clients) = (Authority::new(), Authority::new());
    keep(&place, &servers.certify(FAR));
    write(&place, "clients.pem", pem("CERTIFICATE", clients.certificate()));
    let shown = clients.certify(FAR);
    let path = |name: &str, text: String| write(&place, name, text).to_str().unwrap().to_owned();
    let cert = path("shown.pem", pem("CERTIFICATE", &shown.certificate));
    let key = path("shown-key.pem", pem("PRIVATE KEY", &shown.key));
    let stranger = path("stranger.pem", pem("CERTIFICATE", &clients.certify(FAR).certificate));
    let ca = path("ca.pem", pem("CERTIFICATE", servers.certificate()));
    let server = place.serve();
    let https = format!("https://{}", server.address);
    let trusting = ["--ca", &ca, "--client-cert", &cert, "--client-key", &key];
    let backup = place.path("city.backup");
    let said: [&[&str]; 5] = [
        &["token", "list"],
        &["token", "create", "screen", "--scope", "read"],
        &["config", "show"],
        &["verify"],
        &["backup", backup.to_str().unwrap()],
    ];
    for words in said {
        assert_ne!(speak(&server, &https, &[words, &trusting].concat()).ok(), "", "{words:?}");
    }
    let list =
        |url: &str, trust: &[&str]| speak(&server, url, &[&["token", "list"], trust].concat());
    let http = server.url();
    let named = format!("https://localhost:{}", server.address.port());
    list(&named, &trusting).ok();
    let rows: [(&str, &[&str], i32, &str); 8] = [
        (&https, &[], 2, "name the authority of its certificate with --ca FILE"),
        (&https, &["--ca", "/nonexistent"], 2, "--ca: /nonexistent cannot be read"),
        (&https, &["--ca", &stranger], 1, "none of the authorities in --ca"),
        (&https, &["--ca", &ca], 1, "asks for a certificate: --client-cert and --client-key"),
        (&https, &["--ca", &ca, "--client-cert", &cert], 2, "--client-key"),
        (
            &https,
            &["--ca", &ca, "--client-cert", &stranger, "--client-key", &key],
            2,
            "--client-key: ",
        ),
        (&http, &["--ca", &ca], 2, "is not https"),
        (&http, &[], 5, "the server refused: 400 This address speaks TLS"),
    ];
    for (url, trust, code, told) in rows {
        let stderr = list(url, trust).refused(code);
        assert!(stderr.contains(told), "{url} {trust:?}: {stderr}");
    }
    let city = Place::with_city();
    let plain = city.serve();
    let https = format!("https://{}", plain.address);
    let stderr = speak(&plain, &https, &["token", "list", "--ca", &ca]).refused(1);
    assert!(stderr.contains("write http:// in place of https://"), "{stderr}");
}
