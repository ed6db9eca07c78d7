//! The files of a store that is closed, as bytes on a disk: nothing here knows what they mean,
//! beyond the length of a page.

use std::fs;
use std::path::PathBuf;

use anyhow::{Result, ensure};

use crate::stage::Stage;

const PAGE: usize = 8192;
/// In the first byte of a page, this bit tells one kind of page from another.
const KIND: u8 = 0b1000;

/// Where a store lies.
pub(super) struct Stored {
    pub(super) file: PathBuf,
}

impl Stored {
    pub(super) fn of(stage: &Stage) -> Self {
        Self {
            file: stage.hub.setup.data.join("tieline.db"),
        }
    }

    pub(super) fn log(&self) -> PathBuf {
        self.file.with_extension("db-wal")
    }

    /// Flips a bit of a text wherever it stands, and says how often.
    pub(super) fn flip_all(&self, text: &str) -> Result<u64> {
        let (mut bytes, places) = self.find(text)?;
        for at in &places {
            bytes[*at] ^= 1;
        }
        fs::write(&self.file, bytes)?;
        Ok(places.len() as u64)
    }

    /// Flips a bit in the head of every page that a text stands on.
    pub(super) fn flip_page(&self, text: &str) -> Result<u64> {
        let (mut bytes, places) = self.find(text)?;
        let mut pages: Vec<_> = places.iter().map(|at| at / PAGE * PAGE).collect();
        pages.dedup();
        for at in &pages {
            bytes[*at] ^= KIND;
        }
        fs::write(&self.file, bytes)?;
        Ok(pages.len() as u64)
    }

    fn find(&self, text: &str) -> Result<(Vec<u8>, Vec<usize>)> {
        // What stands in a log would come back from there.
        let log = fs::metadata(self.log()).map_or(0, |log| log.len());
        ensure!(
            log == 0,
            "the store was not closed: its log has {log} bytes"
        );
        let bytes = fs::read(&self.file)?;
        let windows = bytes.windows(text.len()).enumerate();
        let found = windows.filter(|(_, window)| *window == text.as_bytes());
        let places: Vec<_> = found.map(|(at, _)| at).collect();
        ensure!(!places.is_empty(), "`{text}` does not stand in the file");
        Ok((bytes, places))
    }
}
