//! Every limit of the engine, in one place.

use std::time::Duration;

/// How long the same dedupe key stands for the same event.
pub const DEDUPE_WINDOW: Duration = Duration::from_hours(72);

/// How many rows one claim takes at the most.
pub const CLAIM_BATCH: u32 = 256;

/// How long an idle desk waits before it looks again for work that a lost signal hid.
pub const POLL: Duration = Duration::from_secs(15);

/// How long a run may go on being refused as "not started" before it is a dead letter, and how
/// often in a row: its age also counts the time when nobody tried, as its agent was paused or busy.
pub const OUTAGE_AGE_MAX: Duration = Duration::from_hours(72);
pub const OUTAGES_MIN: u32 = 10;

/// How many deliveries of one outbound connector are under way at once, where it does not say.
///
/// Each has its body in memory: as large as an agent's output may be, 10 MiB where nobody raised
/// it. A slow destination must not cost more than a small machine has.
pub const DELIVERIES_AT_ONCE: u32 = 32;

/// The longest that one attempt of a delivery may take, whatever its sink allows itself.
pub const DELIVERY_ATTEMPT_MAX: Duration = Duration::from_mins(10);

/// When a delivery is tried again: about three days in all (jittered by a tenth).
pub const DELIVERY_SCHEDULE: [Duration; 9] = [
    Duration::from_secs(5),
    Duration::from_mins(5),
    Duration::from_mins(30),
    Duration::from_hours(2),
    Duration::from_hours(5),
    Duration::from_hours(10),
    Duration::from_hours(14),
    Duration::from_hours(20),
    Duration::from_hours(24),
];

/// The longest that a destination can have one delivery put off (`Retry-After`).
pub const DELIVERY_WAIT_MAX: Duration = Duration::from_hours(24);

/// How much of a run's chunks is kept for those who come late.
pub const CHUNK_BYTES_KEPT: usize = 256 * 1024;

/// The first and the longest pause after the store refused.
pub const STORE_PAUSE_FIRST: Duration = Duration::from_millis(100);
pub const STORE_PAUSE_MAX: Duration = Duration::from_secs(5);

/// How often expired dedupe keys are forgotten, and how many in one commit.
pub const SWEEP_EVERY: Duration = Duration::from_secs(30);
pub const SWEEP_BATCH: u32 = 1000;

/// What `Retry-After` says where the store cannot commit.
pub const RETRY_AFTER: Duration = Duration::from_secs(2);

/// After how many failures in a row an agent or a destination is held.
pub const BREAKER_FAILURES: u32 = 5;

/// How long it is held before the first probe, and at the most before a later one; the pause
/// doubles with each probe that fails.
pub const BREAKER_PAUSE_FIRST: Duration = Duration::from_secs(5);
pub const BREAKER_PAUSE_MAX: Duration = Duration::from_mins(5);

/// After how long an agent that still has a probe in hand counts as well, so that the others need
/// not wait for the end of a run that takes hours. Longer than it takes to find that nobody is
/// there: a connection is given up after ten seconds.
pub const TRIAL_MAX: Duration = Duration::from_secs(15);

/// The longest that the other side can have itself held (`Retry-After`).
pub const HOLD_MAX: Duration = Duration::from_hours(1);

/// How many events one pass of the retention looks at in one commit.
pub const RETAIN_BATCH: u32 = 200;

/// How long the sweep leaves the store to others between two commits.
pub const SWEEP_BREATH: Duration = Duration::from_millis(20);

/// How many rows an act on many reads at once.
pub const ACT_PAGE: u32 = 250;

/// How many of them are under way at once, so that they share commits.
pub const ACTS_AT_ONCE: usize = 32;

/// How long the giving back of what is in hand may take at the end.
pub const GIVE_BACK_MAX: Duration = Duration::from_secs(10);

/// How long after the deadline of an attempt its files can still be read.
pub const FILES_AFTER: Duration = Duration::from_hours(24);

/// How many secrets one connector has at once: each is tried with each request.
pub const SECRETS: usize = 8;
