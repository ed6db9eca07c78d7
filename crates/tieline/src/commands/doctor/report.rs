//! What a doctor found, in the order in which it looked.

use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::output;

/// How a thing is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Status {
    Ok,
    /// It works, and somebody should look.
    Warn,
    /// It does not work, or something is lost.
    Fail,
}

impl Status {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warn => "warn",
            Self::Fail => "fail",
        }
    }
}

/// One thing that was looked at.
struct Check {
    name: &'static str,
    status: Status,
    what: String,
    fix: Option<String>,
}

#[derive(Default)]
pub(super) struct Report(Vec<Check>);

impl Report {
    pub(super) fn ok(&mut self, name: &'static str, what: impl Into<String>) {
        self.add(name, Status::Ok, what.into(), None);
    }

    pub(super) fn warn(&mut self, name: &'static str, what: impl Into<String>, fix: &str) {
        self.add(name, Status::Warn, what.into(), Some(fix.to_owned()));
    }

    pub(super) fn fail(&mut self, name: &'static str, what: impl Into<String>, fix: &str) {
        self.add(name, Status::Fail, what.into(), Some(fix.to_owned()));
    }

    /// Something that could not be looked at. What its text says to do is in the text.
    pub(super) fn failed(&mut self, name: &'static str, error: &anyhow::Error) {
        let text = format!("{error:#}");
        match text.split_once("\n  fix: ") {
            Some((what, fix)) => self.fail(name, what, fix),
            None => self.add(name, Status::Fail, text, None),
        }
    }

    fn add(&mut self, name: &'static str, status: Status, what: String, fix: Option<String>) {
        self.0.push(Check {
            name,
            status,
            what,
            fix,
        });
    }

    pub(super) fn has_failed(&self) -> bool {
        self.count(Status::Fail) > 0
    }

    fn count(&self, status: Status) -> usize {
        self.0.iter().filter(|check| check.status == status).count()
    }

    /// `{"ok":…,"checks":[{"check":…,"status":"ok|warn|fail","what":…,"fix":…}]}`.
    pub(super) fn to_json(&self) -> Value {
        let check = |check: &Check| {
            json!({
                "check": check.name,
                "status": check.status.as_str(),
                "what": check.what,
                "fix": check.fix,
            })
        };
        let checks: Vec<Value> = self.0.iter().map(check).collect();
        json!({ "ok": !self.has_failed(), "checks": checks })
    }

    pub(super) fn to_text(&self) -> String {
        let names = self.0.iter().map(|check| check.name.len());
        let width = names.max().unwrap_or_default();
        let mut text = String::new();
        for Check {
            name,
            status,
            what,
            fix,
        } in &self.0
        {
            let (status, what) = (status.as_str(), output::plain(what));
            writeln!(text, "{status:<4}  {name:<width$}  {what}").expect("a string takes it");
            if let Some(fix) = fix {
                let (blank, fix) = ("", output::plain(fix));
                writeln!(text, "{blank:6}{blank:width$}  fix: {fix}").expect("a string takes it");
            }
        }
        let (warnings, failures) = (self.count(Status::Warn), self.count(Status::Fail));
        let all = self.0.len();
        writeln!(
            text,
            "{all} looked at: {failures} wrong, {warnings} to look after"
        )
        .expect("a string takes it");
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_is_said_with_what_to_do() {
        let mut report = Report::default();
        report.ok("data folder", "there");
        report.warn("disk", "1.0 GiB free\u{1b}", "make room");
        assert!(!report.has_failed());
        let error = anyhow::anyhow!("there is none\n  fix: make one");
        report.failed("database", &error.context("failed"));
        insta::assert_snapshot!(report.to_text(), @r"
        ok    data folder  there
        warn  disk         1.0 GiB free\u{1b}
                           fix: make room
        fail  database     failed: there is none
                           fix: make one
        3 looked at: 1 wrong, 1 to look after
        ");
        assert!(report.has_failed());
        let shown = report.to_json();
        assert_eq!(
            (&shown["ok"], &shown["checks"][2]["fix"]),
            (&json!(false), &json!("make one"))
        );
    }
}
