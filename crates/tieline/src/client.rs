//! Calls the management API of a hub, for the commands that need one.

use std::fmt::{self, Write as _};
use std::fs;
use std::io;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, bail};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use serde_json::Value;
use tieline_egress::{Client, EgressError, Limits, Policy, Request, Target};
use tieline_model::Secret;

use crate::cli::HubArgs;

/// The file in the data folder that holds the first admin key.
pub(crate) const KEY_FILE: &str = "admin.key";

/// How long an answer may take that says only how the hub is.
const AT_ONCE: Duration = Duration::from_secs(10);
/// How long an answer may take that the hub has at hand.
const SOON: Duration = Duration::from_mins(1);
/// How long an answer may take that waits for agents.
const LATE: Duration = Duration::from_hours(1);

/// A hub, and the key to it.
pub(crate) struct HubClient {
    base: String,
    /// `None` where only what everybody may see is asked for.
    authorization: Option<HeaderValue>,
    client: Client,
}

/// What a hub said: a status that is no failure of the request, and a body.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) body: Bytes,
}

/// A problem that the hub answered with (RFC 9457).
#[derive(Debug)]
pub(crate) struct Refused {
    title: String,
    detail: String,
    /// For settings that are not valid: each field, what is wrong, and what would be right.
    fields: Vec<(String, String, Option<String>)>,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.title)?;
        if self.fields.is_empty() {
            return if self.detail.is_empty() {
                Ok(())
            } else {
                write!(f, ": {}", self.detail)
            };
        }
        for (path, message, fix) in &self.fields {
            let colon = if path.is_empty() { "" } else { ": " };
            write!(f, "\n{path}{colon}{message}")?;
            if let Some(fix) = fix {
                write!(f, "\n  fix: {fix}")?;
            }
        }
        Ok(())
    }
}

impl std::error::Error for Refused {}

impl HubClient {
    pub(crate) fn new(args: &HubArgs) -> anyhow::Result<Self> {
        let key = match &args.key {
            Some(key) => key.clone(),
            None => read_key(&args.data)?,
        };
        let mut authorization = HeaderValue::try_from(format!("Bearer {}", key.expose()))
            .map_err(|_| anyhow::anyhow!("the key holds characters that no key has"))?;
        authorization.set_sensitive(true);
        Ok(Self {
            base: args.hub.trim_end_matches('/').to_owned(),
            authorization: Some(authorization),
            client: Client::new(Policy::Operator, Limits::default()),
        })
    }

    /// For what a hub says to everybody.
    pub(crate) fn without_key(base: &str) -> Self {
        Self {
            base: base.trim_end_matches('/').to_owned(),
            authorization: None,
            client: Client::new(Policy::Operator, Limits::default()),
        }
    }

    /// Whether events can be accepted; says why not.
    pub(crate) async fn ready(&self) -> anyhow::Result<()> {
        let answer = self.send(Method::GET, "/readyz", None, AT_ONCE).await?;
        if answer.status.is_success() {
            return Ok(());
        }
        bail!(
            "{} answers {}, but not as a hub does",
            self.base,
            answer.status
        )
    }

    /// The hub's version, where the management API is at this address.
    pub(crate) async fn version(&self) -> Option<String> {
        let path = "/v1/openapi.json";
        let answer = self.send(Method::GET, path, None, AT_ONCE).await.ok()?;
        let document: Value = serde_json::from_slice(&answer.body).ok()?;
        Some(document.pointer("/info/version")?.as_str()?.to_owned())
    }

    /// What stands at `path`, which begins with `/v1`.
    pub(crate) async fn get(&self, path: &str) -> anyhow::Result<Value> {
        let answer = self.send(Method::GET, path, None, SOON).await?;
        read_json(&self.base, &answer)
    }

    /// Asks for something to be done.
    pub(crate) async fn post(&self, path: &str, body: Option<&Value>) -> anyhow::Result<Value> {
        self.post_within(SOON, path, body).await
    }

