//! Acts on many rows: what they have in common, beside the words that narrow them.

use serde::de::DeserializeOwned;
use serde_json::Value;
use tieline_contract::Code;
use tieline_model::AgentId;

use crate::api::Shared;
use crate::auth::Caller;
use crate::limits::TARGET_BYTES;
use crate::problem::Failure;
use crate::v1::narrow::Names;

/// The fields of a body; those that are not known are refused.
///
/// What is derived would read a list as the fields in their order.
pub(super) fn fields<T: DeserializeOwned>(body: Value) -> Result<T, Failure> {
    if !body.is_object() {
        let detail = "The body cannot be read: it is not an object.";
        return Err(Failure::new(Code::BadRequest, detail));
    }
    serde_json::from_value(body).map_err(|error| {
        let detail = format!("The body cannot be read: {error}.");
        Failure::new(Code::BadRequest, detail)
    })
}

/// What narrows the many that are meant, for the audit log.
pub(super) fn shortened(body: &Value) -> String {
    let text = body.to_string();
    text.chars().take(TARGET_BYTES / 4).collect()
}

/// Nobody acts on everything by leaving something out.
pub(super) fn not_all_unasked(is_all: bool, all: bool) -> Result<(), Failure> {
    if is_all && !all {
        let detail = "Narrow what is meant by one field at least, or write `\"all\": true`.";
        return Err(Failure::new(Code::BadRequest, detail));
    }
    Ok(())
}

/// The agent that shall run what other agents ran.
pub(super) fn agent_to(
    shared: &Shared,
    caller: &Caller,
    name: Option<&str>,
) -> Result<Option<AgentId>, Failure> {
    let Some(name) = name else {
        return Ok(None);
    };
    let catalog = shared.hub.catalog();
    let agent = Names::of(&catalog, caller.project).agent(name);
    agent.map(Some).ok_or_else(unknown_agent)
}

/// For an agent that is named in a body, and not in the address.
pub(super) fn unknown_agent() -> Failure {
    let detail = "No agent has this name. `GET /v1/agents` lists them.";
    Failure::new(Code::BadRequest, detail)
}
