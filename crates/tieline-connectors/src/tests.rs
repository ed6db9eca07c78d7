use serde_json::Value;

use super::*;

/// Every mode's schema, with the type that it belongs to.
fn schemas() -> Vec<(&'static ConnectorType, Value)> {
    let of = |kind: &'static ConnectorType| {
        let schema = move |mode| serde_json::to_value(kind.schema(mode).unwrap()()).unwrap();
        kind.modes()
            .into_iter()
            .map(move |mode| (kind, schema(mode)))
    };
    TYPES.iter().copied().flat_map(of).collect()
}

#[test]
fn the_list_is_sorted_and_every_type_is_found_by_its_name() {
    assert!(TYPES.windows(2).all(|pair| pair[0].name < pair[1].name));
    for kind in TYPES {
        assert!(std::ptr::eq(find(kind.name).unwrap(), *kind));
    }
    assert!(find("carrier-pigeon").is_none());
}

#[test]
fn every_setting_says_what_it_does() {
    for (kind, schema) in schemas() {
        let definitions = schema.get("$defs").and_then(Value::as_object);
        let definitions = definitions.into_iter().flat_map(|map| map.values());
        for object in definitions.chain([&schema]) {
            let properties = object.get("properties").and_then(Value::as_object);
            for (name, property) in properties.into_iter().flatten() {
                let about = property.get("description").and_then(Value::as_str);
                assert!(
                    about.is_some_and(|text| !text.is_empty()),
                    "{}: {name}",
                    kind.name
                );
            }
        }
    }
}

#[test]
fn every_object_refuses_unknown_settings() {
    for (kind, schema) in schemas() {
        let strict = schema.get("additionalProperties") == Some(&Value::Bool(false));
        assert!(strict, "{}: {schema:#}", kind.name);
    }
}

#[test]
fn every_type_has_an_icon_and_a_manual_with_an_example_for_each_mode() {
    for kind in TYPES {
        assert!(kind.icon.starts_with("<svg "), "{}", kind.name);
        assert!(
            kind.manual.starts_with(&format!("# {}\n", kind.title)),
            "{}",
            kind.name
        );
        for mode in kind.modes() {
            let example = format!("    type: {}\n    mode: {mode}\n", kind.name);
            assert!(kind.manual.contains(&example), "{}: {mode}", kind.name);
        }
    }
}

#[test]
fn the_manual_has_a_row_for_every_setting() {
    let text = manual(find("webhook").unwrap());
    for row in [
        "### Inbound\n\n| setting | value | default | what it does |",
        "| `max_body` | size | `10MiB` | The largest request body. |",
        "| `auth` | `secret`, `standard-webhooks`, `hmac`, `ed25519`, `ecdsa`, `basic`, `bearer`, `jwt`, `mtls` or `none` or a list | `[secret, standard-webhooks]` |",
        "| `allow_from` | list of text | – |",
        "| `basic.user` | text | required |",
        "| `jwt.issuer` | text | required |",
        "| `jwt.jwks` | object | – |",
        "| `jwt.claims` | names with text | – |",
        "| `hmac.algorithm` | `sha1`, `sha256` or `sha512` | `sha256` |",
        "| `hmac.prefix` | text | – |",
        "| `hmac` | object | – | How the sender signs, for `auth: hmac`. |",
        "| `hmac.header` | text | required | The header that carries the signature,",
        "| `hmac.tolerance` | duration | – |",
        "| `methods` | list of `GET`, `POST`, `PUT`, `PATCH` or `DELETE` | `[GET, POST]` |",
        "| `read` | `own_secret`, `key` or `off` | `own_secret` |",
        "| `timeout` | duration | `5m` | How long a caller waits",
        "| `url` | text | required |",
        "| `headers` | names with secret | – |",
        "| `body` | `full`, `thin` or `template: …` | `full` |",
    ] {
        assert!(text.contains(row), "{row}\n\n{text}");
    }
}

#[test]
fn only_a_sync_connector_has_a_timeout_to_answer_within() {
    let text = manual(find("webhook").unwrap());
    let sections: Vec<_> = text.split("\n### ").collect();
    let has = |title: &str| {
        let section = sections.iter().find(|one| one.starts_with(title)).unwrap();
        section.contains("| `timeout` |")
    };
    assert!(!has("Inbound"));
    assert!(has("Sync"));
}
