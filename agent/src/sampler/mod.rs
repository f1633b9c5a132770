//! Runs the sources: a task each, ticks aligned to the clock, one run at a time, a limit on its time, a fence for panics.
//!
//! The sampler knows sources only by their trait. What a run yields goes to the assembler; how it went to the board.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use hi_common::catalog::SourceOutcome;
use hi_common::error_chain::ErrorChain;
use hi_common::limits::AT_MS_MIN;
use tokio::sync::{mpsc, watch};
use tokio::time::{sleep, timeout};

use crate::clock::{Clock, Grid};
use crate::host::HostRoot;
use crate::layout::Layout;
use crate::pool::{Panicked, Pool};
use crate::source::{Bell, Outcome, Readings, Source, SourceError};
use crate::status::{Board, Verdict};

mod output;

pub use output::{Output, Sampled};

/// Longest sleep between two looks at the wall clock: bounds how late a step of the clock is noticed.
const SLEEP_MAX: Duration = Duration::from_secs(60);
/// How long a source that rang waits for more to happen: what comes in bursts is looked at once.
const RING_PAUSE: Duration = Duration::from_millis(100);

/// A source as the sampler runs it.
pub struct Slot {
    /// Name of the source.
    pub name: &'static str,
    /// How often it runs.
    pub interval: Duration,
    /// After which time a run counts as stalled.
    pub timeout: Duration,
    /// How long after the tick it starts: the agent's own reading waits for the others.
    pub delay: Duration,
    /// Makes the source, at first and after a panic.
    pub make: Box<dyn Fn() -> Option<Box<dyn Source>> + Send>,
}

/// Receives a copy of everything read, for the local exposition.
pub type Mirror = Arc<Mutex<Vec<Option<Readings>>>>;

/// What all tasks share.
#[derive(Clone)]
pub struct Shared {
    /// Wall clock.
    pub clock: Clock,
    /// Offset of this host's ticks, in milliseconds.
    pub offset_ms: i64,
    /// Time of the first run, Unix milliseconds: the start, so that a page shows something at once.
    pub first_at: i64,
    /// The host.
    pub host: HostRoot,
    /// Threads.
    pub pool: Pool,
    /// Outcomes.
    pub board: Arc<Board>,
    /// Where output goes.
    pub output: mpsc::Sender<Output>,
    /// Where copies go, if anywhere.
    pub mirror: Option<Mirror>,
    /// True when no run is to be begun any more; one under way is finished and handed on.
    pub stop: watch::Receiver<bool>,
}

/// What a run needs and gives back.
struct Worker {
    source: Box<dyn Source>,
    readings: Readings,
}

/// What is done with a source.
type Act = fn(&mut dyn Source, &HostRoot, &mut Readings) -> Result<Outcome, SourceError>;
type Run = Result<(Worker, Result<Outcome, SourceError>), Panicked>;

/// Runs one source until it is told to stop, or the receiver of its output is gone.
pub async fn run(slot: Slot, index: usize, shared: Shared) {
    let mut stop = shared.stop.clone();
    let mut task = Task {
        worker: None,
        bell: None,
        layouts: HashMap::new(),
        last_at: i64::MIN,
        backwards: 0,
        slot,
        index,
        shared,
    };
    let mut call = Call::Tick(task.shared.first_at);
    loop {
        if !task.answer(call).await {
            return;
        }
        call = tokio::select! {
            biased;
            _ = stop.wait_for(|stop| *stop) => return,
            call = task.wait() => call,
        };
    }
}

/// What a source is called for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Call {
    /// Its tick has come; the time of it.
    Tick(i64),
    /// It rang.
    Ring,
}

struct Task {
    slot: Slot,
    index: usize,
    shared: Shared,
    worker: Option<Worker>,
    /// The bell of the source in `worker`.
    bell: Option<Bell>,
    /// Layout of each part of the last run, by the name it travels under.
    layouts: HashMap<&'static str, (u64, Arc<Layout>)>,
    last_at: i64,
    backwards: i64,
}

