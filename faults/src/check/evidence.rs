//! The evidence: ledgers and view, joined by their ids, small enough for a million events.

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::path::Path;

use anyhow::{Context as _, Result};
use serde::de::DeserializeOwned;
use uuid::Uuid;

use crate::record::{
    ARRIVED, Answer, Arrival, DEEDS, Deed, EXECUTED, Executed, Hash, Intent, Reading, SENT, Sent,
    UNANSWERED, UNREACHED, What,
};
use crate::view::{DeliveryRow, RunRow, View};

/// Everything that is known.
#[derive(Debug, Default)]
pub(crate) struct Evidence {
    /// By key.
    pub(super) sends: HashMap<u64, Send>,
    pub(super) readings: Vec<Reading>,
    /// By run.
    pub(super) executions: HashMap<Uuid, Executions>,
    /// By delivery.
    pub(super) arrivals: HashMap<Uuid, Arrivals>,
    pub(super) kills: u64,
    pub(super) lives: u64,
    pub(super) last_life: Life,
    pub(super) events: HashSet<Uuid>,
    pub(super) runs: HashMap<Uuid, RunRow>,
    runs_of: HashMap<Uuid, Vec<Uuid>>,
    /// By run.
    pub(super) deliveries: HashMap<Uuid, Vec<DeliveryRow>>,
    pub(super) counters: HashMap<String, u64>,
}

/// All sends with one key.
#[derive(Debug, Default)]
pub(super) struct Send {
    pub(super) input: Hash,
    pub(super) file: Option<Hash>,
    pub(super) session: String,
    /// Sorted.
    pub(super) agents: Vec<String>,
    /// Of the first.
    pub(super) intended_at: u64,
    pub(super) acknowledged_at: Option<u64>,
    pub(super) tries: u32,
    pub(super) acknowledged: u32,
    pub(super) fresh: u32,
    pub(super) unanswered: u32,
    pub(super) unreached: u32,
    pub(super) refused: u32,
    /// Two answers have different ids.
    pub(super) differs: bool,
    event: Option<Uuid>,
    runs: Vec<Uuid>,
}

/// What agents did for one run.
#[derive(Debug, Default)]
pub(super) struct Executions {
    pub(super) of: Vec<Of>,
}

#[derive(Debug)]
pub(super) struct Of {
    pub(super) agent: Box<str>,
    pub(super) event: Uuid,
    pub(super) key: u64,
    pub(super) input: Hash,
    pub(super) files: Box<[Hash]>,
    pub(super) start: u64,
    /// `u64::MAX` where the ledger has no end.
    pub(super) end: u64,
    pub(super) did: u16,
}

/// What arrived of one delivery.
#[derive(Debug)]
pub(super) struct Arrivals {
    pub(super) run: Uuid,
    pub(super) status: String,
    pub(super) output: Hash,
    body: Hash,
    pub(super) times: u32,
    /// Answered 2xx.
    pub(super) taken: u32,
    pub(super) refused: u32,
    pub(super) signed: bool,
    pub(super) differs: bool,
}

/// The hub's last life, from its start on, and what the ledgers have of it.
#[derive(Debug, Default)]
pub(super) struct Life {
    at: u64,
    pub(super) wall: i64,
    pub(super) fresh: u64,
    pub(super) repeated: u64,
    pub(super) unanswered: u64,
    pub(super) failed: u64,
    pub(super) arrivals: u64,
}

impl Evidence {
    /// Reads the ledgers of a stage, and joins them with the hub's view.
    pub(crate) fn load(folder: &Path, view: View) -> Result<Self> {
        let mut evidence = Self::default();
        let mut kills = Vec::new();
        lines(&folder.join(DEEDS), |deed: Deed| match deed.what {
            What::Start => {
                evidence.lives += 1;
                evidence.last_life.at = deed.at;
                evidence.last_life.wall = deed.wall;
            }
            What::Kill => kills.push(deed.at),
            What::Terminate => {}
        })?;
        evidence.kills = kills.len() as u64;
        lines(&folder.join(SENT), |line| match line {
            Sent::Intent(intent) => evidence.intend(intent),
            Sent::Answer(answer) => evidence.answer(answer),
            Sent::Reading(reading) => evidence.readings.push(reading),
        })?;
        let mut open = HashMap::new();
        lines(&folder.join(EXECUTED), |line| {
            evidence.execute(line, &kills, &mut open);
        })?;
        lines(&folder.join(ARRIVED), |line| evidence.arrive(line))?;
        evidence.join(view);
        Ok(evidence)
    }

