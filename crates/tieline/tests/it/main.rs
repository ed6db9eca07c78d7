//! The hub as its users meet it: the real binary, over real sockets, from outside.
#![expect(
    clippy::unwrap_used,
    clippy::string_slice,
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a test may fail, waits by the machine's own clock, and says what it saw"
)]

mod agent;
mod http;
mod hub;
mod secrecy;

mod backup;
mod bad_input;
mod check;
mod command_line;
mod demo;
mod doctor;
mod kill;
mod modes;
mod reload;
mod replay;
mod rigs;
mod secrets;
mod security;
mod start;
