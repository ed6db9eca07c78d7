use serde_json::json;

use super::*;

const LOCK: &str = "version = 4\n\n[[package]]\nname = \"a\"\nversion = \"1.0.0\"\n\
                    source = \"registry+x\"\nchecksum = \"abcd\"\n\n[[package]]\n\
                    name = \"tieline\"\nversion = \"0.1.0\"\n";

fn metadata() -> Value {
    let package = |name: &str, version: &str, license: Value| json!({ "id": name, "name": name, "version": version, "license": license });
    let on = |id: &str, kind: Value| json!({ "pkg": id, "dep_kinds": [{ "kind": kind }] });
    json!({
        "packages": [
            package("tieline", "0.1.0", json!("Apache-2.0")),
            package("a", "1.0.0", json!("MIT/Apache-2.0")),
            package("b", "2.0.0", json!(null)),
            package("for-tests", "3.0.0", json!("MIT")),
        ],
        "resolve": { "nodes": [
            { "id": "tieline", "deps": [on("a", json!(null)), on("for-tests", json!("dev"))] },
            { "id": "a", "deps": [on("b", json!("build"))] },
            { "id": "b", "deps": [] },
            { "id": "for-tests", "deps": [] },
        ]},
    })
}

#[test]
fn a_bill_names_what_the_binary_is_built_from_and_nothing_else() {
    let bill = bill(&metadata(), &checksums(LOCK)).unwrap();
    let expected = json!([
        {
            "type": "library",
            "bom-ref": "pkg:cargo/a@1.0.0",
            "name": "a",
            "version": "1.0.0",
            "purl": "pkg:cargo/a@1.0.0",
            "licenses": [{ "expression": "MIT OR Apache-2.0" }],
            "hashes": [{ "alg": "SHA-256", "content": "abcd" }],
        },
        {
            "type": "library",
            "bom-ref": "pkg:cargo/b@2.0.0",
            "name": "b",
            "version": "2.0.0",
            "purl": "pkg:cargo/b@2.0.0",
        },
    ]);
    assert_eq!(bill["components"], expected);
    assert_eq!(bill["metadata"]["component"]["name"], "tieline");
    let on = json!({ "ref": "pkg:cargo/tieline@0.1.0", "dependsOn": ["pkg:cargo/a@1.0.0"] });
    assert!(bill["dependencies"].as_array().unwrap().contains(&on));
}

#[test]
fn a_bill_without_the_binary_is_an_error() {
    let empty = json!({ "packages": [], "resolve": { "nodes": [] } });
    assert!(bill(&empty, &BTreeMap::new()).is_err());
}
