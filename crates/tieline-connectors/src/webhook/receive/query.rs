//! A GET: its query is the input, as an object. A body that it may have is not looked at.

use tieline_contract::{Code, Problem};

use super::Content;
use super::fields::Fields;

/// `query` comes without the `secret` parameter.
pub(super) fn read(query: &str) -> Result<Content, Problem> {
    let fields = Fields::parse(query.as_bytes()).map_err(|problem| Problem {
        // A query is no form, and what is wrong with it has another page.
        code: Code::BadRequest,
        ..problem
    })?;
    Ok(fields.into_content())
}
