//! How deep JSON nests and how much it holds, told before any parser sees it: a parser recurses and
//! allocates, and this does neither.

use memchr::memchr2;

/// Levels of arrays and objects within each other that the hub takes from anyone outside.
pub const NESTING_MAX: usize = 64;

/// Most values in JSON text from outside that is made into a tree of values, for an expression or a
/// template. Each may cost some hundred bytes there, and two in the text.
pub const VALUES_MAX: usize = 1 << 18;

/// How deep the text nests as far as it is valid JSON: counted in one pass.
pub fn nesting(text: &str) -> usize {
    let (mut level, mut deepest) = (0_usize, 0);
    let mut rest = text.as_bytes();
    while let Some((byte, behind)) = rest.split_first() {
        rest = behind;
        match byte {
            b'"' => rest = behind_string(rest),
            b'[' | b'{' => {
                level += 1;
                deepest = deepest.max(level);
            }
            b']' | b'}' => level = level.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

/// How many values the text holds at the most, as far as it is valid JSON: counted in one pass.
/// A list or an object without anything in it counts for two.
pub fn values(text: &str) -> usize {
    let mut count = 1;
    let mut rest = text.as_bytes();
    while let Some((byte, behind)) = rest.split_first() {
        rest = behind;
        match byte {
            b'"' => rest = behind_string(rest),
            b'[' | b'{' | b',' => count += 1,
            _ => {}
        }
    }
    count
}

/// What stands behind a string of which the first quote was read; nothing where it has no end.
fn behind_string(mut text: &[u8]) -> &[u8] {
    while let Some(at) = memchr2(b'"', b'\\', text) {
        text = match text.split_at(at).1 {
            [b'"', behind @ ..] => return behind,
            // A backslash, and what it stands before.
            [_, _, behind @ ..] => behind,
            _ => &[],
        };
    }
    &[]
}

#[cfg(test)]
mod tests;
