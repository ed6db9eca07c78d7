//! `${NAME}` and `${file:PATH}` in texts, replaced by what they stand for.

use std::collections::HashSet;
use std::io;

use serde_json::Value;
use tieline_contract::Problems;
use tieline_contract::settings::join_path;

/// The most bytes that one document may grow by.
const GROWTH_MAX: usize = 16 << 20;

/// Where values come from. Nothing else here reads the environment or a file.
#[derive(Clone, Copy)]
pub struct Lookup<'a> {
    /// A variable of the environment.
    pub variable: &'a dyn Fn(&str) -> Option<String>,
    /// The content of a file, its path as written. One final line break is taken off here.
    pub file: &'a dyn Fn(&str) -> io::Result<String>,
}

impl std::fmt::Debug for Lookup<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Lookup").finish_non_exhaustive()
    }
}

/// What became of the texts, by their paths.
#[derive(Debug, Default)]
pub(crate) struct Interpolated {
    /// Those that hold a value from elsewhere.
    pub(crate) replaced: HashSet<String>,
    /// Those that stayed as they were written, because something is wrong with them.
    pub(crate) failed: HashSet<String>,
}

/// Replaces in all texts of `value`; names of fields stay as they are.
pub(crate) fn interpolate(
    value: &mut Value,
    lookup: &Lookup<'_>,
    problems: &mut Problems,
) -> Interpolated {
    let mut work = Work {
        lookup,
        problems,
        done: Interpolated::default(),
        grown: 0,
    };
    work.visit(value, "");
    work.done
}

struct Work<'a> {
    lookup: &'a Lookup<'a>,
    problems: &'a mut Problems,
    done: Interpolated,
    grown: usize,
}

impl Work<'_> {
    fn visit(&mut self, value: &mut Value, path: &str) {
        match value {
            Value::String(text) => self.text(text, path),
            Value::Array(items) => {
                for (n, item) in items.iter_mut().enumerate() {
                    self.visit(item, &join_path(path, &format!("[{n}]")));
                }
            }
            Value::Object(fields) => {
                for (name, field) in fields {
                    self.visit(field, &join_path(path, name));
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    fn text(&mut self, text: &mut String, path: &str) {
        if !text.contains("${") {
            return;
        }
        let mut result = String::new();
        let mut good = true;
        let mut replaced = false;
        let mut rest = text.as_str();
        while let Some((before, after)) = rest.split_once("${") {
            if let Some(before) = before.strip_suffix('$') {
                result.push_str(before);
                result.push_str("${");
                rest = after;
                continue;
            }
            result.push_str(before);
            let Some((inside, after)) = after.split_once('}') else {
                let fix = "close it with `}`, or write `$${` for the text itself";
                self.problems
                    .add_with_fix(path, "`${` is never closed", fix);
                good = false;
                rest = "";
                break;
            };
            match self.look_up(inside, path) {
                Some(found) => {
                    result.push_str(&found);
                    replaced = true;
                }
                None => good = false,
            }
            rest = after;
        }
        result.push_str(rest);
        if !good {
            self.done.failed.insert(path.to_owned());
            return;
        }
        *text = result;
        if replaced {
            self.done.replaced.insert(path.to_owned());
        }
    }

    fn look_up(&mut self, inside: &str, path: &str) -> Option<String> {
        let found = if let Some(file) = inside.strip_prefix("file:") {
            match (self.lookup.file)(file) {
                Ok(mut content) => {
                    let line = content.strip_suffix('\n').unwrap_or(&content);
                    content.truncate(line.strip_suffix('\r').unwrap_or(line).len());
                    content
                }
                Err(error) => {
                    let message = format!("the file `{file}` cannot be read: {error}");
                    let fix = "make it readable, or write another path";
                    self.problems.add_with_fix(path, message, fix);
                    return None;
                }
            }
        } else if is_variable(inside) {
            let Some(content) = (self.lookup.variable)(inside) else {
                let message = format!("the environment has no variable `{inside}`");
                let fix = format!("set `{inside}`, or write `$${{` for the text itself");
                self.problems.add_with_fix(path, message, fix);
                return None;
            };
            content
        } else {
            let fix = "write `${NAME}` or `${file:PATH}`, or `$${` for the text itself";
            self.problems
                .add_with_fix(path, "`${…}` holds no name of a variable", fix);
            return None;
        };
        self.grown = self.grown.saturating_add(found.len());
        if self.grown > GROWTH_MAX {
            let message = "what `${…}` stands for is longer than 16 MiB in all";
            self.problems.add(path, message);
            return None;
        }
        Some(found)
    }
}

fn is_variable(name: &str) -> bool {
    let good = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
    !name.is_empty() && name.bytes().all(good) && !name.starts_with(|c: char| c.is_ascii_digit())
}

#[cfg(test)]
mod tests;
