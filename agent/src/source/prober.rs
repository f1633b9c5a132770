//! Asks things that may hang (a filesystem of a dead NFS server, a dying disk) on threads of its own, because a system call
//! cannot be called back.
//!
//! As long as all answer, one thread asks them in turn. When it makes no progress for a while, another takes the rest of the
//! queue over. What has not answered after the timeout is stalled; its thread stays with it, and it is not asked again before
//! that thread has come back. At most [`THREADS_MAX`] threads exist; when all hang, the rest is not asked.

use std::collections::{HashMap, VecDeque};
use std::hash::Hash;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// Most threads, those that hang included.
pub const THREADS_MAX: usize = 16;
/// The threads make system calls and parse flat answers.
const STACK_BYTES: usize = 128 << 10;

/// What became of a question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply<A> {
    /// It answered.
    Answer(A),
    /// It has not answered in time, this time or an earlier one.
    Stalled,
    /// Every thread hangs with another one.
    NotAsked,
}

/// How a prober waits, and what its threads are called.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// Name of the threads, of at most 15 bytes.
    pub name: &'static str,
    /// Time without an answer after which another thread goes on with the queue.
    pub hedge: Duration,
    /// How long answers are waited for.
    pub timeout: Duration,
}

/// Asks each thing of type `Q` for its answer of type `A`.
pub struct Prober<Q, A> {
    shared: Arc<Shared<Q, A>>,
    patience: Patience,
}

struct Shared<Q, A> {
    state: Mutex<State<Q, A>>,
    /// There is something in the queue.
    work: Condvar,
    /// There is nothing in the queue any more, or an answer came late.
    answers: Condvar,
    ask: Box<dyn Fn(&Q) -> A + Send + Sync>,
}

struct State<Q, A> {
    queue: VecDeque<Q>,
    running: Vec<Q>,
    answers: HashMap<Q, Reply<A>>,
    /// Running when [`Prober::poll`] looked last.
    seen_running: Vec<Q>,
    threads: usize,
    idle: usize,
    closed: bool,
}

