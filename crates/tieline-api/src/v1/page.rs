//! Lists in pages.

use serde::{Deserialize, Serialize};
use tieline_contract::Code;
use tieline_model::page::{Page, PageRequest};
use tieline_model::{EventId, Run};
use utoipa::{IntoParams, ToSchema};

use crate::limits::PAGE_BYTES;
use crate::problem::Failure;

/// One page of a list.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct List<T> {
    pub(super) data: Vec<T>,
    /// Passed as `cursor` for the next page; `null` on the last.
    pub(super) next_cursor: Option<String>,
}

impl<T> List<T> {
    pub(super) const EMPTY: Self = Self {
        data: Vec::new(),
        next_cursor: None,
    };
}

/// Which page to read.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Paging {
    /// How many at the most: 1 to 250, and 50 where it is left out.
    #[param(minimum = 1, maximum = 250)]
    pub(super) limit: Option<u32>,
    /// The `next_cursor` of the page before.
    pub(super) cursor: Option<String>,
}

/// A checked limit.
pub(super) fn limit_of(limit: Option<u32>) -> Result<u32, Failure> {
    let limit = limit.unwrap_or(PageRequest::LIMIT_DEFAULT);
    if (1..=PageRequest::LIMIT_MAX).contains(&limit) {
        return Ok(limit);
    }
    let most = PageRequest::LIMIT_MAX;
    let detail = format!("Ask for a `limit` of 1 to {most}.");
    Err(Failure::new(Code::BadRequest, detail))
}

/// A page of a list by id.
pub(super) fn by_id(limit: Option<u32>, cursor: Option<&str>) -> Result<PageRequest, Failure> {
    let limit = limit_of(limit)?;
    let before = cursor.map(str::parse::<EventId>).transpose();
    let before = before.map_err(|_| invalid_cursor())?;
    Ok(PageRequest {
        limit,
        before: before.map(|id| *id.as_bytes()),
    })
}

/// A page of a list by name: `key_of` is what rows are sorted by, and no two have the same.
pub(super) fn by_name<T>(
    mut rows: Vec<T>,
    paging: &Paging,
    key_of: impl Fn(&T) -> String,
) -> Result<List<T>, Failure> {
    let limit = limit_of(paging.limit)? as usize;
    if let Some(after) = &paging.cursor {
        let known = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-_/".contains(&b);
        if after.is_empty() || !after.bytes().all(known) {
            return Err(invalid_cursor());
        }
        rows.retain(|row| key_of(row) > *after);
    }
    rows.sort_by_cached_key(&key_of);
    let more = rows.len() > limit;
    rows.truncate(limit);
    let last = rows.last().filter(|_| more);
    Ok(List {
        next_cursor: last.map(key_of),
        data: rows,
    })
}

/// As many rows as have room on one page, and the cursor for the rest.
pub(super) fn fitting<T>(
    page: Page<T>,
    id_of: impl Fn(&T) -> [u8; 16],
    bytes_of: impl Fn(&T) -> usize,
) -> (Vec<T>, Option<String>) {
    let Page { mut rows, next } = page;
    let mut bytes = 0;
    let over = rows.iter().position(|row| {
        bytes += bytes_of(row);
        bytes > PAGE_BYTES
    });
    let kept = over.map_or(rows.len(), |over| over.max(1));
    let cut = kept < rows.len();
    rows.truncate(kept);
    let next = if cut { rows.last().map(&id_of) } else { next };
    let next = next.map(|id| EventId::from_bytes(id).to_string());
    (rows, next)
}

/// How much of a run is shown, roughly.
pub(super) fn bytes_of_run(run: &Run) -> usize {
    let texts = [run.output.as_ref(), run.usage.as_ref()];
    let error = run.error.as_ref().map_or(0, |error| error.message.len());
    texts
        .into_iter()
        .flatten()
        .map(bytes::Bytes::len)
        .sum::<usize>()
        + error
}

pub(super) fn invalid_cursor() -> Failure {
    let detail = "Pass the `next_cursor` of this list's page before, or none.";
    Failure::new(Code::InvalidCursor, detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paging(limit: Option<u32>, cursor: Option<&str>) -> Paging {
        let cursor = cursor.map(str::to_owned);
        Paging { limit, cursor }
    }

    #[test]
    fn names_come_in_pages_and_end() {
        let names = || vec!["c", "a", "b"];
        let key_of = |name: &&str| (*name).to_owned();
        let page = |cursor| by_name(names(), &paging(Some(2), cursor), key_of).unwrap();
        let first = page(None);
        assert_eq!(
            (first.data.len(), first.next_cursor.as_deref()),
            (2, Some("b"))
        );
        let second = page(Some("b"));
        assert_eq!((second.data.len(), second.next_cursor), (1, None));
        for bad in ["!", ""] {
            assert!(by_name(names(), &paging(None, Some(bad)), key_of).is_err());
        }
    }

    #[test]
    fn a_page_has_room_for_one_row_whatever_its_size() {
        let page = |sizes: &[usize]| Page {
            rows: sizes.to_vec(),
            next: None,
        };
        let fit = |sizes: &[usize]| fitting(page(sizes), |_| [7; 16], |size| *size);
        assert_eq!(fit(&[1, 2]), (vec![1, 2], None));
        let cursor = Some("07070707-0707-0707-0707-070707070707".to_owned());
        let (big, half) = (PAGE_BYTES + 1, PAGE_BYTES / 2);
        assert_eq!(fit(&[big, 1]), (vec![big], cursor.clone()));
        assert_eq!(fit(&[half, half, 1]), (vec![half, half], cursor));
        assert_eq!(fit(&[big]), (vec![big], None));
    }

    #[test]
    fn limits_are_refused_rather_than_bent() {
        for bad in [0, 251] {
            assert!(limit_of(Some(bad)).is_err());
        }
        assert_eq!(limit_of(None).unwrap(), 50);
        assert!(by_id(None, Some("x")).is_err());
    }
}
