//! Makes the one thing that happens on another thread, the evaluation of expressions, take no time.
//!
//! A paused runtime that has nothing to do moves its clock to the next timer. While a thread
//! outside of it works on an answer, how far the clock gets would be a matter of luck.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, ThreadId};
use std::time::Duration;

use parking_lot::{Condvar, Mutex};

/// How long an evaluation may take on a machine that is busy with other things.
const PATIENCE: Duration = Duration::from_secs(20);

/// A future that holds the world still while another thread works for it.
pub(super) struct Unrushed<Work>(Pin<Box<Work>>);

impl<Work> Unrushed<Work> {
    pub(super) fn new(work: Work) -> Self {
        Self(Box::pin(work))
    }
}

impl<Work: Future> Future for Unrushed<Work> {
    type Output = Work::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Work::Output> {
        loop {
            let bell = Arc::new(Bell {
                of: thread::current().id(),
                outer: context.waker().clone(),
                rung: Mutex::default(),
                heard: Condvar::new(),
            });
            let waker = Waker::from(Arc::clone(&bell));
            match self.0.as_mut().poll(&mut Context::from_waker(&waker)) {
                Poll::Ready(output) => return Poll::Ready(output),
                Poll::Pending if bell.rung.lock().within => return Poll::Pending,
                Poll::Pending => bell.wait(),
            }
        }
    }
}

struct Bell {
    of: ThreadId,
    outer: Waker,
    rung: Mutex<Rung>,
    heard: Condvar,
}

#[derive(Default)]
struct Rung {
    /// By the world itself: the work only stepped aside.
    within: bool,
    /// By another thread, which has its answer.
    without: bool,
}

impl Bell {
    fn wait(&self) {
        let mut rung = self.rung.lock();
        if !rung.without {
            let late = self.heard.wait_for(&mut rung, PATIENCE).timed_out();
            assert!(!late, "an accept waits for what is no expression");
        }
    }
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        let mut rung = self.rung.lock();
        if thread::current().id() == self.of {
            rung.within = true;
            drop(rung);
            self.outer.wake_by_ref();
        } else {
            rung.without = true;
            self.heard.notify_one();
        }
    }
}
