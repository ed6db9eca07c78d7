//! What a test runner counted, read from its closing lines.

use std::fmt;

/// How many tests ran, and how they ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) passed: u64,
    pub(crate) failed: u64,
    pub(crate) skipped: u64,
}

impl Counts {
    pub(crate) fn add(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
    }

    /// Adds what one line of output says, if it is the closing line of nextest or of `cargo test`.
    ///
    /// nextest: `Summary [ 1.2s] 9 tests run: 7 passed (1 slow), 1 failed, 1 timed out, 3 skipped`;
    /// libtest: `test result: ok. 5 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out`.
    /// nextest shows libtest's line too, indented, for each test that failed: that one is no sum.
    pub(crate) fn read_line(&mut self, line: &str) {
        let counted = if let Some(rest) = line.strip_prefix("test result: ") {
            rest.split_once(". ").map(|(_, counted)| counted)
        } else if line.trim_start().starts_with("Summary [") {
            line.split_once(" run: ").map(|(_, counted)| counted)
        } else {
            None
        };
        for part in without_parentheses(counted.unwrap_or_default()).split([',', ';']) {
            let Some((number, what)) = part.trim().split_once(' ') else {
                continue;
            };
            let Ok(number) = number.parse::<u64>() else {
                continue;
            };
            match what.trim() {
                "passed" => self.passed += number,
                "failed" | "timed out" | "exec failed" | "failed due to leaking handles" => {
                    self.failed += number;
                }
                "skipped" | "ignored" => self.skipped += number,
                _ => {}
            }
        }
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            passed,
            failed,
            skipped,
        } = self;
        write!(f, "{passed} passed, {failed} failed, {skipped} skipped")
    }
}

fn without_parentheses(text: &str) -> String {
    let mut depth = 0_u32;
    let mut kept = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            _ if depth == 0 => kept.push(character),
            _ => {}
        }
    }
    kept
}

#[cfg(test)]
mod tests;
