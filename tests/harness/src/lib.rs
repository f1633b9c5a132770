//! What tests stand on: real servers that belong to one test process, and ways to hurt them.
//!
//! Every server listens on loopback, on a free port, keeps its data in a temporary folder, and ends with the test
//! process, also when that is killed.

mod nats;
mod postgres;
mod process;
mod proxy;
mod wait;

pub use nats::NatsServer;
pub use postgres::{Database, Postgres, postgres_bin};
pub use proxy::Proxy;
pub use wait::{BOUND, wait_for, wait_until};
