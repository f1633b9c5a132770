//! What is known of each host now, kept in memory from the live readings.

pub mod view;
