//! The life of an engine's thread: connect, listen, look again, and after a failure once more, with growing pauses.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use futures::StreamExt;
use futures::future::{BoxFuture, FutureExt, join};
use futures::stream::FuturesUnordered;
use tokio::sync::watch;
use tokio::time::{Instant, MissedTickBehavior, interval_at, sleep};

use super::client::{ALL_BYTES_MAX, ANSWER_MAX, Client, Failure, ONE_BYTES_MAX, garbage};
use super::model::{About, CONTAINERS_MAX, Container, Happening, What};
use super::parse::Keep;
use super::state::Shared;
use super::{Wanted, events, parse, stats};

/// Pause after a failure; doubled with each that follows, up to the longest.
const PAUSE_FIRST: Duration = Duration::from_millis(500);
const PAUSE_MAX: Duration = Duration::from_secs(10);
/// How often a silent engine is asked whether it is there.
const PING_EVERY: Duration = Duration::from_secs(15);
/// How often the list is compared with the engine's own, and images, volumes and networks are listed.
const LIST_EVERY: Duration = Duration::from_secs(300);
/// How often an engine is asked for the use of containers whose cgroup cannot be seen.
const USAGE_EVERY: Duration = Duration::from_secs(10);
/// Questions for details under way at a time.
const DETAILS_AT_ONCE: usize = 8;
/// Questions for use under way at a time: each takes the engine up to two seconds.
const USAGE_AT_ONCE: usize = 4;
/// Most containers that an engine is asked for the use of.
const USAGE_MAX: usize = 200;
/// How long the engine may reckon its disk usage.
const DISK_USAGE_MAX: Duration = Duration::from_secs(600);
/// How long after the start it is asked for it: the rest comes first.
const DISK_USAGE_FIRST: Duration = Duration::from_secs(20);

/// Listens until told to stop.
pub(super) async fn listen(wanted: &Wanted, shared: &Shared, mut stopped: watch::Receiver<()>) {
    tokio::select! {
        () = again_and_again(wanted, shared) => {}
        // An error says that the other end is gone.
        _ = stopped.changed() => {}
    }
}

async fn again_and_again(wanted: &Wanted, shared: &Shared) {
    let mut pause = PAUSE_FIRST;
    loop {
        let begun = Instant::now();
        let trouble = serve(wanted, shared).await;
        if begun.elapsed() > PAUSE_MAX {
            pause = PAUSE_FIRST;
        }
        if shared.down(trouble.clone(), now_ms()) {
            let (reason, message) = (trouble.reason, trouble.message);
            tracing::debug!(engine = %wanted.endpoint, reason, message, "engine does not answer");
        }
        sleep(pause).await;
        pause = (pause * 2).min(PAUSE_MAX);
    }
}

fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

/// One connection's worth of listening; returns why it ended.
async fn serve(wanted: &Wanted, shared: &Shared) -> Failure {
    let mut client = match Client::new(&wanted.endpoint) {
        Ok(client) => client,
        Err(failure) => return failure,
    };
    let about = match client.greet().await {
        Ok(about) => about,
        Err(failure) => return failure,
    };
    let labels = wanted.labels.clone();
    let session =
        Session { client: Arc::new(client), shared, keep: Box::new(move |key| labels.matches(key)) };
    match session.run(about, wanted.disk_usage_every).await {
        Ok(never) => match never {},
        Err(failure) => failure,
    }
}

/// What never is.
enum Never {}

type Detail = (String, Result<Option<Container>, Failure>);

struct Session<'a> {
    client: Arc<Client>,
    shared: &'a Shared,
    keep: Box<dyn Fn(&str) -> bool + Send + Sync>,
}

