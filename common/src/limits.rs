//! Every limit both ends agree on, in one place, with its unit in its name.
//!
//! A payload beyond one of these is refused whole (see [`crate::wire`]) or, where the comment says so, per series.

/// Largest payload of one batch, in bytes. NATS' own default `max_payload` is 1 MiB.
pub const BATCH_BYTES_MAX: usize = 1 << 20;
/// Largest payload of a fact, event or catalog document, in bytes.
pub const DOCUMENT_BYTES_MAX: usize = 512 << 10;
/// Most readings in one batch: one per source, several when a host catches up.
pub const READINGS_PER_BATCH_MAX: usize = 256;
/// Most series one reading may carry.
pub const SERIES_PER_READING_MAX: usize = 20_000;
/// Most series one host may have; what exceeds it is refused per series, counted and shown.
pub const SERIES_PER_HOST_MAX: usize = 50_000;
/// Most labels of one series, `instance` and `job` not counted.
pub const LABELS_PER_SERIES_MAX: usize = 32;
/// Longest label value, in bytes.
pub const LABEL_VALUE_BYTES_MAX: usize = 1024;
/// Longest metric or label name, in bytes.
pub const NAME_BYTES_MAX: usize = 200;
/// Longest help text of a metric, in bytes.
pub const HELP_BYTES_MAX: usize = 1024;
/// Longest host name, in bytes (RFC 1035 label).
pub const HOST_NAME_BYTES_MAX: usize = 63;
/// Longest source name, in bytes.
pub const SOURCE_NAME_BYTES_MAX: usize = 64;
/// Longest list of announced losses in one batch.
pub const LOST_RANGES_MAX: usize = 256;
/// How far a sample's time may lie ahead of the collector's clock, in milliseconds.
pub const FUTURE_MS_MAX: i64 = 10 * 60 * 1000;
/// Oldest sample time accepted (2020-01-01T00:00:00Z), in Unix milliseconds: earlier means a host without a clock.
pub const AT_MS_MIN: i64 = 1_577_836_800_000;
/// Deepest nesting of a MessagePack document.
pub const NESTING_MAX: usize = 32;
/// How often the agent repeats the series of a layout, in milliseconds.
pub const LAYOUT_REPEAT_MS: i64 = 60 * 60 * 1000;

const _: () = assert!(DOCUMENT_BYTES_MAX <= BATCH_BYTES_MAX);
const _: () = assert!(SERIES_PER_READING_MAX <= SERIES_PER_HOST_MAX);
