use serde_json::Map;
use tieline_model::{ConnectorId, ManagedBy, Mode};

use super::*;

fn at(ms: i64) -> Timestamp {
    Timestamp::from_millis(ms)
}

fn with(secrets: Vec<DatedSecret>) -> Connector {
    Connector {
        id: ConnectorId(1),
        project: ProjectId::DEFAULT,
        name: Name::new("orders").unwrap(),
        kind: "webhook".to_owned(),
        mode: Mode::Inbound,
        secrets,
        links: Vec::new(),
        concurrency: None,
        rate: None,
        settings: Map::new(),
        managed_by: ManagedBy::Api,
        paused: false,
        removed: false,
    }
}

fn dated(text: &str, not_after: Option<i64>) -> DatedSecret {
    DatedSecret {
        secret: Secret::new(text).unwrap(),
        not_before: None,
        not_after: not_after.map(at),
    }
}

/// At 100, with an overlap of so many milliseconds.
fn rotated(
    secrets: Vec<DatedSecret>,
    overlap: i64,
) -> Result<Vec<(String, Option<i64>)>, EngineError> {
    let rotation = Rotation {
        new: Secret::new("new").unwrap(),
        now: at(100),
        others_until: at(100 + overlap),
    };
    let row = rotation.of(&with(secrets))?;
    let shown = |one: &DatedSecret| {
        (
            one.expose().to_owned(),
            one.not_after.map(Timestamp::as_millis),
        )
    };
    Ok(row.secrets.iter().map(shown).collect())
}

#[test]
fn old_secrets_end_with_the_overlap_or_earlier_and_those_that_are_over_go() {
    let old = || {
        vec![
            dated("always", None),
            dated("sooner", Some(105)),
            dated("later", Some(900)),
            dated("over", Some(100)),
        ]
    };
    let with_overlap = rotated(old(), 50).unwrap();
    let expected = [
        ("new", None),
        ("always", Some(150)),
        ("sooner", Some(105)),
        ("later", Some(150)),
    ];
    let expected = expected.map(|(text, until)| (text.to_owned(), until));
    assert_eq!(with_overlap, expected);
    let at_once = rotated(old(), 0).unwrap();
    assert_eq!(at_once, [("new".to_owned(), None)]);
}

#[test]
fn a_secret_that_comes_back_is_kept_once_and_does_not_end_with_the_others() {
    let old = vec![dated("old", None), dated("new", Some(120))];
    let expected = [("new", None), ("old", Some(150))];
    let expected = expected.map(|(text, until)| (text.to_owned(), until));
    assert_eq!(rotated(old, 50).unwrap(), expected);
}

#[test]
fn a_connector_never_has_more_secrets_than_are_tried_with_each_request() {
    let old = || vec![dated("old", None); SECRETS];
    assert!(matches!(
        rotated(old(), 50),
        Err(EngineError::NotAllowed(_))
    ));
    assert_eq!(rotated(old(), 0).unwrap().len(), 1);
    let mut fits = old();
    fits.pop();
    assert_eq!(rotated(fits, 50).unwrap().len(), SECRETS);
}
