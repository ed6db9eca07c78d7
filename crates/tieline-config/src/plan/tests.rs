//! What a plan does and says.

use tieline_model::Secret;

use super::*;
use crate::samples::{SECRET, TYPES, good, said};

const BEFORE: &str = "\
agents:
  - { name: a, runtime: http, url: http://a, secret: canary-1 }
  - { name: b, runtime: echo }
connectors:
  - { name: in, type: webhook, mode: inbound, agents: [a, b], settings: { max_body: 1MiB } }
  - { name: out, type: webhook, mode: outbound, agents: [a], settings: { url: https://a } }
";

/// The rows that a hub has after the file was applied.
fn rows(text: &str) -> (Vec<Agent>, Vec<Connector>) {
    let configuration = good(text);
    let (mut agents, mut connectors) = (configuration.agents, configuration.connectors);
    for (id, agent) in (1..).zip(&mut agents) {
        agent.id = AgentId(id);
    }
    for (id, connector) in (1..).zip(&mut connectors) {
        connector.id = ConnectorId(id);
        connector.secrets = vec![Secret::new("generated-before").unwrap().into()];
    }
    (agents, connectors)
}

fn planned(text: &str, rows: &(Vec<Agent>, Vec<Connector>)) -> Result<Plan, Vec<Diagnostic>> {
    let (agents, connectors) = (rows.0.as_slice(), rows.1.as_slice());
    plan(&good(text), Current { agents, connectors }, &TYPES)
}

#[test]
fn a_new_hub_gets_everything() {
    let plan = planned(BEFORE, &(Vec::new(), Vec::new())).unwrap();
    let wanted = "+ agent a\n+ agent b\n+ connector in\n+ connector out\n\
                  4 to create, 0 to update, 0 to remove, 0 unchanged";
    assert_eq!(plan.to_string(), wanted);
    assert_eq!((plan.put_agents.len(), plan.put_connectors.len()), (2, 2));
}

#[test]
fn what_is_the_same_is_left_alone() {
    let plan = planned(BEFORE, &rows(BEFORE)).unwrap();
    assert!(plan.is_empty());
    assert!(plan.put_agents.is_empty() && plan.put_connectors.is_empty());
    assert_eq!(
        plan.to_string(),
        "0 to create, 0 to update, 0 to remove, 4 unchanged"
    );
}

#[test]
fn changes_are_shown_field_by_field_and_secrets_not_at_all() {
    let after = format!(
        "agents:\n  - {{ name: a, runtime: http, url: http://b, secret: canary-2 }}\nconnectors:\n  \
         - {{ name: in, type: webhook, mode: inbound, agents: [a], secret: {SECRET} }}\n"
    );
    let plan = planned(&after, &rows(BEFORE)).unwrap();
    let wanted = "\
~ agent a
    secret: changed
    url: \"http://a\" → \"http://b\"
~ connector in
    agents[1].agent: \"b\" removed
    agents[1].on_error: \"hold\" removed
    settings: {} added
    settings.max_body: \"1MiB\" removed
    secret: changed
- connector out
- agent b
0 to create, 2 to update, 2 to remove, 0 unchanged";
    assert_eq!(plan.to_string(), wanted);
    assert_eq!(plan.remove_agents, [AgentId(2)]);
    assert_eq!(plan.remove_connectors, [ConnectorId(2)]);
}

#[test]
fn puts_keep_the_row_its_pause_and_its_secrets() {
    let mut rows = rows(BEFORE);
    for connector in &mut rows.1 {
        connector.paused = true;
    }
    let plan = planned(&BEFORE.replace("1MiB", "2MiB"), &rows).unwrap();
    let [put] = plan.put_connectors.as_slice() else {
        panic!("one connector changes");
    };
    assert_eq!((put.id, put.paused), (ConnectorId(1), true));
    assert_eq!(put.secrets.first().unwrap().expose(), "generated-before");
}

#[test]
fn what_a_rotation_left_stays_unless_the_file_says_otherwise() {
    let mut rows = rows(BEFORE);
    let mut older = rows.1[0].secrets[0].clone();
    older.not_after = Some("2026-11-23T00:00:00Z".parse().unwrap());
    rows.1[0].secrets.push(older);
    assert!(planned(BEFORE, &rows).unwrap().is_empty());
    let says = |secret: &str| BEFORE.replace("mode: inbound", &format!("mode: inbound, {secret}"));
    let plan = planned(&says(&format!("secret: {SECRET}")), &rows).unwrap();
    let [put] = plan.put_connectors.as_slice() else {
        panic!("one connector changes");
    };
    assert_eq!(put.secrets.len(), 1);
    assert_eq!(put.secrets[0].expose(), SECRET);
    let wanted =
        r#"secret: ["***",{"value":"***","not_after":"2026-11-23T00:00:00.000Z"}] → "***""#;
    assert!(plan.to_string().contains(wanted), "{plan}");
    // A time alone that changes is a change, too.
    rows.1[0].secrets = put.secrets.clone();
    let dated = format!("secret: {{ value: {SECRET}, not_before: 2026-11-23T00:00:00Z }}");
    let plan = planned(&says(&dated), &rows).unwrap();
    let wanted = r#"secret: "***" → {"value":"***","not_before":"2026-11-23T00:00:00.000Z"}"#;
    assert!(plan.to_string().contains(wanted), "{plan}");
}

#[test]
fn what_the_api_made_is_left_alone_and_its_names_are_taken() {
    let mut rows = rows(BEFORE);
    rows.1[0].managed_by = ManagedBy::Api;
    let said = said(&planned(BEFORE, &rows).unwrap_err());
    let wanted = "hub.yaml:5:7: connectors[0].name: the API made one of this name\n  fix: choose \
                  another name, or remove that one through the API";
    assert_eq!(said, wanted);
    let without = BEFORE.lines().take(3).collect::<Vec<_>>().join("\n");
    let plan = planned(&without, &rows).unwrap();
    assert_eq!(plan.remove_connectors, [ConnectorId(2)]);
}

#[test]
fn an_agent_that_the_api_links_cannot_be_removed() {
    let mut rows = rows(BEFORE);
    rows.1[0].managed_by = ManagedBy::Api;
    let said = said(&planned("agents: []\n", &rows).unwrap_err());
    assert!(
        said.starts_with("agent `a` cannot be removed: connector `in`"),
        "{said}"
    );
    assert!(
        said.contains("agent `b` cannot be removed: connector `in`"),
        "{said}"
    );
}

#[test]
fn removed_rows_are_not_there() {
    let mut rows = rows(BEFORE);
    for agent in &mut rows.0 {
        agent.removed = true;
    }
    let plan = planned(BEFORE, &rows).unwrap();
    assert_eq!((plan.put_agents.len(), plan.remove_agents.len()), (2, 0));
}
