//! The HTTP client of the commands: one connection, to a running server or to one in this process.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, Request, StatusCode, header};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

use super::exit::{Failure, Kind};
use super::tls::{self, TrustArgs};
use crate::api::language::Language;
use crate::rules::Words;

/// What a body is sent as: whole, or as it comes.
pub type SentBody = BoxBody<Bytes, std::io::Error>;

/// Characters that are told of an answer that is no problem document: it is not the server's.
const TOLD_CHARS_MAX: usize = 400;

/// One connection with a token.
pub struct Client {
    sender: SendRequest<SentBody>,
    authority: String,
    token: String,
    language: Language,
}

/// A reply, read whole.
#[derive(Debug)]
pub struct Reply {
    /// Of the reply.
    pub status: StatusCode,
    /// Of the reply.
    pub headers: HeaderMap,
    /// Its body.
    pub body: Bytes,
}

impl Client {
    /// Connects to `http://host:port`.
    ///
    /// # Errors
    /// When the URL is not of that form, or nobody listens there.
    pub async fn connect(url: &str, token: &str) -> Result<Self, Failure> {
        Self::connect_trusting(url, token, &TrustArgs::default()).await
    }

    /// Connects to `http://host:port`, or to `https://host:port` by trusting only who is named.
    ///
    /// # Errors
    /// When the URL is not of that form, nobody listens there, or one side does not trust the other.
    pub(super) async fn connect_trusting(
        url: &str,
        token: &str,
        trust: &TrustArgs,
    ) -> Result<Self, Failure> {
        let (is_https, authority) =
            match (url.strip_prefix("http://"), url.strip_prefix("https://")) {
                (Some(rest), _) => (false, rest),
                (_, Some(rest)) => (true, rest),
                _ => (false, ""),
            };
        let authority = authority.trim_end_matches('/');
        if authority.is_empty() || authority.contains('/') {
            return Err(Failure::new(
                Kind::Usage,
                Words::new(
                    format!("`{url}` is no server: write http://host:port, or https://"),
                    format!("“{url}”不是服务器地址：请写作 http://主机:端口，或以 https:// 开头"),
                ),
            ));
        }
        if !is_https && !trust.is_empty() {
            let message = Words::new(
                format!("{url} is not https: whom to trust would be for nothing"),
                format!("{url} 不是 https 地址：指定信任对象不起作用"),
            );
            return Err(Failure::new(Kind::Usage, message).hint(Words::fixed(
                "write https://, or leave --ca and --client-cert out",
                "请改用 https://，或去掉 --ca 和 --client-cert",
            )));
        }
        let stream = TcpStream::connect(authority).await.map_err(|error| {
            let doing = Words::new(format!("connect to {url}"), format!("连接 {url}"));
            Failure::world(doing, &error).hint(Words::fixed(
                "is `zhida serve` running there? --url names another address, --dir a stopped \
                 server's directory",
                "zhida serve 是否在那里运行？--url 指定其他地址，--dir 指定已停止的服务器的目录",
            ))
        })?;
        stream.set_nodelay(true).map_err(|error| {
            Failure::world(Words::fixed("set up the connection", "设置连接"), &error)
        })?;
        if !is_https {
            return Self::over(stream, authority, token).await;
        }
        let host = authority.rsplit_once(':').map_or(authority, |(host, _)| host);
        Self::over(trust.greet(stream, url, host).await?, authority, token).await
    }

