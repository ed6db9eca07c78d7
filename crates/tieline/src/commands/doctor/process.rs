//! What the system lets the hub's process have.

use std::fs;

use rustix::process::{Resource, getrlimit};

use super::report::Report;

/// Files below which a busy hub runs out of them: it needs one for each connection.
const FEW_FILES: u64 = 4096;

/// Looks at the hub's own limits where it runs, and at this process's where it does not.
pub(super) fn examine(hub: Option<u32>, report: &mut Report) {
    let of_hub = hub.and_then(limit_of);
    let whose = if of_hub.is_some() {
        "the hub"
    } else {
        "a process of this user"
    };
    let own = || getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
    let files = of_hub.unwrap_or_else(own);
    let shown = if files == u64::MAX {
        "any number of".to_owned()
    } else {
        files.to_string()
    };
    let what = format!("{whose} may have {shown} files open");
    if files < FEW_FILES {
        let fix = "`ulimit -n 65536` before the start, or `LimitNOFILE=65536` in the hub's unit";
        report.warn("open files", what, fix);
    } else {
        report.ok("open files", what);
    }
}

/// As the system tells it of another process; only Linux does.
fn limit_of(process: u32) -> Option<u64> {
    soft_limit(&fs::read_to_string(format!("/proc/{process}/limits")).ok()?)
}

fn soft_limit(limits: &str) -> Option<u64> {
    let mut lines = limits.lines();
    let files = lines.find_map(|line| line.strip_prefix("Max open files"))?;
    match files.split_whitespace().next()? {
        "unlimited" => Some(u64::MAX),
        number => number.parse().ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_of_another_process_is_read() {
        let limits = "Limit                     Soft Limit           Hard Limit           Units     \n\
                      Max processes             127452               127452               processes \n\
                      Max open files            1024                 524288               files     \n";
        assert_eq!(soft_limit(limits), Some(1024));
        assert_eq!(
            soft_limit(&limits.replace("1024  ", "unlimited")),
            Some(u64::MAX)
        );
        assert_eq!(soft_limit("nothing"), None);
    }
}
