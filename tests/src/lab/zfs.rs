//! Pools and datasets, against `zpool status`, `zpool list` and `zfs list`.

use anyhow::{Context as _, Result};
use serde_json::Value;

use super::check::Checks;
use super::reading::{Reading, text};

/// A row of the table of `zpool status`.
struct Row<'a> {
    name: &'a str,
    state: &'a str,
    errors: [&'a str; 3],
}

/// Compares states and errors of every pool and device, and the scan.
pub(super) fn compare_status(reading: &Reading, words: &str, checks: &mut Checks) -> Result<()> {
    for part in words.split("  pool: ").skip(1) {
        let name = part.lines().next().context("a pool without a name")?.trim();
        let none = Value::Null;
        let pool = reading.fact("pool", name).unwrap_or(&none);
        let rows = rows(part);
        for row in &rows {
            let what = format!("{name} {}", row.name);
            if row.name == name {
                checks.same(&format!("{what} state"), text(pool, "state"), Some(row.state));
                continue;
            }
            let device = device(pool, row.name);
            checks.same(&format!("{what} state"), device.and_then(|d| text(d, "state")), Some(row.state));
            let ours = device.map(|d| {
                ["read_errors", "write_errors", "checksum_errors"]
                    .map(|key| d[key].as_i64().unwrap_or(-1).to_string())
                    .join(" ")
            });
            checks.same(&format!("{what} errors"), ours, Some(row.errors.join(" ")));
        }
        checks.same(&format!("{name} devices"), Some(count(pool)), Some(rows.len().saturating_sub(1)));
        let ours = text(pool, "status").map(|status| status != "ok");
        checks.same(&format!("{name} has something to tell"), ours, Some(part.contains("status: ")));
        scan(name, pool, part, checks);
        damage(name, pool, part, checks);
    }
    Ok(())
}

/// Files below `errors: Permanent errors have been detected in the following files:`; the order is the tool's own.
fn damage(name: &str, pool: &Value, part: &str, checks: &mut Checks) {
    let told = part.split_once("in the following files:").map_or("", |(_, list)| list);
    let mut theirs: Vec<&str> = told.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let listed = pool["damaged_files"].as_array();
    let mut ours: Vec<&str> = listed.into_iter().flatten().filter_map(Value::as_str).collect();
    theirs.sort_unstable();
    ours.sort_unstable();
    checks.same(&format!("{name} damaged files"), Some(ours.join("\n")), Some(theirs.join("\n")));
    let count = pool["damaged_files_count"].as_u64().unwrap_or(0);
    checks.same(&format!("{name} number of damaged files"), Some(count), Some(theirs.len()));
}

/// Rows between `NAME STATE READ WRITE CKSUM` and the empty line.
fn rows(part: &str) -> Vec<Row<'_>> {
    let table = part.lines().skip_while(|line| !line.trim().starts_with("NAME ")).skip(1);
    table.take_while(|line| !line.trim().is_empty()).filter_map(row).collect()
}

fn row(line: &str) -> Option<Row<'_>> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let &[name, state, read, write, checksum, ..] = words.as_slice() else { return None };
    Some(Row { name, state, errors: [read, write, checksum] })
}

fn children(doc: &Value) -> impl Iterator<Item = &Value> {
    ["vdevs", "children"].into_iter().flat_map(|key| doc[key].as_array().into_iter().flatten())
}

fn device<'a>(doc: &'a Value, name: &str) -> Option<&'a Value> {
    children(doc).find_map(|child| match text(child, "name") == Some(name) {
        true => Some(child),
        false => device(child, name),
    })
}

fn count(doc: &Value) -> usize {
    children(doc).map(|child| 1 + count(child)).sum()
}

/// `scan: scrub repaired 75.5K in 00:00:20 with 0 errors on …`, `scan: resilvered …`.
fn scan(name: &str, pool: &Value, part: &str, checks: &mut Checks) {
    let told = part.lines().find_map(|line| line.trim().strip_prefix("scan: "));
    let Some(told) = told.filter(|told| *told != "none requested") else { return };
    let function = if told.starts_with("scrub") { "scrub" } else { "resilver" };
    let scans = pool["scans"].as_array();
    let ours = scans.and_then(|scans| scans.iter().find(|scan| text(scan, "function") == Some(function)));
    checks.same(&format!("{name} scan"), ours.and_then(|scan| text(scan, "function")), Some(function));
    if let Some(errors) = told.split(" with ").nth(1).and_then(|rest| rest.split(' ').next()) {
        let ours = ours.and_then(|scan| scan["errors"].as_i64());
        checks.same(&format!("{name} scan errors"), ours, Some(errors));
    }
}

/// Compares sizes and health: name, size, alloc, free, frag, cap, dedup, health.
pub(super) fn compare_list(reading: &Reading, words: &str, checks: &mut Checks) -> Result<()> {
    for line in words.lines() {
        let fields: Vec<&str> = line.split('\t').collect();
        let &[name, size, alloc, free, frag, _, dedup, health] = fields.as_slice() else {
            anyhow::bail!("{line:?} has not eight fields");
        };
        let pool = reading.fact("pool", name);
        checks.same(&format!("{name} health"), pool.and_then(|pool| text(pool, "state")), Some(health));
        let labels = [("pool", name)];
        // What is written between the looks moves: a thousandth of the size.
        let size: f64 = size.parse().context("size")?;
        for (metric, theirs, tolerance, scale) in [
            ("hi_zfs_pool_size_bytes", Some(size), 0.0, 1.0),
            ("hi_zfs_pool_allocated_bytes", alloc.parse().ok(), size / 1000.0, 1.0),
            ("hi_zfs_pool_free_bytes", free.parse().ok(), size / 1000.0, 1.0),
            ("hi_zfs_pool_fragmentation_ratio", frag.parse().ok(), 0.0, 100.0),
            ("hi_zfs_pool_dedup_ratio", dedup.parse().ok(), 0.0, 1.0),
        ] {
            if let Some(theirs) = theirs {
                let ours = reading.value(metric, &labels).map(|value| value * scale);
                checks.near(&format!("{name} {metric}"), ours, theirs, tolerance);
            }
        }
    }
    Ok(())
}

/// Compares datasets: name, used, available, referenced, compression, quota, mount point; the agent has the first two and the last.
pub(super) fn compare_datasets(reading: &Reading, words: &str, checks: &mut Checks) -> Result<()> {
    for line in words.lines() {
        let fields: Vec<&str> = line.split('\t').collect();
        let &[name, used, available, _, _, _, mountpoint] = fields.as_slice() else {
            anyhow::bail!("{line:?} has not seven fields");
        };
        let ours = reading.fact("dataset", name).and_then(|dataset| text(dataset, "mountpoint"));
        checks.same(
            &format!("{name} mount point"),
            ours,
            Some(mountpoint).filter(|path| path.starts_with('/')),
        );
        for (metric, theirs, tolerance) in
            [("hi_zfs_dataset_used_bytes", used, 1e6), ("hi_zfs_dataset_available_bytes", available, 1e6)]
        {
            let ours = reading.value(metric, &[("dataset", name)]);
            checks.near(&format!("{name} {metric}"), ours, theirs.parse().context("number")?, tolerance);
        }
    }
    Ok(())
}
