//! What a token must say to be accepted, after its signature has been verified.

use serde_json::{Map, Value};

use super::Algorithm;
use crate::Refusal;

/// What a token must say.
#[derive(Debug, Clone)]
pub struct Expectations {
    /// Who issued it (`iss`), to the letter.
    pub issuer: String,
    /// Whom it may be meant for (`aud`): one of these must be named. None accepts nothing.
    pub audiences: Vec<String>,
    /// What it may be signed by.
    pub algorithms: Vec<Algorithm>,
    /// How far its times may lie off, in seconds.
    pub leeway_s: u32,
    /// Further claims and their exact text. `true` and `false` stand for the booleans, too.
    pub required: Vec<(String, String)>,
}

/// What an accepted token says about its bearer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claims {
    /// Whom it speaks of (`sub`).
    pub subject: Option<String>,
    /// Its own name (`jti`).
    pub id: Option<String>,
    /// When it was issued (`iat`), in seconds since 1970.
    pub issued_at_s: Option<i64>,
}

impl Expectations {
    /// Judges claims at `now_s`.
    ///
    /// The end of their time (`exp`) must be there. Members that come twice count as the last of
    /// them does (RFC 7519, section 4).
    pub(super) fn judge(&self, claims: &Map<String, Value>, now_s: i64) -> Result<Claims, Refusal> {
        let text = |name| claims.get(name).and_then(Value::as_str);
        if text("iss") != Some(&self.issuer) {
            return Err(Refusal::Issuer);
        }
        let expires_s = seconds(claims, "exp")?.ok_or(Refusal::Timestamp)?;
        if now_s.saturating_sub(self.leeway_s.into()) >= expires_s {
            return Err(Refusal::TooOld);
        }
        let issued_at_s = seconds(claims, "iat")?;
        let starts = [issued_at_s, seconds(claims, "nbf")?];
        let latest_s = now_s.saturating_add(self.leeway_s.into());
        if starts.into_iter().flatten().any(|start| start > latest_s) {
            return Err(Refusal::TooNew);
        }
        if !self.is_addressed(claims) {
            return Err(Refusal::Audience);
        }
        let mut required = self.required.iter();
        if !required.all(|(name, want)| says(claims.get(name), want)) {
            return Err(Refusal::Claim);
        }
        Ok(Claims {
            subject: text("sub").map(str::to_owned),
            id: text("jti").map(str::to_owned),
            issued_at_s,
        })
    }

    /// Whether `aud`, one text or a list of them, names one of the audiences.
    fn is_addressed(&self, claims: &Map<String, Value>) -> bool {
        let named = match claims.get("aud") {
            Some(Value::Array(list)) => list.as_slice(),
            Some(one) => std::slice::from_ref(one),
            None => &[],
        };
        let known = |name: &str| self.audiences.iter().any(|one| one == name);
        named.iter().filter_map(Value::as_str).any(known)
    }
}

fn says(claim: Option<&Value>, want: &str) -> bool {
    match claim {
        Some(Value::String(text)) => text == want,
        Some(Value::Bool(value)) => value.to_string() == want,
        _ => false,
    }
}

/// A time (RFC 7519, `NumericDate`) in whole seconds. One that is no number is refused.
fn seconds(claims: &Map<String, Value>, name: &str) -> Result<Option<i64>, Refusal> {
    let Some(value) = claims.get(name) else {
        return Ok(None);
    };
    #[expect(
        clippy::cast_possible_truncation,
        reason = "a time out of range becomes the first or the last there is"
    )]
    let fraction = || value.as_f64().map(|seconds| seconds.floor() as i64);
    let seconds = value.as_i64().or_else(fraction);
    seconds.map(Some).ok_or(Refusal::Timestamp)
}