impl Session<'_> {
    fn keep(&self) -> Keep<'_> {
        &*self.keep
    }

    async fn run(&self, about: About, disk_usage_every: Option<Duration>) -> Result<Never, Failure> {
        let filters = "%7B%22type%22%3A%5B%22container%22%5D%7D";
        let path = format!("/events?filters={filters}");
        let mut lines = self.client.lines(&path)?;
        // The stream is opened before the list is asked for, so that nothing happens between the two; what comes over it
        // meanwhile is in the list as well.
        let mut heard = 0_usize;
        {
            let mut first = std::pin::pin!(self.first_list(about));
            loop {
                tokio::select! {
                    listed = &mut first => break listed?,
                    line = lines.next() => {
                        line?;
                        heard += 1;
                    }
                }
            }
        }
        let start = Instant::now();
        let ticks = |first: Duration, every: Duration| {
            let mut ticks = interval_at(start + first, every);
            ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            ticks
        };
        let (mut ping, mut list) = (ticks(PING_EVERY, PING_EVERY), ticks(LIST_EVERY, LIST_EVERY));
        let mut usage = ticks(Duration::ZERO, USAGE_EVERY);
        let disk_every = disk_usage_every.unwrap_or(LIST_EVERY);
        let mut disk = ticks(DISK_USAGE_FIRST, disk_every.max(DISK_USAGE_FIRST));
        let mut details = Details::default();
        if heard > 0 {
            // Heard while the list was under way: the list may be older than that.
            details.want_all(self.compare().await?);
        }
        let mut asides: FuturesUnordered<BoxFuture<'_, Aside>> = FuturesUnordered::new();
        let (mut usage_runs, mut things_run, mut disk_runs) = (false, false, false);
        loop {
            tokio::select! {
                line = lines.next() => self.heard(&line?, &mut details),
                Some((id, detail)) = details.next(self) => self.detailed(&id, detail),
                Some(done) = asides.next(), if !asides.is_empty() => match done {
                    Aside::Usage => usage_runs = false,
                    Aside::Things => things_run = false,
                    Aside::Disk => disk_runs = false,
                },
                _ = ping.tick() => self.ping().await?,
                _ = list.tick() => {
                    details.want_all(self.compare().await?);
                    if !std::mem::replace(&mut things_run, true) {
                        asides.push(self.things().boxed());
                    }
                }
                _ = usage.tick(), if !usage_runs => {
                    usage_runs = true;
                    asides.push(self.usage().boxed());
                }
                _ = disk.tick(), if disk_usage_every.is_some() && !disk_runs => {
                    disk_runs = true;
                    asides.push(self.disk_usage().boxed());
                }
            }
        }
    }

    /// Reads everything, and tells what must have happened since the engine was last heard.
    async fn first_list(&self, about: About) -> Result<(), Failure> {
        let listed = self.list().await?;
        // Images tell how old containers are: who asks first gets both.
        let (containers, _) = join(self.all_details(listed.containers), self.things()).await;
        let containers = containers?;
        if let Some(before) = self.shared.before() {
            let now = now_ms();
            self.shared.happened(Happening { what: What::EngineBack, at_ms: now, ..Happening::default() });
            let ids: BTreeSet<&String> = before.keys().chain(containers.keys()).collect();
            for id in ids {
                let (before, after) =
                    (before.get(id).map(|one| &**one), containers.get(id).map(|one| &**one));
                for happening in events::missed(before, after, now) {
                    self.shared.happened(happening);
                }
            }
        }
        self.shared.up(about, containers, listed.left_out);
        Ok(())
    }

    /// Details of all that were listed.
    async fn all_details(&self, listed: Vec<Container>) -> Result<BTreeMap<String, Arc<Container>>, Failure> {
        let mut details = Details::default();
        details.want_all(listed.iter().map(|one| one.id.clone()));
        let mut containers: BTreeMap<String, Arc<Container>> =
            listed.into_iter().map(|one| (one.id.clone(), Arc::new(one))).collect();
        while let Some((id, detail)) = details.next(self).await {
            match detail {
                Ok(Some(container)) => drop(containers.insert(id, Arc::new(container))),
                Ok(None) => drop(containers.remove(&id)),
                Err(failure) if !is_about_one(&failure) => return Err(failure),
                Err(failure) => {
                    if let Some(place) = containers.get_mut(&id) {
                        Arc::make_mut(place).trouble = Some(failure);
                    }
                }
            }
        }
        Ok(containers)
    }

    /// Whether it answers at all, and be it with a refusal: a proxy may not know the path.
    async fn ping(&self) -> Result<(), Failure> {
        match self.client.get("/_ping", ONE_BYTES_MAX, ANSWER_MAX).await {
            Err(failure) if failure.reason != "http" => Err(failure),
            _ => Ok(()),
        }
    }

    async fn list(&self) -> Result<parse::List, Failure> {
        let path = "/containers/json?all=1";
        let bytes = self.client.get(path, ALL_BYTES_MAX, ANSWER_MAX).await?;
        parse::list(&bytes, self.keep()).map_err(|error| garbage(path, &error))
    }

    /// Containers that the engine lists otherwise than they are known.
    async fn compare(&self) -> Result<Vec<String>, Failure> {
        let listed = self.list().await?.containers;
        let mut known = self.shared.states();
        let mut other = Vec::new();
        for one in listed {
            if known.remove(&one.id) != Some((one.name, one.state)) {
                other.push(one.id);
            }
        }
        other.extend(known.into_keys());
        Ok(other)
    }

    fn heard(&self, line: &[u8], details: &mut Details) {
        // A line that is none says nothing about the next one.
        let Ok(Some(mut happening)) = events::happening(line) else { return };
        let id = happening.id.clone();
        if let Some(known) = self.shared.container(&id) {
            if happening.name.is_empty() {
                happening.name.clone_from(&known.name);
            }
            if happening.image.is_empty() {
                happening.image.clone_from(&known.image);
            }
        }
        let what = happening.what;
        if what != What::Changed {
            self.shared.happened(happening);
        }
        match what {
            What::Destroyed => self.shared.set_container(&id, None),
            // The process is still there; what comes of the signal is told by the next event.
            What::Signalled => {}
            _ => details.want(id),
        }
    }

    fn detailed(&self, id: &str, detail: Result<Option<Container>, Failure>) {
        match detail {
            Ok(Some(container))
                if self.shared.container(id).is_none() && self.shared.count() >= CONTAINERS_MAX =>
            {
                drop(container);
            }
            Ok(container) => self.shared.set_container(id, container),
            Err(failure) => {
                if let Some(known) = self.shared.container(id) {
                    self.shared
                        .set_container(id, Some(Container { trouble: Some(failure), ..(*known).clone() }));
                }
            }
        }
    }

    /// The details of one container; `None` when there is no such container any more.
    async fn detail(&self, id: &str) -> Result<Option<Container>, Failure> {
        let path = format!("/containers/{id}/json");
        match self.client.get(&path, ONE_BYTES_MAX, ANSWER_MAX).await {
            Ok(bytes) => {
                let read = parse::inspect(&bytes, self.keep());
                read.map(Some).map_err(|error| garbage("/containers/<id>/json", &error))
            }
            Err(failure) if failure.reason == "http" && failure.message.contains("status code 404") => {
                Ok(None)
            }
            Err(failure) => Err(failure),
        }
    }

    /// Images, volumes and networks. A proxy may forbid each.
    async fn things(&self) -> Aside {
        let get = |path| self.client.get(path, ALL_BYTES_MAX, ANSWER_MAX);
        if let Ok(Ok(images)) = get("/images/json").await.map(|bytes| parse::images(&bytes)) {
            self.shared.set_images(images);
        }
        if let Ok(Ok(volumes)) = get("/volumes").await.map(|bytes| parse::volumes(&bytes)) {
            self.shared.set_volumes(volumes);
        }
        if let Ok(Ok(networks)) = get("/networks").await.map(|bytes| parse::networks(&bytes)) {
            self.shared.set_networks(networks);
        }
        Aside::Things
    }

    async fn disk_usage(&self) -> Aside {
        let bytes = self.client.get("/system/df", ALL_BYTES_MAX, DISK_USAGE_MAX).await;
        if let Ok(Ok(usage)) = bytes.map(|bytes| parse::disk_usage(&bytes)) {
            self.shared.set_disk_usage(usage);
        }
        Aside::Disk
    }

    async fn usage(&self) -> Aside {
        let wanted = self.shared.wanted_usage();
        let ask = |id: String| async move {
            let path = format!("/containers/{id}/stats?stream=false&one-shot=true");
            let bytes = self.client.get(&path, ONE_BYTES_MAX, ANSWER_MAX).await;
            let usage = bytes.ok().and_then(|bytes| stats::usage(&bytes).ok());
            self.shared.set_usage(id, usage);
        };
        let asked = wanted.into_iter().take(USAGE_MAX).map(ask);
        futures::stream::iter(asked).for_each_concurrent(USAGE_AT_ONCE, |question| question).await;
        Aside::Usage
    }
}

