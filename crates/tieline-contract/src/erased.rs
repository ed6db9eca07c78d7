//! The object-safe twins of the roles, derived once. Nobody implements them by hand.

use bytes::Bytes;
use futures_util::future::BoxFuture;
use serde_json::{Map, Value};

use crate::settings::decode;
use crate::{
    Assignment, Chunks, Endpoint, EndpointContext, EndpointRules, Fault, Incoming, Outcome,
    Outgoing, Problem, Problems, Receipt, RunResult, Runtime, RuntimeContext, Sink, SinkContext,
    Verified, Wanted,
};

/// An [`Endpoint`] of any type.
pub trait DynEndpoint: Send + Sync {
    fn rules(&self) -> &EndpointRules;
    fn receive(&self, request: &Verified) -> Result<Incoming, Problem>;
}

/// A [`Sink`] of any type.
pub trait DynSink: Send + Sync {
    fn wanted(&self) -> &Wanted;
    fn body(&self, result: &RunResult) -> Result<Bytes, Fault>;
    fn deliver<'a>(&'a self, outgoing: &'a Outgoing) -> BoxFuture<'a, Result<Receipt, Fault>>;
}

/// A [`Runtime`] of any type.
pub trait DynRuntime: Send + Sync {
    fn run<'a>(
        &'a self,
        assignment: &'a Assignment,
        chunks: &'a mut dyn Chunks,
    ) -> BoxFuture<'a, Result<Outcome, Fault>>;
}

impl<E: Endpoint> DynEndpoint for E {
    fn rules(&self) -> &EndpointRules {
        Endpoint::rules(self)
    }

    fn receive(&self, request: &Verified) -> Result<Incoming, Problem> {
        Endpoint::receive(self, request)
    }
}

impl<S: Sink> DynSink for S {
    fn wanted(&self) -> &Wanted {
        Sink::wanted(self)
    }

    fn body(&self, result: &RunResult) -> Result<Bytes, Fault> {
        Sink::body(self, result)
    }

    fn deliver<'a>(&'a self, outgoing: &'a Outgoing) -> BoxFuture<'a, Result<Receipt, Fault>> {
        Box::pin(Sink::deliver(self, outgoing))
    }
}

impl<R: Runtime> DynRuntime for R {
    fn run<'a>(
        &'a self,
        assignment: &'a Assignment,
        chunks: &'a mut dyn Chunks,
    ) -> BoxFuture<'a, Result<Outcome, Fault>> {
        Box::pin(Runtime::run(self, assignment, chunks))
    }
}

pub(crate) fn erase_endpoint<E: Endpoint>(
    settings: &Map<String, Value>,
    context: &EndpointContext,
) -> Result<Box<dyn DynEndpoint>, Problems> {
    Ok(Box::new(E::open(decode(settings)?, context)?))
}

pub(crate) fn erase_sink<S: Sink>(
    settings: &Map<String, Value>,
    context: &SinkContext,
) -> Result<Box<dyn DynSink>, Problems> {
    Ok(Box::new(S::open(decode(settings)?, context)?))
}

pub(crate) fn erase_runtime<R: Runtime>(
    settings: &Map<String, Value>,
    context: &RuntimeContext,
) -> Result<Box<dyn DynRuntime>, Problems> {
    Ok(Box::new(R::open(decode(settings)?, context)?))
}
