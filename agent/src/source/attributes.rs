//! Reads attributes below `/sys` whose drivers may take their time: some sleep for seconds until the hardware has measured, a
//! bus that hangs never answers. Attributes are asked in groups (those of one sensor) on threads of their own; a group that
//! hangs costs the others nothing. One that was slow is remembered, and not waited for: its answer is taken when it comes.

use std::collections::HashMap;
use std::hash::{Hash, Hasher};
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use rustix::io::Errno;

use super::SourceError;
use super::prober::{Patience, Prober, Reply};
use crate::host::{At, HostRoot, Scratch};

/// What takes longer than this is not waited for at the next run.
const SLOW: Duration = Duration::from_millis(250);
/// Time without an answer after which another thread goes on with the groups that are left.
const HEDGE: Duration = Duration::from_millis(200);
/// Runs that a slow group may take for an answer before it counts as stalled.
const RUNS_MAX: u32 = 4;

/// `ENOTSUPP` of the kernel, which is no error of any C library: what some drivers answer to what they do not measure.
const ENOTSUPP: i32 = 524;

/// Longest text taken, in bytes: no number and no name is longer.
const TEXT_BYTES_MAX: usize = 512;

/// Attributes that are read together, one after the other.
#[derive(Debug)]
pub struct Group {
    /// Which one it is; equal groups are never read twice at a time.
    pub key: String,
    /// Paths below `/sys`.
    pub paths: Vec<String>,
}

/// What an attribute says.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Its text, without the space around it.
    Text(String),
    /// It is not there (any more), or the driver has nothing to say just now: not measured yet, switched off, not connected.
    Silent,
    /// It could not be read: the chip or its bus fails.
    Failed(String),
}

impl Value {
    /// The number that it is.
    pub fn number(&self) -> Option<f64> {
        match self {
            Self::Text(text) => text.parse().ok().filter(|number: &f64| number.is_finite()),
            Self::Silent | Self::Failed(_) => None,
        }
    }
}

/// What became of a group.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// Path and value of each attribute.
    Values(Vec<(String, Value)>),
    /// It is slow; its answer comes with a later run.
    Waiting,
    /// It hangs.
    Stalled,
}

/// Reads groups of attributes.
pub struct Reader {
    quick: Prober<Job, Values>,
    slow: Prober<Job, Values>,
    memory: Arc<Mutex<Memory>>,
    /// The host as the first run had it: threads may outlive a run.
    host: OnceLock<Arc<HostRoot>>,
}

/// Groups that were slow, and for how many runs each has not answered.
type Memory = HashMap<String, u32>;

type Values = Vec<(String, Value)>;

/// A group and where it is; known by the group's key.
#[derive(Clone)]
struct Job {
    host: Arc<HostRoot>,
    group: Arc<Group>,
}

impl PartialEq for Job {
    fn eq(&self, other: &Self) -> bool {
        self.group.key == other.group.key
    }
}

impl Eq for Job {}

impl Hash for Job {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.group.key.hash(state);
    }
}

impl Reader {
    /// `name` is that of the threads, of at most 15 bytes; `timeout` how long all groups together are waited for.
    pub fn new(name: &'static str, timeout: Duration) -> Self {
        Self::with_slow(name, timeout, SLOW)
    }

    /// With another time from which on a group counts as slow.
    pub(crate) fn with_slow(name: &'static str, timeout: Duration, slow: Duration) -> Self {
        let memory: Arc<Mutex<Memory>> = Arc::default();
        let prober = || {
            let memory = Arc::clone(&memory);
            let patience = Patience { name, hedge: HEDGE, timeout };
            Prober::new(patience, move |job: &Job| {
                let start = Instant::now();
                let mut scratch = Scratch::default();
                let read = |path: &String| {
                    let text = job.host.text(&mut scratch, At::Sys, path);
                    (path.clone(), text.map_or_else(|error| failure(&error), value))
                };
                let values = job.group.paths.iter().map(read).collect();
                match start.elapsed() {
                    took if took > slow => drop(lock(&memory).insert(job.group.key.clone(), 0)),
                    took if took < slow / 2 => drop(lock(&memory).remove(&job.group.key)),
                    _ => {}
                }
                values
            })
        };
        Self { quick: prober(), slow: prober(), memory, host: OnceLock::new() }
    }

    /// Reads all groups; each has its answer. Returns after the timeout at the latest.
    #[expect(clippy::mutable_key_type, reason = "a job is known by its group's key, which does not change")]
    pub fn read(&self, host: &HostRoot, groups: Vec<Group>) -> HashMap<String, Answer> {
        let host = self.host.get_or_init(|| Arc::new(host.clone()));
        let job = |group| Job { host: Arc::clone(host), group: Arc::new(group) };
        let slow_ones = lock(&self.memory).clone();
        let (slow, quick): (Vec<Job>, Vec<Job>) =
            groups.into_iter().map(job).partition(|job| slow_ones.contains_key(&job.group.key));
        // The slow ones first: they work while the quick ones are waited for.
        let late = if slow.is_empty() { HashMap::new() } else { self.slow.poll(slow) };
        let mut memory = lock(&self.memory);
        let mut answers: HashMap<String, Answer> = HashMap::new();
        for (job, reply) in late {
            let answer = match reply {
                Reply::Answer(values) => {
                    memory.entry(job.group.key.clone()).and_modify(|runs| *runs = 0);
                    Answer::Values(values)
                }
                Reply::Stalled | Reply::NotAsked => {
                    let runs = memory.entry(job.group.key.clone()).or_insert(0);
                    *runs = runs.saturating_add(1);
                    if *runs > RUNS_MAX { Answer::Stalled } else { Answer::Waiting }
                }
            };
            answers.insert(job.group.key.clone(), answer);
        }
        drop(memory);
        for (job, reply) in self.quick.ask(quick) {
            let answer = match reply {
                Reply::Answer(values) => Answer::Values(values),
                Reply::Stalled | Reply::NotAsked => Answer::Stalled,
            };
            answers.insert(job.group.key.clone(), answer);
        }
        answers
    }
}

