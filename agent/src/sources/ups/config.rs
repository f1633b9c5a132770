//! Configuration of the source, and the servers it makes of it.

use std::fmt;
use std::sync::Arc;

use hi_common::config::{ConfigError, Secret, Section};
use hi_common::config_section;
use rustls::ClientConfig;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use crate::source::tcp::Address;
use crate::source::tls::{Trust, client, secret_file};

config_section! {
    /// Uninterruptible power supplies.
    pub(super) struct Config in "sources.ups" {
        /// Servers that are asked instead of the upsd (port 3493) and apcupsd (port 3551) of this machine: addresses as `nas.lan`,
        /// `nas.lan:3493`, `apcupsd://pi.lan`; or tables `[[sources.ups.servers]]` with `address` and, as needed, `user`, `password` or
        /// `password_file`, `tls` (`off`; `starttls`: encrypted, to a server whose certificate is checked; `insecure`: encrypted, to
        /// whoever answers) and `tls_ca` (PEM file of the authority; default is the system's).
        pub(super) servers: Vec<Entry> = Vec::new(),
        /// Shell patterns of UPSes that are read, by their names; all when there is none.
        pub(super) include: Vec<String> = Vec::new(),
        /// Shell patterns of UPSes that are left out.
        pub(super) exclude: Vec<String> = Vec::new(),
        /// Seconds after which a server that has not answered everything is given up: 1 to 10.
        pub(super) server_timeout_secs: u64 = 4,
        /// Seconds between two readings while a UPS runs on battery: 1 to 60.
        pub(super) on_battery_interval_secs: u64 = 5,
    }
}

/// A server, as configured.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(super) struct Entry {
    address: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    password: Option<Secret>,
    #[serde(skip_serializing_if = "Option::is_none")]
    password_file: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tls: Option<TlsMode>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tls_ca: Option<String>,
}

/// How a connection is protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum TlsMode {
    /// In the clear.
    Off,
    /// Encrypted, to a server with the right certificate.
    Starttls,
    /// Encrypted, to whoever answers.
    Insecure,
}

impl<'de> Deserialize<'de> for Entry {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Fields {
            address: String,
            user: Option<String>,
            password: Option<Secret>,
            password_file: Option<String>,
            tls: Option<TlsMode>,
            tls_ca: Option<String>,
        }
        /// A table, or an address alone.
        struct Either;
        impl<'de> Visitor<'de> for Either {
            type Value = Entry;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the address of a server, or a table with `address`")
            }

            fn visit_str<E: Error>(self, address: &str) -> Result<Entry, E> {
                Ok(Entry { address: address.to_owned(), ..Entry::default() })
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Entry, A::Error> {
                let Fields { address, user, password, password_file, tls, tls_ca } =
                    Fields::deserialize(MapAccessDeserializer::new(map))?;
                Ok(Entry { address, user, password, password_file, tls, tls_ca })
            }
        }
        deserializer.deserialize_any(Either)
    }
}

/// What a server speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Protocol {
    /// NUT's.
    Nut,
    /// apcupsd's.
    Apcupsd,
}

impl Protocol {
    /// The word in facts and addresses.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Nut => "nut",
            Self::Apcupsd => "apcupsd",
        }
    }

    fn port(self) -> u16 {
        match self {
            Self::Nut => 3493,
            Self::Apcupsd => 3551,
        }
    }
}

/// Name and password.
#[derive(Clone, Debug)]
pub(super) struct Login {
    pub(super) user: String,
    pub(super) password: Secret,
}

/// A server to ask.
#[derive(Debug)]
pub(super) struct Server {
    pub(super) address: Address,
    /// The address as text: in labels, facts and events.
    pub(super) name: String,
    pub(super) protocol: Protocol,
    pub(super) login: Option<Login>,
    pub(super) tls: Option<Arc<ClientConfig>>,
    /// Asked because nothing was configured: it need not be there.
    pub(super) is_default: bool,
}

