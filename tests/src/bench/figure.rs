//! What is measured: names, units, goals, and what is known of others.

use anyhow::{Context as _, Result};
use serde_json::json;

/// On which side of its goal a figure should lie.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Goal {
    /// Not above it.
    AtMost(f64),
    /// Not below it.
    AtLeast(f64),
    /// There is none; the figure explains another.
    None,
}

impl Goal {
    fn limit(self) -> Option<f64> {
        match self {
            Self::AtMost(limit) | Self::AtLeast(limit) => Some(limit),
            Self::None => None,
        }
    }

    /// Whether a value meets it.
    pub fn met_by(self, value: f64) -> bool {
        match self {
            Self::AtMost(limit) => value <= limit,
            Self::AtLeast(limit) => value >= limit,
            Self::None => true,
        }
    }
}

/// Declaration of a figure.
pub struct FigureDef {
    /// Name; what stands before the dot is its group.
    pub name: &'static str,
    /// Unit of the value.
    pub unit: &'static str,
    /// Goal.
    pub goal: Goal,
    /// Figure to hold it against: a measured limit of such a machine, or another program's.
    pub beside: &'static str,
}

const fn def(name: &'static str, unit: &'static str, goal: Goal, beside: &'static str) -> FigureDef {
    FigureDef { name, unit, goal, beside }
}

/// Every figure, in the order of the table.
pub const FIGURES: &[FigureDef] = &[
    def(
        "agent.rss_bytes",
        "bytes",
        Goal::AtMost(12.0 * 1024.0 * 1024.0),
        "Beszel agent about 8 MiB, Netdata 100–200 MB",
    ),
    def("agent.rss_slope", "bytes/hour", Goal::None, "a Rust peer: 2.8 MB/hour"),
    def("agent.cpu_seconds_per_pass", "seconds", Goal::AtMost(0.005), "node_exporter 0.015"),
    def("agent.cpu_ratio", "ratio of a core", Goal::AtMost(0.0005), "Netdata 0.01–0.05"),
    def("agent.written_bytes", "bytes", Goal::AtMost(0.0), ""),
    def("agent.execs", "processes", Goal::AtMost(0.0), ""),
    def("agent.series", "series", Goal::None, ""),
    def("sources.storage_cpu_seconds", "seconds", Goal::AtMost(0.030), ""),
    def("node_exporter.rss_bytes", "bytes", Goal::None, "22 MiB"),
    def("node_exporter.cpu_seconds_per_scrape", "seconds", Goal::None, "0.015"),
    def("containers.pass_cpu_seconds", "seconds", Goal::AtMost(0.025), "the stats API, below"),
    def("containers.pass_engine_cpu_seconds", "seconds", Goal::None, ""),
    def("containers.stats_api_cpu_seconds", "seconds", Goal::None, "a client that only reads"),
    def("containers.stats_api_engine_cpu_seconds", "seconds", Goal::None, "what it costs the engine"),
    def("containers.stats_api_seconds", "seconds", Goal::None, ""),
    def("containers.event_seconds", "seconds", Goal::AtMost(1.0), ""),
    def("containers.agent_rss_bytes", "bytes", Goal::AtMost(15.0 * 1024.0 * 1024.0), ""),
    def("stack.pss_bytes", "bytes", Goal::AtMost(200e6), ""),
    def("stack.pss_slope", "bytes/hour", Goal::None, ""),
    def("stack.collector_pss_bytes", "bytes", Goal::None, ""),
    def("stack.nats_pss_bytes", "bytes", Goal::None, "nats-server 64 MB RSS under load"),
    def("stack.postgres_pss_bytes", "bytes", Goal::None, ""),
    def("stack.cpu_ratio", "ratio of a core", Goal::None, ""),
    def("stack.nats_bytes_written_per_sample", "bytes/sample", Goal::None, ""),
    def(
        "ingest.samples_per_second",
        "samples/s",
        Goal::AtLeast(1e6),
        "blocks by COPY alone 8.5–9.8 M/s; rows 0.2–0.3 M/s",
    ),
    def("ingest.collector_rss_bytes", "bytes", Goal::None, ""),
    def("ingest.register_seconds", "seconds", Goal::None, ""),
    def("store.bytes_written_per_sample", "bytes/sample", Goal::AtMost(10.0), "a row per sample: 218"),
    def("store.nats_bytes_written_per_sample", "bytes/sample", Goal::None, ""),
    def(
        "store.postgres_bytes_written_per_sample",
        "bytes/sample",
        Goal::None,
        "blocks of 60: 6.9, not merged",
    ),
    def(
        "store.bytes_kept_per_sample",
        "bytes/sample",
        Goal::AtMost(0.6),
        "Prometheus 1–2, Netdata 0.6, a row per sample 98",
    ),
    def("query.100x24h_seconds", "seconds", Goal::AtMost(0.060), "fetch alone 0.018–0.021; rows 0.45–0.93"),
    def("query.1x90d_seconds", "seconds", Goal::AtMost(0.060), ""),
    def("live.p99_seconds", "seconds", Goal::AtMost(1.0), ""),
    def("live.agent_p99_seconds", "seconds", Goal::AtMost(1.0), ""),
];

