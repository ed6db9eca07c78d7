//! The hub behind Debian's nginx, with the configuration that `examples/proxy` gives.

use std::fmt::Write as _;
use std::fs;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::json;

use super::folder;
use crate::http::Request;
use crate::hub::{KEY, Place, SECRET, wait_until};
use crate::secrecy::{Authority, Client};

/// A running nginx; it is killed when it is dropped.
struct Nginx {
    child: Child,
    secure: SocketAddr,
    plain: SocketAddr,
}

impl Drop for Nginx {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

fn free() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap()
}

/// The example as it is, but for its addresses and files.
fn example(changes: &[(&str, String)]) -> String {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../examples/proxy/nginx.conf"
    );
    let mut text = fs::read_to_string(path).unwrap();
    for (from, to) in changes {
        assert!(text.contains(from), "the example has no `{from}`");
        text = text.replace(from, to);
    }
    text
}

impl Nginx {
    fn start(place: &Path, hub: SocketAddr, authority: &Authority) -> Self {
        let (certificate, key) = authority.issue(|_| {}).write(place);
        let (secure, plain) = (free(), free());
        let live = "/etc/letsencrypt/live/hub.example.com";
        let site = example(&[
            ("server 127.0.0.1:8080;", format!("server {hub};")),
            ("listen 80;", format!("listen {plain};")),
            ("listen 443 ssl", format!("listen {secure} ssl")),
            (
                &format!("{live}/fullchain.pem"),
                certificate.display().to_string(),
            ),
            (&format!("{live}/privkey.pem"), key.display().to_string()),
            // So that the hub can tell nginx from its clients, which are on this machine too.
            (
                "proxy_pass http://tieline;",
                "proxy_pass http://tieline; proxy_bind 127.0.0.9;".to_owned(),
            ),
        ]);
        fs::write(place.join("site.conf"), site).unwrap();
        let folder = place.display();
        let mut temp = String::new();
        for name in ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"] {
            writeln!(temp, "{name}_temp_path {folder}/{name};").unwrap();
        }
        let main = format!(
            "daemon off;\nmaster_process off;\npid {folder}/nginx.pid;\nerror_log stderr;\n\
             events {{}}\nhttp {{\naccess_log off;\n{temp}include {folder}/site.conf;\n}}\n"
        );
        let file = place.join("nginx.conf");
        fs::write(&file, main).unwrap();
        let child = nginx()
            .arg("-p")
            .arg(place)
            .arg("-c")
            .arg(&file)
            .args(["-e", "stderr"])
            .stdin(Stdio::null())
            .spawn()
            .expect("nginx is missing: `cargo xtask test --rigs` brings it");
        let nginx = Self {
            child,
            secure,
            plain,
        };
        wait_until(|| TcpStream::connect(nginx.secure).is_ok());
        nginx
    }
}

/// Debian has it where only root looks.
fn nginx() -> Command {
    let debian = Path::new("/usr/sbin/nginx");
    if debian.exists() {
        Command::new(debian)
    } else {
        Command::new("nginx")
    }
}

#[test]
#[ignore = "needs a rig: cargo xtask test --rigs"]
fn behind_nginx_senders_are_told_apart_by_the_address_that_it_saw() {
    folder();
    let place = Place::new(&format!(
        r#"
agents: [{{ name: echo, runtime: echo }}]
connectors:
  - {{ name: orders, type: webhook, mode: inbound, secret: "{SECRET}", agents: [echo] }}
  - {{ name: ask, type: webhook, mode: sync, secret: "{SECRET}", agents: [echo] }}
trusted_proxies: [127.0.0.9/32]
"#
    ));
    let hub = place.start();
    let authority = Authority::new();
    let proxy = Nginx::start(place.folder.path(), hub.address, &authority);
    let client = Client::new(&[&authority], None, |_| {});
    let send = |request: &Request| client.send(request, proxy.secure).unwrap().0;
    let order = Request::post("/c/orders").bearer(SECRET).json(&json!({}));
    assert_eq!(send(&order).status, 202);
    let ask = Request::post("/c/ask")
        .bearer(SECRET)
        .json(&json!({ "n": 7 }));
    assert_eq!(send(&ask).expect(200)["status"], "ok");
    // Whatever they claim, they come from one address, and nginx says so.
    let guess = |n: usize| {
        let claim = format!("198.51.100.{}", n % 256);
        send(&Request::post("/c/orders").header("X-Forwarded-For", &claim)).status
    };
    let statuses: Vec<u16> = (0..1005).map(guess).collect();
    let (borne, more) = statuses.split_at(1000);
    assert!(borne.iter().all(|status| *status == 401), "{borne:?}");
    assert!(more.contains(&429), "{more:?}");
    assert_eq!(send(&order).status, 202);
    let inside = Request::get("/v1/agents").bearer(KEY);
    assert_eq!(send(&inside).status, 404);
    let moved = order.send(proxy.plain);
    assert_eq!(moved.status, 308);
    assert!(moved.header("location").unwrap().starts_with("https://"));
}
