//! The engine as a whole: memory store, paused time, agents and destinations that do as told.

mod flows;
mod gone;
mod outside;
mod rig;
mod stops;
