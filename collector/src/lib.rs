//! Homelab Intelligence collector.
