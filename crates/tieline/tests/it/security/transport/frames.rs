//! HTTP/2 as no library would speak it: frames written by hand (RFC 9113).

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::Value;

use super::floods::{place, valid};
use super::latency::unharmed;
use crate::http::Request;
use crate::hub::wait_until;

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const GOAWAY: u8 = 7;
const CONTINUATION: u8 = 9;
const ACK: u8 = 1;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;
/// The setting of how much of an answer the client takes at first.
pub(super) const INITIAL_WINDOW_SIZE: u16 = 4;
/// How many requests one connection may have open.
pub(super) const STREAMS: u32 = 256;

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    let mut bytes = length[1..].to_vec();
    bytes.extend([kind, flags]);
    bytes.extend(stream.to_be_bytes());
    bytes.extend(payload);
    bytes
}

/// The fields of a head, each a name and a value of less than 127 bytes (HPACK without Huffman and
/// without any table, RFC 7541).
fn block(fields: &[(&str, &str)]) -> Vec<u8> {
    let mut block = Vec::new();
    for (name, value) in fields {
        block.push(0);
        for text in [name, value] {
            assert!(text.len() < 127, "{text}");
            block.push(u8::try_from(text.len()).unwrap());
            block.extend(text.as_bytes());
        }
    }
    block
}

/// The fields of a `GET`.
pub(super) fn get(path: &str) -> [(&str, &str); 4] {
    [
        (":method", "GET"),
        (":scheme", "http"),
        (":path", path),
        (":authority", "x"),
    ]
}

pub(super) struct Connection<S = TcpStream>(S);

impl Connection {
    pub(super) fn open(to: SocketAddr, settings: &[(u16, u32)]) -> Self {
        let stream = TcpStream::connect(to).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_secs(20)))
            .unwrap();
        Self::over(stream, settings)
    }
}

impl<S: Read + Write> Connection<S> {
    /// With these settings, each a number and a value.
    pub(super) fn over(mut stream: S, settings: &[(u16, u32)]) -> Self {
        let mut payload = Vec::new();
        for (number, value) in settings {
            payload.extend(number.to_be_bytes());
            payload.extend(value.to_be_bytes());
        }
        stream
            .write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
            .unwrap();
        stream.write_all(&frame(SETTINGS, 0, 0, &payload)).unwrap();
        Self(stream)
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.0.write_all(bytes)
    }

    /// A request without a body.
    pub(super) fn ask(&mut self, stream: u32, fields: &[(&str, &str)]) -> io::Result<()> {
        let flags = END_STREAM | END_HEADERS;
        self.write(&frame(HEADERS, flags, stream, &block(fields)))
    }

    /// Posts JSON on a stream with nothing else in hand, and returns the body of the answer.
    pub(super) fn post(
        &mut self,
        stream: u32,
        (path, secret): (&str, Option<&str>),
        json: &Value,
    ) -> Value {
        let bearer = secret.map(|secret| format!("Bearer {secret}"));
        let mut fields = vec![
            (":method", "POST"),
            (":scheme", "https"),
            (":path", path),
            (":authority", "x"),
            ("content-type", "application/json"),
        ];
        fields.extend(bearer.as_deref().map(|bearer| ("authorization", bearer)));
        let head = frame(HEADERS, END_HEADERS, stream, &block(&fields));
        let body = frame(DATA, END_STREAM, stream, json.to_string().as_bytes());
        self.write(&[head, body].concat()).unwrap();
        let mut answer = Vec::new();
        loop {
            match self.frame().unwrap() {
                ((DATA, flags, of), payload) if of == stream => {
                    answer.extend(payload);
                    if flags & END_STREAM != 0 {
                        return serde_json::from_slice(&answer).unwrap();
                    }
                }
                ((kind @ (GOAWAY | RST_STREAM), ..), _) => panic!("{kind}"),
                _ => {}
            }
        }
    }

    /// Reads the heads of so many answers, and nothing of their bodies.
    pub(super) fn heads(&mut self, count: u32) {
        let mut heads = 0;
        while heads < count {
            match self.next().unwrap() {
                (HEADERS, ..) => heads += 1,
                (kind @ (DATA | GOAWAY | RST_STREAM), ..) => panic!("{kind}"),
                _ => {}
            }
        }
    }

    /// The next frame: its type, its flags, its stream.
    fn next(&mut self) -> io::Result<(u8, u8, u32)> {
        Ok(self.frame()?.0)
    }

