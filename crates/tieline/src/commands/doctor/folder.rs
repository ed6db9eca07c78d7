//! The data folder: there, ours, and private.

use std::fs;
use std::io;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::Path;

use super::report::Report;

/// How many files are named.
const NAMED: usize = 5;

/// Whether there is a folder that can be looked into.
pub(super) fn examine(folder: &Path, report: &mut Report) -> bool {
    let shown = folder.display();
    let entries = fs::metadata(folder).and_then(|about| {
        let entries = fs::read_dir(folder)?.collect::<io::Result<Vec<_>>>()?;
        Ok((about, entries))
    });
    let (about, entries) = match entries {
        Ok(found) => found,
        Err(error) => {
            let fix = match error.kind() {
                io::ErrorKind::NotFound => {
                    "name it with `--data`; the first start of the hub makes it"
                }
                io::ErrorKind::PermissionDenied => "ask as the user that the hub runs as",
                _ => "name the hub's data folder with `--data`",
            };
            report.fail("data folder", format!("`{shown}`: {error}"), fix);
            return false;
        }
    };
    report.ok("data folder", format!("`{shown}`"));
    let (owner, me) = (about.uid(), rustix::process::geteuid().as_raw());
    if owner == me || me == 0 {
        report.ok("owner", format!("user {owner}"));
    } else {
        let what = format!("it belongs to user {owner}, and this is user {me}");
        report.fail(
            "owner",
            what,
            "ask, and run the hub, as the user whose it is",
        );
    }
    modes(folder, &about, &entries, report);
    true
}

fn modes(folder: &Path, about: &fs::Metadata, entries: &[fs::DirEntry], report: &mut Report) {
    let shown = folder.display();
    let mode = about.permissions().mode() & 0o777;
    if mode & 0o022 != 0 {
        let what = format!("others may write to it, its mode is {mode:o}");
        report.fail("privacy", what, &format!("`chmod 700 {shown}`"));
        return;
    }
    if mode & 0o077 != 0 {
        let what = format!("others may look into it, its mode is {mode:o}");
        report.warn("privacy", what, &format!("`chmod 700 {shown}`"));
        return;
    }
    let open = |entry: &&fs::DirEntry| {
        let about = entry.metadata();
        about.is_ok_and(|about| about.is_file() && about.permissions().mode() & 0o077 != 0)
    };
    let open: Vec<_> = entries
        .iter()
        .filter(open)
        .map(fs::DirEntry::path)
        .collect();
    if open.is_empty() {
        report.ok("privacy", "nobody else may read it");
        return;
    }
    let named: Vec<_> = open
        .iter()
        .take(NAMED)
        .map(|path| path.display().to_string())
        .collect();
    let what = format!("{} files have a mode for others", open.len());
    report.warn("privacy", what, &format!("`chmod 600 {}`", named.join(" ")));
}
