//! Who may trigger a connector: unsigned, wrong, replayed, revoked.
