use std::convert::Infallible;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::body::Body;
use axum::routing::{get, post};
use futures_util::FutureExt as _;
use http::Request;
use hyper_util::rt::TokioIo;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpSocket;
use tokio::task::JoinHandle;

use super::answer::Answer;
use super::guard::PREFACE;
use super::*;
use crate::limits::WRITE_STALL;
use crate::rig::{Rig, SECRET};

const SOON: Duration = Duration::from_secs(20);

struct Served {
    address: SocketAddr,
    stop: CancellationToken,
    done: JoinHandle<()>,
}

async fn served(router: Router, options: ServeOptions) -> Served {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    served_on(listener, router, options)
}

fn served_on(listener: TcpListener, router: Router, options: ServeOptions) -> Served {
    let address = listener.local_addr().unwrap();
    let stop = CancellationToken::new();
    let tracker = TaskTracker::new();
    let done = tracker.spawn(serve(listener, router, stop.clone(), options));
    Served {
        address,
        stop,
        done,
    }
}

impl Served {
    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    /// Sends bytes and reads until the other side has finished.
    async fn exchange(&self, sent: &str) -> String {
        let mut stream = self.connect().await;
        stream.write_all(sent.as_bytes()).await.unwrap();
        read_all(&mut stream).await
    }
}

async fn read_all(stream: &mut TcpStream) -> String {
    let mut answer = Vec::new();
    timeout(SOON, stream.read_to_end(&mut answer))
        .await
        .unwrap()
        .unwrap();
    String::from_utf8(answer).unwrap()
}

#[tokio::test]
async fn a_panic_costs_one_request_and_nothing_else() {
    async fn bad() -> &'static str {
        panic!("on purpose")
    }
    let router = Router::new()
        .route("/bad", get(bad))
        .route("/good", get(|| async { "good" }));
    let served = served(router, ServeOptions::default()).await;
    let two = "GET /bad HTTP/1.1\r\nHost: x\r\n\r\nGET /good HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    let answer = served.exchange(two).await;
    assert!(answer.starts_with("HTTP/1.1 500 "), "{answer}");
    assert!(answer.contains("\"code\":\"internal\""), "{answer}");
    assert!(!answer.contains("on purpose"));
    assert!(answer.ends_with("good"), "{answer}");
}

#[tokio::test]
async fn what_is_no_http_gets_a_400_and_is_cut() {
    let served = served(Router::new(), ServeOptions::default()).await;
    for sent in [
        "\u{0}\r\n\r\n",
        "GET\r\n\r\n",
        "GET / HTTP/1.1\r\nContent-Length: x\r\n\r\n",
    ] {
        let answer = served.exchange(sent).await;
        assert!(answer.starts_with("HTTP/1.1 400 "), "{sent:?}: {answer}");
    }
    let long = format!("GET / HTTP/1.1\r\nx: {}\r\n\r\n", "y".repeat(HEAD_BYTES));
    let mut stream = served.connect().await;
    // The other side may cut the connection while this is still being written.
    let written = stream.write_all(long.as_bytes()).await;
    let mut answer = String::new();
    let read = timeout(SOON, stream.read_to_string(&mut answer))
        .await
        .unwrap();
    assert!(
        answer.starts_with("HTTP/1.1 431 ") || written.is_err() || read.is_err(),
        "{answer}"
    );
}

