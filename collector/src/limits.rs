//! Limits of the collector, in one place, with their unit in their name. What both ends share is in
//! [`hi_common::limits`].

/// Rows waiting in the live feed for a slow reader before it loses the oldest.
pub const LIVE_ROWS_MAX: usize = 4096;
/// Messages asked of the broker at a time.
pub const PULL_MESSAGES_MAX: usize = 1000;
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
pub const BLOCK_SAMPLES_MAX: usize = 1 << 17;
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
