//! Forms: parts and names are bounded, no name is a path, and nothing is more than what came in.
//!
//! Line: the content type; then the body, whose line feeds may stand for CR LF.

use std::iter::once;

use crate::message::Message;
use crate::webhook::{receive, request};

pub(crate) fn check(data: &[u8]) {
    let Some(message) = Message::read(data) else {
        return;
    };
    let content_type = || once(("content-type", message.line(0)));
    receive(&request(content_type(), message.body));
    // A form as people write one has no carriage returns, which the format asks for.
    let body = message.body.iter().flat_map(|byte| match byte {
        b'\n' => &b"\r\n"[..],
        byte => std::slice::from_ref(byte),
    });
    let body = body.copied().collect::<Vec<_>>();
    receive(&request(content_type(), &body));
}
