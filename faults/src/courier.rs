//! One sender on one connection, which writes ledger S around everything that it does.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Result, ensure};
use bytes::Bytes;
use serde::Deserialize;
use serde_json::value::RawValue;
use tokio::time::{Instant, sleep, timeout};
use uuid::Uuid;

use crate::hub::SECRET;
use crate::ledger::{Ledger, Watch};
use crate::message::{Line, Message, request};
use crate::record::{Answer, Hash, Intent, Reading, Sent, UNANSWERED, UNREACHED};

/// An answer that takes longer is none.
const ANSWER_MAX: Duration = Duration::from_secs(30);
/// What the policy `reject` answers.
const SESSION_BUSY: u16 = 409;
const BOUNDARY: &str = "tieline-faults-boundary";

/// One request with its key, and what must become of it.
#[derive(Clone, Debug)]
pub(crate) struct Letter {
    pub(crate) key: u64,
    request: Bytes,
    input: Hash,
    file: Option<Hash>,
    session: String,
    agents: Vec<String>,
}

/// What a letter says.
#[derive(Clone, Debug)]
pub(crate) struct Content<'a> {
    /// The connector.
    pub(crate) to: &'a str,
    pub(crate) key: u64,
    pub(crate) session: &'a str,
    /// The agents whose links' conditions hold for it.
    pub(crate) agents: &'a [&'a str],
    pub(crate) text: &'a str,
    /// Sent as a file beside the input.
    pub(crate) file: Option<&'a [u8]>,
}

impl Letter {
    pub(crate) fn new(content: &Content<'_>) -> Self {
        let Content {
            to,
            key,
            session,
            agents,
            text,
            file,
        } = content;
        let both = if agents.len() > 1 { "yes" } else { "no" };
        let (kind, input, body) = match file {
            // A number, an escape and a space that careless code would write in another way.
            None => {
                let input = format!(
                    r#"{{"key":"{key}", "session":"{session}","both":"{both}","amount":1.50,"text":"\u00e6{text}"}}"#
                );
                (
                    "application/json".to_owned(),
                    input.clone(),
                    input.into_bytes(),
                )
            }
            Some(file) => {
                let input = format!(
                    r#"{{"key":"{key}","session":"{session}","both":"{both}","text":"{text}"}}"#
                );
                let key = key.to_string();
                let fields = [
                    ("key", &*key),
                    ("session", session),
                    ("both", both),
                    ("text", text),
                ];
                let kind = format!("multipart/form-data; boundary={BOUNDARY}");
                (kind, input, multipart(&fields, file))
            }
        };
        let id = format!("fault-{key}");
        let headers = [
            ("authorization", &*format!("Bearer {SECRET}")),
            ("idempotency-key", &id),
            ("content-type", &kind),
        ];
        Self {
            key: *key,
            request: request(&format!("POST /c/{to}"), &headers, &body),
            input: Hash::of(input.as_bytes()),
            file: file.map(Hash::of),
            session: (*session).to_owned(),
            agents: agents.iter().map(|&agent| agent.to_owned()).collect(),
        }
    }
}

fn multipart(fields: &[(&str, &str)], file: &[u8]) -> Vec<u8> {
    let mut text = String::new();
    for (name, value) in fields {
        let disposition = format!("content-disposition: form-data; name=\"{name}\"");
        text.extend([
            "--",
            BOUNDARY,
            "\r\n",
            &disposition,
            "\r\n\r\n",
            value,
            "\r\n",
        ]);
    }
    let disposition = "content-disposition: form-data; name=\"doc\"; filename=\"doc.bin\"";
    let kind = "content-type: application/octet-stream";
    text.extend([
        "--",
        BOUNDARY,
        "\r\n",
        disposition,
        "\r\n",
        kind,
        "\r\n\r\n",
    ]);
    let end = format!("\r\n--{BOUNDARY}--\r\n");
    [text.as_bytes(), file, end.as_bytes()].concat()
}

/// What came of one send.
#[derive(Clone, Debug)]
pub(crate) struct Sending {
    /// When it was sent, on the stage's watch.
    pub(crate) sent_at: u64,
    /// Or [`UNANSWERED`], or [`UNREACHED`].
    pub(crate) status: u16,
    pub(crate) runs: Vec<Uuid>,
    pub(crate) duplicate: bool,
    /// The answer has a `Retry-After`.
    pub(crate) told_to_wait: bool,
}

impl Sending {
    pub(crate) const fn is_acknowledged(&self) -> bool {
        matches!(self.status, 200..300)
    }

    /// Sending the same again may help.
    pub(crate) const fn may_repeat(&self) -> bool {
        matches!(self.status, UNANSWERED | UNREACHED | 408 | 429 | 500..)
    }
}

/// A sender.
#[derive(Debug)]
pub(crate) struct Courier {
    line: Line,
    ledger: Arc<Ledger>,
    watch: Watch,
    /// Written together with the next intent, before anything else is done: one sync for both.
    unwritten: Vec<Sent>,
}

impl Courier {
    pub(crate) const fn new(hub: SocketAddr, ledger: Arc<Ledger>, watch: Watch) -> Self {
        Self {
            line: Line::new(hub),
            ledger,
            watch,
            unwritten: Vec::new(),
        }
    }

    /// The stage's time, in microseconds.
    pub(crate) fn now(&self) -> u64 {
        self.watch.micros()
    }

