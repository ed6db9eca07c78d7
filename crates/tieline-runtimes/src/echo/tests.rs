use serde_json::json;

use crate::tests::{Said, assignment, completed, open, refused};

#[tokio::test]
async fn the_output_is_the_very_input() {
    let input = "{ \"a\" : 1.0 }";
    let assignment = assignment(input);
    let agent = open("echo", json!({}));
    let mut said = Said::default();
    let (output, usage) = completed(agent.run(&assignment, &mut said).await);
    assert_eq!(output, input);
    assert_eq!(usage, None);
    assert!(said.0.is_empty());
}

#[test]
fn there_is_nothing_to_set() {
    assert!(refused("echo", json!({"url": "http://x"})).contains("url: unknown field"));
}
