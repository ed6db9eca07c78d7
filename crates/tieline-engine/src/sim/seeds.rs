//! Seeds that once failed, each with what it found. They run before all others.
//!
//! Those of an engine that was broken on purpose are kept where few other seeds saw it.

pub(super) const ONCE_FAILED: [u64; 6] = [
    // On purpose: outlets were taken as they were when the attempt began, not as they are at its
    // end; and a run that was given back at a stop had its attempt counted.
    187,
    // On purpose: a delivery that was given back at a stop had its attempt counted.
    403,
    // On purpose: the due times of waiting work went with the wall clock.
    667,
    // On purpose: a run that lost its place between its claim and its first step was executed.
    2315,
    // On purpose: a settle that was fenced told of its end all the same, and counted deliveries
    // that are not there.
    2843,
    // The check itself: what a hub could not record because it stopped while the store was out
    // counts as a crash, not as an error of the agent.
    3123,
];