impl<Q, A> Shared<Q, A>
where
    Q: Clone + Eq + Hash,
{
    fn lock(&self) -> MutexGuard<'_, State<Q, A>> {
        // The state is consistent between any two statements; a panic elsewhere changes nothing about that.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A thread's life: takes from the queue; one of them waits for more, the others end.
    fn serve(&self) {
        let mut state = self.lock();
        while !state.closed {
            if let Some(what) = state.queue.pop_front() {
                state.running.push(what.clone());
                drop(state);
                let answer = (self.ask)(&what);
                state = self.lock();
                state.running.retain(|running| *running != what);
                state.answers.insert(what, Reply::Answer(answer));
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

impl<Q, A> Prober<Q, A>
where
    Q: Clone + Eq + Hash + Send + 'static,
    A: Send + 'static,
{
    /// Asks with `ask`.
    pub fn new(patience: Patience, ask: impl Fn(&Q) -> A + Send + Sync + 'static) -> Self {
        let state = State {
            queue: VecDeque::new(),
            running: Vec::new(),
            answers: HashMap::new(),
            seen_running: Vec::new(),
            threads: 0,
            idle: 0,
            closed: false,
        };
        let shared = Shared {
            state: Mutex::new(state),
            work: Condvar::new(),
            answers: Condvar::new(),
            ask: Box::new(ask),
        };
        Self { shared: Arc::new(shared), patience }
    }

    /// Asks all of them; each has its answer. Returns after the timeout at the latest.
    pub fn ask(&self, all: Vec<Q>) -> HashMap<Q, Reply<A>> {
        let deadline = Instant::now() + self.patience.timeout;
        let mut state = self.shared.lock();
        // An answer that came after its deadline is out of date: that one is asked anew.
        state.answers.clear();
        for what in &all {
            if !state.running.contains(what) && !state.queue.contains(what) {
                state.queue.push_back(what.clone());
            }
        }
        let stalled = state.running.clone();
        let is_stalled = |what: &Q| stalled.contains(what);
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
            let waited = self.shared.answers.wait_timeout(state, left.min(self.patience.hedge));
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
            let stuck = state.answers.len() == answered && !state.queue.is_empty();
            if stuck && !self.add_thread(&mut state) && state.running.iter().all(is_stalled) {
                break;
            }
        }
        let not_asked = std::mem::take(&mut state.queue);
        let mut answers = std::mem::take(&mut state.answers);
        drop(state);
        for what in all {
            let silent = if not_asked.contains(&what) { Reply::NotAsked } else { Reply::Stalled };
            answers.entry(what).or_insert(silent);
        }
        answers
    }

    /// For things that are known to be slow: waits for none. Gives the answers that came since the last call, and asks again
    /// all that are not being asked yet. One thread goes through them; what it still asked at two calls in a row leaves the
    /// rest to another. Not to be mixed with [`Prober::ask`], which drops answers that come late.
    pub fn poll(&self, all: Vec<Q>) -> HashMap<Q, Reply<A>> {
        let mut state = self.shared.lock();
        let came = std::mem::take(&mut state.answers);
        let stuck = state.running.iter().all(|what| state.seen_running.contains(what));
        state.seen_running = state.running.clone();
        state.queue.retain(|what| all.contains(what));
        for what in &all {
            if !state.running.contains(what) && !state.queue.contains(what) {
                state.queue.push_back(what.clone());
            }
        }
        if state.idle > 0 {
            self.shared.work.notify_one();
        } else if stuck && !state.queue.is_empty() {
            self.add_thread(&mut state);
        }
        let mut answers: HashMap<Q, Reply<A>> = all.into_iter().map(|what| (what, Reply::Stalled)).collect();
        for (what, answer) in came {
            answers.entry(what).and_modify(|reply| *reply = answer);
        }
        answers
    }

    /// Starts a thread unless there are enough; whether it did.
    fn add_thread(&self, state: &mut State<Q, A>) -> bool {
        if state.threads >= THREADS_MAX {
            return false;
        }
        let shared = Arc::clone(&self.shared);
        let builder = thread::Builder::new().name(self.patience.name.to_owned()).stack_size(STACK_BYTES);
        let started = builder.spawn(move || shared.serve()).is_ok();
        state.threads += usize::from(started);
        started
    }
}

impl<Q, A> Drop for Prober<Q, A> {
    fn drop(&mut self) {
        let mut state = self.shared.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.closed = true;
        drop(state);
        self.shared.work.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::{Path, PathBuf};
    use std::sync::mpsc;

    type Answer = Reply<Result<u64, String>>;
    type Paths = Prober<PathBuf, Result<u64, String>>;

    const USAGE: Answer = Reply::Answer(Ok(1));
    /// Far longer than any of these tests waits when the code is right.
    const PATIENT: Duration = Duration::from_secs(60);

    /// A prober for which paths that begin with `/hang` hang until the sender speaks or goes.
    fn prober(timeout: Duration) -> (Paths, mpsc::Sender<()>, Arc<Mutex<Vec<PathBuf>>>) {
        let (release, hold) = mpsc::channel::<()>();
        let hold = Mutex::new(hold);
        let asked = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&asked);
        let patience = Patience { name: "probe", hedge: Duration::from_millis(50), timeout };
        let prober = Prober::new(patience, move |path: &PathBuf| {
            log.lock().unwrap().push(path.to_owned());
            if path.starts_with("/hang") {
                let _ = hold.lock().unwrap().recv();
            }
            if path.starts_with("/bad") { Err("permission denied".to_owned()) } else { Ok(1) }
        });
        (prober, release, asked)
    }

    fn paths(names: &[&str]) -> Vec<PathBuf> {
        names.iter().map(PathBuf::from).collect()
    }

    fn threads(prober: &Paths) -> (usize, usize) {
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
            assert_eq!(answers[Path::new("/a")], USAGE);
            assert_eq!(answers[Path::new("/bad")], Reply::Answer(Err("permission denied".to_owned())));
        }
        assert_eq!(asked.lock().unwrap().len(), 9, "each once per pass");
        wait_until(|| prober.shared.lock().idle == 1 && threads(&prober) == (1, 0));
    }

    #[test]
    fn one_that_hangs_is_stalled_asked_once_and_comes_back() {
        let (prober, release, asked) = prober(Duration::from_secs(2));
        let all = paths(&["/a", "/hang", "/b", "/c"]);
        let answers = prober.ask(all.clone());
        assert_eq!(answers[Path::new("/hang")], Reply::Stalled);
        assert!(["/a", "/b", "/c"].iter().all(|path| answers[Path::new(path)] == USAGE));

        let start = Instant::now();
        let answers = prober.ask(all.clone());
        assert_eq!(answers[Path::new("/hang")], Reply::Stalled);
        assert_eq!(answers[Path::new("/b")], USAGE);
        assert!(start.elapsed() < prober.patience.timeout, "a known hang is not waited for");
        let hangs = || asked.lock().unwrap().iter().filter(|path| path.starts_with("/hang")).count();
        assert_eq!(hangs(), 1);
        assert_eq!(threads(&prober).1, 1, "one thread hangs, no second one");

        release.send(()).unwrap();
        wait_until(|| threads(&prober).1 == 0);
        release.send(()).unwrap();
        assert_eq!(prober.ask(all)[Path::new("/hang")], USAGE);
        assert_eq!(hangs(), 2);
        wait_until(|| threads(&prober).0 == 1);
    }

    #[test]
    fn a_poll_waits_for_nothing_and_takes_what_came() {
        let (prober, release, asked) = prober(PATIENT);
        let all = paths(&["/hang", "/a"]);
        assert!(prober.poll(all.clone()).values().all(|reply| *reply == Reply::Stalled), "nothing came yet");
        wait_until(|| threads(&prober).1 == 1);
        prober.poll(all.clone());
        assert_eq!(threads(&prober).0, 1, "one thread as long as it may be only slow");
        prober.poll(all.clone());
        assert_eq!(threads(&prober).0, 2, "another one for the rest");
        wait_until(|| prober.shared.lock().answers.contains_key(Path::new("/a")));
        let answers = prober.poll(all.clone());
        assert_eq!((&answers[Path::new("/a")], &answers[Path::new("/hang")]), (&USAGE, &Reply::Stalled));
        release.send(()).unwrap();
        wait_until(|| prober.shared.lock().answers.contains_key(Path::new("/hang")));
        drop(release);
        assert_eq!(prober.poll(all)[Path::new("/hang")], USAGE, "an answer that came late counts");
        assert!(asked.lock().unwrap().iter().filter(|path| path.starts_with("/hang")).count() <= 2);
    }

    #[test]
    fn threads_are_bounded_and_the_rest_is_not_asked() {
        let (prober, release, _) = prober(Duration::from_secs(3));
        let names: Vec<String> = (0..THREADS_MAX + 4).map(|n| format!("/hang/{n}")).collect();
        let all: Vec<PathBuf> = names.iter().map(PathBuf::from).collect();
        let answers = prober.ask(all);
        let count = |wanted: Answer| answers.values().filter(|answer| **answer == wanted).count();
        assert_eq!((count(Reply::Stalled), count(Reply::NotAsked)), (THREADS_MAX, 4));
        assert_eq!(threads(&prober), (THREADS_MAX, THREADS_MAX));

        let start = Instant::now();
        assert_eq!(prober.ask(paths(&["/a"]))[Path::new("/a")], Reply::NotAsked);
        assert!(start.elapsed() < prober.patience.timeout, "nothing to wait for");
        drop(release);
        wait_until(|| threads(&prober).1 == 0);
        assert_eq!(prober.ask(paths(&["/a"]))[Path::new("/a")], USAGE);
    }
}
