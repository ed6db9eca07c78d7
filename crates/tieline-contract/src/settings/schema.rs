//! A look at one place of a JSON Schema, through its references.
//!
//! Understands what `schemars` makes of Rust types, not all of JSON Schema. The schemas are the
//! hub's own and are trusted; the values that they are held against are not.

use serde_json::{Map, Value};

/// References that are followed from one place; a longer chain is a circle.
const REFERENCES_MAX: usize = 16;

/// One place of a schema: the keywords that stand there, and those that it refers to.
pub(super) struct Place<'a> {
    parts: Vec<&'a Map<String, Value>>,
}

impl<'a> Place<'a> {
    pub(super) fn new(root: &'a Value, schema: &'a Value) -> Self {
        let mut parts = Vec::new();
        gather(root, schema, REFERENCES_MAX, &mut parts);
        Self { parts }
    }

    fn keyword(&self, name: &str) -> Option<&'a Value> {
        self.parts.iter().find_map(|part| part.get(name))
    }

    pub(super) fn text(&self, name: &str) -> Option<&'a str> {
        self.keyword(name)?.as_str()
    }

    pub(super) fn number(&self, name: &str) -> Option<f64> {
        self.keyword(name)?.as_f64()
    }

    pub(super) fn count(&self, name: &str) -> Option<u64> {
        self.keyword(name)?.as_u64()
    }

    /// Whether a value here is a secret.
    pub(super) fn is_secret(&self) -> bool {
        self.parts.iter().any(|part| {
            part.get("writeOnly") == Some(&Value::Bool(true))
                || part.get("format").and_then(Value::as_str) == Some("password")
        })
    }

    /// Whether an address stands here, of which the query is not shown.
    pub(super) fn is_address(&self) -> bool {
        self.text("format") == Some("uri")
    }

    /// The JSON types that are allowed; empty for all.
    pub(super) fn types(&self) -> Vec<&'a str> {
        match self.keyword("type") {
            Some(Value::String(one)) => vec![one],
            Some(Value::Array(many)) => many.iter().filter_map(Value::as_str).collect(),
            _ => Vec::new(),
        }
    }

    /// As [`Place::types`], where only some values may stand those of the values.
    pub(super) fn value_types(&self, root: &'a Value) -> Vec<&'a str> {
        match self.constants(root) {
            Some(constants) => constants.into_iter().map(type_of).collect(),
            None => self.types(),
        }
    }

    /// The alternatives, where there are some.
    pub(super) fn branches(&self) -> Option<&'a Vec<Value>> {
        self.keyword("oneOf")
            .or_else(|| self.keyword("anyOf"))
            .and_then(Value::as_array)
    }

    /// The only values that are allowed, where they are listed.
    pub(super) fn constants(&self, root: &'a Value) -> Option<Vec<&'a Value>> {
        if let Some(constant) = self.keyword("const") {
            return Some(vec![constant]);
        }
        if let Some(listed) = self.keyword("enum").and_then(Value::as_array) {
            return Some(listed.iter().collect());
        }
        let mut all = Vec::new();
        for branch in self.branches()? {
            let place = Self::new(root, branch);
            match place.constants(root) {
                Some(constants) => all.extend(constants),
                None if place.types() == ["null"] => all.push(&Value::Null),
                None => return None,
            }
        }
        Some(all)
    }

    pub(super) fn items(&self) -> Option<&'a Value> {
        self.keyword("items")
    }

    pub(super) fn properties(&self) -> impl Iterator<Item = (&'a str, &'a Value)> {
        self.parts
            .iter()
            .filter_map(|part| part.get("properties")?.as_object())
            .flatten()
            .map(|(name, schema)| (name.as_str(), schema))
    }

    pub(super) fn property(&self, name: &str) -> Option<&'a Value> {
        self.parts
            .iter()
            .find_map(|part| part.get("properties")?.get(name))
    }

    pub(super) fn required(&self) -> impl Iterator<Item = &'a str> {
        self.parts
            .iter()
            .filter_map(|part| part.get("required")?.as_array())
            .flatten()
            .filter_map(Value::as_str)
    }

    /// The schema of the values of a map.
    pub(super) fn additional(&self) -> Option<&'a Value> {
        let patterns = self.parts.iter().find_map(|part| {
            let patterns = part.get("patternProperties")?.as_object()?;
            patterns.values().next()
        });
        patterns.or_else(|| {
            self.keyword("additionalProperties")
                .filter(|s| s.is_object())
        })
    }

    /// Whether fields that are not listed are forbidden.
    pub(super) fn is_closed(&self) -> bool {
        let forbids = |part: &&Map<String, Value>| {
            let is_false = |name| part.get(name) == Some(&Value::Bool(false));
            is_false("additionalProperties") || is_false("unevaluatedProperties")
        };
        self.parts.iter().any(forbids)
    }

    /// The pattern that the keys of a map must have.
    pub(super) fn key_pattern(&self) -> Option<&'a str> {
        let patterns = self.keyword("patternProperties")?.as_object()?;
        patterns.keys().next().map(String::as_str)
    }
}

/// The JSON Schema type of a value.
pub(super) fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

/// Whether one of the types is that of the value; no types are all types.
pub(super) fn fits(types: &[&str], value: &Value) -> bool {
    let found = type_of(value);
    types.is_empty() || types.contains(&found) || (found == "integer" && types.contains(&"number"))
}

fn gather<'a>(
    root: &'a Value,
    schema: &'a Value,
    left: usize,
    parts: &mut Vec<&'a Map<String, Value>>,
) {
    let (Some(map), Some(left)) = (schema.as_object(), left.checked_sub(1)) else {
        return;
    };
    parts.push(map);
    if let Some(target) = map.get("$ref").and_then(Value::as_str) {
        let pointer = target.strip_prefix('#').unwrap_or(target);
        if let Some(target) = root.pointer(pointer) {
            gather(root, target, left, parts);
        }
    }
    for member in map
        .get("allOf")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
    {
        gather(root, member, left, parts);
    }
}
