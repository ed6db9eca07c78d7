//! Durations (`"30s"`), sizes (`"10MiB"`) and rates (`"100/1m"`) as people write them.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A length of time, written as `"500ms"`, `"30s"`, `"5m"`, `"1h30m"` or `"3d"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span(pub Duration);

/// A number of bytes, written as `"512B"`, `"64KiB"`, `"10MiB"` or `"1GiB"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ByteSize(pub u64);

/// So many in a length of time, written as `"10/1s"`, `"100/1m"` or `"5/s"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// At least 1.
    pub count: u32,
    /// At least a millisecond.
    pub per: Span,
}

/// Why a text is no quantity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadQuantity {
    #[error("write a duration as a number and a unit: `500ms`, `30s`, `5m`, `2h`, `3d`")]
    Span,
    #[error("write a size as a number and a unit: `512B`, `64KiB`, `10MiB`, `1GiB`")]
    ByteSize,
    #[error("write a rate as a number, `/` and a duration: `10/1s`, `100/1m`, `5000/1h`")]
    Rate,
}

const SPAN_UNITS: [(&str, u64); 5] = [
    ("d", 86_400_000),
    ("h", 3_600_000),
    ("m", 60_000),
    ("s", 1000),
    ("ms", 1),
];
const SIZE_UNITS: [(&str, u64); 4] = [
    ("GiB", 1 << 30),
    ("MiB", 1 << 20),
    ("KiB", 1 << 10),
    ("B", 1),
];

impl Span {
    pub const fn from_secs(seconds: u64) -> Self {
        Self(Duration::from_secs(seconds))
    }
}

impl std::str::FromStr for Span {
    type Err = BadQuantity;

    fn from_str(text: &str) -> Result<Self, BadQuantity> {
        let mut rest = text;
        let mut total: u64 = 0;
        while !rest.is_empty() {
            let (ms, after) = take_quantity(rest, &SPAN_UNITS).ok_or(BadQuantity::Span)?;
            total = total.checked_add(ms).ok_or(BadQuantity::Span)?;
            rest = after;
        }
        if text.is_empty() {
            Err(BadQuantity::Span)
        } else {
            Ok(Self(Duration::from_millis(total)))
        }
    }
}

impl std::str::FromStr for ByteSize {
    type Err = BadQuantity;

    fn from_str(text: &str) -> Result<Self, BadQuantity> {
        match take_quantity(text, &SIZE_UNITS) {
            Some((bytes, "")) => Ok(Self(bytes)),
            _ => Err(BadQuantity::ByteSize),
        }
    }
}

impl std::str::FromStr for Rate {
    type Err = BadQuantity;

    fn from_str(text: &str) -> Result<Self, BadQuantity> {
        let (count, per) = text.split_once('/').ok_or(BadQuantity::Rate)?;
        let whole = per.starts_with(|first: char| first.is_ascii_digit());
        let per: Span = if whole {
            per.parse()
        } else {
            format!("1{per}").parse()
        }
        .map_err(|_| BadQuantity::Rate)?;
        let digits = !count.is_empty() && count.bytes().all(|byte| byte.is_ascii_digit());
        let count = count.parse().ok().filter(|count| digits && *count > 0);
        match count {
            Some(count) if !per.0.is_zero() => Ok(Self { count, per }),
            _ => Err(BadQuantity::Rate),
        }
    }
}

/// Takes one number and its unit off the front, in the smallest unit.
fn take_quantity<'a>(text: &'a str, units: &[(&str, u64)]) -> Option<(u64, &'a str)> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, rest) = text.split_at_checked(digits)?;
    let letters = rest.bytes().take_while(u8::is_ascii_alphabetic).count();
    let (unit, rest) = rest.split_at_checked(letters)?;
    let (_, factor) = units.iter().find(|(name, _)| *name == unit)?;
    Some((number.parse::<u64>().ok()?.checked_mul(*factor)?, rest))
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rest = u64::try_from(self.0.as_millis()).unwrap_or(u64::MAX);
        if rest == 0 {
            return f.write_str("0s");
        }
        for (unit, factor) in SPAN_UNITS {
            if rest >= factor {
                write!(f, "{}{unit}", rest / factor)?;
                rest %= factor;
            }
        }
        Ok(())
    }
}

impl fmt::Display for ByteSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let whole =
            |(_, factor): &&(&str, u64)| self.0 >= *factor && self.0.is_multiple_of(*factor);
        let (unit, factor) = SIZE_UNITS.iter().find(whole).unwrap_or(&("B", 1));
        write!(f, "{}{unit}", self.0 / factor)
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.count, self.per)
    }
}

impl Serialize for Rate {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Rate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(de::Error::custom)
    }
}

impl JsonSchema for Rate {
    fn schema_name() -> Cow<'static, str> {
        "Rate".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "format": "rate", "pattern": "^[0-9]+/([0-9]*(ms|s|m|h|d))+$" })
    }

    fn inline_schema() -> bool {
        true
    }
}

impl Serialize for Span {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl Serialize for ByteSize {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(de::Error::custom)
    }
}

impl<'de> Deserialize<'de> for ByteSize {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(de::Error::custom)
    }
}

impl JsonSchema for Span {
    fn schema_name() -> Cow<'static, str> {
        "Duration".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "format": "duration", "pattern": "^([0-9]+(ms|s|m|h|d))+$" })
    }

    fn inline_schema() -> bool {
        true
    }
}

impl JsonSchema for ByteSize {
    fn schema_name() -> Cow<'static, str> {
        "Size".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "format": "size", "pattern": "^[0-9]+(B|KiB|MiB|GiB)$" })
    }

    fn inline_schema() -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_read_and_write() {
        for text in ["500ms", "30s", "5m", "1h30m", "3d", "1d2h3m4s5ms", "0s"] {
            assert_eq!(text.parse::<Span>().unwrap().to_string(), text);
        }
        assert_eq!("90s".parse::<Span>().unwrap().to_string(), "1m30s");
        for bad in [
            "",
            "5",
            "s",
            "5 s",
            "-5s",
            "5x",
            "1.5s",
            "99999999999999999999d",
            "9999999999999999d",
        ] {
            assert!(bad.parse::<Span>().is_err(), "{bad}");
        }
    }

    #[test]
    fn rates_read_and_write() {
        for (text, shown) in [
            ("10/1s", "10/1s"),
            ("5/s", "5/1s"),
            ("100/90s", "100/1m30s"),
        ] {
            assert_eq!(text.parse::<Rate>().unwrap().to_string(), shown);
        }
        for bad in [
            "",
            "10",
            "/s",
            "0/s",
            "10/0s",
            "-1/s",
            "+1/s",
            "1/x",
            "1/1s/1s",
            "9999999999/s",
        ] {
            assert!(bad.parse::<Rate>().is_err(), "{bad}");
        }
    }

    #[test]
    fn sizes_read_and_write() {
        for text in ["0B", "512B", "64KiB", "10MiB", "1GiB"] {
            assert_eq!(text.parse::<ByteSize>().unwrap().to_string(), text);
        }
        assert_eq!("1024KiB".parse::<ByteSize>().unwrap().to_string(), "1MiB");
        for bad in ["", "10", "10MB", "MiB", "1MiB1KiB", "99999999999999GiB"] {
            assert!(bad.parse::<ByteSize>().is_err(), "{bad}");
        }
    }
}
