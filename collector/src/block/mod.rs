//! Blocks: samples of one series, encoded.