/// A failure that says something of one container, not of the engine.
fn is_about_one(failure: &Failure) -> bool {
    matches!(failure.reason.as_str(), "http" | "garbage" | "too_large")
}

/// What is done beside listening.
enum Aside {
    Usage,
    Things,
    Disk,
}

/// Containers whose details are wanted: each is asked for once at a time, a few at once.
#[derive(Default)]
struct Details<'a> {
    queue: VecDeque<String>,
    /// Asked for, and whether something happened to it since.
    under_way: BTreeMap<String, bool>,
    asked: FuturesUnordered<BoxFuture<'a, Detail>>,
}

impl<'a> Details<'a> {
    fn want(&mut self, id: String) {
        if let Some(again) = self.under_way.get_mut(&id) {
            *again = true;
        } else if !self.queue.contains(&id) {
            self.queue.push_back(id);
        }
    }

    fn want_all(&mut self, ids: impl IntoIterator<Item = String>) {
        ids.into_iter().for_each(|id| self.want(id));
    }

    /// The next answer; `None` when nothing is wanted.
    async fn next(&mut self, session: &'a Session<'_>) -> Option<Detail> {
        while self.asked.len() < DETAILS_AT_ONCE {
            let Some(id) = self.queue.pop_front() else { break };
            self.under_way.insert(id.clone(), false);
            let ask = async move {
                let detail = session.detail(&id).await;
                (id, detail)
            };
            self.asked.push(ask.boxed());
        }
        let (id, detail) = self.asked.next().await?;
        if self.under_way.remove(&id) == Some(true) {
            self.queue.push_back(id.clone());
        }
        Some((id, detail))
    }
}
