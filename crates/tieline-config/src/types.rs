//! The types that connectors and agents may have, as lists that come from above.

use serde_json::Value;
use tieline_contract::settings::one_of;
use tieline_contract::{ConnectorType, Problems, RuntimeType};

/// All types that the hub knows.
#[derive(Clone, Copy, Debug)]
pub struct Types<'a> {
    pub connectors: &'a [&'static ConnectorType],
    pub runtimes: &'a [&'static RuntimeType],
}

impl Types<'_> {
    pub fn connector(&self, name: &str) -> Option<&'static ConnectorType> {
        self.connectors.iter().find(|t| t.name == name).copied()
    }

    pub fn runtime(&self, name: &str) -> Option<&'static RuntimeType> {
        self.runtimes.iter().find(|t| t.name == name).copied()
    }

    /// The runtime that `written` names; a text that names none is a problem.
    pub(crate) fn read_runtime(
        &self,
        written: Option<&Value>,
        problems: &mut Problems,
    ) -> Option<&'static RuntimeType> {
        let name = written?.as_str()?;
        let found = self.runtime(name);
        if found.is_none() {
            let names: Vec<&str> = self.runtimes.iter().map(|t| t.name).collect();
            problems.add_with_fix("runtime", "unknown runtime", one_of(name, &names));
        }
        found
    }

    /// The connector type that `written` names; a text that names none is a problem.
    pub(crate) fn read_connector(
        &self,
        written: Option<&Value>,
        problems: &mut Problems,
    ) -> Option<&'static ConnectorType> {
        let name = written?.as_str()?;
        let found = self.connector(name);
        if found.is_none() {
            let names: Vec<&str> = self.connectors.iter().map(|t| t.name).collect();
            problems.add_with_fix("type", "unknown type", one_of(name, &names));
        }
        found
    }
}
