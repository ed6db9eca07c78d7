use bytes::Bytes;
use serde_json::Map;
use tieline_model::{AgentId, EventId, ManagedBy, Name, ProjectId, Retry, RunId};

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
        retry: Retry::default(),
        settings: Map::new(),
        managed_by: ManagedBy::File,
        paused: false,
        removed: false,
    }
}

fn run(attempt: u32, outages: u32) -> Run {
    Run {
        id: RunId::from_bytes([1; 16]),
        project: ProjectId::DEFAULT,
        event: EventId::from_bytes([2; 16]),
        agent: AgentId(1),
        session: None,
        state: RunState::Running,
        reason: None,
        waiting_since: None,
        attempt,
        outages,
        due_at: None,
        queued_at: NOW,
        started_at: Some(NOW),
        ended_at: None,
        output: None,
        error: None,
        usage: None,
        dead_letter: false,
    }
}

/// One line per decision, for tables.
fn told(run: &Run, result: Result<Outcome, Fault>, now: Timestamp) -> String {
    match decide(
        run,
        &agent(),
        result,
        At {
            now,
            random: u32::MAX,
        },
    ) {
        RunOutcome::Ended {
            state,
            error,
            dead_letter,
            ..
        } => {
            let code = error.map_or_else(String::new, |error| format!(" {}", error.code));
            format!(
                "{}{code}{}",
                state.as_str(),
                if dead_letter { " dead" } else { "" }
            )
        }
        RunOutcome::Again(next) => format!(
            "{} in {:?}{}",
            next.reason.as_str(),
            next.due_at.since(now),
            if next.not_started { " unburnt" } else { "" }
        ),
    }
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
    assert_eq!(told(&run(1, 0), completed, NOW), "completed");
    let own = Ok(Outcome::Failed {
        error: RunError::new("mine", "…"),
        usage: None,
    });
    assert_eq!(told(&run(1, 0), own, NOW), "failed mine");
    assert_eq!(
        told(&run(1, 0), Ok(Outcome::Deferred), NOW),
        "answer in 60s"
    );
    assert_eq!(told(&run(1, 0), fault(Verdict::Never), NOW), "failed x");
    assert_eq!(told(&run(1, 0), fault(Verdict::Later), NOW), "retry in 1s");
    assert_eq!(told(&run(2, 0), fault(Verdict::Later), NOW), "retry in 2s");
    assert_eq!(
        told(&run(3, 0), fault(Verdict::Later), NOW),
        "failed x dead"
    );
    let after = fault(Verdict::After(Duration::from_secs(90)));
    assert_eq!(told(&run(1, 0), after, NOW), "retry in 90s");
}

#[test]
fn an_outage_burns_nothing_until_it_is_days_old() {
    let refused = || fault(Verdict::NotStarted(None));
    assert_eq!(told(&run(3, 0), refused(), NOW), "outage in 1s unburnt");
    assert_eq!(told(&run(3, 4), refused(), NOW), "outage in 16s unburnt");
    let told_to_wait = fault(Verdict::NotStarted(Some(Duration::from_secs(7))));
    assert_eq!(told(&run(1, 0), told_to_wait, NOW), "outage in 7s unburnt");
    assert_eq!(
        told(&run(1, 900), refused(), NOW.plus(OUTAGE_AGE_MAX)),
        "failed x dead"
    );
}
