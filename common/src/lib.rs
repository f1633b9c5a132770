//! What both ends of Homelab Intelligence share: vocabulary, wire format, names of subjects, limits, configuration.
//!
//! Values only. No I/O, no clock, no runtime: nothing here imports tokio, NATS, SQL or HTTP.

pub mod batch;
pub mod catalog;
pub mod config;
pub mod error_chain;
pub mod event;
pub mod fact;
pub mod ids;
pub mod limits;
pub mod metric;
pub mod subject;
pub mod wire;
