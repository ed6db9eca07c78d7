//! What `strace` saw the hub do: in which order it wrote, synced and answered.
//!
//! A call that is seen to have ended before another is seen to begin really had: `strace` stops the
//! thread at both. It must never read a call that was only claimed to have succeeded as one that did.

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};
use uuid::Uuid;

use crate::verdict::Verdict;

/// More than a page of the store, so that all of its text is seen.
const TEXT: &str = "9000";
const CALLS: &str = "trace=write,writev,sendto,sendmsg,pwrite64,fdatasync,fsync";

/// The wrapper of a hub whose calls go to `file`; with `fault`, as in `fdatasync:error=EIO:when=3`.
pub(crate) fn wrapper(file: &Path, fault: Option<&str>) -> Vec<String> {
    let file = file.to_string_lossy();
    let mut words = vec![
        "strace",
        "-f",
        "-y",
        "--seccomp-bpf",
        // Bodies are sealed: what is looked for are ids, which are no text.
        "-xx",
        "-s",
        TEXT,
        "-o",
        &file,
    ];
    words.extend(["-e", CALLS]);
    let mut words: Vec<_> = words.into_iter().map(str::to_owned).collect();
    if let Some(fault) = fault {
        words.extend(["-e".to_owned(), format!("inject={fault}")]);
    }
    words
}

/// A line in which the bytes that are text stand as text. `strace -xx` writes all as `\xNN`.
fn readable(line: &str) -> String {
    let mut pieces = line.split("\\x");
    let mut out = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let (digits, rest) = piece.split_at_checked(2).unwrap_or((piece, ""));
        match u8::from_str_radix(digits, 16) {
            Ok(byte) => out.push_str(&shown(byte)),
            Err(_) => out.push_str(digits),
        }
        out.push_str(rest);
    }
    out
}

/// A byte as [`readable`] has it.
fn shown(byte: u8) -> String {
    if byte.is_ascii_graphic() && !b"\"<>\\".contains(&byte) || byte == b' ' {
        char::from(byte).to_string()
    } else {
        format!("\\x{byte:02x}")
    }
}

/// The calls of one life of the hub, in the order in which they began.
#[derive(Debug)]
pub(crate) struct Trace(Vec<Call>);

#[derive(Debug)]
struct Call {
    name: String,
    args: String,
    /// Lines of the trace; `usize::MAX` where it never returned.
    begun: usize,
    ended: usize,
    result: String,
}

impl Call {
    fn is_on_log(&self) -> bool {
        let file = self.args.split_once('>').map(|(file, _)| file);
        file.is_some_and(|file| file.ends_with("-wal"))
    }

    fn is_sync(&self) -> bool {
        matches!(&*self.name, "fdatasync" | "fsync") && self.is_on_log()
    }

    fn is_acknowledgement(&self) -> bool {
        matches!(&*self.name, "write" | "writev" | "sendto" | "sendmsg")
            && self.args.contains("\"HTTP/1.1 202")
    }

    /// One whose success was only feigned says so behind its result.
    fn has_succeeded(&self) -> bool {
        self.result == "0"
    }
}

impl Trace {
    pub(crate) fn read(file: &Path) -> Result<Self> {
        let text = fs::read(file).with_context(|| format!("read {}", file.display()))?;
        Ok(Self::of(&String::from_utf8_lossy(&text)))
    }

    fn of(text: &str) -> Self {
        let mut calls: Vec<Call> = Vec::new();
        let mut open: HashMap<&str, usize> = HashMap::new();
        let lines: Vec<String> = text.lines().map(readable).collect();
        for (number, line) in lines.iter().enumerate() {
            let Some((thread, rest)) = line.split_once(' ') else {
                continue;
            };
            let rest = rest.trim_start();
            if rest.starts_with("<... ") {
                let call = open.remove(thread).and_then(|at| calls.get_mut(at));
                if let (Some(call), Some((args, result))) = (call, rest.rsplit_once(" = ")) {
                    call.args.push_str(args);
                    (call.ended, call.result) = (number, result.to_owned());
                }
                continue;
            }
            let Some((name, args)) = rest.split_once('(') else {
                continue;
            };
            let ended = args.rsplit_once(" = ");
            let ended = ended.filter(|_| !args.ends_with("<unfinished ...>"));
            if ended.is_none() {
                open.insert(thread, calls.len());
            }
            let (args, result) = ended.unwrap_or((args, ""));
            calls.push(Call {
                name: name.to_owned(),
                args: args.to_owned(),
                begun: number,
                ended: ended.map_or(usize::MAX, |_| number),
                result: result.to_owned(),
            });
        }
        Self(calls)
    }

    /// How many syncs of the log succeeded, and how many failed.
    pub(crate) fn syncs(&self) -> (u64, u64) {
        let syncs = || self.0.iter().filter(|call| call.is_sync());
        let succeeded = syncs().filter(|call| call.has_succeeded()).count() as u64;
        (succeeded, syncs().count() as u64 - succeeded)
    }

    /// Demands that what was acknowledged was synced before. `runs` has one of each event, in the
    /// order in which they were sent and acknowledged, one after the other.
    pub(crate) fn judge(&self, runs: &[Uuid], verdict: &mut Verdict) {
        let answers = self.0.iter().filter(|call| call.is_acknowledgement());
        let answers: Vec<_> = answers.collect();
        verdict.demand(answers.len() == runs.len(), || {
            let (seen, sent) = (answers.len(), runs.len());
            format!("{seen} acknowledgements were written, and {sent} arrived")
        });
        for (run, answer) in runs.iter().zip(answers) {
            let mark: String = run.as_bytes().iter().copied().map(shown).collect();
            let written = self.0.iter().find(|call| {
                call.name == "pwrite64" && call.is_on_log() && call.args.contains(&mark)
            });
            // The first sync after the write decides: one that failed is never made good.
            let synced = written.and_then(|write| {
                let mut syncs = self.0.iter().filter(|call| call.is_sync());
                syncs.find(|sync| sync.begun > write.ended)
            });
            verdict.demand(written.is_some(), || format!("run {run} was never written"));
            let before =
                synced.is_some_and(|sync| sync.has_succeeded() && sync.ended < answer.begun);
            verdict.demand(before, || {
                format!("run {run} was acknowledged without a finished sync")
            });
        }
    }
}

#[cfg(test)]
mod tests;
