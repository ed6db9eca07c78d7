//! A bound in time: far above what anything here takes, so that only what runs away breaks it.

use std::sync::mpsc::sync_channel;
use std::time::Duration;

use tieline_expression::Evaluator;

/// What one step may take at the most, instrumented, on a busy machine.
const LIMIT: Duration = Duration::from_secs(5);

/// Does a thing, and sees that it was over in time.
#[expect(
    clippy::disallowed_methods,
    reason = "a runaway is measured in real time"
)]
pub(crate) fn soon<T>(work: impl FnOnce() -> T) -> T {
    let start = std::time::Instant::now();
    let done = work();
    let taken = start.elapsed();
    assert!(taken <= LIMIT, "it took {taken:?}");
    done
}

/// The same on an evaluator's thread. A panic there breaks the property too.
pub(crate) fn soon_on<T: Send + 'static>(
    evaluator: &Evaluator,
    work: impl FnOnce() -> T + Send + 'static,
) -> T {
    let (sender, receiver) = sync_channel(1);
    let pending = evaluator.evaluate(move || sender.send(work()).is_ok());
    let done = receiver.recv_timeout(LIMIT);
    drop(pending);
    done.expect("it ends in time, and without a panic")
}
