//! The engine as a whole: memory store, paused time, agents and destinations that do as told.

mod breaker;
mod budgets;
mod clock;
mod displaced;
mod flows;
mod frozen;
mod gone;
mod outside;
mod pace;
mod removed;
mod replays;
mod retention;
mod rides;
mod rig;
mod sessions;
mod standing;
mod stops;
