//! The checker: what the ledgers and the hub say, held against L1 to L9 of `docs/reliability.md`.
//!
//! It shares no code with the hub. It must never be made to agree with what the hub does: a law
//! that fails is a fault of the hub, or of the round that put the wrong question.

mod evidence;

use std::collections::{HashMap, HashSet};

use uuid::Uuid;

pub(crate) use self::evidence::Evidence;
use self::evidence::{Executions, Of};
use crate::record::{CALLER_GONE, HUNG_UP};
use crate::verdict::Verdict;

/// What a round allows.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Terms {
    /// Outbound links of each agent: how many deliveries a run has.
    pub(crate) outlets: usize,
    /// What a kill may cause to be done again.
    pub(crate) runs_in_hand: u64,
    pub(crate) deliveries_in_hand: u64,
    /// Agents whose executions are in no ledger, because they are not the stage's.
    pub(crate) unseen: &'static [&'static str],
    /// No caller hangs up: without a kill, what is stored is then also answered.
    pub(crate) callers_stay: bool,
    /// The hub's wall clock is that of the harness. Where it is not, what the hub counted in its
    /// last life cannot be told by its times, and L9 says nothing.
    pub(crate) clock_is_true: bool,
}

/// With the standard config, which sets no limits of its own.
impl Default for Terms {
    fn default() -> Self {
        Self {
            outlets: 1,
            runs_in_hand: 2 * 32,
            deliveries_in_hand: 32,
            unseen: &[],
            callers_stay: true,
            clock_is_true: true,
        }
    }
}

type Law = fn(&Evidence, &Terms, &mut Verdict);

static LAWS: &[(&str, &str, Law)] = &[
    ("L1", "nothing acknowledged is lost", no_loss),
    ("L2", "nothing exists that was not sent", no_phantom),
    (
        "L3",
        "only a send without an answer is ambiguous",
        ambiguity,
    ),
    ("L4", "what is done again is bounded", bounded),
    ("L5", "order within a session", order),
    ("L6", "content is the same everywhere", content),
    ("L7", "an outcome never changes", outcomes),
    ("L9", "the hub counts as the ledgers do", counters),
];

