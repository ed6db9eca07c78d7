//! What arrives is data, bounded and never believed before it is verified.

mod bombs;
mod control;
mod outputs;

use crate::http::Request;
use crate::hub::SECRET;

/// A request to a connector by one who knows its secret.
fn to(connector: &str) -> Request {
    Request::post(&format!("/c/{connector}")).bearer(SECRET)
}
