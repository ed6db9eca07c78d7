use bytes::Bytes;
use serde_json::Map;
use tieline_model::{
    AgentId, ConnectorId, EventId, ManagedBy, Name, Priority, ProjectId, Retry, RunId, Trust,
};

use super::*;

const NOW: Timestamp = Timestamp::from_millis(1_000_000);

fn agent() -> Agent {
    Agent {
        id: AgentId(1),
        project: ProjectId::DEFAULT,
        name: Name::new("triage").unwrap(),
        runtime: "echo".to_owned(),
        timeout: Duration::from_mins(1),
        concurrency: 1,
        session_concurrency: 1,
        rate: None,
        queue_ttl: None,
        retry: Retry {
            attempts: 3,
            crashes: 2,
            ..Retry::default()
        },
        settings: Map::new(),
        managed_by: ManagedBy::File,
        paused: false,
        removed: false,
    }
}

fn pausing() -> Agent {
    let mut agent = agent();
    agent.retry.exhausted = Exhausted::Pause;
    agent
}

fn run(attempt: u32, crashes: u32, outages: u32) -> Run {
    Run {
        id: RunId::from_bytes([1; 16]),
        project: ProjectId::DEFAULT,
        event: EventId::from_bytes([2; 16]),
        agent: AgentId(1),
        connector: ConnectorId(1),
        session: None,
        priority: Priority::Normal,
        state: RunState::Running,
        reason: None,
        waiting_since: None,
        attempt,
        crashes,
        outages,
        due_at: None,
        queued_at: NOW,
        started_at: Some(NOW),
        ended_at: None,
        output: None,
        error: None,
        usage: None,
        dead_letter: false,
        into: None,
        kept: Kept::Whole,
    }
}

fn event(kept: Kept) -> Event {
    Event {
        id: EventId::from_bytes([2; 16]),
        project: ProjectId::DEFAULT,
        connector: ConnectorId(1),
        received_at: NOW,
        trust: Trust::Open,
        filtered: false,
        input: Bytes::new(),
        meta: Bytes::new(),
        files: Vec::new(),
        runs: vec![RunId::from_bytes([1; 16])],
        kept,
    }
}

/// One line per decision, for tables.
fn line(outcome: RunOutcome, now: Timestamp) -> String {
    match outcome {
        RunOutcome::Ended {
            state,
            error,
            dead_letter,
            ..
        } => {
            let code = error.map_or_else(String::new, |error| format!(" {}", error.code));
            let dead = if dead_letter { " dead" } else { "" };
            format!("{}{code}{dead}", state.as_str())
        }
        RunOutcome::Again(next) => {
            let counts = match next.counts {
                Counts::Attempt => "",
                Counts::Crash => " crashed",
                Counts::Outage => " unburnt",
            };
            let wait = next.due_at.since(now);
            format!("{} in {wait:?}{counts}", next.reason.as_str())
        }
        RunOutcome::Paused { error } => format!("paused {}", error.code),
    }
}

fn told_by(agent: &Agent, run: &Run, result: Result<Outcome, Fault>, now: Timestamp) -> String {
    let random = || u32::MAX;
    let at = At {
        now,
        random: &random,
    };
    line(decide(run, agent, result, at), now)
}

fn told(run: &Run, result: Result<Outcome, Fault>, now: Timestamp) -> String {
    told_by(&agent(), run, result, now)
}

/// What is said of a claimed run before it is started.
fn refused(run: &Run, kept: Kept, agent: &Agent, now: Timestamp) -> Option<String> {
    refuse(run, &event(kept), agent, now).map(|outcome| line(outcome, now))
}

fn fault(verdict: Verdict) -> Result<Outcome, Fault> {
    Err(Fault::new(verdict, "x", "…"))
}

#[test]
fn verdicts_become_states() {
    let completed = Ok(Outcome::Completed {
        output: Bytes::from_static(b"1"),
        usage: None,
    });
    assert_eq!(told(&run(1, 0, 0), completed, NOW), "completed");
    let own = Ok(Outcome::Failed {
        error: RunError::new("mine", "…"),
        usage: None,
    });
    assert_eq!(told(&run(1, 0, 0), own, NOW), "failed mine");
    assert_eq!(
        told(&run(1, 0, 0), Ok(Outcome::Deferred), NOW),
        "answer in 60s"
    );
    assert_eq!(told(&run(1, 0, 0), fault(Verdict::Never), NOW), "failed x");
    assert_eq!(
        told(&run(1, 0, 0), fault(Verdict::Later), NOW),
        "retry in 1s"
    );
    assert_eq!(
        told(&run(2, 0, 0), fault(Verdict::Later), NOW),
        "retry in 2s"
    );
    assert_eq!(
        told(&run(3, 0, 0), fault(Verdict::Later), NOW),
        "failed x dead"
    );
    let after = fault(Verdict::After(Duration::from_secs(90)));
    assert_eq!(told(&run(1, 0, 0), after, NOW), "retry in 90s");
}

