use http::HeaderValue;

use super::*;
use crate::rig::Rig;

fn headers(values: &[&str]) -> HeaderMap {
    let pairs = values
        .iter()
        .map(|v| (AUTHORIZATION, HeaderValue::from_str(v).unwrap()));
    pairs.collect()
}

#[test]
fn a_bearer_token_is_one_and_not_empty() {
    assert_eq!(bearer(&headers(&["Bearer tl_x"])), Some("tl_x"));
    assert_eq!(bearer(&headers(&["bearer  tl_x "])), Some("tl_x"));
    for bad in [
        &["Bearer"][..],
        &["Bearer "],
        &["Basic tl_x"],
        &["tl_x"],
        &[],
    ] {
        assert_eq!(bearer(&headers(bad)), None, "{bad:?}");
    }
    assert_eq!(bearer(&headers(&["Bearer a", "Bearer a"])), None);
}

#[tokio::test(start_paused = true)]
async fn the_first_key_is_told_once_and_a_preset_replaces_it() {
    let rig = Rig::new().await;
    let carried = |key: &Secret| headers(&[&format!("Bearer {}", key.expose())]);
    let ring = KeyRing::load(rig.hub.store()).await.unwrap();
    let now = rig.hub.now();
    let first = ring.find(&carried(&rig.admin), now).unwrap();
    let row = &first.row;
    assert!(row.name == FIRST_KEY && row.allows(Scope::Admin) && !row.allows(Scope::Worker));
    assert!(rig.admin.expose().ends_with(&row.hint) && row.hint.len() == 4);
    assert!(first_admin_key(&rig.hub, None).await.unwrap().is_none());
    let preset = Secret::new("tl_a-key-that-was-preset-by-someone").unwrap();
    assert!(
        first_admin_key(&rig.hub, Some(&preset))
            .await
            .unwrap()
            .is_none()
    );
    let ring = KeyRing::load(rig.hub.store()).await.unwrap();
    assert!(ring.find(&carried(&rig.admin), now).is_none());
    assert!(ring.find(&carried(&preset), now).is_some());
    assert!(first.is_good(now), "another ring knows nothing of it");
    let short = Secret::new("tl_short").unwrap();
    assert!(first_admin_key(&rig.hub, Some(&short)).await.is_err());
    assert!(!format!("{ring:?}").contains("preset-by-someone"));
}
