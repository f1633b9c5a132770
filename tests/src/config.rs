//! Settings of the processes under test.

use std::net::TcpListener;

use anyhow::{Context as _, Result};

/// Settings as `section.key` with a TOML value.
pub type Settings = Vec<(String, String)>;

/// A port that was free a moment ago.
///
/// # Errors
/// There is none.
pub fn free_port() -> Result<u16> {
    let listener = TcpListener::bind("127.0.0.1:0").context("find a free port")?;
    Ok(listener.local_addr().context("find a free port")?.port())
}

/// Replaces or adds settings.
pub fn merge(settings: &mut Settings, more: &[(&str, &str)]) {
    for (key, value) in more {
        settings.retain(|(known, _)| known != key);
        settings.push(((*key).to_owned(), (*value).to_owned()));
    }
}

/// Writes settings as a TOML file with dotted keys.
pub fn toml(settings: &Settings) -> String {
    settings.iter().map(|(key, value)| format!("{key} = {value}\n")).collect()
}
