//! How long valid requests take, alone and under attack.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// How many valid requests are measured.
const REQUESTS: usize = 200;
/// What is never too long for a debug build, on a machine that is busy with other tests.
const FLOOR: Duration = Duration::from_millis(300);

/// The time that all but one in a hundred of these took less than. They come one after another.
fn p99(request: &impl Fn()) -> Duration {
    let mut times: Vec<Duration> = (0..REQUESTS)
        .map(|_| {
            let begun = Instant::now();
            request();
            begun.elapsed()
        })
        .collect();
    times.sort_unstable();
    times[REQUESTS * 99 / 100 - 1]
}

/// Sends valid requests alone, and then while each of the attackers goes on; says what it measured.
///
/// An attacker is told to end by its flag. Those that end by themselves must have begun by the time
/// that `ready` says so.
#[track_caller]
pub(super) fn unharmed(
    request: impl Fn(),
    attackers: &[&(dyn Fn(&AtomicBool) + Sync)],
    ready: impl FnOnce(),
) {
    let idle = p99(&request);
    let over = AtomicBool::new(false);
    let attacked = thread::scope(|scope| {
        for attacker in attackers {
            scope.spawn(|| attacker(&over));
        }
        let ended = Ending(&over);
        ready();
        let attacked = p99(&request);
        drop(ended);
        attacked
    });
    println!("p99: {idle:?} alone, {attacked:?} under attack");
    let most = (idle * 2).max(FLOOR);
    assert!(attacked <= most, "{attacked:?} instead of {idle:?}");
}

/// Attackers end also where a request fails: their threads are waited for.
struct Ending<'a>(&'a AtomicBool);

impl Drop for Ending<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}
