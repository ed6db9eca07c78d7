//! Addresses may carry credentials: in their query, and before their host. Only who may write them
//! reads these.

use serde_json::Value;
use tieline_contract::settings::REDACTED;

use crate::auth::Caller;

/// What a caller may see of something shown.
pub(super) fn for_reader(caller: &Caller, mut shown: Value) -> Value {
    if !caller.is_admin() {
        mask(&mut shown);
    }
    shown
}

/// Masks every field `url`, however deep.
fn mask(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            for (name, field) in fields {
                match field {
                    Value::String(url) if name == "url" => *url = masked(url),
                    other => mask(other),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(mask),
        _ => {}
    }
}

/// The same for a field that stands by itself, by the path at which it stood.
pub(super) fn field_for_reader(caller: &Caller, path: &str, value: &mut Option<Value>) {
    if caller.is_admin() {
        return;
    }
    let is_url = path.rsplit('.').next() == Some("url");
    match value {
        Some(Value::String(url)) if is_url => *url = masked(url),
        Some(other) => mask(other),
        None => {}
    }
}

/// An address without its query, its fragment and what stands before its host.
fn masked(url: &str) -> String {
    let (before, hidden) = match url.split_once(['?', '#']) {
        Some((before, _)) => (before, true),
        None => (url, false),
    };
    let (scheme, rest) = match before.split_once("://") {
        Some((scheme, rest)) => (format!("{scheme}://"), rest),
        None => (String::new(), before),
    };
    let (authority, path) = match rest.split_once('/') {
        Some((authority, path)) => (authority, format!("/{path}")),
        None => (rest, String::new()),
    };
    let host = match authority.rsplit_once('@') {
        Some((_, host)) => format!("{REDACTED}@{host}"),
        None => authority.to_owned(),
    };
    let query = if hidden { "?" } else { "" };
    let stars = if hidden { REDACTED } else { "" };
    format!("{scheme}{host}{path}{query}{stars}")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_address_is_shown_without_what_may_be_a_credential() {
        for (url, shown) in [
            ("https://a.example/run", "https://a.example/run"),
            (
                "https://a.example/run?key=canary",
                "https://a.example/run?***",
            ),
            (
                "https://u:canary@a.example:8/x",
                "https://***@a.example:8/x",
            ),
            (
                "https://u:can@ary@a.example?x=1#canary",
                "https://***@a.example?***",
            ),
            ("https://a.example#canary", "https://a.example?***"),
            ("https://a.example/@canary", "https://a.example/@canary"),
            ("u:canary@a.example", "***@a.example"),
        ] {
            assert_eq!(masked(url), shown, "{url}");
        }
    }

    #[test]
    fn every_address_is_masked_however_deep_it_stands() {
        let mut shown = json!({ "url": "http://a?b", "settings": [{ "url": "http://c?d" }] });
        mask(&mut shown);
        let expected = json!({ "url": "http://a?***", "settings": [{ "url": "http://c?***" }] });
        assert_eq!(shown, expected);
    }
}
