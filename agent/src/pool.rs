//! Threads that run what may block: one as long as it keeps up, more only while one is stuck.
//!
//! Sources are quick, so one thread reads them all, which costs less memory and fewer wake-ups than a thread each. A job
//! that has waited [`PATIENCE`] without being started wakes or brings another; threads beyond the first end when idle.
//! There are at most as many threads as jobs can hang, so that no job ever waits for a hung one.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use tokio::sync::oneshot;

/// How long a job waits for a thread before another one is started.
const PATIENCE: Duration = Duration::from_millis(20);
/// How long a thread beyond the first stays without work: less than the usual interval, or every tick would keep it.
const IDLE: Duration = Duration::from_secs(5);
/// Stack of a thread, in bytes: sources parse flat files.
const STACK_BYTES: usize = 256 << 10;

type Job = Box<dyn FnOnce() + Send>;

/// The job panicked; the text is what it said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Panicked(pub String);

/// A pool of threads for blocking work.
#[derive(Clone)]
pub struct Pool {
    inner: Arc<Inner>,
}

struct Inner {
    state: Mutex<State>,
    wake: Condvar,
    workers_max: usize,
}

#[derive(Default)]
struct State {
    queue: VecDeque<Job>,
    workers: usize,
    idle: usize,
}

impl Pool {
    /// A pool of at most `workers_max` threads; none is started yet.
    pub fn new(workers_max: usize) -> Self {
        let inner = Inner { state: Mutex::default(), wake: Condvar::new(), workers_max };
        Self { inner: Arc::new(inner) }
    }

    /// Runs a job on a thread. Dropping the future does not stop it.
    ///
    /// # Errors
    /// The job panicked.
    pub async fn run<T: Send + 'static>(
        &self,
        job: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Panicked> {
        let (tell, mut done) = oneshot::channel();
        let started = Arc::new(AtomicBool::new(false));
        let flag = Arc::clone(&started);
        self.submit(Box::new(move || {
            flag.store(true, Ordering::Relaxed);
            let result =
                catch_unwind(AssertUnwindSafe(job)).map_err(|payload| Panicked(panic_text(&*payload)));
            // Nobody listens any more when the sampler has stopped.
            let _ = tell.send(result);
        }));
        loop {
            let patience = tokio::time::sleep(PATIENCE);
            tokio::select! {
                result = &mut done => {
                    return result.unwrap_or_else(|_| Err(Panicked("thread ended".to_owned())));
                }
                () = patience, if !started.load(Ordering::Relaxed) => self.grow(),
            }
        }
    }

    /// Number of threads, for tests and metrics.
    pub fn workers(&self) -> usize {
        self.inner.lock().workers
    }

    fn submit(&self, job: Job) {
        let mut state = self.inner.lock();
        state.queue.push_back(job);
        if state.workers == 0 {
            self.spawn(&mut state);
        } else if state.idle == state.workers {
            // Otherwise the one that works takes this job as well, or patience runs out.
            self.inner.wake.notify_one();
        }
    }

    fn grow(&self) {
        let mut state = self.inner.lock();
        if state.queue.is_empty() {
            return;
        }
        if state.idle > 0 {
            self.inner.wake.notify_one();
        } else {
            self.spawn(&mut state);
        }
    }

    fn spawn(&self, state: &mut State) {
        if state.workers >= self.inner.workers_max {
            return;
        }
        let inner = Arc::clone(&self.inner);
        let builder = thread::Builder::new().name("reader".to_owned()).stack_size(STACK_BYTES);
        match builder.spawn(move || inner.work()) {
            Ok(_) => state.workers += 1,
            // The job stays queued; the next look after PATIENCE tries again.
            Err(error) => tracing::warn!(%error, "cannot start a thread"),
        }
    }
}

impl Inner {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn work(&self) {
        let mut state = self.lock();
        loop {
            if let Some(job) = state.queue.pop_front() {
                drop(state);
                job();
                state = self.lock();
                continue;
            }
            state.idle += 1;
            if state.workers == 1 {
                state = self.wake.wait(state).unwrap_or_else(PoisonError::into_inner);
                state.idle -= 1;
                continue;
            }
            let (guard, waited) = self.wake.wait_timeout(state, IDLE).unwrap_or_else(PoisonError::into_inner);
            state = guard;
            state.idle -= 1;
            if waited.timed_out() && state.queue.is_empty() && state.workers > 1 {
                state.workers -= 1;
                return;
            }
        }
    }
}

fn panic_text(payload: &(dyn std::any::Any + Send)) -> String {
    let text = payload.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| payload.downcast_ref::<String>().cloned()).unwrap_or_else(|| "panicked".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;

    #[tokio::test]
    async fn a_hung_job_holds_up_no_other() {
        let pool = Pool::new(3);
        let (release, hang) = mpsc::channel::<()>();
        let (begun, begins) = oneshot::channel();
        let hung = {
            let pool = pool.clone();
            let job = move || {
                let _ = begun.send(());
                hang.recv()
            };
            tokio::spawn(async move { pool.run(job).await })
        };
        begins.await.unwrap();
        for expected in 0..5 {
            assert_eq!(pool.run(move || expected).await, Ok(expected));
        }
        assert!(!hung.is_finished());
        assert!((2..=3).contains(&pool.workers()), "one stuck, another working");
        release.send(()).unwrap();
        assert!(hung.await.unwrap().is_ok());
    }

    #[tokio::test]
    async fn a_panic_is_told_and_the_thread_goes_on() {
        let pool = Pool::new(1);
        let result = pool.run(|| -> () { panic!("broken {}", 7) }).await;
        assert_eq!(result, Err(Panicked("broken 7".to_owned())));
        assert_eq!(pool.run(|| 1).await, Ok(1));
        assert_eq!(pool.workers(), 1);
    }
}
