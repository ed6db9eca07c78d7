//! Every limit of the engine, in one place.

use std::time::Duration;

/// How long the same dedupe key stands for the same event.
pub const DEDUPE_WINDOW: Duration = Duration::from_hours(72);

/// How many rows one claim takes at the most.
pub const CLAIM_BATCH: u32 = 256;

/// How long an idle desk waits before it looks again for work that a lost signal hid.
pub const POLL: Duration = Duration::from_secs(15);

/// How long a run may go on being refused as "not started" before it is a dead letter.
pub const OUTAGE_AGE_MAX: Duration = Duration::from_hours(72);

/// How many deliveries of one outbound connector are under way at once.
pub const DELIVERIES_AT_ONCE: u32 = 16;

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
