//! Asks filesystems for their space on threads of its own, because one that hangs (a dead NFS server, a stuck FUSE daemon)
//! cannot be called back.
//!
//! As long as all answer, one thread asks them in turn. When it makes no progress for [`HEDGE`], another takes the rest of
//! the queue over. What has not answered after the timeout is stalled; its thread stays with it, and it is not asked
//! again before that thread has come back. At most [`THREADS_MAX`] threads exist; when all hang, the rest is not asked.

use std::collections::{HashMap, VecDeque};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crate::sys::statfs::Usage;

/// Most threads, those that hang included.
pub(super) const THREADS_MAX: usize = 16;
/// Time without an answer after which another thread goes on with the queue.
const HEDGE: Duration = Duration::from_millis(50);
/// The threads call one system call and push a result.
const STACK_BYTES: usize = 128 << 10;

/// What became of a question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// The filesystem's space.
    Usage(Usage),
    /// The system's error, in lower case without its number.
    Failed(String),
    /// It has not answered in time, this time or an earlier one.
    Stalled,
    /// Every thread hangs with another filesystem.
    NotAsked,
}

/// Asks filesystems.
pub(super) struct Prober {
    shared: Arc<Shared>,
    timeout: Duration,
}

type Ask = dyn Fn(&Path) -> io::Result<Usage> + Send + Sync;

struct Shared {
    state: Mutex<State>,
    /// There is something in the queue.
    work: Condvar,
    /// There is nothing in the queue any more, or an answer came late.
    answers: Condvar,
    ask: Box<Ask>,
}

#[derive(Default)]
struct State {
    queue: VecDeque<PathBuf>,
    running: Vec<PathBuf>,
    answers: HashMap<PathBuf, Answer>,
    threads: usize,
    idle: usize,
    closed: bool,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        // The state is consistent between any two statements; a panic elsewhere changes nothing about that.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A thread's life: takes from the queue; one of them waits for more, the others end.
    fn serve(&self) {
        let mut state = self.lock();
        while !state.closed {
            if let Some(path) = state.queue.pop_front() {
                state.running.push(path.clone());
                drop(state);
                let answer =
                    (self.ask)(&path).map_or_else(|error| Answer::Failed(words(&error)), Answer::Usage);
                state = self.lock();
                state.running.retain(|running| *running != path);
                state.answers.insert(path, answer);
                if state.queue.is_empty() {
                    self.answers.notify_all();
                }
            } else if state.idle == 0 {
                state.idle += 1;
                state = self.work.wait(state).unwrap_or_else(PoisonError::into_inner);
                state.idle -= 1;
            } else {
                break;
            }
        }
        state.threads -= 1;
    }
}

impl Prober {
    /// Asks with `ask`, and waits `timeout` for answers.
    pub(super) fn new(
        timeout: Duration,
        ask: impl Fn(&Path) -> io::Result<Usage> + Send + Sync + 'static,
    ) -> Self {
        let shared = Shared {
            state: Mutex::default(),
            work: Condvar::new(),
            answers: Condvar::new(),
            ask: Box::new(ask),
        };
        Self { shared: Arc::new(shared), timeout }
    }

    /// Asks all of them; every path has its answer. Returns after the timeout at the latest.
    pub(super) fn ask(&self, paths: Vec<PathBuf>) -> HashMap<PathBuf, Answer> {
        let deadline = Instant::now() + self.timeout;
        let mut state = self.shared.lock();
        // An answer that came after its deadline is out of date: that filesystem is asked anew.
        state.answers.clear();
        for path in &paths {
            if !state.running.contains(path) && !state.queue.contains(path) {
                state.queue.push_back(path.clone());
            }
        }
        let stalled = state.running.clone();
        let is_stalled = |path: &PathBuf| stalled.contains(path);
        if state.idle > 0 {
            self.shared.work.notify_one();
        } else if !state.queue.is_empty() {
            self.add_thread(&mut state);
        }
        while !state.queue.is_empty() || !state.running.iter().all(is_stalled) {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            let answered = state.answers.len();
            let waited = self.shared.answers.wait_timeout(state, left.min(HEDGE));
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
            let stuck = state.answers.len() == answered && !state.queue.is_empty();
            if stuck && !self.add_thread(&mut state) && state.running.iter().all(is_stalled) {
                break;
            }
        }
        let not_asked = std::mem::take(&mut state.queue);
        let mut answers = std::mem::take(&mut state.answers);
        drop(state);
        for path in paths {
            let silent = if not_asked.contains(&path) { Answer::NotAsked } else { Answer::Stalled };
            answers.entry(path).or_insert(silent);
        }
        answers
    }

    /// Starts a thread unless there are enough; whether it did.
    fn add_thread(&self, state: &mut State) -> bool {
        if state.threads >= THREADS_MAX {
            return false;
        }
        let shared = Arc::clone(&self.shared);
        let builder = thread::Builder::new().name("statfs".to_owned()).stack_size(STACK_BYTES);
        let started = builder.spawn(move || shared.serve()).is_ok();
        state.threads += usize::from(started);
        started
    }
}

