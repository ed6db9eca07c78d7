//! What a stream was opened with, and whether it still is good: a key that is revoked, or a secret
//! that is rotated out, ends the streams that it has opened.

use std::sync::Arc;

use http::request::Parts;
use http::{HeaderMap, Method};
use serde_json::{Map, Value};
use tieline_contract::auth::{Authenticator, Decision, Head, Peer};
use tieline_engine::{Hub, LiveConnector, LiveRole};
use tieline_model::{Connector, ConnectorId, Timestamp};
use tieline_signature::equal::SecretDigest;

use crate::address::{Place, query_of};
use crate::auth::KnownKey;

/// What a reader was let in with.
#[derive(Debug)]
pub(crate) struct Warrant {
    connector: ConnectorId,
    by: By,
}

#[derive(Debug)]
enum By {
    Key(Arc<KnownKey>),
    /// What the head of a request holds, as the sender of an event.
    Sender(OwnHead),
    /// What the head of a request holds, as a reader of results.
    Reader(OwnHead),
    /// A signature over a body, which cannot be asked again. Which of the secrets made it is not
    /// known: it holds as long as all of them do, and the settings that say how it was judged.
    Signature {
        secrets: Vec<SecretDigest>,
        settings: Map<String, Value>,
    },
}

#[derive(Debug)]
struct OwnHead {
    method: Method,
    headers: HeaderMap,
    query: String,
    peer: Option<Arc<Peer>>,
}

impl Warrant {
    /// Of a holder of an API key.
    pub(crate) fn key(place: &Place, key: Arc<KnownKey>) -> Self {
        Self::of(place, By::Key(key))
    }

    /// Of a sender, by what the head alone has shown, or by a signature.
    pub(crate) fn sender(place: &Place, parts: &Parts, signed: bool, now: Timestamp) -> Self {
        let by = if signed {
            let row = &place.connector.row;
            By::Signature {
                secrets: good(row, now).collect(),
                settings: row.settings.clone(),
            }
        } else {
            By::Sender(OwnHead::of(parts))
        };
        Self::of(place, by)
    }

    /// Of a reader of results.
    pub(crate) fn reader(place: &Place, parts: &Parts) -> Self {
        Self::of(place, By::Reader(OwnHead::of(parts)))
    }

    fn of(place: &Place, by: By) -> Self {
        Self {
            connector: place.connector.row.id,
            by,
        }
    }

    /// Whether it would be let in with the same now.
    pub(crate) fn stands(&self, hub: &Hub) -> bool {
        let catalog = hub.catalog();
        let connector = catalog.connectors.get(&self.connector);
        let Some(connector) = connector.filter(|connector| !connector.row.removed) else {
            return false;
        };
        let Some(auth) = auth_of(connector) else {
            return false;
        };
        let now = hub.now();
        match &self.by {
            By::Key(key) => key.is_good(hub.latest()),
            By::Sender(head) => match auth.begin(&head.head(), now) {
                Decision::Admit(_) => true,
                // Where an issuer is to be asked, what it said last counts.
                Decision::NeedsKeys(keys) => keys.lets_in,
                Decision::Refuse(_) | Decision::Verify(_) => false,
            },
            By::Reader(head) => auth.may_read(&head.head(), now),
            By::Signature { secrets, settings } => {
                let row = &connector.row;
                let still = |was: &SecretDigest| {
                    let mut secrets = row.secrets.iter().filter(|one| one.is_good(now));
                    secrets.any(|one| was.matches(one.expose().as_bytes()))
                };
                *settings == row.settings && secrets.iter().all(still)
            }
        }
    }
}

impl OwnHead {
    fn of(parts: &Parts) -> Self {
        Self {
            method: parts.method.clone(),
            headers: parts.headers.clone(),
            query: query_of(&parts.uri).to_owned(),
            peer: parts.extensions.get().cloned(),
        }
    }

    fn head(&self) -> Head<'_> {
        Head {
            method: &self.method,
            headers: &self.headers,
            query: &self.query,
            peer: self.peer.as_deref(),
        }
    }
}

fn auth_of(connector: &LiveConnector) -> Option<&Authenticator> {
    match &connector.role {
        LiveRole::Endpoint(endpoint) => Some(&endpoint.rules().auth),
        LiveRole::Sink { .. } => None,
    }
}

fn good(row: &Connector, now: Timestamp) -> impl Iterator<Item = SecretDigest> {
    let good = row.secrets.iter().filter(move |one| one.is_good(now));
    good.map(|one| SecretDigest::of(one.expose().as_bytes()))
}
