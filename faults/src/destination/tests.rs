use super::*;
use crate::message::request;

async fn message(signature: &str) -> Message {
    let headers = [
        ("webhook-id", "msg_p5jXN8AQM9LWM0D4loKWxJek"),
        ("webhook-timestamp", "1614265330"),
        ("webhook-signature", signature),
    ];
    let bytes = request("POST /", &headers, br#"{"test": 2432232314}"#);
    let mut reader = bytes.as_ref();
    let message = Inbox::default().next(&mut reader).await.unwrap();
    message.unwrap()
}

#[tokio::test]
async fn the_published_example_is_signed_and_another_is_not() {
    // From the reference libraries of Standard Webhooks.
    let key = key("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
    let right = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
    assert!(is_signed(&key, &message(right).await));
    assert!(is_signed(&key, &message(&format!("v1,AAAA {right}")).await));
    assert!(!is_signed(&key, &message("v1,AAAA").await));
}
