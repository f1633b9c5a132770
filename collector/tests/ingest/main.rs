//! Ingest against real servers: every sample sent is stored exactly once, whatever happens on the way.

#![allow(
    clippy::unwrap_used,
    clippy::field_reassign_with_default,
    reason = "tests may panic; options have private fields"
)]

mod facts;
mod faults;
mod gaps;
mod housekeeping;
mod names;
mod path;
mod register;
mod support;
