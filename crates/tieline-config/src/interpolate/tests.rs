//! What `${…}` becomes.

use serde_json::json;

use super::*;

fn done(mut value: Value) -> (Value, Interpolated, String) {
    let lookup = Lookup {
        variable: &|name| (name == "NAME").then(|| "value${NAME}".to_owned()),
        file: &|path| match path {
            "key" => Ok("line\n".to_owned()),
            "windows" => Ok("line\r\n".to_owned()),
            _ => Err(io::ErrorKind::NotFound.into()),
        },
    };
    let mut problems = Problems::default();
    let interpolated = interpolate(&mut value, &lookup, &mut problems);
    (value, interpolated, problems.to_string())
}

#[test]
fn names_and_files_are_replaced_once_and_everywhere() {
    for (text, wanted) in [
        ("${NAME}", "value${NAME}"),
        ("a ${NAME} b ${file:key}", "a value${NAME} b line"),
        ("${file:windows}", "line"),
        ("$${NAME}", "${NAME}"),
        ("$$${NAME}", "$${NAME}"),
        ("$NAME $ $$ }", "$NAME $ $$ }"),
    ] {
        let (value, _, said) = done(json!({ "a": [text, 1] }));
        assert_eq!(
            (value, said.as_str()),
            (json!({ "a": [wanted, 1] }), ""),
            "{text}"
        );
    }
    let (_, interpolated, _) = done(json!({"a": "${NAME}", "b": "$${NAME}", "c": "plain"}));
    assert_eq!(interpolated.replaced.into_iter().collect::<Vec<_>>(), ["a"]);
}

#[test]
fn everything_that_is_missing_is_named_at_once() {
    let (value, interpolated, said) = done(json!({
        "a": "${ONE}${TWO}", "b": ["${file:nowhere}"], "c": "${open", "d": "${NAME:-x}", "e": "${}"
    }));
    let missing = "set `ONE`, or write `$${` for the text itself";
    assert!(said.starts_with(&format!(
        "a: the environment has no variable `ONE` ({missing})"
    )));
    assert!(
        said.contains("a: the environment has no variable `TWO`"),
        "{said}"
    );
    assert!(
        said.contains("b[0]: the file `nowhere` cannot be read: entity not found"),
        "{said}"
    );
    assert!(said.contains("c: `${` is never closed"), "{said}");
    assert!(
        said.contains("d: `${…}` holds no name of a variable"),
        "{said}"
    );
    assert!(
        said.contains("e: `${…}` holds no name of a variable"),
        "{said}"
    );
    assert_eq!(interpolated.failed.len(), 5);
    assert_eq!(value.pointer("/a"), Some(&json!("${ONE}${TWO}")));
}