#[test]
fn an_outage_burns_nothing_until_it_is_days_old() {
    let refused = || fault(Verdict::NotStarted(None));
    assert_eq!(told(&run(3, 0, 0), refused(), NOW), "outage in 1s unburnt");
    assert_eq!(told(&run(3, 0, 4), refused(), NOW), "outage in 16s unburnt");
    let told_to_wait = fault(Verdict::NotStarted(Some(Duration::from_secs(7))));
    assert_eq!(
        told(&run(1, 0, 0), told_to_wait, NOW),
        "outage in 7s unburnt"
    );
    let old = NOW.plus(OUTAGE_AGE_MAX);
    assert_eq!(told(&run(1, 0, 900), refused(), old), "failed x dead");
    // It waited for its agent to be resumed, which then takes a moment to be there.
    assert_eq!(told(&run(1, 0, 2), refused(), old), "outage in 4s unburnt");
}

#[test]
fn crashes_and_errors_have_budgets_of_their_own() {
    let crash = || fault(Verdict::Crashed);
    let error = || fault(Verdict::Later);
    assert_eq!(told(&run(1, 0, 0), crash(), NOW), "retry in 1s crashed");
    assert_eq!(told(&run(2, 1, 0), crash(), NOW), "failed x dead");
    // Two errors before it burn nothing of the crashes, and the crashes nothing of the errors.
    assert_eq!(told(&run(3, 0, 0), crash(), NOW), "retry in 1s crashed");
    assert_eq!(told(&run(3, 1, 0), error(), NOW), "retry in 2s");
    assert_eq!(told(&run(4, 1, 0), error(), NOW), "failed x dead");
}

#[test]
fn a_run_whose_budget_is_used_up_is_paused_where_its_agent_asks_for_it() {
    let of = |run: &Run, verdict, now| told_by(&pausing(), run, fault(verdict), now);
    assert_eq!(of(&run(3, 0, 0), Verdict::Later, NOW), "paused x");
    assert_eq!(of(&run(2, 1, 0), Verdict::Crashed, NOW), "paused x");
    let old = NOW.plus(OUTAGE_AGE_MAX);
    assert_eq!(
        of(&run(1, 0, 9), Verdict::NotStarted(None), old),
        "paused x"
    );
    // It did not use anything up.
    assert_eq!(of(&run(3, 0, 0), Verdict::Never, NOW), "failed x");
}

#[test]
fn what_cannot_be_started_any_more_is_not_started() {
    let of = |run: &Run, kept| refused(run, kept, &agent(), NOW);
    assert_eq!(of(&run(1, 0, 0), Kept::Whole), None);
    assert_eq!(
        of(&run(1, 0, 0), Kept::Damaged).as_deref(),
        Some("failed damaged")
    );
    assert_eq!(
        of(&run(1, 0, 0), Kept::Erased).as_deref(),
        Some("failed erased")
    );
}

#[test]
fn a_run_that_takes_the_hub_down_each_time_is_not_started_for_ever() {
    let of = |agent: &Agent, crashes| refused(&run(4, crashes, 0), Kept::Whole, agent, NOW);
    assert_eq!(of(&agent(), 1), None);
    assert_eq!(of(&agent(), 2).as_deref(), Some("failed crashed dead"));
    assert_eq!(of(&pausing(), 2).as_deref(), Some("paused crashed"));
}

#[test]
fn only_a_first_attempt_comes_too_late() {
    let mut agent = agent();
    agent.queue_ttl = Some(Duration::from_secs(10));
    let late = NOW.plus(Duration::from_secs(10));
    let of = |run: &Run, now| refused(run, Kept::Whole, &agent, now);
    let almost = NOW.plus(Duration::from_millis(9_999));
    assert_eq!(of(&run(1, 0, 0), almost), None);
    assert_eq!(of(&run(1, 0, 0), late).as_deref(), Some("failed expired"));
    assert_eq!(of(&run(2, 0, 0), late), None);
    let unanswered = Run {
        reason: Some(Reason::Answer),
        ..run(1, 0, 0)
    };
    assert_eq!(of(&unanswered, late), None);
}
