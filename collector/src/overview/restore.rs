//! After a start: reads the last hour of what the overview shows back from the database, so that no row is empty until
//! every source has been read again, and a silent host shows what it said last.

use std::collections::BTreeMap;
use std::sync::Arc;

use hi_common::batch::{ABSENT, is_absent};

use crate::ingest::LiveRow;
use crate::model::{Layout, MatchOp, Matcher, SeriesId, SeriesInfo};
use crate::storage::latest;
use crate::store::{HostRow, Store, StoreError};

use super::Overview;
use super::host::HostNow;
use super::slots;

/// How far back is read, in milliseconds.
const BACK_MS: i64 = 60 * 60_000;
/// Slack for clocks of hosts that run ahead, in milliseconds.
const AHEAD_MS: i64 = 60_000;
/// Series of one host that are read.
const SERIES_MAX: usize = 5_000;
/// Series of one host's storage that are read.
const STORAGE_SERIES_MAX: usize = 20_000;
/// Hosts that are read.
const HOSTS_MAX: i64 = 10_000;

/// Reads every host back.
///
/// # Errors
/// The database cannot be reached.
pub async fn restore(overview: &Overview, store: &Store) -> Result<(), StoreError> {
    for host in store.hosts(None, HOSTS_MAX).await? {
        let stored = host_now(store, &host).await?;
        overview.restore(host.id, stored);
    }
    Ok(())
}

async fn host_now(store: &Store, host: &HostRow) -> Result<HostNow, StoreError> {
    let names: Vec<&str> = slots::metrics().collect();
    let matcher = |label: &str, op, value: String| Matcher { label: label.to_owned(), op, value };
    let selector = vec![
        matcher("instance", MatchOp::Eq, host.name.clone()),
        matcher("__name__", MatchOp::Re, names.join("|")),
    ];
    let page = store.series_find(&[selector], None, SERIES_MAX).await?;
    let mut groups: BTreeMap<String, Vec<SeriesInfo>> = BTreeMap::new();
    for row in page.series {
        // `node_cpu_…` and `node_disk_…` stand for the sources they came from.
        let group = row.info.metric.splitn(3, '_').take(2).collect::<Vec<_>>().join("_");
        groups.entry(group).or_default().push(row.info);
    }
    let mut now = HostNow::default();
    for (group, infos) in groups {
        let ids: Vec<SeriesId> = infos.iter().map(|info| info.id).collect();
        let samples = store.samples(&ids, host.last_seen - BACK_MS, host.last_seen + AHEAD_MS).await?;
        let layout = Layout::new(
            host.id,
            Arc::from(format!("restored {group}")),
            0,
            infos.into_iter().map(Some).collect(),
        );
        for row in rows(host, &Arc::new(layout), &samples) {
            now.apply(&Arc::new(row));
        }
    }
    read_storage(store, host, &mut now).await?;
    Ok(now)
}

/// Reads back the newest value of each series that tells of storage.
async fn read_storage(store: &Store, host: &HostRow, now: &mut HostNow) -> Result<(), StoreError> {
    let names = latest::prefixes().map(|prefix| format!("{prefix}.*")).collect::<Vec<_>>().join("|");
    let selector = vec![
        Matcher { label: "instance".to_owned(), op: MatchOp::Eq, value: host.name.clone() },
        Matcher { label: "__name__".to_owned(), op: MatchOp::Re, value: names },
    ];
    let page = store.series_find(&[selector], None, STORAGE_SERIES_MAX).await?;
    for chunk in page.series.chunks(SERIES_MAX) {
        let ids: Vec<SeriesId> = chunk.iter().map(|row| row.info.id).collect();
        let samples = store.samples(&ids, host.last_seen - BACK_MS, host.last_seen + AHEAD_MS).await?;
        for series in samples {
            let info = chunk.iter().find(|row| row.info.id == series.id).map(|row| &row.info);
            let newest = series.times.iter().zip(&series.values).rev().find(|(_, value)| !is_absent(**value));
            if let (Some(info), Some((&at, &value))) = (info, newest) {
                now.storage.take(info, at, value);
            }
        }
    }
    Ok(())
}

/// Turns columns into readings, by time.
fn rows(host: &HostRow, layout: &Arc<Layout>, samples: &[crate::model::Samples]) -> Vec<LiveRow> {
    let mut table: BTreeMap<i64, Vec<f64>> = BTreeMap::new();
    for series in samples {
        let Some(column) = layout.column(series.id) else { continue };
        for (&at, &value) in series.times.iter().zip(&series.values) {
            let row = table.entry(at).or_insert_with(|| vec![ABSENT; layout.series.len()]);
            row[column] = value;
        }
    }
    let name: Arc<str> = Arc::from(host.name.as_str());
    let row = |(at, values): (i64, Vec<f64>)| LiveRow {
        host: host.id,
        host_name: Arc::clone(&name),
        at,
        layout: Arc::clone(layout),
        values: Arc::from(values),
    };
    table.into_iter().map(row).collect()
}
