//! What people and programs read: data on standard output, everything else on standard error.
//!
//! Payloads come from strangers. Nothing of them reaches a terminal as a control character.

mod progress;
mod table;

use std::borrow::Cow;
use std::fmt::Write as _;
use std::io::{self, IsTerminal as _, Write as _};

use anyhow::Context as _;
use serde_json::Value;

pub(crate) use self::progress::Progress;
pub(crate) use self::table::{details, items};

/// Writes data to standard output, with a newline at its end.
///
/// A reader that has gone away (`| head`) is no failure.
pub(crate) fn data(text: &str) -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    let newline = if text.is_empty() || text.ends_with('\n') {
        ""
    } else {
        "\n"
    };
    let written = out
        .write_all(text.as_bytes())
        .and_then(|()| out.write_all(newline.as_bytes()))
        .and_then(|()| out.flush());
    match written {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => other.context("failed to write to standard output"),
    }
}

/// Writes one JSON value to standard output, indented.
pub(crate) fn json(value: &Value) -> anyhow::Result<()> {
    data(&json_text(value))
}

/// Says something to people on standard error.
pub(crate) fn note(text: &str) {
    // There is nobody left to tell where even this cannot be written.
    writeln!(io::stderr().lock(), "{text}").ok();
}

/// Says why the command failed.
pub(crate) fn failure(error: &anyhow::Error) {
    note(&plain_lines(&format!("error: {error:#}")));
}

/// Bytes as people read them.
pub(crate) fn size(bytes: u64) -> String {
    const UNITS: [&str; 4] = ["KiB", "MiB", "GiB", "TiB"];
    let mut text = format!("{bytes} bytes");
    let mut whole = 1024;
    for unit in UNITS {
        if bytes < whole {
            break;
        }
        let tenths = bytes % whole * 10 / whole;
        text = format!("{}.{tenths} {unit}", bytes / whole);
        whole *= 1024;
    }
    text
}

/// Whether a person reads standard error.
pub(crate) fn has_reader() -> bool {
    io::stderr().is_terminal()
}

/// Indented JSON whose control characters are escaped, those above ASCII too.
fn json_text(value: &Value) -> String {
    let text = format!("{value:#}");
    let escaped = |c: char| c != '\n' && is_hostile(c);
    if !text.contains(escaped) {
        return text;
    }
    // Outside of texts JSON has none of these, so that an escape is always valid here.
    let mut safe = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if escaped(c) {
            write!(safe, "\\u{:04x}", u32::from(c)).expect("writing to a string does not fail");
        } else {
            safe.push(c);
        }
    }
    safe
}

/// The text with whatever a terminal would obey written out.
pub(crate) fn plain(text: &str) -> Cow<'_, str> {
    escape(text, is_hostile)
}

/// The same for a text of several lines, whose line breaks stay.
pub(crate) fn plain_lines(text: &str) -> Cow<'_, str> {
    escape(text, |c| c != '\n' && is_hostile(c))
}

fn escape(text: &str, hostile: impl Fn(char) -> bool) -> Cow<'_, str> {
    if !text.contains(&hostile) {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if hostile(c) {
            safe.extend(c.escape_default());
        } else {
            safe.push(c);
        }
    }
    Cow::Owned(safe)
}

/// Control characters, line separators, and what turns the direction of writing around.
fn is_hostile(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn nothing_that_a_terminal_obeys_gets_through() {
        assert_eq!(plain("a\u{1b}[31mb\n"), "a\\u{1b}[31mb\\n");
        assert_eq!(plain("\u{9b}31m \u{202e}x"), "\\u{9b}31m \\u{202e}x");
        assert_eq!(plain_lines("a\nb\r"), "a\nb\\r");
        assert_eq!(plain("grüße 🦀"), "grüße 🦀");
    }

    #[test]
    fn sizes_are_short() {
        for (bytes, text) in [
            (0, "0 bytes"),
            (1023, "1023 bytes"),
            (1024, "1.0 KiB"),
            (1_600_000, "1.5 MiB"),
            (u64::MAX, "16777215.9 TiB"),
        ] {
            assert_eq!(size(bytes), text);
        }
    }

    #[test]
    fn json_stays_the_same_value() {
        let value = json!({ "a": "\u{9b}31m\u{202e}\u{1b}", "b": [1, null] });
        let text = json_text(&value);
        assert!(!text.contains(|c| c != '\n' && is_hostile(c)), "{text}");
        assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), value);
    }
}
