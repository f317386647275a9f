//! A client that speaks HTTP/1.1 by hand, so that a test decides what is sent, when, and what is
//! read.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use serde_json::Value;

use crate::document::assert_documented;

/// A request as it is put together.
pub(crate) struct Request {
    address: SocketAddr,
    method: String,
    path: String,
    head: String,
    token: Option<String>,
    body: Vec<u8>,
}

impl Request {
    /// To whoever listens there, without a token.
    pub(crate) fn new(address: SocketAddr, method: &str, path: &str) -> Self {
        let head = format!("{method} {path} HTTP/1.1\r\nhost: zhida\r\nconnection: close\r\n");
        let (method, path) = (method.to_owned(), path.to_owned());
        Self { address, method, path, head, token: None, body: Vec::new() }
    }

    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        for part in [name, ": ", value, "\r\n"] {
            self.head.push_str(part);
        }
        self
    }

    pub(crate) fn token(mut self, token: &str) -> Self {
        self.token = Some(token.to_owned());
        self
    }

    pub(crate) fn without_token(mut self) -> Self {
        self.token = None;
        self
    }

    pub(crate) fn json(self, json: &str) -> Self {
        self.header("content-type", "application/json").body(json)
    }

    pub(crate) fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    /// The answer, which is one that the document knows.
    pub(crate) fn send(self) -> Answer {
        let (method, path) = (self.method.clone(), self.path.clone());
        let answer = self.send_undocumented();
        assert_documented(&method, &path, &answer);
        assert_punctuated(&method, &path, &answer);
        answer
    }

    fn send_undocumented(mut self) -> Answer {
        let length = self.body.len();
        let body = std::mem::take(&mut self.body);
        let mut connection = self.header("content-length", &length.to_string()).open();
        // A refused body may not be read to its end: then the answer is there already.
        connection.0.write_all(&body).ok();
        connection.answer()
    }

    /// Sends the head alone, of a body that comes in chunks.
    pub(crate) fn open_chunked(self) -> Connection {
        self.header("transfer-encoding", "chunked").open()
    }

    /// Sends the head alone.
    pub(crate) fn open(self) -> Connection {
        let mut head = self.head;
        if let Some(token) = self.token {
            head.push_str("authorization: Bearer ");
            head.push_str(&token);
            head.push_str("\r\n");
        }
        let mut stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_mins(1))).unwrap();
        stream.write_all(format!("{head}\r\n").as_bytes()).unwrap();
        Connection(stream)
    }
}

/// Fails on a sentence whose parts were put together wrongly.
fn assert_punctuated(method: &str, path: &str, answer: &Answer) {
    if answer.header("content-type") != Some("application/problem+json") {
        return;
    }
    let marks = ['：', '；', '，', '。', '、', ':', ';', ','];
    let told = answer.json();
    let errors = told["errors"].as_array().into_iter().flatten();
    let sentences = errors.flat_map(|error| [&error["detail"], &error["hint"]]);
    for sentence in sentences.chain([&told["title"], &told["detail"]]).filter_map(Value::as_str) {
        let words = sentence.replace(' ', "");
        let mut pairs = words.chars().zip(words.chars().skip(1));
        let is_doubled = pairs.any(|(one, next)| marks.contains(&one) && marks.contains(&next));
        let is_open = words.ends_with(marks);
        assert!(!is_doubled && !is_open, "{method} {path}: {sentence}");
    }
}

/// An open connection with a request on it.
pub(crate) struct Connection(pub(crate) TcpStream);

impl Connection {
    pub(crate) fn chunk(&mut self, text: &str) {
        let chunk = format!("{:x}\r\n{text}\r\n", text.len());
        self.0.write_all(chunk.as_bytes()).unwrap();
    }

    pub(crate) fn end(&mut self) {
        self.0.write_all(b"0\r\n\r\n").unwrap();
    }

    /// Reads until `wanted` has come.
    pub(crate) fn read_until(&mut self, wanted: &str) -> String {
        let mut read = Vec::new();
        let mut piece = [0; 4_096];
        loop {
            let text = String::from_utf8_lossy(&read).into_owned();
            if text.contains(wanted) {
                return text;
            }
            let count = self.0.read(&mut piece).unwrap();
            assert!(count > 0, "the connection ended after: {text}");
            read.extend_from_slice(&piece[..count]);
        }
    }

    /// Whether the server ends the connection.
    pub(crate) fn answer_ends(mut self) -> bool {
        self.0.read_to_end(&mut Vec::new()).is_ok()
    }

    /// Reads the answer to the end of the connection.
    pub(crate) fn answer(mut self) -> Answer {
        let mut read = Vec::new();
        // A connection that the server resets behind its answer has given it.
        self.0.read_to_end(&mut read).ok();
        Answer::parse(&read)
    }
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    head: String,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    fn parse(read: &[u8]) -> Self {
        let end = memchr::memmem::find(read, b"\r\n\r\n").expect("a whole head");
        let head = String::from_utf8(read[..end].to_vec()).unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        let rest = &read[end + 4..];
        let is_chunked = head.to_lowercase().contains("transfer-encoding: chunked");
        let body = if is_chunked { joined(rest) } else { rest.to_vec() };
        Self { status, head, body }
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().skip(1).find_map(|line| {
            let (found, value) = line.split_once(':')?;
            found.eq_ignore_ascii_case(name).then_some(value.trim())
        })
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// The body of an answer that is no problem.
    pub(crate) fn ok(&self) -> Value {
        assert!((200..300).contains(&self.status), "{} {}", self.status, self.text());
        self.json()
    }

    /// The results of a stream.
    pub(crate) fn lines(&self) -> Vec<Value> {
        assert_eq!(self.status, 200, "{}", self.text());
        self.text().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// The code of a problem, with its status.
    pub(crate) fn problem(&self) -> (u16, String) {
        assert_eq!(self.header("content-type"), Some("application/problem+json"), "{self:?}");
        let body = self.json();
        assert_eq!(body["status"], self.status);
        (self.status, body["code"].as_str().unwrap().to_owned())
    }
}

fn joined(mut chunks: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    while let Some(end) = memchr::memmem::find(chunks, b"\r\n") {
        let size = std::str::from_utf8(&chunks[..end]).unwrap();
        let size = usize::from_str_radix(size, 16).unwrap();
        if size == 0 {
            break;
        }
        body.extend_from_slice(&chunks[end + 2..end + 2 + size]);
        chunks = &chunks[end + 4 + size..];
    }
    body
}
