//! Questions about samples: which series, which range, at which resolution, over head and store alike.

pub mod bucket;
pub mod hours;
pub mod json;
pub mod matching;
pub mod merge;
pub mod rate;
pub mod read;
pub mod selector;
pub mod sum;

use serde::Serialize;
use utoipa::ToSchema;

use crate::model::Matcher;
use crate::store::StoreError;

pub use sum::SumBy;

/// What becomes of the values.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// They stay as they are.
    Value,
    /// Growth per second of a counter; a fall counts as a restart from zero.
    Rate,
}

/// What the values were made of.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Resolution {
    /// Every sample.
    Raw,
    /// Hourly summaries, and samples for the hours that are not closed.
    Hour,
}

/// A question. Times are Unix milliseconds.
#[derive(Clone, Debug, PartialEq)]
pub struct Question {
    /// Selectors; a series must fulfil one.
    pub any_of: Vec<Vec<Matcher>>,
    /// Begin.
    pub start_ms: i64,
    /// End, not part of the range.
    pub end_ms: i64,
    /// Length of a bucket; none for the samples as they are.
    pub step_ms: Option<i64>,
    /// What becomes of the values.
    pub mode: Mode,
    /// Whether and how series are added up; needs a step.
    pub sum_by: Option<SumBy>,
}

/// Why a question has no answer.
#[derive(Debug, thiserror::Error)]
pub enum QueryError {
    /// More is asked for than one request may have; the text says how to narrow it.
    #[error("{0}")]
    Limit(String),
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Nobody waits for the answer any more.
    #[error("the query was cancelled")]
    Cancelled,
}
