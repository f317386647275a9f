//! HTTP/1.1 by hand: one blocking connection with a token.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use serde_json::Value;

/// How long a test waits for bytes before it calls the server stuck.
const PATIENCE: Duration = Duration::from_secs(60);

/// A connection.
pub(crate) struct Connection {
    stream: BufReader<TcpStream>,
    token: String,
}

/// A reply, read whole.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl Connection {
    pub(crate) fn open(address: SocketAddr, token: &str) -> io::Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        Ok(Self { stream: BufReader::new(stream), token: token.to_string() })
    }

    pub(crate) fn get(&mut self, path: &str) -> io::Result<Reply> {
        self.send("GET", path, &[], b"")?;
        self.reply()
    }

    /// Posts a command under a key.
    pub(crate) fn post(&mut self, path: &str, key: &str, body: &str) -> io::Result<Reply> {
        let headers = [("Idempotency-Key", key), ("Content-Type", "application/json")];
        self.send("POST", path, &headers, body.as_bytes())?;
        self.reply()
    }

    /// Posts lines to `/v1/commands` and gives each line of the answer to `each` as it comes.
    pub(crate) fn commands(&mut self, lines: &str, each: &mut dyn FnMut(&str)) -> io::Result<u16> {
        let headers = [("Content-Type", "application/x-ndjson")];
        self.send("POST", "/v1/commands", &headers, lines.as_bytes())?;
        let head = self.head()?;
        let mut rest = Vec::new();
        self.body(&head, &mut |piece| {
            rest.extend_from_slice(piece);
            while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = rest.drain(..=end).collect();
                each(String::from_utf8_lossy(&line).trim_end());
            }
        })?;
        status(&head)
    }

    /// Sends a request whole.
    pub(crate) fn send(
        &mut self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> io::Result<()> {
        let mut request = format!(
            "{method} {path} HTTP/1.1\r\nHost: zhida\r\nAuthorization: Bearer {}\r\nContent-Length: {}\r\n",
            self.token,
            body.len()
        );
        for (name, value) in headers {
            request.push_str(&format!("{name}: {value}\r\n"));
        }
        request.push_str("\r\n");
        let mut bytes = request.into_bytes();
        bytes.extend_from_slice(body);
        self.raw(&bytes)
    }

    /// Sends bytes as they are.
    pub(crate) fn raw(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.get_mut().write_all(bytes)
    }

    pub(crate) fn token(&self) -> &str {
        &self.token
    }

    /// Reads a reply whole.
    pub(crate) fn reply(&mut self) -> io::Result<Reply> {
        let head = self.head()?;
        let mut body = Vec::new();
        self.body(&head, &mut |piece| body.extend_from_slice(piece))?;
        Ok(Reply { status: status(&head)?, head, body })
    }

    /// Reads the first lines of an answer that goes on.
    pub(crate) fn stream_lines(&mut self, count: usize, lines: &mut Vec<String>) -> io::Result<()> {
        let head = self.head()?;
        assert_eq!(status(&head)?, 200, "{head}");
        let mut text = String::new();
        while text.matches('\n').count() < count {
            let mut length = String::new();
            self.stream.read_line(&mut length)?;
            let length = usize::from_str_radix(length.trim(), 16).map_err(io::Error::other)?;
            let mut piece = vec![0; length + 2];
            self.stream.read_exact(&mut piece)?;
            text.push_str(&String::from_utf8_lossy(&piece[..length]));
        }
        lines.extend(text.lines().map(str::to_string));
        Ok(())
    }

    fn head(&mut self) -> io::Result<String> {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            if self.stream.read_line(&mut head)? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        Ok(head)
    }

    fn body(&mut self, head: &str, each: &mut dyn FnMut(&[u8])) -> io::Result<()> {
        let mut piece = Vec::new();
        if let Some(length) = header(head, "content-length") {
            piece.resize(length.parse().map_err(io::Error::other)?, 0);
            self.stream.read_exact(&mut piece)?;
            each(&piece);
            return Ok(());
        }
        loop {
            let mut line = String::new();
            if self.stream.read_line(&mut line)? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            let length = usize::from_str_radix(line.trim(), 16).map_err(io::Error::other)?;
            piece.resize(length + 2, 0);
            self.stream.read_exact(&mut piece)?;
            if length == 0 {
                return Ok(());
            }
            each(&piece[..length]);
        }
    }
}

impl Reply {
    /// The body as JSON, of whatever status.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("no JSON: {self:?}"))
    }

    /// The body as JSON, of a good reply.
    pub(crate) fn ok(&self) -> Value {
        assert!((200..300).contains(&self.status), "{}", self.text());
        self.json()
    }

    pub(crate) fn text(&self) -> String {
        format!("{}{}", self.head, String::from_utf8_lossy(&self.body))
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        header(&self.head, name)
    }
}

fn header<'h>(head: &'h str, name: &str) -> Option<&'h str> {
    head.lines().find_map(|line| {
        let (found, value) = line.split_once(':')?;
        found.eq_ignore_ascii_case(name).then(|| value.trim())
    })
}

fn status(head: &str) -> io::Result<u16> {
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
    status.ok_or_else(|| io::Error::other(format!("no HTTP reply: {head}")))
}
