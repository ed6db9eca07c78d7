//! An `http` agent in the test's own process that remembers every run it was given.

use std::collections::HashMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use serde_json::{Value, json};

/// The agent. It serves until the test's process ends.
#[derive(Clone)]
pub(crate) struct Agent {
    pub(crate) address: SocketAddr,
    runs: Arc<Mutex<Vec<Value>>>,
}

/// What an agent answers to a run object: a status and a JSON body.
pub(crate) type Reply = fn(&Value) -> (u16, Value);

impl Agent {
    /// Completes every run; the output is the input.
    pub(crate) fn start() -> Self {
        Self::answering(|run| (200, json!({ "output": run["input"] })))
    }

    pub(crate) fn answering(reply: Reply) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let agent = Self {
            address: listener.local_addr().unwrap(),
            runs: Arc::default(),
        };
        let runs = Arc::clone(&agent.runs);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let runs = Arc::clone(&runs);
                thread::spawn(move || serve(&stream, &runs, reply));
            }
        });
        agent
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/run", self.address)
    }

    /// Run objects, as they came.
    pub(crate) fn seen(&self) -> Vec<Value> {
        self.runs.lock().unwrap().clone()
    }

    /// How often each run came, by its id.
    pub(crate) fn counts(&self) -> HashMap<String, usize> {
        let mut counts = HashMap::new();
        for run in self.runs.lock().unwrap().iter() {
            *counts
                .entry(run["run_id"].as_str().unwrap().to_owned())
                .or_default() += 1;
        }
        counts
    }
}

/// Serves one connection, request after request.
fn serve(stream: &TcpStream, runs: &Mutex<Vec<Value>>, reply: Reply) -> Option<()> {
    let mut reader = BufReader::new(stream);
    loop {
        let mut length = 0;
        let mut line = String::new();
        loop {
            line.clear();
            if reader.read_line(&mut line).ok()? == 0 {
                return None;
            }
            let lower = line.trim_end().to_lowercase();
            if let Some(value) = lower.strip_prefix("content-length: ") {
                length = value.parse().ok()?;
            }
            if lower.is_empty() {
                break;
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).ok()?;
        let run: Value = serde_json::from_slice(&body).ok()?;
        let (status, answer) = reply(&run);
        runs.lock().unwrap().push(run);
        let answer = answer.to_string();
        let head = format!(
            "HTTP/1.1 {status} x\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
            answer.len()
        );
        let mut writer = stream;
        writer.write_all([head, answer].concat().as_bytes()).ok()?;
    }
}
