//! Rings at a pace, from a thread that lives only as long as it has to.

use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use crate::source::Bell;

/// The thread does nothing but wait.
const STACK_BYTES: usize = 64 << 10;

/// A bell, and how often it rings while it is to.
#[derive(Debug)]
pub(super) struct Pace {
    bell: Bell,
    period: Duration,
    /// Dropped, it ends the thread.
    running: Option<mpsc::Sender<()>>,
}

impl Pace {
    /// Silent at first.
    pub(super) fn new(period: Duration) -> Self {
        Self { bell: Bell::default(), period, running: None }
    }

    /// What rings.
    pub(super) fn bell(&self) -> Bell {
        self.bell.clone()
    }

    /// Rings each period from now on, or no more.
    pub(super) fn set(&mut self, ringing: bool) {
        match ringing {
            false => self.running = None,
            true if self.running.is_some() => {}
            true => {
                let (running, ended) = mpsc::channel::<()>();
                let (bell, period) = (self.bell.clone(), self.period);
                let ring = move || {
                    while ended.recv_timeout(period) == Err(RecvTimeoutError::Timeout) {
                        bell.ring();
                    }
                };
                let builder = thread::Builder::new().name("ups-pace".to_owned()).stack_size(STACK_BYTES);
                // Without a thread the next tick tries again.
                self.running = builder.spawn(ring).ok().map(|_| running);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn it_rings_until_told_otherwise() {
        let mut pace = Pace::new(Duration::from_millis(5));
        let bell = pace.bell();
        pace.set(true);
        pace.set(true);
        for _ in 0..3 {
            tokio::time::timeout(Duration::from_secs(60), bell.rung()).await.unwrap();
        }
        pace.set(false);
        assert!(pace.running.is_none());
    }
}
