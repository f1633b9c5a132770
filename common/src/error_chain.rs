//! Prints an error with all that caused it, once, at the boundary of the program.

use std::error::Error;
use std::fmt;

/// Displays `error: source: source of the source …` on one line.
pub struct ErrorChain<'a>(pub &'a (dyn Error + 'a));

impl fmt::Display for ErrorChain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)?;
        let mut source = self.0.source();
        while let Some(cause) = source {
            write!(f, ": {cause}")?;
            source = cause.source();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("read /proc/stat")]
    struct Outer(#[source] std::io::Error);

    #[test]
    fn names_every_cause_once() {
        let e = Outer(std::io::Error::other("no such file"));
        assert_eq!(ErrorChain(&e).to_string(), "read /proc/stat: no such file");
    }
}
