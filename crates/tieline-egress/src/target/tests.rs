use super::Target;
use crate::EgressError;

#[test]
fn urls_are_normalised_before_anything_judges_them() {
    for (url, want) in [
        ("http://2130706433/", "http://127.0.0.1/"),
        ("http://0x7f.1/", "http://127.0.0.1/"),
        ("http://0x7f000001/", "http://127.0.0.1/"),
        ("http://0177.0.0.1/", "http://127.0.0.1/"),
        ("http://127.1/", "http://127.0.0.1/"),
        ("http://0/", "http://0.0.0.0/"),
        ("http://127.0.0.1./", "http://127.0.0.1/"),
        ("http://①②⑦.⓪.⓪.①/", "http://127.0.0.1/"),
        ("http://127。0。0。1/", "http://127.0.0.1/"),
        ("http://%31%32%37.0.0.1/", "http://127.0.0.1/"),
        ("http://[0:0:0:0:0:ffff:7f00:1]/", "http://[::ffff:7f00:1]/"),
        (
            "http://[::ffff:169.254.169.254]/",
            "http://[::ffff:a9fe:a9fe]/",
        ),
        ("HTTP://EXAMPLE.com:80/a/../b#c", "http://example.com/b"),
        ("https:\\\\example.com\\x", "https://example.com/x"),
        (
            "http://bücher.example/ü?q=ü",
            "http://xn--bcher-kva.example/%C3%BC?q=%C3%BC",
        ),
        (" http://exa\nmple.com/ ", "http://example.com/"),
    ] {
        assert_eq!(Target::parse(url).unwrap().uri().to_string(), want, "{url}");
    }
    let target = Target::parse("https://example.com:8443/hook?token=s3cret").unwrap();
    assert_eq!(target.origin(), "https://example.com:8443");
}

#[test]
fn urls_that_are_no_use_are_refused() {
    let long = format!("http://example.com/{}", "a".repeat(8192));
    for url in [
        "",
        "example.com",
        "/run",
        "//example.com/",
        "file:///etc/passwd",
        "ftp://example.com/",
        "gopher://127.0.0.1:6379/_INFO",
        "unix:///run/x.sock",
        "javascript:alert(1)",
        "data:,x",
        "http://",
        "http:///",
        "http://user@example.com/",
        "http://user:pass@example.com/",
        "http://:pass@example.com/",
        "http://example.com@127.0.0.1/",
        "http://[::1/",
        "http://[fe80::1%25eth0]/",
        "http://127.0.0.256/",
        "http://1.2.3.4.5/",
        "http://0x100000000/",
        "http://example.com:99999/",
        "http://example.com:0/",
        "http://exa mple.com/",
        "http://a<b/",
        &long,
    ] {
        let refused = Target::parse(url).unwrap_err();
        assert!(matches!(refused, EgressError::InvalidUrl(_)), "{url}");
        assert!(refused.never_connected());
    }
}
