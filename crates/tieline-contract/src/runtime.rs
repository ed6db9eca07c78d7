//! Runtime: how an agent is executed.

use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use tieline_model::{Name, RunError};

use crate::erased::{DynRuntime, erase_runtime};
use crate::settings::{Opener, SchemaOf};
use crate::{Assignment, Fault, Problems, Settings};

/// Executes an agent. One value serves all runs of one agent, at once.
pub trait Runtime: Sized + Send + Sync + 'static {
    type Settings: Settings;

    /// Reads the settings once; what is wrong with them comes back field by field.
    fn open(settings: Self::Settings, context: &RuntimeContext) -> Result<Self, Problems>;

    /// One attempt. The engine drops the future at the deadline and on a cancel: whatever the
    /// attempt started must end with it.
    fn run(
        &self,
        assignment: &Assignment,
        chunks: &mut dyn Chunks,
    ) -> impl Future<Output = Result<Outcome, Fault>> + Send;
}

/// Takes what an agent says before it has finished.
pub trait Chunks: Send {
    /// One chunk, as JSON text.
    fn push(&mut self, chunk: Bytes);
}

/// What a runtime is opened with beside its settings.
#[derive(Clone, Debug)]
pub struct RuntimeContext {
    pub agent: Name,
    /// The configuration file's folder, where commands run.
    pub folder: PathBuf,
    /// The environment of the hub that commands may see: `PATH`, `HOME`, `LANG`, `TZ`, `TMPDIR`.
    pub environment: Vec<(String, String)>,
    /// The client for agents.
    pub egress: Arc<tieline_egress::Client>,
}

/// How an attempt ended, where nothing outside failed.
#[derive(Clone, Debug)]
pub enum Outcome {
    Completed {
        /// JSON text.
        output: Bytes,
        /// JSON text, as the agent reported it.
        usage: Option<Bytes>,
    },
    /// The agent itself says that it failed, for good.
    Failed {
        error: RunError,
        usage: Option<Bytes>,
    },
    /// The agent will settle through its callback.
    Deferred,
}

/// Everything the hub knows about one runtime.
#[derive(Debug)]
pub struct RuntimeType {
    /// What users write: `http`.
    pub name: &'static str,
    /// One sentence for lists.
    pub summary: &'static str,
    /// How many runs of one agent execute at once, where its owner does not say.
    pub concurrency_default: u32,
    /// Whether its agents run on the hub's own machine, and so may do what the hub may do there.
    pub local: bool,
    pub schema: SchemaOf,
    pub open: Opener<RuntimeContext, dyn DynRuntime>,
}

impl RuntimeType {
    pub const fn new<R: Runtime>(
        name: &'static str,
        summary: &'static str,
        concurrency_default: u32,
    ) -> Self {
        Self {
            name,
            summary,
            concurrency_default,
            local: false,
            schema: crate::settings::schema_of::<R::Settings>,
            open: erase_runtime::<R>,
        }
    }

    /// One whose agents are programs on the hub's own machine.
    #[must_use]
    pub const fn on_this_machine(mut self) -> Self {
        self.local = true;
        self
    }
}
