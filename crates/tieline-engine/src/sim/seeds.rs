//! Seeds that once failed, each with what it found. They run before all others.

pub(super) const ONCE_FAILED: [u64; 0] = [];
