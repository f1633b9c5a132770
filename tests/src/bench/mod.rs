//! `./x bench`: what the section "Speed and size" asks for, measured on the real programs.
//!
//! A group starts servers of its own on free ports, with its data in a folder on a disk, in the configuration that
//! `./x run` uses. Groups run one after the other, so that none disturbs another.

pub mod agent;
pub mod containers;
pub mod figure;
pub mod ingest;
pub mod live;
pub mod load;
pub mod memory;
pub mod proc;
pub mod query;
pub mod record;
pub mod recording;
pub mod sources;
pub mod stack;
pub mod store;

use anyhow::{Result, bail};
use figure::Report;

/// How to measure.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options {
    /// Minutes instead of half an hour, for a first look: the figures are rougher.
    pub quick: bool,
    /// How long memory is watched, in minutes, when not as long as usual.
    pub minutes: Option<u64>,
}

/// Groups in the order in which they run; a figure's name begins with its group.
pub const GROUPS: [&str; 8] = ["agent", "sources", "containers", "stack", "ingest", "store", "query", "live"];

/// Groups that these names select: `agent`, `agent.execs`; none selects all.
///
/// # Errors
/// A name that no figure has.
pub fn select(names: &[String]) -> Result<Vec<&'static str>> {
    for name in names {
        let known = figure::FIGURES.iter().any(|def| def.name.starts_with(name.as_str()));
        if !known {
            bail!("no figure is called {name:?}; groups are {}", GROUPS.join(", "));
        }
    }
    let of = |name: &String| name.split('.').next().unwrap_or_default().replace("node_exporter", "agent");
    let wanted = |group: &&str| names.is_empty() || names.iter().any(|name| group.starts_with(&of(name)));
    Ok(GROUPS.into_iter().filter(wanted).collect())
}

/// Measures one group.
///
/// # Errors
/// What kept it from being measured.
pub async fn run(group: &str, options: &Options, report: &mut Report) -> Result<()> {
    match group {
        "agent" => agent::run(options, report).await,
        "sources" => sources::run(options, report).await,
        "containers" => containers::run(options, report).await,
        "stack" => memory::run(options, report).await,
        "ingest" => ingest::run(options, report).await,
        "store" => store::run(options, report).await,
        "query" => query::run(options, report).await,
        "live" => live::run(options, report).await,
        other => bail!("no group is called {other:?}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_select_groups() {
        let of = |names: &[&str]| select(&names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>());
        assert_eq!(of(&[]).unwrap(), GROUPS);
        assert_eq!(of(&["agent.execs", "live"]).unwrap(), ["agent", "live"]);
        assert_eq!(of(&["node_exporter"]).unwrap(), ["agent"]);
        assert!(of(&["agents"]).is_err());
    }
}
