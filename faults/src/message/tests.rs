use super::*;

#[tokio::test]
async fn messages_that_arrive_together_are_parted() {
    let both = [
        request("POST /a?b", &[("x-one", " 1")], b"{}"),
        answer(503, &[("Retry-After", "2")], b""),
    ]
    .concat();
    let (mut reader, mut inbox) = (both.as_slice(), Inbox::default());
    let first = inbox.next(&mut reader).await.unwrap().unwrap();
    assert_eq!(first.path(), "/a?b");
    assert_eq!(first.header("X-One"), Some("1"));
    assert_eq!(first.body.as_ref(), b"{}");
    let second = inbox.next(&mut reader).await.unwrap().unwrap();
    assert_eq!(second.status().unwrap(), 503);
    assert_eq!(second.header("retry-after"), Some("2"));
    assert!(inbox.next(&mut reader).await.unwrap().is_none());
}

#[tokio::test]
async fn an_answer_that_is_cut_is_no_answer() {
    let whole = answer(200, &[], b"whole");
    let mut reader = &whole[..whole.len() - 1];
    assert!(Inbox::default().next(&mut reader).await.is_err());
}