#[tokio::test]
async fn a_stranger_with_a_gigabyte_is_cut_before_64_kib_of_it_are_read() {
    // Small buffers between the two: what is written has been read, but for a few KiB.
    const BETWEEN: u32 = 8 * 1024;
    let rig = Rig::new().await;
    rig.connector("inbound", "orders", json!(["echo"]), json!({}))
        .await;
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(BETWEEN).unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let listener = socket.listen(16).unwrap();
    let served = served_on(listener, rig.api.router(), ServeOptions::default());
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_send_buffer_size(BETWEEN).unwrap();
    let mut stream = socket.connect(served.address).await.unwrap();
    let head = "POST /c/orders HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n";
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut chunk = b"400\r\n".to_vec();
    chunk.extend(vec![b'x'; 0x400]);
    chunk.extend(b"\r\n");
    let mut answer = vec![0; 4096];
    let (mut reader, mut writer) = stream.split();
    let written = AtomicUsize::new(0);
    let writing = async {
        for _ in 0..1 << 20 {
            if writer.write_all(&chunk).await.is_err() {
                return;
            }
            written.fetch_add(chunk.len(), Ordering::Relaxed);
        }
    };
    let reading = async {
        let length = reader.read(&mut answer).await.unwrap();
        answer.truncate(length);
    };
    timeout(SOON, async { tokio::join!(writing, reading) })
        .await
        .unwrap();
    let answer = String::from_utf8(answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 401 "), "{answer}");
    assert!(written.load(Ordering::Relaxed) < 64 * 1024, "{written:?}");
}

#[tokio::test(start_paused = true)]
async fn an_answer_for_which_there_is_no_room_does_not_stay_forever() {
    let served = served(
        Router::new().route("/", get(|| async { "here" })),
        ServeOptions::default(),
    )
    .await;
    let io = TokioIo::new(served.connect().await);
    let tasks = TaskTracker::new();
    let executor = Tracked {
        tasks: tasks.clone(),
        abandon: CancellationToken::new(),
    };
    // It answers pings, and takes no byte of any body.
    let (mut client, connection) = hyper::client::conn::http2::Builder::new(executor)
        .initial_stream_window_size(0)
        .handshake(io)
        .await
        .unwrap();
    let connection = tasks.spawn(connection);
    let begun = tokio::time::Instant::now();
    let request = Request::builder().uri("http://x/").body(Body::empty());
    let response = client.send_request(request.unwrap()).await.unwrap();
    assert_eq!(response.status(), 200);
    assert!(!connection.is_finished());
    let ended = timeout(WRITE_STALL * 3, connection).await;
    assert!(ended.is_ok() && begun.elapsed() >= WRITE_STALL);
    drop(response);
}

#[tokio::test]
async fn one_address_has_so_many_requests_at_once_and_no_more() {
    let places = Arc::new(Places::new(2));
    let here: IpAddr = "127.0.0.1".parse().unwrap();
    let one = places.take(here, Share::Client).unwrap();
    let body = Body::from_stream(futures_util::stream::pending::<Result<&str, Infallible>>());
    let mut answer = Answer::new(body, one, None);
    assert!(places.take(here, Share::Client).is_err());
    let frame = poll_fn(|cx| http_body::Body::poll_frame(Pin::new(&mut answer), cx));
    assert!(frame.now_or_never().is_none());
    assert!(places.take(here, Share::Client).is_err());
    // The place is the answer's until its end.
    drop(answer);
    assert!(places.take(here, Share::Client).is_ok());
}

#[tokio::test]
async fn a_body_that_was_accepted_keeps_the_connection() {
    let rig = Rig::new().await;
    rig.connector("sync", "ask", json!(["echo"]), json!({}))
        .await;
    let served = served(rig.api.public_router(), ServeOptions::default()).await;
    let one = format!(
        "POST /c/ask HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {SECRET}\r\nContent-Type: application/json\r\nContent-Length: 1\r\n"
    );
    let answer = served
        .exchange(&format!("{one}\r\n7{one}Connection: close\r\n\r\n8"))
        .await;
    assert_eq!(answer.matches("HTTP/1.1 200 OK").count(), 2, "{answer}");
    assert!(answer.contains("\"output\":8"), "{answer}");
}

#[tokio::test]
async fn those_beyond_the_limit_are_told_so() {
    let options = ServeOptions {
        connections: 2,
        ..ServeOptions::default()
    };
    let served = served(Router::new().route("/", get(|| async { "here" })), options).await;
    // One address has half of the places.
    let mut first = served.connect().await;
    first
        .write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        .await
        .unwrap();
    let mut some = [0; 12];
    first.read_exact(&mut some).await.unwrap();
    let refused = served.exchange("GET / HTTP/1.1\r\nHost: x\r\n\r\n").await;
    assert!(refused.starts_with("HTTP/1.1 503 "), "{refused}");
    assert!(refused.contains("retry-after: 1"), "{refused}");
    drop(first);
    let again = async {
        loop {
            let answer = served
                .exchange("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
                .await;
            if answer.ends_with("here") {
                return;
            }
        }
    };
    timeout(SOON, again).await.unwrap();
}

#[tokio::test]
async fn a_stop_finishes_what_is_in_hand_and_no_more() {
    let begun = CancellationToken::new();
    let go_on = CancellationToken::new();
    let (tell, wait) = (begun.clone(), go_on.clone());
    let slow = move || {
        let (tell, wait) = (tell.clone(), wait.clone());
        async move {
            tell.cancel();
            wait.cancelled().await;
            "done"
        }
    };
    let served = served(
        Router::new().route("/", post(slow)),
        ServeOptions::default(),
    )
    .await;
    let mut stream = served.connect().await;
    stream
        .write_all(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n")
        .await
        .unwrap();
    begun.cancelled().await;
    served.stop.cancel();
    let refused = async { while TcpStream::connect(served.address).await.is_ok() {} };
    timeout(SOON, refused).await.unwrap();
    go_on.cancel();
    assert!(read_all(&mut stream).await.ends_with("done"));
    timeout(SOON, served.done).await.unwrap().unwrap();
}

#[tokio::test]
async fn a_stop_does_not_wait_longer_than_its_grace() {
    let router = Router::new().route("/", get(std::future::pending::<&'static str>));
    let options = ServeOptions {
        grace: Duration::from_millis(50),
        ..ServeOptions::default()
    };
    let served = served(router, options).await;
    let mut stream = served.connect().await;
    stream
        .write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        .await
        .unwrap();
    served.stop.cancel();
    timeout(SOON, served.done).await.unwrap().unwrap();
}

#[tokio::test]
async fn http2_is_spoken_on_the_same_port() {
    let rig = Rig::new().await;
    rig.connector("sync", "ask", json!(["echo"]), json!({"max_body": "1B"}))
        .await;
    let served = served(rig.api.public_router(), ServeOptions::default()).await;
    let io = TokioIo::new(served.connect().await);
    let tasks = TaskTracker::new();
    let executor = Tracked {
        tasks: tasks.clone(),
        abandon: CancellationToken::new(),
    };
    let (mut client, connection) = hyper::client::conn::http2::handshake(executor, io)
        .await
        .unwrap();
    tasks.spawn(connection);
    for (body, status) in [("7", 200), ("77", 413)] {
        let bearer = format!("authorization: Bearer {SECRET}");
        let headers = [bearer.as_str(), "content-type: application/json"];
        let mut request = crate::rig::request("POST /c/ask", &headers, body);
        *request.uri_mut() = "http://x/c/ask".parse().unwrap();
        let response = timeout(SOON, client.send_request(request))
            .await
            .unwrap()
            .unwrap();
        assert_eq!(response.status(), status);
        assert!(response.headers().get("connection").is_none());
    }
}

/// Sends a text in pieces, and returns the first bytes of the answer.
async fn answer_to_pieces(served: &Served, pieces: &[&[u8]]) -> [u8; 9] {
    let mut stream = served.connect().await;
    for piece in pieces {
        stream.write_all(piece).await.unwrap();
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let mut answer = [0; 9];
    let read = timeout(SOON, stream.read_exact(&mut answer)).await;
    read.unwrap().unwrap();
    answer
}

#[tokio::test]
async fn either_protocol_may_begin_in_pieces() {
    let served = served(Router::new(), ServeOptions::default()).await;
    let no_settings = b"\0\0\0\x04\0\0\0\0\0";
    let settings_type = 3;
    for at in [1, 3, 20] {
        let (start, rest) = PREFACE.split_at(at);
        let answer = answer_to_pieces(&served, &[start, rest, no_settings]).await;
        assert_eq!(answer[settings_type], 4, "{at}: {answer:?}");
    }
    let request = b"PUT / HTTP/1.1\r\nHost: x\r\n\r\n";
    for at in [1, 2, request.len()] {
        let (start, rest) = request.split_at(at);
        assert_eq!(
            &answer_to_pieces(&served, &[start, rest]).await,
            b"HTTP/1.1 "
        );
    }
}

#[tokio::test]
async fn a_stop_does_not_wait_for_who_has_said_nothing() {
    let served = served(Router::new(), ServeOptions::default()).await;
    let mut silent = served.connect().await;
    // Who came later was answered: the silent one has been taken.
    let other = "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    served.exchange(other).await;
    served.stop.cancel();
    timeout(HEAD_READ / 2, served.done).await.unwrap().unwrap();
    assert_eq!(read_all(&mut silent).await, "");
}
