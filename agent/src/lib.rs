//! Homelab Intelligence agent.
