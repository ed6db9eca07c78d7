//! Threads with a large stack, on which expressions are evaluated.

use std::{
    fmt, io,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    sync::{
        Arc, Mutex, PoisonError,
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    task::{Context, Poll},
    thread,
};

use futures_channel::oneshot;

use crate::{error::ExpressionError, expression::STACK_BYTES};

/// Most evaluations that wait for a thread.
const MOST_WAITING: usize = 4096;

type Job = Box<dyn FnOnce() + Send>;

/// Threads with a large stack. They end when the evaluator is dropped and the queue is empty.
pub struct Evaluator(SyncSender<Job>);

impl Evaluator {
    /// Starts `threads` threads, at least one.
    pub fn start(threads: usize) -> io::Result<Self> {
        let (sender, receiver) = sync_channel(MOST_WAITING);
        let receiver = Arc::new(Mutex::new(receiver));
        for _ in 0..threads.max(1) {
            let receiver = Arc::clone(&receiver);
            thread::Builder::new()
                .name("tieline-evaluate".to_owned())
                .stack_size(STACK_BYTES)
                .spawn(move || work(&receiver))?;
        }
        Ok(Self(sender))
    }

    /// Queues a job and returns at once with its result to come: await it.
    ///
    /// One job should do all evaluations of one event. A full queue gives
    /// [`ExpressionError::Busy`], a panic of the job [`ExpressionError::Abandoned`]. A job whose
    /// result nobody waits for any more is skipped.
    pub fn evaluate<T: Send + 'static>(
        &self,
        job: impl FnOnce() -> T + Send + 'static,
    ) -> Pending<T> {
        let (sender, receiver) = oneshot::channel();
        let job = Box::new(move || {
            if !sender.is_canceled() {
                // Sending fails when nobody waits any more, and then nobody misses the result.
                drop(sender.send(job()));
            }
        });
        Pending(self.0.try_send(job).is_ok().then_some(receiver))
    }
}

impl fmt::Debug for Evaluator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Evaluator")
    }
}

/// The result of a job, to come. Works with any async runtime, and without one.
#[must_use = "a job whose result nobody waits for is skipped"]
#[derive(Debug)]
pub struct Pending<T>(Option<oneshot::Receiver<T>>);

impl<T> Future for Pending<T> {
    type Output = Result<T, ExpressionError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Some(receiver) = &mut self.0 else {
            return Poll::Ready(Err(ExpressionError::Busy));
        };
        Pin::new(receiver)
            .poll(cx)
            .map_err(|_| ExpressionError::Abandoned)
    }
}

/// Takes one job after the other until the evaluator is gone.
fn work(receiver: &Mutex<Receiver<Job>>) {
    loop {
        let next = receiver
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .recv();
        let Ok(job) = next else { return };
        // A panic drops the job's sender, which tells the one who waits.
        drop(catch_unwind(AssertUnwindSafe(job)));
    }
}
