//! Pages of a list, newest first.

/// Which page of a list to read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PageRequest {
    /// How many rows at the most, 1 to 250.
    pub limit: u32,
    /// The id of the last row of the page before, exclusive.
    pub before: Option<[u8; 16]>,
}

/// One page of a list.
#[derive(Clone, Debug)]
pub struct Page<T> {
    pub rows: Vec<T>,
    /// Where the next page begins; `None` on the last.
    pub next: Option<[u8; 16]>,
}

impl PageRequest {
    pub const LIMIT_DEFAULT: u32 = 50;
    pub const LIMIT_MAX: u32 = 250;

    pub fn first(limit: u32) -> Self {
        Self {
            limit: limit.clamp(1, Self::LIMIT_MAX),
            before: None,
        }
    }
}
