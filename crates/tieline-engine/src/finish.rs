//! Work that is done to its end, whoever waits for it.
//!
//! A caller of the hub may go away at any moment: its connection breaks, and its future is dropped.
//! What has been asked of the store is committed all the same, and what follows a commit (waking,
//! telling, counting, putting in place) belongs to it. It must not be left out.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_util::future::BoxFuture;
use tokio::runtime::Handle;
use tokio_util::task::TaskTracker;

use crate::Hub;

impl Hub {
    /// Work that goes on as a task of the hub where its caller goes away. It costs no task where
    /// the caller stays.
    pub fn finish<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> Finish<T> {
        Finish {
            work: Some(Box::pin(work)),
            tasks: self.tasks.clone(),
        }
    }
}

/// See [`Hub::finish`].
#[must_use = "it is done by whoever waits for it, or by the hub once it is dropped"]
pub struct Finish<T: Send + 'static> {
    /// `None` once it is done, and while it is polled: what panicked is not polled again.
    work: Option<BoxFuture<'static, T>>,
    tasks: TaskTracker,
}

impl<T: Send + 'static> Future for Finish<T> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<T> {
        let mut work = self.work.take().expect("it is not polled after its end");
        let polled = work.as_mut().poll(context);
        if polled.is_pending() {
            self.work = Some(work);
        }
        polled
    }
}

impl<T: Send + 'static> Drop for Finish<T> {
    fn drop(&mut self) {
        if let (Some(work), Ok(runtime)) = (self.work.take(), Handle::try_current()) {
            let rest = async move { drop(work.await) };
            drop(self.tasks.spawn_on(rest, &runtime));
        }
    }
}

impl<T: Send + 'static> fmt::Debug for Finish<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Finish").finish_non_exhaustive()
    }
}
