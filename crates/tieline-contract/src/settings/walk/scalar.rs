//! Texts and numbers against their schema.

use serde_json::Number;
use tieline_model::Name;
use tieline_model::quantity::{ByteSize, Rate, Span};

use crate::settings::problems::Problems;
use crate::settings::schema::Place;

/// A number that has a good type.
pub(super) fn number(place: &Place<'_>, number: &Number, path: &str, problems: &mut Problems) {
    let Some(value) = number.as_f64() else { return };
    if let Some(min) = place.number("minimum").filter(|min| value < *min) {
        let fix = format!("write at least {min}");
        problems.add_with_fix(path, "is too small", fix);
    }
    if let Some(max) = place.number("maximum").filter(|max| value > *max) {
        let fix = format!("write at most {max}");
        problems.add_with_fix(path, "is too large", fix);
    }
}

/// A text where a text may stand. Patterns other than the hub's own are left to deserialising.
pub(super) fn text(place: &Place<'_>, text: &str, path: &str, problems: &mut Problems) {
    let length = text.chars().count() as u64;
    if let Some(min) = place.count("minLength").filter(|min| length < *min) {
        let message = if length == 0 {
            "is empty"
        } else {
            "is too short"
        };
        let fix = format!("write {min} {} or more", plural(min));
        problems.add_with_fix(path, message, fix);
        return;
    }
    if let Some(max) = place.count("maxLength").filter(|max| length > *max) {
        let fix = format!("write {max} {} or fewer", plural(max));
        problems.add_with_fix(path, "is too long", fix);
        return;
    }
    match place.text("format") {
        Some("duration") => {
            if let Err(error) = text.parse::<Span>() {
                problems.add_with_fix(path, "is no duration", error.to_string());
            }
        }
        Some("size") => {
            if let Err(error) = text.parse::<ByteSize>() {
                problems.add_with_fix(path, "is no size", error.to_string());
            }
        }
        Some("rate") => {
            if let Err(error) = text.parse::<Rate>() {
                problems.add_with_fix(path, "is no rate", error.to_string());
            }
        }
        _ if place.text("pattern") == Some(Name::PATTERN) => name(text, path, problems),
        _ => {}
    }
}

/// A name of the hub.
pub(super) fn name(text: &str, path: &str, problems: &mut Problems) {
    if Name::new(text).is_err() {
        let fix = "write 1 to 63 of a-z, 0-9 and `-`, beginning with a letter or a digit";
        problems.add_with_fix(path, "is no name", fix);
    }
}

const fn plural(count: u64) -> &'static str {
    if count == 1 {
        "character"
    } else {
        "characters"
    }
}
