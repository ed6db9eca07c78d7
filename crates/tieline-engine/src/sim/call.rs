//! Callers: they send events, some wait for the results, some hang up.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tieline_contract::IncomingEvent;
use tieline_model::Trust;
use tokio::time::timeout;

use super::ledger::{Said, Sent};
use super::outside::Outside;
use super::plan::{DoorLink, Fate, PROJECT, SESSIONS};
use super::unrushed::Unrushed;
use super::world::Watch;
use crate::{Accepted, Arrival, EngineError, Hub, LiveConnector, Waiting};

/// One request.
struct Call {
    hub: Arc<Hub>,
    outside: Arc<Outside>,
    door: Arc<LiveConnector>,
    arrival: Arrival,
    events: Vec<IncomingEvent>,
    /// Where they stand in the ledger.
    sent: Vec<usize>,
    patience: Option<Duration>,
}

impl Watch<'_> {
    /// Some events by one door, as a caller who may hang up.
    pub(super) fn send(&mut self) {
        let door = self.world.chance.below(self.world.plan.doors.len());
        let events = self.world.chance.weighted(&[(17, 1), (2, 2), (1, 3)]);
        let events: Vec<_> = (0..events).map(|_| self.draw_event(door)).collect();
        let patience = self.draw_patience();
        let call = self.call(door, events, patience);
        self.calls.spawn(call.send());
    }

    /// One event by one door, as a caller who waits for the results for a while.
    pub(super) fn send_and_wait(&mut self) {
        let door = self.world.chance.below(self.world.plan.doors.len());
        let event = self.draw_event(door);
        let patience = self.draw_patience();
        let wait = self.world.chance.millis(1..60_000);
        let follows = self.world.chance.percent(40);
        let call = self.call(door, vec![event], patience);
        self.calls.spawn(call.send_and_wait(wait, follows));
    }

    fn draw_patience(&mut self) -> Option<Duration> {
        let chance = &mut self.world.chance;
        let patience = Duration::from_millis(chance.weighted(&[(1, 0), (1, 1)]));
        chance.percent(15).then_some(patience)
    }

    /// Its body, and the key under which it comes: few keys, so that they come again.
    fn draw_event(&mut self, door: usize) -> (Bytes, Option<String>) {
        let world = &mut *self.world;
        let (number, variant, key) = if world.chance.percent(35) {
            let key = world.chance.below(5);
            let number = 1_000_000 + door * 1_000 + key;
            let variant = world.chance.weighted(&[(5, 0), (1, 1)]);
            (number as u64, variant, Some(format!("key-{key}")))
        } else {
            world.next_event += 1;
            (world.next_event, 0, None)
        };
        let session = SESSIONS[usize::try_from(number % 3).expect("small")];
        (body(number, variant, session), key)
    }

    /// Writes it into the ledger, as it leaves.
    fn call(
        &mut self,
        door: usize,
        events: Vec<(Bytes, Option<String>)>,
        patience: Option<Duration>,
    ) -> Call {
        let world = &mut *self.world;
        let plan = &world.plan.doors[door];
        let catalog = self.hub.catalog();
        let connector = catalog.connector(PROJECT, &plan.name);
        let connector = Arc::clone(connector.expect("doors are never removed"));
        let arrival = Arrival {
            received_at: self.hub.now(),
            trust: Trust::Secret,
        };
        let at = world.outside.passed();
        let mut ledger = world.outside.ledger();
        let (mut sent, mut incoming) = (Vec::new(), Vec::new());
        for (body, key) in events {
            let (number, session) = read(&body);
            let fates = plan.links.iter().filter(|link| link.linked).map(|link| {
                let agent = &world.plan.agents[link.agent].name;
                let agent = catalog.agent(PROJECT, agent).expect("it is there").row.id;
                (agent, link.fate(number), link.session_of(session))
            });
            sent.push(ledger.sends.len());
            let fates = fates.collect();
            let called = ledger.step();
            let text = String::from_utf8_lossy(&body);
            ledger.say(at, format_args!("door {door} is sent {text} {key:?}"));
            ledger.sends.push(Sent {
                door: connector.row.id,
                fates,
                body: body.clone(),
                key: key.clone().map(|key| (key, world.outside.clock.steady())),
                called,
                called_at: at,
                answered: None,
                said: Said::Nothing,
            });
            incoming.push(IncomingEvent {
                digest: tieline_vault::sha256(&body),
                input: body,
                meta: Bytes::from_static(b"{}"),
                files: Vec::new(),
                dedupe: key,
                signed_key: None,
            });
        }
        drop(ledger);
        Call {
            hub: Arc::clone(&self.hub),
            outside: Arc::clone(&world.outside),
            door: connector,
            arrival,
            events: incoming,
            sent,
            patience,
        }
    }

    /// An event of a calm caller by each door; returns how long the slowest waited for all results.
    pub(super) async fn probe(&mut self) -> Duration {
        let began = self.world.outside.passed();
        let mut slowest = Duration::ZERO;
        for door in 0..self.world.plan.doors.len() {
            self.world.next_event += 2 - self.world.next_event % 2;
            let number = self.world.next_event;
            let mut links = self.world.plan.doors[door].links.iter();
            let slow = |link: &DoorLink| link.debounce.is_some() && link.linked;
            if links.any(|link| link.fate(number) == Fate::Held || slow(link)) {
                continue;
            }
            let body = body(number, 0, SESSIONS[0]);
            let call = self.call(door, vec![(body, None)], None);
            self.calls
                .spawn(call.send_and_wait(Duration::from_mins(1), false));
        }
        while self.calls.join_next().await.is_some() {
            slowest = self.world.outside.passed().saturating_sub(began);
        }
        slowest
    }
}

