//! Connections that read beside the writer, each read from one snapshot.

use std::path::PathBuf;
use std::sync::Arc;

use parking_lot::Mutex;
use rusqlite::Connection;
use tieline_store::StoreError;
use tokio::sync::Semaphore;

use crate::failure::Failure;
use crate::{limits, open};

/// A few connections, opened when they are first needed.
#[derive(Clone, Debug)]
pub(crate) struct Readers(Arc<Pool>);

#[derive(Debug)]
struct Pool {
    path: PathBuf,
    idle: Mutex<Vec<Connection>>,
    /// A read holds its place until it is over, also where its caller has gone.
    places: Arc<Semaphore>,
}

impl Readers {
    pub(crate) fn new(path: PathBuf) -> Self {
        Self(Arc::new(Pool {
            path,
            idle: Mutex::default(),
            places: Arc::new(Semaphore::new(limits::READERS)),
        }))
    }

    /// Reads on a thread where waiting for the disk hinders nobody.
    pub(crate) async fn read<T, Work>(&self, work: Work) -> Result<T, StoreError>
    where
        T: Send + 'static,
        Work: FnOnce(&Connection) -> Result<T, Failure> + Send + 'static,
    {
        let closed = || StoreError::unavailable("the store is closed");
        let places = Arc::clone(&self.0.places);
        let place = places.acquire_owned().await.map_err(|_| closed())?;
        let pool = Arc::clone(&self.0);
        let read = move || {
            let _place = place;
            pool.read(work)
        };
        let read = tokio::task::spawn_blocking(read).await;
        let read = read.map_err(|_| StoreError::unavailable("a read did not finish"))?;
        read.map_err(|failure| failure.to_error())
    }

    pub(crate) fn close(&self) {
        self.0.places.close();
        self.0.idle.lock().clear();
    }
}

impl Pool {
    fn read<T>(&self, work: impl FnOnce(&Connection) -> Result<T, Failure>) -> Result<T, Failure> {
        let idle = self.idle.lock().pop();
        let connection = match idle {
            Some(connection) => connection,
            None => open::reader(&self.path)?,
        };
        let execute = |sql: &str| connection.prepare_cached(sql)?.execute([]);
        execute("BEGIN")?;
        let read = work(&connection);
        // A connection that cannot leave its snapshot is dropped with it.
        execute("ROLLBACK")?;
        if !self.places.is_closed() {
            self.idle.lock().push(connection);
        }
        read
    }
}
