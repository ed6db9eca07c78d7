use super::Counts;

fn read(lines: &[&str]) -> Counts {
    let mut counts = Counts::default();
    for line in lines {
        counts.read_line(line);
    }
    counts
}

#[test]
fn reads_a_nextest_summary_with_remarks_in_parentheses() {
    let line = "     Summary [  10.054s] 12 tests run: 9 passed (1 slow, 2 leaky), \
                2 failed, 1 timed out, 3 skipped";
    assert_eq!(
        read(&[line]),
        Counts {
            passed: 9,
            failed: 3,
            skipped: 3
        }
    );
}

#[test]
fn reads_a_nextest_summary_of_one_test() {
    let line = "     Summary [   0.004s] 1 test run: 1 passed, 0 skipped\n";
    assert_eq!(
        read(&[line]),
        Counts {
            passed: 1,
            failed: 0,
            skipped: 0
        }
    );
}

#[test]
fn reads_an_interrupted_nextest_summary() {
    let line = "     Summary [   2.000s] 5/60 tests run: 4 passed, 1 failed, 8 skipped";
    assert_eq!(
        read(&[line]),
        Counts {
            passed: 4,
            failed: 1,
            skipped: 8
        }
    );
}

#[test]
fn adds_up_the_lines_of_cargo_test() {
    let lines = [
        "test result: ok. 5 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0s",
        "test result: FAILED. 2 passed; 1 failed; 0 ignored; 0 measured; 4 filtered out",
    ];
    assert_eq!(
        read(&lines),
        Counts {
            passed: 7,
            failed: 1,
            skipped: 1
        }
    );
}

#[test]
fn counts_a_failure_under_nextest_once() {
    let lines = [
        "    test result: FAILED. 0 passed; 1 failed; 0 ignored; 0 measured; 27 filtered out",
        "     Summary [   0.630s] 61 tests run: 60 passed, 1 failed, 0 skipped",
    ];
    assert_eq!(
        read(&lines),
        Counts {
            passed: 60,
            failed: 1,
            skipped: 0
        }
    );
}

#[test]
fn ignores_what_a_test_prints() {
    let lines = [
        "12 passed, 3 failed",
        "a test run: 4 passed",
        "test result: not really",
    ];
    assert_eq!(read(&lines), Counts::default());
}

#[test]
fn prints_the_closing_line_that_tools_read() {
    let counts = Counts {
        passed: 412,
        failed: 0,
        skipped: 3,
    };
    assert_eq!(counts.to_string(), "412 passed, 0 failed, 3 skipped");
}
