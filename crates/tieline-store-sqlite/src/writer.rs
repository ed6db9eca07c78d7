//! The one thread that writes: it commits what has gathered, then answers.
//!
//! It never answers before the commit is synced, and never commits again after a failed sync.

use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::{io, thread};

use parking_lot::RwLock;
use rusqlite::Connection;
use rusqlite::hooks::Wal;
use tieline_failpoint::{self as failpoint, Step};
use tieline_store::StoreError;
use tokio::sync::{oneshot, watch};

use crate::failure::{Failure, Verdict};
use crate::health::Health;
use crate::limits;

/// The way to the writer thread. Dropping it ends the thread once its queue is empty.
#[derive(Debug)]
pub(crate) struct Writer {
    queue: RwLock<Option<SyncSender<Box<dyn Job>>>>,
    /// Never sent to; closed when the thread has ended.
    ended: watch::Receiver<()>,
    health: Health,
}

/// One transaction's worth of work. It may be applied again after a rollback.
trait Job: Send {
    fn apply(&mut self, connection: &Connection) -> Result<(), Failure>;
    fn succeed(self: Box<Self>);
    fn fail(self: Box<Self>, error: StoreError);
}

struct Task<T, Work> {
    work: Work,
    answer: Option<T>,
    reply: oneshot::Sender<Result<T, StoreError>>,
}

impl<T, Work> Job for Task<T, Work>
where
    T: Send,
    Work: FnMut(&Connection) -> Result<T, Failure> + Send,
{
    fn apply(&mut self, connection: &Connection) -> Result<(), Failure> {
        self.answer = Some((self.work)(connection)?);
        Ok(())
    }

    fn succeed(self: Box<Self>) {
        let answer = self.answer.expect("a job is applied before it succeeds");
        // A caller that went away does not undo what is committed.
        self.reply.send(Ok(answer)).ok();
    }

    fn fail(self: Box<Self>, error: StoreError) {
        self.reply.send(Err(error)).ok();
    }
}

impl Writer {
    pub(crate) fn start(mut connection: Connection, health: Health) -> io::Result<Self> {
        let log = watch_log(&mut connection).map_err(io::Error::other)?;
        let (queue, jobs) = sync_channel(limits::QUEUE);
        let (living, ended) = watch::channel(());
        let thread = Thread {
            connection,
            health: health.clone(),
            log,
            wait_at: Cell::new(limits::LONG_LOG_PAGES),
            _living: living,
        };
        let builder = thread::Builder::new().name("store-writer".to_owned());
        builder.spawn(move || thread.run(&jobs))?;
        Ok(Self {
            queue: RwLock::new(Some(queue)),
            ended,
            health,
        })
    }

    /// Has the work done in a commit, and waits until that is on the disk.
    pub(crate) async fn write<T, Work>(&self, work: Work) -> Result<T, StoreError>
    where
        T: Send + 'static,
        Work: FnMut(&Connection) -> Result<T, Failure> + Send + 'static,
    {
        self.health.check()?;
        let (reply, answered) = oneshot::channel();
        self.push(Box::new(Task {
            work,
            answer: None,
            reply,
        }))?;
        match answered.await {
            Ok(answer) => answer,
            Err(_) => Err(self.gone()),
        }
    }

    fn push(&self, job: Box<dyn Job>) -> Result<(), StoreError> {
        let queue = self.queue.read();
        let pushed = queue.as_ref().map(|queue| queue.try_send(job));
        match pushed {
            Some(Ok(())) => Ok(()),
            Some(Err(TrySendError::Full(_))) => {
                Err(StoreError::unavailable("the write queue is full"))
            }
            Some(Err(TrySendError::Disconnected(_))) | None => Err(self.gone()),
        }
    }

    fn gone(&self) -> StoreError {
        let closed = || StoreError::unavailable("the store is closed");
        self.health.check().err().unwrap_or_else(closed)
    }

    /// Lets the thread finish what was queued, and waits for its end.
    pub(crate) async fn close(&self) {
        self.queue.write().take();
        let mut ended = self.ended.clone();
        // Nothing is ever sent, so that this returns when the thread drops the other side.
        ended.changed().await.ok();
    }
}

/// Has each commit leave the length of the log here, in pages. It knows it anyway, and a pragma that
/// asks for it is compiled anew each time.
fn watch_log(connection: &mut Connection) -> rusqlite::Result<Arc<AtomicI64>> {
    let log = Arc::new(AtomicI64::new(0));
    let seen = Arc::clone(&log);
    connection.wal_hook(Some(move |_: &mut Wal, pages| {
        seen.store(i64::from(pages), Ordering::Relaxed);
        Ok(())
    }))?;
    Ok(log)
}