    /// Sends a letter once.
    pub(crate) async fn send(&mut self, letter: &Letter) -> Result<Sending> {
        self.send_for(letter, ANSWER_MAX).await
    }

    /// Sends a letter once and hangs up where there is no answer in time.
    pub(crate) async fn send_for(&mut self, letter: &Letter, most: Duration) -> Result<Sending> {
        let intent = Intent {
            at: self.watch.micros(),
            key: letter.key,
            input: letter.input,
            file: letter.file,
            session: letter.session.clone(),
            agents: letter.agents.clone(),
        };
        let sent_at = intent.at;
        self.unwritten.push(Sent::Intent(intent));
        self.write().await?;
        let answer = if let Ok(Ok(())) = timeout(most, self.line.open()).await {
            // A call that is dropped closes its connection: this is how a caller hangs up.
            let answer = timeout(most, self.line.call(&letter.request)).await;
            answer.ok().and_then(Result::ok).ok_or(UNANSWERED)
        } else {
            Err(UNREACHED)
        };
        let told = answer.as_ref().ok();
        let told_to_wait = told.is_some_and(|answer| answer.header("retry-after").is_some());
        let (answer, readings) = read(letter.key, answer.as_ref(), self.watch.micros())?;
        let sending = Sending {
            sent_at,
            status: answer.status,
            runs: answer.runs.clone(),
            duplicate: answer.duplicate,
            told_to_wait,
        };
        self.unwritten.push(Sent::Answer(answer));
        self.unwritten
            .extend(readings.into_iter().map(Sent::Reading));
        Ok(sending)
    }

    /// Sends a letter again and again until it is acknowledged, also where its session is busy.
    pub(crate) async fn insist(&mut self, letter: &Letter, most: Duration) -> Result<Sending> {
        const PAUSE: Duration = Duration::from_millis(10);
        let begin = Instant::now();
        loop {
            let sending = self.send(letter).await?;
            if sending.is_acknowledged() {
                return Ok(sending);
            }
            let (status, key) = (sending.status, letter.key);
            let may_repeat = sending.may_repeat() || status == SESSION_BUSY;
            let goes_on = may_repeat && begin.elapsed() < most;
            ensure!(
                goes_on,
                "key {key} was not acknowledged, but answered {status}"
            );
            sleep(PAUSE).await;
        }
    }

    /// Reads a run with the connector's own secret, and notes its outcome where it has ended.
    pub(crate) async fn read(&mut self, connector: &str, run: Uuid) -> Result<()> {
        let authorization = format!("Bearer {SECRET}");
        let get = request(
            &format!("GET /c/{connector}/runs/{run}"),
            &[("authorization", &authorization)],
            b"",
        );
        // A hub that is down has shown nothing.
        let Ok(Ok(answer)) = timeout(ANSWER_MAX, self.line.call(&get)).await else {
            return Ok(());
        };
        if answer.status()? == 200 {
            let run: RunOf<'_> = serde_json::from_slice(&answer.body)?;
            self.unwritten.extend(run.reading().map(Sent::Reading));
        }
        Ok(())
    }

    /// Makes what is known durable. Must be called at the end.
    pub(crate) async fn write(&mut self) -> Result<()> {
        if !self.unwritten.is_empty() {
            self.ledger.write(&self.unwritten).await?;
            self.unwritten.clear();
        }
        Ok(())
    }
}

/// The fields of a 2xx that are looked at: inbound has ids, sync has results.
#[derive(Debug, Default, Deserialize)]
struct Acknowledged<'a> {
    event_id: Option<Uuid>,
    #[serde(default)]
    run_ids: Vec<Uuid>,
    #[serde(default)]
    duplicate: bool,
    #[serde(borrow)]
    result: Option<RunOf<'a>>,
    #[serde(borrow, default)]
    results: Vec<RunOf<'a>>,
}

#[derive(Debug, Deserialize)]
struct RunOf<'a> {
    run_id: Uuid,
    status: &'a str,
    #[serde(borrow)]
    output: Option<&'a RawValue>,
}

impl RunOf<'_> {
    fn reading(&self) -> Option<Reading> {
        let ended = ["completed", "failed", "cancelled"].contains(&self.status);
        ended.then(|| Reading {
            run: self.run_id,
            status: self.status.to_owned(),
            output: Hash::of(self.output.map_or("null", RawValue::get).as_bytes()),
        })
    }
}

/// Without an answer, the reason stands for its status.
fn read(key: u64, answer: Result<&Message, &u16>, at: u64) -> Result<(Answer, Vec<Reading>)> {
    let status = answer.map_or_else(|why| Ok(*why), Message::status)?;
    let acknowledged: Acknowledged<'_> = match answer {
        Ok(answer) if (200..300).contains(&status) || status == 424 => {
            serde_json::from_slice(&answer.body)?
        }
        _ => Acknowledged::default(),
    };
    let Acknowledged {
        event_id,
        mut run_ids,
        duplicate,
        result,
        mut results,
    } = acknowledged;
    if results.is_empty() {
        results.extend(result);
    }
    if run_ids.is_empty() {
        run_ids.extend(results.iter().map(|run| run.run_id));
    }
    let readings = results.iter().filter_map(RunOf::reading).collect();
    let answer = Answer {
        at,
        key,
        status,
        event: event_id,
        runs: run_ids,
        duplicate,
    };
    Ok((answer, readings))
}
