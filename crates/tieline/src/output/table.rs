//! Tables and lists of fields, aligned, from the JSON that the hub answers with.

use serde_json::Value;

use super::{json_text, plain, plain_lines};

/// A table whose columns are as wide as they must be.
struct Table {
    rows: Vec<Vec<String>>,
}

impl Table {
    fn new(heads: &[&str]) -> Self {
        let heads = heads.iter().map(|head| (*head).to_owned()).collect();
        Self { rows: vec![heads] }
    }

    fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.rows.push(cells.into_iter().collect());
    }

    /// The text, one line per row; the last column is not padded.
    fn render(&self) -> String {
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        let width = |n: usize| {
            let cells = self.rows.iter().filter_map(|row| row.get(n));
            cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
        };
        let widths: Vec<usize> = (0..columns).map(width).collect();
        let mut text = String::new();
        for row in &self.rows {
            let mut line = String::new();
            for (cell, width) in row.iter().zip(&widths) {
                line.push_str(cell);
                let padding = width - cell.chars().count() + 2;
                line.extend(std::iter::repeat_n(' ', padding));
            }
            text.push_str(line.trim_end());
            text.push('\n');
        }
        text
    }
}

/// A table of the hub's rows: heads with the JSON pointers of their values.
pub(crate) fn items(data: &[Value], columns: &[(&str, &str)]) -> String {
    let heads: Vec<&str> = columns.iter().map(|(head, _)| *head).collect();
    let mut table = Table::new(&heads);
    for item in data {
        table.row(
            columns
                .iter()
                .map(|(_, pointer)| cell(item.pointer(pointer))),
        );
    }
    table.render()
}

/// A value in one line, or `-` for none.
fn cell(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => "-".to_owned(),
        Some(Value::String(text)) if text.is_empty() => "\"\"".to_owned(),
        Some(Value::String(text)) => plain(text).into_owned(),
        Some(Value::Array(list)) if list.is_empty() => "-".to_owned(),
        Some(Value::Array(list)) => {
            let names: Vec<String> = list.iter().map(|item| cell(Some(named(item)))).collect();
            names.join(", ")
        }
        Some(other) => plain(&other.to_string()).into_owned(),
    }
}

/// What stands for an object in a list: a link's agent, a run's id.
fn named(item: &Value) -> &Value {
    let names = ["agent", "run_id", "name"];
    names.iter().find_map(|name| item.get(name)).unwrap_or(item)
}

/// One object, field by field. Fields in `tables` are lists of objects, shown as tables.
pub(crate) fn details(object: &Value, tables: &[(&str, &[(&str, &str)])]) -> String {
    let Some(fields) = object.as_object() else {
        return json_text(object);
    };
    let width = fields
        .keys()
        .map(|name| name.chars().count())
        .max()
        .unwrap_or(0)
        + 2;
    let mut text = String::new();
    for (name, value) in fields {
        let columns = tables.iter().find(|(table, _)| table == name);
        let shown = match (value, columns) {
            (Value::Array(rows), Some((_, columns))) if !rows.is_empty() => {
                format!("\n{}", items(rows, columns).trim_end())
            }
            (Value::Object(_), _) => json_text(value),
            (Value::Array(list), None) if list.iter().any(Value::is_object) => json_text(value),
            (Value::String(several), _) if several.contains('\n') => {
                format!("\n{}", plain_lines(several))
            }
            _ => cell(Some(value)),
        };
        let name = plain(name);
        let padding = width.saturating_sub(name.chars().count() + 1);
        let padding = if shown.starts_with('\n') { 0 } else { padding };
        text.extend([&name, ":", &" ".repeat(padding)]);
        text.extend([shown.replace('\n', "\n  ").trim_end(), "\n"]);
    }
    text
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn columns_are_aligned_and_hostile_text_is_escaped() {
        let data = [
            json!({ "name": "a", "links": [{ "agent": "x" }, { "agent": "y" }], "n": 1 }),
            json!({ "name": "lon\u{1b}g", "links": [], "n": null }),
        ];
        let columns = [("NAME", "/name"), ("AGENTS", "/links"), ("N", "/n")];
        insta::assert_snapshot!(items(&data, &columns), @r"
        NAME        AGENTS  N
        a           x, y    1
        lon\u{1b}g  -       -
        ");
    }

    #[test]
    fn details_show_every_field_and_lists_as_tables() {
        let object = json!({
            "run_id": "r", "output": "two\nlines\u{7}", "usage": { "tokens": 1 }, "error": null,
            "attempts": [{ "number": 1, "status": 500 }],
        });
        let columns: &[(&str, &str)] = &[("NO", "/number"), ("STATUS", "/status")];
        insta::assert_snapshot!(details(&object, &[("attempts", columns)]), @r#"
        run_id:   r
        output:
          two
          lines\u{7}
        usage:    {
            "tokens": 1
          }
        error:    -
        attempts:
          NO  STATUS
          1   500
        "#);
    }
}
