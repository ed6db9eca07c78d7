//! A tiny HTTP client: one request per connection, the answer as it came.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use serde_json::Value;

/// A request that is being put together.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    method: String,
    path: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

/// An answer.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Request {
    pub(crate) fn new(method: &str, path: &str) -> Self {
        Self {
            method: method.to_owned(),
            path: path.to_owned(),
            headers: Vec::new(),
            body: Vec::new(),
        }
    }

    pub(crate) fn get(path: &str) -> Self {
        Self::new("GET", path)
    }

    pub(crate) fn post(path: &str) -> Self {
        Self::new("POST", path)
    }

    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(crate) fn bearer(self, token: &str) -> Self {
        self.header("Authorization", &format!("Bearer {token}"))
    }

    pub(crate) fn body(mut self, content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self.header("Content-Type", content_type)
    }

    pub(crate) fn json(self, body: &Value) -> Self {
        self.body("application/json", body.to_string())
    }

    /// Sends it; the answer is read to the end of the connection.
    pub(crate) fn try_send(&self, to: SocketAddr) -> io::Result<Answer> {
        let mut stream = TcpStream::connect_timeout(&to, Duration::from_secs(5))?;
        stream.set_read_timeout(Some(Duration::from_secs(30)))?;
        self.exchange(&mut stream, to)
    }

    /// Sends it over a connection that there is.
    pub(crate) fn exchange(
        &self,
        stream: &mut (impl Read + Write),
        to: SocketAddr,
    ) -> io::Result<Answer> {
        let mut head = format!(
            "{} {} HTTP/1.1\r\nHost: {to}\r\nConnection: close\r\n",
            self.method, self.path
        );
        for (name, value) in &self.headers {
            head.extend([name, ": ", value, "\r\n"]);
        }
        if !self.body.is_empty() || self.method == "POST" {
            head.extend(["Content-Length: ", &self.body.len().to_string(), "\r\n"]);
        }
        let message = [head.as_bytes(), b"\r\n", &self.body].concat();
        // A refusal may come, and the connection close, before everything is written.
        let written = stream.write_all(&message);
        let mut bytes = Vec::new();
        let read = stream.read_to_end(&mut bytes);
        if let Some(answer) = Answer::parse(&bytes) {
            return Ok(answer);
        }
        written?;
        read?;
        Err(io::ErrorKind::UnexpectedEof.into())
    }

    pub(crate) fn send(&self, to: SocketAddr) -> Answer {
        self.try_send(to)
            .unwrap_or_else(|error| panic!("{self:?}: {error}"))
    }
}

impl Answer {
    /// `None` where it is not whole.
    fn parse(bytes: &[u8]) -> Option<Self> {
        let end = bytes.windows(4).position(|four| four == b"\r\n\r\n")?;
        let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
        let mut lines = head.split("\r\n");
        let status = lines.next()?.split(' ').nth(1)?.parse().ok()?;
        let headers: Vec<(String, String)> = lines
            .filter_map(|line| line.split_once(": "))
            .map(|(name, value)| (name.to_lowercase(), value.to_owned()))
            .collect();
        let rest = &bytes[end + 4..];
        let mut answer = Self {
            status,
            headers,
            body: Vec::new(),
        };
        answer.body = match answer.header("content-length") {
            Some(length) => rest.get(..length.parse().ok()?)?.to_vec(),
            None if answer.header("transfer-encoding") == Some("chunked") => unchunk(rest)?,
            None => rest.to_vec(),
        };
        Some(answer)
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers.iter();
        headers
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.as_str())
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{error}: {} {}", self.status, self.text()))
    }

    /// The body of an answer that has this status.
    #[track_caller]
    pub(crate) fn expect(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.text());
        self.json()
    }

    /// The code of a problem that has this status.
    #[track_caller]
    pub(crate) fn expect_problem(&self, status: u16) -> String {
        let problem = self.expect(status);
        assert_eq!(
            self.header("content-type"),
            Some("application/problem+json")
        );
        assert!(
            problem["title"].is_string() && problem["detail"].is_string(),
            "{problem}"
        );
        problem["code"].as_str().unwrap().to_owned()
    }
}

fn unchunk(mut rest: &[u8]) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let line = rest.windows(2).position(|two| two == b"\r\n")?;
        let length = usize::from_str_radix(std::str::from_utf8(&rest[..line]).ok()?, 16).ok()?;
        let from = line + 2;
        if length == 0 {
            return Some(body);
        }
        body.extend_from_slice(rest.get(from..from + length)?);
        rest = rest.get(from + length + 2..)?;
    }
}
