//! What the end-to-end tests are made of: simulated agents, a tap on the broker, the conservation oracle, and the real
//! processes under test.

pub mod agent;
pub mod bench;
pub mod binaries;
pub mod blocks;
pub mod collector;
pub mod config;
pub mod homelab;
pub mod http;
pub mod lab;
pub mod oracle;
pub mod process;
pub mod publish;
pub mod sim;
pub mod stack;
pub mod tap;
