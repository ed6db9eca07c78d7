//! Plain HTTP: where it is spoken, and where it never is.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use serde_json::json;

use super::floods::place;
use crate::http::Request;
use crate::hub::{KEY, Place, Process, SECRET, run, tieline};
use crate::secrecy::{Authority, Client};

#[test]
fn plain_http_beyond_this_machine_is_refused_and_both_fixes_are_named() {
    let place = place();
    let data = place.data();
    let data = data.to_str().unwrap();
    for listen in [
        &["--listen", "0.0.0.0:0"][..],
        &["--listen", "[::]:0"],
        &["--listen", "127.0.0.1:0", "--admin-listen", "0.0.0.0:0"],
    ] {
        let (code, _, stderr) = run(&mut tieline(&[&["serve", "--data", data], listen].concat()));
        assert_eq!(code, 1, "{listen:?}");
        for said in [
            "plain HTTP",
            "`tls`",
            "`--tls-cert`",
            "`plain_http: true`",
            "`--plain-http`",
        ] {
            assert!(stderr.contains(said), "{said}: {stderr}");
        }
    }
}

/// A hub beyond this machine, by its file, or by what stands behind `serve`.
fn beyond(settings: &str, arguments: &[&str]) -> (Place, Process) {
    let place = Place::new(&format!(
        r#"
agents: [{{ name: echo, runtime: echo }}]
connectors:
  - {{ name: orders, type: webhook, mode: inbound, secret: "{SECRET}", agents: [echo] }}
{settings}
"#
    ));
    let hub = again(&place, arguments);
    (place, hub)
}

fn again(place: &Place, arguments: &[&str]) -> Process {
    let mut command = tieline(&["serve"]);
    command.env("TIELINE_ADMIN_KEY", KEY);
    command.arg("--config").arg(place.file());
    command.arg("--data").arg(place.data()).args(arguments);
    Process::start(&mut command)
}

fn warns(hub: &Process) -> bool {
    hub.stderr()
        .contains("plain HTTP on 0.0.0.0:0: only a proxy that speaks TLS should reach it")
}

#[test]
fn plain_http_that_was_asked_for_is_served_and_warned_of_at_each_start() {
    for (settings, arguments) in [
        ("listen: 0.0.0.0:0\nplain_http: true", &[][..]),
        ("", &["--listen", "0.0.0.0:0", "--plain-http"]),
    ] {
        let (place, hub) = beyond(settings, arguments);
        assert!(warns(&hub), "{}", hub.stderr());
        // Nobody says yet which proxy that is.
        assert!(hub.stderr().contains("`trusted_proxies` is empty"));
        hub.post("orders", &json!({})).expect(202);
        drop(hub);
        let hub = again(&place, arguments);
        assert!(warns(&hub), "{}", hub.stderr());
    }
    let trusted = "trusted_proxies: [192.0.2.1/32]";
    let (_place, hub) = beyond(trusted, &["--listen", "0.0.0.0:0", "--plain-http"]);
    assert!(warns(&hub) && !hub.stderr().contains("`trusted_proxies` is empty"));
    let place = place();
    let hub = place.start();
    assert!(!hub.stderr().contains("plain HTTP"), "{}", hub.stderr());
}

/// What is answered to these bytes, until the hub ends the connection.
fn answer_to(sent: &[u8], to: SocketAddr) -> Vec<u8> {
    let mut stream = TcpStream::connect(to).unwrap();
    let patience = Some(Duration::from_secs(20));
    stream.set_read_timeout(patience).unwrap();
    // The hub may end the connection before all of it is written.
    stream.write_all(sent).ok();
    let mut answer = Vec::new();
    let read = stream.read_to_end(&mut answer);
    let timed_out = |error: &std::io::Error| error.kind() == std::io::ErrorKind::WouldBlock;
    assert!(!read.is_err_and(|error| timed_out(&error)), "it hangs");
    answer
}

/// The first message of a client that knows no other version than this one, with what belongs to
/// every version from TLS 1.0 to 1.2 (RFC 5246, section 7.4.1.2).
fn greeting(version: [u8; 2]) -> Vec<u8> {
    let with_length = |bytes: &[u8]| {
        let length = u16::try_from(bytes.len()).unwrap().to_be_bytes();
        [&length[..], bytes].concat()
    };
    // ECDHE with ECDSA: AES-128-GCM, which TLS 1.2 brought, and AES-128-CBC.
    let suites = with_length(&[0xc0, 0x2b, 0xc0, 0x09]);
    let extensions: [(u16, &[u8]); 3] = [
        (10, &[0, 4, 0, 0x1d, 0, 0x17]),
        (11, &[1, 0]),
        (13, &[0, 4, 4, 3, 8, 4]),
    ];
    let extensions = extensions.map(|(kind, content)| {
        let kind = kind.to_be_bytes();
        [&kind[..], &with_length(content)].concat()
    });
    let extensions = with_length(&extensions.concat());
    let hello = [&version[..], &[7; 32], &[0], &suites, &[1, 0], &extensions].concat();
    let handshake = [&[1, 0][..], &with_length(&hello)].concat();
    [&[0x16, 3, 1][..], &with_length(&handshake)].concat()
}

#[test]
fn where_tls_is_spoken_neither_plain_http_nor_an_older_version_is() {
    const ALERT: u8 = 0x15;
    const PROTOCOL_VERSION: [u8; 7] = [ALERT, 3, 3, 0, 2, 2, 70];
    const DECODE_ERROR: [u8; 7] = [ALERT, 3, 3, 0, 2, 2, 50];
    let authority = Authority::new();
    let place = place();
    let identity = authority.issue(|_| {});
    let (certificate, key) = identity.write(place.folder.path());
    let mut command = place.serve();
    command.arg("--tls-cert").arg(certificate);
    command.arg("--tls-key").arg(key);
    let hub = Process::start(&mut command);
    for version in [[3, 0], [3, 1], [3, 2]] {
        let answer = answer_to(&greeting(version), hub.address);
        assert_eq!(answer, PROTOCOL_VERSION, "{version:?}");
    }
    // But for the version, there is nothing wrong with it.
    let mut stream = TcpStream::connect(hub.address).unwrap();
    stream.write_all(&greeting([3, 3])).unwrap();
    let mut answer = [0; 6];
    stream.read_exact(&mut answer).unwrap();
    assert_eq!((answer[0], answer[5]), (0x16, 2), "no ServerHello");
    drop(stream);
    let post = format!(
        "POST /c/orders HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {SECRET}\r\n\
         Content-Length: 0\r\n\r\n"
    );
    for sent in [post.as_str(), "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"] {
        let answer = answer_to(sent.as_bytes(), hub.address);
        // The end of a connection may overtake what was said before it.
        assert!(
            answer.is_empty() || answer == DECODE_ERROR,
            "{sent}: {answer:?}"
        );
    }
    let client = Client::new(&[&authority], None, |_| {});
    let events = Request::get("/v1/events").bearer(KEY);
    let events = client.send(&events, hub.address).unwrap().0.expect(200);
    assert_eq!(events["data"], json!([]));
    let order = Request::post("/c/orders").bearer(SECRET);
    client.send(&order, hub.address).unwrap().0.expect(202);
}
