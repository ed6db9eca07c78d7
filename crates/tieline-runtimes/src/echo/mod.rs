//! `echo`: an agent that says what it was told. For demos, tests and measurements.
//!
//! It must never look into the input: the output is the very same bytes.

use schemars::JsonSchema;
use serde::Deserialize;
use tieline_contract::{
    Assignment, Chunks, Fault, Outcome, Problems, Runtime, RuntimeContext, RuntimeType, Settings,
};

pub(crate) static TYPE: RuntimeType =
    RuntimeType::new::<Echo>("echo", "Answers every event with its own input.", 256);

/// An echo has nothing to set.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct EchoSettings {}

impl Settings for EchoSettings {}

#[derive(Debug)]
struct Echo;

impl Runtime for Echo {
    type Settings = EchoSettings;

    fn open(_: EchoSettings, _: &RuntimeContext) -> Result<Self, Problems> {
        Ok(Self)
    }

    async fn run(&self, assignment: &Assignment, _: &mut dyn Chunks) -> Result<Outcome, Fault> {
        Ok(Outcome::Completed {
            output: assignment.input.clone(),
            usage: None,
        })
    }
}

#[cfg(test)]
mod tests;