/// A measured figure.
#[derive(Clone, Copy)]
pub struct Figure {
    /// What it is.
    pub def: &'static FigureDef,
    /// Its value.
    pub value: f64,
}

/// What a run yielded.
#[derive(Default)]
pub struct Report {
    figures: Vec<Figure>,
    notes: Vec<String>,
}

impl Report {
    /// Adds a figure.
    ///
    /// # Errors
    /// It is not declared in [`FIGURES`].
    pub fn add(&mut self, name: &str, value: f64) -> Result<()> {
        let def = FIGURES.iter().find(|def| def.name == name);
        let def = def.with_context(|| format!("figure {name} is not declared"))?;
        eprintln!("  {name} = {} {}", human(value, def.unit), def.unit);
        self.figures.push(Figure { def, value });
        Ok(())
    }

    /// Adds a line that stands below the table.
    pub fn note(&mut self, text: impl Into<String>) {
        let text = text.into();
        eprintln!("  {text}");
        self.notes.push(text);
    }

    /// Figures that miss their goal.
    pub fn missed(&self) -> usize {
        self.figures.iter().filter(|figure| !figure.def.goal.met_by(figure.value)).count()
    }

    /// The table for people.
    pub fn table(&self) -> String {
        let mut rows = vec![["figure", "value", "unit", "goal", "", "beside it"].map(str::to_owned)];
        for Figure { def, value } in &self.figures {
            let goal = match def.goal {
                Goal::AtMost(limit) => format!("≤ {}", human(limit, def.unit)),
                Goal::AtLeast(limit) => format!("≥ {}", human(limit, def.unit)),
                Goal::None => String::new(),
            };
            let verdict = if def.goal.met_by(*value) { "" } else { "MISSED" };
            rows.push(
                [def.name, &human(*value, def.unit), def.unit, &goal, verdict, def.beside].map(str::to_owned),
            );
        }
        let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
        let widths: Vec<usize> = (0..6).map(width).collect();
        let mut out = String::new();
        for row in &rows {
            let cell = |(text, width): (&String, &usize)| format!("{text:<width$}");
            let line: Vec<String> = row.iter().zip(&widths).map(cell).collect();
            out.push_str(line.join("  ").trim_end());
            out.push('\n');
        }
        for note in &self.notes {
            out.push_str(&format!("· {note}\n"));
        }
        out
    }

    /// The same for programs.
    pub fn json(&self) -> serde_json::Value {
        let figure = |Figure { def, value }: &Figure| json!({"name": def.name, "value": value, "unit": def.unit, "goal": def.goal.limit()});
        json!({"figures": self.figures.iter().map(figure).collect::<Vec<_>>(), "notes": self.notes})
    }
}

/// A value with as many digits as mean something.
pub fn human(value: f64, unit: &str) -> String {
    let binary = unit == "bytes" || unit == "bytes/hour";
    match value.abs() {
        large if binary && large >= 1_048_576.0 => format!("{:.1}Mi", value / 1_048_576.0),
        large if binary && large >= 1024.0 => format!("{:.1}Ki", value / 1024.0),
        large if large >= 1e6 => format!("{:.2}M", value / 1e6),
        large if large >= 1000.0 || value.fract() == 0.0 => format!("{value:.0}"),
        large if large >= 0.1 => format!("{value:.2}"),
        _ => format!("{value:.6}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_says_what_is_missed() {
        let mut report = Report::default();
        report.add("agent.execs", 1.0).unwrap();
        report.add("ingest.samples_per_second", 2e6).unwrap();
        assert!(report.add("agent.nonsense", 1.0).is_err());
        assert_eq!(report.missed(), 1);
        let table = report.table();
        assert!(table.lines().nth(1).unwrap().contains("MISSED"), "{table}");
        assert!(!table.lines().nth(2).unwrap().contains("MISSED"), "{table}");
        assert_eq!(report.json()["figures"][1]["goal"], 1e6);
    }
}