impl Call {
    async fn send(self) {
        let Self { hub, door, .. } = self;
        let (arrival, events) = (self.arrival, self.events);
        let accept = async move { hub.accept(&door, arrival, events).await };
        let answer = answer(self.patience, accept).await;
        note(&self.outside, &self.sent, answer);
    }

    async fn send_and_wait(self, wait: Duration, follows: bool) {
        let Self { hub, door, .. } = self;
        let (arrival, mut events) = (self.arrival, self.events);
        let event = events.remove(0);
        let of = Arc::clone(&hub);
        let accept = async move { of.accept_and_wait(&door, arrival, event).await };
        let Some(answer) = answer(self.patience, accept).await else {
            return;
        };
        match answer {
            Ok((accepted, waiting)) => {
                note(&self.outside, &self.sent, Some(Ok(vec![accepted])));
                if follows {
                    follow(&self.outside, &waiting, wait).await;
                }
                let ended = waiting.until(hub.wait_until(wait)).await;
                let at = self.outside.passed();
                let mut ledger = self.outside.ledger();
                for run in ended.iter().flatten() {
                    ledger.read(run, at);
                }
            }
            Err(error) => note(&self.outside, &self.sent, Some(Err(error))),
        }
    }
}

async fn answer<T>(patience: Option<Duration>, accept: impl Future<Output = T>) -> Option<T> {
    let accept = Unrushed::new(accept);
    match patience {
        None => Some(accept.await),
        Some(patience) => timeout(patience, accept).await.ok(),
    }
}

fn note(outside: &Outside, sent: &[usize], answer: Option<Result<Vec<Accepted>, EngineError>>) {
    let at = outside.passed();
    let mut ledger = outside.ledger();
    let step = ledger.step();
    let said: Vec<Said> = match answer {
        Some(Ok(accepted)) => accepted.into_iter().map(Said::Accepted).collect(),
        // It says of one of a batch only that it was not stored.
        Some(Err(EngineError::IdempotencyConflict)) if sent.len() == 1 => vec![Said::Conflict],
        Some(Err(EngineError::Paused | EngineError::Stopping | EngineError::RateLimited(_))) => {
            vec![Said::Refused; sent.len()]
        }
        Some(Err(EngineError::SessionBusy)) if sent.len() == 1 => vec![Said::Refused],
        None
        | Some(Err(
            EngineError::Store(_) | EngineError::IdempotencyConflict | EngineError::SessionBusy,
        )) => vec![Said::Nothing; sent.len()],
        Some(Err(error)) => {
            ledger
                .wrong
                .push(format!("an event was refused: {error:?}"));
            vec![Said::Nothing; sent.len()]
        }
    };
    if said.len() != sent.len() {
        ledger
            .wrong
            .push(format!("{} answers for {} events", said.len(), sent.len()));
    }
    for (index, said) in sent.iter().zip(said) {
        ledger.say(at, format_args!("send {index} hears {said:?}"));
        if let Said::Accepted(accepted) = &said {
            ledger.known.extend(&accepted.run_ids);
        }
        let sent = &mut ledger.sends[*index];
        sent.answered = Some(step);
        sent.said = said;
    }
}

/// Reads the chunks of the first run for a while: those of one attempt after those of the other,
/// each once and in order.
async fn follow(outside: &Outside, waiting: &Waiting, wait: Duration) {
    let Some(mut follower) = waiting.follow(0, 0) else {
        return;
    };
    let (mut heard, mut last) = (0, (usize::MAX, 0));
    let reading = async {
        while let crate::Said::Chunk(number, chunk) = follower.next().await {
            let (execution, place) = read_chunk(&chunk);
            let follows = if execution == last.0 {
                place == last.1 + 1
            } else {
                place == 0
            };
            if number != heard || !follows {
                let wrong = format!("chunk {number} ({execution} {place}) came after {last:?}");
                outside.ledger().wrong.push(wrong);
            }
            (heard, last) = (number + 1, (execution, place));
        }
    };
    // Whoever does not wait for the end hangs up.
    drop(timeout(wait, reading).await);
}

/// Of which execution a chunk is, and its place in it.
fn read_chunk(chunk: &[u8]) -> (usize, usize) {
    let text = std::str::from_utf8(chunk).expect("agents say text");
    let (execution, place) = text.split_once(' ').expect("of two numbers");
    let number = |text: &str| text.parse().expect("a number");
    (number(execution), number(place))
}

fn body(number: u64, variant: u64, session: &str) -> Bytes {
    format!("{{\"n\":{number},\"v\":{variant},\"s\":\"{session}\"}}").into()
}

/// The number and the session of a body.
fn read(body: &Bytes) -> (u64, &str) {
    #[derive(serde::Deserialize)]
    struct Body<'a> {
        n: u64,
        s: &'a str,
    }
    let body: Body<'_> = serde_json::from_slice(body).expect("it was written above");
    (body.n, body.s)
}
