//! Limits of the collector, in one place, with their unit in their name. What both ends share is in
//! [`hi_common::limits`].

/// Rows waiting in the live feed for a slow reader before it loses the oldest.
pub const LIVE_ROWS_MAX: usize = 4096;
/// Messages asked of the broker at a time; there is room for all of them before they are asked for.
pub const PULL_MESSAGES_MAX: usize = 128;
/// Dead letters kept; the oldest go first.
pub const DEAD_LETTERS_MAX: i64 = 10_000;
/// Bytes of a dead letter's payload kept for inspection.
pub const DEAD_LETTER_PAYLOAD_BYTES_MAX: usize = 4096;
/// Epochs of one host with a cursor; an agent that restarts more often has its oldest closed.
pub const EPOCHS_PER_HOST_MAX: usize = 64;
/// Ranges seen ahead of a cursor; beyond it the lowest gap is given up.
pub const CURSOR_RANGES_MAX: usize = 1024;
/// Layouts of one source of one host kept in memory; the least recently used is read again from the database.
pub const LAYOUTS_PER_SOURCE_MAX: usize = 16;
/// Samples in one block, more are split.
pub const BLOCK_SAMPLES_MAX: usize = 1 << 18;
/// Bytes of an encoded block.
pub const BLOCK_BYTES_MAX: usize = 4 << 20;
/// Silence after which a host's name may be taken over by another, in milliseconds.
pub const NAME_HOLD_MS: i64 = 10 * 60 * 1000;
/// Wait before a missing batch is asked for again, in milliseconds: it may only be late.
pub const REPAIR_GRACE_MS: i64 = 5_000;
/// Longest wait between two requests for the same gap, in milliseconds.
pub const REPAIR_BACKOFF_MS_MAX: i64 = 5 * 60 * 1000;
/// How long a gap stays open when its agent never answers, in milliseconds: as long as the stream keeps messages.
pub const REPAIR_GIVE_UP_MS: i64 = 7 * 86_400 * 1000;

// What one request may have.

/// Series in one answer of `/api/samples`.
pub const SERIES_PER_QUERY_MAX: usize = 5_000;
/// Steps of one range.
pub const BUCKETS_PER_SERIES_MAX: usize = 20_000;
/// Steps of all series of an answer.
pub const BUCKETS_PER_QUERY_MAX: usize = 1_000_000;
/// Samples in an answer without steps.
pub const POINTS_RAW_PER_QUERY_MAX: usize = 1_000_000;
/// Samples read for one answer, as estimated from range and series.
pub const SAMPLES_PER_QUERY_MAX: i64 = 50_000_000;
/// Selectors of one request.
pub const SELECTORS_PER_REQUEST_MAX: usize = 32;
/// Questions about samples that are answered at the same time; others wait.
pub const QUERIES_AT_ONCE_MAX: usize = 4;
/// Questions that wait; what comes beyond is refused.
pub const QUERIES_WAITING_MAX: usize = 64;
/// Clients of `/api/live`.
pub const LIVE_CLIENTS_MAX: u32 = 64;
/// Answers below this size are not compressed, in bytes.
pub const COMPRESS_BYTES_MIN: u64 = 512;
/// Data above this size is not compressed, in bytes: over the loopback sending is faster than packing.
pub const COMPRESS_BYTES_MAX: u64 = 256 << 10;
/// Bytes of messages asked of the broker at a time.
pub const PULL_BYTES_MAX: usize = 16 << 20;
/// Messages decoded ahead of the one that is taken, to register what is new in all of them together.
pub const AHEAD_MESSAGES_MAX: usize = 64;
/// Bytes of the payloads of those messages; the last may exceed it.
pub const AHEAD_BYTES_MAX: usize = 4 << 20;
/// Series described by layouts that are registered in one transaction; the last layout may exceed it.
pub const REGISTER_SERIES_MAX: usize = 1 << 14;
/// Messages that wait between the consumer and the engine.
pub const QUEUE_MESSAGES_MAX: usize = 2 * PULL_MESSAGES_MAX;
/// Entries of the journal (dead letters, gaps, events) that wait for the database; beyond it they are only counted.
pub const JOURNAL_ENTRIES_MAX: usize = 2000;
/// Ranges asked for again at a time, per epoch.
pub const REPAIR_RANGES_MAX: usize = 8;
/// Answers that promise a batch which then does not come, after which it is given up: it is one that is always refused.
pub const REPAIR_PROMISES_MAX: u32 = 6;
