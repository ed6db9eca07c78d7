//! Where and of what the figures were measured: without it they mean nothing.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::disk::{Rate, Rates};
use crate::report::{Table, count, tenths};

/// One fact a line, as a Markdown list.
pub(crate) fn facts(root: &Path) -> String {
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let facts = [
        ("commit", commit(root)),
        ("compiler", said("rustc", &["--version"], root)),
        ("processor", format!("{cores} × {}", processor())),
        ("kernel", file("/proc/sys/kernel/osrelease")),
        ("load before (1, 5, 15 min)", load()),
    ];
    let lines = facts.map(|(name, value)| format!("- {name}: {value}\n"));
    lines.concat()
}

/// The disk's rates as a table, before and after everything else.
pub(crate) fn disk(before: Rates, after: Rates) -> Table {
    let columns = [
        "one after the other",
        "per second, before",
        "per second, after",
        "CPU µs each, before",
        "CPU µs each, after",
    ];
    let mut table = Table::new("The disk: a small write, then fdatasync", &columns);
    let mut row = |name: &str, before: Rate, after: Rate| {
        table.row(vec![
            name.to_owned(),
            count(before.per_second),
            count(after.per_second),
            tenths(before.cpu_micros),
            tenths(after.cpu_micros),
        ]);
    };
    row("append 512 B", before.append, after.append);
    row("overwrite 4 KiB", before.overwrite, after.overwrite);
    table
}

fn commit(root: &Path) -> String {
    let commit = said("git", &["rev-parse", "--short=12", "HEAD"], root);
    let changed = said("git", &["status", "--porcelain"], root);
    if changed.is_empty() {
        commit
    } else {
        format!("{commit}, with uncommitted changes")
    }
}

fn processor() -> String {
    let cpus = file("/proc/cpuinfo");
    let model = cpus.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        (name.trim() == "model name").then(|| value.trim().to_owned())
    });
    model.unwrap_or_else(|| std::env::consts::ARCH.to_owned())
}

fn load() -> String {
    let averages = file("/proc/loadavg");
    let three: Vec<_> = averages.split(' ').take(3).collect();
    three.join(", ")
}

fn file(path: &str) -> String {
    fs::read_to_string(path)
        .map_or_else(|_| "unknown".to_owned(), |text| text.trim_end().to_owned())
}

fn said(program: &str, args: &[&str], root: &Path) -> String {
    let output = Command::new(program).args(args).current_dir(root).output();
    output.map_or_else(
        |_| "unknown".to_owned(),
        |output| {
            String::from_utf8_lossy(&output.stdout)
                .trim_end()
                .to_owned()
        },
    )
}
