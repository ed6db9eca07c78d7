//! The manual of a type: its README, and a table of its settings for each mode.
//!
//! The tables are made from the schemas, so that the form, the check and the manual cannot differ.

use std::fmt::Write as _;

use serde_json::Value;
use tieline_contract::ConnectorType;

/// Objects within objects that get rows of their own.
const DEEPEST: usize = 3;

/// The whole manual, as Markdown.
pub fn manual(kind: &ConnectorType) -> String {
    let mut text = kind.manual.trim_end().to_owned();
    text.push_str("\n\n## Settings\n");
    for mode in kind.modes() {
        let schema = kind.schema(mode).map(|schema| schema());
        let root = schema.as_ref().map_or(&Value::Null, |one| one.as_value());
        let mut table = Table {
            root,
            text: String::new(),
        };
        table.rows("", root, DEEPEST);
        let heading = format!("\n### {}\n\n", title(mode.as_str()));
        text.push_str(&heading);
        text.push_str("| setting | value | default | what it does |\n| --- | --- | --- | --- |\n");
        text.push_str(&table.text);
    }
    text
}

struct Table<'a> {
    root: &'a Value,
    text: String,
}

impl<'a> Table<'a> {
    /// A row for each property of an object, in the order in which it is written.
    fn rows(&mut self, prefix: &str, object: &'a Value, levels: usize) {
        let object = self.resolve(object);
        let Some(properties) = object.get("properties").and_then(Value::as_object) else {
            return;
        };
        for (name, property) in properties {
            let place = format!("{prefix}{name}");
            self.row(&place, property, is_required(object, name));
            let inner = self.without_null(property);
            if levels > 1 && self.resolve(inner).get("oneOf").is_none() {
                self.rows(&format!("{place}."), inner, levels - 1);
            }
        }
    }

    fn row(&mut self, place: &str, property: &'a Value, required: bool) {
        let default = if required {
            "required".to_owned()
        } else {
            property.get("default").map_or_else(nothing, default)
        };
        let about = property.get("description").and_then(Value::as_str);
        let about = about.unwrap_or_default().replace('\n', " ");
        let value = self.value(property);
        writeln!(self.text, "| `{place}` | {value} | {default} | {about} |")
            .expect("writing to a string cannot fail");
    }

    /// What may be written there, in words.
    fn value(&self, schema: &'a Value) -> String {
        let schema = self.resolve(self.without_null(schema));
        if let Some(text) = schema.get("const").and_then(Value::as_str) {
            return format!("`{text}`");
        }
        if let Some(names) = schema.get("enum").and_then(Value::as_array) {
            let names = names.iter().filter_map(Value::as_str);
            return alternatives(names.map(|one| format!("`{one}`")).collect());
        }
        if let Some(branches) = schema.get("oneOf").and_then(Value::as_array) {
            return self.branches(branches);
        }
        let format = schema.get("format").and_then(Value::as_str);
        match (type_of(schema), format) {
            (_, Some("duration")) => "duration".to_owned(),
            (_, Some("size")) => "size".to_owned(),
            (_, Some("rate")) => "rate".to_owned(),
            (_, Some("password")) => "secret".to_owned(),
            ("array", _) => {
                let items = schema.get("items").unwrap_or(&Value::Null);
                format!("list of {}", self.value(items))
            }
            ("object", _) => self.object(schema),
            ("string", _) => "text".to_owned(),
            ("boolean", _) => "`true` or `false`".to_owned(),
            ("integer" | "number", _) => "number".to_owned(),
            (other, _) => other.to_owned(),
        }
    }

    /// Alternatives; a list of the ones before it is not spelt out again.
    fn branches(&self, branches: &'a [Value]) -> String {
        let mut words = Vec::<String>::new();
        for branch in branches {
            let word = self.value(branch);
            let again = word
                .strip_prefix("list of ")
                .is_some_and(|items| words == [items]);
            words.push(if again { "a list".to_owned() } else { word });
        }
        alternatives(words)
    }

    fn object(&self, schema: &'a Value) -> String {
        let properties = schema.get("properties").and_then(Value::as_object);
        match (properties, schema.get("additionalProperties")) {
            (None, Some(values)) if values.is_object() => {
                format!("names with {}", self.value(values))
            }
            (Some(properties), _) if properties.len() == 1 => {
                let name = properties.keys().map(String::as_str).next();
                format!("`{}: …`", name.unwrap_or_default())
            }
            _ => "object".to_owned(),
        }
    }

    /// Follows references into the schema's own definitions.
    fn resolve(&self, schema: &'a Value) -> &'a Value {
        let mut schema = schema;
        for _ in 0..DEEPEST {
            let target = schema
                .get("$ref")
                .and_then(Value::as_str)
                .and_then(|path| self.root.pointer(path.strip_prefix('#')?));
            match target {
                Some(target) => schema = target,
                None => break,
            }
        }
        schema
    }

    /// The one branch that matters of "this or nothing".
    fn without_null(&self, schema: &'a Value) -> &'a Value {
        let branches = schema.get("anyOf").and_then(Value::as_array);
        let some = |one: &&Value| type_of(one) != "null";
        branches
            .and_then(|branches| branches.iter().find(some))
            .map_or(schema, |one| self.resolve(one))
    }
}

/// A default as it would be written in YAML.
fn default(value: &Value) -> String {
    match value {
        Value::Null => nothing(),
        Value::String(text) if text.is_empty() => nothing(),
        Value::Array(items) if items.is_empty() => nothing(),
        Value::Object(fields) if fields.is_empty() => nothing(),
        Value::String(text) => format!("`{text}`"),
        Value::Array(items) => {
            let items: Vec<_> = items
                .iter()
                .map(|one| one.as_str().map_or_else(|| one.to_string(), str::to_owned))
                .collect();
            format!("`[{}]`", items.join(", "))
        }
        other => format!("`{other}`"),
    }
}

fn nothing() -> String {
    "–".to_owned()
}

/// `a, b or c`.
fn alternatives(mut words: Vec<String>) -> String {
    let last = words.pop().unwrap_or_default();
    if words.is_empty() {
        last
    } else {
        format!("{} or {last}", words.join(", "))
    }
}

/// The type that is not `null`; empty where the schema states none.
fn type_of(schema: &Value) -> &str {
    match schema.get("type") {
        Some(Value::String(name)) => name,
        Some(Value::Array(names)) => names
            .iter()
            .filter_map(Value::as_str)
            .find(|name| *name != "null")
            .unwrap_or_default(),
        _ => "",
    }
}

fn is_required(object: &Value, name: &str) -> bool {
    let required = object.get("required").and_then(Value::as_array);
    required.is_some_and(|names| names.iter().any(|one| one == name))
}

/// The first letter in upper case.
fn title(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|c| c.to_ascii_uppercase());
    first.into_iter().chain(letters).collect()
}
