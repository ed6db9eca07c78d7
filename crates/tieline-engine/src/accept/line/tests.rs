use std::sync::Arc;
use std::time::Duration;

use tieline_expression::Expression;
use tieline_model::quantity::Span;
use tieline_model::{AgentId, OnError, Priority};

use super::*;

const WIDTHS: Widths = Widths {
    session: 2,
    agent: 8,
};

fn link(policy: Policy, debounced: bool) -> LiveLink {
    let debounce = tieline_model::Debounce {
        quiet: Span::from_secs(5),
        max_wait: Span::from_secs(60),
        max_count: 10,
    };
    LiveLink {
        agent: AgentId(1),
        when: None,
        session: None,
        on_error: OnError::Hold,
        policy,
        debounce: debounced.then_some(debounce),
        priority: Priority::Normal,
    }
}

#[test]
fn without_a_session_and_a_debounce_nobody_waits() {
    let key = |link: &LiveLink, session| key(link, session, ConnectorId(7));
    assert_eq!(key(&link(Policy::Coalesce, false), None), None);
    let line = key(&link(Policy::Queue, false), Some("c:7"));
    assert_eq!(line, Some("s:c:7".to_owned()));
    let line = key(&link(Policy::Queue, true), None);
    assert_eq!(line, Some("c:7".to_owned()));
    let mut nameless = link(Policy::Queue, true);
    nameless.session = Some(Arc::new(Expression::compile("input.id").unwrap()));
    assert_eq!(key(&nameless, None), None);
}

#[test]
fn parallel_sessions_are_as_wide_as_the_agent() {
    let line = |policy| {
        let line = of_link(&link(policy, false), "s:a".to_owned(), WIDTHS);
        (line.policy, line.width)
    };
    assert_eq!(line(Policy::Queue), (LinePolicy::Queue, 2));
    assert_eq!(line(Policy::Coalesce), (LinePolicy::Coalesce, 2));
    assert_eq!(line(Policy::Replace), (LinePolicy::Replace, 2));
    assert_eq!(line(Policy::Reject), (LinePolicy::Reject, 2));
    assert_eq!(line(Policy::Parallel), (LinePolicy::Queue, 8));
}

#[test]
fn a_debounce_goes_with_the_line_of_an_event_and_not_of_a_replay() {
    let line = of_link(&link(Policy::Queue, true), "s:a".to_owned(), WIDTHS);
    let debounce = line.debounce.unwrap();
    assert_eq!(debounce.quiet, Duration::from_secs(5));
    assert_eq!(debounce.max_wait, Duration::from_mins(1));
    assert_eq!(debounce.max_count, 10);
    let replay = of_replay("a", WIDTHS);
    assert_eq!((replay.key.as_str(), replay.debounce), ("s:a", None));
}
