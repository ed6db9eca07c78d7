use serde_json::json;

use crate::tests::refused;

#[test]
fn settings_are_checked_all_at_once() {
    let url = "http://127.0.0.1:9000/run";
    for (settings, why) in [
        (json!({}), "url: "),
        (json!({"url": "ftp://x/"}), "url: the URL is not usable"),
        (
            json!({"url": "http://a:b@x/"}),
            "url: the URL is not usable",
        ),
        (
            json!({"url": "http://x/#part"}),
            "url: a fragment cannot be sent",
        ),
        (
            json!({"url": url, "secret": "hunter2"}),
            "secret: the key does not begin with whsec_",
        ),
        (
            json!({"url": url, "headers": {"Webhook-Id": "x"}}),
            "headers.Webhook-Id: the hub sets",
        ),
        (
            json!({"url": url, "headers": {"Content-Length": "1"}}),
            "headers.Content-Length",
        ),
        (
            json!({"url": url, "headers": {"a b": "x"}}),
            "headers.a b: this is no name",
        ),
        (
            json!({"url": url, "headers": {"a": "x\r\ny: z"}}),
            "headers.a: a value is printable",
        ),
        (
            json!({"url": url, "headers": {"a": "x", "A": "y"}}),
            "this header is there twice",
        ),
        (
            json!({"url": url, "max_output": "1GiB"}),
            "max_output: 1GiB is out of range",
        ),
        (
            json!({"url": url, "method": "PUT"}),
            "method: unknown field",
        ),
    ] {
        let said = refused("http", settings);
        assert!(said.contains(why), "{said}");
        assert!(!said.contains("hunter2"), "{said}");
    }
    let all = json!({"url": "x", "secret": "x", "max_output": "0B", "headers": {"te": "x"}});
    let said = refused("http", all);
    for path in ["url:", "secret:", "max_output:", "headers.te:"] {
        assert!(said.contains(path), "{said}");
    }
}