impl Server {
    fn local(protocol: Protocol) -> Self {
        let address = Address { host: "127.0.0.1".to_owned(), port: protocol.port() };
        Self { name: address.to_string(), address, protocol, login: None, tls: None, is_default: true }
    }
}

/// The servers of a configuration.
///
/// # Errors
/// What does not fit, with its key.
pub(super) fn servers(config: &Config) -> Result<Vec<Arc<Server>>, ConfigError> {
    let within = |value: u64, key: &str, range: std::ops::RangeInclusive<u64>| match range.contains(&value) {
        true => Ok(()),
        false => Err(wrong(key, format!("must be {} to {}, not {value}", range.start(), range.end()))),
    };
    within(config.server_timeout_secs, "server_timeout_secs", 1..=10)?;
    within(config.on_battery_interval_secs, "on_battery_interval_secs", 1..=60)?;
    if config.servers.is_empty() {
        return Ok([Protocol::Nut, Protocol::Apcupsd]
            .map(|protocol| Arc::new(Server::local(protocol)))
            .into());
    }
    let mut servers: Vec<Arc<Server>> = Vec::new();
    for entry in &config.servers {
        let server = server(entry)?;
        if servers.iter().any(|other| other.name == server.name) {
            return Err(wrong("servers", format!("names {} twice", server.name)));
        }
        servers.push(Arc::new(server));
    }
    Ok(servers)
}

fn server(entry: &Entry) -> Result<Server, ConfigError> {
    let of = |problem: String| wrong("servers", format!("{}: {problem}", entry.address));
    let (protocol, address) = match entry.address.split_once("://") {
        None => (Protocol::Nut, entry.address.as_str()),
        Some(("nut", address)) => (Protocol::Nut, address),
        Some(("apcupsd", address)) => (Protocol::Apcupsd, address),
        Some((other, _)) => return Err(of(format!("`{other}` is neither `nut` nor `apcupsd`"))),
    };
    let address = Address::parse(address.trim_end_matches('/'), protocol.port()).map_err(of)?;
    let login = login(entry).map_err(of)?;
    let tls = tls(entry).map_err(of)?;
    if protocol == Protocol::Apcupsd && (login.is_some() || tls.is_some()) {
        return Err(of("apcupsd knows neither sign-in nor encryption".to_owned()));
    }
    Ok(Server { name: address.to_string(), address, protocol, login, tls, is_default: false })
}

fn login(entry: &Entry) -> Result<Option<Login>, String> {
    let password = match (&entry.password, &entry.password_file) {
        (Some(_), Some(_)) => return Err("set either `password` or `password_file`".to_owned()),
        (Some(password), None) => Some(password.clone()),
        (None, Some(path)) => {
            Some(secret_file(path).map_err(|problem| format!("`password_file` {path} {problem}"))?)
        }
        (None, None) => None,
    };
    match (&entry.user, password) {
        (None, None) => Ok(None),
        (Some(user), Some(password)) => Ok(Some(Login { user: user.clone(), password })),
        (Some(_), None) => Err("`user` needs `password` or `password_file`".to_owned()),
        (None, Some(_)) => Err("a password needs `user`".to_owned()),
    }
}

fn tls(entry: &Entry) -> Result<Option<Arc<ClientConfig>>, String> {
    let (mode, trust) = match (entry.tls, &entry.tls_ca) {
        (Some(TlsMode::Off) | None, None) => return Ok(None),
        (Some(TlsMode::Starttls), None) => ("tls", Trust::System),
        (Some(TlsMode::Starttls) | None, Some(path)) => ("tls_ca", Trust::File(path)),
        (Some(TlsMode::Insecure), None) => ("tls", Trust::Anyone),
        (Some(TlsMode::Off), Some(_)) => return Err("`tls_ca` needs `tls = \"starttls\"`".to_owned()),
        (Some(TlsMode::Insecure), Some(_)) => {
            return Err("`tls = \"insecure\"` looks at no certificate, so `tls_ca` is of no use".to_owned());
        }
    };
    client(trust).map(Some).map_err(|problem| format!("`{mode}` {problem}"))
}

