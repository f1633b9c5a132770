//! The registry: every source the agent has, one row each.

mod differences;

pub mod block;
pub mod btrfs;
pub mod cpu;
pub mod cpufreq;
pub mod disk;
pub mod docker;
pub mod edac;
pub mod filesystem;
pub mod gpu;
pub mod hwmon;
pub mod ipmi;
pub mod load;
pub mod md;
pub mod memory;
pub mod netstat;
pub mod network;
pub mod nvidia;
pub mod os;
pub mod power_supply;
pub mod pressure;
pub mod processes;
pub mod rapl;
pub mod smart;
pub mod thermal;
pub mod ups;
pub mod zfs;

pub use differences::{DIFFERENCES, Difference};

use crate::source::SourceDef;

/// All sources, in the order in which they are listed.
pub const SOURCES: &[&SourceDef] = &[
    &cpu::DEF,
    &memory::DEF,
    &load::DEF,
    &pressure::DEF,
    &filesystem::DEF,
    &disk::DEF,
    &block::DEF,
    &smart::DEF,
    &md::DEF,
    &btrfs::DEF,
    &zfs::DEF,
    &network::DEF,
    &netstat::DEF,
    &nvidia::DEF,
    &gpu::DEF,
    &processes::DEF,
    &ups::DEF,
    &os::DEF,
    &hwmon::DEF,
    &thermal::DEF,
    &power_supply::DEF,
    &cpufreq::DEF,
    &edac::DEF,
    &rapl::DEF,
    &ipmi::DEF,
    &docker::DEF,
];

#[cfg(test)]
mod tests {
    use super::*;
    use hi_common::metric::{Kind, is_label_name, is_metric_name};
    use std::collections::BTreeMap;

    #[test]
    fn every_metric_is_declared_once_and_well() {
        let mut owners = BTreeMap::new();
        for source in SOURCES {
            assert!(!source.metrics.is_empty(), "{}", source.name);
            assert!(source.timeout < source.interval, "{} may not outlast its interval", source.name);
            for metric in source.metrics {
                assert!(is_metric_name(metric.name), "{}", metric.name);
                assert!(metric.labels.iter().all(|label| is_label_name(label)), "{}", metric.name);
                assert!(
                    metric.help.ends_with('.') && metric.help.len() > 8,
                    "{}: {}",
                    metric.name,
                    metric.help
                );
                assert!(metric.kind != Kind::Info || metric.name.ends_with("_info"), "{}", metric.name);
                assert!(owners.insert(metric.name, source.name).is_none(), "{} twice", metric.name);
            }
        }
    }

    #[test]
    fn every_source_is_made_from_nothing_and_keeps_its_own_keys() {
        let common: toml::Table = SOURCES
            .iter()
            .map(|source| (source.name, "enabled = true\ninterval_secs = 10".parse::<toml::Table>()))
            .map(|(name, table)| (name.to_owned(), toml::Value::Table(table.unwrap())))
            .collect();
        let table = toml::Table::from_iter([("sources".to_owned(), toml::Value::Table(common))]);
        for source in SOURCES {
            assert!((source.make)(&toml::Table::new()).is_ok(), "{}", source.name);
            assert!((source.make)(&table).is_ok(), "{} with the keys that every source has", source.name);
            let prefix = format!("sources.{}.", source.name);
            assert!((source.keys)().iter().all(|key| key.key.starts_with(&prefix)), "{}", source.name);
        }
    }
}
