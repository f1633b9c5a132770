//! What the handlers share.

use std::sync::Arc;

use super::problem::Problem;

/// What the handlers share; cheap to clone.
#[derive(Clone)]
pub struct App(#[expect(dead_code, reason = "filled with the store")] Arc<Shared>);

struct Shared {}

impl App {
    /// Not built yet.
    pub fn pending(&self) -> Problem {
        Problem::unavailable("not built yet")
    }
}
