//! Load averages from `/proc/loadavg` (proc_loadavg(5)).

use std::time::Duration;

use hi_common::config::Section;
use hi_common::config_section;
use hi_common::metric::{MetricDef, Unit};

use crate::host::{At, HostRoot, Scratch};
use crate::source::{Outcome, Readings, Source, SourceDef, SourceError, bad_line, own_section};

config_section! {
    /// Load averages.
    pub struct Config in "sources.load" {}
}

static LOAD1: MetricDef = MetricDef::gauge("node_load1", Unit::None, &[], "Load average over one minute.");
static LOAD5: MetricDef = MetricDef::gauge("node_load5", Unit::None, &[], "Load average over five minutes.");
static LOAD15: MetricDef =
    MetricDef::gauge("node_load15", Unit::None, &[], "Load average over fifteen minutes.");

/// Row of the registry.
pub static DEF: SourceDef = SourceDef {
    name: "load",
    summary: "Load averages over 1, 5 and 15 minutes, from /proc/loadavg.",
    interval: Duration::from_secs(10),
    timeout: Duration::from_secs(5),
    metrics: &[&LOAD1, &LOAD5, &LOAD15],
    permission: "",
    keys: Config::keys,
    make: |table| {
        own_section::<Config>(table)?;
        Ok(Box::new(Load::default()))
    },
};

#[derive(Default)]
struct Load {
    scratch: Scratch,
}

impl Source for Load {
    fn read(&mut self, host: &HostRoot, out: &mut Readings) -> Result<Outcome, SourceError> {
        let loads = parse(host.text(&mut self.scratch, At::Proc, "loadavg")?)?;
        for (metric, load) in [&LOAD1, &LOAD5, &LOAD15].into_iter().zip(loads) {
            out.push(metric, &[], load);
        }
        Ok(Outcome::Read)
    }
}

/// The three averages.
fn parse(text: &str) -> Result<[f64; 3], SourceError> {
    let mut words = text.split_ascii_whitespace();
    let mut load = || {
        let load = words.next().and_then(|word| word.parse::<f64>().ok()).filter(|load| load.is_finite());
        load.ok_or_else(|| bad_line("/proc/loadavg", text, "three averages are expected"))
    };
    Ok([load()?, load()?, load()?])
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn three_averages_are_needed() {
        assert_eq!(parse("0.21 0.37 0.39 1/719 19737\n").unwrap(), [0.21, 0.37, 0.39]);
        for text in ["", "0.1 0.2", "0.1 x 0.3", "nan nan nan"] {
            assert_eq!(parse(text).unwrap_err().reason(), "parse", "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_text_panics(text in ".{0,60}") {
            let _ = parse(&text);
        }
    }
}
