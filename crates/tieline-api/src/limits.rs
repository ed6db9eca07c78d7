//! Every limit of the API, in one place.

use std::time::Duration;

// ── connections ──

/// How long a client has for the head of a request, and may leave a connection idle.
pub const HEAD_READ: Duration = Duration::from_secs(10);

/// Bytes that the head of a request may have; also what is read ahead of a handler.
pub const HEAD_BYTES: usize = 64 * 1024;

/// How many connections are served at once; those beyond are told so and closed.
pub const CONNECTIONS: usize = 16_384;

/// How many connections may be shaking hands at once; those beyond are closed. Each has
/// [`HEAD_READ`] for it.
pub const HANDSHAKES: usize = 4096;

/// How many requests may be worked on and answered at once, on all connections of a listener.
pub const IN_FLIGHT: usize = 32_768;

/// How many connections are refused in words at once; those beyond are just closed.
pub const REFUSALS: usize = 64;

/// How long a refused client has to read why.
pub const REFUSAL: Duration = Duration::from_secs(1);

/// How many requests one HTTP/2 connection may have open.
pub const STREAMS: u32 = 256;

/// How many resets of HTTP/2 streams are borne before the connection is closed.
pub const STREAM_RESETS: usize = 32;

/// How many requests one HTTP/2 connection may reset before their answers, beyond as many as it
/// takes answers for. A client may so give up everything that it has open at once.
pub const CANCELLED_REQUESTS: usize = 256;

/// How often a silent HTTP/2 connection is asked whether it is there.
pub const PING_EVERY: Duration = Duration::from_secs(30);

/// How long an HTTP/2 connection may be without a request.
pub const STREAMLESS: Duration = Duration::from_secs(75);

/// How long a client may take nothing of an answer.
pub const WRITE_STALL: Duration = Duration::from_mins(1);

/// How long the accept loop rests when the process has no more files to open.
pub const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// When a caller whose token cannot be judged for want of its issuer's keys is to come again: the
/// keys are not asked for more often.
pub const KEYS_PAUSE: Duration = Duration::from_secs(10);

// ── bodies ──

/// How long a body may be silent, and what it has at the least.
pub const BODY_IDLE: Duration = Duration::from_secs(30);

/// Bytes per second that a body must bring on the whole, after its first [`BODY_IDLE`].
pub const BODY_RATE: u64 = 8 * 1024;

/// Bytes of all bodies that are being read or stored at once.
pub const BODIES: usize = 256 << 20;

/// Bytes of these for senders of whom nothing is known yet: of signed bodies, whose proof comes
/// with their end, and of connectors that anyone may call. The rest is there for those who are
/// known before their bodies are read.
pub const BODIES_UNPROVEN: usize = 192 << 20;

/// What is set aside for a body of which only the sender says how long it is.
pub const BODY_FIRST: usize = 256 * 1024;

/// Bytes of a request to `/v1`.
pub const MANAGEMENT_BODY: u64 = 4 << 20;

/// Bytes of what an agent reports to its callback.
pub const CALLBACK_BODY: u64 = 16 << 20;

/// Bytes of an agent's own words about its failure that are kept.
pub const ERROR_BYTES: usize = 2048;

/// Bytes of the code that an agent may give its failure.
pub const ERROR_CODE_BYTES: usize = 64;

/// How deep JSON may nest.
pub const JSON_DEPTH: usize = tieline_contract::NESTING_MAX;

/// When a request that the hub had no room for may come again.
pub const RETRY_AFTER: Duration = Duration::from_secs(1);

// ── strangers ──

/// How many requests without valid credentials are borne: of one network, to one connector, to
/// `/v1` or to `/callback`, in [`FAILURES_WINDOW`]. Those beyond are told to wait.
pub const FAILURES: u32 = 1000;

/// How long failures are remembered.
pub const FAILURES_WINDOW: Duration = Duration::from_mins(1);

/// How many networks are told apart in one window. Those beyond share what one may do.
pub const FAILURES_NETWORKS: usize = 16_384;

/// How many networks the log names in one window.
pub const FAILURES_NAMED: usize = 16;

/// Bytes that are read of a body whose proof comes with its end, from a network with too many
/// failures.
pub const STRANGERS_BODY: u64 = 64 * 1024;

// ── answers ──

/// How long a reader of a run may wait for its end.
pub const WAIT: Duration = Duration::from_mins(5);

/// How often a silent stream says that it is still there.
pub const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// How long one stream of a run lasts; it can be resumed.
pub const STREAM: Duration = Duration::from_hours(1);

/// Bytes of outputs and errors on one page of a list; there is always one row.
pub const PAGE_BYTES: usize = 4 << 20;

/// What is read in less needs no second look at what vouches for it, unless its connector changed.
pub const READ_AT_ONCE: Duration = Duration::from_millis(500);

/// How long the store has to say that it can commit.
pub const PROBE: Duration = Duration::from_secs(2);

/// How long that stands for all who ask.
pub const PROBE_STANDS: Duration = Duration::from_millis(100);

// ── access ──

/// How often the store is told that a key was used.
pub const KEY_USE: Duration = Duration::from_mins(1);

/// How often it is looked at whether what a stream was opened with is still good.
pub const LOOK_AGAIN: Duration = Duration::from_millis(400);

/// How long old secrets are good after a rotation where nobody says, and at the most.
pub const OVERLAP: (Duration, Duration) = (Duration::from_hours(24), Duration::from_hours(30 * 24));

/// Bytes of what the audit log calls the target of an act.
pub const TARGET_BYTES: usize = 1024;
