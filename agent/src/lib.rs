//! The agent of Homelab Intelligence: reads a host directly — files, ioctls, sockets, never a subprocess — and publishes
//! what it read to NATS JetStream.

pub mod assembler;
pub mod batcher;
pub mod capture;
pub mod cli;
pub mod clock;
pub mod config;
pub mod decode;
pub mod documents;
pub mod engine;
pub mod exposition;
pub mod handover;
pub mod health;
pub mod history;
pub mod host;
pub mod host_id;
pub mod layout;
pub mod losses;
pub mod nats;
pub mod outbox;
pub mod pool;
pub mod publisher;
pub mod reference;
pub mod report;
pub mod resend;
pub mod run;
pub mod sampler;
pub mod self_metrics;
pub mod source;
pub mod sources;
pub mod status;
pub mod sys;
pub mod telling;