struct Thread {
    connection: Connection,
    health: Health,
    /// The length of the log, in pages, after the last commit that wrote to it; 0 once that was
    /// looked at.
    log: Arc<AtomicI64>,
    /// The length of the log, in pages, at which readers are waited for.
    wait_at: Cell<i64>,
    /// Dropped after the connection, so that who waits for it finds the file closed.
    _living: watch::Sender<()>,
}

impl Thread {
    fn run(self, jobs: &Receiver<Box<dyn Job>>) {
        let mut batch = Vec::with_capacity(limits::BATCH);
        while let Ok(first) = jobs.recv() {
            batch.push(first);
            batch.extend(jobs.try_iter().take(limits::BATCH - 1));
            self.settle(&mut batch);
            self.keep_log_short(self.log.swap(0, Ordering::Relaxed));
        }
    }

    /// Commits the jobs together; where one of them is refused, each by itself.
    fn settle(&self, batch: &mut Vec<Box<dyn Job>>) {
        let done = match self.health.check() {
            Ok(()) => self.commit(batch),
            Err(_) => Err(Failure::Damaged("it broke before")),
        };
        match done {
            Ok(()) => {
                failpoint::pass(Step::CommitDone);
                batch.drain(..).for_each(Job::succeed);
            }
            Err(failure) if failure.verdict() == Verdict::Refused && batch.len() > 1 => {
                for job in batch.drain(..) {
                    self.settle(&mut vec![job]);
                }
            }
            Err(failure) => {
                if failure.verdict() == Verdict::Broken {
                    self.health.break_for(failure.to_string());
                }
                let error = || {
                    self.health
                        .check()
                        .err()
                        .unwrap_or_else(|| failure.to_error())
                };
                batch.drain(..).for_each(|job| job.fail(error()));
            }
        }
    }

    fn commit(&self, batch: &mut [Box<dyn Job>]) -> Result<(), Failure> {
        self.execute("BEGIN IMMEDIATE")?;
        failpoint::pass(Step::CommitBegun);
        let applied = batch
            .iter_mut()
            .try_for_each(|job| job.apply(&self.connection));
        failpoint::pass(Step::CommitApplied);
        let committed = applied.and_then(|()| self.execute("COMMIT"));
        // SQLite rolls back by itself after some failures.
        if committed.is_err() && !self.connection.is_autocommit() {
            let rolled_back = self.execute("ROLLBACK");
            rolled_back.map_err(|_| Failure::Damaged("a transaction could not be rolled back"))?;
        }
        committed
    }

    /// Copies a long log back into the file.
    ///
    /// Here and not by SQLite's own means, because those forget a failed sync; and after the
    /// answers, so that nobody waits for it.
    fn keep_log_short(&self, length: i64) {
        if let Err(failure) = self.copy_log(length).map_err(Failure::from) {
            if failure.verdict() == Verdict::Broken {
                self.health.break_for(failure.to_string());
            } else {
                tracing::warn!("the write-ahead log could not be copied back: {failure}");
            }
        }
    }

    fn copy_log(&self, length: i64) -> rusqlite::Result<()> {
        if length == 0 {
            return Ok(());
        }
        if length < limits::LOG_PAGES {
            self.wait_at.set(limits::LONG_LOG_PAGES);
            return Ok(());
        }
        if length < self.wait_at.get() {
            self.checkpoint("PASSIVE")?;
            return Ok(());
        }
        // Readers that overlap leave the log to nobody: it would grow for as long as they come.
        self.connection.busy_timeout(limits::LOG_WAIT)?;
        let waited = self.begin_log_anew();
        self.connection.busy_timeout(limits::BUSY)?;
        let next = if waited? { 0 } else { length };
        self.wait_at.set(next + limits::LONG_LOG_PAGES);
        Ok(())
    }

    /// Whether no reader needs the log any more.
    fn begin_log_anew(&self) -> rusqlite::Result<bool> {
        for _ in 0..limits::LOG_WAITS {
            if !self.checkpoint("RESTART")? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Whether it was hindered.
    fn checkpoint(&self, mode: &str) -> rusqlite::Result<bool> {
        let sql = format!("PRAGMA wal_checkpoint({mode})");
        let mut statement = self.connection.prepare_cached(&sql)?;
        statement.query_row([], |row| row.get(0))
    }

    fn execute(&self, sql: &str) -> Result<(), Failure> {
        self.connection.prepare_cached(sql)?.execute([])?;
        Ok(())
    }
}

impl Drop for Thread {
    fn drop(&mut self) {
        if thread::panicking() {
            self.health.break_for("the writer panicked".to_owned());
        }
    }
}