impl Drop for Prober {
    fn drop(&mut self) {
        self.shared.lock().closed = true;
        self.shared.work.notify_all();
    }
}

/// An error in the words of node_exporter: `permission denied`, without the number.
fn words(error: &io::Error) -> String {
    let text = error.to_string();
    let text = text.split(" (os error").next().unwrap_or_default();
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_lowercase().chain(chars).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;

    const USAGE: Usage =
        Usage { size_bytes: 1, free_bytes: 1, avail_bytes: 1, files: 0, files_free: 0, in_memory: false };
    /// Far longer than any of these tests waits when the code is right.
    const PATIENT: Duration = Duration::from_secs(60);

    /// A prober for which paths that begin with `/hang` hang until the sender speaks or goes.
    fn prober(timeout: Duration) -> (Prober, mpsc::Sender<()>, Arc<Mutex<Vec<PathBuf>>>) {
        let (release, hold) = mpsc::channel::<()>();
        let hold = Mutex::new(hold);
        let asked = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&asked);
        let prober = Prober::new(timeout, move |path| {
            log.lock().unwrap().push(path.to_owned());
            if path.starts_with("/hang") {
                let _ = hold.lock().unwrap().recv();
            }
            if path.starts_with("/bad") { Err(io::Error::from_raw_os_error(libc::EACCES)) } else { Ok(USAGE) }
        });
        (prober, release, asked)
    }

    fn paths(names: &[&str]) -> Vec<PathBuf> {
        names.iter().map(PathBuf::from).collect()
    }

    fn threads(prober: &Prober) -> (usize, usize) {
        let state = prober.shared.lock();
        (state.threads, state.running.len())
    }

    fn wait_until(condition: impl Fn() -> bool) {
        let deadline = Instant::now() + PATIENT;
        while !condition() {
            assert!(Instant::now() < deadline, "never came true");
            thread::yield_now();
        }
    }

    #[test]
    fn all_are_asked_by_one_thread_that_stays() {
        let (prober, _release, asked) = prober(PATIENT);
        for _ in 0..3 {
            let answers = prober.ask(paths(&["/a", "/bad", "/a", "/b"]));
            assert_eq!(answers.len(), 3);
            assert_eq!(answers[Path::new("/a")], Answer::Usage(USAGE));
            assert_eq!(answers[Path::new("/bad")], Answer::Failed("permission denied".to_owned()));
        }
        assert_eq!(asked.lock().unwrap().len(), 9, "each once per pass");
        wait_until(|| prober.shared.lock().idle == 1 && threads(&prober) == (1, 0));
    }

    #[test]
    fn one_that_hangs_is_stalled_asked_once_and_comes_back() {
        let (prober, release, asked) = prober(Duration::from_secs(2));
        let all = paths(&["/a", "/hang", "/b", "/c"]);
        let answers = prober.ask(all.clone());
        assert_eq!(answers[Path::new("/hang")], Answer::Stalled);
        assert!(["/a", "/b", "/c"].iter().all(|path| answers[Path::new(path)] == Answer::Usage(USAGE)));

        let start = Instant::now();
        let answers = prober.ask(all.clone());
        assert_eq!(answers[Path::new("/hang")], Answer::Stalled);
        assert_eq!(answers[Path::new("/b")], Answer::Usage(USAGE));
        assert!(start.elapsed() < prober.timeout, "a known hang is not waited for");
        let hangs = || asked.lock().unwrap().iter().filter(|path| path.starts_with("/hang")).count();
        assert_eq!(hangs(), 1);
        assert_eq!(threads(&prober).1, 1, "one thread hangs, no second one");

        release.send(()).unwrap();
        wait_until(|| threads(&prober).1 == 0);
        release.send(()).unwrap();
        assert_eq!(prober.ask(all)[Path::new("/hang")], Answer::Usage(USAGE));
        assert_eq!(hangs(), 2);
        wait_until(|| threads(&prober).0 == 1);
    }

    #[test]
    fn threads_are_bounded_and_the_rest_is_not_asked() {
        let (prober, release, _) = prober(Duration::from_secs(3));
        let names: Vec<String> = (0..THREADS_MAX + 4).map(|n| format!("/hang/{n}")).collect();
        let all: Vec<PathBuf> = names.iter().map(PathBuf::from).collect();
        let answers = prober.ask(all);
        let count = |wanted: Answer| answers.values().filter(|answer| **answer == wanted).count();
        assert_eq!((count(Answer::Stalled), count(Answer::NotAsked)), (THREADS_MAX, 4));
        assert_eq!(threads(&prober), (THREADS_MAX, THREADS_MAX));

        let start = Instant::now();
        assert_eq!(prober.ask(paths(&["/a"]))[Path::new("/a")], Answer::NotAsked);
        assert!(start.elapsed() < prober.timeout, "nothing to wait for");
        drop(release);
        wait_until(|| threads(&prober).1 == 0);
        assert_eq!(prober.ask(paths(&["/a"]))[Path::new("/a")], Answer::Usage(USAGE));
    }
}
