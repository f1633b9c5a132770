//! The registry: every source the agent has, one row each.

use crate::source::SourceDef;

/// All sources, in the order in which they are listed.
pub const SOURCES: &[&SourceDef] = &[];
