//! The HTTP API: every route, and what surrounds all of them.

pub mod attention;
pub mod events;
pub mod health;
pub mod hosts;
pub mod live;
pub mod metrics;
pub mod openapi;
pub mod params;
pub mod problem;
pub mod samples;
pub mod series;
pub mod state;
pub mod system;
