//! Every bound of the store.

use std::time::Duration;

/// How many jobs may wait for the writer; one more is answered as unavailable at once.
pub(crate) const QUEUE: usize = 8192;

/// How many jobs one commit carries at the most.
pub(crate) const BATCH: usize = 512;

/// How many connections read beside the writer.
pub(crate) const READERS: usize = 4;

/// How long to wait for another process that writes to the same file.
pub(crate) const BUSY: Duration = Duration::from_secs(5);

/// Bytes of a page of a new file.
pub(crate) const PAGE_BYTES: u32 = 8192;

/// KiB of pages that the writer keeps in memory.
pub(crate) const WRITER_CACHE_KIB: i64 = 8 * 1024;

/// KiB of pages that each reader keeps in memory.
pub(crate) const READER_CACHE_KIB: i64 = 2 * 1024;

/// How many pages of the write-ahead log are copied back into the file at once.
pub(crate) const LOG_PAGES: i64 = 1000;

/// How many pages the log may have before the writer waits for readers to leave it, so that it can
/// begin anew; and after a wait that was in vain, how many more before the next.
pub(crate) const LONG_LOG_PAGES: i64 = 4 * LOG_PAGES;

/// How long the writer waits for readers then, and how often: a reader that comes meanwhile may
/// take the very place that is waited for, and is left out of sight by a new wait.
pub(crate) const LOG_WAIT: Duration = Duration::from_millis(60);
pub(crate) const LOG_WAITS: u32 = 5;

/// Bytes that the log file keeps once it was copied back.
pub(crate) const LOG_BYTES: i64 = 32 * 1024 * 1024;

/// Compiled statements that a connection keeps: more than there are.
pub(crate) const STATEMENTS: usize = 128;

/// How much less has to be kept until retention looks again at an event that had not ended.
pub(crate) const LOOK_AGAIN: Duration = Duration::from_hours(1);

/// How much less has to be kept until retention begins anew, while ids are ahead of the clock.
pub(crate) const BEGIN_ANEW: Duration = Duration::from_hours(24);

/// Bytes of bodies after which a commit of retention ends, however many events it may look at.
pub(crate) const ERASED_BYTES: u64 = 1024 * 1024;

/// How many findings of one kind an examination names.
pub(crate) const FINDINGS: usize = 20;

/// How many rows an examination reads from one snapshot.
pub(crate) const EXAMINED: u32 = 1000;

/// Bytes of a log that is longer than any checkpoint would leave it.
pub(crate) const LONG_LOG_BYTES: u64 = 8 * LOG_BYTES.unsigned_abs();

/// Bytes of free pages that are worth a word.
pub(crate) const MUCH_FREE_BYTES: u64 = 64 * 1024 * 1024;

/// How many pages a backup copies until it says how far it is.
pub(crate) const BACKUP_PAGES: i32 = 1024;

/// Bytes of bodies after which a page of a list ends, however many rows it may have.
pub(crate) const LIST_BYTES: usize = 8 * 1024 * 1024;

/// How many uses of a data key are reserved by one commit.
pub(crate) const USES: u64 = 1 << 20;

/// How many values a data key seals at the most: with random nonces of 96 bits, 2^32 are the limit
/// (NIST SP 800-38D, section 8.3).
pub(crate) const USES_OF_A_KEY: i64 = 1 << 31;

/// Bytes that are sealed or opened on the caller's own thread; what is larger is done where waiting
/// hinders nobody.
pub(crate) const SEALED_HERE: usize = 256 * 1024;
