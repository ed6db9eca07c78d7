//! A server on loopback that answers as it is told, byte by byte.

use std::{
    convert::Infallible,
    io,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use hyper::{body::Incoming, server::conn::http2, service::service_fn};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::{RootCertStore, ServerConfig, crypto::aws_lc_rs, pki_types::PrivateKeyDer};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::TcpListener,
    sync::watch,
    task::JoinSet,
};
use tokio_rustls::TlsAcceptor;

/// What to do with one request.
#[derive(Clone)]
pub(crate) enum Answer {
    /// These bytes, and the connection stays open.
    Whole(String),
    /// These bytes, and the connection is closed.
    Close(String),
    /// A body without an end.
    Endless,
    /// A body of one byte every now and then.
    Drip,
    /// One byte of a body, and no more.
    Stall,
    /// Provisional answers without an end, every now and then one.
    Provisional,
    /// Nothing.
    Silence,
}

#[derive(Default)]
struct Seen {
    requests: Vec<String>,
    connections: usize,
    closed: usize,
}

struct Script {
    answers: Mutex<std::vec::IntoIter<Answer>>,
    seen: watch::Sender<Seen>,
}

pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    script: Arc<Script>,
    tasks: JoinSet<()>,
}

impl Server {
    pub(crate) async fn start(answers: Vec<Answer>) -> Self {
        Self::start_at(Ipv4Addr::LOCALHOST, answers).await
    }

    /// All of 127.0.0.0/8 is this machine.
    pub(crate) async fn start_at(ip: Ipv4Addr, answers: Vec<Answer>) -> Self {
        Self::listen(ip, answers, None).await
    }

    /// Speaks HTTP/1.1 over TLS as `localhost`, and gives what a client has to trust.
    pub(crate) async fn start_tls(answers: Vec<Answer>) -> (Self, RootCertStore) {
        let (tls, roots) = localhost(&[], None);
        let server = Self::listen(Ipv4Addr::LOCALHOST, answers, Some(tls)).await;
        (server, roots)
    }

    /// The same with a certificate that was good in the year 2020 alone.
    pub(crate) async fn start_tls_of_2020(answers: Vec<Answer>) -> (Self, RootCertStore) {
        let (tls, roots) = localhost(&[], Some(2020));
        let server = Self::listen(Ipv4Addr::LOCALHOST, answers, Some(tls)).await;
        (server, roots)
    }

    async fn listen(ip: Ipv4Addr, answers: Vec<Answer>, tls: Option<TlsAcceptor>) -> Self {
        let listener = TcpListener::bind((ip, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let answers = Mutex::new(answers.into_iter());
        let script = Arc::new(Script {
            answers,
            seen: watch::Sender::default(),
        });
        let mut tasks = JoinSet::new();
        let shared = Arc::clone(&script);
        tasks.spawn(async move {
            let mut connections = JoinSet::new();
            loop {
                let (tcp, _) = listener.accept().await.unwrap();
                shared.seen.send_modify(|seen| seen.connections += 1);
                let (shared, tls) = (Arc::clone(&shared), tls.clone());
                connections.spawn(async move {
                    match tls {
                        None => drop(converse(&shared, tcp).await),
                        Some(tls) => {
                            if let Ok(stream) = tls.accept(tcp).await {
                                drop(converse(&shared, stream).await);
                            }
                        }
                    }
                    shared.seen.send_modify(|seen| seen.closed += 1);
                });
            }
        });
        Self {
            address,
            script,
            tasks,
        }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/run?x=1", self.address)
    }

    pub(crate) fn connections(&self) -> usize {
        self.script.seen.borrow().connections
    }

    pub(crate) fn requests(&self) -> Vec<String> {
        self.script.seen.borrow().requests.clone()
    }

    /// Waits until so many connections have been closed by the server.
    pub(crate) async fn closed(&self, count: usize) {
        let mut seen = self.script.seen.subscribe();
        let wait = seen.wait_for(|seen| seen.closed >= count);
        drop(
            tokio::time::timeout(Duration::from_secs(5), wait)
                .await
                .unwrap()
                .unwrap(),
        );
    }

    pub(crate) async fn stop(mut self) {
        self.tasks.shutdown().await;
    }
}

/// A place that nobody may come to. It takes no connection, and so knows of every one that was made:
/// the system keeps it waiting.
pub(crate) struct Sentinel(std::net::TcpListener);

impl Sentinel {
    pub(crate) fn at(address: SocketAddr) -> Self {
        let listener = std::net::TcpListener::bind(address).unwrap();
        listener.set_nonblocking(true).unwrap();
        Self(listener)
    }

    pub(crate) fn port(&self) -> u16 {
        self.0.local_addr().unwrap().port()
    }

    /// How many have come since the last time.
    pub(crate) fn visits(&self) -> usize {
        std::iter::from_fn(|| self.0.accept().ok()).count()
    }
}

/// A resolver whose answers change: each look-up gets the next one, and after the last the first.
#[derive(Clone)]
pub(crate) struct Names {
    answers: Arc<[Vec<IpAddr>]>,
    asked: Arc<AtomicUsize>,
}

impl Names {
    pub(crate) fn new(answers: &[&[&str]]) -> Self {
        let parse = |text: &&str| text.parse().unwrap();
        let answers = answers.iter().map(|one| one.iter().map(parse).collect());
        Self {
            answers: answers.collect(),
            asked: Arc::default(),
        }
    }

    pub(crate) fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }

    pub(crate) fn next(&self, _host: &str, port: u16) -> Vec<SocketAddr> {
        let at = self.asked.fetch_add(1, Ordering::SeqCst) % self.answers.len();
        let addresses = &self.answers[at];
        addresses.iter().map(|one| (*one, port).into()).collect()
    }
}

/// TLS as `localhost`, and what a client has to trust. With a year, its certificate is good then alone.
fn localhost(alpn: &[&[u8]], year: Option<i32>) -> (TlsAcceptor, RootCertStore) {
    let mut about = rcgen::CertificateParams::new(["localhost".to_owned()]).unwrap();
    if let Some(year) = year {
        about.not_before = rcgen::date_time_ymd(year, 1, 1);
        about.not_after = rcgen::date_time_ymd(year, 12, 31);
    }
    let pair = rcgen::KeyPair::generate().unwrap();
    let certificate = about.self_signed(&pair).unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(certificate.der().clone()).unwrap();
    let key = PrivateKeyDer::try_from(pair.serialize_der()).unwrap();
    let provider = Arc::new(aws_lc_rs::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], key)
        .unwrap();
    config.alpn_protocols = alpn.iter().map(|&name| name.to_vec()).collect();
    (TlsAcceptor::from(Arc::new(config)), roots)
}

