//! `kill -9` under load: what was answered 2xx is never lost.
//!
//! The ledger is the test's own: what the senders were told, and what the agent was given.

use std::collections::{BTreeMap, HashSet};
use std::net::SocketAddr;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::agent::Agent;
use crate::http::Request;
use crate::hub::{Place, Process, SECRET, wait_until};

const SENDERS: usize = 8;
const CONCURRENCY: usize = 16;
const ROUNDS: usize = 4;
/// Events that each round sees answered, at the least.
const ANSWERED: usize = 300;

/// What the senders know.
#[derive(Default)]
struct Ledger {
    /// By key: the answer that came with a 2xx.
    answered: Mutex<BTreeMap<String, Value>>,
    /// Keys that were sent and never answered.
    open: Mutex<Vec<String>>,
    count: AtomicUsize,
}

impl Ledger {
    /// Sends one event; false where there was no answer, or none that took it.
    fn send(&self, to: SocketAddr, key: &str) -> bool {
        let request = Request::post("/c/load")
            .bearer(SECRET)
            .header("Idempotency-Key", key);
        let taken = match request.json(&json!({ "key": key })).try_send(to) {
            Ok(answer) if answer.status == 202 => Some(answer.json()),
            Ok(_) | Err(_) => None,
        };
        let Some(answer) = taken else {
            self.open.lock().unwrap().push(key.to_owned());
            return false;
        };
        self.answered.lock().unwrap().insert(key.to_owned(), answer);
        self.count.fetch_add(1, Ordering::SeqCst);
        true
    }

    fn runs(&self) -> HashSet<String> {
        let answered = self.answered.lock().unwrap();
        let run = |answer: &Value| answer["run_ids"][0].as_str().unwrap().to_owned();
        answered.values().map(run).collect()
    }
}

#[test]
fn nothing_that_was_answered_is_lost() {
    let agent = Agent::start();
    let place = Place::new(&format!(
        r#"
agents:
  - name: recorder
    runtime: http
    url: "{}"
    concurrency: {CONCURRENCY}
    retry: {{ attempts: 10, backoff: {{ initial: 10ms, max: 50ms }} }}
connectors:
  - {{ name: load, type: webhook, mode: inbound, secret: "{SECRET}", agents: [recorder] }}
"#,
        agent.url()
    ));
    let ledger = Ledger::default();
    for round in 0..ROUNDS {
        load_and_kill(&place, &ledger, round);
    }
    let hub = place.start();
    let answered = ledger.answered.lock().unwrap().clone();
    assert!(
        answered.len() >= ROUNDS * ANSWERED,
        "{} were answered",
        answered.len()
    );
    // Whoever got no answer sends again, and whoever got one may.
    let open = std::mem::take(&mut *ledger.open.lock().unwrap());
    for key in &open {
        assert!(ledger.send(hub.address, key), "{key} was refused");
    }
    for (key, before) in answered.iter().step_by(10) {
        assert!(ledger.send(hub.address, key), "{key} was refused");
        let again = ledger.answered.lock().unwrap()[key].clone();
        assert_eq!(again["run_ids"], before["run_ids"], "{key}");
        assert_eq!(again["event_id"], before["event_id"], "{key}");
        assert_eq!(again["duplicate"], true, "{key}");
    }
    judge(&hub, &agent, &ledger.runs());
}

/// One life of the hub: started, loaded, and killed in the middle of it.
fn load_and_kill(place: &Place, ledger: &Ledger, round: usize) {
    let mut hub = place.start();
    let (to, stop) = (hub.address, AtomicBool::new(false));
    let before = ledger.count.load(Ordering::SeqCst);
    thread::scope(|scope| {
        for sender in 0..SENDERS {
            let stop = &stop;
            scope.spawn(move || {
                for n in 0.. {
                    let taken = ledger.send(to, &format!("{round}-{sender}-{n}"));
                    if !taken || stop.load(Ordering::SeqCst) {
                        break;
                    }
                }
            });
        }
        wait_until(|| ledger.count.load(Ordering::SeqCst) >= before + ANSWERED);
        thread::sleep(random_pause());
        hub.signal(Signal::KILL);
        stop.store(true, Ordering::SeqCst);
    });
    assert_eq!(hub.wait(), None, "the hub was to be killed");
}

/// Up to a tenth of a second, another one each time.
fn random_pause() -> Duration {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    Duration::from_millis(u64::from(now.subsec_micros() % 100))
}

/// Everything in the ledger ran and is completed, and hardly anything ran twice.
fn judge(hub: &Process, agent: &Agent, runs: &HashSet<String>) {
    for state in ["queued", "running", "waiting"] {
        wait_until(|| hub.count(&format!("/v1/runs?status={state}&limit=1")) == 0);
    }
    let completed = all(hub, "/v1/runs?status=completed");
    let executed = agent.counts();
    for run in runs {
        assert!(completed.contains(run), "{run} is not completed");
        assert!(executed.contains_key(run), "{run} never reached the agent");
    }
    // Each kill may repeat what was in hand, and nothing more.
    let repeated: usize = executed.values().map(|count| count - 1).sum();
    assert!(repeated <= ROUNDS * CONCURRENCY, "{repeated} repetitions");
    println!(
        "{} events answered, {} runs completed, {repeated} repeated",
        runs.len(),
        completed.len()
    );
}

/// The ids of a whole list, page by page.
fn all(hub: &Process, path: &str) -> HashSet<String> {
    let mut ids = HashSet::new();
    let mut cursor = String::new();
    loop {
        let page = hub.get(&format!("{path}&limit=250{cursor}"));
        let rows = page["data"].as_array().unwrap();
        ids.extend(
            rows.iter()
                .map(|row| row["run_id"].as_str().unwrap().to_owned()),
        );
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return ids,
        }
    }
}
