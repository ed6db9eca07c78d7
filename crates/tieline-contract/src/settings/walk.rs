//! Walks a value along its JSON Schema and reports everything that does not fit, not just the
//! first thing.
//!
//! No message repeats a text from the value: any text may be a secret in the wrong place.

mod scalar;
mod wanted;

use schemars::Schema;
use serde_json::{Map, Value};
use tieline_model::Name;

use super::nearest::one_of;
use super::problems::{Problems, join_path};
use super::redact::{REDACTED, is_without_query};
use super::schema::{Place, fits};

/// Reports what in `value` does not fit `schema`.
pub fn walk(schema: &Schema, value: &Value, problems: &mut Problems) {
    walk_beside(schema, value, &[], problems);
}

/// As [`walk`], where the fields `beside` may stand beside those of the schema: they are not in
/// `value`, but may be what an unknown field was meant to be.
pub fn walk_beside(schema: &Schema, value: &Value, beside: &[&str], problems: &mut Problems) {
    let root = schema.as_value();
    let mut walker = Walker {
        root,
        beside,
        problems,
    };
    walker.visit(root, value, "");
}

struct Walker<'a> {
    root: &'a Value,
    beside: &'a [&'a str],
    problems: &'a mut Problems,
}

impl<'a> Walker<'a> {
    fn visit(&mut self, schema: &'a Value, value: &Value, path: &str) {
        let place = Place::new(self.root, schema);
        if place.is_secret() && value.as_str() == Some(REDACTED) {
            let message = "is what stands in for a hidden secret";
            let fix = "write the secret itself, or leave the field out";
            self.problems.add_with_fix(path, message, fix);
        } else if place.is_address() && value.as_str().is_some_and(is_without_query) {
            let message = "is an address as it is shown, without its query";
            self.problems.add_with_fix(path, message, "write all of it");
        } else if let Some(constants) = place.constants(self.root) {
            self.constant(&constants, value, path);
        } else if let Some(branches) = place.branches() {
            self.choose(branches, value, path);
        } else if !fits(&place.types(), value) {
            let (message, fix) = wanted::wrong_type(&place, value);
            self.problems.add_with_fix(path, message, fix);
        } else {
            match value {
                Value::Number(number) => scalar::number(&place, number, path, self.problems),
                Value::String(text) => scalar::text(&place, text, path, self.problems),
                Value::Array(items) => self.list(&place, items, path),
                Value::Object(fields) => self.object(&place, fields, path),
                Value::Null | Value::Bool(_) => {}
            }
        }
    }

    fn constant(&mut self, constants: &[&Value], value: &Value, path: &str) {
        if constants.contains(&value) {
            return;
        }
        let texts: Vec<&str> = constants.iter().filter_map(|c| c.as_str()).collect();
        let (message, fix) = if let Some(text) = value.as_str() {
            let message = "is none of the known values".to_owned();
            (message, one_of(text, &texts))
        } else {
            let message = format!("expected a text, found {}", wanted::found(value));
            (message, one_of("", &texts))
        };
        self.problems.add_with_fix(path, message, fix);
    }

    /// Walks the alternative that was meant.
    fn choose(&mut self, branches: &'a [Value], value: &Value, path: &str) {
        let suits = |branch: &&&Value| {
            let place = Place::new(self.root, branch);
            fits(&place.value_types(self.root), value)
        };
        let candidates: Vec<&Value> = branches.iter().collect();
        let candidates: Vec<&Value> = candidates.iter().filter(suits).copied().collect();
        match candidates.as_slice() {
            [] => {
                let (message, fix) = wanted::no_alternative(self.root, branches, value);
                self.problems.add_with_fix(path, message, fix);
            }
            [only] => self.visit(only, value, path),
            several => match value.as_object() {
                Some(fields) => self.choose_variant(several, fields, path),
                None => self.least_wrong(several, value, path),
            },
        }
    }

