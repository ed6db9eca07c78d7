//! The step at which the fault harness ends this process; no hub that is shipped has it.

use crate::config;

/// The variable that says which step, and at which time: `accept-written:3`.
const VARIABLE: &str = "TIELINE_FAILPOINT";

/// Arms the step, where one is asked for.
///
/// # Panics
///
/// Where it is no step: a round that arms nothing would pass for the wrong reason.
pub(crate) fn arm() {
    if let Some(text) = config::variable(VARIABLE) {
        tieline_failpoint::arm(&text).expect("the environment names a step and a count");
    }
}
