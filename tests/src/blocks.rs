//! Reads the blocks of the database as they are, past every reader that could hide a double.

use anyhow::Result;

use crate::oracle::Samples;

/// Every sample in every block.
///
/// # Errors
/// The database does not answer; a block cannot be decoded.
pub async fn read(_url: &str) -> Result<Samples> {
    anyhow::bail!("no blocks yet")
}