    fn intend(&mut self, intent: Intent) {
        let send = self.sends.entry(intent.key).or_insert_with(|| {
            let mut agents = intent.agents;
            agents.sort_unstable();
            Send {
                input: intent.input,
                file: intent.file,
                session: intent.session,
                agents,
                intended_at: intent.at,
                ..Send::default()
            }
        });
        send.tries += 1;
    }

    fn answer(&mut self, answer: Answer) {
        let life = &mut self.last_life;
        let is_last = u64::from(answer.at >= life.at);
        let send = self.sends.entry(answer.key).or_default();
        match answer.status {
            UNREACHED => send.unreached += 1,
            UNANSWERED => {
                send.unanswered += 1;
                life.unanswered += is_last;
            }
            // 424 tells of runs that failed, and so of an event that is stored.
            200..300 | 424 => {
                if send.acknowledged == 0 {
                    send.acknowledged_at = Some(answer.at);
                    (send.event, send.runs) = (answer.event, answer.runs);
                } else {
                    send.differs |= send.event != answer.event || send.runs != answer.runs;
                }
                send.acknowledged += 1;
                send.fresh += u32::from(!answer.duplicate);
                let counted = if answer.duplicate {
                    &mut life.repeated
                } else {
                    &mut life.fresh
                };
                *counted += is_last;
            }
            _ => send.refused += 1,
        }
    }

    fn execute(&mut self, line: Executed, kills: &[u64], open: &mut HashMap<u64, (Uuid, usize)>) {
        match line {
            Executed::Start(start) => {
                let executions = self.executions.entry(start.run).or_default();
                open.insert(start.number, (start.run, executions.of.len()));
                executions.of.push(Of {
                    agent: start.agent.into(),
                    event: start.event,
                    key: start.key,
                    input: start.input,
                    files: start.files.into(),
                    start: start.at,
                    end: u64::MAX,
                    did: crate::record::CALLER_GONE,
                });
            }
            Executed::End(end) => {
                let begun = open.remove(&end.number);
                let begun =
                    begun.and_then(|(run, at)| self.executions.get_mut(&run)?.of.get_mut(at));
                if let Some(of) = begun {
                    // An execution does not outlive the hub that it is for: the agent learns of a
                    // kill only when it looks at its connection.
                    let after = kills.partition_point(|kill| *kill < of.start);
                    of.end = kills.get(after).map_or(end.at, |kill| end.at.min(*kill));
                    of.did = end.did;
                    let is_last = end.at >= self.last_life.at;
                    let failed = super::is_failed_attempt(end.did);
                    self.last_life.failed += u64::from(is_last && failed);
                }
            }
        }
    }

    fn arrive(&mut self, arrival: Arrival) {
        self.last_life.arrivals += u64::from(arrival.at >= self.last_life.at);
        let of = self.arrivals.entry(arrival.delivery).or_insert(Arrivals {
            run: arrival.run,
            status: arrival.status,
            output: arrival.output,
            body: arrival.body,
            times: 0,
            taken: 0,
            refused: 0,
            signed: true,
            differs: false,
        });
        of.times += 1;
        let taken = (200..300).contains(&arrival.did);
        of.taken += u32::from(taken);
        of.refused += u32::from(!taken);
        of.signed &= arrival.signed;
        of.differs |= of.body != arrival.body || of.run != arrival.run;
    }

    fn join(&mut self, view: View) {
        self.events = view.events.into_iter().collect();
        for run in view.runs {
            self.runs_of.entry(run.event).or_default().push(run.run);
            self.runs.insert(run.run, run);
        }
        for delivery in view.deliveries {
            self.deliveries
                .entry(delivery.run)
                .or_default()
                .push(delivery);
        }
        self.counters = view.counters;
    }

    /// The event of an acknowledged send: as it was answered, or as its runs have it.
    pub(super) fn event_of(&self, send: &Send) -> Option<Uuid> {
        let of_run = || Some(self.runs.get(send.runs.first()?)?.event);
        send.event.or_else(of_run)
    }

    pub(super) fn runs_of(&self, event: Uuid) -> Vec<&RunRow> {
        let runs = self.runs_of.get(&event).map_or(&[][..], Vec::as_slice);
        runs.iter().filter_map(|run| self.runs.get(run)).collect()
    }
}

/// Reads a ledger, line by line.
fn lines<T: DeserializeOwned>(path: &Path, mut take: impl FnMut(T)) -> Result<()> {
    let file = File::open(path).with_context(|| format!("failed to open {}", path.display()))?;
    let mut reader = BufReader::new(file);
    let mut line = String::new();
    while reader.read_line(&mut line)? > 0 {
        let read = serde_json::from_str(&line);
        take(read.with_context(|| format!("failed to read {}: {line}", path.display()))?);
        line.clear();
    }
    Ok(())
}
