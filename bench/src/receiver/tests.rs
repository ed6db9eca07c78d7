use super::*;
use crate::load::call;
use crate::message::request;

#[tokio::test]
async fn a_delivery_that_comes_twice_counts_once() {
    let window = Arc::new(Semaphore::new(0));
    let receiver = Receiver::start(Arc::clone(&window)).await.unwrap();
    for id in ["msg_1", "msg_2", "msg_1"] {
        let delivery = request("POST /", &[("webhook-id", id)], b"{}");
        let answer = call(receiver.address, &delivery).await.unwrap();
        assert_eq!(answer.status().unwrap(), 200);
    }
    assert_eq!((receiver.distinct(), receiver.requests()), (2, 3));
    assert!(
        receiver
            .ledger(2)
            .unwrap()
            .contains("2 deliveries in 3 requests")
    );
    receiver.ledger(3).unwrap_err();
    assert_eq!(window.available_permits(), 2);
}
