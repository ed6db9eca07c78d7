//! What is wrong with a file, and where: as a compiler says it.

use std::fmt;
use std::sync::Arc;

use serde::{Serialize, Serializer};

/// A place in a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Position {
    #[serde(serialize_with = "text")]
    pub file: Arc<str>,
    /// From 1.
    pub line: usize,
    /// In characters, from 1.
    pub column: usize,
}

/// How much a diagnostic matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The files cannot be used.
    Error,
    /// The files can be used, and there is something better to write.
    Warning,
}

/// One thing that is wrong.
///
/// Its texts name fields and never repeat what was written in them, which may be a secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Diagnostic {
    pub severity: Severity,
    /// `None` where no file is to blame.
    pub position: Option<Position>,
    /// The field's path from the top of its file: `connectors[0].settings.max_body`.
    pub path: String,
    /// What is wrong, as a lowercase fragment.
    pub message: String,
    /// What would be right, as an imperative fragment.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fix: Option<String>,
}

fn text<S: Serializer>(text: &Arc<str>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(text)
}

impl Diagnostic {
    pub fn error(position: Option<Position>, path: &str, message: impl Into<String>) -> Self {
        Self {
            severity: Severity::Error,
            position,
            path: path.to_owned(),
            message: message.into(),
            fix: None,
        }
    }

    pub fn warning(position: Option<Position>, path: &str, message: impl Into<String>) -> Self {
        Self {
            severity: Severity::Warning,
            ..Self::error(position, path, message)
        }
    }

    #[must_use]
    pub fn with_fix(mut self, fix: impl Into<String>) -> Self {
        self.fix = Some(fix.into());
        self
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.file, self.line, self.column)
    }
}

/// `FILE:LINE:COLUMN: path: message`, and the fix on a line of its own. No newline at the end.
impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(position) = &self.position {
            write!(f, "{position}: ")?;
        }
        if self.severity == Severity::Warning {
            f.write_str("warning: ")?;
        }
        if !self.path.is_empty() {
            write!(f, "{}: ", self.path)?;
        }
        f.write_str(&self.message)?;
        match &self.fix {
            Some(fix) => write!(f, "\n  fix: {fix}"),
            None => Ok(()),
        }
    }
}
