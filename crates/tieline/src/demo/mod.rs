//! What `tieline demo` runs beside the hub: a folder that goes away again, an agent, a receiver.
//!
//! The hub itself is the real one, on a configuration file that people can read and copy.

mod folder;
mod guests;

pub(crate) use self::folder::DemoFolder;
pub(crate) use self::guests::Guests;