impl Task {
    /// Waits for the next tick, or the bell. The time is derived anew from the wall clock after every sleep, so that a clock
    /// that was set moves the ticks and a machine that slept leaves some out.
    async fn wait(&mut self) -> Call {
        let interval_ms = i64::try_from(self.slot.interval.as_millis()).unwrap_or(i64::MAX).max(1);
        let mut aimed: Option<i64> = None;
        loop {
            if self.observe().await {
                // The clock ran over ticks, or back: none of that is the source's doing.
                self.last_at = self.shared.clock.wall_ms().max(self.last_at);
            }
            let backwards = self.shared.clock.backwards();
            if backwards != self.backwards {
                // Another grid from here on: its ticks cannot repeat one of before.
                (self.backwards, self.last_at, aimed) = (backwards, i64::MIN, None);
            }
            let grid = Grid::new(interval_ms, self.shared.offset_ms, backwards);
            let now = self.shared.clock.wall_ms();
            if aimed.is_none() && self.last_at > i64::MIN {
                self.skip((grid.floor(now) - self.last_at) / interval_ms);
            }
            let target = *aimed.get_or_insert_with(|| grid.next_after(now.max(self.last_at)));
            if now >= target {
                let at = grid.floor(now);
                self.skip((at - target) / interval_ms);
                return Call::Tick(at);
            }
            let left = Duration::from_millis((target - now).unsigned_abs());
            tokio::select! {
                () = sleep(left.min(SLEEP_MAX)) => {}
                () = rung(self.bell.as_ref()) => return Call::Ring,
            }
        }
    }

    /// Does what the source is called for. False when nobody listens any more.
    async fn answer(&mut self, call: Call) -> bool {
        match call {
            Call::Tick(at) => {
                self.last_at = at;
                if !self.slot.delay.is_zero() {
                    sleep(self.slot.delay).await;
                }
                self.call(at, |source, host, readings| source.read(host, readings)).await
            }
            Call::Ring => {
                sleep(RING_PAUSE).await;
                self.bell.as_ref().map(Bell::silence);
                // After the tick before it, so that no series has two samples of one time.
                let at = self.shared.clock.wall_ms().max(self.last_at.saturating_add(1));
                self.call(at, |source, host, readings| source.look(host, readings)).await
            }
        }
    }

    /// Looks for a step of the clock and tells of it; true when there was one.
    async fn observe(&mut self) -> bool {
        let Some(step) = self.shared.clock.observe() else { return false };
        let at = self.shared.clock.wall_ms();
        tracing::warn!(by_ms = step.by_ms, "the clock was set");
        let _ = self.shared.output.send(Output::ClockStep { step, at }).await;
        true
    }

    fn skip(&self, ticks: i64) {
        if ticks > 0 {
            self.shared.board.skip(self.index, ticks.unsigned_abs());
        }
    }

    /// One run. False when nobody listens any more.
    async fn call(&mut self, at: i64, act: Act) -> bool {
        self.shared.board.progress();
        let Some(mut worker) = self.worker.take().or_else(|| self.fresh()) else {
            return self.note(&panicked("source cannot be made")).await;
        };
        worker.readings.clear();
        let host = self.shared.host.clone();
        let started = Instant::now();
        let pool = self.shared.pool.clone();
        let mut run = std::pin::pin!(pool.run(move || {
            let result = act(worker.source.as_mut(), &host, &mut worker.readings);
            (worker, result)
        }));
        match timeout(self.slot.timeout, &mut run).await {
            Ok(result) => self.finish(result, at, started.elapsed()).await,
            Err(_) => {
                let message = format!("did not come back within {:?}", self.slot.timeout);
                let stalled = Verdict {
                    outcome: SourceOutcome::Stalled,
                    reason: Some("timeout"),
                    message: Some(message),
                    duration: started.elapsed(),
                };
                if !self.note(&stalled).await {
                    return false;
                }
                self.outlast(run).await
            }
        }
    }

    /// Waits for a hung run, which cannot be stopped; nothing new is started meanwhile. What it yields is too old.
    async fn outlast(&mut self, mut run: std::pin::Pin<&mut impl Future<Output = Run>>) -> bool {
        let mut stop = self.shared.stop.clone();
        let result = loop {
            tokio::select! {
                result = &mut run => break result,
                () = self.shared.output.closed() => return false,
                _ = stop.wait_for(|stop| *stop) => return false,
                () = sleep(self.slot.interval) => {
                    self.skip(1);
                    // Waiting is progress of the clockwork, not of the source.
                    self.shared.board.progress();
                }
            }
        };
        // The ticks up to here are counted.
        self.last_at = self.last_at.max(self.shared.clock.wall_ms());
        match result {
            Ok((worker, _)) => {
                self.worker = Some(worker);
                !self.shared.output.is_closed()
            }
            // Late or not, that it panicked is news.
            Err(Panicked(text)) => self.note(&panicked(&text)).await,
        }
    }

