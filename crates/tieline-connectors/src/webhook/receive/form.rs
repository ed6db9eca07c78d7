//! A form without files: an object.

use tieline_contract::Problem;

use super::Content;
use super::fields::Fields;

pub(super) fn read(body: &[u8]) -> Result<Content, Problem> {
    Ok(Fields::parse(body)?.into_content())
}
