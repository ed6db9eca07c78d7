use super::{EXCERPT, Redactor};
use crate::tests::assignment;
use tieline_contract::Callback;

const SECRET: &str = "canary-0123456789";

#[test]
fn secrets_are_masked_wherever_they_stand() {
    let mut assignment = assignment("1");
    let (url, token) = ("/callback".to_owned(), "settle-token".to_owned());
    assignment.callback = Some(Callback { url, token });
    let own = [SECRET, "canary-0123456789-and-more", "80"];
    let redactor = Redactor::new(own.into_iter(), &assignment);
    let raw = format!("\x1b[31m{SECRET}{SECRET}-and-more port 80, settle-token\n");
    assert_eq!(redactor.start(raw.as_bytes()), "[31m****** port 80, ***");
    assert_eq!(redactor.end(raw.as_bytes()), "[31m****** port 80, ***");
    assert!(!format!("{assignment:?}").contains("settle-token"));
}

#[test]
fn no_part_of_a_secret_is_left_at_an_edge() {
    let assignment = assignment("1");
    let redactor = Redactor::new([SECRET].into_iter(), &assignment);
    for shift in 0..=SECRET.len() {
        let (before, after) = ("a".repeat(EXCERPT - shift), "z".repeat(EXCERPT - shift));
        let head = format!("{before}{SECRET}");
        let shown = redactor.start(head.as_bytes());
        assert!(!shown.contains('c'), "{shift}");

        let tail = format!("{SECRET}{after}");
        assert!(!redactor.end(tail.as_bytes()).contains('9'), "{shift}");

        // The ring keeps the excerpt and a margin; what came before is gone.
        let kept = EXCERPT + redactor.margin();
        let long = format!("{SECRET}{}", "z".repeat(kept - shift));
        let ring = &long.as_bytes()[long.len() - kept..];
        assert!(!redactor.end(ring).contains('9'), "{shift}");
    }
}

#[test]
fn excerpts_are_bounded_and_readable() {
    let assignment = assignment("1");
    let redactor = Redactor::new(std::iter::empty(), &assignment);
    for long in ["é".repeat(EXCERPT).into_bytes(), vec![0xff; 2 * EXCERPT]] {
        assert!(redactor.start(&long).len() <= EXCERPT);
        assert!(redactor.end(&long).len() <= EXCERPT);
    }
    assert_eq!(redactor.start(b"a\0b\xff\nc\n"), "ab?\nc");
    assert_eq!(redactor.start(b""), "");

    let lines = "one line\n".repeat(EXCERPT);
    assert!(redactor.end(lines.as_bytes()).starts_with("one line\n"));
    let half = format!("{}\nlast\n", "x".repeat(EXCERPT));
    assert_eq!(redactor.end(half.as_bytes()), "last");
    let one = format!("{}\n", "x".repeat(EXCERPT));
    assert_eq!(redactor.end(one.as_bytes()).len(), EXCERPT - 1);
}
