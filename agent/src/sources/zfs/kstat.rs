//! Kernel statistics of OpenZFS below `/proc/spl/kstat/zfs`, readable for everybody: files of a header and lines of name, type
//! and value (`kstat_named_t`), a folder a pool. Names, labels and values are node_exporter's.

use hi_common::metric::{Kind, MetricDef, Unit};

use super::kstat_names::{COUNT, TABLES};
use super::pool::STATES;
use crate::host::{At, HostRoot, Scratch};
use crate::source::pattern::Patterns;
use crate::source::{Readings, SourceError, bad_line};

const FOLDER: &str = "spl/kstat/zfs";
/// Most datasets whose I/O is told, of all pools together.
const OBJSETS_MAX: usize = 1000;

static STATE: MetricDef = MetricDef {
    name: "node_zfs_zpool_state",
    kind: Kind::Gauge,
    unit: Unit::None,
    labels: &["zpool", "state"],
    help: "1 for the state that a pool is in, 0 for the others.",
};

/// Declares statistics of a pool or a dataset.
macro_rules! labelled {
    ($table:ident $subsystem:literal $labels:expr, $($name:literal $unit:ident $help:literal;)+) => {
        const $table: &[(&str, &MetricDef)] = &[$(($name, {
            static METRIC: MetricDef = MetricDef {
                name: concat!("node_zfs_", $subsystem, "_", $name),
                kind: Kind::Untyped,
                unit: Unit::$unit,
                labels: $labels,
                help: $help,
            };
            &METRIC
        })),+];
    };
}

labelled! { IO "zpool" &["zpool"],
    "nread" Bytes "Bytes read of a pool.";
    "nwritten" Bytes "Bytes written to a pool.";
    "rcnt" None "I/Os in progress.";
    "reads" None "Reads of a pool.";
    "rlentime" None "That time multiplied by the number of I/Os in progress.";
    "rtime" None "Nanoseconds during which I/O was in progress.";
    "rupdate" None "When the run queue changed last, in nanoseconds.";
    "wcnt" None "I/Os that wait.";
    "wlentime" None "That time multiplied by the number of I/Os that waited.";
    "writes" None "Writes to a pool.";
    "wtime" None "Nanoseconds during which I/O waited.";
    "wupdate" None "When the wait queue changed last, in nanoseconds.";
}

labelled! { OBJSET "zpool_dataset" &["zpool", "dataset"],
    "nread" Bytes "Bytes read of a mounted dataset.";
    "nunlinked" None "Files unlinked in a mounted dataset.";
    "nunlinks" None "Files to be unlinked in a mounted dataset.";
    "nwritten" Bytes "Bytes written to a mounted dataset.";
    "reads" None "Reads of a mounted dataset.";
    "writes" None "Writes to a mounted dataset.";
}

/// Every metric of this file.
pub(super) const METRICS: [&MetricDef; COUNT + IO.len() + OBJSET.len() + 1] = {
    let mut metrics = [&STATE; COUNT + IO.len() + OBJSET.len() + 1];
    let (mut at, mut table) = (1, 0);
    while table < TABLES.len() + 2 {
        let rows = if table < TABLES.len() {
            TABLES[table].rows
        } else if table == TABLES.len() {
            IO
        } else {
            OBJSET
        };
        let mut row = 0;
        while row < rows.len() {
            metrics[at] = rows[row].1;
            at += 1;
            row += 1;
        }
        table += 1;
    }
    metrics
};

/// What there is below the folder of statistics.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Found {
    /// Whether there is such a folder.
    pub(super) any: bool,
    /// Pools and the state of each, in lower case.
    pub(super) pools: Vec<(String, String)>,
}

/// Reads all statistics. What is wrong in one file costs only that one; the last such error comes back beside what was found.
pub(super) fn read(
    host: &HostRoot,
    scratch: &mut Scratch,
    exclude: &Patterns,
    out: &mut Readings,
) -> (Found, Result<(), SourceError>) {
    let mut found = Found::default();
    let mut result = Ok(());
    for table in TABLES {
        match host.text(scratch, At::Proc, &format!("{FOLDER}/{}", table.file)) {
            Ok(text) => {
                found.any = true;
                result = push_named(table.file, text, table.rows, &[], out).and(result);
            }
            Err(SourceError::Missing { .. }) => {}
            Err(error) => result = Err(error),
        }
    }
    let names = match host.list(At::Proc, FOLDER) {
        Ok(names) => names,
        Err(error) => return (found, Err(error)),
    };
    found.any |= !names.is_empty();
    for name in names {
        // A pool is a folder; the rest are files.
        if !host.is_folder(At::Proc, &format!("{FOLDER}/{name}")) {
            continue;
        }
        if let Ok(text) = host.text(scratch, At::Proc, &format!("{FOLDER}/{name}/state")) {
            let state = text.trim().to_ascii_lowercase();
            found.pools.push((name, state));
        }
    }
    for (pool, state) in &found.pools {
        for known in STATES {
            out.push(&STATE, &[pool, known], f64::from(u8::from(known == state)));
        }
    }
    let mut room = OBJSETS_MAX;
    for (pool, _) in &found.pools {
        result = read_pool(host, scratch, pool, exclude, &mut room, out).and(result);
    }
    (found, result)
}

