//! The body of an answer, which holds what its request has taken for as long as it lasts.

use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::Body;
use bytes::Bytes;
use http_body::{Frame, SizeHint};

use super::places::Place;
use super::streams::Watched;

pub(super) struct Answer {
    body: Body,
    _place: Option<Place>,
    watched: Option<Watched>,
}

impl Answer {
    pub(super) fn new(body: Body, place: Place, watched: Option<Watched>) -> Self {
        Self {
            body,
            _place: Some(place),
            watched,
        }
    }

    /// One whose request has taken nothing.
    pub(super) fn unwatched(body: Body) -> Self {
        Self {
            body,
            _place: None,
            watched: None,
        }
    }
}

impl http_body::Body for Answer {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let this = self.get_mut();
        if let Some(watched) = &this.watched {
            watched.goes_on();
        }
        Pin::new(&mut this.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