    /// The next frame with its payload. Pings are answered.
    fn frame(&mut self) -> io::Result<((u8, u8, u32), Vec<u8>)> {
        let mut head = [0; 9];
        self.0.read_exact(&mut head)?;
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
        let mut payload = vec![0; length as usize];
        self.0.read_exact(&mut payload)?;
        let (kind, flags) = (head[3], head[4]);
        if kind == PING && flags & ACK == 0 {
            self.write(&frame(PING, ACK, 0, &payload))?;
        }
        let stream = u32::from_be_bytes([head[5], head[6], head[7], head[8]]);
        Ok(((kind, flags, stream), payload))
    }
}

/// Opens and resets streams until the hub has had enough; how many it bore.
fn reset_rapidly(to: SocketAddr, most: u32) -> u32 {
    let mut connection = Connection::open(to, &[]);
    let head = block(&get("/c/orders"));
    // What the hub says is not read: it must not wait for that either.
    for n in 0..most {
        let stream = n * 2 + 1;
        let mut pair = frame(HEADERS, END_STREAM | END_HEADERS, stream, &head);
        pair.extend(frame(RST_STREAM, 0, stream, &8_u32.to_be_bytes()));
        if connection.write(&pair).is_err() {
            return n;
        }
    }
    most
}

#[test]
fn rapid_resets_end_their_connection_and_slow_nobody() {
    const MOST: u32 = 100_000;
    let place = place();
    let hub = place.start();
    let cut = AtomicUsize::new(0);
    let attacker = |over: &AtomicBool| {
        while !over.load(Ordering::Relaxed) {
            let borne = reset_rapidly(hub.address, MOST);
            assert!(borne < MOST, "all were borne");
            cut.fetch_add(1, Ordering::Relaxed);
        }
    };
    unharmed(valid(&hub), &[&attacker], || {
        wait_until(|| cut.load(Ordering::Relaxed) > 0);
    });
}

#[test]
fn a_header_without_an_end_is_cut_off() {
    let place = place();
    let hub = place.start();
    let flooded = AtomicUsize::new(0);
    let attacker = |over: &AtomicBool| {
        while !over.load(Ordering::Relaxed) {
            let mut connection = Connection::open(hub.address, &[]);
            let head = frame(HEADERS, END_STREAM, 1, &block(&get("/c/orders")));
            connection.write(&head).unwrap();
            // A field of 4 KiB, again and again.
            let mut field = vec![0, 1, b'x', 127, 0x81, 0x1f];
            field.extend([b'y'; 127 + 1 + (0x1f << 7)]);
            let more = frame(CONTINUATION, 0, 1, &field);
            let borne = (0..10_000).take_while(|_| connection.write(&more).is_ok());
            let borne = borne.count();
            assert!(borne * more.len() < 16 << 20, "{borne} frames were borne");
            flooded.fetch_add(1, Ordering::Relaxed);
        }
    };
    unharmed(valid(&hub), &[&attacker], || {
        wait_until(|| flooded.load(Ordering::Relaxed) > 0);
    });
}

#[test]
fn answers_for_which_there_is_no_room_slow_nobody() {
    let place = place();
    let hub = place.start();
    let stalled = AtomicUsize::new(0);
    let attacker = |over: &AtomicBool| {
        let mut open = Vec::new();
        for _ in 0..10 {
            let mut connection = Connection::open(hub.address, &[(INITIAL_WINDOW_SIZE, 0)]);
            for n in 0..STREAMS {
                connection.ask(n * 2 + 1, &get("/metrics")).unwrap();
            }
            connection.heads(STREAMS);
            open.push(connection);
            stalled.fetch_add(1, Ordering::Relaxed);
        }
        while !over.load(Ordering::Relaxed) {
            std::thread::sleep(Duration::from_millis(20));
        }
    };
    unharmed(valid(&hub), &[&attacker], || {
        wait_until(|| stalled.load(Ordering::Relaxed) == 10);
    });
}

#[test]
fn a_connection_that_only_guesses_is_ended_in_http2_too() {
    let place = place();
    let hub = place.start();
    // Nearly all that are borne; the window of one connection has no room for so many answers.
    for _ in 0..940 {
        hub.send(&Request::get("/v1/agents"));
    }
    let mut connection = Connection::open(hub.address, &[]);
    let answered = |connection: &mut Connection, stream: u32| -> io::Result<()> {
        connection.ask(stream, &get("/v1/agents"))?;
        loop {
            match connection.next()? {
                (GOAWAY, ..) => return Err(io::ErrorKind::ConnectionAborted.into()),
                (DATA, flags, of) if of == stream && flags & END_STREAM != 0 => return Ok(()),
                _ => {}
            }
        }
    };
    let answers = (0..70).take_while(|n| answered(&mut connection, n * 2 + 1).is_ok());
    let answers = answers.count();
    assert!((60..70).contains(&answers), "{answers}");
}
