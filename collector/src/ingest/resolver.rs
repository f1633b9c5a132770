//! What is known when ingest begins: positions, cursors, names, layouts.

use std::collections::HashMap;
use std::sync::Arc;

use tokio::sync::watch;

use super::Ingest;
use super::broker::Broker;
use super::cursor::Cursor;
use super::engine::Engine;
use super::names::{Named, Names};
use super::state::{Epoch, Host};
use crate::config::CoreConfig;
use crate::model::{HostKey, Layout, SeriesId, SeriesInfo};
use crate::store::{DAY_MS, Store, StoreError, now_ms};

/// Layouts used in the last days are read at start; older ones when a batch names them.
const LAYOUT_AGE_MS: i64 = 2 * DAY_MS;

/// Reads everything back from the database.
pub(super) async fn begin(
    ingest: &Ingest,
    store: &Store,
    broker: &Broker,
    config: &CoreConfig,
    shutdown: watch::Receiver<bool>,
) -> Result<(Engine, Arc<Names>), StoreError> {
    store.migrate().await?;
    let position = store.position(hi_common::subject::STREAM_METRICS).await?;
    let cursors = store.cursors().await?;
    let names = Arc::new(Names::load(store.clone(), Arc::clone(&ingest.hosts)).await?);
    let mut engine =
        Engine::new(ingest.clone(), store.clone(), broker.clone(), Arc::clone(&names), config, shutdown);
    engine.restore_position(position);
    let states = ingest.hosts.all();
    let mut ids = HashMap::new();
    for state in states {
        let named = Named {
            host: state.host,
            host_id: state.host_id,
            name: state.name.to_string(),
            claimed: state.claimed.to_string(),
            conflict: state.conflict,
            last_batch_at: state.last_batch_at,
        };
        ids.insert(state.host, state.host_id);
        let mut host = Host::new(named);
        host.last_batch_at = state.last_batch_at;
        engine.hosts.insert(state.host_id, host);
    }
    for row in cursors {
        let Some(host) = ids.get(&row.host).and_then(|id| engine.hosts.get_mut(id)) else { continue };
        let cursor = Cursor::restore(row.next, &row.seen);
        host.newest = host.newest.max((row.epoch, cursor.highest()));
        host.epochs.insert(row.epoch, Epoch { cursor, ..Epoch::default() });
    }
    let now = now_ms();
    for layout in load(store, None, None, now - LAYOUT_AGE_MS).await? {
        if let Some(id) = ids.get(&layout.host).copied() {
            engine.remember(id, layout, now);
        }
    }
    Ok((engine, names))
}

/// Reads layouts with what their series are.
pub(super) async fn load(
    store: &Store,
    host: Option<HostKey>,
    hash: Option<u64>,
    since_ms: i64,
) -> Result<Vec<Layout>, StoreError> {
    let rows = store.layouts(host, hash, since_ms).await?;
    let mut layouts = Vec::with_capacity(rows.len());
    // Some at a time: what a row becomes is several times its size.
    for some in rows.chunks(64) {
        let mut ids: Vec<SeriesId> =
            some.iter().flat_map(|row| &row.series).copied().filter(|id| *id > 0).collect();
        ids.sort_unstable();
        ids.dedup();
        let infos: HashMap<SeriesId, SeriesInfo> =
            store.series_by_ids(&ids).await?.into_iter().map(|info| (info.id, info)).collect();
        for row in some {
            let series = row.series.iter().map(|id| infos.get(id).cloned()).collect();
            layouts.push(Layout::new(row.host, row.source.as_str().into(), row.hash, series));
        }
    }
    Ok(layouts)
}
