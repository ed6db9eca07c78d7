use tokio::task::JoinSet;

use super::*;
use crate::hub::{order, post};
use crate::load::call;

/// A control within the test's own process.
pub(crate) async fn serving(answer: Answer) -> (SocketAddr, JoinSet<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let mut serving = JoinSet::new();
    serving.spawn(async move {
        axum::serve(listener, router(answer).unwrap())
            .await
            .unwrap();
    });
    (address, serving)
}

#[tokio::test]
async fn the_answer_is_json_of_the_length_asked_for() {
    let (address, _serving) = serving(Answer {
        status: 202,
        length: 257,
    })
    .await;
    let answer = call(address, &post("any", &order())).await.unwrap();
    assert_eq!(answer.status().unwrap(), 202);
    assert_eq!(answer.body.len(), 257);
    let json: serde_json::Value = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!(json["read"], 512);
}
