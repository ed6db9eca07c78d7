//! Configuration: any text is read or refused, soon, and what stands behind `${…}` is never said.

use tieline_config::{Lookup, Severity, Source, Types};

use crate::soon::soon;

/// What every variable and every file holds.
const CANARY: &str = "canary-9f27c1d0-of-24-and-more";

pub(crate) fn check(data: &[u8]) {
    let Ok(text) = str::from_utf8(data) else {
        return;
    };
    let sources = [Source { file: "x", text }];
    let variable = |name: &str| (!name.starts_with("NO")).then(|| CANARY.to_owned());
    let file = |_: &str| Ok(format!("{CANARY}\n"));
    let lookup = Lookup {
        variable: &variable,
        file: &file,
    };
    let types = Types {
        connectors: tieline_connectors::TYPES,
        runtimes: tieline_runtimes::RUNTIMES,
    };
    let (configuration, diagnostics) = soon(|| tieline_config::read(&sources, &lookup, &types));
    let failed = diagnostics.iter().any(|d| d.severity == Severity::Error);
    assert_eq!(configuration.is_none(), failed);
    // In YAML a carriage return alone ends a line, too.
    let lines = 1 + text.matches(['\n', '\r']).count();
    for diagnostic in &diagnostics {
        assert!(!diagnostic.to_string().contains(CANARY), "{diagnostic}");
        if let Some(position) = &diagnostic.position {
            let inside = (1..=lines).contains(&position.line);
            assert!(inside && position.column >= 1, "{diagnostic}");
        }
    }
    let connectors = configuration.map(|all| all.connectors);
    for secret in connectors.iter().flatten().flat_map(|one| &one.secrets) {
        assert!(!secret.expose().trim().is_empty(), "a blank secret");
        assert!(!format!("{secret:?}").contains(CANARY), "a secret shows");
    }
}