    /// Chooses among objects: by the tag inside, else by the key that is the tag.
    fn choose_variant(&mut self, branches: &[&'a Value], fields: &Map<String, Value>, path: &str) {
        let places: Vec<Place<'a>> = branches.iter().map(|b| Place::new(self.root, b)).collect();
        let tag_of = |place: &Place<'a>, name: &str| -> Option<&'a str> {
            let schema = place.property(name)?;
            Place::new(self.root, schema).text("const")
        };
        let tag = places.first().and_then(|first| {
            first
                .properties()
                .map(|(name, _)| name)
                .find(|name| places.iter().all(|place| tag_of(place, name).is_some()))
        });
        let value = Value::Object(fields.clone());
        let Some(tag) = tag else {
            let keyed = |place: &Place<'a>| place.required().any(|name| fields.contains_key(name));
            let found = branches.iter().zip(&places).find(|(_, place)| keyed(place));
            match found {
                Some((branch, _)) => self.visit(branch, &value, path),
                None => self.least_wrong(branches, &value, path),
            }
            return;
        };
        let known: Vec<&str> = places.iter().filter_map(|p| tag_of(p, tag)).collect();
        let below = join_path(path, tag);
        let Some(written) = fields.get(tag) else {
            let fix = one_of("", &known);
            self.problems.add_with_fix(&below, "is missing", fix);
            return;
        };
        let chosen = |(_, place): &(_, &Place<'a>)| tag_of(place, tag) == written.as_str();
        if let Some((branch, _)) = branches.iter().zip(&places).find(chosen) {
            self.visit(branch, &value, path);
        } else {
            let fix = one_of(written.as_str().unwrap_or(""), &known);
            let message = "is none of the known values";
            self.problems.add_with_fix(&below, message, fix);
        }
    }

    /// Walks all alternatives and reports the problems of the one that fits best.
    fn least_wrong(&mut self, branches: &[&'a Value], value: &Value, path: &str) {
        let mut best: Option<Problems> = None;
        for branch in branches {
            let mut problems = Problems::default();
            let mut walker = Walker {
                root: self.root,
                beside: self.beside,
                problems: &mut problems,
            };
            walker.visit(branch, value, path);
            let fewer = |best: &Problems| problems.iter().len() < best.iter().len();
            if best.as_ref().is_none_or(fewer) {
                best = Some(problems);
            }
        }
        self.problems.extend_below("", best.unwrap_or_default());
    }

    fn list(&mut self, place: &Place<'a>, items: &[Value], path: &str) {
        let count = items.len() as u64;
        if let Some(min) = place.count("minItems").filter(|min| count < *min) {
            let message = format!("has {count} items, too few");
            let fix = format!("write at least {min}");
            self.problems.add_with_fix(path, message, fix);
        }
        if let Some(max) = place.count("maxItems").filter(|max| count > *max) {
            let message = format!("has {count} items, too many");
            let fix = format!("write at most {max}");
            self.problems.add_with_fix(path, message, fix);
        }
        let Some(schema) = place.items() else { return };
        for (n, item) in items.iter().enumerate() {
            self.visit(schema, item, &join_path(path, &format!("[{n}]")));
        }
    }

    fn object(&mut self, place: &Place<'a>, fields: &Map<String, Value>, path: &str) {
        for (name, value) in fields {
            let below = join_path(path, name);
            if let Some(schema) = place.property(name) {
                self.visit(schema, value, &below);
            } else if let Some(schema) = place.additional() {
                if place.key_pattern() == Some(Name::PATTERN) {
                    scalar::name(name, &below, self.problems);
                }
                self.visit(schema, value, &below);
            } else if place.is_closed() {
                let mut known: Vec<&str> = place.properties().map(|(name, _)| name).collect();
                if path.is_empty() {
                    known.extend(self.beside);
                }
                known.retain(|known| !fields.contains_key(*known));
                let fix = one_of(name, &known);
                self.problems.add_with_fix(&below, "unknown field", fix);
            }
        }
        for name in place.required().filter(|name| !fields.contains_key(*name)) {
            let below = join_path(path, name);
            let sample = place.property(name).map_or("…", |schema| {
                wanted::sample(&Place::new(self.root, schema))
            });
            let fix = format!("add `{name}: {sample}`");
            self.problems.add_with_fix(&below, "is missing", fix);
        }
    }
}
