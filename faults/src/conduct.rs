//! How agents and destinations behave: well, or as a fault asks for.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// One call, as a conduct sees it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Call<'a> {
    /// The agent, or the last part of the destination's path.
    pub(crate) name: &'a str,
    /// The session of the run; empty at a destination.
    pub(crate) session: &'a str,
    /// How often the same run, or the same delivery, was there before.
    pub(crate) before: u32,
    /// A number that chance chose for this call.
    pub(crate) drawn: u64,
}

/// What is done with a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Reply {
    /// How long it takes.
    pub(crate) after: Duration,
    pub(crate) act: Act,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Act {
    /// 200; an agent's output is its input.
    Answer,
    /// This status, with `Retry-After: 1` where it is 429 or 503.
    Refuse(u16),
    /// The connection is closed without an answer.
    HangUp,
}

impl Reply {
    pub(crate) const WELL: Self = Self::now(Act::Answer);

    pub(crate) const fn now(act: Act) -> Self {
        Self {
            after: Duration::ZERO,
            act,
        }
    }

    pub(crate) const fn well_after(after: Duration) -> Self {
        Self {
            after,
            act: Act::Answer,
        }
    }
}

/// Decides about each call.
#[derive(Clone)]
pub(crate) struct Conduct(Arc<dyn Fn(Call<'_>) -> Reply + Send + Sync>);

impl Conduct {
    pub(crate) fn new(decide: impl Fn(Call<'_>) -> Reply + Send + Sync + 'static) -> Self {
        Self(Arc::new(decide))
    }

    /// Every call is answered at once.
    pub(crate) fn good() -> Self {
        Self::new(|_| Reply::WELL)
    }

    /// The agent `beta` fails or is slow at one first execution in ten, in four ways; `alpha` is
    /// good.
    pub(crate) fn moody_agent() -> Self {
        Self::new(|call| {
            if call.name != "beta" || call.before > 0 {
                return Reply::WELL;
            }
            match call.drawn % 40 {
                0 => Reply::now(Act::Refuse(500)),
                1 => Reply::now(Act::Refuse(503)),
                2 => Reply::now(Act::HangUp),
                3 => Reply::well_after(Duration::from_millis(300)),
                _ => Reply::WELL,
            }
        })
    }

    /// One first arrival in three hundred fails, in three ways. 429 is the rarest, because it asks
    /// for a pause of everything.
    pub(crate) fn moody_destination() -> Self {
        Self::new(|call| match call.drawn % 6000 {
            0..10 if call.before == 0 => Reply::now(Act::Refuse(500)),
            10..20 if call.before == 0 => Reply::now(Act::HangUp),
            20 if call.before == 0 => Reply::now(Act::Refuse(429)),
            _ => Reply::WELL,
        })
    }

    pub(crate) fn decide(&self, call: Call<'_>) -> Reply {
        (self.0)(call)
    }
}

impl fmt::Debug for Conduct {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Conduct")
    }
}
