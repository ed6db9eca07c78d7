//! Which runs of an agent a new one has to wait for, as its link and its agent say. Pure.

use tieline_model::{Agent, ConnectorId, Policy};
use tieline_store::{Debounce, Line, LinePolicy};

use crate::catalog::LiveLink;

/// How many runs of a line execute at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Widths {
    pub session: u32,
    /// Of the agent as a whole.
    pub agent: u32,
}

impl Widths {
    /// `None` for an agent that cannot be opened now: whatever it says later, one is never wrong.
    pub(super) fn of(agent: Option<&Agent>) -> Self {
        let (session, agent) =
            agent.map_or((1, 1), |row| (row.session_concurrency, row.concurrency));
        Self {
            session: session.max(1),
            agent: agent.max(1),
        }
    }
}

/// The key of the line that a run by this link stands in; `None` where it waits for nobody.
///
/// A debounced link without a session has one line for all its events. Where it has a session that
/// could not be found, the event runs alone: it must not be taken for one of any other session.
pub(super) fn key(
    link: &LiveLink,
    session: Option<&str>,
    connector: ConnectorId,
) -> Option<String> {
    match session {
        Some(session) => Some(of_session(session)),
        None if link.debounce.is_some() && link.session.is_none() => {
            Some(format!("c:{}", connector.0))
        }
        None => None,
    }
}

fn of_session(session: &str) -> String {
    format!("s:{session}")
}

/// The line of a new event's run.
pub(super) fn of_link(link: &LiveLink, key: String, widths: Widths) -> Line {
    let (policy, width) = match link.policy {
        Policy::Queue => (LinePolicy::Queue, widths.session),
        Policy::Coalesce => (LinePolicy::Coalesce, widths.session),
        Policy::Replace => (LinePolicy::Replace, widths.session),
        Policy::Reject => (LinePolicy::Reject, widths.session),
        // As many at once as the agent takes, and no more of them may be claimed: so that a flood
        // of one session never stands before all others.
        Policy::Parallel => (LinePolicy::Queue, widths.agent),
    };
    let debounce = link.debounce.map(|debounce| Debounce {
        quiet: debounce.quiet.0,
        max_wait: debounce.max_wait.0,
        max_count: debounce.max_count.max(1),
    });
    Line {
        key,
        policy,
        width,
        debounce,
    }
}

/// The line of a replay: at the end of its session, whatever the link says of new events.
pub(super) fn of_replay(session: &str, widths: Widths) -> Line {
    Line {
        key: of_session(session),
        policy: LinePolicy::Queue,
        width: widths.session,
        debounce: None,
    }
}

#[cfg(test)]
mod tests;