/// How often agents and destinations failed as their conduct asked for.
pub(crate) fn failures(evidence: &Evidence) -> [(&'static str, u64); 2] {
    let of = evidence.executions.values().flat_map(|run| &run.of);
    let by_agents = of.filter(|of| !matches!(of.did, 200 | CALLER_GONE)).count() as u64;
    let arrivals = evidence.arrivals.values();
    let by_destinations = arrivals.map(|of| u64::from(of.refused)).sum();
    [
        ("failures of agents", by_agents),
        ("failures of the destination", by_destinations),
    ]
}

/// Judges by every law. L8, that each fault fired, is the round's own to say.
pub(crate) fn judge(evidence: &Evidence, terms: &Terms) -> Vec<Verdict> {
    let by = |&(law, about, check): &(&str, &'static str, Law)| {
        let mut verdict = Verdict::new(law, about);
        check(evidence, terms, &mut verdict);
        verdict
    };
    let told = |(law, _, _): &&(&str, &str, Law)| terms.clock_is_true || *law != "L9";
    LAWS.iter().filter(told).map(by).collect()
}

const ENDED: [&str; 3] = ["completed", "failed", "cancelled"];

fn no_loss(evidence: &Evidence, terms: &Terms, verdict: &mut Verdict) {
    let sends = evidence
        .sends
        .iter()
        .filter(|(_, send)| send.acknowledged > 0);
    let mut counts = [0; 4];
    for (key, send) in sends {
        counts[0] += 1;
        let event = evidence.event_of(send);
        let Some(event) = event.filter(|event| evidence.events.contains(event)) else {
            verdict.demand(false, || format!("the event of key {key} is not there"));
            continue;
        };
        let runs = evidence.runs_of(event);
        let mut agents: Vec<_> = runs.iter().map(|run| run.agent.as_str()).collect();
        agents.sort_unstable();
        verdict.demand(agents == send.agents, || {
            format!(
                "event {event} has runs of {agents:?}, not of {:?}",
                send.agents
            )
        });
        for run in runs {
            counts[1] += 1;
            let (id, status) = (run.run, run.status.as_str());
            counts[2] += u64::from(status == "completed");
            verdict.demand(ENDED.contains(&status), || format!("run {id} is {status}"));
            let executed = evidence.executions.contains_key(&id);
            let seen = !terms.unseen.contains(&&*run.agent);
            verdict.demand(executed || status == "cancelled" || !seen, || {
                format!("run {id} was never executed")
            });
            let deliveries = evidence.deliveries.get(&id).map_or(&[][..], Vec::as_slice);
            verdict.demand(deliveries.len() == terms.outlets, || {
                format!("run {id} has {} deliveries", deliveries.len())
            });
            for delivery in deliveries {
                let arrived = evidence.arrivals.get(&delivery.delivery);
                let taken = arrived.is_some_and(|of| of.taken > 0);
                counts[3] += u64::from(taken);
                verdict.demand(taken && delivery.status == "delivered", || {
                    let (id, status) = (delivery.delivery, &delivery.status);
                    format!("delivery {id} is {status}; taken: {taken}")
                });
            }
        }
    }
    for (name, count) in ["acknowledged", "runs", "completed", "delivered"]
        .iter()
        .zip(counts)
    {
        verdict.count(name, count);
    }
}

fn no_phantom(evidence: &Evidence, _: &Terms, verdict: &mut Verdict) {
    let mut known: HashMap<Uuid, bool> = evidence.events.iter().map(|id| (*id, false)).collect();
    let of_sends = evidence
        .sends
        .values()
        .filter_map(|send| evidence.event_of(send));
    // An event whose answer never came shows the key that it was sent with to its agents.
    let seen = evidence.executions.values().flat_map(|run| &run.of);
    let seen = seen
        .filter(|of| evidence.sends.contains_key(&of.key))
        .map(|of| of.event);
    for event in of_sends.chain(seen) {
        if let Some(is_sent) = known.get_mut(&event) {
            *is_sent = true;
        }
    }
    for (event, is_sent) in &known {
        verdict.demand(*is_sent, || format!("event {event} was never sent"));
    }
    for run in evidence.runs.values() {
        let known = known.contains_key(&run.event);
        verdict.demand(known, || format!("run {} is of no event", run.run));
    }
    for run in evidence.executions.keys().chain(evidence.deliveries.keys()) {
        let known = evidence.runs.contains_key(run);
        verdict.demand(known, || format!("the hub does not know run {run}"));
    }
    let listed: HashSet<_> = evidence
        .deliveries
        .values()
        .flatten()
        .map(|one| one.delivery)
        .collect();
    for delivery in evidence.arrivals.keys() {
        let known = listed.contains(delivery);
        verdict.demand(known, || {
            format!("the hub does not know delivery {delivery}")
        });
    }
    verdict.count("events", evidence.events.len() as u64);
    verdict.count("deliveries", listed.len() as u64);
}

fn ambiguity(evidence: &Evidence, terms: &Terms, verdict: &mut Verdict) {
    let mut counts = [0; 6];
    for (key, send) in &evidence.sends {
        let [tries, unreached, unanswered, stored, refused, given_up] = &mut counts;
        *unreached += u64::from(send.unreached);
        *tries += u64::from(send.tries);
        *unanswered += u64::from(send.unanswered);
        *refused += u64::from(send.refused);
        if send.acknowledged == 0 {
            // Such a send is ambiguous for ever; the senders are patient enough for there to be none.
            *given_up += 1;
            verdict.demand(false, || format!("key {key} was never acknowledged"));
            continue;
        }
        verdict.demand(!send.differs, || {
            format!("key {key} was answered with different ids")
        });
        // One answer tells of something new. None does only where an answer went missing.
        let is_one = send.fresh == 1 || (send.fresh == 0 && send.unanswered > 0);
        verdict.demand(is_one, || {
            let (fresh, lost) = (send.fresh, send.unanswered);
            format!("key {key} was new {fresh} times, with {lost} sends unanswered")
        });
        *stored += u64::from(send.fresh == 0);
        let is_answered = send.fresh > 0 || evidence.kills > 0 || !terms.callers_stay;
        verdict.demand(is_answered, || {
            format!("key {key} was stored without an answer, and nothing was killed")
        });
    }
    let names = [
        "sends",
        "unreached",
        "unanswered",
        "of these stored",
        "refused",
        "given up",
    ];
    names
        .iter()
        .zip(counts)
        .for_each(|(name, count)| verdict.count(name, count));
}

fn bounded(evidence: &Evidence, terms: &Terms, verdict: &mut Verdict) {
    let (mut extra, mut burned) = (0, 0);
    for (id, Executions { of }) in &evidence.executions {
        // Each answer that was a failure asks for one more execution.
        let asked = of
            .iter()
            .filter(|one| !matches!(one.did, 200 | CALLER_GONE));
        extra += (of.len() as u64).saturating_sub(1 + asked.count() as u64);
        let begun = of
            .iter()
            .filter(|one| !matches!(one.did, 429 | 503))
            .count() as u64;
        let run = evidence.runs.get(id);
        burned += run.map_or(0, |run| u64::from(run.attempt).saturating_sub(begun));
    }
    let arrived = evidence.arrivals.values();
    let again = arrived.map(|of| u64::from(of.times).saturating_sub(1 + u64::from(of.refused)));
    let again: u64 = again.sum();
    let kills = evidence.kills;
    let (runs, deliveries) = (kills * terms.runs_in_hand, kills * terms.deliveries_in_hand);
    verdict.demand(extra <= runs, || {
        format!("{extra} extra executions, and {runs} are allowed")
    });
    verdict.demand(again <= deliveries, || {
        format!("{again} extra arrivals, and {deliveries} are allowed")
    });
    verdict.demand(kills > 0 || burned == 0, || {
        format!("{burned} attempts were counted that no agent saw, and nothing was killed")
    });
    for (run, deliveries) in &evidence.deliveries {
        let most = terms.outlets;
        verdict.demand(deliveries.len() <= most, || {
            format!("run {run} is delivered {} times", deliveries.len())
        });
    }
    let counts = [
        ("kills", kills),
        ("extra executions", extra),
        ("extra arrivals", again),
        ("attempts that no agent saw", burned),
    ];
    verdict.counts.extend(counts);
}

fn order(evidence: &Evidence, _: &Terms, verdict: &mut Verdict) {
    let mut sessions: HashMap<(&str, &str), Vec<(Uuid, &Of)>> = HashMap::new();
    for (run, executions) in &evidence.executions {
        for of in &executions.of {
            if let Some(send) = evidence
                .sends
                .get(&of.key)
                .filter(|s| !s.session.is_empty())
            {
                let session = sessions.entry((&*of.agent, &*send.session));
                session.or_default().push((*run, of));
            }
        }
    }
    let (mut overlaps, mut returns, mut early) = (0, 0, 0);
    for ((agent, session), mut of) in sessions.iter_mut().map(|(at, of)| (at, std::mem::take(of))) {
        of.sort_unstable_by_key(|(_, of)| of.start);
        let mut firsts: Vec<(Uuid, u64, u64)> = Vec::new();
        let (mut begun, mut open) = (HashSet::new(), (Uuid::nil(), 0));
        for (run, one) in of {
            let is_free = run == open.0 || one.start >= open.1;
            overlaps += u64::from(!is_free);
            verdict.demand(is_free, || {
                format!(
                    "{agent} had runs {} and {run} of session {session} at once",
                    open.0
                )
            });
            let end = end(evidence, run, one);
            if end >= open.1 {
                open = (run, end);
            }
            let send = &evidence.sends[&one.key];
            if firsts.last().is_some_and(|last| last.0 == run) {
                continue;
            }
            let is_new = begun.insert(run);
            returns += u64::from(!is_new);
            verdict.demand(is_new, || {
                format!("{agent} went back to run {run} after later ones of session {session}")
            });
            if is_new {
                let acknowledged = send.acknowledged_at.unwrap_or(u64::MAX);
                firsts.push((run, send.intended_at, acknowledged));
            }
        }
        // A run must not start before one that was acknowledged before it was even meant.
        let mut later = (Uuid::nil(), u64::MAX);
        for (run, intended, acknowledged) in firsts.into_iter().rev() {
            let in_order = later.1 >= intended;
            early += u64::from(!in_order);
            verdict.demand(in_order, || {
                format!(
                    "{agent} began run {run} before {} of session {session}",
                    later.0
                )
            });
            if acknowledged < later.1 {
                later = (run, acknowledged);
            }
        }
    }
    let counts = [
        ("sessions", sessions.len() as u64),
        ("overlaps", overlaps),
        ("interleaved", returns),
        ("out of order", early),
    ];
    verdict.counts.extend(counts);
}

/// When an execution ended. One that is cancelled while it works learns of it only when it looks at
/// its connection, and that is when the ledger has its end.
fn end(evidence: &Evidence, run: Uuid, of: &Of) -> u64 {
    const LOOK_MICROS: u64 = 250_000;
    let run = evidence.runs.get(&run);
    let cut = of.did == CALLER_GONE && run.is_some_and(|run| run.status == "cancelled");
    if cut {
        of.end.saturating_sub(LOOK_MICROS).max(of.start)
    } else {
        of.end
    }
}

fn content(evidence: &Evidence, _: &Terms, verdict: &mut Verdict) {
    let (mut inputs, mut outputs, mut files) = (0, 0, 0);
    for (id, executions) in &evidence.executions {
        for of in &executions.of {
            let Some(send) = evidence.sends.get(&of.key) else {
                verdict.demand(false, || format!("run {id} has an input that nobody sent"));
                continue;
            };
            inputs += 1;
            files += of.files.len() as u64;
            let is_same = of.input == send.input && of.files.iter().eq(send.file.iter());
            verdict.demand(is_same, || {
                format!(
                    "run {id} has another input, or other files, than key {}",
                    of.key
                )
            });
        }
        let key = executions.of.first().map(|of| of.key);
        let send = key.and_then(|key| evidence.sends.get(&key));
        let run = evidence
            .runs
            .get(id)
            .filter(|run| run.status == "completed");
        if let (Some(run), Some(send)) = (run, send) {
            outputs += 1;
            let is_same = run.output == send.input;
            verdict.demand(is_same, || {
                format!("run {id} has another output than input")
            });
        }
    }
    for (delivery, of) in &evidence.arrivals {
        verdict.demand(of.signed, || {
            format!("delivery {delivery} has no right signature")
        });
        verdict.demand(!of.differs, || {
            format!("delivery {delivery} arrived with different bytes")
        });
    }
    let counts = [("inputs", inputs), ("outputs", outputs), ("files", files)];
    verdict.counts.extend(counts);
}

fn outcomes(evidence: &Evidence, _: &Terms, verdict: &mut Verdict) {
    let readings = evidence.readings.iter();
    let read = readings.map(|one| (one.run, &one.status, one.output));
    let arrivals = evidence.arrivals.values();
    let arrived = arrivals.map(|of| (of.run, &of.status, of.output));
    for (id, status, output) in read.chain(arrived) {
        let run = evidence.runs.get(&id);
        let is_same = run.is_some_and(|run| run.status == *status && run.output == output);
        verdict.demand(is_same, || {
            let now = run.map(|run| &run.status);
            format!("run {id} was read as {status}, and is now {now:?} or has another output")
        });
    }
    verdict.count("read by clients", evidence.readings.len() as u64);
    verdict.count("read by destinations", evidence.arrivals.len() as u64);
}

/// The counters begin with the hub's last life, and so does what they are compared with.
fn counters(evidence: &Evidence, terms: &Terms, verdict: &mut Verdict) {
    let life = &evidence.last_life;
    let at_least = |time: i64| u64::from(time >= life.wall);
    let runs = || evidence.runs.values();
    let deliveries = || evidence.deliveries.values().flatten();
    let unseen = runs().filter(|run| terms.unseen.contains(&&*run.agent));
    let unseen = unseen.map(|run| u64::from(run.attempt)).sum();
    let mut expected: Vec<(String, u64, u64)> = vec![
        (
            "events_accepted_total".to_owned(),
            life.fresh,
            life.unanswered,
        ),
        (
            "events_duplicate_total".to_owned(),
            life.repeated,
            life.unanswered,
        ),
        (
            "runs_queued_total".to_owned(),
            runs().map(|run| at_least(run.queued)).sum(),
            0,
        ),
        ("run_attempts_failed_total".to_owned(), life.failed, unseen),
        (
            "deliveries_created_total".to_owned(),
            deliveries().map(|one| at_least(one.created)).sum(),
            0,
        ),
        ("delivery_attempts_total".to_owned(), life.arrivals, 0),
        ("runs_running".to_owned(), 0, 0),
        ("sync_waiting".to_owned(), 0, 0),
    ];
    for status in ENDED {
        let ended = runs().filter(|run| run.status == status);
        let ended = ended.map(|run| at_least(run.ended)).sum();
        expected.push((format!("runs_ended_total{{{status}}}"), ended, 0));
    }
    let delivered = deliveries().filter(|one| one.status == "delivered");
    let delivered = delivered.map(|one| at_least(one.ended)).sum();
    expected.push(("deliveries_ended_total{delivered}".to_owned(), delivered, 0));
    for (name, least, unsure) in expected {
        let found = evidence.counters.get(&format!("tieline_{name}"));
        let found = found.copied().unwrap_or_default();
        verdict.demand((least..=least + unsure).contains(&found), || {
            format!("{name} is {found}, and the ledgers have {least} (and perhaps {unsure} more)")
        });
    }
    verdict.count("lives", evidence.lives);
}

/// Whether an execution failed so that its attempt is counted as failed.
const fn is_failed_attempt(did: u16) -> bool {
    did == HUNG_UP || (did >= 400 && did != 429 && did != 503 && did != CALLER_GONE)
}

#[cfg(test)]
mod tests;