    /// Asks for something to be done that may take long.
    pub(crate) async fn post_late(
        &self,
        path: &str,
        body: Option<&Value>,
    ) -> anyhow::Result<Value> {
        self.post_within(LATE, path, body).await
    }

    /// Asks for something to be gone.
    pub(crate) async fn delete(&self, path: &str) -> anyhow::Result<()> {
        let answer = self.send(Method::DELETE, path, None, SOON).await?;
        if answer.status.is_success() {
            return Ok(());
        }
        bail!(
            "{} answers {}, but not as a hub does",
            self.base,
            answer.status
        )
    }

    async fn post_within(
        &self,
        timeout: Duration,
        path: &str,
        body: Option<&Value>,
    ) -> anyhow::Result<Value> {
        let body = body.map(|body| ("application/json", Bytes::from(body.to_string())));
        let answer = self.send(Method::POST, path, body, timeout).await?;
        if answer.body.is_empty() {
            return Ok(Value::Null);
        }
        read_json(&self.base, &answer)
    }

    /// Sends an event by the hub itself, and returns what the connector's own address answers.
    pub(crate) async fn trigger(
        &self,
        connector: &str,
        content_type: &str,
        body: Bytes,
    ) -> anyhow::Result<Answer> {
        let path = format!("/v1/connectors/{}/trigger", segment(connector)?);
        self.send(Method::POST, &path, Some((content_type, body)), LATE)
            .await
    }

    /// The newest rows of a list, at most `limit`, over as many pages as it takes.
    ///
    /// `{"data":[…],"next_cursor":…}`, as the hub itself answers.
    pub(crate) async fn list(
        &self,
        path: &str,
        filters: &[(&str, Option<&str>)],
        limit: u32,
    ) -> anyhow::Result<Value> {
        const PAGE_MAX: u32 = 250;
        let mut rows = Vec::new();
        let mut cursor: Option<String> = None;
        loop {
            let left = limit - u32::try_from(rows.len()).unwrap_or(limit);
            let mut query = format!("?limit={}", left.min(PAGE_MAX));
            let named = filters
                .iter()
                .filter_map(|(name, value)| Some((*name, (*value)?)));
            for (name, value) in named.chain(cursor.as_deref().map(|cursor| ("cursor", cursor))) {
                query.extend(["&", name, "=", &percent_encoded(value)]);
            }
            let mut page = self.get(&format!("{path}{query}")).await?;
            let Some(Value::Array(data)) = page.get_mut("data").map(Value::take) else {
                bail!("{} answers, but not as a hub does", self.base);
            };
            rows.extend(data);
            cursor = page
                .get("next_cursor")
                .and_then(Value::as_str)
                .map(str::to_owned);
            let full = rows.len() >= usize::try_from(limit).unwrap_or(usize::MAX);
            if full || cursor.is_none() {
                return Ok(serde_json::json!({ "data": rows, "next_cursor": cursor }));
            }
        }
    }

    async fn send(
        &self,
        method: Method,
        path: &str,
        body: Option<(&str, Bytes)>,
        timeout: Duration,
    ) -> anyhow::Result<Answer> {
        let target = Target::parse(&format!("{}{path}", self.base))
            .with_context(|| format!("`{}` is no address of a hub", self.base))?;
        let mut headers = HeaderMap::new();
        if let Some(key) = &self.authorization {
            headers.insert(header::AUTHORIZATION, key.clone());
        }
        let body = match body {
            Some((content_type, body)) => {
                let value = HeaderValue::try_from(content_type)
                    .with_context(|| format!("`{content_type}` is no content type"))?;
                headers.insert(header::CONTENT_TYPE, value);
                body
            }
            None => Bytes::new(),
        };
        let request = Request {
            method,
            target,
            headers,
            body,
            timeout,
        };
        let response = match self.client.send(request).await {
            Err(EgressError::Connect { address, source }) => bail!(
                "no hub answers at {} ({address}: {source})\n  \
                 fix: start one with `tieline serve`, or say where it is with `--hub`",
                self.base
            ),
            other => other.with_context(|| format!("failed to reach the hub at {}", self.base))?,
        };
        let status = response.status;
        let kind = response.headers.get(header::CONTENT_TYPE).cloned();
        let body = response.body.collect(usize::MAX).await;
        let body = body.with_context(|| format!("failed to read the answer of {}", self.base))?;
        let problem =
            kind.is_some_and(|kind| kind.as_bytes().starts_with(b"application/problem+json"));
        if problem && let Some(refused) = read_problem(&body) {
            return Err(refused.into());
        }
        Ok(Answer { status, body })
    }
}