fn lock(memory: &Mutex<Memory>) -> MutexGuard<'_, Memory> {
    memory.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What the text of an attribute means.
fn value(text: &str) -> Value {
    let text = text.trim_matches(|c: char| c.is_whitespace() || c == '\0');
    match text.len() {
        0 => Value::Silent,
        1..=TEXT_BYTES_MAX => Value::Text(text.to_owned()),
        length => Value::Failed(format!("{length} bytes, no attribute of a driver")),
    }
}

/// What an error means: whether there is nothing to read, or reading fails.
fn failure(error: &SourceError) -> Value {
    match error {
        SourceError::Missing { .. } | SourceError::Permission { .. } => Value::Silent,
        SourceError::Io { source, .. } if is_silence(source) => Value::Silent,
        SourceError::Io { source, .. } => Value::Failed(source.to_string()),
        other => Value::Failed(other.to_string()),
    }
}

/// Errors by which drivers say that they have no reading: `ENODATA` (switched off), `EAGAIN` (not measured yet), `ENXIO` and
/// `ENODEV` (not connected, just removed), `EINVAL` and `EOPNOTSUPP` (not by this hardware), `ENETDOWN` (a radio that is off).
fn is_silence(error: &io::Error) -> bool {
    let known = [
        Errno::NODATA,
        Errno::AGAIN,
        Errno::NXIO,
        Errno::NODEV,
        Errno::INVAL,
        Errno::OPNOTSUPP,
        Errno::NETDOWN,
    ];
    error
        .raw_os_error()
        .is_some_and(|number| number == ENOTSUPP || known.iter().any(|errno| errno.raw_os_error() == number))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::io::Write;
    use std::path::Path;

    fn group(key: &str, paths: &[&str]) -> Group {
        Group { key: key.to_owned(), paths: paths.iter().map(|path| (*path).to_owned()).collect() }
    }

    /// A pipe that nobody writes to: who opens it to read hangs.
    fn fifo(path: &Path) {
        rustix::fs::mknodat(
            rustix::fs::CWD,
            path,
            rustix::fs::FileType::Fifo,
            rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR,
            0,
        )
        .unwrap();
    }

    #[test]
    fn texts_and_errors_have_a_meaning() {
        assert_eq!(value("  41000\n").number(), Some(41_000.0));
        assert_eq!(value("-5").number(), Some(-5.0));
        assert_eq!(value("Core 0\n"), Value::Text("Core 0".to_owned()));
        assert_eq!((value("\n"), value("nan").number(), value("inf").number()), (Value::Silent, None, None));
        let error =
            |number| SourceError::Io { path: "x".into(), source: io::Error::from_raw_os_error(number) };
        for errno in [Errno::AGAIN, Errno::NODATA, Errno::NXIO] {
            assert_eq!(failure(&error(errno.raw_os_error())), Value::Silent, "{errno}");
        }
        assert_eq!(failure(&error(ENOTSUPP)), Value::Silent);
        for errno in [Errno::IO, Errno::REMOTEIO, Errno::TIMEDOUT] {
            assert!(matches!(failure(&error(errno.raw_os_error())), Value::Failed(_)), "{errno}");
        }
    }

    #[test]
    fn one_that_hangs_costs_itself_and_comes_back() {
        let folder = tempfile::tempdir().unwrap();
        let sys = folder.path().join("sys");
        fs::create_dir(&sys).unwrap();
        fs::write(sys.join("a"), "1\n").unwrap();
        fifo(&sys.join("hang"));
        let host = HostRoot::captured(folder.path());
        let reader = Reader::with_slow("attributes", Duration::from_secs(2), Duration::from_secs(1));
        let groups = || vec![group("hang", &["hang"]), group("a", &["a", "none"])];
        for _ in 0..2 {
            let answers = reader.read(&host, groups());
            let values =
                vec![("a".to_owned(), Value::Text("1".to_owned())), ("none".to_owned(), Value::Silent)];
            assert_eq!(answers["a"], Answer::Values(values));
            assert_eq!(answers["hang"], Answer::Stalled);
        }
        // It answers at last, far too late: from now on it is not waited for.
        let mut pipe = fs::OpenOptions::new().write(true).open(sys.join("hang")).unwrap();
        pipe.write_all(b"7\n").unwrap();
        drop(pipe);
        let deadline = Instant::now() + Duration::from_secs(60);
        while !lock(&reader.memory).contains_key("hang") {
            assert!(Instant::now() < deadline, "never remembered");
            std::thread::yield_now();
        }
        fs::remove_file(sys.join("hang")).unwrap();
        fs::write(sys.join("hang"), "8\n").unwrap();
        assert_eq!(reader.read(&host, groups())["hang"], Answer::Waiting);
        loop {
            assert!(Instant::now() < deadline, "its answer never came");
            if let Answer::Values(values) = &reader.read(&host, groups())["hang"] {
                assert_eq!(values[0].1.number(), Some(8.0));
                break;
            }
        }
    }
}
