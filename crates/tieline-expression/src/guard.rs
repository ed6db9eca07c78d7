//! Looks at the text before the parser does, which recurses and would overflow its stack.

use crate::error::ExpressionError;

/// Most bytes of an expression.
pub(crate) const MOST_BYTES: usize = 4096;
/// Most brackets of any kind inside one another.
const MOST_DEPTH: usize = 32;
/// Most operators, dots and commas together. Each may be one level of recursion.
const MOST_OPERATORS: usize = 256;

/// Refuses text that could take the parser too deep. Quotes are not understood on purpose: counting
/// what stands inside a string errs on the safe side, and a clever quote cannot hide anything.
pub(crate) fn check(text: &str) -> Result<(), ExpressionError> {
    if text.len() > MOST_BYTES {
        return Err(ExpressionError::TooComplex {
            what: "too many bytes",
            most: MOST_BYTES,
        });
    }
    let mut depth = 0_usize;
    let mut operators = 0_usize;
    for byte in text.bytes() {
        match byte {
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' => depth = depth.saturating_sub(1),
            b'+' | b'-' | b'*' | b'/' | b'%' | b'!' | b'?' | b':' | b'<' | b'>' | b'=' | b'&'
            | b'|' | b'.' | b',' => operators += 1,
            _ => {}
        }
        if depth > MOST_DEPTH {
            let what = "brackets nested too deeply";
            return Err(ExpressionError::TooComplex {
                what,
                most: MOST_DEPTH,
            });
        }
    }
    // The only operator that is a word.
    operators += text
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| *word == "in")
        .count();
    if operators > MOST_OPERATORS {
        let what = "too many operators, dots and commas";
        return Err(ExpressionError::TooComplex {
            what,
            most: MOST_OPERATORS,
        });
    }
    Ok(())
}
