//! A body from a template (Jinja syntax), within bounds of work and of size.

use std::io;

use bytes::Bytes;
use minijinja::{AutoEscape, Environment, UndefinedBehavior};
use serde_json::Value;
use tieline_contract::{Fault, Problems, VALUES_MAX, values};

/// Steps that one rendering may take.
const FUEL: u64 = 1_000_000;
/// Bytes that one rendering may give.
const LARGEST: usize = 16 << 20;

/// A template over the fields of the whole result.
#[derive(Debug)]
pub(in super::super) struct BodyTemplate {
    environment: Environment<'static>,
    source: String,
}

impl BodyTemplate {
    pub(super) fn new(source: String, problems: &mut Problems) -> Self {
        let mut environment = Environment::new();
        environment.set_fuel(Some(FUEL));
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        // Escaping for HTML would change the text; `tojson` is there for JSON.
        environment.set_auto_escape_callback(|_| AutoEscape::None);
        if let Err(error) = environment.template_from_str(&source) {
            let fix = "write Jinja, such as `{\"text\": {{ output | tojson }}}`";
            problems.add_with_fix("body.template", error.to_string(), fix);
        }
        Self {
            environment,
            source,
        }
    }

    /// `result` is the whole result as JSON.
    pub(super) fn render(&self, result: &[u8]) -> Result<Bytes, Fault> {
        let failed = |error: &dyn std::error::Error| {
            Fault::never("template-failed", format!("the body's template: {error}"))
        };
        let many = std::str::from_utf8(result).is_ok_and(|text| values(text) > VALUES_MAX);
        if many {
            let message = format!("the result has more than {VALUES_MAX} values");
            return Err(Fault::never("template-failed", message));
        }
        let fields: Value = serde_json::from_slice(result).map_err(|error| failed(&error))?;
        let template = self
            .environment
            .template_from_str(&self.source)
            .map_err(|error| failed(&error))?;
        let mut out = Capped(Vec::new());
        template
            .render_captured_to(minijinja::value::Serde(&fields), &mut out)
            .map_err(|error| failed(&error))?;
        Ok(out.0.into())
    }
}

/// Takes bytes up to [`LARGEST`].
struct Capped(Vec<u8>);

impl io::Write for Capped {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.0.len() + bytes.len() > LARGEST {
            return Err(io::Error::other("the body is larger than 16 MiB"));
        }
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
