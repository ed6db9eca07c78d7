//! The sender's own identity of a request: what makes a repeat a repeat.
//!
//! Each kind of key has its own prefix, so that a key of one kind is never taken for another.

use tieline_contract::auth::Identity;
use tieline_contract::{Code, Problem, Verified};

/// The header of the IETF draft of that name, and of many senders before it.
const HEADER: &str = "idempotency-key";
/// Most characters of it.
const LONGEST: usize = 255;

/// The key that a whole request carries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Key {
    kind: &'static str,
    id: String,
}

impl Key {
    /// Of a signed request, the signed id, else what is signed: whoever sends it again cannot
    /// change either, and an `Idempotency-Key` is only what somebody wrote beside it. Where the
    /// settings have an expression, that stands in for an id (`by_expression`).
    ///
    /// Of any other request, the `Idempotency-Key`.
    pub(super) fn of(request: &Verified, by_expression: bool) -> Result<Option<Self>, Problem> {
        if let Some(signed) = &request.signed {
            let by_content = matches!(signed.identity, Identity::Content(_));
            let key = Self::signed(&signed.identity);
            return Ok(Some(key).filter(|_| !(by_content && by_expression)));
        }
        let mut values = request.headers.get_all(HEADER).iter();
        let Some(value) = values.next() else {
            return Ok(None);
        };
        let text = value.to_str().unwrap_or_default();
        let visible = text.bytes().all(|b| b.is_ascii_graphic());
        if !visible || !(1..=LONGEST).contains(&text.len()) || values.next().is_some() {
            let detail = "`Idempotency-Key` is one value of 1 to 255 visible ASCII characters.";
            return Err(Problem::new(Code::BadRequest, detail));
        }
        let (kind, id) = ("key", text.to_owned());
        Ok(Some(Self { kind, id }))
    }

    /// Of a signed request, however it is read.
    pub(super) fn signed(identity: &Identity) -> Self {
        let (kind, id) = match identity {
            Identity::Id(id) => ("signed", id.clone()),
            Identity::Content(digest) => ("content", hex::encode(digest)),
        };
        Self { kind, id }
    }

    /// For the one event of the request, or for one of a batch. The first of a batch has the key of
    /// a request with one: what comes again, and is read the other way, is known all the same.
    pub(super) fn of_event(&self, at: Option<usize>) -> String {
        match at {
            None | Some(0) => format!("{}:{}", self.kind, self.id),
            Some(at) => format!("{}[{at}]:{}", self.kind, self.id),
        }
    }
}