fn read_json(base: &str, answer: &Answer) -> anyhow::Result<Value> {
    match serde_json::from_slice(&answer.body) {
        Ok(value) if answer.status.is_success() => Ok(value),
        _ => bail!("{base} answers {}, but not as a hub does", answer.status),
    }
}

fn read_problem(body: &[u8]) -> Option<Refused> {
    let problem: Value = serde_json::from_slice(body).ok()?;
    let text = |value: &Value, name: &str| value.get(name)?.as_str().map(str::to_owned);
    let fields = problem.get("fields").or_else(|| problem.get("errors"));
    let fields = fields.and_then(Value::as_array).map(Vec::as_slice);
    let field = |field: &Value| {
        let path = text(field, "path").unwrap_or_default();
        Some((path, text(field, "message")?, text(field, "fix")))
    };
    Some(Refused {
        title: text(&problem, "title")?,
        detail: text(&problem, "detail").unwrap_or_default(),
        fields: fields
            .unwrap_or_default()
            .iter()
            .filter_map(field)
            .collect(),
    })
}

fn read_key(folder: &Path) -> anyhow::Result<Secret> {
    let path = folder.join(KEY_FILE);
    let text = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => bail!(
            "there is no key: `{}` does not exist\n  \
             fix: give a key with `--key` or `TIELINE_KEY`, or the hub's data folder with `--data`",
            path.display()
        ),
        Err(error) => bail!("failed to read the key from `{}`: {error}", path.display()),
    };
    Secret::new(text.trim())
        .with_context(|| format!("failed to use the key in `{}`", path.display()))
}

/// A name or an id as one segment of a path.
pub(crate) fn segment(text: &str) -> anyhow::Result<String> {
    if text.is_empty() || text == "." || text == ".." {
        bail!("`{text}` is no name and no id");
    }
    Ok(percent_encoded(text))
}

/// Everything but the unreserved characters of RFC 3986 encoded.
pub(crate) fn percent_encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            write!(encoded, "%{byte:02X}").expect("writing to a string does not fail");
        }
    }
    encoded
}

/// Runs one command's calls to their end.
pub(crate) fn block_on<T>(work: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("failed to start")?
        .block_on(work)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_stays_in_its_segment() {
        assert_eq!(segment("orders").unwrap(), "orders");
        assert_eq!(segment("../a b?c").unwrap(), "..%2Fa%20b%3Fc");
        for bad in ["", ".", ".."] {
            assert!(segment(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_problem_is_shown_with_its_fields_and_fixes() {
        let body = br#"{"title":"Settings are not valid","detail":"x","code":"invalid-settings",
            "fields":[{"path":"settings.url","message":"is missing","fix":"write it"}]}"#;
        insta::assert_snapshot!(read_problem(body).unwrap(), @r"
        Settings are not valid
        settings.url: is missing
          fix: write it
        ");
        let body = br#"{"title":"There is no such thing","detail":"No run."}"#;
        insta::assert_snapshot!(read_problem(body).unwrap(), @"There is no such thing: No run.");
        assert!(read_problem(b"<html>").is_none());
    }
}
