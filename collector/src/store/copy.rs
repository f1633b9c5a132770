//! Rows for PostgreSQL's binary COPY (PostgreSQL manual, COPY, "Binary Format").

use sqlx::PgConnection;

use super::hours::Fields;
use crate::model::SeriesId;

/// Microseconds from 1970-01-01 to 2000-01-01, where PostgreSQL counts from.
const POSTGRES_EPOCH_US: i64 = 946_684_800_000_000;

/// Rows on their way to the server. The first chunk of a stream begins with [`CopyRows::HEADER`], the last ends with
/// [`CopyRows::TRAILER`].
#[derive(Default)]
pub(crate) struct CopyRows {
    pub(crate) bytes: Vec<u8>,
}

impl CopyRows {
    pub(crate) const HEADER: &'static [u8] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";
    pub(crate) const TRAILER: &'static [u8] = &[0xff, 0xff];

    /// A row of `sample_block`.
    pub(crate) fn block(&mut self, start_ms: i64, flush_id: i32, bundle: i32, data: &[u8]) {
        self.row(4);
        self.timestamp(start_ms);
        self.int4(flush_id);
        self.int4(bundle);
        self.field(data);
    }

    /// A row of `sample_hour`.
    pub(super) fn hour(&mut self, hour_ms: i64, id: SeriesId, fields: &Fields) {
        self.row(8);
        self.timestamp(hour_ms);
        self.int4(id);
        self.int4(fields.count);
        self.float8(Some(fields.last));
        for value in [fields.min, fields.max, fields.sum, fields.increase] {
            self.float8(value);
        }
    }

    /// Writes the rows into a table, named with its columns; nothing when there are none.
    pub(super) async fn write(
        self,
        connection: &mut PgConnection,
        table: &'static str,
    ) -> Result<(), sqlx::Error> {
        if self.bytes.is_empty() {
            return Ok(());
        }
        let statement = format!("COPY {table} FROM STDIN (FORMAT BINARY)");
        let mut copy = connection.copy_in_raw(&statement).await?;
        copy.send(Self::HEADER).await?;
        copy.send(self.bytes).await?;
        copy.send(Self::TRAILER).await?;
        copy.finish().await?;
        Ok(())
    }

    fn row(&mut self, fields: i16) {
        self.bytes.extend_from_slice(&fields.to_be_bytes());
    }

    fn field(&mut self, bytes: &[u8]) {
        let length = i32::try_from(bytes.len()).unwrap_or(i32::MAX);
        self.bytes.extend_from_slice(&length.to_be_bytes());
        self.bytes.extend_from_slice(bytes);
    }

    fn timestamp(&mut self, unix_ms: i64) {
        self.field(&(unix_ms * 1000 - POSTGRES_EPOCH_US).to_be_bytes());
    }

    fn int4(&mut self, value: i32) {
        self.field(&value.to_be_bytes());
    }

    fn float8(&mut self, value: Option<f64>) {
        match value {
            Some(value) => self.field(&value.to_be_bytes()),
            None => self.bytes.extend_from_slice(&(-1i32).to_be_bytes()),
        }
    }
}
