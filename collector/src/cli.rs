//! The command line.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use hi_common::config::{ConfigError, Layers};

use crate::settings::{ENV_CONFIG, ENV_OTHER, ENV_PREFIX, Settings};

/// Homelab Intelligence collector: takes what the agents read, keeps it, and answers questions about it.
#[derive(Debug, Parser)]
#[command(name = "hi-collector", version, about, disable_help_subcommand = true)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run until SIGINT or SIGTERM.
    Run(RunArgs),
    /// Bring the database's schema up to date, and end.
    Migrate(ConfigArgs),
    /// Check the configuration and print what holds, secrets left out.
    CheckConfig(ConfigArgs),
    /// Print the description of the API (OpenAPI 3.1).
    Openapi,
    /// Print a page of the reference.
    Reference {
        /// Which page.
        #[arg(value_parser = ["config"])]
        page: String,
    },
    /// Print the version.
    Version,
}

/// Where the configuration comes from.
#[derive(Args, Clone, Debug, Default)]
pub struct ConfigArgs {
    /// TOML file with the configuration; also HI_COLLECTOR_CONFIG.
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Sets one key: --set nats.url=nats://10.0.0.5:4222
    #[arg(long = "set", value_name = "KEY=VALUE", value_parser = parse_set)]
    pub sets: Vec<(String, String)>,
}

/// How to run.
#[derive(Args, Clone, Debug, Default)]
pub struct RunArgs {
    /// The configuration.
    #[command(flatten)]
    pub config: ConfigArgs,
    /// Start and supervise a private PostgreSQL and a private nats-server.
    #[arg(long)]
    pub embedded: bool,
    /// Folder for everything the private servers keep; same as --set embedded.data_dir=DIR
    #[arg(long, value_name = "DIR")]
    pub data: Option<String>,
    /// Loopback address for API and page; same as --set http.listen=ADDRESS:PORT
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub listen: Option<String>,
    /// End in order when the process that started this one ends.
    #[arg(long)]
    pub exit_with_parent: bool,
}

fn parse_set(text: &str) -> Result<(String, String), String> {
    let (key, value) = text.split_once('=').ok_or("must be KEY=VALUE")?;
    Ok((key.trim().to_owned(), value.to_owned()))
}

impl RunArgs {
    /// The flags as configuration: what is more specific than `--set` comes after it.
    fn as_config(&self) -> ConfigArgs {
        let mut config = self.config.clone();
        let mut set = |key: &str, value: String| config.sets.push((key.to_owned(), value));
        if self.embedded {
            set("embedded.enabled", "true".to_owned());
        }
        if let Some(data) = &self.data {
            set("embedded.data_dir", data.clone());
        }
        if let Some(listen) = &self.listen {
            set("http.listen", listen.clone());
        }
        config
    }

    /// Reads the configuration.
    ///
    /// # Errors
    /// As [`ConfigArgs::load`].
    pub fn load(&self) -> Result<Settings, SettingsError> {
        self.as_config().load()
    }
}

/// Why there is no configuration.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// The file cannot be read.
    #[error("read configuration {}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// Something in it is wrong.
    #[error(transparent)]
    Config(#[from] ConfigError),
}

impl ConfigArgs {
    /// Reads file, environment and flags.
    ///
    /// # Errors
    /// The file cannot be read, or what it or another layer says is wrong.
    pub fn load(&self) -> Result<Settings, SettingsError> {
        let from_env = || std::env::var_os(ENV_CONFIG).map(PathBuf::from);
        let path = self.config.clone().or_else(from_env);
        let text = match &path {
            None => None,
            Some(path) => {
                let text = std::fs::read_to_string(path)
                    .map_err(|source| SettingsError::File { path: path.clone(), source })?;
                Some((path.display().to_string(), text))
            }
        };
        let file = text.as_ref().map(|(name, text)| (name.as_str(), text.as_str()));
        let utf8 =
            |(name, value): (OsString, OsString)| Some((name.into_string().ok()?, value.into_string().ok()?));
        let layers = Layers {
            file,
            env: std::env::vars_os().filter_map(utf8).collect(),
            env_prefix: ENV_PREFIX,
            env_other: &ENV_OTHER,
            sets: self.sets.clone(),
        };
        Ok(Settings::load(&layers)?)
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }

    #[test]
    fn flags_win_over_sets() {
        let cli = Cli::try_parse_from([
            "hi-collector",
            "run",
            "--embedded",
            "--data",
            "d",
            "--set",
            "http.listen=127.0.0.1:1",
            "--listen",
            "127.0.0.1:2",
        ]);
        let Command::Run(args) = cli.unwrap().command else { panic!("not run") };
        let settings = args.load().unwrap();
        assert!(settings.embedded.enabled);
        assert_eq!(
            (settings.embedded.data_dir.as_str(), settings.http.listen.as_str()),
            ("d", "127.0.0.1:2")
        );
    }

    #[test]
    fn a_missing_file_is_named() {
        let args = ConfigArgs { config: Some("/does/not/exist.toml".into()), sets: vec![] };
        assert!(args.load().unwrap_err().to_string().contains("/does/not/exist.toml"));
    }
}