fn read_pool(
    host: &HostRoot,
    scratch: &mut Scratch,
    pool: &str,
    exclude: &Patterns,
    room: &mut usize,
    out: &mut Readings,
) -> Result<(), SourceError> {
    let mut result = Ok(());
    let folder = format!("{FOLDER}/{pool}");
    // Only until OpenZFS 0.8; later the counts of the root device say it.
    if let Ok(text) = host.text(scratch, At::Proc, &format!("{folder}/io")) {
        result = push_io(text, pool, out);
    }
    let files = host.list(At::Proc, &folder)?;
    for file in files.iter().filter(|file| file.starts_with("objset-")).take(*room) {
        match host.text(scratch, At::Proc, &format!("{folder}/{file}")) {
            Ok(text) => {
                *room -= 1;
                match dataset_name(text) {
                    Some(dataset) if exclude.matches_path(dataset) => {}
                    Some(dataset) => {
                        result = push_named(file, text, OBJSET, &[pool, dataset], out).and(result);
                    }
                    None => result = Err(SourceError::parse(file, "no name of a dataset")),
                }
            }
            // Unmounted meanwhile.
            Err(SourceError::Missing { .. }) => {}
            Err(error) => result = Err(error),
        }
    }
    result
}

/// Lines of `name type value` behind the header that says just these words.
fn lines(text: &str) -> impl Iterator<Item = (&str, &str, &str)> {
    text.lines().filter_map(split).skip_while(|line| *line != ("name", "type", "data")).skip(1)
}

fn split(line: &str) -> Option<(&str, &str, &str)> {
    let (name, rest) = line.split_once(char::is_whitespace)?;
    let (kind, value) = rest.trim_start().split_once(char::is_whitespace)?;
    Some((name, kind, value.trim()))
}

/// Name of the dataset that a file is about; it may hold spaces.
fn dataset_name(text: &str) -> Option<&str> {
    lines(text).find(|(name, ..)| *name == "dataset_name").map(|(.., value)| value)
}

/// Pushes what is known of a file, in the kernel's order.
fn push_named(
    file: &str,
    text: &str,
    rows: &'static [(&'static str, &'static MetricDef)],
    labels: &[&str],
    out: &mut Readings,
) -> Result<(), SourceError> {
    let mut result = Ok(());
    let mut seen = false;
    for (name, kind, value) in lines(text) {
        seen = true;
        let Some(metric) = find(rows, name) else { continue };
        match number(kind, value) {
            Some(number) => out.push(metric, labels, number),
            None => result = Err(bad_line(file, name, format!("{value} is no number of type {kind}"))),
        }
    }
    if seen { result } else { Err(SourceError::parse(file, "no statistics")) }
}

/// Searches a sorted table, which has underscores for the dashes of some names.
fn find(rows: &[(&str, &'static MetricDef)], name: &str) -> Option<&'static MetricDef> {
    let own = |byte: u8| if byte == b'-' { b'_' } else { byte };
    let index = rows.binary_search_by(|(row, _)| row.bytes().cmp(name.bytes().map(own))).ok()?;
    Some(rows[index].1)
}

/// A value: type 3 is signed, 4 unsigned, 1 and 2 their short forms, 5 and 6 those of `long` (kstat.h).
fn number(kind: &str, value: &str) -> Option<f64> {
    match kind {
        "1" | "3" | "5" => value.parse::<i64>().ok().map(|number| number as f64),
        // Some unsigned counts are decremented by another processor than the one that incremented them, and show the wrapped
        // difference: negative, not 18 trillion millions.
        "2" | "4" | "6" => value.parse::<u64>().ok().map(|number| number as i64 as f64),
        _ => None,
    }
}

/// A line of names and one of values below it (`kstat_io_t`), behind the header of the file.
fn push_io(text: &str, pool: &str, out: &mut Readings) -> Result<(), SourceError> {
    let mut rest = text.lines().skip_while(|line| !line.starts_with("nread"));
    let (Some(names), Some(values)) = (rest.next(), rest.next()) else {
        return Err(SourceError::parse("io", "no statistics"));
    };
    for (name, value) in names.split_ascii_whitespace().zip(values.split_ascii_whitespace()) {
        let Some(metric) = find(IO, name) else { continue };
        match number("4", value) {
            Some(number) => out.push(metric, &[pool], number),
            None => return Err(bad_line("io", values, format!("{name} is no number"))),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn named(text: &str) -> (Vec<(&'static str, f64)>, Result<(), SourceError>) {
        let mut out = Readings::default();
        let result = push_named("fm", text, TABLES[5].rows, &[], &mut out);
        (out.samples().map(|(metric, _, value)| (metric.name, value)).collect(), result)
    }

    #[test]
    fn names_with_dashes_and_counts_below_zero() {
        let head =
            "11 1 0x01 5 1360 2742556064 1351143840229379\nname                            type data\n";
        let (found, result) =
            named(&format!("{head}erpt-dropped 4 18446744073709551613\nnew-one 4 1\nfmri-set-failed 4 x\n"));
        assert_eq!(found, [("node_zfs_fm_erpt_dropped", -3.0)]);
        assert_eq!(result.unwrap_err().reason(), "parse");
        assert_eq!(named(head).1.unwrap_err().to_string(), "fm is not understood: no statistics");
    }

    #[test]
    fn a_dataset_may_have_spaces_in_its_name() {
        let text = "1 2\nname type data\ndataset_name                    7    tank/my files\nreads 4 3\n";
        assert_eq!(dataset_name(text), Some("tank/my files"));
        assert!(OBJSET.is_sorted_by(|a, b| a.0 < b.0) && IO.is_sorted_by(|a, b| a.0 < b.0));
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "(name type data\n|nread|erpt-dropped|[0-9]{1,21}| |\n|.){0,40}") {
            let _ = named(&text);
            let _ = dataset_name(&text);
            let _ = push_io(&text, "tank", &mut Readings::default());
        }
    }
}