    async fn finish(&mut self, result: Run, at: i64, duration: Duration) -> bool {
        let (mut worker, result) = match result {
            Ok(run) => run,
            Err(Panicked(text)) => return self.note(&Verdict { duration, ..panicked(&text) }).await,
        };
        let verdict = verdict(&result, duration);
        let mut listening = self.note(&verdict).await;
        listening &= self.emit(&mut worker.readings, at).await;
        self.worker = Some(worker);
        listening
    }

    async fn emit(&mut self, readings: &mut Readings, at: i64) -> bool {
        // A look between two ticks tells what happened; what was read last still holds.
        let looked = at != self.last_at && readings.is_empty();
        if let Some(mirror) = self.shared.mirror.as_ref().filter(|_| !looked) {
            let mut mirror = mirror.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(place) = mirror.get_mut(self.index) {
                *place = Some(readings.clone());
            }
        }
        let source = self.slot.name;
        let mut listening = true;
        if !readings.facts().is_empty() || !readings.gone().is_empty() {
            let (gone, facts) = (readings.gone().to_vec(), readings.take_facts());
            listening &= self.shared.output.send(Output::Facts { source, at, facts, gone }).await.is_ok();
        }
        if !readings.events().is_empty() {
            let events = readings.events().to_vec();
            listening &= self.shared.output.send(Output::Events { at, events }).await.is_ok();
        }
        // A host without a clock: its samples would be refused, with all that travels with them.
        if readings.is_empty() || at < AT_MS_MIN {
            return listening;
        }
        let before = std::mem::take(&mut self.layouts);
        for (name, part) in readings.parts() {
            let source = name.unwrap_or(source);
            let fingerprint = part.fingerprint();
            let known = before.get(source).filter(|(known, _)| *known == fingerprint);
            let layout = match known
                .map_or_else(|| Layout::of(part).map(Arc::new), |(_, layout)| Ok(Arc::clone(layout)))
            {
                Ok(layout) => layout,
                Err(error) => {
                    tracing::error!(source, error = %ErrorChain(&error), "layout cannot be encoded");
                    continue;
                }
            };
            self.layouts.insert(source, (fingerprint, Arc::clone(&layout)));
            let sampled = Sampled { source, at, layout, values: part.values().to_vec() };
            listening &= self.shared.output.send(Output::Sampled(sampled)).await.is_ok();
        }
        listening
    }

    async fn note(&mut self, verdict: &Verdict) -> bool {
        let now = self.shared.clock.wall_ms();
        match self.shared.board.note(self.index, verdict, now) {
            Some(change) => self.shared.output.send(Output::Changed(change)).await.is_ok(),
            None => !self.shared.output.is_closed(),
        }
    }

    fn fresh(&mut self) -> Option<Worker> {
        let source = (self.slot.make)()?;
        self.bell = source.bell();
        Some(Worker { source, readings: Readings::default() })
    }
}

/// Waits for the bell; for ever where there is none.
async fn rung(bell: Option<&Bell>) {
    match bell {
        Some(bell) => bell.rung().await,
        None => std::future::pending().await,
    }
}

fn verdict(result: &Result<Outcome, SourceError>, duration: Duration) -> Verdict {
    let (outcome, reason, message) = match result {
        Ok(Outcome::Read) => (SourceOutcome::Read, None, None),
        Ok(Outcome::Absent) => (SourceOutcome::Absent, None, None),
        Err(error) => (SourceOutcome::Error, Some(error.reason()), Some(ErrorChain(error).to_string())),
    };
    Verdict { outcome, reason, message, duration }
}

fn panicked(text: &str) -> Verdict {
    Verdict {
        outcome: SourceOutcome::Error,
        reason: Some("panic"),
        message: Some(text.to_owned()),
        duration: Duration::ZERO,
    }
}