fn wrong(key: &str, problem: String) -> ConfigError {
    ConfigError::Value { origin: "configuration".to_owned(), key: format!("{}.{key}", Config::NAME), problem }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::own_section;

    fn config(text: &str) -> Result<Vec<Arc<Server>>, ConfigError> {
        servers(&own_section(&text.parse().unwrap())?)
    }

    #[test]
    fn without_configuration_this_machine_is_asked() {
        let servers = config("").unwrap();
        let names: Vec<&str> = servers.iter().map(|server| server.name.as_str()).collect();
        assert_eq!(names, ["127.0.0.1:3493", "127.0.0.1:3551"]);
        assert!(servers.iter().all(|server| server.is_default));
    }

    #[test]
    fn servers_are_addresses_or_tables() {
        let servers =
            config("[sources.ups]\nservers = ['nas.lan', 'apcupsd://pi:4', 'nut://[fd00::1]']").unwrap();
        let found: Vec<(&str, Protocol)> =
            servers.iter().map(|server| (server.name.as_str(), server.protocol)).collect();
        assert_eq!(
            found,
            [("nas.lan:3493", Protocol::Nut), ("pi:4", Protocol::Apcupsd), ("[fd00::1]:3493", Protocol::Nut)]
        );
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("password");
        std::fs::write(&file, "hunter2\n").unwrap();
        let text = format!(
            "[[sources.ups.servers]]\naddress = 'nas'\nuser = 'monitor'\npassword_file = {file:?}\ntls = 'insecure'"
        );
        let servers = config(&text).unwrap();
        let login = servers[0].login.as_ref().unwrap();
        assert_eq!((login.user.as_str(), login.password.reveal()), ("monitor", "hunter2"));
        assert!(servers[0].tls.is_some() && !servers[0].is_default);
        assert!(!format!("{servers:?}").contains("hunter2"));
    }

    #[test]
    fn what_does_not_fit_is_named() {
        for (text, part) in [
            ("servers = [3]", "address of a server"),
            ("servers = ['http://a']", "`http` is neither `nut` nor `apcupsd`"),
            ("servers = ['a', 'nut://a:3493']", "names a:3493 twice"),
            ("servers = ['']", "no name of a host"),
            ("servers = [{ adress = 'a' }]", "unknown field `adress`"),
            ("servers = [{ user = 'a' }]", "missing field `address`"),
            ("servers = [{ address = 'a', user = 'b' }]", "`user` needs `password`"),
            ("servers = [{ address = 'a', password = 'b' }]", "needs `user`"),
            ("servers = [{ address = 'a', user = 'u', password = 'b', password_file = 'c' }]", "set either"),
            (
                "servers = [{ address = 'a', user = 'u', password_file = '/nowhere' }]",
                "/nowhere cannot be read",
            ),
            ("servers = [{ address = 'a', tls_ca = '/nowhere' }]", "`tls_ca` cannot be read"),
            ("servers = [{ address = 'a', tls = 'yes' }]", "unknown variant `yes`"),
            ("servers = [{ address = 'a', tls = 'off', tls_ca = 'b' }]", "`tls_ca` needs"),
            ("servers = [{ address = 'apcupsd://a', tls = 'insecure' }]", "neither sign-in nor encryption"),
            ("server_timeout_secs = 11", "must be 1 to 10, not 11"),
            ("on_battery_interval_secs = 0", "must be 1 to 60, not 0"),
        ] {
            let message = config(&format!("[sources.ups]\n{text}")).unwrap_err().to_string();
            assert!(message.contains(part) && message.contains("sources.ups"), "{text}: {message}");
        }
    }
}
