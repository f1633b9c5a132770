//! Reads the blocks of the database as they are, past every reader that could hide a double.

use std::collections::HashMap;

use anyhow::{Context as _, Result};
use hi_collector::block::{self, bundle};
use hi_common::metric::job_of;
use serde_json::{Map, Value};
use sqlx::{Connection as _, PgConnection, Row as _};

use crate::oracle::{Samples, SeriesKey};

/// Series with what names them.
const SERIES: &str = "SELECT series.id, metric.name AS metric, host.name AS host, series.labels \
    FROM series JOIN metric ON metric.id = series.metric_id JOIN host ON host.id = series.host_id";
/// Blocks in bundles, which a flush wrote.
const BUNDLES: &str = "SELECT bundle, data FROM sample_block";
/// Blocks of merged days.
const DAYS: &str = "SELECT series_id, data FROM sample_day";

/// Every sample in every block.
///
/// # Errors
/// The database does not answer; a block cannot be decoded or belongs to no series.
pub async fn read(url: &str) -> Result<Samples> {
    let mut connection = PgConnection::connect(url).await.context("connect to the database")?;
    let mut keys: HashMap<i32, SeriesKey> = HashMap::new();
    for row in sqlx::query(SERIES).fetch_all(&mut connection).await.context("read series")? {
        let (metric, host): (String, String) = (row.try_get("metric")?, row.try_get("host")?);
        let labels: sqlx::types::Json<Map<String, Value>> = row.try_get("labels")?;
        let own = labels.iter().map(|(key, value)| (key.as_str(), value.as_str().unwrap_or("")));
        let added = [("instance", host.as_str()), ("job", job_of(&metric))];
        keys.insert(row.try_get("id")?, SeriesKey::new(&metric, own.chain(added)));
    }
    let mut samples = Samples::default();
    let mut add = |id: i32, data: &[u8]| -> Result<()> {
        let key = keys.get(&id).with_context(|| format!("a block of series {id}, which does not exist"))?;
        let (mut times, mut values) = (Vec::new(), Vec::new());
        block::decode(data, &mut times, &mut values).with_context(|| format!("a block of {}", key.0))?;
        times.iter().zip(&values).for_each(|(at, value)| samples.add(key, *at, *value));
        Ok(())
    };
    for row in sqlx::query(BUNDLES).fetch_all(&mut connection).await.context("read bundles")? {
        let (number, data): (i32, Vec<u8>) = (row.try_get("bundle")?, row.try_get("data")?);
        for block in bundle::blocks(number, &data).with_context(|| format!("bundle {number}"))? {
            let block = block.with_context(|| format!("bundle {number}"))?;
            add(block.id, &block.block())?;
        }
    }
    for row in sqlx::query(DAYS).fetch_all(&mut connection).await.context("read merged days")? {
        add(row.try_get("series_id")?, row.try_get("data")?)?;
    }
    connection.close().await.ok();
    Ok(samples)
}
