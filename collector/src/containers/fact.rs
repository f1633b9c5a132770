//! The fact `container`, read once when it changes.

use crate::doc::Doc;
use crate::moment::parse_time;
use crate::store::FactRow;

/// Longest output of a health check that is kept for a message, in characters.
const OUTPUT_CHARS_MAX: usize = 160;

/// What a table of containers needs of the fact about one. Times are Unix milliseconds.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct ContainerFact {
    /// Its name; of another engine than the usual one with the engine's before it.
    pub id: String,
    /// Since when the fact reads so.
    pub since: i64,
    /// The engine.
    pub engine: Option<String>,
    /// Its name.
    pub name: String,
    /// The engine's identity of it.
    pub container_id: String,
    /// Its image by name.
    pub image: Option<String>,
    /// Identity of the image.
    pub image_id: Option<String>,
    /// Digest of the image.
    pub image_digest: Option<String>,
    /// When the image was made.
    pub image_created_at: Option<i64>,
    /// The engine's word for its state.
    pub state: String,
    /// The engine's word for its health; none without a health check.
    pub health: Option<String>,
    /// What the last health check said, shortened.
    pub health_output: Option<String>,
    /// How it ended.
    pub exit_code: Option<f64>,
    /// Whether it was killed for want of memory.
    pub oom_killed: Option<bool>,
    /// How often the engine started it again.
    pub restart_count: Option<f64>,
    /// When the engine is to do so.
    pub restart_policy: Option<String>,
    /// When it was made.
    pub created_at: Option<i64>,
    /// When it was started.
    pub started_at: Option<i64>,
    /// When it ended.
    pub finished_at: Option<i64>,
    /// Whether it ends and is started again and again.
    pub restart_loop: bool,
    /// Why it cannot be looked into.
    pub reason: Option<String>,
    /// Compose project.
    pub compose_project: Option<String>,
    /// Service in it.
    pub compose_service: Option<String>,
    /// Its ports: `0.0.0.0:80->80/tcp`.
    pub ports: Vec<String>,
    /// Memory it may have.
    pub memory_limit_bytes: Option<f64>,
    /// Processors it may have.
    pub cpu_limit: Option<f64>,
}

impl ContainerFact {
    /// Reads a fact.
    pub fn new(row: &FactRow) -> Self {
        let doc = Doc(&row.doc);
        let time = |key: &str| doc.text(key).and_then(|text| parse_time(&text).ok());
        let positive = |key: &str| doc.number(key).filter(|number| *number > 0.0);
        Self {
            id: row.id.clone(),
            since: row.since,
            engine: doc.text("engine"),
            name: doc.text("name").unwrap_or_else(|| row.id.clone()),
            container_id: doc.text("container_id").unwrap_or_default(),
            image: doc.text("image"),
            image_id: doc.text("image_id"),
            image_digest: doc.text("image_digest"),
            image_created_at: time("image_created_at"),
            state: doc.text("state").unwrap_or_else(|| "unknown".to_owned()),
            health: doc.text("health").filter(|health| health != "none"),
            health_output: doc
                .text("health_output")
                .map(|text| text.chars().take(OUTPUT_CHARS_MAX).collect()),
            exit_code: doc.number("exit_code"),
            oom_killed: doc.flag("oom_killed"),
            restart_count: doc.number("restart_count"),
            restart_policy: doc.text("restart_policy"),
            created_at: time("created_at"),
            started_at: time("started_at"),
            finished_at: time("finished_at"),
            restart_loop: doc.flag("restart_loop").unwrap_or(false),
            reason: doc.text("reason"),
            compose_project: doc.text("compose_project"),
            compose_service: doc.text("compose_service"),
            ports: doc.texts("ports").map(str::to_owned).collect(),
            memory_limit_bytes: positive("memory_limit_bytes"),
            cpu_limit: positive("cpu_limit"),
        }
    }

    /// Whether it runs.
    pub fn is_running(&self) -> bool {
        self.state == "running"
    }

    /// Whether its health check fails.
    pub fn is_unhealthy(&self) -> bool {
        self.health.as_deref() == Some("unhealthy") && self.is_running()
    }

    /// Whether a text, in lower case, stands in its name, image, project or service.
    pub fn contains(&self, text: &str) -> bool {
        let texts = [&self.image, &self.compose_project, &self.compose_service];
        let has = |own: &str| own.to_lowercase().contains(text);
        has(&self.id) || has(&self.name) || texts.into_iter().flatten().any(|own| has(own))
    }
}
