use super::*;

/// Feeds the parts one read at a time.
async fn read(parts: &[&[u8]]) -> Result<Vec<Message>> {
    let mut stream = tokio_stream(parts);
    let mut inbox = Inbox::default();
    let mut messages = Vec::new();
    while let Some(message) = inbox.next(&mut stream).await? {
        messages.push(message);
    }
    Ok(messages)
}

fn tokio_stream(parts: &[&[u8]]) -> impl AsyncRead + Unpin {
    let empty: Box<dyn AsyncRead + Unpin> = Box::new(tokio::io::empty());
    parts.iter().rev().fold(empty, |rest, part| {
        Box::new(std::io::Cursor::new(part.to_vec()).chain(rest))
    })
}

#[tokio::test]
async fn messages_are_told_apart_wherever_the_reads_fall() {
    let sent = b"HTTP/1.1 202 Accepted\r\nContent-Length:  2\r\n\r\nokHTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";
    for cut in 0..sent.len() {
        let (one, two) = sent.split_at(cut);
        let messages = read(&[one, two]).await.unwrap();
        assert_eq!(messages.len(), 2, "cut at {cut}");
        assert_eq!(messages[0].status().unwrap(), 202);
        assert_eq!(&messages[0].body[..], b"ok");
        assert_eq!(messages[1].status().unwrap(), 200);
        assert!(messages[1].body.is_empty());
    }
}

#[tokio::test]
async fn an_answer_without_a_length_is_refused() {
    let error = read(&[b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"]).await;
    assert!(error.is_err());
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_an_error() {
    let error = read(&[b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nabc"]).await;
    assert!(error.is_err());
}

#[tokio::test]
async fn a_request_reads_back_as_it_was_built() {
    let built = request("POST /c/a", &[("webhook-id", "msg_1")], b"{}");
    let messages = read(&[&built]).await.unwrap();
    assert_eq!(messages[0].header("Webhook-Id"), Some(b"msg_1".as_slice()));
    assert_eq!(messages[0].header("webhook"), None);
    assert_eq!(&messages[0].body[..], b"{}");
}
