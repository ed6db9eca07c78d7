//! Conditions and session keys: CEL, guarded so that no expression and no event can hurt the hub.
//!
//! An [`Expression`] is compiled once, from text of bounded size and depth. A [`Scope`] is built
//! once per event. [`condition`] and [`key`] bring the two together; the library underneath
//! recurses, so they belong on the [`Evaluator`]'s threads, which have the stack for it. Nothing
//! here may do I/O, loop over a loop, or put values of an event into an error.

mod error;
mod evaluate;
mod evaluator;
mod expression;
mod guard;
mod scope;
mod walk;

pub use error::ExpressionError;
pub use evaluate::{condition, key};
pub use evaluator::{Evaluator, Pending};
pub use expression::Expression;
pub use scope::{Names, Scope};

#[cfg(test)]
mod tests;
