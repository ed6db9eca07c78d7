//! Programs that only some machines have. Nothing here installs any.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Whether a program is there; else why the round cannot be carried out, with the command that helps.
pub(crate) fn program(name: &str) -> Result<(), String> {
    let tried = Command::new(name).arg("-V").output();
    tried.map(drop).map_err(|_| missing(name))
}

/// Where Debian's `faketime` keeps the library for programs with threads.
pub(crate) fn faketime() -> Result<PathBuf, String> {
    let file = Path::new("faketime/libfaketimeMT.so.1");
    let folders = fs::read_dir("/usr/lib").into_iter().flatten().flatten();
    folders
        .map(|folder| folder.path().join(file))
        .find(|library| library.is_file())
        .ok_or_else(|| missing("faketime"))
}

fn missing(package: &str) -> String {
    format!("this machine has no {package}: `apt-get install {package}`, or run with --rigs")
}
