//! The destination: takes deliveries, verifies their signatures and writes ledger D.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context as _, Result};
use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::value::RawValue;
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use uuid::Uuid;

use crate::chance::Chance;
use crate::conduct::{Call, Conduct};
use crate::hub::SECRET;
use crate::ledger::{Ledger, Watch};
use crate::message::{Inbox, Message};
use crate::record::{Arrival, Hash};
use crate::serve::{listen, reply, take_time};

/// A destination; dropping it ends it.
#[derive(Debug)]
pub(crate) struct Destination {
    pub(crate) address: SocketAddr,
    _serving: JoinSet<()>,
}

#[derive(Debug)]
struct Shared {
    ledger: Ledger,
    watch: Watch,
    conduct: Conduct,
    key: hmac::Key,
    state: Mutex<(Chance, HashMap<Uuid, u32>)>,
}

/// The fields of a result that are looked at.
#[derive(Debug, Deserialize)]
struct Body<'a> {
    run_id: Uuid,
    status: String,
    #[serde(borrow)]
    output: Option<&'a RawValue>,
}

impl Destination {
    pub(crate) async fn start(
        ledger: Ledger,
        watch: Watch,
        (conduct, chance): (Conduct, Chance),
    ) -> Result<Self> {
        let shared = Arc::new(Shared {
            ledger,
            watch,
            conduct,
            key: key(SECRET)?,
            state: Mutex::new((chance, HashMap::new())),
        });
        let serve = move |stream| {
            let shared = Arc::clone(&shared);
            async move {
                // A connection that breaks is the hub's end of it: the ledger has what was done.
                let _broken = serve(&shared, stream).await;
            }
        };
        let (address, serving) = listen(serve).await?;
        Ok(Self {
            address,
            _serving: serving,
        })
    }
}

async fn serve(shared: &Shared, mut stream: TcpStream) -> Result<()> {
    stream.set_nodelay(true)?;
    let mut inbox = Inbox::default();
    while let Some(message) = inbox.next(&mut stream).await? {
        let delivery = message.header("webhook-id").context("no webhook-id")?;
        let delivery: Uuid = delivery.parse()?;
        let body: Body<'_> = serde_json::from_slice(&message.body)?;
        let decided = {
            let mut state = shared.state.lock().unwrap_or_else(PoisonError::into_inner);
            let drawn = state.0.draw();
            let seen = state.1.entry(delivery).or_default();
            let before = *seen;
            *seen += 1;
            shared.conduct.decide(Call {
                name: message.path().trim_start_matches('/'),
                session: "",
                before,
                drawn,
            })
        };
        let did = take_time(&stream, decided).await;
        let output = body.output.map_or("null", RawValue::get);
        let arrival = Arrival {
            at: shared.watch.micros(),
            delivery,
            run: body.run_id,
            status: body.status,
            body: Hash::of(&message.body),
            output: Hash::of(output.as_bytes()),
            signed: is_signed(&shared.key, &message),
            did,
        };
        shared.ledger.write(&[arrival]).await?;
        if !reply(&mut stream, did, b"{}").await? {
            break;
        }
    }
    Ok(())
}

fn key(secret: &str) -> Result<hmac::Key> {
    let encoded = secret.strip_prefix("whsec_").context("not a whsec_")?;
    Ok(hmac::Key::new(
        hmac::HMAC_SHA256,
        &STANDARD.decode(encoded)?,
    ))
}

/// Whether one of the signatures is right; see the Standard Webhooks specification, "Signature
/// scheme".
fn is_signed(key: &hmac::Key, message: &Message) -> bool {
    let header = |name| message.header(name).unwrap_or_default();
    let (id, time) = (header("webhook-id"), header("webhook-timestamp"));
    let mut signed = format!("{id}.{time}.").into_bytes();
    signed.extend_from_slice(&message.body);
    let tag = hmac::sign(key, &signed);
    let right = format!("v1,{}", STANDARD.encode(tag.as_ref()));
    header("webhook-signature")
        .split(' ')
        .any(|one| one == right)
}

#[cfg(test)]
mod tests;
