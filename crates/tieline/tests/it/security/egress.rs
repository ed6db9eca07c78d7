//! Where the hub may connect to.
