//! Problems: what is wrong with someone's settings, one per field, all at once.

use std::fmt;

use serde::Serialize;

/// One field that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FieldProblem {
    /// The field's path from where reading began: `settings.max_body`, `agents[1].when`.
    /// Empty for the whole.
    pub path: String,
    /// What is wrong, as a lowercase fragment.
    pub message: String,
    /// What would be right, as an imperative fragment.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fix: Option<String>,
}

/// All that is wrong.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Problems(Vec<FieldProblem>);

impl Problems {
    pub fn add(&mut self, path: &str, message: impl Into<String>) {
        self.0.push(FieldProblem {
            path: path.to_owned(),
            message: message.into(),
            fix: None,
        });
    }

    pub fn add_with_fix(&mut self, path: &str, message: impl Into<String>, fix: impl Into<String>) {
        let (path, message, fix) = (path.to_owned(), message.into(), Some(fix.into()));
        self.0.push(FieldProblem { path, message, fix });
    }

    /// One problem, for callers that find no more.
    pub fn one(path: &str, message: impl Into<String>) -> Self {
        let mut problems = Self::default();
        problems.add(path, message);
        problems
    }

    /// Takes over `inner`, each path below `prefix`.
    pub fn extend_below(&mut self, prefix: &str, inner: Self) {
        self.0.extend(inner.0.into_iter().map(|mut problem| {
            problem.path = join_path(prefix, &problem.path);
            problem
        }));
    }

    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn iter(&self) -> std::slice::Iter<'_, FieldProblem> {
        self.0.iter()
    }

    pub fn into_vec(self) -> Vec<FieldProblem> {
        self.0
    }

    pub fn into_result<T>(self, value: T) -> Result<T, Self> {
        if self.0.is_empty() {
            Ok(value)
        } else {
            Err(self)
        }
    }
}

impl<'a> IntoIterator for &'a Problems {
    type Item = &'a FieldProblem;
    type IntoIter = std::slice::Iter<'a, FieldProblem>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, problem) in self.0.iter().enumerate() {
            let separator = if n == 0 { "" } else { "; " };
            let colon = if problem.path.is_empty() { "" } else { ": " };
            write!(f, "{separator}{}{colon}{}", problem.path, problem.message)?;
            if let Some(fix) = &problem.fix {
                write!(f, " ({fix})")?;
            }
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}

/// Puts a path below another: `settings` and `url` are `settings.url`, and `[0]` needs no dot.
pub fn join_path(prefix: &str, path: &str) -> String {
    match (prefix.is_empty(), path.is_empty()) {
        (true, _) => path.to_owned(),
        (_, true) => prefix.to_owned(),
        _ if path.starts_with('[') => format!("{prefix}{path}"),
        _ => format!("{prefix}.{path}"),
    }
}
