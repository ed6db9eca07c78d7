//! API keys, projects, the audit log, rotation.
