//! A UPS as a server tells of it.

use std::collections::BTreeMap;

/// What can be said of a UPS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// Its variables were read.
    Ok,
    /// The driver is there but hears nothing from the UPS.
    Stale,
    /// The server has no driver for it.
    NoDriver,
    /// The server does not answer.
    ServerGone,
    /// The server refuses to tell, or tells what is not understood.
    Error,
}

impl State {
    /// All states.
    pub(super) const ALL: [Self; 5] = [Self::Ok, Self::Stale, Self::NoDriver, Self::ServerGone, Self::Error];

    /// The word in labels, facts and events.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Stale => "stale",
            Self::NoDriver => "no_driver",
            Self::ServerGone => "server_gone",
            Self::Error => "error",
        }
    }

    /// What it means.
    pub(super) fn meaning(self) -> &'static str {
        match self {
            Self::Ok => "it is read",
            Self::Stale => "its driver hears nothing from it",
            Self::NoDriver => "its driver does not run",
            Self::ServerGone => "its server does not answer",
            Self::Error => "its server does not tell its variables",
        }
    }
}

/// A UPS at one moment.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Unit {
    /// Its name on the server.
    pub(super) name: String,
    /// What its owner calls it.
    pub(super) description: Option<String>,
    pub(super) state: State,
    /// Why it could not be read, in the server's words.
    pub(super) reason: Option<String>,
    /// By NUT's names.
    pub(super) variables: BTreeMap<String, String>,
    /// Clients that hang on it.
    pub(super) logins: Option<i64>,
    /// What only apcupsd counts: transfers to battery, seconds on it this time, and in all.
    pub(super) counts: [Option<f64>; 3],
}

impl Unit {
    /// One of which nothing is known yet.
    pub(super) fn new(name: &str, state: State) -> Self {
        Self {
            name: name.to_owned(),
            description: None,
            state,
            reason: None,
            variables: BTreeMap::new(),
            logins: None,
            counts: [None; 3],
        }
    }

    /// A variable that is not empty.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(String::as_str).filter(|text| !text.is_empty())
    }

    /// A variable that is a number.
    pub(super) fn number(&self, name: &str) -> Option<f64> {
        super::table::value(self.text(name)?)
    }

    /// Its flags: `OL`, `CHRG`.
    pub(super) fn flags(&self) -> impl Iterator<Item = &str> {
        self.text("ups.status").unwrap_or_default().split_ascii_whitespace()
    }

    /// Whether a flag is up.
    pub(super) fn has(&self, flag: &str) -> bool {
        self.flags().any(|other| other == flag)
    }
}
