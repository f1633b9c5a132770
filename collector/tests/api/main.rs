//! The API over real sockets, with a real database and a real broker where it needs them.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test says so by failing")]

mod agent;
mod bench;
mod client;
mod containers;
mod data;
mod devices;
mod live;
mod storage;
mod surround;
