//! After a start: reads the last hour of what the overview shows back from the database, so that no row is empty until
//! every source has been read again, and a silent host shows what it said last.

use std::collections::BTreeMap;
use std::sync::Arc;

use hi_common::batch::{ABSENT, is_absent};

use crate::ingest::LiveRow;
use crate::model::{Layout, MatchOp, Matcher, SeriesId, SeriesInfo};
use crate::store::{HostRow, Store, StoreError};
use crate::{devices, storage};

use super::Overview;
use super::host::HostNow;
use super::slots;

/// How far back is read, in milliseconds.
const BACK_MS: i64 = 60 * 60_000;
/// Slack for clocks of hosts that run ahead, in milliseconds.
const AHEAD_MS: i64 = 60_000;
/// Series of one host that are read.
const SERIES_MAX: usize = 5_000;
/// How far back is read what is added up over a day, in milliseconds.
const DAY_BACK_MS: i64 = 25 * 60 * 60_000;
/// Series of one host's storage, devices and containers that are read.
const THINGS_SERIES_MAX: usize = 50_000;
/// Series of those that are read at a time.
const THINGS_CHUNK: usize = 2_000;
/// Series that are added up over a day that are read at a time.
const DAYS_CHUNK: usize = 100;
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
    read_things(store, host, &mut now).await?;
    Ok(now)
}

/// Reads back the newest values of each series that tells of storage, devices and containers, of those that are told now: of
/// things that are gone there may be many more.
async fn read_things(store: &Store, host: &HostRow, now: &mut HostNow) -> Result<(), StoreError> {
    let told = store.series_told(host.id).await?;
    let mut infos = Vec::new();
    for ids in told.chunks(THINGS_CHUNK) {
        let of_things = |info: &SeriesInfo| storage::SHAPE.takes(info) || devices::SHAPE.takes(info);
        infos.extend(store.series_by_ids(ids).await?.into_iter().filter(of_things));
    }
    infos.truncate(THINGS_SERIES_MAX);
    let (days, others): (Vec<SeriesInfo>, Vec<SeriesInfo>) =
        infos.into_iter().partition(|info| (devices::SHAPE.is_integrated)(&info.metric));
    for chunk in others.chunks(THINGS_CHUNK) {
        // Two of each: counters have a rate.
        read_newest(store, host, chunk, BACK_MS, 2, now).await?;
    }
    for chunk in days.chunks(DAYS_CHUNK) {
        read_newest(store, host, chunk, DAY_BACK_MS, usize::MAX, now).await?;
    }
    Ok(())
}

/// Reads back the newest values of series, at most `count` of each.
async fn read_newest(
    store: &Store,
    host: &HostRow,
    infos: &[SeriesInfo],
    back_ms: i64,
    count: usize,
    now: &mut HostNow,
) -> Result<(), StoreError> {
    let ids: Vec<SeriesId> = infos.iter().map(|info| info.id).collect();
    for series in store.samples(&ids, host.last_seen - back_ms, host.last_seen + AHEAD_MS).await? {
        let Ok(index) = infos.binary_search_by_key(&series.id, |info| info.id) else { continue };
        let Some(info) = infos.get(index) else { continue };
        let known = series.times.iter().zip(&series.values).filter(|(_, value)| !is_absent(**value));
        let mut newest: Vec<(i64, f64)> = known.map(|(at, value)| (*at, *value)).rev().take(count).collect();
        newest.reverse();
        for (at, value) in newest {
            now.storage.take(info, at, value);
            now.devices.take(info, at, value);
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
