//! A server that remembers, byte by byte, what it was sent, and answers as it is told; and a place
//! that nobody may come to.

use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// A request as it came.
#[derive(Clone, Debug)]
pub(super) struct Seen {
    /// The request line and the headers.
    pub(super) head: String,
    pub(super) body: Vec<u8>,
}

impl Seen {
    pub(super) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(super) fn path(&self) -> &str {
        self.head.split(' ').nth(1).unwrap()
    }

    /// The names of the headers, in the order of the alphabet.
    pub(super) fn names(&self) -> Vec<String> {
        let lines = self.head.lines().skip(1);
        let names = lines.map(|line| line.split_once(':').unwrap().0.to_lowercase());
        let mut names: Vec<_> = names.collect();
        names.sort_unstable();
        names
    }

    pub(super) fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.head.lines().skip(1);
        lines.find_map(|line| {
            let (known, value) = line.split_once(':')?;
            known.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }
}

/// The server. It serves until the test's process ends, one request to a connection.
pub(super) struct Wire {
    pub(super) address: SocketAddr,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl Wire {
    /// `answer` writes what is answered; the connection is closed behind it.
    pub(super) fn answering(
        answer: impl Fn(&Seen, &mut TcpStream) -> io::Result<()> + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let wire = Self {
            address: listener.local_addr().unwrap(),
            seen: Arc::default(),
        };
        let (seen, answer) = (Arc::clone(&wire.seen), Arc::new(answer));
        thread::spawn(move || {
            for mut stream in listener.incoming().flatten() {
                let (seen, answer) = (Arc::clone(&seen), Arc::clone(&answer));
                thread::spawn(move || -> Option<()> {
                    let request = read(&stream)?;
                    seen.lock().unwrap().push(request.clone());
                    // Who asked may have gone.
                    answer(&request, &mut stream).ok()
                });
            }
        });
        wire
    }

    /// Answers everything with 200 and this JSON.
    pub(super) fn saying(json: &str) -> Self {
        let answer = plain("200 OK", "", json);
        Self::answering(move |_, stream| stream.write_all(&answer))
    }

    pub(super) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub(super) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }
}

/// An answer in JSON; `headers` each end with a line break.
pub(super) fn plain(status: &str, headers: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!(
        "HTTP/1.1 {status}\r\nConnection: close\r\nContent-Type: application/json\r\n\
         Content-Length: {length}\r\n{headers}\r\n{body}"
    )
    .into_bytes()
}

fn read(stream: &TcpStream) -> Option<Seen> {
    stream
        .set_read_timeout(Some(Duration::from_secs(10)))
        .ok()?;
    let mut reader = BufReader::new(stream);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if reader.read_line(&mut head).ok()? == 0 {
            return None;
        }
    }
    let mut seen = Seen {
        head: head.trim_end().to_owned(),
        body: Vec::new(),
    };
    let length = seen
        .header("content-length")
        .map_or(Some(0), |text| text.parse().ok())?;
    seen.body = vec![0; length];
    reader.read_exact(&mut seen.body).ok()?;
    Some(seen)
}

/// A place that nobody may come to. It takes no connection, and so knows of every one that was made:
/// the system keeps it waiting.
pub(super) struct Sentinel(TcpListener);

impl Sentinel {
    pub(super) fn new() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::UNSPECIFIED, 0)).unwrap();
        listener.set_nonblocking(true).unwrap();
        Self(listener)
    }

    pub(super) fn port(&self) -> u16 {
        self.0.local_addr().unwrap().port()
    }

    /// Sees that nobody came, and that it would have seen one.
    #[track_caller]
    pub(super) fn saw_nobody(&self) {
        let visits = std::iter::from_fn(|| self.0.accept().ok()).count();
        assert_eq!(visits, 0, "somebody came");
        drop(TcpStream::connect((Ipv4Addr::LOCALHOST, self.port())).unwrap());
        assert!(self.0.accept().is_ok());
    }
}
