//! Seeds that once failed, each with what it found. They run before all others.
//!
//! Those of an engine that was broken on purpose are kept where few other seeds saw it.

pub(super) const ONCE_FAILED: [(u64, &str); 6] = [
    (
        187,
        "on purpose: outlets as they were when the attempt began, and a run given back at a stop \
         with its attempt counted",
    ),
    (
        403,
        "on purpose: a delivery given back at a stop with its attempt counted",
    ),
    (
        667,
        "on purpose: what waits became due by the wall clock, which may be set back",
    ),
    (
        2315,
        "on purpose: a run that lost its place between claim and begin was executed",
    ),
    (
        2843,
        "on purpose: a settle that was fenced was told and counted",
    ),
    (
        3123,
        "the check itself: what a hub could not record at its stop counts as a crash",
    ),
];
