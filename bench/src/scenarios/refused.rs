//! Refused signatures: whole requests whose signature is well-formed and wrong. Nothing is stored;
//! what they cost is what a stranger can make the hub do.

use anyhow::{Result, ensure};
use bytes::Bytes;
use rustix::time::{ClockId, clock_gettime};

use super::Plan;
use super::cell::{Bare, COLUMNS, measure, row};
use crate::hub::{Hub, SECRET, order};
use crate::load::{Load, SENDER, Until};
use crate::message::request;
use crate::report::Table;

const CALLERS: usize = 256;

/// How the sender signs.
#[derive(Clone, Copy, Debug)]
enum Scheme {
    StandardWebhooks,
    Hmac,
}

impl Scheme {
    const ALL: [Self; 2] = [Self::StandardWebhooks, Self::Hmac];

    /// As the config calls it; also the connector's name.
    fn as_str(self) -> &'static str {
        match self {
            Self::StandardWebhooks => "standard-webhooks",
            Self::Hmac => "hmac",
        }
    }

    /// A request whose signature nobody made. It carries the time of now, which counts for five
    /// minutes.
    fn forged(self) -> Bytes {
        let now = clock_gettime(ClockId::Realtime).tv_sec.to_string();
        let base64 = format!("v1,{}=", "A".repeat(43));
        let hex = format!("sha256={}", "0".repeat(64));
        let headers = match self {
            Self::StandardWebhooks => vec![
                ("webhook-id", "msg_forged"),
                ("webhook-timestamp", &*now),
                ("webhook-signature", &*base64),
                ("content-type", "application/json"),
                ("x-forwarded-for", SENDER),
            ],
            Self::Hmac => vec![
                ("x-signature", &*hex),
                ("content-type", "application/json"),
                ("x-forwarded-for", SENDER),
            ],
        };
        request(&format!("POST /c/{}", self.as_str()), &headers, &order())
    }
}

pub(super) async fn run(plan: &Plan) -> Result<Vec<Table>> {
    let columns = ["scheme"].into_iter().chain(COLUMNS);
    let columns: Vec<_> = columns.collect();
    let mut table = Table::new(
        "Refused: requests with a wrong signature, each a 401",
        &columns,
    );
    table.note(format!(
        "{CALLERS} callers; the event of each would have been 512 bytes."
    ));
    let hub = Hub::start(&plan.setup("refused", config())?).await?;
    for scheme in Scheme::ALL {
        let until = Until::Elapsed(plan.time);
        let mut load = Load::closed(hub.address, scheme.forged(), 401, CALLERS, until);
        let (control, _) = Bare::start(&plan.bench, &load).await?;
        let mut cells = Vec::new();
        for _ in 0..plan.repeat {
            load.request = scheme.forged();
            let cell = measure(hub.process()?, &load, async |_| Ok(())).await?;
            cells.push(control.beside(cell, &load).await?);
        }
        let mut cells_of_row = vec![scheme.as_str().to_owned()];
        cells_of_row.extend(row(&cells));
        table.row(cells_of_row);
    }
    let accepted = hub.metric("tieline_events_accepted_total").await?;
    ensure!(accepted == 0, "{accepted} forged events were accepted");
    hub.stop().await?;
    Ok(vec![table])
}

fn config() -> String {
    format!(
        "trusted_proxies: [127.0.0.1/32] # so that each caller is a network of its own
agents:
  - {{ name: agent, runtime: echo }}
connectors:
  - name: standard-webhooks
    type: webhook
    mode: inbound
    secret: {SECRET}
    agents: [agent]
    settings: {{ auth: standard-webhooks }}
  - name: hmac
    type: webhook
    mode: inbound
    secret: {SECRET}
    agents: [agent]
    settings: {{ auth: hmac, hmac: {{ header: X-Signature, prefix: \"sha256=\" }} }}
"
    )
}
