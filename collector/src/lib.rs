//! Homelab Intelligence collector: takes batches from the broker, keeps them, and answers questions about them.
//!
//! Who may use whom: [`store`] is below all and alone knows SQL; [`ingest`] and [`housekeeping`] stand on it; the API
//! and queries stand beside ingest and use only what its module root exports.

pub mod api;
pub mod attention;
pub mod block;
pub mod cli;
pub mod config;
pub mod containers;
pub mod devices;
mod doc;
pub mod embedded;
pub mod housekeeping;
pub mod ingest;
pub mod latest;
pub mod limits;
pub mod model;
pub mod moment;
pub mod overview;
pub mod query;
pub mod readings;
pub mod run;
pub mod self_metrics;
pub mod settings;
pub mod signals;
pub mod storage;
pub mod store;
pub mod ui;
