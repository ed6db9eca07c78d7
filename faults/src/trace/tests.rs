use super::*;

/// Of the run whose id is sixteen times `m`.
const WRITE: &str = r#"7 pwrite64(9</d/tieline.db-wal>, "..mmmmmmmmmmmmmmmm..", 8192, 32) = 8192"#;
const RUN: Uuid = Uuid::from_bytes([b'm'; 16]);
const ANSWER: &str =
    r#"8 writev(12<socket:[5]>, [{iov_base="HTTP/1.1 202 Accepted\r\n", iov_len=3}], 1) = 3"#;

fn holds(lines: &[&str]) -> bool {
    let mut verdict = Verdict::new("R3", "a test");
    Trace::of(&lines.join("\n")).judge(&[RUN], &mut verdict);
    verdict.holds()
}

#[test]
fn a_sync_that_ended_between_the_write_and_the_answer_is_enough() {
    assert!(holds(&[
        WRITE,
        "7 fdatasync(9</d/tieline.db-wal>)       = 0",
        ANSWER
    ]));
    let split = [
        WRITE,
        "7 fdatasync(9</d/tieline.db-wal> <unfinished ...>",
        "8 write(3<pipe:[1]>, \"x\", 1)  = 1",
        "7 <... fdatasync resumed>)             = 0",
        ANSWER,
    ];
    assert!(holds(&split));
}

#[test]
fn an_answer_without_a_finished_sync_is_found() {
    let begun = "7 fdatasync(9</d/tieline.db-wal> <unfinished ...>";
    let ended = "7 <... fdatasync resumed>)             = 0";
    assert!(!holds(&[WRITE, ANSWER]));
    assert!(!holds(&[WRITE, begun, ANSWER, ended]));
    assert!(!holds(&[
        "7 fdatasync(9</d/tieline.db-wal>) = 0",
        WRITE,
        ANSWER
    ]));
    assert!(!holds(&[
        WRITE,
        "7 fdatasync(8</d/tieline.db>) = 0",
        ANSWER
    ]));
}

#[test]
fn a_sync_that_failed_or_was_feigned_is_none_and_no_later_one_makes_it_good() {
    let good = "7 fdatasync(9</d/tieline.db-wal>) = 0";
    let failed = "7 fdatasync(9</d/tieline.db-wal>) = -1 EIO (Input/output error) (INJECTED)";
    let feigned = "7 fdatasync(9</d/tieline.db-wal>) = 0 (INJECTED)";
    assert!(!holds(&[WRITE, failed, good, ANSWER]));
    assert!(!holds(&[WRITE, feigned, ANSWER]));
}

#[test]
fn bytes_are_read_whatever_they_are() {
    let hex = |bytes: &[u8]| -> String {
        bytes
            .iter()
            .fold(String::new(), |text, byte| text + &format!("\\x{byte:02x}"))
    };
    let run = Uuid::from_bytes([
        0, 1, b'"', b'<', b'x', 0xff, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16,
    ]);
    let path = hex(b"/d/tieline.db-wal");
    let written = hex(&[b"..", &run.as_bytes()[..], b"3"].concat());
    let answered = hex(b"HTTP/1.1 202 Accepted");
    let lines = [
        format!("7 pwrite64(9<{path}>, \"{written}\", 19, 32) = 19"),
        format!("7 fdatasync(9<{path}>) = 0"),
        format!("8 write(12<{path}>, \"{answered}\", 21) = 21"),
    ];
    let mut verdict = Verdict::new("R3", "a test");
    Trace::of(&lines.join("\n")).judge(&[run], &mut verdict);
    assert!(verdict.holds());
    let mut verdict = Verdict::new("R3", "a test");
    Trace::of(&lines.join("\n")).judge(&[RUN], &mut verdict);
    assert!(!verdict.holds(), "of another run nothing was written");
}
