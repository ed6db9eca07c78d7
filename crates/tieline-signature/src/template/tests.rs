use super::{Claims, Part, SchemeError, Template};
use crate::Refusal;

fn literal(text: &str) -> Part {
    Part::Literal(text.to_owned())
}

fn with_id(content: Vec<Part>, id: &str) -> Result<(Vec<u8>, Vec<u8>), Refusal> {
    let claims = Claims {
        id: Some(id),
        timestamp: Some("12"),
    };
    let template = Template::new(content, None).unwrap();
    let around = template.fill(claims)?;
    Ok((around.head, around.tail))
}

#[test]
fn parts_are_filled_in_their_order_on_their_side_of_the_body() {
    let content = vec![
        literal("v1:"),
        Part::Id,
        literal("|"),
        Part::Body,
        literal(";"),
        Part::Timestamp,
    ];
    let filled = with_id(content, "m1").unwrap();
    assert_eq!(filled, (b"v1:m1|".to_vec(), b";12".to_vec()));
}

#[test]
fn as_many_parts_as_allowed_are_allowed() {
    let of = |literals: usize| {
        let content = [vec![literal("."); literals], vec![Part::Body]].concat();
        Template::new(content, None).map(|_| ())
    };
    assert_eq!(of(15), Ok(()));
    assert_eq!(of(16), Err(SchemeError::Parts));
}

#[test]
fn a_tolerance_of_nothing_is_a_tolerance() {
    let content = vec![Part::Timestamp, literal("."), Part::Body];
    let template = Template::new(content, Some(0)).unwrap();
    let claims = Claims {
        id: None,
        timestamp: Some("12"),
    };
    assert!(template.admit(claims, 12).is_ok());
    assert_eq!(template.admit(claims, 13).err(), Some(Refusal::TooOld));
    assert_eq!(template.admit(claims, 11).err(), Some(Refusal::TooNew));
}

#[test]
fn ids_are_as_long_as_allowed_and_printable() {
    let content = || vec![Part::Id, literal("."), Part::Body];
    assert!(with_id(content(), &"x".repeat(256)).is_ok());
    for id in ["", " ", "a b", "ü", "a\n", "a\u{7f}", &"x".repeat(257)] {
        assert_eq!(with_id(content(), id), Err(Refusal::Id), "{id}");
    }
}

#[test]
fn only_a_separator_that_could_be_moved_is_refused_in_an_id() {
    // Nothing stands before the literal: what is found again in the id moves nothing.
    let first = || vec![literal("v0:"), Part::Id, literal("."), Part::Body];
    assert!(with_id(first(), "v0:").is_ok());
    assert_eq!(with_id(first(), "a.b"), Err(Refusal::Id));
    let last = || vec![Part::Body, literal("."), Part::Id];
    assert!(with_id(last(), "ab").is_ok());
    assert_eq!(with_id(last(), "a.b"), Err(Refusal::Id));
}
