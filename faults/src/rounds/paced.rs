//! Letters at a steady pace, whatever becomes of them, with how long each took.

use std::sync::atomic::Ordering;
use std::time::Duration;

use anyhow::{Context as _, Result};
use futures_util::future::join_all;
use tokio::time::{Instant, sleep_until};

use crate::courier::{Letter, Sending};
use crate::stage::Stage;

/// How many are on their way at once at the most.
const LANES: u64 = 32;
const PATIENCE: Duration = Duration::from_mins(1);

#[derive(Clone, Copy, Debug)]
pub(super) struct Pace {
    pub(super) per_second: f64,
    pub(super) time: Duration,
}

/// A letter that was acknowledged.
#[derive(Debug)]
pub(super) struct Paced {
    /// As the draft was numbered.
    pub(super) number: u64,
    pub(super) sending: Sending,
    /// From the moment at which it was meant to be sent, to its acknowledgement.
    pub(super) took: Duration,
}

/// Sends what `draft` makes of a number and a key, each at its moment and until it is acknowledged.
pub(super) async fn send(
    stage: &Stage,
    pace: Pace,
    draft: impl Fn(u64, u64) -> Letter,
) -> Result<Vec<Paced>> {
    let (begin, draft) = (Instant::now(), &draft);
    let gap = Duration::from_secs_f64(1.0 / pace.per_second);
    let lanes = (0..LANES).map(|lane| async move {
        let (mut courier, keys) = (stage.courier(), stage.keys());
        let mut letters = Vec::new();
        for number in (lane..).step_by(usize::try_from(LANES)?) {
            let after = gap * u32::try_from(number)?;
            if after >= pace.time {
                break;
            }
            sleep_until(begin + after).await;
            let letter = draft(number, keys.fetch_add(1, Ordering::Relaxed));
            let sending = courier.insist(&letter, PATIENCE).await?;
            letters.push(Paced {
                number,
                sending,
                took: begin.elapsed().saturating_sub(after),
            });
        }
        courier.write().await?;
        anyhow::Ok(letters)
    });
    let mut letters = Vec::new();
    for lane in join_all(lanes).await {
        letters.extend(lane.context("a lane failed")?);
    }
    Ok(letters)
}

/// The time that so many of a thousand do not exceed.
pub(super) fn permille(times: &mut [Duration], share: usize) -> Duration {
    times.sort_unstable();
    let at = times.len() * share / 1000;
    times.get(at).copied().unwrap_or_default()
}

pub(super) fn median(times: &mut [Duration]) -> Duration {
    permille(times, 500)
}

pub(super) fn mean(times: &[Duration]) -> Duration {
    let number = u32::try_from(times.len()).unwrap_or(u32::MAX);
    times.iter().sum::<Duration>() / number.max(1)
}

/// From the lower to the upper quarter.
pub(super) fn spread(times: &mut [Duration]) -> Duration {
    permille(times, 750).saturating_sub(permille(times, 250))
}
