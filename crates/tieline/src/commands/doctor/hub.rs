//! Whether a hub is at work in the folder, and how it is.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::Path;

use tieline_config::HubSettings;

use super::report::Report;
use crate::client::{HubClient, block_on};
use crate::wiring::{Holder, LISTEN, holder};

/// Where the hub is that has these settings: the management API, where it has its own address.
pub(super) fn address(settings: Option<&HubSettings>) -> String {
    let configured = settings.and_then(|hub| hub.admin_listen.or(hub.listen));
    let configured = configured.unwrap_or(LISTEN);
    // What listens on all addresses is reached on this machine's own.
    let ip = match configured.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    format!("http://{}", SocketAddr::new(ip, configured.port()))
}

/// The hub's process, where it runs and is known.
pub(super) fn examine(folder: &Path, address: &str, report: &mut Report) -> Option<u32> {
    let process = match holder(folder) {
        Ok(Holder::Nobody) => {
            report.ok("hub", "none is running");
            return None;
        }
        Ok(Holder::Hub(process)) => process,
        Err(error) => {
            let fix = "ask as the user that the hub runs as";
            report.fail("hub", format!("the lock cannot be looked at: {error}"), fix);
            return None;
        }
    };
    let named = process.map_or(String::new(), |process| format!(", process {process}"));
    let client = HubClient::without_key(address);
    let asked = block_on(async { Ok((client.ready().await, client.version().await)) });
    let (ready, version) = match asked {
        Ok(asked) => asked,
        Err(error) => {
            report.failed("hub", &error);
            return process;
        }
    };
    let own = env!("CARGO_PKG_VERSION");
    match (ready, version) {
        (Ok(()), Some(version)) if version != own => {
            let what = format!("{address} has version {version}, and this is {own}{named}");
            report.warn("hub", what, "restart the hub, or ask with its own binary");
        }
        (Ok(()), Some(version)) => {
            report.ok(
                "hub",
                format!("ready on {address}, version {version}{named}"),
            );
        }
        (Ok(()), None) => report.ok("hub", format!("ready on {address}{named}")),
        (Err(error), _) if error.is::<crate::client::Refused>() => {
            let what = format!("not ready on {address}: {error:#}{named}");
            report.fail(
                "hub",
                what,
                "see its log; what else is wrong here may be the cause",
            );
        }
        (Err(_), _) => {
            let what = format!("one is running{named}, and none answers at {address}");
            report.warn(
                "hub",
                what,
                "say where it is with `--hub`, or with its `--config`",
            );
        }
    }
    process
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hub_is_asked_where_it_listens() {
        let settings = |listen: &str, admin: Option<&str>| HubSettings {
            listen: Some(listen.parse().unwrap()),
            admin_listen: admin.map(|admin| admin.parse().unwrap()),
            ..HubSettings::default()
        };
        assert_eq!(address(None), "http://127.0.0.1:8080");
        for (listen, admin, expected) in [
            ("0.0.0.0:80", None, "http://127.0.0.1:80"),
            ("[::]:80", None, "http://[::1]:80"),
            ("10.0.0.1:80", Some("127.0.0.1:81"), "http://127.0.0.1:81"),
        ] {
            assert_eq!(address(Some(&settings(listen, admin))), expected);
        }
    }
}
