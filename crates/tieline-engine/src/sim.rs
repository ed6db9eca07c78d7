//! The simulation: the whole engine on the memory store, in worlds that are drawn from a seed.
//!
//! A world has agents and destinations that fail in every way that the contract allows, callers
//! that hang up, people who cancel, replay, pause and link anew, a store that is out for a while or
//! answers late, a clock that jumps, and hubs that stop and die. When the storm is over, everything
//! is well and time runs until nothing moves. Then what the outside has seen (`ledger`) is held
//! against what the store says (`books`): see `invariants`.
//!
//! One seed makes one history: time is tokio's paused time, chance is the seed's, and expressions
//! are evaluated while the world stands still (`unrushed`). Nothing in here may ask the engine's
//! insides what the façade or the store can say.

mod books;
mod call;
mod calm;
mod chance;
mod counters;
mod invariants;
mod ledger;
mod outside;
mod plan;
mod seeds;
mod storm;
mod tests;
mod time;
mod unrushed;
mod world;
