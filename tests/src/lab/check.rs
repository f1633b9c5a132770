//! What was compared, and what differs.

use std::fmt;

/// One value, as the agent and as a tool has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// Which value.
    pub what: String,
    /// The agent's.
    pub ours: String,
    /// The tool's.
    pub theirs: String,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: the agent says {}, the tool {}", self.what, self.ours, self.theirs)
    }
}

/// All that was compared in one snapshot.
#[derive(Clone, Debug, Default)]
pub struct Checks {
    /// Number of values compared.
    pub compared: usize,
    /// Those that differ.
    pub differences: Vec<Difference>,
}

impl Checks {
    /// Compares two values as text; `None` is a value that is not there.
    pub fn same<A: ToString, B: ToString>(&mut self, what: &str, ours: Option<A>, theirs: Option<B>) {
        const NONE: &str = "nothing";
        self.compared += 1;
        let ours = ours.map_or_else(|| NONE.to_owned(), |value| value.to_string());
        let theirs = theirs.map_or_else(|| NONE.to_owned(), |value| value.to_string());
        if ours != theirs {
            self.differences.push(Difference { what: what.to_owned(), ours, theirs });
        }
    }

    /// Compares two numbers that may have moved between the looks.
    pub fn near(&mut self, what: &str, ours: Option<f64>, theirs: f64, tolerance: f64) {
        self.compared += 1;
        if ours.is_none_or(|ours| (ours - theirs).abs() > tolerance) {
            let ours = ours.map_or_else(|| "nothing".to_owned(), |value| value.to_string());
            self.differences.push(Difference { what: what.to_owned(), ours, theirs: theirs.to_string() });
        }
    }
}
