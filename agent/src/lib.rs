//! The agent of Homelab Intelligence: reads a host directly — files, ioctls, sockets, never a subprocess — and publishes
//! what it read to NATS JetStream.

pub mod host;
pub mod source;
pub mod sources;
pub mod sys;
