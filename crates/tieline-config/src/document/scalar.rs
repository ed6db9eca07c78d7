//! What an unquoted text means: the core schema of YAML 1.2.2, section 10.3.2.

use serde_json::{Number, Value};

/// Why an unquoted text has no meaning that can be kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BadScalar {
    TooLarge,
    NotFinite,
}

impl BadScalar {
    pub(super) const fn message(self) -> &'static str {
        match self {
            Self::TooLarge => "the number is too large to be kept exactly",
            Self::NotFinite => "the number is not finite",
        }
    }
}

/// Resolves an unquoted text.
pub(crate) fn resolve(text: &str) -> Result<Value, BadScalar> {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Ok(Value::Null),
        "true" | "True" | "TRUE" => return Ok(Value::Bool(true)),
        "false" | "False" | "FALSE" => return Ok(Value::Bool(false)),
        _ => {}
    }
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    if matches!(unsigned, ".inf" | ".Inf" | ".INF") || matches!(text, ".nan" | ".NaN" | ".NAN") {
        return Err(BadScalar::NotFinite);
    }
    for (prefix, radix) in [("0o", 8), ("0x", 16)] {
        let Some(digits) = text.strip_prefix(prefix) else {
            continue;
        };
        if !digits.is_empty() && digits.chars().all(|c| c.is_digit(radix)) {
            let number = u64::from_str_radix(digits, radix).map_err(|_| BadScalar::TooLarge)?;
            return Ok(Value::Number(number.into()));
        }
    }
    if is_digits(unsigned) {
        return integer(text);
    }
    if is_float(unsigned) {
        let number: f64 = text.parse().map_err(|_| BadScalar::NotFinite)?;
        let number = Number::from_f64(number).ok_or(BadScalar::TooLarge)?;
        return Ok(Value::Number(number));
    }
    Ok(Value::String(text.to_owned()))
}

fn integer(text: &str) -> Result<Value, BadScalar> {
    let digits = text.strip_prefix('+').unwrap_or(text);
    if let Ok(number) = digits.parse::<u64>() {
        return Ok(Value::Number(number.into()));
    }
    let number = digits.parse::<i64>().map_err(|_| BadScalar::TooLarge)?;
    Ok(Value::Number(number.into()))
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}

/// `( \. [0-9]+ | [0-9]+ ( \. [0-9]* )? ) ( [eE] [-+]? [0-9]+ )?`
fn is_float(text: &str) -> bool {
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (text, None),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let mantissa = match (whole, fraction) {
        ("", fraction) => is_digits(fraction),
        (whole, "") => is_digits(whole),
        (whole, fraction) => is_digits(whole) && is_digits(fraction),
    };
    let exponent = exponent.is_none_or(|e| is_digits(e.strip_prefix(['-', '+']).unwrap_or(e)));
    mantissa && exponent
}
