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
    // The permit follows the answer, so the last one may still be on its way; two are enough.
    drop(window.acquire_many(2).await.unwrap());
    assert_eq!((receiver.distinct(), receiver.requests()), (2, 3));
    assert_eq!(window.available_permits(), 2);
}
