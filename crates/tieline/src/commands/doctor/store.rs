//! The database: its schema, what is damaged, what is open, and its clock.

use std::path::Path;
use std::time::Duration;

use tieline_model::quantity::Span;
use tieline_model::{DeliveryState, Reason, RunState, Timestamp};
use tieline_store_sqlite::{Depth, Examination, Open, OpenError, Severity, SqliteStore};
use tieline_vault::Vault;

use super::report::Report;
use crate::output::size;

/// After how long somebody should look at what does not get on.
const LONG: Duration = Duration::from_hours(1);
/// By how much two clocks may differ.
const SKEW: Duration = Duration::from_mins(1);

/// How to look.
pub(super) struct Asked<'a> {
    pub(super) depth: Depth,
    /// With it, bodies are opened to see whether they are whole.
    pub(super) vault: Option<&'a Vault>,
    pub(super) now: Timestamp,
}

pub(super) fn examine(path: &Path, asked: &Asked<'_>, report: &mut Report) {
    let Asked { depth, vault, now } = *asked;
    if !path.exists() {
        let what = format!("there is none: `{}` does not exist", path.display());
        report.warn(
            "database",
            what,
            "nothing: the first start of the hub makes it",
        );
        return;
    }
    let seen = match SqliteStore::examine(path, depth, vault) {
        Ok(seen) => seen,
        Err(error) => {
            let fix = match &error {
                OpenError::Newer { .. } => "use the binary that wrote it, or a newer one",
                OpenError::Foreign { .. } => "name the hub's data folder with `--data`",
                _ => "ask as the user that the hub runs as",
            };
            let what = format!("failed to {:#}", anyhow::Error::new(error));
            report.fail("database", what, fix);
            return;
        }
    };
    report.ok("schema", format!("version {}", seen.schema));
    if let (Some(master), Some(_)) = (seen.master, vault) {
        report.ok(
            "vault",
            format!("the store is sealed by the master key {master}"),
        );
    }
    damage(&seen, depth, report);
    open("runs", &seen.runs, now, RunState::as_str, report);
    open(
        "deliveries",
        &seen.deliveries,
        now,
        DeliveryState::as_str,
        report,
    );
    clock(&seen, now, report);
}

fn damage(seen: &Examination, depth: Depth, report: &mut Report) {
    for finding in &seen.findings {
        match finding.severity {
            Severity::Error => report.fail("database", &*finding.what, &finding.fix),
            Severity::Warning => report.warn("database", &*finding.what, &finding.fix),
            Severity::Note => report.ok("database", &*finding.what),
        }
    }
    if seen
        .findings
        .iter()
        .any(|finding| finding.severity == Severity::Error)
    {
        return;
    }
    let sizes = format!("{}, log {}", size(seen.file_bytes), size(seen.log_bytes));
    let what = match depth {
        Depth::Quick => format!("{sizes}; no page is damaged (`--full` looks at every body too)"),
        Depth::Full if seen.bodies == 0 => format!("{sizes}; nothing is damaged"),
        Depth::Full => format!(
            "{sizes}; nothing is damaged, {} bodies are whole",
            seen.bodies
        ),
    };
    report.ok("database", what);
}

fn open<State: Copy>(
    name: &'static str,
    open: &[Open<State>],
    now: Timestamp,
    state: impl Fn(State) -> &'static str,
    report: &mut Report,
) {
    if open.is_empty() {
        report.ok(name, "none is open");
    }
    for rows in open {
        let age = now.since(rows.since);
        let reason = rows
            .reason
            .map_or(String::new(), |reason| format!(" ({})", reason.as_str()));
        let since = Span(Duration::from_secs(age.as_secs()));
        let what = format!(
            "{} {}{reason}, the first since {since}",
            rows.count,
            state(rows.state)
        );
        match fix(name, rows.reason, age) {
            Some(fix) => report.warn(name, what, &fix),
            None => report.ok(name, what),
        }
    }
}

/// What a person has to do, or should look at.
fn fix(name: &str, reason: Option<Reason>, age: Duration) -> Option<String> {
    match reason {
        Some(Reason::Held | Reason::Paused) => Some(format!(
            "they wait for you: `tieline {name} list --status waiting`, then `release` or `cancel`"
        )),
        None if age > LONG => Some(format!(
            "see whether the hub runs and what is paused: `tieline {} list`",
            if name == "runs" {
                "agents"
            } else {
                "connectors"
            }
        )),
        Some(Reason::Outage) if age > LONG => Some(format!(
            "see why it cannot be reached: `tieline {name} list --status waiting`"
        )),
        _ => None,
    }
}

fn clock(seen: &Examination, now: Timestamp, report: &mut Report) {
    let Some(newest) = seen.newest else {
        report.ok("clock", format!("{now}"));
        return;
    };
    let ahead = newest.since(now);
    if ahead > SKEW {
        let ahead = Span(Duration::from_secs(ahead.as_secs()));
        let what = format!("it is {now}, and the newest event came {ahead} later");
        report.warn(
            "clock",
            what,
            "set the clock of this machine, by NTP for example",
        );
    } else {
        report.ok("clock", format!("it is {now}, and no event came later"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(look: impl FnOnce(&mut Report)) -> String {
        let mut report = Report::default();
        look(&mut report);
        report.to_text()
    }

    #[test]
    fn what_waits_for_a_person_or_too_long_is_a_warning() {
        let now = Timestamp::from_millis(1_700_000_000_000);
        let rows = |reason, age| Open {
            state: RunState::Waiting,
            reason,
            count: 2,
            since: now.minus(age),
        };
        for (reason, age, warned) in [
            (None, Duration::from_mins(59), false),
            (None, Duration::from_mins(61), true),
            (Some(Reason::Held), Duration::ZERO, true),
            (Some(Reason::Paused), Duration::ZERO, true),
            (Some(Reason::Retry), Duration::from_hours(9), false),
            (Some(Reason::Answer), Duration::from_hours(9), false),
            (Some(Reason::Outage), Duration::from_mins(59), false),
            (Some(Reason::Outage), Duration::from_mins(61), true),
        ] {
            let said =
                said(|report| open("runs", &[rows(reason, age)], now, RunState::as_str, report));
            assert_eq!(said.starts_with("warn"), warned, "{said}");
        }
    }

    #[test]
    fn a_clock_that_was_set_back_is_a_warning() {
        let now = Timestamp::from_millis(1_700_000_000_000);
        for (newest, warned) in [
            (None, false),
            (Some(now.minus(LONG)), false),
            (Some(now.plus(Duration::from_secs(59))), false),
            (Some(now.plus(LONG)), true),
        ] {
            let seen = Examination {
                newest,
                ..Examination::default()
            };
            let said = said(|report| clock(&seen, now, report));
            assert_eq!(said.starts_with("warn"), warned, "{said}");
        }
    }
}
