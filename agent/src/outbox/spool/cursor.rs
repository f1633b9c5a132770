//! The file that tells how far all is acknowledged.

use super::{CURSOR, Position, Spool};

impl Spool {
    pub(super) fn save_cursor(&mut self) {
        self.since_cursor = 0;
        if self.segments.is_empty() {
            return;
        }
        let mut bytes = Vec::with_capacity(20);
        bytes.extend_from_slice(&self.done.segment.to_le_bytes());
        bytes.extend_from_slice(&self.done.offset.to_le_bytes());
        let crc = crc32fast::hash(&bytes);
        bytes.extend_from_slice(&crc.to_le_bytes());
        if let Err(error) = self.fs.replace(&self.dir.join(CURSOR), &bytes) {
            tracing::warn!(%error, "cursor of unsent data cannot be written; a crash would send some twice");
        }
    }
}

/// What the file holds; `None` when it is damaged.
pub(super) fn parse_cursor(bytes: &[u8]) -> Option<Position> {
    let number = |range: std::ops::Range<usize>| Some(u64::from_le_bytes(bytes.get(range)?.try_into().ok()?));
    let crc = u32::from_le_bytes(bytes.get(16..20)?.try_into().ok()?);
    if bytes.len() != 20 || crc != crc32fast::hash(&bytes[..16]) {
        return None;
    }
    Some(Position { segment: number(0..8)?, offset: number(8..16)? })
}
