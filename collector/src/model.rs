//! What ingest, store and queries talk about.

use std::sync::Arc;

use hi_common::metric::Kind;

/// Number of a series in the database.
pub type SeriesId = i32;

/// Number of a host in the database.
pub type HostKey = i32;

/// Labels of a series, sorted by name, without `instance` and `job` (those follow from host and metric), without empty
/// values. Series that differ in their host alone share one allocation.
pub type Labels = Arc<[(String, String)]>;

/// What a series is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeriesInfo {
    /// Its number.
    pub id: SeriesId,
    /// The host it belongs to.
    pub host: HostKey,
    /// Metric name.
    pub metric: Arc<str>,
    /// Behaviour of its values.
    pub kind: Kind,
    /// Labels, sorted.
    pub labels: Labels,
}

/// The series that the values of a reading belong to, in their order.
#[derive(Debug)]
pub struct Layout {
    /// The host.
    pub host: HostKey,
    /// The source.
    pub source: Arc<str>,
    /// [`hi_common::wire::layout_hash`] of the families.
    pub hash: u64,
    /// Number of the series of each value; `None` where the series was refused.
    pub series: Vec<Option<SeriesId>>,
    /// What each series is, in the same order.
    pub infos: Vec<Option<SeriesInfo>>,
    /// `(series, column)` sorted by series, for looking one up.
    pub columns: Vec<(SeriesId, u32)>,
}

impl Layout {
    /// Makes a layout of its series.
    pub fn new(host: HostKey, source: Arc<str>, hash: u64, infos: Vec<Option<SeriesInfo>>) -> Self {
        let series: Vec<_> = infos.iter().map(|info| info.as_ref().map(|info| info.id)).collect();
        let mut columns: Vec<(SeriesId, u32)> = series
            .iter()
            .enumerate()
            .filter_map(|(column, id)| id.map(|id| (id, u32::try_from(column).unwrap_or(u32::MAX))))
            .collect();
        columns.sort_unstable();
        Self { host, source, hash, series, infos, columns }
    }

    /// Column of a series, when it is part of the layout.
    pub fn column(&self, id: SeriesId) -> Option<usize> {
        let index = self.columns.binary_search_by_key(&id, |(series, _)| *series).ok()?;
        self.columns.get(index).map(|(_, column)| *column as usize)
    }
}

/// How a label is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MatchOp {
    /// `=`
    Eq,
    /// `!=`
    Ne,
    /// `=~`
    Re,
    /// `!~`
    Nre,
}

/// One condition on a label. The metric name is the label `__name__`, the host's name is `instance`, and `job` follows from
/// the metric. A label that a series lacks counts as empty, and regular expressions are anchored, as Prometheus has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Matcher {
    /// Name of the label.
    pub label: String,
    /// How to compare.
    pub op: MatchOp,
    /// Text or regular expression.
    pub value: String,
}

/// Samples of one series, in order of time. Times are Unix milliseconds.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Samples {
    /// The series.
    pub id: SeriesId,
    /// Times, Unix milliseconds, ascending.
    pub times: Vec<i64>,
    /// Values, one per time.
    pub values: Vec<f64>,
}
