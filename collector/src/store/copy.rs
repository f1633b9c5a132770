//! Rows for PostgreSQL's binary COPY (PostgreSQL manual, COPY, "Binary Format").

/// Microseconds from 1970-01-01 to 2000-01-01, where PostgreSQL counts from.
const POSTGRES_EPOCH_US: i64 = 946_684_800_000_000;

/// Rows of `sample_block` on their way to the server. The first chunk of a stream begins with [`BlockRows::HEADER`], the
/// last ends with [`BlockRows::TRAILER`].
#[derive(Default)]
pub(crate) struct BlockRows {
    pub(crate) bytes: Vec<u8>,
    length_at: usize,
}

impl BlockRows {
    pub(crate) const HEADER: &'static [u8] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";
    pub(crate) const TRAILER: &'static [u8] = &[0xff, 0xff];

    /// Begins a row; what is appended to the result until [`BlockRows::end`] is its data.
    pub(crate) fn begin(&mut self, start_ms: i64, flush_id: i32, series_id: i32) -> &mut Vec<u8> {
        let out = &mut self.bytes;
        out.extend_from_slice(&4i16.to_be_bytes());
        out.extend_from_slice(&8i32.to_be_bytes());
        out.extend_from_slice(&(start_ms * 1000 - POSTGRES_EPOCH_US).to_be_bytes());
        out.extend_from_slice(&4i32.to_be_bytes());
        out.extend_from_slice(&flush_id.to_be_bytes());
        out.extend_from_slice(&4i32.to_be_bytes());
        out.extend_from_slice(&series_id.to_be_bytes());
        self.length_at = out.len();
        out.extend_from_slice(&[0; 4]);
        out
    }

    /// Ends a row.
    pub(crate) fn end(&mut self) {
        let length = i32::try_from(self.bytes.len() - self.length_at - 4).unwrap_or(i32::MAX);
        if let Some(place) = self.bytes.get_mut(self.length_at..self.length_at + 4) {
            place.copy_from_slice(&length.to_be_bytes());
        }
    }
}
