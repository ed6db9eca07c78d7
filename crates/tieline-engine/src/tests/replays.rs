//! New runs from stored events.

use tieline_contract::Verdict;
use tieline_model::{EventId, Kept, Mode, Priority, Reason, RunState};
use tieline_store::CatalogChange;

use super::outside::{Act, seen, tell};
use super::rig::{PROJECT, Rig, name};
use crate::{EngineError, Lost};

/// Agents `one` (for what is large) and `two` behind `in`; `three` is linked to nothing.
async fn rig(test: &'static str) -> Rig {
    let rig = Rig::new(test).await;
    let mut connector = rig.connector("in", Mode::Inbound, &["one", "two"]);
    connector.links[0].when = Some("input.total > 100".to_owned());
    connector.links[1].session = Some("input.s".to_owned());
    connector.links[1].priority = Priority::High;
    let change = CatalogChange {
        put_agents: ["one", "two", "three"]
            .map(|agent| rig.agent(agent))
            .to_vec(),
        put_connectors: vec![connector],
        ..CatalogChange::default()
    };
    rig.hub.apply(PROJECT, change).await.unwrap();
    rig
}

async fn ended(rig: &Rig, input: &str) -> EventId {
    let accepted = rig.send("in", input).await;
    for id in accepted.run_ids {
        rig.ended(id).await;
    }
    accepted.event_id
}

#[tokio::test(start_paused = true)]
async fn an_event_is_replayed_to_the_agents_whose_condition_holds() {
    let rig = rig("replay_linked").await;
    let small = ended(&rig, r#"{"total":1,"s":"a"}"#).await;
    let runs = rig.hub.replay_event(PROJECT, small, None).await.unwrap();
    let [run] = runs[..] else { panic!("{runs:?}") };
    let run = rig.ended(run).await;
    assert_eq!(
        (run.state, run.session.as_deref(), run.priority),
        (RunState::Completed, Some("a"), Priority::High)
    );
    let large = ended(&rig, r#"{"total":1000,"s":"a"}"#).await;
    let runs = rig.hub.replay_event(PROJECT, large, None).await.unwrap();
    assert_eq!(runs.len(), 2);
    let event = rig.hub.store().event(PROJECT, large).await.unwrap();
    assert_eq!(event.unwrap().runs[2..], runs);
}

#[tokio::test(start_paused = true)]
async fn an_event_is_replayed_to_the_agent_that_a_person_names() {
    let rig = rig("replay_named").await;
    let small = ended(&rig, r#"{"total":1,"s":"a"}"#).await;
    for agent in ["one", "three"] {
        let to = Some(name(agent));
        let runs = rig.hub.replay_event(PROJECT, small, to.as_ref()).await;
        let [run] = runs.unwrap()[..] else {
            panic!("one agent was named")
        };
        assert_eq!(rig.ended(run).await.state, RunState::Completed);
        assert_eq!(seen(&rig.actor(agent)).len(), 1);
    }
    let two = name("two");
    let runs = rig.hub.replay_event(PROJECT, small, Some(&two)).await;
    let run = rig.run(runs.unwrap()[0]).await;
    assert_eq!(
        run.session.as_deref(),
        Some("a"),
        "its link gives the session"
    );
    let unknown = name("nobody");
    let refused = rig.hub.replay_event(PROJECT, small, Some(&unknown)).await;
    assert!(matches!(refused, Err(EngineError::NotFound)), "{refused:?}");
}

#[tokio::test(start_paused = true)]
async fn a_run_is_replayed_with_another_agent() {
    let rig = rig("replay_other").await;
    tell(&rig.actor("two"), &[Act::Fault(Verdict::Never)]);
    let event = ended(&rig, r#"{"total":1,"s":"a"}"#).await;
    let event = rig.hub.store().event(PROJECT, event).await.unwrap();
    let original = event.unwrap().runs[0];
    let catalog = rig.hub.catalog();
    let three = catalog.agent(PROJECT, &name("three")).unwrap().row.id;
    let again = rig.hub.replay_run(PROJECT, original, Some(three)).await;
    let run = rig.ended(again.unwrap()).await;
    assert_eq!((run.agent, run.session.as_deref()), (three, Some("a")));
    assert_eq!(rig.run(original).await.state, RunState::Failed);
}

#[tokio::test(start_paused = true)]
async fn a_replay_whose_condition_fails_is_held_like_a_new_event() {
    let rig = rig("replay_held").await;
    let accepted = rig.send("in", r#"{"s":"a"}"#).await;
    let runs = rig.hub.replay_event(PROJECT, accepted.event_id, None).await;
    let run = rig.run(runs.unwrap()[0]).await;
    assert_eq!(run.reason, Some(Reason::Held));
}

#[tokio::test(start_paused = true)]
async fn what_was_erased_cannot_be_replayed() {
    let rig = rig("replay_erased").await;
    let id = ended(&rig, r#"{"total":1,"s":"a"}"#).await;
    rig.hub.erase_event(PROJECT, id).await.unwrap();
    let event = rig.hub.store().event(PROJECT, id).await.unwrap().unwrap();
    assert_eq!(event.kept, Kept::Erased);
    let refused = rig.hub.replay_event(PROJECT, id, None).await;
    let erased = |refused: &EngineError| matches!(refused, EngineError::NotKept(Lost::Erased));
    assert!(erased(&refused.unwrap_err()));
    let refused = rig.hub.replay_run(PROJECT, event.runs[0], None).await;
    assert!(erased(&refused.unwrap_err()));
    assert_eq!(seen(&rig.actor("two")).len(), 1);
}