    /// Speaks over a stream that is there already.
    ///
    /// # Errors
    /// When the other side does not speak HTTP/1.1.
    pub async fn over<S>(stream: S, authority: &str, token: &str) -> Result<Self, Failure>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let (sender, connection) = handshake(TokioIo::new(stream)).await.map_err(|error| {
            Failure::world(Words::fixed("speak HTTP", "建立 HTTP 连接"), &error)
        })?;
        // A connection that breaks is seen by the request that is under way.
        tokio::spawn(async move { drop(connection.await) });
        Ok(Self {
            sender,
            authority: authority.to_string(),
            token: token.to_string(),
            language: Language::default(),
        })
    }

    /// The same, told in that language what is refused.
    #[must_use]
    pub(super) fn told_in(self, language: Language) -> Self {
        Self { language, ..self }
    }

    /// `GET path`, the reply read whole.
    ///
    /// # Errors
    /// When the connection breaks; a refusal is a reply.
    pub async fn get(&mut self, path: &str) -> Result<Reply, Failure> {
        self.call("GET", path, &[], whole(Bytes::new())).await
    }

    /// `POST path` with a body of that type, the reply read whole.
    ///
    /// # Errors
    /// When the connection breaks; a refusal is a reply.
    pub async fn post(
        &mut self,
        path: &str,
        content_type: &str,
        body: impl Into<Bytes>,
    ) -> Result<Reply, Failure> {
        self.call("POST", path, &[(header::CONTENT_TYPE, content_type)], whole(body.into())).await
    }

    /// `POST path` without a body, for what has not changed since it had that entity tag.
    ///
    /// # Errors
    /// When the connection breaks; a refusal is a reply.
    pub async fn post_if(&mut self, path: &str, if_match: &str) -> Result<Reply, Failure> {
        self.call("POST", path, &[(header::IF_MATCH, if_match)], whole(Bytes::new())).await
    }

    /// `POST path` with a JSON body, for what has not changed since it had that entity tag.
    ///
    /// # Errors
    /// When the connection breaks; a refusal is a reply.
    pub async fn post_json_if(
        &mut self,
        path: &str,
        if_match: &str,
        body: &Value,
    ) -> Result<Reply, Failure> {
        let headers = [(header::CONTENT_TYPE, "application/json"), (header::IF_MATCH, if_match)];
        self.call("POST", path, &headers, whole(body.to_string().into())).await
    }

    async fn call(
        &mut self,
        method: &str,
        path: &str,
        headers: &[(HeaderName, &str)],
        body: SentBody,
    ) -> Result<Reply, Failure> {
        let response = self.send(method, path, headers, body).await?;
        let (status, headers) = (response.status(), response.headers().clone());
        let body = response.into_body().collect().await;
        let body = body.map_err(|error| {
            let doing =
                Words::new(format!("read the reply of {path}"), format!("读取 {path} 的答复"));
            Failure::world(doing, &error)
        })?;
        Ok(Reply { status, headers, body: body.to_bytes() })
    }

    /// Sends a request and gives the reply as it begins.
    ///
    /// # Errors
    /// When the connection breaks.
    pub async fn send(
        &mut self,
        method: &str,
        path: &str,
        headers: &[(HeaderName, &str)],
        body: SentBody,
    ) -> Result<http::Response<Incoming>, Failure> {
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::HOST, &self.authority)
            .header(header::AUTHORIZATION, format!("Bearer {}", self.token));
        if self.language != Language::default() {
            request = request.header(header::ACCEPT_LANGUAGE, self.language.tag());
        }
        for (name, value) in headers {
            request = request.header(name, *value);
        }
        let request = request
            .body(body)
            .map_err(|error| Failure::world(Words::fixed("make a request", "构造请求"), &error))?;
        self.sender.ready().await.map_err(|error| {
            Failure::world(Words::fixed("keep the connection", "保持连接"), &error)
        })?;
        let sent = self.sender.send_request(request).await;
        sent.map_err(|error| tls::broken(format!("{method} {path}"), &error))
    }
}

/// A text as one part of a path, whatever it holds.
pub(super) fn path_part(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}

/// A body that is there already.
pub fn whole(bytes: Bytes) -> SentBody {
    Full::new(bytes).map_err(|never| match never {}).boxed()
}

impl Reply {
    /// The body as JSON, if the reply is a good one.
    ///
    /// # Errors
    /// When it is a refusal, as its problem document says it; when it is no JSON.
    pub fn json(&self) -> Result<Value, Failure> {
        let parsed = serde_json::from_slice(&self.body);
        if !self.status.is_success() {
            return Err(self.refusal(parsed.as_ref().ok()));
        }
        parsed.map_err(|error| Failure::world(Words::fixed("read the reply", "读取答复"), &error))
    }

    fn refusal(&self, problem: Option<&Value>) -> Failure {
        if problem.is_none() {
            let told = String::from_utf8_lossy(&self.body);
            let status = self.status.as_u16();
            let told: String = told.trim_end().chars().take(TOLD_CHARS_MAX).collect();
            return Failure::new(
                Kind::Refused,
                Words::new(
                    format!("the server refused: {status} {told}"),
                    format!("服务器拒绝：{status} {told}"),
                ),
            );
        }
        let field =
            |name: &str| problem.and_then(|problem| problem[name].as_str()).unwrap_or_default();
        let told = format!("{} {}", self.status.as_u16(), field("title"));
        let parts = [told.as_str(), field("detail"), field("code")];
        let parts: Vec<_> = parts.into_iter().filter(|text| !text.is_empty()).collect();
        let mut words = Words::new(
            format!("the server refused: {}", parts.join("; ")),
            format!("服务器拒绝：{}", parts.join("；")),
        );
        let errors = problem.and_then(|problem| problem["errors"].as_array());
        let mut lines: Vec<Words> =
            errors.into_iter().flatten().map(|error| Words::from(error.to_string())).collect();
        let matters = problem.and_then(|problem| problem["matters"].as_array());
        for matter in matters.into_iter().flatten() {
            let part = |name: &str| matter[name].as_str().unwrap_or_default();
            let (matter, open) =
                (format!("{} {}", part("code"), part("name")), &matter["open_cases"]);
            lines.push(Words::new(
                format!("{matter}: {open} open cases"),
                format!("{matter}：{open} 个未结案件"),
            ));
        }
        for line in lines {
            words = Words::new(
                format!("{}\n  {}", words.english, line.english),
                format!("{}\n  {}", words.chinese, line.chinese),
            );
        }
        Failure::new(Kind::Refused, words)
    }
}
