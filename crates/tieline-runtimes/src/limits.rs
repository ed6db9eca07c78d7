//! How much a runtime takes from an agent.

use tieline_contract::Problems;
use tieline_model::quantity::ByteSize;

/// How large an answer may be where its owner does not say.
pub(crate) const MAX_OUTPUT_DEFAULT: ByteSize = ByteSize(10 << 20);
/// How large an answer may be at all: what the client for agents reads at most.
pub(crate) const MAX_OUTPUT_MOST: ByteSize = ByteSize(64 << 20);
/// How deep an output may nest: as deep as an event's input, so that it can become one.
pub(crate) const DEPTH: usize = tieline_contract::NESTING_MAX;
/// Bytes of an agent's words in an error or in the journal.
pub(crate) const EXCERPT: usize = 2048;

/// Reports a limit of output that cannot be kept.
pub(crate) fn check_max_output(size: ByteSize, problems: &mut Problems) {
    if size.0 == 0 || size > MAX_OUTPUT_MOST {
        let fix = format!("write 1B to {MAX_OUTPUT_MOST}");
        problems.add_with_fix("max_output", format!("{size} is out of range"), fix);
    }
}

/// The limit as a length in memory.
pub(crate) fn as_len(size: ByteSize) -> usize {
    usize::try_from(size.0).unwrap_or(usize::MAX)
}
