//! How deep JSON nests, told before any parser sees it: a parser recurses, and this does not.

/// Levels of arrays and objects within each other that the hub takes from anyone outside.
pub const NESTING_MAX: usize = 64;

/// How deep the text nests as far as it is valid JSON: counted in one pass.
pub fn nesting(text: &str) -> usize {
    let (mut level, mut deepest) = (0_usize, 0);
    let (mut in_string, mut escaped) = (false, false);
    for byte in text.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            b'[' | b'{' if !in_string => {
                level += 1;
                deepest = deepest.max(level);
            }
            b']' | b'}' if !in_string => level = level.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}
