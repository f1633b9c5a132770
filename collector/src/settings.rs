//! All settings of the collector: those of store and ingest, the private servers, and the HTTP server.

use std::net::{IpAddr, SocketAddr};

use hi_common::config::{ConfigError, KeyDoc, Layers, Section, merge, section};
use hi_common::config_section;

use crate::config::{CoreConfig, EnergyConfig};
use crate::embedded::EmbeddedConfig;

/// Prefix of environment variables.
pub const ENV_PREFIX: &str = "HI_COLLECTOR_";
/// Variables with the prefix that are no keys.
pub const ENV_OTHER: [&str; 1] = [ENV_CONFIG];
/// Names the configuration file.
pub const ENV_CONFIG: &str = "HI_COLLECTOR_CONFIG";

config_section! {
    /// The HTTP server: API and page.
    pub struct HttpConfig in "http" {
        /// Address to listen on, a loopback address: there is no sign-in yet, so nobody else may reach it. Port 0 takes any
        /// free one. To reach it from another machine, use an SSH tunnel.
        pub listen: String = "127.0.0.1:7117".to_owned(),
    }
}

config_section! {
    /// The log, on standard error.
    pub struct LogConfig in "log" {
        /// What is logged: `error`, `warn`, `info`, `debug`, `trace`, also per module (`info,hi_collector::ingest=debug`).
        pub level: String = "info".to_owned(),
    }
}

/// All settings.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Settings {
    /// Broker, database, store.
    pub core: CoreConfig,
    /// Private servers.
    pub embedded: EmbeddedConfig,
    /// HTTP server.
    pub http: HttpConfig,
    /// What energy costs.
    pub energy: EnergyConfig,
    /// Log.
    pub log: LogConfig,
}

impl Settings {
    /// Every key.
    pub fn keys() -> Vec<KeyDoc> {
        let sections = [CoreConfig::keys(), EmbeddedConfig::keys(), HttpConfig::keys()];
        [sections.concat(), EnergyConfig::keys(), LogConfig::keys()].concat()
    }

    /// Merges file, environment and flags.
    ///
    /// # Errors
    /// Syntax, unknown keys, values of the wrong type, a listen address that is none or not a loopback address.
    pub fn load(layers: &Layers<'_>) -> Result<Self, ConfigError> {
        let table = merge(layers, &Self::keys())?;
        let settings = Self {
            core: CoreConfig::from_table(&table)?,
            embedded: section(&table)?,
            http: section(&table)?,
            energy: section(&table)?,
            log: section(&table)?,
        };
        settings.listen()?;
        settings.check_price()?;
        Ok(settings)
    }

    fn check_price(&self) -> Result<(), ConfigError> {
        let price = self.energy.price_per_kwh;
        if price.is_finite() && price >= 0.0 {
            return Ok(());
        }
        Err(ConfigError::Value {
            origin: "configuration".to_owned(),
            key: "energy.price_per_kwh".to_owned(),
            problem: format!("must be 0 or more, not {price}"),
        })
    }

    /// Where to listen.
    ///
    /// # Errors
    /// Not an address, or one that other machines can reach.
    pub fn listen(&self) -> Result<SocketAddr, ConfigError> {
        let problem = |problem: String| ConfigError::Value {
            origin: "configuration".to_owned(),
            key: "http.listen".to_owned(),
            problem,
        };
        let text = &self.http.listen;
        let wanted = text.replacen("localhost:", "127.0.0.1:", 1);
        let address: SocketAddr = wanted
            .parse()
            .map_err(|_| problem(format!("must be ADDRESS:PORT such as 127.0.0.1:7117, not {text:?}")))?;
        if is_loopback(address.ip()) {
            return Ok(address);
        }
        Err(problem(format!(
            "{text} can be reached by other machines, and there is no sign-in yet: take a loopback address such as \
             127.0.0.1:{}, and an SSH tunnel to reach it from elsewhere",
            address.port()
        )))
    }
}

fn is_loopback(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => address.is_loopback(),
        IpAddr::V6(address) => {
            address.is_loopback() || address.to_ipv4_mapped().is_some_and(|v4| v4.is_loopback())
        }
    }
}

/// The reference page of all keys, Markdown.
pub fn reference() -> String {
    let mut page = String::from(
        "# Configuration of the collector\n\n\
         Generated from the code by `hi-collector reference config`; do not edit.\n\n\
         Values come from, later ones winning: the TOML file named by `--config` or `HI_COLLECTOR_CONFIG`; the environment \
         (`HI_COLLECTOR_NATS_URL` for `nats.url`); flags (`--set nats.url=…`). Unknown keys are refused.\n\n\
         | key | default | meaning |\n| --- | --- | --- |\n",
    );
    for key in Settings::keys() {
        let default = key.default.map_or("unset".to_owned(), |value| format!("`{value}`"));
        // The text of a doc comment that spans lines keeps a space at the start of each.
        let text = key.doc.split_whitespace().collect::<Vec<_>>().join(" ");
        page.push_str(&format!("| `{}` | {default} | {} |\n", key.key, text.replace('|', "\\|")));
    }
    page
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(file: &str, sets: &[(&str, &str)]) -> Result<Settings, String> {
        let sets = sets.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        let layers = Layers {
            file: Some(("c.toml", file)),
            env: vec![],
            env_prefix: ENV_PREFIX,
            env_other: &ENV_OTHER,
            sets,
        };
        Settings::load(&layers).map_err(|error| error.to_string())
    }

    #[test]
    fn only_loopback_addresses_are_taken() {
        for good in ["127.0.0.1:0", "127.1.2.3:80", "[::1]:7117", "localhost:7117", "[::ffff:127.0.0.1]:1"] {
            assert!(load("", &[("http.listen", good)]).is_ok(), "{good}");
        }
        for open in ["0.0.0.0:7117", "[::]:7117", "192.168.1.5:7117"] {
            let error = load("", &[("http.listen", open)]).unwrap_err();
            assert!(error.contains("no sign-in yet") && error.contains("127.0.0.1:7117"), "{error}");
        }
        assert!(load("", &[("http.listen", "7117")]).unwrap_err().contains("must be ADDRESS:PORT"));
    }

    #[test]
    fn a_price_is_a_number_that_is_not_negative() {
        let price = |text: &str| load("", &[("energy.price_per_kwh", text)]).map(|s| s.energy.price_per_kwh);
        assert_eq!((price("0.35"), price("1")), (Ok(0.35), Ok(1.0)));
        for bad in ["-0.1", "nan", "inf", "cheap"] {
            assert!(price(bad).is_err_and(|error| error.contains("energy.price_per_kwh")), "{bad}");
        }
    }

    #[test]
    fn unknown_keys_are_refused_with_the_nearest() {
        assert_eq!(
            load("[http]\nlisten_on = 'x'", &[]).unwrap_err(),
            "c.toml: unknown key `http.listen_on`, did you mean `http.listen`?"
        );
    }

    #[test]
    fn the_committed_reference_is_current() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/reference/collector-config.md");
        let committed = std::fs::read_to_string(path).unwrap_or_default();
        let hint = "run: hi-collector reference config > docs/reference/collector-config.md";
        assert!(committed == reference(), "docs/reference/collector-config.md is not current; {hint}");
    }
}
