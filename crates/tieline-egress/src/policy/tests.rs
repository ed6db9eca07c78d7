use super::{Policy, Reason};

fn judge(policy: &Policy, url: &str) -> Result<(), Reason> {
    let (scheme, address) = url.split_once("://").unwrap();
    policy.judge(scheme == "https", address.parse().unwrap())
}

fn outside(allow: &[&str]) -> Policy {
    Policy::Outside {
        allow: allow.iter().map(|net| net.parse().unwrap()).collect(),
    }
}

#[test]
fn deliveries_go_to_public_addresses_by_https() {
    let policy = outside(&[]);
    assert_eq!(judge(&policy, "https://8.8.8.8"), Ok(()));
    assert_eq!(judge(&policy, "http://8.8.8.8"), Err(Reason::PlainHttp));
    assert_eq!(judge(&policy, "https://127.0.0.1"), Err(Reason::Private));
    assert_eq!(
        judge(&policy, "https://::ffff:10.0.0.1"),
        Err(Reason::Private)
    );
    assert_eq!(judge(&policy, "https://0.0.0.0"), Err(Reason::Reserved));
    assert_eq!(
        judge(&policy, "https://2002:7f00:1::"),
        Err(Reason::Reserved)
    );
    assert_eq!(
        judge(&policy, "https://64:ff9b::a9fe:a9fe"),
        Err(Reason::LinkLocal)
    );
}

#[test]
fn allowed_networks_are_reached_over_plain_http_too() {
    let policy = outside(&["10.0.0.0/8", "fd12::/16", "198.18.0.0/15"]);
    for url in [
        "http://10.0.0.1",
        "https://10.9.9.9",
        "http://::ffff:10.0.0.1",
        "http://fd12::1",
        "http://198.18.0.9",
    ] {
        assert_eq!(judge(&policy, url), Ok(()), "{url}");
    }
    assert_eq!(judge(&policy, "http://110.0.0.1"), Err(Reason::PlainHttp));
    assert_eq!(judge(&policy, "http://192.168.0.1"), Err(Reason::Private));
    assert_eq!(
        judge(&policy, "http://64:ff9b::10.0.0.1"),
        Err(Reason::Private)
    );
}

#[test]
fn agents_may_be_private_unless_told_otherwise() {
    let anywhere = Policy::Agents { public_only: false };
    let public = Policy::Agents { public_only: true };
    assert_eq!(judge(&anywhere, "http://127.0.0.1"), Ok(()));
    assert_eq!(judge(&anywhere, "http://fd12::1"), Ok(()));
    assert_eq!(judge(&anywhere, "http://0.0.0.0"), Err(Reason::Reserved));
    assert_eq!(judge(&anywhere, "http://224.0.0.1"), Err(Reason::Reserved));
    assert_eq!(judge(&public, "http://127.0.0.1"), Err(Reason::Private));
    assert_eq!(judge(&public, "http://8.8.8.8"), Ok(()));
}

#[test]
fn nobody_reaches_link_local_and_metadata() {
    for policy in [
        outside(&["0.0.0.0/0", "::/0"]),
        Policy::Agents { public_only: false },
        Policy::Operator,
    ] {
        for (address, reason) in [
            ("169.254.169.254", Reason::LinkLocal),
            ("fe80::1", Reason::LinkLocal),
            ("::ffff:169.254.169.254", Reason::LinkLocal),
            ("2002:a9fe:a9fe::", Reason::LinkLocal),
            ("100.100.100.200", Reason::Metadata),
            ("fd00:ec2::254", Reason::Metadata),
        ] {
            for secure in [false, true] {
                assert_eq!(policy.judge(secure, address.parse().unwrap()), Err(reason));
            }
        }
    }
    assert_eq!(judge(&Policy::Operator, "http://0.0.0.0"), Ok(()));
    assert_eq!(judge(&Policy::Operator, "http://127.0.0.1"), Ok(()));
}
