use super::*;

fn read(written: &[&str]) -> (AllowFrom, Vec<String>) {
    let mut problems = Problems::default();
    let written: Vec<String> = written.iter().map(|&one| one.to_owned()).collect();
    let read = AllowFrom::read(Some(&written), &mut problems);
    let paths = problems.into_vec().into_iter().map(|one| one.path);
    (read, paths.collect())
}

/// As it could be after a layer that forgot to make it canonical.
fn peer(address: &str) -> Peer {
    Peer {
        address: address.parse().unwrap(),
        certificate: None,
    }
}

#[test]
fn addresses_are_compared_as_numbers_and_never_as_text() {
    for (network, address, admitted) in [
        ("10.0.0.1", "10.0.0.1", true),
        ("10.0.0.1", "110.0.0.1", false),
        ("10.0.0.1", "10.0.0.10", false),
        ("10.0.0.1", "10.0.0.1:443".split(':').next().unwrap(), true),
        ("10.0.0.0/8", "10.255.255.255", true),
        ("10.0.0.0/8", "11.0.0.0", false),
        ("10.0.0.1", "::ffff:10.0.0.1", true),
        ("10.0.0.1", "::ffff:110.0.0.1", false),
        ("10.0.0.1", "::10.0.0.1", false),
        ("::ffff:10.0.0.0/104", "10.1.2.3", true),
        ("::ffff:10.0.0.0/104", "11.1.2.3", false),
        ("::ffff:10.0.0.1", "10.0.0.1", true),
        ("::/0", "10.0.0.1", false),
        ("0.0.0.0/0", "2001:db8::1", false),
        ("2001:db8::/32", "2001:db8:ffff::1", true),
        ("2001:db8::/32", "2001:db9::1", false),
        ("2001:DB8::1", "2001:db8:0:0::1", true),
    ] {
        let (allowed, problems) = read(&[network]);
        assert_eq!(problems, [""; 0], "{network}");
        let found = allowed.admits(Some(&peer(address)));
        assert_eq!(found, admitted, "{address} of {network}");
    }
}

#[test]
fn a_caller_of_whom_nothing_is_known_is_not_let_in_by_a_list() {
    assert!(!read(&["0.0.0.0/0", "::/0"]).0.admits(None));
    assert!(AllowFrom(None).admits(None));
    assert!(AllowFrom(None).admits(Some(&peer("10.0.0.1"))));
}

#[test]
fn what_is_no_network_is_named_and_an_empty_list_lets_nobody_in() {
    for bad in [
        "",
        "10.0.0",
        "010.0.0.1",
        "10.0.0.0/33",
        "10.0.0.*",
        "example.com",
        "10.0.0.1/8",
    ] {
        assert_eq!(read(&["10.0.0.1", bad]).1, ["allow_from[1]"], "{bad}");
    }
    let (nobody, problems) = read(&[]);
    assert_eq!(problems, ["allow_from"]);
    assert!(!nobody.admits(Some(&peer("10.0.0.1"))));
}