/// A server that speaks only HTTP/2, over TLS as `localhost`, and answers with the request's body.
/// It serves one connection, for as long as the set is kept.
pub(crate) async fn start_http2() -> (SocketAddr, RootCertStore, JoinSet<()>) {
    let (tls, roots) = localhost(&[b"h2"], None);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let mut tasks = JoinSet::new();
    tasks.spawn(async move {
        let (tcp, _) = listener.accept().await.unwrap();
        let stream = TokioIo::new(tls.accept(tcp).await.unwrap());
        let echo = service_fn(async |request: http::Request<Incoming>| {
            Ok::<_, Infallible>(http::Response::new(request.into_body()))
        });
        let serving = http2::Builder::new(TokioExecutor::new()).serve_connection(stream, echo);
        drop(serving.await);
    });
    (address, roots, tasks)
}

async fn converse(
    script: &Script,
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
) -> io::Result<()> {
    loop {
        let Some(request) = read_request(&mut stream).await? else {
            return Ok(());
        };
        script.seen.send_modify(|seen| seen.requests.push(request));
        let next = script.answers.lock().unwrap().next();
        match next.expect("no more requests are sent than there are answers") {
            Answer::Whole(bytes) => stream.write_all(bytes.as_bytes()).await?,
            Answer::Close(bytes) => {
                stream.write_all(bytes.as_bytes()).await?;
                return stream.shutdown().await;
            }
            Answer::Endless => {
                stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await?;
                loop {
                    stream.write_all(&[b'x'; 16 * 1024]).await?;
                }
            }
            Answer::Drip => {
                stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await?;
                loop {
                    stream.write_all(b"x").await?;
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
            }
            Answer::Provisional => loop {
                stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").await?;
                tokio::time::sleep(Duration::from_millis(20)).await;
            },
            Answer::Stall => {
                stream.write_all(b"HTTP/1.1 200 OK\r\n\r\nx").await?;
                std::future::pending::<()>().await;
            }
            Answer::Silence => std::future::pending::<()>().await,
        }
    }
}

/// One request whose body is the two bytes that every test sends.
async fn read_request(stream: &mut (impl AsyncRead + Unpin)) -> io::Result<Option<String>> {
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n{}") {
        let mut byte = [0];
        if stream.read(&mut byte).await? == 0 {
            return Ok(None);
        }
        request.extend_from_slice(&byte);
    }
    Ok(Some(String::from_utf8(request).unwrap()))
}
